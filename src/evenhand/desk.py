"""The path: a batch of refund applications in, rulings out.

    validate -> load accounts (one query) -> build facts -> policy.rule (pure) -> book (one transaction) -> answer

It always works on a batch and answers item by item, in order: a ruling, or the error of that item, which never touches the
others. Everything a batch changes is written in one transaction, or nothing is. Every ruling sees all that was ruled before it:
an account is written only at the version it was read at; when another writer got in between, the batch begins again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeVar

import asyncpg

from evenhand.accounts import state
from evenhand.accounts.abuse.people import Day, People
from evenhand.accounts.links.facts import together
from evenhand.accounts.rule_book import changed_rules
from evenhand.accounts.rules import Rules
from evenhand.accounts.state import Account, Connection, Stale
from evenhand.booking import Batch, Ruled, issued_before, parsed
from evenhand.cases.keeping import keep_wording
from evenhand.errors import BadInput, Conflict, EvenhandError, StoreError, UnknownThing
from evenhand.evidence.reuse import Asked, Shown, look_up, refers
from evenhand.facts import FactNames, build_facts, history_read
from evenhand.filings import Filing, Joined, join_orders, link_filers
from evenhand.fund.empty import within_budget
from evenhand.fund.purse import Doubt, Purse
from evenhand.intake import OrderTaken, take_orders
from evenhand.markets import MarketDesk, time_zone
from evenhand.money import is_currency
from evenhand.policy import Policy, shipped
from evenhand.publishing import follow, load_markets
from evenhand.records import Application, Market, Order
from evenhand.store import CUT_OFF, Database, Queries

__all__ = ["Desk", "OrderTaken", "Ruled", "utc_now"]

T = TypeVar("T")
# So many applications are ruled before others are let to their work: above all the batch ahead, which talks to the database.
_BREATH: Final = 25
# The accounts of two batches, the older first.
Ahead = tuple[Mapping[int, Account], Mapping[int, Account]]
_sql: Final = Queries.load("desk")
_publishing: Final = Queries.load("publishing")
_log: Final = logging.getLogger(__name__)
_TRIES: Final = 6
# Two batches that bring the same new thing at once: one of them begins again and finds it there.
_COLLISIONS: Final = (
    Stale,
    Doubt,
    asyncpg.UniqueViolationError,
    asyncpg.CheckViolationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)
# How often to look whether markets, publications or merchants' rules have changed.
_LOOK_SECONDS: Final = 1.0
# Every lookup of the path is by key. Fresh tables have no statistics yet, and a plan made for an empty table must not live on;
# with these, a plan made once can be kept.
_BY_KEY: Final = (
    "set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set jit = off; "
    "set plan_cache_mode = auto"
)


def utc_now() -> datetime:
    return datetime.now(UTC)


class Given(NamedTuple):
    """What the last batch that came to be booked may be writing besides accounts."""

    # what its applications show as evidence
    shown: Shown
    # what it takes from the fund's budgets, and how many claims of which day it gives to persons
    purse: Purse | None = None
    people: Mapping[Day, int] | None = None


async def _look_up_by_key(connection: Connection) -> None:
    await connection.execute(_BY_KEY)


async def _keep(_: Connection) -> None:
    """The desk leaves nothing behind on a connection: resetting it would only cost a round trip per batch."""


class Desk:
    """Rules applications and takes orders for the markets of one database."""

    def __init__(self, pool: asyncpg.Pool, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._clock = clock
        self.markets: Mapping[str, MarketDesk] = {}
        # merchants' own rules, by account number; only those who have any
        self._rules: Mapping[int, Rules] = {}
        # what was read of markets and rules, as numbered by the store
        self._revision = -1
        self._refreshing = asyncio.Lock()
        self._looking: asyncio.Task[None] | None = None
        # the three stations of `_rule_ahead`, and the accounts of the last two batches that came to the third, the older first
        self._reading = asyncio.Lock()
        self._ruling = asyncio.Lock()
        self._booking = asyncio.Lock()
        self._ahead: Ahead = ({}, {})
        self._given = Given(Shown())
        # lists of fact names as the store numbers them
        self._named: Mapping[FactNames, int] = {}

    @classmethod
    async def open(cls, database: Database, *, clock: Callable[[], datetime] = utc_now) -> "Desk":
        """Open the desk of a database; the shipped policies are registered there. Close it with `close`.

        A database that goes away meanwhile is asked again; raises `StoreError` when it does not stay.
        """
        problem: Exception | None = None
        for attempt in range(_TRIES):
            try:
                return await cls._open(database, clock)
            except CUT_OFF as error:
                problem = error
                await asyncio.sleep(0.1 * 2**attempt)
        raise StoreError(f"the database goes away while it is being opened: {problem!r}") from problem

    @classmethod
    async def _open(cls, database: Database, clock: Callable[[], datetime]) -> "Desk":
        # the few connections stay: minding how long each is idle costs every batch some timers
        pool = await asyncpg.create_pool(
            database.url, connect=database.connect, min_size=1, max_size=4, init=_look_up_by_key, reset=_keep,
            max_inactive_connection_lifetime=0,
        )  # fmt: skip
        desk = cls(pool, clock)
        try:
            for policy in shipped():
                await desk.register(policy)
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute(_publishing.next_revision)
                await follow(connection, shipped(), clock())
                await keep_wording(connection, clock())
            await desk.refresh()
        except BaseException:
            pool.terminate()
            raise
        desk._looking = asyncio.create_task(desk._keep_looking())
        return desk

    @property
    def clock(self) -> Callable[[], datetime]:
        """What tells the time here."""
        return self._clock

    async def close(self) -> None:
        if self._looking:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        await self._pool.close()

    def now(self) -> datetime:
        """The moment, by the desk's clock."""
        return self._clock()

    async def register(self, policy: Policy) -> None:
        """Store a policy version, word for word, so that a market may follow it."""
        values = (policy.name, policy.version, policy.effective, policy.hash, policy.source)
        await self._pool.execute(_sql.register_policy, *values)

    async def add_market(self, market: Market, *, synthetic: bool = False) -> None:
        """Open a market. The same again is fine; the same id with other settings is a `Conflict`.

        A market that is not pinned follows the package's versions of its policy (else the stored ones), until somebody
        publishes for it. Raises `UnknownThing` for a policy or version there is not, `BadInput` for a time zone or currency.
        """
        time_zone(market.time_zone)
        if not is_currency(market.currency):
            raise BadInput(f"{market.currency!r} is not a currency of ISO 4217 that is in use", field="currency")
        stored = {
            row["version"]: row
            for row in await self._pool.fetch(_sql.policy_versions)
            if row["policy"] == market.policy and parsed(row["source"]).model.ruling
        }
        versions = [policy for policy in shipped() if policy.name == market.policy]
        versions = versions or [parsed(row["source"]) for row in stored.values()]
        if not versions:
            raise UnknownThing(f"there is no policy {market.policy!r}", field="policy")
        if market.pinned and market.pinned not in stored:
            raise UnknownThing(f"policy {market.policy} has no version {market.pinned}", field="pinned")
        values = (market.id, market.name, market.policy, market.pinned, market.currency, market.time_zone, synthetic)
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_publishing.next_revision)
            await connection.execute(_sql.add_market, *values)
            await follow(connection, versions, self._clock())
        await self.refresh()
        there = self.markets[market.id].market
        for field in Market.__struct_fields__:
            has, asked = getattr(there, field), getattr(market, field)
            if has != asked:
                raise Conflict(f"market {market.id!r} exists with another {field}: {has!r}, not {asked!r}", field=field)

    async def refresh(self) -> None:
        """Read markets, what was published for them, and merchants' rules, where they have changed since they were read."""
        async with self._refreshing, self._pool.acquire() as connection:
            revision = await connection.fetchval(_publishing.revision)
            if revision == self._revision:
                return
            markets = await load_markets(connection)
            # a market that went away, as a synthetic one may, took its accounts with it: their numbers may be others' now
            same = self.markets.keys() <= markets.keys()
            rules = await changed_rules(connection, self._revision if same else -1)
            self._rules = {**self._rules, **rules} if same else rules
            self.markets, self._revision = markets, revision

    async def _keep_looking(self) -> None:
        """Notice what others have published or set; a database that is away for a moment is asked again."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self.refresh()
            except Exception as error:  # whatever it is, what is published next must be noticed
                _log.warning("cannot see what was published: %s", error)

    async def rule(self, items: Sequence[tuple[str, Application]]) -> list[Ruled | EvenhandError]:
        """Rule a batch of (market id, application). Answers item by item, in order, once everything is durable.

        Raises `StoreError` when the database does not take the batch; nothing of it is written then.
        """
        return await self._persist(lambda: self._rule_ahead(items), lambda: self._rule_locked(items))

    async def take_orders(self, items: Sequence[tuple[str, Order]]) -> list[OrderTaken | EvenhandError]:
        """Take a batch of (market id, order). Answers and errors as for `rule`."""

        async def take() -> list[OrderTaken | EvenhandError]:
            async with self._pool.acquire() as connection, connection.transaction():
                return await take_orders(connection, self.markets, items, self._clock())

        return await self._persist(take, take)

    async def _read(self, connection: Connection, items: Sequence[tuple[str, Application]], now: datetime) -> Joined:
        """The beginning of the path: validate, join orders and accounts."""
        joined = await join_orders(connection, self.markets, items, now)
        await link_filers(connection, joined, now)
        return joined

    async def _path(
        self,
        connection: Connection,
        joined: Joined,
        ahead: Ahead,
        given: Given,
        *,
        alone: bool = False,
    ) -> tuple[Batch, dict[int, Ruled | EvenhandError]]:
        """THE PATH, from what was read (`_read`) to booking: build facts, rule. `ahead` and `given` are what the batches
        before are writing; `alone` holds the fund's budgets and the days of persons, so that nobody else takes from them."""
        answers: dict[int, Ruled | EvenhandError] = {**await issued_before(connection, joined.repeats), **joined.errors}
        accounts, rings = caught_up(joined.accounts, ahead), joined.rings
        for ring in rings.values():
            caught_up(ring, ahead)
        shown = await look_up(
            connection, [_evidence(one) for one in joined.filings if refers(one.application.evidence)], given.shown
        )
        purse = await Purse.read(connection, [one.day for one in joined.filings], given.purse, hold=alone)
        people = People((one.day for one in joined.filings if one.market.abuse), given.people, hold=alone)
        batch = Batch(accounts, shown, purse, people, self._named)
        for place, filing in enumerate(joined.filings, start=1):
            if not place % _BREATH:
                await asyncio.sleep(0)
            try:
                answer = batch.before(filing)
                if answer is None:
                    market = filing.market
                    number, policy = market.policy(filing.on, filing.placed_on)
                    batch.check_left(filing)
                    rules = self._rules.get(filing.merchant)
                    buyer, merchant = accounts[filing.buyer], accounts[filing.merchant]
                    ring = together(filing.buyer, rings.get(filing.buyer), accounts) if rings else ()
                    reused, vouched = shown.reused(filing.index), shown.vouched(filing.index)
                    pieces = shown.counts.get(filing.index)
                    covered = purse.covers(filing.day, filing.application.amount)
                    facts = build_facts(
                        filing, buyer, merchant, rules, policy.anchor, ring, reused, vouched, pieces, covered,
                        history_read(policy, market.scoring(filing.on).cards, market.abuse),
                    )  # fmt: skip
                    unsure, currency = market.abuse and facts["abuse"]["uncertain"], market.currency
                    if unsure:
                        facts["abuse"]["person_available"] = await people.available(connection, filing.day)
                    ruling, trace = policy.rule_told(facts, currency)
                    ruling = within_budget(ruling, facts, currency)
                    if unsure:
                        ruling = people.see(filing.day, policy, ruling, facts)
                    answer = batch.add(filing, number, facts, ruling, trace)
                answers[filing.index] = answer
            except EvenhandError as error:
                answers[filing.index] = error
        return batch, answers

    async def _rule_ahead(self, items: Sequence[tuple[str, Application]]) -> list[Ruled | EvenhandError]:
        """Rule while the batches before are still being written.

        Reading, ruling and booking are three stations, one batch at each. What was read may lack what the last two batches did
        to the accounts, so this batch sees that besides, although it may not be committed yet; should the batch ahead fail,
        `Stale` is raised: another writer may have left the very versions it would have written.
        """
        async with self._reading:
            # given back before the next station is taken: should that fail, nothing is held
            async with self._pool.acquire() as connection:
                now = self._clock()
                joined = await self._read(connection, items, now)
            await self._ruling.acquire()
        try:
            async with self._pool.acquire() as connection:
                ahead = self._ahead
                batch, answers = await self._path(connection, joined, ahead, self._given)
            await self._booking.acquire()
            failed = self._ahead is not ahead
            self._ahead = (ahead[1], batch.accounts if batch else {})
            self._given = Given(batch.shown, batch.purse, batch.people.taken) if batch else Given(Shown())
        finally:
            self._ruling.release()
        try:
            if failed:
                raise Stale
            async with self._pool.acquire() as connection, connection.transaction():
                await batch.book(connection, now)
            self._named = batch.named
        except BaseException:
            self._ahead, self._given = ({}, {}), Given(Shown())
            raise
        finally:
            self._booking.release()
        return [answers[index] for index in range(len(items))]

    async def _rule_locked(self, items: Sequence[tuple[str, Application]]) -> list[Ruled | EvenhandError]:
        """Rule with the accounts locked from reading to writing: slower, and sure to get through beside other writers."""
        async with (
            self._reading,
            self._ruling,
            self._booking,
            self._pool.acquire() as connection,
            connection.transaction(),
        ):
            now = self._clock()
            self._ahead = ({}, {})
            await state.lock(connection, (await self._read(connection, items, now)).accounts)
            joined = await self._read(connection, items, now)
            batch, answers = await self._path(connection, joined, self._ahead, Given(Shown()), alone=True)
            await batch.book(connection, now)
            return [answers[index] for index in range(len(items))]

    async def _persist(self, first: Callable[[], Awaitable[T]], again: Callable[[], Awaitable[T]]) -> T:
        """Try, and begin again when another writer got in between or the database went away for a moment.

        Beginning again is safe even when the answer to a commit was lost: what was committed is found and answered as repeated.
        """
        problem: Exception | None = None
        for attempt in range(_TRIES):
            try:
                return await (again() if attempt else first())
            except _COLLISIONS as error:
                problem = error
            except CUT_OFF as error:
                problem = error
                await asyncio.sleep(0.1 * 2**attempt)
        raise StoreError(f"the database did not take the batch after {_TRIES} tries: {problem!r}") from problem


def caught_up(read: dict[int, Account], ahead: Ahead) -> dict[int, Account]:
    """Accounts as they will be once the batches ahead are written: where one holds a later state than was read, that one."""
    for batch in ahead:
        for number in read.keys() & batch.keys():
            before = batch[number]
            if before.version >= read[number].version:
                read[number] = Account(before.version + 1, before.tiles[:])
    return read


def _evidence(filing: Filing) -> Asked:
    """What an application refers to as evidence."""
    return Asked(filing.index, filing.market.number, filing.line, filing.moment, filing.application.evidence)
