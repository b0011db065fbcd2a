"""A desk with a market that declines reused evidence, buyers with orders, and the evidence of the database."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from evenhand.desk import Desk
from evenhand.evidence.custody import Custody
from evenhand.evidence.vault import Directory
from evenhand.records import Application, Market, Order, OrderLine
from evenhand.store import Database

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
MARKETS = (
    Market("shop", "A synthetic shop", "taobao", "CNY", "Asia/Shanghai"),
    Market("bazaar", "Another synthetic shop", "taobao", "CNY", "Asia/Shanghai"),
)


@pytest.fixture
async def desk(database: Database) -> AsyncGenerator[Desk]:
    """A desk; in both markets thirty buyers have an order of two lines each."""
    desk = await Desk.open(database, clock=lambda: NOW)
    for market in MARKETS:
        await desk.add_market(market, synthetic=True)
        await desk.take_orders([(market.id, make_order(number)) for number in range(30)])
    yield desk
    await desk.close()


@pytest.fixture
def custody(database: Database, tmp_path: Path) -> Custody:
    return Custody(database, Directory(tmp_path / "evidence"))


def make_order(number: int) -> Order:
    return Order(
        f"order-{number}",
        f"buyer-{number}",
        NOW - timedelta(days=20),
        "CNY",
        [OrderLine("1", f"store-{number % 3}", 10_000, "toys"), OrderLine("2", "store-9", 5_000, "toys")],
        delivered_at=NOW - timedelta(days=16),
    )


def make_application(number: int, *evidence: str, **changes: Any) -> Application:
    values: dict[str, Any] = {
        "id": f"application-{number}",
        "order": f"order-{number}",
        "line": "1",
        "remedy": "refund_only",
        "stage": "received",
        "reason": "quality",
        "amount": 3_000,
        "currency": "CNY",
        "applied_at": NOW - timedelta(days=1) + timedelta(minutes=number),
        "evidence": list(evidence),
    }
    return Application(**values | changes)
