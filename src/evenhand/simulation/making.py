"""Make the synthetic marketplace in a database: send its events through the live path, and count what came of them.

The database remembers which marketplace was made in it, so that asking for the same one again finds it there. Anything else that
is synthetic gives way; what is real never does.
"""

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from datetime import date, datetime, time
from itertools import groupby, islice
from operator import attrgetter
from typing import Final, cast
from zoneinfo import ZoneInfo

import msgspec

from evenhand.accounts.labels import set_label
from evenhand.accounts.links.findings import look
from evenhand.accounts.rule_book import set_rules
from evenhand.accounts.state import Connection
from evenhand.booking import ENGINE
from evenhand.desk import Desk, utc_now
from evenhand.errors import BadInput, EvenhandError, StoreError
from evenhand.records import Application, MerchantRule, Order
from evenhand.simulation.marketplace import ENDS, MARKETS, Event, Labelling, simulate
from evenhand.store import Database, Queries
from evenhand.vocabulary import OUTCOMES

_sql: Final = Queries.load("demo")
# Any number will do, as long as every demo takes the same one: "demo" in ASCII.
_LOCK: Final = int.from_bytes(b"demo")
_BATCH: Final = 1000


class Regime(msgspec.Struct):
    """What the applications came to that one policy version ruled in one market; money in minor units."""

    market: str
    # the market's name for people
    name: str
    currency: str
    policy: str
    version: str
    # its first day
    effective: date
    applications: int = 0
    claimed: int = 0
    paid_by_platform: int = 0
    paid_by_merchants: int = 0
    # all outcomes, also those that never happened
    outcomes: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))


@asynccontextmanager
async def alone(store: Database) -> AsyncGenerator[Connection]:
    """A connection of the only demo at work in this database; raises `StoreError` when another is."""
    async with store.pool.acquire() as connection:
        if not await connection.fetchval(_sql.try_alone, _LOCK):
            raise StoreError(
                "another demo is being made in this database; wait for it, or give another place with --data"
            )
        yield connection


async def already_there(connection: Connection, orders: int, seed: int) -> bool:
    """Whether this very marketplace was made here before and is complete; raises `BadInput` where there is real data."""
    if await connection.fetchval(_sql.holds_real_data):
        raise BadInput(
            "this database holds data of a real marketplace, and a demo belongs in a database of its own; "
            "give another place with --data DIR or --database URL"
        )
    made = await connection.fetchrow(_sql.made)
    return made is not None and tuple(made) == (seed, orders, ENGINE, True)


async def make(connection: Connection, store: Database, orders: int, seed: int, advance: Callable[[int], None]) -> None:
    """Clear what is there and make the marketplace anew; `advance` hears how many more applications were ruled.

    Call `already_there` first. When this is cut off, what it made counts as unfinished.
    """
    async with connection.transaction():
        await connection.execute(_sql.clear)
        await connection.execute(_sql.begin, seed, orders, ENGINE)
    desk = await Desk.open(store)
    try:
        for market in MARKETS:
            await desk.add_market(market, synthetic=True)
        for kind, events in _batches(simulate(orders, seed)):
            items = [(event.market, event.what) for event in events]
            if kind is Labelling:
                await _label(connection, events)
            elif kind is MerchantRule:
                await _set_rules(connection, events)
                await desk.refresh()
            elif kind is Order:
                _all_taken(await desk.take_orders(cast("list[tuple[str, Order]]", items)))
            else:
                _all_taken(await desk.rule(cast("list[tuple[str, Application]]", items)))
                advance(len(items))
        await _look_for_rings(connection)
    finally:
        await desk.close()
    await connection.execute(_sql.finish)


async def _look_for_rings(connection: Connection) -> None:
    """As of the end of the synthetic time: a search as of today would find its disputes too old."""
    for market in MARKETS:
        async with connection.transaction():
            await look(connection, market.id, datetime.combine(ENDS, time.max, ZoneInfo(market.time_zone)))


def _batches(events: Iterable[Event]) -> Iterator[tuple[type, list[Event]]]:
    """Events that may be sent together without one of them overtaking another that matters to it."""
    for kind, run in groupby(events, key=lambda event: type(event.what)):
        while batch := list(islice(run, _BATCH)):
            yield kind, batch


async def _label(connection: Connection, events: Iterable[Event]) -> None:
    for at, market, what in events:
        assert isinstance(what, Labelling)
        await set_label(
            connection,
            market,
            "buyer",
            what.buyer,
            what.label,
            cause=what.cause,
            set_by="synthetic demo",
            starts_at=at,
            expires_at=what.until,
        )


async def _set_rules(connection: Connection, events: Iterable[Event]) -> None:
    for market, of_market in groupby(events, key=attrgetter("market")):
        rules = [event.what for event in of_market if isinstance(event.what, MerchantRule)]
        async with connection.transaction():
            _all_taken(await set_rules(connection, market, rules, utc_now()))


def _all_taken(answers: Iterable[object]) -> None:
    """What is made here is in order; if it is not (the clock of this machine is years behind), say so and stop."""
    for answer in answers:
        if isinstance(answer, EvenhandError):
            raise answer


async def counted(connection: Connection) -> tuple[int, list[Regime]]:
    """Orders in the synthetic markets, and what came of their applications, by market and policy version, oldest first."""
    regimes: dict[tuple[str, str, str], Regime] = {}
    for row in await connection.fetch(_sql.by_policy):
        key = (row["market"], row["policy"], row["version"])
        regime = regimes.setdefault(
            key, Regime(row["market"], row["name"], row["currency"], *key[1:], row["effective"])
        )
        regime.outcomes[row["outcome"]] += row["applications"]
        for field in ("applications", "claimed", "paid_by_platform", "paid_by_merchants"):
            setattr(regime, field, getattr(regime, field) + row[field])
    orders = await connection.fetchval(_sql.count_orders)
    return cast("int", orders), list(regimes.values())
