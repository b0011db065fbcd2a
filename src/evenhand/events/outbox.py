"""The outbox: what happened is written in the transaction in which it happens, so it is told if and only if it is true.

Numbers are drawn before a transaction commits, so a reader that goes by them would miss what commits late. Events therefore get
their place in the log afterwards: `give_places` numbers what is committed, one transaction at a time, each place after all places
seen by anybody. What caused something was committed before it, so it is placed before it: all events of a case keep their order.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import asyncpg
import asyncpg.pool
import msgspec

from evenhand.store import Queries

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
_sql: Final = Queries.load("events")
_json: Final = msgspec.json.Encoder(decimal_format="number")


class Event(NamedTuple):
    """One thing that happened."""

    # `case.escalated`; readers see it below `evenhand.`
    type: str
    # the market's number in the store; None when it is of no market
    market: int | None
    case_no: int | None
    at: datetime
    # whatever JSON can hold; money as integers in minor units with its currency beside
    data: dict[str, Any]


async def emit(connection: Connection, events: Sequence[Event]) -> None:
    """Write what happened, in order, inside the caller's transaction."""
    if not events:
        return
    rows = [(one.type, one.market, one.case_no, one.at, _json.encode(one.data).decode()) for one in events]
    await connection.execute(_sql.emit, *[list(column) for column in zip(*rows, strict=True)])


async def give_places(connection: Connection) -> None:
    """Give places in the log to what is committed; in no transaction, or one of its own that ends soon after.

    Whoever reads the log calls this first, so that it sees what was committed before it asked.
    """
    while await connection.fetchval(_sql.waiting):
        async with connection.transaction():
            # the lock first: what comes after must see all that whoever held it before has done
            position = await connection.fetchval(_sql.lock_next)
            await connection.fetchval(_sql.place, position)
