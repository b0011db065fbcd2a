"""The figures of the overview: sums over days, markets and outcomes, and how they are cut into bars."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal

from evenhand.interceptions import Intercepted, daily
from evenhand.store import Queries
from evenhand.vocabulary import OUTCOMES
from evenhand.web.lookup import Lookup

_sql: Final = Queries.load("console")
# The same figures are not added up again for so many seconds.
_FRESH_SECONDS: Final = 3
_MOST_KEPT: Final = 64
Step = Literal["day", "week", "month"]


@dataclass(frozen=True, slots=True)
class Tally:
    """Applications of one market, day and outcome."""

    market: int
    day: date
    outcome: str
    applications: int
    # minor units of the market's currency
    asked: int
    granted: int


@dataclass(frozen=True, slots=True)
class Paid:
    """What moved in the ledger of one market on one day, by cause."""

    market: int
    day: date
    cause: str
    amount: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything the overview adds up."""

    tallies: Sequence[Tally]
    paid: Sequence[Paid]
    intercepted: Sequence[Intercepted]

    def applications(self, outcome: str | None = None, market: int | None = None) -> int:
        """How many there were, of an outcome, in a market."""
        return sum(
            one.applications for one in self.tallies if outcome in (None, one.outcome) and market in (None, one.market)
        )

    def asked(self, market: int) -> int:
        return sum(one.asked for one in self.tallies if one.market == market)

    def paid_by(self, cause: str, market: int) -> int:
        return sum(one.amount for one in self.paid if one.cause == cause and one.market == market)

    @property
    def first(self) -> date | None:
        return self.tallies[0].day if self.tallies else None

    @property
    def last(self) -> date | None:
        return self.tallies[-1].day if self.tallies else None


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of days, both included."""

    label: str
    since: date
    until: date


class Bookkeeper:
    """Adds figures up, and remembers them for a moment, so that many readers cost what one does."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._kept: dict[Any, tuple[float, asyncio.Task[Figures]]] = {}

    async def figures(self, markets: Sequence[int], since: date | None, until: date | None) -> Figures:
        """The figures of some markets between two days, both included."""
        key = (tuple(markets), since, until)
        now = time.monotonic()
        known = self._kept.get(key)
        if known is None or (known[1].done() and now - known[0] > _FRESH_SECONDS):
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            known = self._kept[key] = (now, asyncio.create_task(self._add_up(*key)))
        return await asyncio.shield(known[1])

    async def _add_up(self, markets: tuple[int, ...], since: date | None, until: date | None) -> Figures:
        async with self._lookup.reading() as connection:
            tallies = await connection.fetch(_sql.daily, markets, since, until)
            paid = await connection.fetch(_sql.paid_daily, markets, since, until)
            intercepted = await daily(connection, markets, since, until)
        return Figures([Tally(*row) for row in tallies], [Paid(*row) for row in paid], intercepted)


def bars(first: date, last: date, days: int = 62) -> tuple[Step, list[Bar]]:
    """Cut a stretch of time into days (up to so many), weeks or months, so that there are neither too few nor too many."""
    length = (last - first).days + 1
    step: Step = "day" if length <= days else "week" if length <= 366 else "month"
    cut: list[Bar] = []
    begin = first
    while begin <= last:
        match step:
            case "day":
                end = begin
            case "week":
                end = begin + timedelta(days=6 - begin.weekday())
            case _:
                end = (begin.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        end = min(end, last)
        cut.append(Bar(f"{begin:%Y-%m}" if step == "month" else f"{begin:%Y-%m-%d}", begin, end))
        begin = end + timedelta(days=1)
    return step, cut


def per_bar(cut: Sequence[Bar], counted: Sequence[tuple[str, date, int]]) -> dict[str, list[int]]:
    """Sum (series, day, amount) into the bars: a list of one figure per bar for each series."""
    place: dict[date, int] = {}
    for index, bar in enumerate(cut):
        for offset in range((bar.until - bar.since).days + 1):
            place[bar.since + timedelta(days=offset)] = index
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * len(cut))
    for series, day, amount in counted:
        if day in place:
            sums[series][place[day]] += amount
    return dict(sums)


def outcome_bars(figures: Figures, cut: Sequence[Bar]) -> dict[str, list[int]]:
    """Applications per bar, by outcome in the vocabulary's order; outcomes that never occurred are left out."""
    sums = per_bar(cut, [(one.outcome, one.day, one.applications) for one in figures.tallies])
    return {outcome: sums[outcome] for outcome in OUTCOMES if outcome in sums}
