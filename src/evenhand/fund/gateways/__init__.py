"""Payment gateways: how money leaves for buyers.

A gateway may fail before it has paid, after it has paid, or say nothing at all. So every payment carries a key of its own, under
which the gateway pays once however often it is asked, and can be asked what became of it. What is not known is asked, and never
paid again under another key.
"""

from collections.abc import Mapping
from typing import Literal, Protocol
from urllib.parse import urlsplit

import msgspec

from evenhand.errors import BadInput


class Payment(msgspec.Struct, frozen=True):
    """Money for a buyer, as a gateway is asked to pay it."""

    # what makes it happen once
    key: str
    # minor units
    amount: int
    currency: str
    market: str
    # as the marketplace calls them
    buyer: str
    order: str
    case: str
    # by what the gateway knows the payment of the order, where the money goes back to where it came from
    reference: str | None


class Answer(msgspec.Struct, frozen=True):
    """What a gateway says of a payment."""

    # refused is for good: nothing was paid, and nothing will be
    state: Literal["paid", "pending", "refused"]
    # the gateway's own name for it
    id: str
    # what it pays, or would have paid
    amount: int
    currency: str
    # why it was refused, or is still pending
    problem: str = ""


class Unknown(Exception):
    """Whether it was paid is not known: ask later."""


class NotNow(Exception):
    """Surely nothing was paid, and it may be later: send it again then."""


class Gateway(Protocol):
    """One gateway, as an account there."""

    @property
    def name(self) -> str:
        """What markets call it."""
        ...

    async def pay(self, payment: Payment) -> Answer:
        """Pay, once for its key; raises `Unknown` or `NotNow`."""
        ...

    async def find(self, payment: Payment) -> Answer | None:
        """What became of a payment; None when it was never made. Raises `Unknown` when the gateway cannot say."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


NAMES = ("sandbox", "stripe")


def configured(settings: Mapping[str, str]) -> dict[str, Gateway]:
    """The gateways that the environment names, by name.

    `EVENHAND_SANDBOX_URL` is where a sandbox answers, `EVENHAND_STRIPE_KEY` a secret key of Stripe's (`pip install
    "evenhand[stripe]"`). Raises `BadInput` for one that is of no use.
    """
    found: dict[str, Gateway] = {}
    if url := settings.get("EVENHAND_SANDBOX_URL"):
        from evenhand.fund.gateways.sandbox import Sandbox

        try:
            fit = (
                url.startswith(("http://", "https://"))
                and bool(urlsplit(url).hostname)
                and (urlsplit(url).port or 80) > 0
            )
        except ValueError:
            fit = False
        if not fit:
            raise BadInput("is an address like http://127.0.0.1:8700", field="EVENHAND_SANDBOX_URL")
        found["sandbox"] = Sandbox(url)
    if key := settings.get("EVENHAND_STRIPE_KEY"):
        try:
            from evenhand.fund.gateways.stripe import Stripe
        except ModuleNotFoundError:
            raise BadInput(
                'Stripe needs its library: pip install "evenhand[stripe]"', field="EVENHAND_STRIPE_KEY"
            ) from None
        if not key.isascii() or not key.isprintable():
            raise BadInput("is a secret key like sk_live_...", field="EVENHAND_STRIPE_KEY")
        found["stripe"] = Stripe(key)
    return found
