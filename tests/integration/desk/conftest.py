"""A desk with one Taobao-like market and a few orders, at a fixed moment."""

from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evenhand.desk import Desk
from evenhand.records import Application, Market, Order, OrderLine
from evenhand.store import Database

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
MARKET = Market("shop", "A synthetic shop", "1688", "CNY", "Asia/Shanghai")


@pytest.fixture
async def desk(database: Database) -> AsyncGenerator[Desk]:
    desk = await Desk.open(database, clock=lambda: NOW)
    await desk.add_market(MARKET, synthetic=True)
    yield desk
    await desk.close()


def make_order(number: int, **changes: Any) -> Order:
    values: dict[str, Any] = {
        "id": f"order-{number}",
        "buyer": f"buyer-{number % 3}",
        "placed_at": NOW - timedelta(days=20),
        "currency": "CNY",
        "lines": [OrderLine("1", f"store-{number % 2}", 10_000, "toys"), OrderLine("2", "store-9", 5_000, "fresh")],
        "promised_at": NOW - timedelta(days=15),
        "delivered_at": NOW - timedelta(days=16),
    }
    return Order(**values | changes)


def make_application(number: int, **changes: Any) -> Application:
    values: dict[str, Any] = {
        "id": f"application-{number}",
        "order": f"order-{number}",
        "line": "1",
        "remedy": "refund_only",
        "stage": "received",
        "reason": "quality",
        "amount": 8_000,
        "currency": "CNY",
    }
    return Application(**values | changes)


@pytest.fixture
async def orders(desk: Desk) -> Callable[[int], Order]:
    """Ten orders, taken."""
    await desk.take_orders([("shop", make_order(number)) for number in range(10)])
    return make_order
