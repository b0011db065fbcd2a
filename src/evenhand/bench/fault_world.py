"""What a fault campaign runs against: a server and its PostgreSQL that can be killed, a gateway and a receiver that misbehave."""

import asyncio
import hmac
import os
import random
import re
import signal
import socket
import sys
import time
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from evenhand.errors import EvenhandError
from evenhand.events.addresses import ALLOW_VARIABLE
from evenhand.events.cloud import CloudEvent
from evenhand.fund.gateways.notices import SECRETS

_READY_SECONDS: Final = 90
# How often a receiver fails, hangs up after it has taken an event, or is slow: of a hundred.
_FAILS, _HANGS_UP, _SLOW = 4, 3, 4
_event: Final = msgspec.json.Decoder(CloudEvent)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`evenhand serve` on one address, whatever becomes of its process."""

    def __init__(self, data: Path, port: int, gateway: str, secret: str) -> None:
        self._data = data
        self._port = port
        self._settings = {"EVENHAND_SANDBOX_URL": gateway, SECRETS["sandbox"]: secret, ALLOW_VARIABLE: "1"}
        self._process: asyncio.subprocess.Process | None = None
        self.url = f"http://127.0.0.1:{self._port}"
        self.log = data / "serve.log"

    async def start(self) -> None:
        """Start it; it may take a while until it answers."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("EVENHAND_")}
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "evenhand", "serve", "--port", str(self._port), "--data", str(self._data)),
                stderr=log,
                env=environment | self._settings,
            )

    async def ready(self) -> None:
        """Wait until it answers; raises `EvenhandError` when it ends before."""
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.returncode is not None:
                raise EvenhandError(f"the server ended by itself: {self.log.read_text()[-2000:]}")
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
                writer.close()
                return
            await asyncio.sleep(0.05)
        raise EvenhandError(f"the server did not come up within {_READY_SECONDS} s; {self.log.read_text()[-2000:]}")

    async def end(self, how: signal.Signals) -> None:
        """Send it a signal that ends it, and wait for that."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(how)
            await self._process.wait()

    def kill_postgres(self) -> bool:
        """`kill -9` of PostgreSQL's first process; whether one was there."""
        try:
            pid = int((self._data / "postgres" / "postmaster.pid").read_text().split("\n")[0])
            # a pid file may be left of a server that has gone: its number could be anybody's by now
            if "postgres" not in Path(f"/proc/{pid}/comm").read_text():
                return False
            os.kill(pid, signal.SIGKILL)
        except (OSError, ValueError):
            return False
        return True


@asynccontextmanager
async def gateway(notify: str, secret: str) -> AsyncGenerator[str]:
    """A sandbox gateway in a process of its own, which nobody kills and which tells of its payments: its address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "evenhand", "fund", "sandbox", "--port", "0", "--notify", notify),
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {SECRETS["sandbox"]: secret},
    )
    try:
        assert process.stderr is not None
        while not (found := re.search(rb"http://[\d.]+:\d+", line := await process.stderr.readline())):
            if not line:
                raise EvenhandError("the sandbox gateway did not start")
        yield found[0].decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Receiver:
    """Takes webhooks: keeps what came, checks signatures, fails, hangs up and is slow by chance."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.well = False
        self.secret = ""
        # events by their place in the log, in the order in which they first came
        self.seen: dict[int, CloudEvent] = {}
        self.bodies: dict[int, bytes] = {}
        # received, duplicates, failed, hung_up, slow
        self.counts: Counter[str] = Counter()
        # what must not be, one line each
        self.problems: list[str] = []

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[str]:
        """Its address."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/events"
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while status := await self._one(reader):
                writer.write(b"HTTP/1.1 %d Whatever\r\ncontent-length: 0\r\n\r\n" % status)
                await writer.drain()
        writer.close()

    async def _one(self, reader: asyncio.StreamReader) -> int:
        """Take one request; the status to answer, 0 to hang up."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        dice = 100 if self.well else self._chance.randrange(100)
        if dice < _FAILS:
            self.counts["failed"] += 1
            return 503
        if dice < _FAILS + _SLOW:
            self.counts["slow"] += 1
            await asyncio.sleep(self._chance.uniform(0.2, 1))
        self._keep(headers, body)
        if _FAILS + _SLOW <= dice < _FAILS + _SLOW + _HANGS_UP:
            self.counts["hung_up"] += 1
            return 0
        return 204

    def _keep(self, headers: dict[str, str], body: bytes) -> None:
        self.counts["received"] += 1
        number, at = headers["webhook-id"], headers["webhook-timestamp"]
        signed = f"{number}.{at}.".encode() + body
        proof = b64encode(hmac.digest(b64decode(self.secret.removeprefix("whsec_")), signed, sha256)).decode()
        if f"v1,{proof}" not in headers["webhook-signature"].split():
            self.problems.append(f"event {number}: the signature is wrong")
        event = _event.decode(body)
        place = int(event.id)
        if place in self.seen:
            self.counts["duplicates"] += 1
            if self.bodies[place] != body:
                self.problems.append(f"event {place} came again with another body")
        else:
            self.seen[place], self.bodies[place] = event, body
