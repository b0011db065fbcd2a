"""The server on a real socket: what is no HTTP, what is too large, and a clean end."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

import httpx
import pytest

from evenhand.desk import Desk
from evenhand.store import Database
from evenhand.web.server import serve

from .conftest import SHOP, order


@pytest.fixture
async def address(desk: Desk, database: Database) -> AsyncGenerator[str]:
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(desk, database, "127.0.0.1", 0, ready=ready.set_result))
    yield await ready
    if not serving.done():
        os.kill(os.getpid(), signal.SIGTERM)
        await serving


async def _say(address: str, *parts: bytes) -> tuple[int, bytes]:
    """Send bytes as they are; the status and the rest of what comes back."""
    place = urlsplit(address)
    assert place.hostname
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
    except ConnectionError:
        pass
    said = await asyncio.wait_for(reader.read(100_000), 30)
    writer.close()
    return int(said.split(b" ", 2)[1]), said


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET /v1/\xff HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 300_000, 431),
        (b"GET /" + b"a" * 300_000, 431),
        (b"GET /healthz HTTP/1.1\r\n\r\n", 421),
        (b"PURGE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
    ],
)
async def test_whatever_is_wrong_with_a_request_is_answered_by_a_problem(
    address: str, sent: bytes, status: int
) -> None:
    answered, said = await _say(address, *(sent[at : at + 50_000] for at in range(0, len(sent), 50_000)))
    assert answered == status, said
    assert b"content-type: application/problem+json" in said
    assert b'"type":"/problems/' in said


async def test_a_body_that_grows_too_large_is_refused_before_it_has_arrived(address: str) -> None:
    head = f"POST {SHOP}/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
    assert (await _say(address, head + b"Content-Length: 99999999\r\n\r\n"))[0] == 413
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    assert (await _say(address, head + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 17))[0] == 413


async def test_a_connection_is_kept_over_many_requests_and_large_bodies(address: str) -> None:
    async with httpx.AsyncClient(base_url=address) as client:
        for round_ in range(3):
            taken = await client.post(
                f"{SHOP}/orders", json=[order(n) for n in range(round_ * 1000, round_ * 1000 + 1000)]
            )
            assert taken.status_code == 200
            assert len(taken.request.content) > 64 * 1024
            assert (await client.head("/healthz")).status_code == 200
            assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_asked_to_stop_it_answers_what_it_took_and_ends(desk: Desk, database: Database) -> None:
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(desk, database, "127.0.0.1", 0, ready=ready.set_result))
    async with httpx.AsyncClient(base_url=await ready, timeout=30) as client:
        sent = [asyncio.create_task(client.post(f"{SHOP}/orders", json=[order(n)] * 200)) for n in range(20)]
        await asyncio.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)
        answers = await asyncio.gather(*sent, return_exceptions=True)
    await serving
    taken = [one for one in answers if isinstance(one, httpx.Response)]
    assert all(one.status_code == 200 for one in taken)
    stored = await database.pool.fetchval("select count(*) from orders")
    assert stored >= len(taken)
