"""A sandbox gateway: an HTTP server that pays nobody, and fails on demand as real gateways do.

    POST /payments                  Idempotency-Key: the payment's key. Pays once for a key, and answers the same ever after
    GET  /payments/{key}            what became of it; 404 when there is none
    GET  /report.csv                everything it did: key, id, amount, currency, status
    POST /faults {"kind": "silent", "times": 2}    what the next payments meet

Told where (`notify`), it also tells of each payment by itself, signed as Standard Webhooks: twice, as gateways do now and then.

What it does is kept in memory only.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from evenhand.events.signing import signed_headers
from evenhand.money import exponent

# What a payment can meet.
FAULTS: Final[dict[str, str]] = {
    "refuse": "refused for good: 402, nothing is paid",
    "busy": "503, nothing is paid",
    "error": "500, nothing is paid",
    "error_after": "paid, and then 500",
    "silent": "paid, and no answer ever comes",
    "silent_before": "nothing is paid, and no answer comes",
    "hang_up": "paid, and the connection is closed without an answer",
    "garbage": "paid, and the answer is no JSON",
    "twice": "paid, and the answer comes twice on one connection",
    "late": "taken, and paid only after it was asked about twice",
    "late_refusal": "taken, and refused after it was asked about twice",
    "short": "paid, but one minor unit less",
}
_MOST_FAULTS: Final = 10_000
_LARGEST: Final = 65_536


@dataclass(slots=True)
class Paid:
    """A payment as the sandbox keeps it."""

    id: str
    amount: int
    currency: str
    # paid, pending or refused
    state: str
    problem: str = ""
    # how often to be asked before it is settled, and as what
    asks: int = 0
    settles: str = ""


@dataclass(slots=True)
class SandboxServer:
    """The sandbox's state; `handle` serves one connection."""

    payments: dict[str, Paid] = field(default_factory=dict[str, Paid])
    faults: deque[str] = field(default_factory=deque[str])
    # every request for a payment that came, by key
    requests: list[str] = field(default_factory=list[str])
    # where payments are told of, and the secret that signs it
    notify: tuple[str, str] | None = None
    # what is being told just now
    telling: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def fail(self, kind: str, times: int = 1) -> None:
        """Let the next payments meet a fault."""
        assert kind in FAULTS
        self.faults.extend([kind] * times)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection until it ends."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            while (await self._serve_one(reader, writer)) and not writer.is_closing():
                pass
        writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        length = int(headers.get("content-length", "0"))
        body = await reader.readexactly(length) if 0 < length <= _LARGEST else b""
        match method, path.strip("/").split("/"):
            case "POST", ["payments"]:
                return await self._take(headers.get("idempotency-key", ""), body, writer)
            case "GET", ["payments", key]:
                await self._say(writer, key, self._asked(key))
            case "GET", ["report.csv"]:
                await _send(writer, 200, self.report().encode(), "text/csv")
            case "POST", ["faults"]:
                await self._set_faults(body, writer)
            case _:
                await _send(writer, 404, b'{"problem":"there is no such thing here"}')
        return True

    async def _take(self, key: str, body: bytes, writer: asyncio.StreamWriter) -> bool:
        try:
            asked: dict[str, Any] = json.loads(body)
            amount, currency = asked["amount"], asked["currency"]
            if not key or type(amount) is not int or amount <= 0 or type(currency) is not str:
                raise ValueError
        except (ValueError, KeyError, TypeError):
            await _send(writer, 400, b'{"problem":"a payment has an Idempotency-Key, an amount and a currency"}')
            return True
        self.requests.append(key)
        known = self.payments.get(key)
        if known is not None:
            same = (known.amount, known.currency) == (amount, currency) or known.problem == "short"
            await (self._say(writer, key, known) if same else _send(writer, 409, b'{"problem":"the key is taken"}'))
            return True
        fault = self.faults.popleft() if self.faults else ""
        match fault:
            case "busy" | "error":
                await _send(writer, 503 if fault == "busy" else 500, b'{"problem":"not now"}')
                return True
            case "silent_before":
                await asyncio.sleep(3600)
                return False
            case _:
                pass
        made = self.payments[key] = Paid(f"pay_{len(self.payments) + 1}", amount, currency, "paid")
        self.tell(key)
        match fault:
            case "refuse":
                made.state, made.problem = "refused", "the account is closed"
            case "late" | "late_refusal":
                made.state, made.asks = "pending", 2
                made.settles = "paid" if fault == "late" else "refused"
            case "short":
                made.amount, made.problem = max(1, amount - 1), "short"
            case "error_after":
                await _send(writer, 500, b'{"problem":"something went wrong"}')
                return True
            case "silent":
                await asyncio.sleep(3600)
                return False
            case "hang_up":
                return False
            case "garbage":
                await _send(writer, 200, b"<html>payment done</html>", key=key)
                return True
            case "twice":
                await self._say(writer, key, made)
            case _:
                pass
        await self._say(writer, key, made)
        return True

    def _asked(self, key: str) -> Paid | None:
        found = self.payments.get(key)
        if found is not None and found.asks:
            found.asks -= 1
            if not found.asks:
                found.state, found.settles = found.settles, ""
                found.problem = "the bank sent it back" if found.state == "refused" else ""
                self.tell(key)
        return found

    def tell(self, key: str) -> None:
        """Tell of a payment, as it will stand once what is under way is done."""
        if self.notify is not None:
            task = asyncio.get_running_loop().create_task(self._tell(key, *self.notify))
            self.telling.add(task)
            task.add_done_callback(self.telling.discard)

    async def _tell(self, key: str, url: str, secret: str) -> None:
        body = json.dumps({"type": "payment.changed", "key": key, "state": self.payments[key].state}).encode()
        headers = signed_headers([secret], f"notice_{key}", datetime.now(UTC), body)
        async with httpx.AsyncClient(trust_env=False) as client:
            for _ in range(2):
                with contextlib.suppress(httpx.HTTPError):
                    await client.post(url, content=body, headers={**headers, "content-type": "application/json"})

    async def _say(self, writer: asyncio.StreamWriter, key: str, found: Paid | None) -> None:
        if found is None:
            await _send(writer, 404, b'{"problem":"there is no such payment"}')
            return
        said = {"state": found.state, "id": found.id, "amount": found.amount, "currency": found.currency}
        status = {"paid": 200, "pending": 202, "refused": 402}[found.state]
        await _send(writer, status, json.dumps(said | {"problem": found.problem}).encode(), key=key)

    async def _set_faults(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            asked: dict[str, Any] = json.loads(body)
            kind, times = asked["kind"], asked.get("times", 1)
            if kind not in FAULTS or type(times) is not int or not 0 < times <= _MOST_FAULTS:
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError):
            said = {"problem": "a fault has a kind, and how many times", "kinds": FAULTS}
            await _send(writer, 400, json.dumps(said).encode())
            return
        self.fail(kind, times)
        await _send(writer, 200, json.dumps({"waiting": list(self.faults)[:100]}).encode())

    def report(self) -> str:
        """Everything that was paid, refused or is pending, as CSV: amounts as decimals of the currency."""
        lines = ["key,id,amount,currency,status"]
        for key, paid in self.payments.items():
            places = exponent(paid.currency)
            whole, part = divmod(paid.amount, 10**places)
            amount = f"{whole}.{part:0{places}d}" if places else str(whole)
            lines.append(f"{key},{paid.id},{amount},{paid.currency},{paid.state}")
        return "\n".join(lines) + "\n"


async def _send(
    writer: asyncio.StreamWriter, status: int, body: bytes, media: str = "application/json", key: str = ""
) -> None:
    head = f"HTTP/1.1 {status} Sandbox\r\ncontent-type: {media}\r\ncontent-length: {len(body)}\r\n"
    writer.write((head + (f"idempotency-key: {key}\r\n" if key else "") + "\r\n").encode() + body)
    await writer.drain()


@asynccontextmanager
async def sandbox(
    host: str = "127.0.0.1", port: int = 0, *, state: SandboxServer | None = None
) -> AsyncGenerator[tuple[str, SandboxServer]]:
    """A sandbox at work: its address and its state."""
    state = state or SandboxServer()
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(state.handle(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, host, port)
    try:
        yield f"http://{host}:{server.sockets[0].getsockname()[1]}", state
    finally:
        server.close()
        for task in (*tasks, *state.telling):
            task.cancel()
        await server.wait_closed()


async def run(host: str, port: int, ready: Callable[[str], None], notify: tuple[str, str] | None = None) -> None:
    """Serve until cancelled."""
    async with sandbox(host, port, state=SandboxServer(notify=notify)) as (url, _):
        ready(url)
        await asyncio.Event().wait()
