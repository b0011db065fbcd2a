"""What can be done to a case, as it is sent: one record per action, and the function that decides it."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import msgspec

from evenhand.cases import adjudication, negotiation, settling
from evenhand.cases.adjudication import Rulable
from evenhand.cases.machine import Hand, refusal
from evenhand.cases.model import Finding, OfferKind, Who
from evenhand.cases.table import find
from evenhand.errors import Conflict
from evenhand.records import SAYS_SOMETHING, Amount, Currency

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4000, pattern=SAYS_SOMETHING)]
# may be left out, but is no spaces either
Note = Annotated[str, msgspec.Meta(max_length=4000, pattern=f"^$|{SAYS_SOMETHING}")]
Reference = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=SAYS_SOMETHING)]
References = Annotated[list[Reference], msgspec.Meta(max_length=20)]
Number = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Hours = Annotated[int, msgspec.Meta(ge=1, le=24 * 366)]


class Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something done to a case, and who does it."""

    by: Who


class Message(Action, frozen=True, kw_only=True):
    """Say something in the thread."""

    text: Text


class AddEvidence(Action, frozen=True, kw_only=True):
    """Add evidence: references as the upload gave them, a tracking number, or words."""

    evidence: References = []
    text: Note = ""


class MakeOffer(Action, frozen=True, kw_only=True):
    """Propose a way out; it replaces the open offer of the same side."""

    kind: OfferKind
    # minor units; a full refund is what was asked
    amount: Amount | None = None
    currency: Currency | None = None
    # how long it is open; the market's own time unless told
    hours: Hours | None = None
    # the offer of the other side that it answers
    counters: Number | None = None
    note: Note = ""


class Accept(Action, frozen=True, kw_only=True):
    """Accept an offer; the merchant without naming one accepts the application as it was filed."""

    offer: Number | None = None


class Decline(Action, frozen=True, kw_only=True):
    """Refuse an offer; the merchant without naming one refuses the application."""

    offer: Number | None = None
    why: Note = ""


class Escalate(Action, frozen=True, kw_only=True):
    """Ask for a person to rule."""

    why: Note = ""


class Withdraw(Action, frozen=True, kw_only=True):
    """The buyer takes the application back."""

    why: Note = ""


class AppealRuling(Action, frozen=True, kw_only=True):
    """Have a closed case decided again, by another person."""

    why: Text
    # evidence that was not there before
    evidence: References


class Claim(Action, frozen=True, kw_only=True):
    """Hold the case for a while, to rule it."""


class Release(Action, frozen=True, kw_only=True):
    """Give a claimed case back."""


class Rule(Action, frozen=True, kw_only=True):
    """Rule the case."""

    outcome: Rulable
    # what the buyer is to have in all, minor units; all that was asked unless told
    amount: Amount | None = None
    currency: Currency | None = None
    # codes of the grounds it rests on
    grounds: Annotated[list[str], msgspec.Meta(max_length=10)]
    # in the person's own words, told to the parties as it is
    note: Note = ""


class Confirm(Action, frozen=True, kw_only=True):
    """Rule as the first person proposed."""


class Object(Action, frozen=True, kw_only=True):
    """Not rule as the first person proposed."""

    why: Text


class Convene(Action, frozen=True, kw_only=True):
    """Have a panel of users rule the case."""

    why: Note = ""


class Inspect(Action, frozen=True, kw_only=True):
    """Have a third party look at the goods."""

    text: Note = ""


class Inspected(Action, frozen=True, kw_only=True):
    """The result of an inspection."""

    finding: Finding
    # who inspected, and what was found
    text: Text


class Pause(Action, frozen=True, kw_only=True):
    """Let the deadline stand still."""

    why: Text


class Resume(Action, frozen=True, kw_only=True):
    """Let the deadline go on, with the time that was left."""

    why: Note = ""


class SendBack(Action, frozen=True, kw_only=True):
    """The buyer has sent the goods back."""

    # carrier and tracking number
    text: Text


class Receive(Action, frozen=True, kw_only=True):
    """The goods came back as they should."""

    text: Note = ""


class Replace(Action, frozen=True, kw_only=True):
    """The merchant has sent a replacement."""

    # carrier and tracking number
    text: Text


def _pause(hand: Hand, why: str) -> None:
    case, ground = hand.case, hand.ground
    if case.due is None:
        raise Conflict("no deadline is running", field="action")
    left = ground.settings.calendar.between(hand.now, case.due, ground.zone)
    hand.add("pause", text=why, due=None, left=left.total_seconds())


def _resume(hand: Hand, why: str) -> None:
    if hand.case.left is None:
        raise Conflict("the clock is not stopped", field="action")
    hand.add("resume", text=why, due=hand.after(hand.case.left / 3600), left=None)


# The last part of the address of each action, what is sent there, and what decides it.
ACTIONS: Final[dict[str, tuple[type[Action], Callable[[Hand, Any], None]]]] = {
    "messages": (Message, lambda hand, it: negotiation.message(hand, it.text)),
    "evidence": (AddEvidence, lambda hand, it: negotiation.evidence(hand, tuple(it.evidence), it.text)),
    "offers": (
        MakeOffer,
        lambda hand, it: negotiation.offer(hand, it.kind, it.amount, it.currency, it.hours, it.counters, it.note),
    ),
    "accept": (Accept, lambda hand, it: negotiation.accept(hand, it.offer)),
    "decline": (Decline, lambda hand, it: negotiation.decline(hand, it.offer, it.why)),
    "escalate": (Escalate, lambda hand, it: negotiation.escalate(hand, it.why)),
    "withdraw": (Withdraw, lambda hand, it: negotiation.withdraw(hand, it.why)),
    "appeal": (AppealRuling, lambda hand, it: adjudication.appeal(hand, it.why, tuple(it.evidence))),
    "claim": (Claim, lambda hand, _: adjudication.claim(hand)),
    "release": (Release, lambda hand, _: adjudication.release(hand)),
    "rule": (
        Rule,
        lambda hand, it: adjudication.rule(
            hand, it.outcome, it.amount, it.currency, tuple(dict.fromkeys(it.grounds)), it.note
        ),
    ),
    "confirm": (Confirm, lambda hand, _: adjudication.confirm(hand)),
    "object": (Object, lambda hand, it: adjudication.reject(hand, it.why)),
    "convene": (Convene, lambda hand, it: adjudication.convene(hand, it.why)),
    "inspect": (Inspect, lambda hand, it: adjudication.inspect(hand, it.text)),
    "inspected": (Inspected, lambda hand, it: adjudication.inspected(hand, it.finding, it.text)),
    "pause": (Pause, lambda hand, it: _pause(hand, it.why)),
    "resume": (Resume, lambda hand, it: _resume(hand, it.why)),
    "send-back": (SendBack, lambda hand, it: settling.send_back(hand, it.text)),
    "receive": (Receive, lambda hand, it: settling.receive(hand, it.text)),
    "replace": (Replace, lambda hand, it: settling.send_replacement(hand, it.text)),
}
Name = Literal[
    "messages", "evidence", "offers", "accept", "decline", "escalate", "withdraw", "appeal", "claim", "release", "rule",
    "confirm", "object", "convene", "inspect", "inspected", "pause", "resume", "send-back", "receive", "replace",
]  # fmt: skip
# What happens by an action, where it is not called like its address.
_HAPPENS: Final = {"messages": "message", "offers": "offer", "send-back": "send_back", "confirm": "rule"}
_DECIDES: Final = {kind: (_HAPPENS.get(name, name), decides) for name, (kind, decides) in ACTIONS.items()}


def decide(hand: Hand, action: Action) -> None:
    """Decide an action: the hand holds its events then. Raises `Conflict`, `NotAllowed` or `BadInput` with why not."""
    happens, decides = _DECIDES[type(action)]
    # what cannot be done in this state or role is said first, whatever else is wrong
    if find(hand.case.state, happens, hand.role) is None:
        raise refusal(hand.case, happens, hand.role, "confirm" if isinstance(action, Confirm) else happens)
    decides(hand, action)


def tick(hand: Hand) -> bool:
    """What a passed deadline leads to where no panel is asked; whether anything did."""
    case = hand.case
    if case.due is None or hand.now < case.due:
        return False
    match case.state:
        case "opened" | "negotiating" | "settling":
            negotiation.silence(hand)
        case "under_review" if not case.panel:
            hand.add("release", due=None)
        case _:
            return False
    return True
