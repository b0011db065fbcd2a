"""What the fund may still grant, while a batch of applications is ruled.

Before ruling, the desk reads what the budgets of the batch's markets and days have left; where none is set there is nothing to
know. Two things make that figure uncertain: the batch ahead, whose grants may be in it or not, and others who grant at the same
time. The first is kept as an interval, from what is surely left to what is left at most; where the two give different answers,
the batch is ruled again with the budgets held. The second shows when the batch is booked: it takes what it granted from the
budgets in the same transaction, and begins again where somebody was faster. So a budget is never overspent, nobody is told that
it is empty while it is not, and no grant waits for another as long as there is plenty.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from evenhand.accounts.state import Connection
from evenhand.store import Queries

_sql: Final = Queries.load("fund")
# number of a market, and a day in its time zone
Day = tuple[int, date]


class Doubt(Exception):
    """Whether the fund can pay cannot be said without holding its budgets."""


class Purse:
    """The budgets of some markets' days, as a batch spends them."""

    def __init__(self, periods: Mapping[Day, Sequence[int]], left: Mapping[int, int], spent: Mapping[int, int]) -> None:
        # the stretches of days that count for a day
        self._periods = periods
        # at most what is left of each, and what the batch ahead may take of it
        self._most = dict(left)
        self._ahead = spent
        # what this batch takes of each
        self.spent: dict[int, int] = {}
        self._granted: list[tuple[Day, int]] = []

    @classmethod
    async def read(
        cls, connection: Connection, days: Sequence[Day], ahead: "Purse | None" = None, *, hold: bool = False
    ) -> "Purse":
        """The purse of a batch; `ahead` is that of the one still being booked.

        With `hold` nobody else takes from these budgets until the transaction ends.
        """
        asked = sorted(set(days))
        periods: dict[Day, list[int]] = {}
        left: dict[int, int] = {}
        for place, period, remains in await connection.fetch(
            _sql.left, [market for market, _ in asked], [day for _, day in asked], hold
        ):
            periods.setdefault(asked[place], []).append(period)
            left[period] = remains
        return cls(periods, left, ahead.spent if ahead else {})

    def covers(self, day: Day, amount: int) -> bool | None:
        """Whether there is enough left for an amount; None where no budget is set. Raises `Doubt` when that is not sure."""
        periods = self._periods.get(day)
        if periods is None:
            return None
        most = min(self._most[period] for period in periods)
        surely = min(self._most[period] - self._ahead.get(period, 0) for period in periods)
        if surely < amount <= most:
            raise Doubt
        return amount <= surely

    def spend(self, day: Day, amount: int) -> None:
        """Take an amount that is granted."""
        self._granted.append((day, amount))
        for period in self._periods.get(day, ()):
            self._most[period] -= amount
            self.spent[period] = self.spent.get(period, 0) + amount

    @property
    def granted(self) -> tuple[list[int], list[date], list[int]]:
        """Everything granted: markets, days, amounts."""
        return (
            [market for (market, _), _ in self._granted],
            [day for (_, day), _ in self._granted],
            [amount for _, amount in self._granted],
        )
