"""Payouts through a gateway that fails in every way a gateway can: each subsidy is paid once, and nothing is forgotten."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from evenhand.errors import BadInput, Conflict, UnknownThing
from evenhand.fund.by_hand import deposit, recover, repaid
from evenhand.fund.differences import settle
from evenhand.fund.gateways import Gateway
from evenhand.fund.gateways.sandbox import Sandbox
from evenhand.fund.gateways.server import FAULTS, SandboxServer, sandbox
from evenhand.fund.payouts import Payer, Payout, payouts, refer, retry, start, stop
from evenhand.fund.reconcile import Reported, reconcile

from .conftest import MARKET, NOW, Shop

HERE = Path(__file__).parent


class Till:
    """A shop that pays through a sandbox."""

    def __init__(self, shop: Shop, url: str, server: SandboxServer, payer: Payer) -> None:
        self.shop = shop
        self.url = url
        self.server = server
        self.payer = payer

    async def pass_days(self, days: int = 3) -> None:
        """Let the payer work until days have passed."""
        for _ in range(days * 8):
            while await self.payer.tick():
                pass
            self.shop.clock.pass_(hours=3)

    async def payouts(self) -> list[Payout]:
        async with self.shop.database.pool.acquire() as connection:
            return await payouts(connection)

    async def balances(self) -> dict[str, int]:
        """What each kind of account stands at."""
        rows = await self.shop.database.pool.fetch("select account, sum(amount)::bigint from posting group by account")
        return {account: amount for account, amount in rows if amount}

    @property
    def paid(self) -> int:
        return sum(one.amount for one in self.server.payments.values() if one.state == "paid")


@pytest.fixture
async def till(shop: Shop) -> AsyncGenerator[Till]:
    async with shop.database.pool.acquire() as connection, connection.transaction():
        await start(connection, MARKET.id, "sandbox", since=None, by="finance", now=NOW)
    async with sandbox() as (url, server):
        payer = Payer(shop.database.pool, {"sandbox": Sandbox(url, timeout=0.3)}, clock=shop.clock)
        yield Till(shop, url, server, payer)
        await payer.close()


async def test_a_subsidy_is_paid_and_the_money_has_left(till: Till) -> None:
    await till.shop.ask(8_000)
    assert (await till.payouts())[0].state == "due"
    assert await till.payer.tick() == 1
    (one,) = await till.payouts()
    assert (one.state, one.amount, one.currency, one.due_at) == ("paid", 8_000, "CNY", None)
    assert await till.balances() == {"fund": -8_000, "external": 8_000}
    assert await till.payer.tick() == 0


async def test_what_a_merchant_pays_is_not_paid_by_the_platforms_gateway(till: Till) -> None:
    await till.shop.ask(8_000, reason="no_reason")
    assert await till.payouts() == []


@pytest.mark.parametrize("fault", [kind for kind in FAULTS if kind not in ("refuse", "late_refusal", "short")])
async def test_whatever_the_gateway_does_a_subsidy_is_paid_once(till: Till, fault: str) -> None:
    till.server.fail(fault, 2)
    await till.shop.ask_all([8_000, 700, 60])
    await till.pass_days()
    assert [one.state for one in await till.payouts()] == ["paid"] * 3
    assert till.paid == 8_760
    assert len(till.server.payments) == 3
    assert await till.balances() == {"fund": -8_760, "external": 8_760}


@pytest.mark.parametrize("fault", ["refuse", "late_refusal"])
async def test_what_is_refused_is_the_buyers_again_and_can_be_sent_anew(till: Till, fault: str) -> None:
    till.server.fail(fault)
    await till.shop.ask(8_000)
    await till.pass_days()
    (one,) = await till.payouts()
    assert (one.state, till.paid) == ("failed", 0)
    assert one.problem
    assert await till.balances() == {"fund": -8_000, "buyer": 8_000}
    async with till.shop.database.pool.acquire() as connection, connection.transaction():
        await retry(connection, one.no, till.shop.clock())
    await till.pass_days()
    (again,) = await till.payouts()
    assert (again.state, till.paid) == ("paid", 8_000)
    assert again.key != one.key
    assert await till.balances() == {"fund": -8_000, "external": 8_000}
    with pytest.raises(Conflict, match="is paid"):
        async with till.shop.database.pool.acquire() as connection, connection.transaction():
            await retry(connection, one.no, till.shop.clock())


async def test_a_gateway_that_paid_something_else_is_for_a_person_to_look_at(till: Till) -> None:
    till.server.fail("short")
    await till.shop.ask(8_000)
    await till.pass_days()
    (one,) = await till.payouts()
    assert (one.state, one.problem) == ("differs", "the gateway paid 79.99 CNY")
    assert one.gateway_amount == 7_999
    assert till.server.requests == [one.key]


async def test_a_payment_made_whose_answer_is_lost_is_asked_for_and_not_sent_again(till: Till) -> None:
    till.server.fail("silent")
    await till.shop.ask(8_000)
    await till.payer.tick()
    assert (await till.payouts())[0].state == "sending"
    await till.pass_days(1)
    (one,) = await till.payouts()
    assert one.state == "paid"
    assert till.server.requests == [one.key]


async def test_payers_side_by_side_send_each_payment_once(till: Till) -> None:
    await till.shop.ask_all([100 + n for n in range(40)])
    payers = [Payer(till.shop.database.pool, {"sandbox": Sandbox(till.url)}, clock=till.shop.clock) for _ in range(4)]

    async def work(payer: Payer) -> None:
        while await payer.tick():
            pass
        await payer.close()

    await asyncio.gather(*(work(payer) for payer in payers))
    assert len(till.server.requests) == len(set(till.server.requests)) == 40
    assert {one.state for one in await till.payouts()} == {"paid"}


async def test_a_late_record_of_an_answer_changes_nothing(till: Till) -> None:
    """The first payer is slow to hear; meanwhile another has asked and settled it."""
    till.server.fail("silent")
    await till.shop.ask(8_000)
    slow = Payer(till.shop.database.pool, {"sandbox": Sandbox(till.url, timeout=1.5)}, clock=till.shop.clock)
    waiting = asyncio.create_task(slow.tick())
    await asyncio.sleep(0.4)
    till.shop.clock.pass_(minutes=5)
    assert await till.payer.tick() == 1
    assert (await till.payouts())[0].state == "paid"
    await waiting
    await slow.close()
    assert (await till.payouts())[0].state == "paid"
    assert await till.balances() == {"fund": -8_000, "external": 8_000}


@pytest.mark.parametrize("where", ["before sending", "after sending"])
async def test_a_server_killed_between_sending_and_writing_down_pays_once(till: Till, where: str) -> None:
    await till.shop.ask(8_000)
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HERE / "pay_and_die.py"), till.shop.database.url, till.url, where, NOW.isoformat(),
        stdout=asyncio.subprocess.PIPE,
        env=dict(os.environ),
    )  # fmt: skip
    assert process.stdout is not None
    await process.wait()
    assert process.returncode == -signal.SIGKILL
    assert (await till.payouts())[0].state == "sending"
    assert len(till.server.payments) == (1 if where == "after sending" else 0)
    await till.pass_days()
    (one,) = await till.payouts()
    assert (one.state, till.paid) == ("paid", 8_000)
    assert len(till.server.payments) == 1
    assert await till.balances() == {"fund": -8_000, "external": 8_000}


async def differing(till: Till) -> Payout:
    """A payout of 8,000 of which the gateway paid 7,999."""
    till.server.fail("short")
    await till.shop.ask(8_000)
    await till.payer.tick()
    (one,) = await till.payouts()
    assert one.state == "differs"
    return one


@pytest.mark.parametrize(
    ("paid", "states", "left", "balances"),
    [
        (7_999, {"paid"}, 8_000, {"fund": -8_000, "external": 8_000}),
        (8_002, {"paid"}, 8_002, {"fund": -8_000, "external": 8_002, "buyer": -2}),
        (8_000, {"paid"}, 8_000, {"fund": -8_000, "external": 8_000}),
        (0, {"failed"}, 0, {"fund": -8_000, "buyer": 8_000}),
    ],
)
async def test_what_differs_is_settled_by_a_person_who_says_why(
    till: Till, paid: int, states: set[str], left: int, balances: dict[str, int]
) -> None:
    one = await differing(till)
    async with till.shop.database.pool.acquire() as connection, connection.transaction():
        if paid != 7_999:
            with pytest.raises(BadInput, match=r"said that it paid 79\.99 CNY; confirm"):
                await settle(connection, one.no, paid, by="finance", note="as the bank says", now=NOW)
        moved = await settle(
            connection, one.no, paid, by="finance", note="as the bank says", now=NOW, against_gateway=paid != 7_999
        )
    await till.pass_days(1)
    assert {found.state for found in await till.payouts()} == states
    assert await till.balances() == balances
    assert sum(found.amount for found in await till.payouts() if found.state == "paid") == left
    notes = await till.shop.database.pool.fetch("select transfer, by, note from transfer_note order by transfer")
    assert [tuple(row) for row in notes] == [(it.transfer, "finance", "as the bank says") for it in moved]
    assert await till.shop.database.pool.fetchval("select coalesce(sum(owed), 0)::bigint from debt") == max(
        0, paid - 8_000
    )
    async with till.shop.database.pool.acquire() as connection:
        with pytest.raises(Conflict, match="only one that differs"):
            async with connection.transaction():
                await settle(connection, one.no, 1, by="finance", note="again", now=NOW)
    if paid == 7_999:
        # what is reported and what stands here agree from now on
        async with till.shop.database.pool.acquire() as connection:
            report = [Reported(key, it.amount, it.currency, "paid", 1) for key, it in till.server.payments.items()]
            assert (await reconcile(connection, report, "sandbox"))[1] == []


async def test_the_database_refuses_to_hand_a_grant_over_twice(till: Till) -> None:
    await till.shop.ask(8_000)
    await till.payer.tick()
    with pytest.raises(asyncpg.UniqueViolationError):
        await till.shop.database.pool.execute(
            "insert into transfer (market, currency, cause, case_no, debit, debit_of, credit, amount, value_at, follows,"
            " booked_at)"
            " select market, currency, cause, case_no, debit, debit_of, credit, amount, value_at, follows, booked_at"
            " from transfer where cause = 'payout'"
        )
    with pytest.raises(asyncpg.RestrictViolationError):
        await till.shop.database.pool.execute("update transfer set amount = 1")


async def test_starting_pays_what_was_granted_since_a_day_and_stopping_makes_no_more(shop: Shop) -> None:
    await shop.ask(1_000, applied_at=NOW.replace(day=8))
    await shop.ask(2_000)
    async with shop.database.pool.acquire() as connection, connection.transaction():
        assert await start(connection, MARKET.id, "sandbox", since=date(2026, 3, 9), by="finance", now=NOW) == 1
        assert await start(connection, MARKET.id, "sandbox", since=date(2026, 3, 8), by="finance", now=NOW) == 1
        assert await start(connection, MARKET.id, "sandbox", since=date(2026, 3, 1), by="finance", now=NOW) == 0
    async with shop.database.pool.acquire() as connection, connection.transaction():
        await stop(connection, MARKET.id)
    await shop.ask(4_000)
    async with shop.database.pool.acquire() as connection:
        assert [one.amount for one in await payouts(connection)] == [1_000, 2_000]


async def test_what_is_recovered_before_it_was_sent_is_not_sent(till: Till) -> None:
    case = int((await till.shop.ask(8_000)).case)
    async with till.shop.database.pool.acquire() as connection, connection.transaction():
        (moved,) = await recover(connection, case, amount=3_000, by="fraud desk", note="half a lie", now=NOW)
    assert (moved.unsent, moved.owed) == (3_000, 0)
    await till.pass_days()
    assert till.paid == 5_000
    assert await till.balances() == {"fund": -5_000, "external": 5_000}
    other = int((await till.shop.ask(8_000)).case)
    async with till.shop.database.pool.acquire() as connection, connection.transaction():
        await recover(connection, other, by="fraud desk", note="all a lie", now=NOW)
    await till.pass_days()
    assert till.paid == 5_000
    assert [one.state for one in await till.payouts()] == ["cancelled", "paid"]


async def test_what_is_left_of_a_grant_can_be_recovered_later_and_never_more(till: Till) -> None:
    case = int((await till.shop.ask(8_000)).case)

    async def back(amount: int | None) -> list[tuple[int, int]]:
        async with till.shop.database.pool.acquire() as connection, connection.transaction():
            moved = await recover(connection, case, amount=amount, by="fraud desk", note="a lie", now=NOW)
        return [(one.unsent, one.owed) for one in moved]

    assert await back(100) == [(100, 0)]
    assert await back(100) == [(100, 0)]
    await till.pass_days()
    assert till.paid == 7_800
    assert await back(300) == [(0, 300)]
    with pytest.raises(BadInput, match=r"75\.00 CNY left of 80\.00 CNY granted"):
        await back(7_501)
    assert await back(None) == [(0, 7_500)]
    with pytest.raises(Conflict, match="has been recovered"):
        await back(1)
    assert await till.balances() == {"buyer": -7_800, "external": 7_800}


async def test_what_is_recovered_after_it_was_paid_is_owed_until_it_is_paid_back(till: Till) -> None:
    case = int((await till.shop.ask(8_000)).case)
    await till.pass_days()
    async with till.shop.database.pool.acquire() as connection, connection.transaction():
        (moved,) = await recover(connection, case, by="fraud desk", note="the photograph was another's", now=NOW)
    assert (moved.unsent, moved.owed) == (0, 8_000)
    assert await till.balances() == {"buyer": -8_000, "external": 8_000}
    with pytest.raises(Conflict, match="has been recovered"):
        async with till.shop.database.pool.acquire() as connection, connection.transaction():
            await recover(connection, case, by="fraud desk", note="again", now=NOW)
    async with till.shop.database.pool.acquire() as connection, connection.transaction():
        await repaid(connection, case, by="fraud desk", note="by bank transfer", now=NOW)
    assert await till.balances() == {}


async def test_bad_input_by_hand_names_what_is_wrong_and_moves_nothing(shop: Shop) -> None:
    case = int((await shop.ask(8_000)).case)
    nothing = int((await shop.ask(8_000, reason="no_reason")).case)
    async with shop.database.pool.acquire() as connection:
        for wrong, field in ((0, "amount"), (10**18, "amount"), (-1, "amount")):
            with pytest.raises(BadInput) as refused:
                async with connection.transaction():
                    await deposit(connection, MARKET.id, wrong, by="finance", note="x", now=NOW)
            assert refused.value.field == field
        for changes, field in (
            ({"amount": 8_001}, "amount"),
            ({"amount": 0}, "amount"),
            ({"note": " "}, "note"),
            ({"by": ""}, "by"),
        ):
            values: dict[str, Any] = {"by": "fraud desk", "note": "x", "now": NOW} | changes
            with pytest.raises(BadInput) as refused:
                await recover(connection, case, **values)
            assert refused.value.field == field
        for unknown in (nothing, 10**9):
            with pytest.raises(UnknownThing):
                await recover(connection, unknown, by="fraud desk", note="x", now=NOW)
        with pytest.raises(UnknownThing):
            await refer(connection, MARKET.id, "no-such-order", "pi_1", NOW)
        with pytest.raises(UnknownThing):
            await start(connection, MARKET.id, "paypal", since=None, by="finance", now=NOW)
    assert await shop.granted() == 8_000
    assert await shop.database.pool.fetchval("select count(*) from transfer") == 1


async def test_the_sandbox_says_what_is_wrong_with_a_request(till: Till) -> None:
    async with httpx.AsyncClient(base_url=till.url) as client:
        assert (await client.post("/payments", json={"amount": -1, "currency": "CNY"})).status_code == 400
        assert (await client.post("/payments", content=b"\xff", headers={"idempotency-key": "k"})).status_code == 400
        assert (await client.post("/faults", json={"kind": "unheard of"})).status_code == 400
        assert (await client.get("/elsewhere")).status_code == 404
        assert (await client.post("/faults", json={"kind": "busy"})).status_code == 200
        body = {"amount": 5, "currency": "CNY"}
        assert (await client.post("/payments", json=body, headers={"idempotency-key": "k"})).status_code == 503
        first = await client.post("/payments", json=body, headers={"idempotency-key": "k"})
        again = await client.post("/payments", json=body, headers={"idempotency-key": "k"})
        assert (first.status_code, first.content) == (again.status_code, again.content)
        assert (
            await client.post("/payments", json=body | {"amount": 6}, headers={"idempotency-key": "k"})
        ).status_code == 409


def test_the_sandbox_is_a_gateway() -> None:
    gateway: Gateway = Sandbox("http://127.0.0.1:9")
    assert gateway.name == "sandbox"
