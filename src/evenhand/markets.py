"""A market at work: its number in the store, its clock, and which policy version rules at a moment."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from evenhand.accounts.abuse.card import Scorer
from evenhand.accounts.scores import PACKAGE, Scorecards
from evenhand.cases.settings import DEFAULT, Settings
from evenhand.errors import BadInput
from evenhand.policy import Policy
from evenhand.records import Market

# How far a sender's clock may run ahead of ours before a moment counts as the future.
CLOCK_SKEW: Final = timedelta(minutes=1)

_EPOCH: Final = date(1970, 1, 1).toordinal()
_date_of: Final = lru_cache(maxsize=4096)(date.fromordinal)
_NONE: Final = timedelta(0)
_ONE: Final = timedelta(microseconds=1)
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
# of an hour, and a day, in microseconds
_QUARTER: Final = 15 * 60 * 1_000_000
_DAY: Final = 24 * 60 * 60 * 1_000_000


def microseconds(moment: datetime) -> int:
    """A moment as microseconds since 1970."""
    return (moment - _BEGINNING) // _ONE


def moment_of(microsecond: int) -> datetime:
    """The moment so many microseconds after 1970 began."""
    return _BEGINNING + timedelta(microseconds=microsecond)


def time_zone(name: str) -> ZoneInfo:
    """The IANA zone of that name; raises `BadInput` for any other text."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(f"{name!r} is not a time zone like Asia/Shanghai", field="time_zone") from None


class Followed(NamedTuple):
    """A policy version that a market follows."""

    # first day it rules, in the market's time zone; it ends where the next one begins
    effective: date
    # its number in the store
    number: int
    policy: Policy


class Scoring(NamedTuple):
    """The scorecards that score a market's accounts from a day on."""

    # first day, in the market's time zone
    effective: date
    # what rulings name them by; null where the store has not numbered them
    number: int | None
    cards: Scorecards


_PACKAGE: Final = (Scoring(date.min, None, PACKAGE),)


class MarketDesk:
    """One market, ready to rule. A pinned market follows one version since ever."""

    def __init__(
        self,
        number: int,
        market: Market,
        synthetic: bool,
        versions: Iterable[Followed],
        cases: Settings = DEFAULT,
        abuse: Scorer | None = None,
        scoring: Iterable[Scoring] = (),
        labelling: Iterable[Followed] = (),
    ) -> None:
        self.number = number
        self.market = market
        self.synthetic = synthetic
        # how it handles what happens after a ruling
        self.cases = cases
        # the learned score of abuse it uses; None is the documented scorecard
        self.abuse = abuse
        # the labelling documents that were published for it
        self.labelling = tuple(sorted(labelling, key=lambda version: version.effective))
        self._scoring = tuple(scoring) or _PACKAGE
        self.currency = market.currency
        self.zone = time_zone(market.time_zone)
        self.versions = tuple(sorted(versions, key=lambda version: version.effective))
        # the version of a day is asked for every application and changes every few months
        self._on = lru_cache(maxsize=1024)(self._in_force)
        self._scoring_on = lru_cache(maxsize=1024)(self._scored_by)
        # a count of days since 1970-01-01 as the market's number and the calendar date
        self.dated: Callable[[int], tuple[int, date]] = lru_cache(maxsize=1024)(lambda day: (number, self.date(day)))
        # offset from UTC in microseconds, by quarter of an hour: zones change theirs on such a quarter only
        self._offsets: dict[int, int] = {}

    def day(self, moment: datetime) -> int:
        """The market's calendar day of a moment, as a count of days since 1970-01-01."""
        return self.day_of(microseconds(moment))

    def day_of(self, microsecond: int) -> int:
        """The same of a moment in microseconds since 1970."""
        quarter = microsecond // _QUARTER
        offset = self._offsets.get(quarter)
        if offset is None:
            if len(self._offsets) > 100_000:
                self._offsets.clear()
            offset = self._offsets[quarter] = (
                moment_of(microsecond).astimezone(self.zone).utcoffset() or _NONE
            ) // _ONE
        return (microsecond + offset) // _DAY

    def date(self, day: int) -> date:
        """The calendar date of a count of days since 1970-01-01."""
        return _date_of(day + _EPOCH)

    def policy(self, applied_on: int, placed_on: int) -> tuple[int, Policy]:
        """The version that rules an application of a day of the market, with its number in the store.

        It is the version in force on that day, or, when that one is anchored to the order, on the day the order was placed.
        Raises `BadInput` when none was in force yet.
        """
        version = self._on(applied_on)
        return self._on(placed_on) if version[1].anchor == "order" else version

    def scoring(self, day: int) -> Scoring:
        """The scorecards that score accounts on a day of the market."""
        # most markets never publish any: nothing is to be looked up
        return self._scoring[0] if len(self._scoring) == 1 else self._scoring_on(day)

    def labels_by(self, day: int) -> Policy | None:
        """The labelling document published for a day of the market; None where none was."""
        today = date.fromordinal(day + _EPOCH)
        return next((one.policy for one in reversed(self.labelling) if one.effective <= today), None)

    def _scored_by(self, day: int) -> Scoring:
        today = date.fromordinal(day + _EPOCH)
        return next((one for one in reversed(self._scoring) if one.effective <= today), self._scoring[0])

    def _in_force(self, day: int) -> tuple[int, Policy]:
        today = date.fromordinal(day + _EPOCH)
        for version in reversed(self.versions):
            if version.effective <= today:
                return version.number, version.policy
        first = f"the first is of {self.versions[0].effective}" if self.versions else "none was published"
        raise BadInput(f"no policy was in force in market {self.market.id} on {today}; {first}")
