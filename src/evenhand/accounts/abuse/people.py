"""How many claims a day persons can look at because the learned score does not know them.

A market may set it (`uncertain_per_day` of its settings); where nothing is set, there is no limit. A claim counts for the day it
was filed, in the market's time zone, like everything on the path: so it has the same place whichever server rules it, and however
late it is told. A booking takes its places in its own transaction, from one small row per market and day whose check is the last
word; what a batch may give out it reads before, when it meets its first such claim. As with budgets (`evenhand.fund.purse`), what
the batch ahead takes may be in that figure or not: where that matters, the batch begins again and holds the rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec

from evenhand.accounts.abuse.unsure import UNSURE, speaks_for_itself, within_sight
from evenhand.accounts.state import Connection, Stale
from evenhand.policy import Policy, Ruling
from evenhand.store import Queries

_sql: Final = Queries.load("abuse")
# number of a market, and a day in its time zone
Day = tuple[int, date]


class UncertainToday(msgspec.Struct, frozen=True):
    """What became today of the claims of a market that its learned score is unsure of."""

    market: str
    # in the market's time zone
    day: date
    # how many persons can look at a day; null is no limit
    per_day: int | None
    # how many went to a person, and how many the policy settled by itself because there was no place
    taken: int
    passed: int


class People:
    """The places of some markets' days, as a batch gives them out."""

    def __init__(self, days: Iterable[Day], ahead: Mapping[Day, int] | None, *, hold: bool) -> None:
        # all days of the batch that may matter, looked up when the first of them does
        self._days = days
        self._hold = hold
        # what the batch ahead may take of them
        self._ahead = ahead or {}
        # at most what is left of each day; None is no limit
        self._most: dict[Day, int | None] | None = None
        # what this batch takes of them, and what it settles for want of a place
        self.taken: dict[Day, int] = {}
        self._passed: dict[Day, int] = {}

    async def available(self, connection: Connection, day: Day) -> bool:
        """Whether a person can look at one more claim of a day; raises `Stale` when that cannot be said without holding it."""
        if self._most is None:
            self._most = await self._read(connection)
        most = self._most[day]
        if most is None:
            return True
        most -= self.taken.get(day, 0)
        surely = most - self._ahead.get(day, 0)
        if surely <= 0 < most:
            raise Stale
        return surely > 0

    async def _read(self, connection: Connection) -> dict[Day, int | None]:
        days = sorted(set(self._days))
        markets, dates = [market for market, _ in days], [on for _, on in days]
        if self._hold:
            await connection.execute(_sql.hold_people, markets, dates)
        rows = await connection.fetch(_sql.people_left, markets, dates)
        return {days[place - 1]: None if most is None else max(0, most - taken) for place, most, taken in rows}

    def see(self, day: Day, policy: Policy, ruling: Ruling, facts: Mapping[str, Any]) -> Ruling:
        """The ruling of a claim that `available` was asked for, as it stands in the end; gives it a place where it takes one."""
        read = policy.model.read
        final = within_sight(ruling, facts, read)
        if facts["abuse"]["person_available"]:
            if final.because is UNSURE or (final.outcome == "review" and speaks_for_itself(read)):
                self.taken[day] = self.taken.get(day, 0) + 1
        elif within_sight(ruling, {**facts, "abuse": {"person_available": True}}, read).because is UNSURE:
            self._passed[day] = self._passed.get(day, 0) + 1
        return final

    async def write(self, connection: Connection) -> None:
        """Take the places given out, in the booking's transaction; the database's check refuses more than there are."""
        days = sorted(self.taken.keys() | self._passed.keys())
        if not days:
            return
        await connection.execute(
            _sql.take_people, [market for market, _ in days], [on for _, on in days],
            [self.taken.get(day, 0) for day in days], [self._passed.get(day, 0) for day in days],
        )  # fmt: skip


async def uncertain_today(connection: Connection, markets: Sequence[int], now: datetime) -> list[UncertainToday]:
    """How it stands in markets (by their numbers) that use a learned score, or had such claims today."""
    return [UncertainToday(*row) for row in await connection.fetch(_sql.uncertain_today, markets, now)]
