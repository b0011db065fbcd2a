"""A market, webhooks, and a receiver that listens on a real port and does what a test wants."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httptools
import msgspec
import pytest
from standardwebhooks import Webhook as Verifier

from evenhand.booking import Ruled
from evenhand.desk import Desk
from evenhand.events import webhooks
from evenhand.events.courier import Courier
from evenhand.events.sender import Sender
from evenhand.events.webhooks import NewWebhook, Webhook
from evenhand.records import Application, Market, Order, OrderLine
from evenhand.store import Database


@dataclass
class Clock:
    """Begins at the real time, by which receivers judge signatures; goes on by hand only."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Got:
    """A request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return msgspec.json.decode(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


# How a receiver answers a request: status, headers, body.
Answer = tuple[int, dict[str, str], bytes]
OK: Answer = (200, {}, b"thanks")


class Receiver:
    """An HTTP server that keeps what it gets, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answers: Callable[[Got], Awaitable[Answer]] = self.thanks
        self.port = 0
        self._server: asyncio.Server | None = None
        # requests at work at one time, at most
        self.busiest = self._busy = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/events"

    async def thanks(self, got: Got) -> Answer:
        return OK

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def verified(self, secret: str) -> list[dict[str, Any]]:
        """The events that came, once each, every signature checked by the published library."""
        verifier = Verifier(secret)
        seen: dict[str, dict[str, Any]] = {}
        for one in self.got:
            seen.setdefault(one.id, verifier.verify(one.body, one.headers))
        return list(seen.values())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while got := await _request(reader):
                self.got.append(got)
                self._busy += 1
                self.busiest = max(self.busiest, self._busy)
                try:
                    status, headers, body = await self.answers(got)
                finally:
                    self._busy -= 1
                head = {"content-length": str(len(body)), **headers}
                lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
                writer.write(f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode() + body)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> Got | None:
    headers: dict[str, str] = {}
    body = bytearray()
    path = b""
    done = False

    class Keep:
        def on_url(self, url: bytes) -> None:
            nonlocal path
            path += url

        def on_header(self, name: bytes, value: bytes) -> None:
            headers[name.decode().lower()] = value.decode()

        def on_body(self, part: bytes) -> None:
            body.extend(part)

        def on_message_complete(self) -> None:
            nonlocal done
            done = True

    parser = httptools.HttpRequestParser(Keep())
    while not done:
        data = await reader.read(65536)
        if not data:
            return None
        parser.feed_data(data)
    return Got(path.decode(), headers, bytes(body))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def receiver() -> AsyncGenerator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture
async def desk(database: Database, clock: Clock) -> AsyncGenerator[Desk]:
    desk = await Desk.open(database, clock=clock)
    for market in ("shop", "bazaar"):
        await desk.add_market(Market(market, market.title(), "1688", "CNY", "Asia/Shanghai"))
    orders = [(market, _order(number, clock.now)) for market in ("shop", "bazaar") for number in range(60)]
    await desk.take_orders(orders)
    yield desk
    await desk.close()


def _order(number: int, now: datetime) -> Order:
    line = OrderLine("1", "store-1", 10_000, "toys")
    placed, delivered = now - timedelta(days=10), now - timedelta(days=3)
    return Order(f"order-{number}", f"buyer-{number}", placed, "CNY", [line], delivered_at=delivered)


File = Callable[..., Awaitable[list[Ruled]]]


@pytest.fixture
def file(desk: Desk) -> File:
    """File applications of one market in one batch."""

    async def file(*numbers: int, market: str = "shop") -> list[Ruled]:
        answers = await desk.rule([(market, application(number)) for number in numbers])
        assert all(isinstance(one, Ruled) for one in answers), answers
        return [one for one in answers if isinstance(one, Ruled)]

    return file


def application(number: int) -> Application:
    return Application(
        f"application-{number}", f"order-{number}", "1", "refund_only", "received", "quality", 8_000, "CNY"
    )


Subscribe = Callable[..., Awaitable[Webhook]]


@pytest.fixture
def subscribe(desk: Desk, database: Database, clock: Clock, receiver: Receiver) -> Subscribe:
    """Make a webhook, of the receiver unless told; with its secret."""

    async def subscribe(**choices: Any) -> Webhook:
        new = msgspec.convert({"url": receiver.url} | choices, NewWebhook)
        async with database.pool.acquire() as connection, connection.transaction():
            made, is_new = await webhooks.add(connection, new, list(desk.markets), clock())
        assert is_new
        return made

    return subscribe


@pytest.fixture
async def courier(database: Database, clock: Clock) -> AsyncGenerator[Courier]:
    async with Sender(allow_private=True, limit_seconds=1) as sender, Courier(database.pool, sender, clock) as courier:
        yield courier


Work = Callable[[], Awaitable[None]]


@pytest.fixture
def work(courier: Courier) -> Work:
    """Let the courier do everything that is due by the clock."""

    async def work() -> None:
        while await courier.step():
            pass
        await courier.finish()

    return work
