"""What gateways tell by themselves: that something happened to a payment.

A notice may be forged, come twice, late, or after one that was sent later. So its signature is checked, and then nothing in it is
believed but which payment it is about: what became of that the gateway is asked, and a notice more is a question more. One that
says that a payment was not made, after it had been, is asked about too; all others leave what is over as it is.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from evenhand.accounts.state import Connection
from evenhand.errors import BadInput, UnknownThing
from evenhand.events.signing import verified
from evenhand.fund.gateways import NAMES
from evenhand.store import Queries

_sql: Final = Queries.load("payouts")
# How old a notice may be, in seconds; who keeps one cannot send it for ever.
_OLDEST: Final = 300
# Where the secret of each gateway's notices stands in the environment.
SECRETS: Final[Mapping[str, str]] = {
    "sandbox": "EVENHAND_SANDBOX_WEBHOOK_SECRET",
    "stripe": "EVENHAND_STRIPE_WEBHOOK_SECRET",
}


class Notice(NamedTuple):
    """Which payment is meant, by its key (None: none of ours), and whether it is said to be not made after all."""

    key: str | None
    undone: bool


def read(gateway: str, headers: Mapping[str, str], body: bytes, settings: Mapping[str, str], now: datetime) -> Notice:
    """A notice whose signature is right; names of headers are lower case.

    Raises `UnknownThing` where no notices of that gateway are taken, `BadInput` for a signature or body that is wrong.
    """
    if gateway not in NAMES:
        raise UnknownThing(f"there is no gateway {gateway[:60]!r}; there are {', '.join(NAMES)}", field="gateway")
    secret = settings.get(SECRETS[gateway])
    if not secret:
        raise UnknownThing(f"no notices of {gateway} are taken: set {SECRETS[gateway]}", field="gateway")
    if gateway == "stripe":
        _check_stripe(headers, body, secret)
    else:
        try:
            right = verified(secret, headers, body, now, _OLDEST)
        except ValueError:
            raise UnknownThing(f"{SECRETS[gateway]} is no secret like whsec_..., so no notices are taken") from None
        if not right:
            raise BadInput("does not fit the body, or is too old", field="webhook-signature")
    try:
        told = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadInput(f"this is not a JSON object: {error}") from None
    return _of_stripe(told) if gateway == "stripe" else _of_sandbox(told)


async def take(connection: Connection, gateway: str, notice: Notice, now: datetime) -> bool:
    """Have the gateway asked about the payment at once, in the caller's transaction; whether there is anything to ask."""
    if notice.key is None:
        return False
    number = await connection.fetchval(_sql.ask_now, notice.key, gateway, notice.undone, now)
    if number is not None:
        said = "the gateway has told of it" + (": it is said not to be paid after all" if notice.undone else "")
        await connection.execute(_sql.noticed, number, now, said)
    return number is not None


def _check_stripe(headers: Mapping[str, str], body: bytes, secret: str) -> None:
    try:
        import stripe
    except ModuleNotFoundError:
        raise BadInput('Stripe needs its library: pip install "evenhand[stripe]"') from None
    try:
        stripe.WebhookSignature.verify_header(body, headers.get("stripe-signature"), secret, tolerance=_OLDEST)
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        raise BadInput("does not fit the body, or is too old", field="Stripe-Signature") from None


def _of_stripe(told: Mapping[str, Any]) -> Notice:
    match told:
        case {"data": {"object": {"object": "refund", "metadata": {"evenhand_payout": str(key)}, **refund}}}:
            return Notice(key, refund.get("status") in ("failed", "canceled"))
        case _:
            return Notice(None, undone=False)


def _of_sandbox(told: Mapping[str, Any]) -> Notice:
    key = told.get("key")
    return Notice(key if isinstance(key, str) else None, undone=told.get("state") == "refused")
