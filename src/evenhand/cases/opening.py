"""Where a case stands right after its ruling, and what follows when nobody answers in time."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from evenhand.cases.model import Case, Decision, Ground, Paid, Silence, State
from evenhand.cases.settings import Settings
from evenhand.policy import Ruling

# What remains to be done after each outcome.
STATE_AFTER: Final[dict[str, State]] = {
    "subsidise": "closed",
    "refund_by_merchant": "closed",
    "decline": "closed",
    "negotiate": "opened",
    "merchant_decides": "opened",
    "return_and_refund": "settling",
    "review": "escalated",
}
# What silence means where the policy does not say: the platform looks, or the buyer who sends nothing back has thought better.
_SILENCE: Final[dict[str, Silence]] = {
    "negotiate": "escalate",
    "merchant_decides": "escalate",
    "return_and_refund": "close",
}


# Outcomes with a deadline whatever the policy says: a person is to rule, or goods to be sent, in the market's time.
_ALWAYS: Final = ("review", "return_and_refund")


def silence_of(ruling: Ruling) -> Silence | None:
    """What follows when the deadline of a ruling passes; None where there is none that anybody could miss."""
    if ruling.outcome not in _SILENCE or not waits(ruling.outcome, ruling.respond_within_hours):
        return None
    return ruling.on_silence or _SILENCE[ruling.outcome]  # pyright: ignore[reportReturnType] - the policy's type allows no other


def waits(outcome: str, hours: int | None) -> bool:
    """Whether a clock or a person must come back to a case although nobody does anything."""
    return outcome in _ALWAYS or (hours is not None and outcome in _SILENCE)


def opened(ground: Ground) -> Case:
    """A case as its ruling leaves it."""
    state = STATE_AFTER[ground.outcome]
    ruled = Decision(
        ground.outcome, ground.payer, ground.granted, "policy", ground.issued_at, return_required=ground.return_required
    )
    case = Case(state, decision=ruled)
    match ground.outcome:
        case "subsidise" if ground.payer == "platform":
            case = replace(case, paid=Paid(by_platform=ground.granted))
        case "refund_by_merchant" if ground.payer == "merchant":
            case = replace(case, paid=Paid(by_merchant=ground.granted))
        case "return_and_refund":
            case = replace(case, turn="buyer", due=ground.first_due, todo=("return", "receive"))
        case "review":
            case = replace(case, wanted_by=ground.first_due, decision=None)
        case "negotiate" | "merchant_decides":
            case = replace(case, turn="merchant", due=ground.first_due, decision=None)
        case _:
            pass
    return replace(case, ended="ruled", ended_at=ground.issued_at) if state == "closed" else case


def first_due(
    outcome: str, hours: int | None, issued_at: datetime, settings: Settings, zone: ZoneInfo
) -> datetime | None:
    """By when the first party, or a person, must have acted.

    Counted from the moment the ruling is issued: nobody can answer before it was told, even where an application is filed late.
    """
    if outcome == "review":
        hours = hours or settings.review_hours
    elif outcome == "return_and_refund":
        hours = hours or settings.return_hours
    return None if hours is None else settings.calendar.after(issued_at, timedelta(hours=hours), zone)
