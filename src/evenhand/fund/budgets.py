"""Budgets: what a market may spend from its fund per period, with an alert on the way and a hard stop at the end.

A budget is for every month, every quarter, or some days, in the market's time zone; where several cover a day, each must have
enough. It counts what the fund grants to buyers and merchants by the day it counts for, including what was granted before the
budget was set. What becomes of an application that a budget does not cover is the policy's word (`evenhand.fund.empty`).
"""

from datetime import date, datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from evenhand.accounts.state import Connection
from evenhand.errors import BadInput, Conflict, UnknownThing
from evenhand.fund.telling import tell
from evenhand.money import written
from evenhand.naming import person
from evenhand.store import Queries
from evenhand.vocabulary import MOST_MONEY

_sql: Final = Queries.load("fund")
Period = Literal["month", "quarter", "custom"]
State = Literal["ok", "alert", "spent"]
PERIODS: Final = ("month", "quarter", "custom")
# A fund is larger than any one order.
MOST_BUDGET: Final = MOST_MONEY * 100_000


class Budget(msgspec.Struct, frozen=True):
    """A budget that counts today, over the stretch of days that holds today."""

    market: str
    currency: str
    period: Period
    # both included, in the market's time zone
    first_day: date
    last_day: date
    # minor units: the limit, what the fund has granted on these days, and what it may still grant
    amount: int
    spent: int
    left: int
    # tell somebody when so much of it is spent
    alert_percent: int
    state: State
    set_by: str
    set_at: datetime


async def set_budget(
    connection: Connection,
    market: str,
    amount: int | None,
    *,
    period: str = "month",
    first_day: date | None = None,
    last_day: date | None = None,
    alert_percent: int = 80,
    by: str,
    now: datetime,
) -> None:
    """Set what a market's fund may grant per period, from the one that holds `first_day` (today unless told) on, in the caller's
    transaction; an amount (minor units) of None lifts the limit.

    Raises `UnknownThing` for the market, `BadInput` naming what is wrong, `Conflict` where days of a custom budget are another's.
    """
    row = await known_market(connection, market)
    by = person(by)
    if period not in PERIODS:
        raise BadInput(f"a budget is per {', '.join(PERIODS)}, not {period[:40]!r}", field="period")
    if amount is not None and not 0 <= amount <= MOST_BUDGET:
        raise BadInput(f"must be zero or more, and at most {written(MOST_BUDGET, row['currency'])}", field="amount")
    if not 1 <= alert_percent <= 100:
        raise BadInput("an alert comes at 1 to 100 percent", field="alert_percent")
    if (period == "custom") != (last_day is not None) or (period == "custom" and first_day is None):
        raise BadInput("a custom budget has a first and a last day, others recur and have no last", field="last_day")
    begins = beginning(period, first_day or now.astimezone(ZoneInfo(row["time_zone"])).date())
    if last_day is not None:
        if last_day < begins:
            raise BadInput("lies before the first day", field="last_day")
        clash = await connection.fetchrow(_sql.clashing, row["no"], begins, last_day)
        if clash is not None:
            raise Conflict(
                f"the budget of {clash['first_day']} to {clash['last_day']} shares days with it: lift that one, or take its days",
                field="first_day",
            )
    # what is being booked is counted, and what is booked afterwards sees this budget
    await connection.execute(_sql.stop_the_press)
    await connection.execute(_sql.set_budget, row["no"], period, begins, last_day, amount, alert_percent, by, now)
    await connection.fetch(_sql.left, [row["no"]], [begins if last_day else _today(row, now)], False)


def beginning(period: str, day: date) -> date:
    """The first day of the period that holds a day; a custom one begins on it."""
    match period:
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case _:
            return day


async def budgets(connection: Connection, now: datetime, market: str | None = None) -> list[Budget]:
    """The budgets that count today, of all markets or the one named; raises `UnknownThing`."""
    if market is not None:
        await known_market(connection, market)
    return [_budget(row) for row in await connection.fetch(_sql.budgets_now, now, market)]


def _budget(row: Any) -> Budget:
    amount, spent = row["amount"], row["spent"]
    low = spent * 100 >= amount * row["alert_percent"]
    state: State = "spent" if spent >= amount else "alert" if low else "ok"
    return Budget(
        row["market"], row["currency"], row["period"], row["first_day"], row["last_day"], amount, spent,
        max(0, amount - spent), row["alert_percent"], state, row["set_by"], row["set_at"],
    )  # fmt: skip


async def watch(connection: Connection, now: datetime) -> int:
    """Tell of budgets that run low or are spent, once each, in the caller's transaction; returns how many there were."""
    rows = await connection.fetch(_sql.running_low, now)
    for row in rows:
        await connection.execute(_sql.told, row["no"], now, row["spent"])
        said = {
            "period": row["period"],
            "first_day": row["first_day"].isoformat(),
            "last_day": row["last_day"].isoformat(),
            "amount": row["amount"],
            "left": row["remains"],
            "currency": row["currency"],
        }
        what = "fund.budget_spent" if row["spent"] else "fund.budget_low"
        await tell(connection, what, row["market"], None, now, said)
    return len(rows)


async def known_market(connection: Connection, market: str) -> Any:
    """The market's row; raises `UnknownThing`."""
    row = await connection.fetchrow(_sql.market, market)
    if row is None:
        raise UnknownThing(f"there is no market {market[:60]!r}", field="market")
    return row


def _today(row: Any, now: datetime) -> date:
    return now.astimezone(ZoneInfo(row["time_zone"])).date()
