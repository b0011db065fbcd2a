"""The whole site over a real database, spoken to in the same event loop: no socket in between."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from evenhand.desk import Desk
from evenhand.records import Market
from evenhand.store import Database
from evenhand.web.app import Site

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
BASE = "http://127.0.0.1:8470"
SHOP = "/v1/markets/shop"

Visit = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
async def desk(database: Database) -> AsyncGenerator[Desk]:
    desk = await Desk.open(database, clock=lambda: NOW)
    await desk.add_market(Market("shop", "A synthetic shop", "1688", "CNY", "Asia/Shanghai"), synthetic=True)
    await desk.add_market(Market("bazaar", "Bazaar", "taobao", "CNY", "Asia/Shanghai"))
    yield desk
    await desk.close()


@pytest.fixture
def visit(desk: Desk, database: Database) -> Visit:
    """A client of a site of its own."""

    @asynccontextmanager
    async def visit(*, api_key: str | None = None, base_url: str = BASE) -> AsyncGenerator[httpx.AsyncClient]:
        site = Site(desk, database, api_key=api_key)
        transport = httpx.ASGITransport(site, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
            yield client
        await site.drain()

    return visit


@pytest.fixture
async def client(visit: Visit) -> AsyncGenerator[httpx.AsyncClient]:
    async with visit() as client:
        yield client


@pytest.fixture
async def orders(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Ten orders, taken."""
    sent = [order(number) for number in range(10)]
    answer = await client.post(f"{SHOP}/orders", json=sent)
    assert all("status" not in one for one in answer.json()), answer.text
    return sent


def order(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"order-{number}",
        "buyer": f"buyer-{number % 3}",
        "placed_at": "2026-02-09T12:00:00+08:00",
        "currency": "CNY",
        "lines": [{"id": "1", "merchant": "store-1", "amount": 10_000, "category": "toys"}],
        "delivered_at": "2026-02-12T12:00:00+08:00",
    } | changes


def application(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"application-{number}",
        "order": f"order-{number}",
        "line": "1",
        "remedy": "refund_only",
        "stage": "received",
        "reason": "quality",
        "amount": 8_000,
        "currency": "CNY",
        "applied_at": "2026-02-20T12:00:00+08:00",
    } | changes


def ndjson(*items: Any) -> dict[str, Any]:
    """What httpx needs to send items as NDJSON; bytes and text are sent as they are."""
    lines = [
        one if isinstance(one, bytes) else one.encode() if isinstance(one, str) else json.dumps(one).encode()
        for one in items
    ]
    return {"content": b"\n".join(lines), "headers": {"content-type": "application/x-ndjson"}}
