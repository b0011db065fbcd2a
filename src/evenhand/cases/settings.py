"""How a market handles its cases: its deadlines, who adjudicates, how long one may appeal.

A market that has set nothing works by the defaults here. Deadlines are counted by the market's calendar when they are set, so
a change of settings touches only deadlines that are set afterwards.
"""

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

from evenhand.cases.calendar import Calendar
from evenhand.errors import BadInput
from evenhand.vocabulary import MOST_MONEY

Hours = Annotated[int, msgspec.Meta(ge=1, le=24 * 366)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Count = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class Panel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A panel of jurors (Xianyu's small court: 17 drawn, first side to 9 within 24 hours)."""

    jurors: Annotated[int, msgspec.Meta(ge=3, le=99)] = 17
    majority: Annotated[int, msgspec.Meta(ge=2, le=99)] = 9
    hours: Hours = 24
    # stop as soon as the weighed votes are so sure of a side; null counts votes only, to the majority
    sure: Annotated[float, msgspec.Meta(gt=0.5, lt=1)] | None = 0.95
    # what a juror must have: days since its first order here, and orders
    days_known: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 90
    orders: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 5


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A market's own rules for what happens after a ruling."""

    calendar: Calendar = msgspec.field(default_factory=Calendar)
    # how long a party has to answer while the parties talk, where the policy does not say; and how long talking may take
    talk_hours: Hours = 168
    longest_talk_hours: Hours = 360
    # how long an offer is open unless told, and at most
    offer_hours: Hours = 48
    longest_offer_hours: Hours = 168
    # a merchant's retention offer: its greatest share of the order line in percent, and how long it is open
    retention_share: Percent = 55
    retention_hours: Hours = 24
    # how long a buyer has to send goods back, a merchant to say that they came, and to send a replacement
    return_hours: Hours = 168
    receive_hours: Hours = 240
    replace_hours: Hours = 168
    # by when a case with a person is to be ruled, how long an adjudicator holds a case, above which amount two must agree
    review_hours: Hours = 72
    claim_minutes: Annotated[int, msgspec.Meta(ge=1, le=24 * 60)] = 60
    second_pair_above: Annotated[int, msgspec.Meta(ge=0, le=MOST_MONEY)] | None = None
    # how many claims a day persons can look at because the learned abuse score is uncertain of them; null is no limit
    uncertain_per_day: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None
    adjudication: Literal["staff", "panel"] = "staff"
    panel: Panel = Panel()
    # how long a closed case can be appealed, and which share of appeals has its goods inspected by a third party
    appeal_months: Annotated[int, msgspec.Meta(ge=1, le=36)] = 6
    inspection_share: Percent = 0
    # messages and pieces of evidence that one case takes
    longest_thread: Count = 500
    # bodies outside of the platform a party may turn to, named in every statement of reasons
    out_of_court: Annotated[list[Name], msgspec.Meta(max_length=20)] = []

    def check(self) -> None:
        """Raises `BadInput` naming the setting that does not go together with another."""
        self.calendar.check()
        if self.offer_hours > self.longest_offer_hours:
            raise BadInput("is more than longest_offer_hours", field="offer_hours")
        if not self.panel.majority <= self.panel.jurors < 2 * self.panel.majority:
            raise BadInput("must be more than half of the jurors, and no more than all", field="panel.majority")


DEFAULT: Final = Settings()
_decoder: Final = msgspec.json.Decoder(Settings)


def read(stored: str | None) -> Settings:
    """Settings as stored; none are the defaults."""
    return _decoder.decode(stored) if stored else DEFAULT


def months_after(moment: datetime, months: int) -> datetime:
    """The same day so many months later, or the last of that month."""
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return moment.replace(year=year, month=month + 1)
