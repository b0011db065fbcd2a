"""A case as the machine sees it: what was settled when it opened, where it stands, and the events that brought it there.

`Ground` never changes while an action is decided: the application, its ruling, the market's settings. `Case` is the state, a
value folded from the events. An `Event` is what happened: who did what, when and why, and the state it led to. Events are
appended and never changed; folding them again over the ground must give the stored state.
"""

from datetime import datetime
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, UnsetType

from evenhand.cases.settings import Settings

State = Literal["opened", "negotiating", "agreed", "escalated", "under_review", "ruled", "settling", "closed"]
# the clock acts when a deadline passes; jurors speak only as the panel
Role = Literal["buyer", "merchant", "adjudicator", "platform", "clock", "panel"]
Party = Literal["buyer", "merchant"]
OfferKind = Literal["refund", "partial_refund", "retention", "return_and_refund", "exchange", "resend"]
Silence = Literal["accept", "escalate", "close"]
Step = Literal["return", "receive", "replace"]
Finding = Literal["as_described", "defective", "not_as_described", "counterfeit", "inconclusive"]
STATES: Final[tuple[State, ...]] = (
    "opened", "negotiating", "agreed", "escalated", "under_review", "ruled", "settling", "closed",
)  # fmt: skip
OFFERS: Final[tuple[OfferKind, ...]] = (
    "refund", "partial_refund", "retention", "return_and_refund", "exchange", "resend",
)  # fmt: skip
# Offers that give money back.
MONEY_OFFERS: Final = ("refund", "partial_refund", "retention", "return_and_refund")


class Who(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who acts: in which role, and who that is (the marketplace's id of the account, or a person's name)."""

    role: Literal["buyer", "merchant", "adjudicator", "platform"]
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]


class Offer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one side proposes to the other."""

    no: int
    kind: OfferKind
    by: Party
    # minor units of the market's currency; 0 where nothing is paid
    amount: int
    expires: datetime
    # the offer of the other side that it answers
    answers: int | None = None
    note: str = ""
    state: Literal["open", "accepted", "declined", "countered", "replaced"] = "open"

    def is_open(self, now: datetime) -> bool:
        return self.state == "open" and now < self.expires


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who pays whom, and why: by the policy, an agreement, a person, or a panel."""

    outcome: str
    payer: Literal["platform", "merchant", "none"]
    # what the buyer is to have in all, minor units
    amount: int
    source: Literal["policy", "agreement", "person", "panel", "silence"]
    at: datetime
    return_required: bool = False
    # codes of the grounds it rests on (`evenhand.cases.grounds`), and a person's own words
    grounds: tuple[str, ...] = ()
    note: str = ""
    # persons who made it
    by: tuple[str, ...] = ()


class Paid(msgspec.Struct, frozen=True, omit_defaults=True):
    """What has moved for a case so far, in minor units."""

    by_platform: int = 0
    by_merchant: int = 0
    # given back to the merchant by the fund, and charged to the merchant for what the fund had paid
    compensated: int = 0
    charged: int = 0
    # taken back from the buyer
    recovered: int = 0

    @property
    def to_buyer(self) -> int:
        """What the buyer has had."""
        return self.by_platform + self.by_merchant - self.recovered

    @property
    def of_merchant(self) -> int:
        """What the merchant bears; the rest of what the buyer has had the fund bears."""
        return self.by_merchant + self.charged - self.compensated


class Case(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a case stands."""

    state: State
    # events so far
    version: int = 0
    # whose answer is awaited, and when the clock acts
    turn: Party | None = None
    due: datetime | None = None
    # seconds of counting time that were left when the clock was stopped
    left: float | None = None
    # when talking must have come to an end
    ends: datetime | None = None
    offers: tuple[Offer, ...] = ()
    # messages and pieces of evidence
    thread: int = 0
    # the merchant has refused the application
    refused: bool = False
    # by when a person is to have ruled; who holds the case
    wanted_by: datetime | None = None
    holder: str | None = None
    # a ruling that waits for a second person
    draft: Decision | None = None
    # a panel is voting
    panel: bool = False
    inspection: Literal["ordered"] | Finding | None = None
    # the decision in force, and the one it replaced
    decision: Decision | None = None
    paid: Paid = Paid()
    # what is still to be done, and what is then to be paid by whom
    todo: tuple[Step, ...] = ()
    # appeals so far, who has appealed, and who decided before and so may not decide again
    appealed: tuple[Party, ...] = ()
    deciders: tuple[str, ...] = ()
    ended: str | None = None
    ended_at: datetime | None = None


class Ground(msgspec.Struct, frozen=True):
    """What stands fast while an action is decided."""

    no: int
    market: int
    currency: str
    zone: ZoneInfo
    settings: Settings
    buyer: str
    merchant: str
    remedy: str
    # the ruling
    outcome: str
    payer: Literal["platform", "merchant", "none"]
    return_required: bool
    asked: int
    granted: int
    hours: int | None
    silence: Silence | None
    issued_at: datetime
    first_due: datetime | None
    # of the order line: what was paid for it, and what of that has not been granted back by now
    line_paid: int
    line_left: int
    # of this case: what people took back from the buyer beside its events
    recovered_by_hand: int = 0


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an event says, beyond who did what: only what it brought."""

    text: str = ""
    evidence: tuple[str, ...] = ()
    offer: Offer | None = None
    # the offer that is accepted, declined or countered
    answers: int | None = None
    # the deadline it set, and for whom
    due: datetime | UnsetType | None = UNSET
    turn: Party | UnsetType | None = UNSET
    left: float | UnsetType | None = UNSET
    ends: datetime | None = None
    wanted_by: datetime | None = None
    decision: Decision | None = None
    # the decision turned another one over
    overturned: bool = False
    todo: tuple[Step, ...] | UnsetType = UNSET
    # money that moved: who paid, how much, why (the ledger's cause)
    payer: Literal["platform", "merchant", "none"] = "none"
    amount: int = 0
    cause: str = ""
    finding: Finding | None = None
    # why a case ended
    ended: str = ""


class Event(msgspec.Struct, frozen=True):
    """One thing that happened in a case."""

    # 1, 2, 3 ... within the case
    no: int
    at: datetime
    action: str
    role: Role
    # the account's id, or a person's name; empty for the clock and the panel
    who: str
    # the state it led to
    state: State
    said: Said
