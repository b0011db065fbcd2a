"""A desk whose market subsidises quality disputes, orders to dispute, and a clock that can be moved."""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from evenhand.desk import Desk, Ruled
from evenhand.errors import EvenhandError
from evenhand.fund.budgets import set_budget
from evenhand.records import Application, Market, Order, OrderLine
from evenhand.store import Database

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
MARKET = Market("shop", "A synthetic shop", "1688", "CNY", "Asia/Shanghai")


class Clock:
    """Tells the time it was set to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **lapse: float) -> None:
        self.now += timedelta(**lapse)


class Shop:
    """A market at work: every application is about an order of its own."""

    def __init__(self, desk: Desk, database: Database, clock: Clock) -> None:
        self.desk = desk
        self.database = database
        self.clock = clock
        self.numbers = count(1)

    async def order(self, amount: int = 10_000, **changes: Any) -> int:
        """Take an order; returns its number."""
        number = next(self.numbers)
        placed = self.clock() - timedelta(days=20)
        order = Order(
            f"o{number}", f"buyer-{number}", placed, "CNY", [OrderLine("1", f"store-{number % 3}", amount, "toys")],
            delivered_at=placed + timedelta(days=2), **changes,
        )  # fmt: skip
        (answer,) = await self.desk.take_orders([(MARKET.id, order)])
        assert not isinstance(answer, EvenhandError), answer
        return number

    async def ask(self, amount: int, desk: Desk | None = None, **changes: Any) -> Ruled:
        """Have a quality dispute over an order of its own ruled: what the platform subsidises, if it can."""
        (answer,) = await self.ask_all([amount], desk, **changes)
        return answer

    async def ask_all(self, amounts: Sequence[int], desk: Desk | None = None, **changes: Any) -> list[Ruled]:
        """The same for several in one batch."""
        items: list[tuple[str, Application]] = []
        for amount in amounts:
            number = await self.order(max(amount, 10_000))
            values: dict[str, Any] = {"remedy": "refund_only", "stage": "received", "reason": "quality"} | changes
            items.append(
                (MARKET.id, Application(f"a{number}", f"o{number}", "1", amount=amount, currency="CNY", **values))
            )
        answers: list[Ruled] = []
        for answer in await (desk or self.desk).rule(items):
            assert isinstance(answer, Ruled), answer
            answers.append(answer)
        return answers

    async def budget(self, amount: int | None, **changes: Any) -> None:
        async with self.database.pool.acquire() as connection, connection.transaction():
            await set_budget(connection, MARKET.id, amount, by="finance", now=self.clock(), **changes)

    async def granted(self) -> int:
        return await self.database.pool.fetchval(
            "select coalesce(sum(amount), 0)::bigint from transfer where debit = 'fund' and credit in ('buyer', 'merchant')"
        )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def shop(database: Database, clock: Clock) -> AsyncGenerator[Shop]:
    desk = await Desk.open(database, clock=clock)
    await desk.add_market(MARKET, synthetic=True)
    yield Shop(desk, database, clock)
    await desk.close()
