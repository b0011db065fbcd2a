"""The fund against a model of it, through thousands of steps: two desks, two payers, a gateway that fails, people who move money.

The model is arithmetic on a few numbers. After every step the books must agree with it: all postings sum to zero, the fund stands
at what went in and out, a budget has left what was not granted, and the gateway has paid no grant twice. At the end of each run
everything is let come to rest, and no payout may be left under way.
"""

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from evenhand.desk import Desk, Ruled
from evenhand.errors import BadInput, Conflict
from evenhand.fund.budgets import set_budget
from evenhand.fund.by_hand import deposit, recover, repaid
from evenhand.fund.differences import settle
from evenhand.fund.gateways.sandbox import Sandbox
from evenhand.fund.gateways.server import FAULTS, SandboxServer, sandbox
from evenhand.fund.payouts import Payer, retry, start
from evenhand.records import Application, Market, Order, OrderLine
from evenhand.store import Database, open_database

from .conftest import Clock

T = TypeVar("T")
EXAMPLES, STEPS = 40, 50
_markets = count(1)
_orders = count(1)


@dataclass
class World:
    """What all runs share: a database, two desks, two payers, one gateway. Each run has a market of its own."""

    runner: asyncio.Runner
    database: Database
    clock: Clock
    desks: list[Desk]
    payers: list[Payer]
    gateway: SandboxServer

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)


@dataclass
class Books:
    """The model."""

    put_in: int = 0
    taken_out: int = 0
    budget: int | None = None
    # case -> what it was granted
    granted: dict[int, int] = field(default_factory=dict[int, int])
    recovered: dict[int, int] = field(default_factory=dict[int, int])
    # what is still owed of it
    owed: dict[int, int] = field(default_factory=dict[int, int])

    @property
    def left(self) -> int | None:
        return None if self.budget is None else max(0, self.budget - sum(self.granted.values()))

    @property
    def stands(self) -> int:
        return self.put_in - self.taken_out - sum(self.granted.values()) + sum(self.recovered.values())


@pytest.fixture
def world(fresh_url: str) -> Generator[World]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def open_all() -> World:
            database = await stack.enter_async_context(open_database(fresh_url))
            url, gateway = await stack.enter_async_context(sandbox())
            clock = Clock()
            desks = [await Desk.open(database, clock=clock) for _ in range(2)]
            payers = [Payer(database.pool, {"sandbox": Sandbox(url, timeout=0.05)}, clock=clock) for _ in range(2)]
            for closing in (*desks, *payers):
                stack.push_async_callback(closing.close)
            return World(runner, database, clock, desks, payers, gateway)

        yield runner.run(open_all())
        runner.run(stack.aclose())


AMOUNTS = st.integers(1, 3_000)


class Fund(RuleBasedStateMachine):
    """One market's fund."""

    world: World

    @initialize()
    def open_market(self) -> None:
        self.market = Market(f"m{next(_markets)}", "A synthetic shop", "1688", "CNY", "Asia/Shanghai")
        self.books = Books()
        self.world.gateway.faults.clear()
        self.world.do(self._open())

    async def _open(self) -> None:
        await self.world.desks[0].add_market(self.market, synthetic=True)
        await self.world.desks[1].refresh()
        async with self.world.database.pool.acquire() as connection, connection.transaction():
            await start(connection, self.market.id, "sandbox", since=None, by="finance", now=self.world.clock())
        self.number = self.world.desks[0].markets[self.market.id].number

    async def _ask(self, desk: int, amounts: list[int]) -> list[tuple[int, Ruled]]:
        placed = self.world.clock() - timedelta(days=20)
        numbers = [next(_orders) for _ in amounts]
        orders = [
            Order(f"o{n}", f"b{n}", placed, "CNY", [OrderLine("1", f"s{n % 5}", 10_000, "toys")], delivered_at=placed)
            for n in numbers
        ]
        await self.world.desks[desk].take_orders([(self.market.id, order) for order in orders])
        asked = [
            Application(f"a{n}", f"o{n}", "1", "refund_only", "received", "quality", amount, "CNY")
            for n, amount in zip(numbers, amounts, strict=True)
        ]
        answers = await self.world.desks[desk].rule([(self.market.id, one) for one in asked])
        return [(amount, answer) for amount, answer in zip(amounts, answers, strict=True) if isinstance(answer, Ruled)]

    @rule(desk=st.integers(0, 1), amounts=st.lists(AMOUNTS, min_size=1, max_size=4))
    def ask(self, desk: int, amounts: list[int]) -> None:
        answers = self.world.do(self._ask(desk, amounts))
        assert len(answers) == len(amounts)
        for amount, ruled in answers:
            left = self.books.left
            expected = "subsidise" if left is None or amount <= left else "review"
            assert (ruled.outcome, ruled.amount) == (expected, amount if expected == "subsidise" else 0)
            if expected == "subsidise":
                self.books.granted[int(ruled.case)] = amount

    @rule(first=st.lists(AMOUNTS, min_size=1, max_size=4), second=st.lists(AMOUNTS, min_size=1, max_size=4))
    def ask_at_two_desks(self, first: list[int], second: list[int]) -> None:
        async def both() -> list[tuple[int, Ruled]]:
            done = await asyncio.gather(self._ask(0, first), self._ask(1, second), self._ask(0, first[:1]))
            return [answer for answers in done for answer in answers]

        answers = self.world.do(both())
        assert len(answers) == len(first) + len(second) + 1
        for amount, ruled in answers:
            if ruled.outcome == "subsidise":
                self.books.granted[int(ruled.case)] = amount
        for amount, ruled in answers:
            # who was refused had more than was left by then, and what is left only falls
            assert ruled.outcome == "subsidise" or (self.books.left is not None and amount > self.books.left)

    @rule(amount=st.one_of(st.none(), st.integers(0, 30_000)))
    def set_a_budget(self, amount: int | None) -> None:
        async def work() -> None:
            async with self.world.database.pool.acquire() as connection, connection.transaction():
                await set_budget(
                    connection, self.market.id, amount, period="quarter", by="finance", now=self.world.clock()
                )

        self.world.do(work())
        self.books.budget = amount

    @rule(amount=st.integers(-5_000, 50_000).filter(bool))
    def move_money(self, amount: int) -> None:
        async def work() -> None:
            async with self.world.database.pool.acquire() as connection, connection.transaction():
                await deposit(connection, self.market.id, amount, by="finance", note="model", now=self.world.clock())

        if amount < 0 and -amount > self.books.stands:
            with pytest.raises(BadInput, match="must be at most what the fund"):
                self.world.do(work())
            return
        self.world.do(work())
        self.books.put_in += max(0, amount)
        self.books.taken_out += max(0, -amount)

    @rule(pick=st.integers(0, 1_000_000), share=st.sampled_from((1, 2, 4)))
    def recover_one(self, pick: int, share: int) -> None:
        # what was granted hangs on which of two desks came first: it must not steer what is drawn
        if not self.books.granted:
            return
        cases = sorted(self.books.granted)
        case = cases[pick % len(cases)]
        before = self.books.recovered.get(case, 0)
        amount = max(1, self.books.granted[case] // share)

        async def work() -> None:
            async with self.world.database.pool.acquire() as connection, connection.transaction():
                moved = await recover(
                    connection, case, amount=amount, by="fraud desk", note="model", now=self.world.clock()
                )
                self.books.owed[case] = self.books.owed.get(case, 0) + sum(one.owed for one in moved)

        # never more than was granted in all
        if before + amount > self.books.granted[case]:
            with pytest.raises(Conflict if before == self.books.granted[case] else BadInput):
                self.world.do(work())
        else:
            self.world.do(work())
            self.books.recovered[case] = before + amount

    @rule(pick=st.integers(0, 1_000_000))
    def pay_back(self, pick: int) -> None:
        if not self.books.recovered:
            return
        cases = sorted(self.books.recovered)
        case = cases[pick % len(cases)]

        async def work() -> None:
            async with self.world.database.pool.acquire() as connection, connection.transaction():
                await repaid(connection, case, by="fraud desk", note="model", now=self.world.clock())

        if not self.books.owed[case]:
            with pytest.raises(Conflict):
                self.world.do(work())
        else:
            self.world.do(work())
            self.books.owed[case] = 0

    @rule(kind=st.sampled_from(sorted(FAULTS)), times=st.integers(1, 3))
    def let_the_gateway_fail(self, kind: str, times: int) -> None:
        self.world.gateway.fail(kind, times)

    @rule(payers=st.integers(1, 2))
    def pay(self, payers: int) -> None:
        async def work() -> None:
            await asyncio.gather(*(payer.tick() for payer in self.world.payers[:payers]))

        self.world.do(work())

    @rule(milliseconds=st.integers(0, 30))
    def pay_and_break_off(self, milliseconds: int) -> None:
        async def work() -> None:
            paying = asyncio.create_task(self.world.payers[0].tick())
            await asyncio.sleep(milliseconds / 1000)
            paying.cancel()
            await asyncio.wait([paying])

        self.world.do(work())

    @rule(minutes=st.sampled_from((1, 5, 60)))
    def let_time_pass(self, minutes: int) -> None:
        self.world.clock.pass_(seconds=minutes * 6)

    @rule()
    def send_the_refused_again(self) -> None:
        async def work() -> None:
            async with self.world.database.pool.acquire() as connection, connection.transaction():
                for row in await connection.fetch(
                    "select no, case_no, amount from payout where state = 'failed' and market = $1", self.number
                ):
                    await retry(connection, row["no"], self.world.clock())
                    # what its buyer owes is set off
                    owed = self.books.owed.get(row["case_no"], 0)
                    self.books.owed[row["case_no"]] = owed - min(owed, row["amount"])

        self.world.do(work())

    @rule()
    def settle_what_differs(self) -> None:
        async def work() -> None:
            async with self.world.database.pool.acquire() as connection, connection.transaction():
                for row in await connection.fetch(
                    "select no, key from payout where state = 'differs' and market = $1", self.number
                ):
                    paid = self.world.gateway.payments[row["key"]].amount
                    await settle(connection, row["no"], paid, by="finance", note="model", now=self.world.clock())

        self.world.do(work())

    @invariant()
    def the_books_agree(self) -> None:
        if not hasattr(self, "number"):
            return
        self.world.do(self._check())

    async def _check(self) -> None:
        pool, books = self.world.database.pool, self.books
        rows = await pool.fetch(
            "select account, sum(amount)::bigint as amount from posting where market = $1 group by account", self.number
        )
        stands = {row["account"]: row["amount"] for row in rows}
        assert sum(stands.values()) == 0
        assert stands.get("fund", 0) == books.stands
        if books.left is not None:
            remains = await pool.fetchval(
                "select sum(remains) from budget_share where period = (select max(p.no) from budget_period p"
                " join budget b on b.no = p.budget where b.market = $1)",
                self.number,
            )
            assert remains == books.left
        debts = await pool.fetchval("select coalesce(sum(owed), 0)::bigint from debt where market = $1", self.number)
        assert debts == sum(books.owed.values())
        # the money the gateway paid under any key of a payout, at most once each
        sent = await pool.fetch(
            "select p.no, p.state, array_agg(distinct e.key) as keys from payout p join payout_event e on e.payout = p.no"
            " where p.market = $1 and e.key <> '' group by p.no, p.state",
            self.number,
        )
        for row in sent:
            paid = [one for key in row["keys"] if (one := self.world.gateway.payments.get(key)) and one.state == "paid"]
            assert len(paid) <= 1
            if row["state"] == "paid":
                assert len(paid) == 1
            if row["state"] in ("failed", "cancelled"):
                assert not paid

    def teardown(self) -> None:
        if hasattr(self, "number"):
            self.world.gateway.faults.clear()
            self.world.do(self._come_to_rest())
            self.the_books_agree()

    async def _come_to_rest(self) -> None:
        pool = self.world.database.pool
        under_way = 1
        for _ in range(40):
            while await self.world.payers[0].tick():
                pass
            under_way = await pool.fetchval(
                "select count(*) from payout where market = $1 and due_at is not null", self.number
            )
            if not under_way:
                break
            # the clock must not reach the next quarter, whose budget is another
            self.world.clock.pass_(minutes=7)
        assert under_way == 0
        assert len(self.books.granted) == await pool.fetchval(
            "select count(*) from payout p join transfer t on t.no = p.granted where p.market = $1 and t.debit = 'fund'",
            self.number,
        )
        clearing = await pool.fetchval(
            "select coalesce(sum(amount), 0)::bigint from posting where market = $1 and account = 'clearing'",
            self.number,
        )
        differing = await pool.fetchval(
            "select coalesce(sum(amount), 0)::bigint from payout where market = $1 and state = 'differs'", self.number
        )
        assert clearing == differing


def test_the_fund_agrees_with_its_model(world: World) -> None:
    Fund.world = world
    run_state_machine_as_test(
        Fund,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        ),
    )
