"""The log over HTTP: pages that miss nothing, and a stream that goes on where it was left."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest

from evenhand.desk import Desk
from evenhand.events.outbox import Event, emit
from evenhand.store import Database
from evenhand.web.server import serve
from tests.integration.web.conftest import NOW, SHOP, application, order


async def file(client: httpx.AsyncClient, *numbers: int) -> None:
    answer = await client.post(f"{SHOP}/applications", json=[application(number) for number in numbers])
    assert all("case" in one for one in answer.json()), answer.text


async def follow(client: httpx.AsyncClient, there: str) -> tuple[list[dict[str, Any]], str]:
    """Everything from an address on, and where to come back."""
    found: list[dict[str, Any]] = []
    while True:
        page = (await client.get(there)).raise_for_status().json()
        found += page["events"]
        there = page["next"]
        if not page["more"]:
            return found, there


async def test_following_next_gives_every_event_once_now_and_later(
    client: httpx.AsyncClient, orders: list[dict[str, Any]]
) -> None:
    await file(client, 0, 1, 2)
    await file(client, 3)
    first, there = await follow(client, "/v1/events?limit=2")
    assert [one["data"]["application"] for one in first] == [f"application-{number}" for number in range(4)]
    event = first[0]
    assert event["specversion"] == "1.0"
    assert (event["source"], event["datacontenttype"]) == ("/v1/markets/shop", "application/json")
    assert event["subject"] == event["data"]["case"]
    assert await follow(client, there) == ([], there)
    await file(client, 4, 5)
    then, _ = await follow(client, there)
    assert [one["data"]["application"] for one in then] == ["application-4", "application-5"]


async def test_types_and_markets_are_chosen(
    client: httpx.AsyncClient, database: Database, orders: list[dict[str, Any]]
) -> None:
    await file(client, 1)
    async with database.pool.acquire() as connection:
        await emit(connection, [Event("fund.alerted", None, None, NOW, {"left": 5, "currency": "CNY"})])
    found, _ = await follow(client, "/v1/events?types=evenhand.fund.*")
    assert [one["type"] for one in found] == ["evenhand.fund.alerted"]
    assert "subject" not in found[0]
    found, _ = await follow(client, "/v1/events?types=evenhand.ruling.issued,evenhand.fund.alerted")
    assert len(found) == 2
    found, _ = await follow(client, "/v1/events?market=bazaar")
    assert found == []


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("after=-1", 400, "after"),
        ("after=x", 400, "after"),
        ("limit=0", 400, "limit"),
        ("limit=100000", 400, "limit"),
        ("types=nonsense", 400, "types"),
        ("types=evenhand.orders.*", 400, "types"),
        ("types=evenhand.case.%25", 400, "types"),
        ("market=nowhere", 400, "market"),
    ],
)
async def test_what_is_asked_wrongly_is_named(client: httpx.AsyncClient, query: str, status: int, field: str) -> None:
    for there in ("/v1/events", "/v1/events/stream"):
        if field == "limit" and there.endswith("stream"):
            continue
        answer = await client.get(f"{there}?{query}")
        assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text


async def test_events_that_are_not_kept_any_more_are_gone(client: httpx.AsyncClient, database: Database) -> None:
    await database.pool.execute("update outbox_next set position = 100, forgotten = 50")
    for there in ("/v1/events?after=3", "/v1/events/stream?after=3"):
        answer = await client.get(there)
        assert (answer.status_code, answer.json()["type"]) == (410, "/problems/gone")
    assert (await client.get("/v1/events")).json()["next"].endswith("after=99")


Live = Callable[[], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def live(desk: Desk, database: Database) -> Live:
    """A client of a server that really listens; it is asked to stop afterwards, streams open or not."""

    @asynccontextmanager
    async def live() -> AsyncGenerator[httpx.AsyncClient]:
        import signal

        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        server = asyncio.create_task(serve(desk, database, "127.0.0.1", 0, ready=ready.set_result))
        await asyncio.wait({server, ready}, return_when=asyncio.FIRST_COMPLETED)
        url = ready.result()
        async with httpx.AsyncClient(base_url=url, timeout=30) as client:
            yield client
            signal.raise_signal(signal.SIGTERM)
            await asyncio.wait_for(server, 8)

    return live


async def listen(response: httpx.Response, count: int) -> list[dict[str, str]]:
    """So many events of a stream."""
    found: list[dict[str, str]] = []
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        if "data" in fields:
            found.append(fields)
        fields = {}
        if len(found) == count:
            break
    return found


async def test_a_stream_tells_what_happens_and_goes_on_after_the_last_id(live: Live) -> None:
    async with live() as client:
        await client.post(f"{SHOP}/orders", json=[order(number) for number in range(6)])
        await file(client, 0)
        async with client.stream("GET", "/v1/events/stream") as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            await file(client, 1, 2)
            told = await listen(response, 2)
        assert [msgspec.json.decode(one["data"])["data"]["application"] for one in told] == [
            "application-1",
            "application-2",
        ]
        assert told[0]["event"] == "evenhand.ruling.issued"
        await file(client, 3)
        async with client.stream("GET", "/v1/events/stream", headers={"Last-Event-ID": told[0]["id"]}) as response:
            again = await listen(response, 2)
        assert [msgspec.json.decode(one["data"])["data"]["application"] for one in again] == [
            "application-2",
            "application-3",
        ]


async def test_a_server_that_is_asked_to_stop_lets_its_streams_go(live: Live) -> None:
    async with live() as client:
        response = client.stream("GET", "/v1/events/stream")
        opened = await response.__aenter__()
        assert opened.status_code == 200
