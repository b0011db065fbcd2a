"""What a market's fund paid in a period: opening, movements by cause, closing, to the cent."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Final
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
    found: Sequence[Statement] = [
        await _statement(
            connection,
            row["no"],
            row["id"],
            row["currency"],
            row["synthetic"],
            ZoneInfo(row["time_zone"]),
            since,
            until,
        )
        for row in await connection.fetch(_sql.markets)
        if market in (None, row["id"])
    ]
    if market is not None and not found:
        raise UnknownThing(f"there is no market {market!r}", field="market")
    return list(found)


async def _statement(
    connection: Connection,
    number: int,
    market: str,
    currency: str,
    synthetic: bool,
    zone: ZoneInfo,
    since: date | None,
    until: date | None,
) -> Statement:
    begins = datetime.combine(since, time.min, zone) if since else None
    ends = datetime.combine(date.fromordinal(until.toordinal() + 1), time.min, zone) if until else None
    opening = int((await connection.fetchval(_sql.balance_before, number, begins) if begins else None) or 0)
    rows = await connection.fetch(_sql.movements, number, begins, ends)
    movements = [Movement(row["cause"], row["transfers"], int(row["amount"])) for row in rows]
    closing = opening + sum(movement.amount for movement in movements)
    return Statement(market, currency, synthetic, since, until, opening, movements, closing)
