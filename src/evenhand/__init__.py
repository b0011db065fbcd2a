"""Evenhand decides refund disputes for marketplaces.

As a library: `evenhand.Policy.load("taobao").rule(facts)`.
"""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evenhand.policy import Policy as Policy
    from evenhand.policy import PolicyError as PolicyError
    from evenhand.policy import Ruling as Ruling

__version__ = version("evenhand")
__all__ = ["Policy", "PolicyError", "Ruling", "__version__"]


def __getattr__(name: str) -> Any:
    # loaded when first asked for: the command line and the keeper of the database start without it
    if name in ("Policy", "PolicyError", "Ruling"):
        from evenhand import policy

        return getattr(policy, name)
    raise AttributeError(f"module 'evenhand' has no attribute {name!r}")
