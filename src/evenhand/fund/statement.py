"""What a market's fund paid in a period: opening, movements by cause, closing, to the cent."""

from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from evenhand.accounts.state import Connection
from evenhand.errors import UnknownThing
from evenhand.store import Queries

_sql: Final = Queries.load("fund")


class Movement(msgspec.Struct, frozen=True):
    """Everything of one cause in the period, as the fund sees it: negative is paid out."""

    cause: str
    transfers: int
    # minor units
    amount: int


class DayMovement(msgspec.Struct, frozen=True):
    """Everything of one cause on one day, as the fund sees it."""

    day: date
    cause: str
    transfers: int
    # minor units
    amount: int


class Statement(msgspec.Struct, frozen=True):
    """The fund of one market over a period of its calendar days, in minor units of its currency."""

    market: str
    currency: str
    synthetic: bool
    # first and last day, both included; null is open
    since: date | None
    until: date | None
    opening: int
    movements: list[Movement]
    closing: int


async def statements(
    connection: Connection, *, market: str | None = None, since: date | None = None, until: date | None = None
) -> list[Statement]:
    """One statement per market, or of the one named. Days are those of the market's time zone and count by value date."""
    found = [await _statement(connection, row, since, until) for row in await _markets(connection, market)]
    return list(found)


async def by_day(
    connection: Connection, *, market: str | None = None, since: date | None = None, until: date | None = None
) -> list[list[DayMovement]]:
    """The movements of each of those statements, day by day."""
    days: list[list[DayMovement]] = []
    for row in await _markets(connection, market):
        period = _period(row, since, until)
        moved = await connection.fetch(_sql.movements_by_day, row["no"], *period, row["time_zone"])
        days.append([DayMovement(one["day"], one["cause"], one["transfers"], int(one["amount"])) for one in moved])
    return days


async def _markets(connection: Connection, market: str | None) -> list[Any]:
    rows = [row for row in await connection.fetch(_sql.markets) if market in (None, row["id"])]
    if market is not None and not rows:
        raise UnknownThing(f"there is no market {market!r}", field="market")
    return rows


async def _statement(connection: Connection, row: Any, since: date | None, until: date | None) -> Statement:
    begins, ends = _period(row, since, until)
    opening = int((await connection.fetchval(_sql.balance_before, row["no"], begins) if begins else None) or 0)
    rows = await connection.fetch(_sql.movements, row["no"], begins, ends)
    movements = [Movement(one["cause"], one["transfers"], int(one["amount"])) for one in rows]
    closing = opening + sum(movement.amount for movement in movements)
    return Statement(row["id"], row["currency"], row["synthetic"], since, until, opening, movements, closing)


def _period(row: Any, since: date | None, until: date | None) -> tuple[datetime | None, datetime | None]:
    """The moments between which days of the market lie."""
    zone = ZoneInfo(row["time_zone"])
    begins = datetime.combine(since, time.min, zone) if since and since > date.min else None
    return begins, datetime.combine(until + timedelta(days=1), time.min, zone) if until and until < date.max else None
