"""The path: a batch of refund applications in, rulings out.

    validate -> load accounts (one query) -> build facts -> policy.rule (pure) -> book (one transaction) -> answer

It always works on a batch and answers item by item, in order: a ruling, or the error of that item, which never touches the
others. Everything a batch changes is written in one transaction, or nothing is. Accounts are locked from reading their history
to writing it, so concurrent batches that share an account rule one after the other, each seeing what came before.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypeVar

import asyncpg

from evenhand.accounts import state
from evenhand.accounts.state import Connection
from evenhand.booking import Batch, Ruled, issued_before
from evenhand.errors import Conflict, EvenhandError, StoreError
from evenhand.facts import build_facts
from evenhand.filings import join_orders
from evenhand.intake import OrderTaken, take_orders
from evenhand.markets import MarketDesk
from evenhand.policy import Policy, shipped
from evenhand.records import Application, Market, Order
from evenhand.store import Database, Queries

__all__ = ["Desk", "OrderTaken", "Ruled", "utc_now"]

T = TypeVar("T")
_sql: Final = Queries.load("desk")
_TRIES: Final = 6
# Two batches that bring the same new thing at once: one of them begins again and finds it there.
_COLLISIONS: Final = (
    asyncpg.UniqueViolationError,
    asyncpg.CheckViolationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)
# The database went away and may be back in a moment.
_LOST: Final = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.OperatorInterventionError)
# Every lookup of the path is by key. Fresh tables have no statistics yet, and a plan made for an empty table must not live on.
_BY_KEY: Final = {
    "application_name": "evenhand desk",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


def utc_now() -> datetime:
    return datetime.now(UTC)


class Desk:
    """Rules applications and takes orders for the markets of one database."""

    def __init__(self, pool: asyncpg.Pool, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._clock = clock
        self.markets: Mapping[str, MarketDesk] = {}

    @classmethod
    async def open(cls, database: Database, *, clock: Callable[[], datetime] = utc_now) -> "Desk":
        """Open the desk of a database; the shipped policies are registered there. Close it with `close`."""
        pool = await asyncpg.create_pool(database.url, min_size=1, max_size=4, server_settings=_BY_KEY)
        desk = cls(pool, clock)
        for policy in shipped():
            await desk.register(policy)
        await desk.refresh()
        return desk

    async def close(self) -> None:
        await self._pool.close()

    async def register(self, policy: Policy) -> None:
        """Store a policy version, word for word, so that a market may follow it."""
        values = (policy.name, policy.version, policy.effective, policy.hash, policy.source)
        await self._pool.execute(_sql.register_policy, *values)

    async def add_market(self, market: Market, *, synthetic: bool = False) -> None:
        """Open a market. The same again is fine; the same id with other settings is a `Conflict`."""
        stored = await self._pool.fetch(_sql.policy_versions)
        versions = [(row["no"], _parsed(row["source"])) for row in stored if row["policy"] == market.policy]
        MarketDesk(0, market, synthetic, versions)  # refuses an unknown policy, version or time zone
        values = (market.id, market.name, market.policy, market.pinned, market.currency, market.time_zone, synthetic)
        await self._pool.execute(_sql.add_market, *values)
        await self.refresh()
        if self.markets[market.id].market != market:
            raise Conflict(f"market {market.id!r} exists with other settings: {self.markets[market.id].market}")

    async def refresh(self) -> None:
        """Read markets and policies anew."""
        # of two texts of one version (an upgrade corrected it) the later rules; rulings keep naming the text that made them
        versions: dict[str, dict[str, tuple[int, Policy]]] = {}
        for row in await self._pool.fetch(_sql.policy_versions):
            versions.setdefault(row["policy"], {})[row["version"]] = (row["no"], _parsed(row["source"]))
        self.markets = {
            row["id"]: MarketDesk(
                row["no"],
                Market(row["id"], row["name"], row["policy"], row["currency"], row["time_zone"], row["pinned"]),
                row["synthetic"],
                tuple(versions.get(row["policy"], {}).values()),
            )
            for row in await self._pool.fetch(_sql.markets)
        }

    async def rule(self, items: Sequence[tuple[str, Application]]) -> list[Ruled | EvenhandError]:
        """Rule a batch of (market id, application): THE PATH."""

        async def path(connection: Connection) -> list[Ruled | EvenhandError]:
            now = self._clock()
            filings, repeats, errors = await join_orders(connection, self.markets, items, now)
            accounts = await state.lock(connection, (no for filing in filings for no in (filing.buyer, filing.merchant)))
            answers = await issued_before(connection, repeats) | errors
            batch = Batch(accounts)
            for filing in filings:
                try:
                    answer = batch.before(filing)
                    if answer is None:
                        number, policy = filing.market.policy(filing.moment, filing.placed_at)
                        batch.check_left(filing)
                        facts = build_facts(filing, accounts[filing.buyer], accounts[filing.merchant])
                        ruling = policy.rule_trusted(facts, filing.market.currency)
                        answer = batch.add(filing, number, facts, ruling)
                    answers[filing.index] = answer
                except EvenhandError as error:
                    answers[filing.index] = error
            await batch.book(connection, now)
            return [answers[index] for index in range(len(items))]

        return await self._in_transaction(path)

    async def take_orders(self, items: Sequence[tuple[str, Order]]) -> list[OrderTaken | EvenhandError]:
        """Take a batch of (market id, order)."""
        return await self._in_transaction(lambda connection: take_orders(connection, self.markets, items, self._clock()))

    async def _in_transaction(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do the work in one transaction; begin again when another batch got in between, or the database went away for a moment.

        Beginning again is safe even when the answer to a commit was lost: what was committed is found and answered as repeated.
        """
        problem: Exception | None = None
        for attempt in range(_TRIES):
            try:
                async with self._pool.acquire() as connection, connection.transaction():
                    return await work(connection)
            except _COLLISIONS as error:
                problem = error
            except _LOST as error:
                problem = error
                await asyncio.sleep(0.1 * 2**attempt)
        raise StoreError(f"the database did not take the batch after {_TRIES} tries: {problem}") from problem


@lru_cache(maxsize=256)
def _parsed(source: str) -> Policy:
    return Policy.parse(source)
