"""Interceptions per day, by cause and market: the same rows for the API, the console, the metrics and whoever asks in SQL.

Each is written in the transaction that books its ruling, with the cause the person was told (`evenhand.accounts.causes`), and
marked when a later decision turns it over. Of rulings from before causes were kept, a server names them, the latest first.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

import asyncpg

from evenhand.accounts.causes import cause
from evenhand.accounts.state import Connection
from evenhand.booking import parsed, reproduce
from evenhand.store import Queries

_sql: Final = Queries.load("interceptions")
# Named in one transaction.
_AT_ONCE: Final = 200


class Intercepted(NamedTuple):
    """What was intercepted in one market on one day for one cause."""

    number: int
    market: str
    currency: str
    # of the market's time zone
    day: date
    cause: str
    applications: int
    # minor units
    asked: int
    # turned over by a later decision
    overturned: int


class InterceptedToday(NamedTuple):
    """What was intercepted in one market today for one cause."""

    market: str
    cause: str
    applications: int
    overturned: int


async def daily(
    connection: Connection, markets: Sequence[int], since: date | None, until: date | None
) -> list[Intercepted]:
    """Interceptions in markets (by number) between two days, both included, in the order of the days."""
    return [Intercepted(*row) for row in await connection.fetch(_sql.daily, list(markets), since, until)]


async def today(connection: Connection, now: datetime) -> list[InterceptedToday]:
    """Interceptions of every market's own day, as of now."""
    return [InterceptedToday(*row) for row in await connection.fetch(_sql.today, now)]


async def name_causes(pool: asyncpg.Pool) -> int:
    """Name the causes of some interceptions that have none; returns how many there were."""
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(_sql.unnamed, _AT_ONCE)
        if rows:
            causes = [
                cause(parsed(row["source"]), reproduce(row["source"], row["facts"], row["currency"]).trace)
                for row in rows
            ]
            await connection.execute(_sql.name, [row["case_no"] for row in rows], causes)
        return len(rows)
