"""Which events somebody wants: types by name (`evenhand.ruling.issued`) or by group (`evenhand.case.*`)."""

import re
from collections.abc import Sequence
from typing import Final

from evenhand.errors import BadInput
from evenhand.events.cloud import PREFIX

GROUPS: Final = ("ruling", "case", "fund", "label", "policy", "webhook")
_PATTERN: Final = re.compile(r"[a-z_]+\.(\*|[a-z_]+)")
_MOST: Final = 50


def wanted_types(asked: Sequence[str], field: str = "types") -> list[str]:
    """Types as they are kept, without `evenhand.`; raises `BadInput` for what no event can be of."""
    if len(asked) > _MOST:
        raise BadInput(f"at most {_MOST} types can be named", field=field)
    found: list[str] = []
    for text in asked:
        name = text.strip().removeprefix(PREFIX)
        if not _PATTERN.fullmatch(name) or name.partition(".")[0] not in GROUPS:
            groups = ", ".join(f"{PREFIX}{group}.*" for group in GROUPS)
            raise BadInput(f"{text[:80]!r} is no type of events; there are {groups}", field=field)
        if name not in found:
            found.append(name)
    return found


def shown_types(kept: Sequence[str]) -> list[str]:
    """Types as the outside writes them."""
    return [PREFIX + name for name in kept]


def like(kept: Sequence[str]) -> list[str] | None:
    """Types as LIKE patterns; None for every one."""
    return [name.replace("_", r"\_").replace("*", "%") for name in kept] or None


def is_wanted(kept: Sequence[str], kind: str) -> bool:
    """Whether an event of that type is wanted; none named means every one."""
    return not kept or kind in kept or f"{kind.partition('.')[0]}.*" in kept
