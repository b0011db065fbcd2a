"""Interceptions per day, by cause and market: the same rows for the API, the console, the metrics and whoever asks in SQL.

Each is written in the transaction that books its ruling, with the cause the person was told (`evenhand.accounts.causes`), and
marked when a later decision turns it over. Of rulings from before causes were kept, a server names them, the latest first.
"""

import logging
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

import asyncpg

from evenhand.accounts.causes import OTHER, cause
from evenhand.accounts.state import Connection
from evenhand.booking import parsed, reproduce
from evenhand.errors import EvenhandError
from evenhand.store import Queries

_sql: Final = Queries.load("interceptions")
# Named in one transaction; few, since others wait meanwhile.
_AT_ONCE: Final = 25
_log: Final = logging.getLogger(__name__)


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
            causes = [_named(row["case_no"], row["source"], row["facts"], row["currency"]) for row in rows]
            await connection.execute(_sql.name, [row["case_no"] for row in rows], causes)
        return len(rows)


def _named(case: int, source: str, facts: str, currency: str) -> str:
    """The cause of a stored ruling; one that cannot be read any more holds up no other."""
    try:
        return cause(parsed(source), reproduce(source, facts, currency).trace)
    except EvenhandError as error:
        _log.warning("the cause of interception %s cannot be told: %s", case, error)
        return OTHER
