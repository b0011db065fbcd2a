"""Cases of a Taobao-like market on a real database, with a clock that is moved by hand."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evenhand.booking import Ruled
from evenhand.cases.actions import ACTIONS
from evenhand.casework import Acted, Casework
from evenhand.desk import Desk
from evenhand.policy import Policy
from evenhand.records import Application, Market, Order, OrderLine
from evenhand.store import Database

START = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
STRICT = """---
policy: strict
version: 1
effective: 2020-01-01
---
# Strict

Nothing is granted without a reason.

## Ruling
| F | application.reason | → outcome |
|---|--------------------|-----------|
| 1 | "no_reason"        | decline   |
| 2 | -                  | review    |
"""
# Taobao's, but its platform may pay too: so that people can rule anything.
FREE = (
    Policy.load("taobao@2024-08").source
    .replace("policy: taobao", "policy: free", 1)
    .replace('- never `payer = "platform"`\n', "", 1)
)  # fmt: skip


@dataclass
class Clock:
    """A clock on the wall that only tests move."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(database: Database, clock: Clock) -> AsyncGenerator[Desk]:
    desk = await Desk.open(database, clock=clock)
    await desk.register(Policy.parse(FREE))
    await desk.add_market(Market("bazaar", "Bazaar", "free", "CNY", "Asia/Shanghai"), synthetic=True)
    await desk.add_market(Market("wholesale", "Wholesale", "1688", "CNY", "Asia/Shanghai"), synthetic=True)
    await desk.register(Policy.parse(STRICT))
    await desk.add_market(Market("strict", "Strict", "strict", "CNY", "Asia/Shanghai", pinned="1"), synthetic=True)
    orders = [
        (market, make_order(f"order-{number}", clock.now))
        for market in ("bazaar", "wholesale", "strict")
        for number in range(30)
    ]
    await desk.take_orders(orders)
    yield desk
    await desk.close()


def make_order(name: str, now: datetime) -> Order:
    return Order(
        name,
        "buyer-1",
        now - timedelta(days=10),
        "CNY",
        [OrderLine("1", "store-1", 10_000, "toys")],
        delivered_at=now - timedelta(days=3),
    )


@pytest.fixture
def work(desk: Desk, database: Database, clock: Clock) -> Casework:
    return Casework(desk, database, clock=clock)


File = Callable[..., Awaitable[Ruled]]


@pytest.fixture
def file(desk: Desk) -> File:
    """File an application about an order line of its own; answers with its ruling."""
    filed = 0

    async def file(*, market: str = "bazaar", **changes: Any) -> Ruled:
        nonlocal filed
        values: dict[str, Any] = {
            "id": f"application-{filed}",
            "order": f"order-{filed}",
            "line": "1",
            "remedy": "refund_only",
            "stage": "received",
            "reason": "quality",
            "amount": 8_000,
            "currency": "CNY",
        }
        filed += 1
        (answer,) = await desk.rule([(market, Application(**values | changes))])
        assert isinstance(answer, Ruled), answer
        return answer

    return file


Do = Callable[..., Awaitable[Acted]]
BUYER = {"role": "buyer", "id": "buyer-1"}
MERCHANT = {"role": "merchant", "id": "store-1"}
ANNA = {"role": "adjudicator", "id": "Anna"}
BORIS = {"role": "adjudicator", "id": "Boris"}
PLATFORM = {"role": "platform", "id": "ops"}


@pytest.fixture
def do(work: Casework) -> Do:
    """Take an action on a case, given as JSON would give it."""
    import msgspec

    async def do(case: str, by: dict[str, str], action: str, **fields: Any) -> Acted:
        options = {name: fields.pop(name) for name in ("key", "expected") if name in fields}
        body = msgspec.convert({"by": by, **fields}, ACTIONS[action][0])
        return await work.act(int(case), body, **options)

    return do


async def money(database: Database, case: str) -> dict[str, int]:
    """What moved for a case, by ledger account: positive is gained."""
    rows = await database.pool.fetch(
        "select account, sum(amount) as amount from posting where case_no = $1 group by account", int(case)
    )
    return {row["account"]: int(row["amount"]) for row in rows}


History = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def history(desk: Desk, database: Database, clock: Clock) -> History:
    """The windowed facts of the buyer and the store as they stand tomorrow."""
    from evenhand.history import BUYER, MERCHANT

    async def history(market: str = "bazaar") -> dict[str, Any]:
        day = desk.markets[market].day(clock.now + timedelta(days=1))
        facts: dict[str, Any] = {}
        for kind, account, tally in (("buyer", "buyer-1", BUYER), ("merchant", "store-1", MERCHANT)):
            stored = await database.pool.fetchval(
                "select tiles from account where market = $1 and kind = $2 and id = $3",
                desk.markets[market].number, kind, account,
            )  # fmt: skip
            facts |= tally.facts(tally.unpack(stored), day)
        return facts

    return history
