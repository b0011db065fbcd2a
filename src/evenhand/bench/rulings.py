"""`evenhand bench rulings`: durable rulings per second through the HTTP API.

A server of its own (`evenhand serve`, embedded PostgreSQL in a temporary directory, every commit flushed to disk) on the same
machine as the load. Orders are sent first; then every request is a new application about a new order line, so each is ruled,
booked and answered for the first time. Single applications come from 64 keep-alive clients, arrays of 500 from 4.

Every answer is counted only as far as it holds new rulings, and some of each round are sent again: all of those must be found.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Final

import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from evenhand.bench.load import drive, request
from evenhand.bench.machine import cpu_seconds, cpu_seconds_in, machine
from evenhand.errors import EvenhandError

MARKET: Final = "taobao"
CLIENTS: Final = 64
ARRAY: Final = 500
ARRAY_CLIENTS: Final = 4
# requests of each round that are sent again
AGAIN: Final = 20
# order lines prepared per order
LINES: Final = 4
# Every line is claimed, so buyers must be many: with few, all of them would be frequent claimants after a while, and what is
# measured would change from round to round.
BUYERS: Final = 1_000_000
MERCHANTS: Final = 5_000
_chatter: Final = Console(stderr=True, highlight=False)


@dataclass(slots=True)
class Round:
    """One measurement."""

    rulings: int
    seconds: float
    # milliseconds per request
    p50: float
    p99: float
    # processor time per ruling, microseconds
    server_cpu: float
    postgres_cpu: float
    load_cpu: float


def orders(first: int, count: int) -> list[dict[str, object]]:
    """Synthetic orders, each with its lines; ids follow from the number."""
    return [
        {
            "id": f"o{n}",
            "buyer": f"b{n * 7919 % BUYERS}",
            "placed_at": f"2026-{1 + n % 9:02d}-{1 + n % 27:02d}T08:00:00+08:00",
            "currency": "CNY",
            "promised_at": f"2026-{1 + n % 9:02d}-{1 + n % 27:02d}T20:00:00+08:00",
            "delivered_at": f"2026-{1 + n % 9:02d}-{1 + n % 27:02d}T{'19' if n % 5 else '21'}:00:00+08:00",
            "lines": [
                {
                    "id": str(line),
                    "merchant": f"m{(n * 104729 + line) % MERCHANTS}",
                    "category": "toys",
                    "amount": 2000 + n % 900,
                }
                for line in range(LINES)
            ],
            "reviews": [
                {"id": "r", "score": 5 if n % 3 else 4, "at": f"2026-{1 + n % 9:02d}-{1 + n % 27:02d}T22:00:00+08:00"}
            ],
        }
        for n in range(first, first + count)
    ]


def application(n: int) -> dict[str, object]:
    """The n-th application: about its own order line."""
    order, line = divmod(n, LINES)
    return {
        "id": f"a{n}",
        "order": f"o{order}",
        "line": str(line),
        "remedy": "refund_only" if n % 4 else "return_and_refund",
        "stage": "received",
        "reason": ("quality", "not_as_described", "damaged", "other")[n % 4],
        "amount": 1500 + order % 400,
        "currency": "CNY",
        "evidence": ["photo-1.jpg"],
    }


def run(*, seconds: int, rounds: int, as_json: bool) -> None:
    """Measure, print the figures and the machine."""
    with tempfile.TemporaryDirectory(prefix="evenhand-bench-") as directory:
        data = Path(directory).resolve() / "data"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("EVENHAND_")}
        server = subprocess.Popen(
            [sys.executable, "-m", "evenhand", "serve", "--port", "0", "--data", str(data)],
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        try:
            port = _port_of(server)
            single, arrays = uvloop.run(_measure(_Loader(server.pid, data / "postgres", port), seconds, rounds))
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)
    if as_json:
        figures = {"machine": machine(), "single": _figures(single), "arrays": _figures(arrays)}
        print(msgspec.json.encode(figures).decode())  # noqa: T201
    else:
        _print(single, arrays)


def _port_of(server: "subprocess.Popen[str]") -> int:
    assert server.stderr is not None
    for line in server.stderr:
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    raise EvenhandError("the server did not start")


async def _measure(loader: "_Loader", seconds: int, rounds: int) -> tuple[list[Round], list[Round]]:
    single: list[Round] = []
    arrays: list[Round] = []
    for _ in range(rounds):
        single.append(await loader.single(seconds))
        arrays.append(await loader.arrays(seconds))
    return single, arrays


class _Loader:
    """Keeps count of which orders were sent and which applications were used."""

    def __init__(self, server: int, postgres: Path, port: int) -> None:
        self._server = server
        self._postgres = postgres
        self._port = port
        self._ordered = 0
        self._applied = 0

    async def single(self, seconds: int) -> Round:
        prepared = await self._prepare(seconds * 15_000)
        bodies = [
            request(f"/v1/markets/{MARKET}/applications", msgspec.json.encode(application(n)), self._port)
            for n in prepared
        ]
        return await self._round(bodies, CLIENTS, seconds, 1)

    async def arrays(self, seconds: int) -> Round:
        prepared = await self._prepare(seconds * 50_000)
        bodies = [
            request(
                f"/v1/markets/{MARKET}/applications",
                msgspec.json.encode([application(n) for n in prepared[start : start + ARRAY]]),
                self._port,
            )
            for start in range(0, len(prepared), ARRAY)
        ]
        return await self._round(bodies, ARRAY_CLIENTS, seconds, ARRAY)

    async def _prepare(self, count: int) -> range:
        """Send the orders that `count` applications need; returns their numbers."""
        first = self._applied
        needed = (first + count) // LINES + 1
        if needed > self._ordered:
            _chatter.print(f"sending {needed - self._ordered:,} orders")

        def batches() -> Iterator[bytes]:
            for start in range(self._ordered, needed, ARRAY):
                body = msgspec.json.encode(orders(start, min(ARRAY, needed - start)))
                yield request(f"/v1/markets/{MARKET}/orders", body, self._port)

        await drive(batches(), self._port, 2, None)
        self._ordered = max(self._ordered, needed)
        return range(first, first + count)

    async def _round(self, bodies: list[bytes], clients: int, seconds: int, per_request: int) -> Round:
        used = 0

        def counted() -> Iterator[bytes]:
            nonlocal used
            for body in bodies:
                used += 1
                yield body

        before = self._used()
        took, latencies, new = await drive(counted(), self._port, clients, seconds, b'"repeated":false')
        after = self._used()
        if new != len(latencies) * per_request:
            raise EvenhandError(f"{len(latencies) * per_request:,} rulings were asked for, {new:,} came")
        # the next round takes applications no request has touched
        self._applied += used * per_request
        cuts = quantiles(latencies, n=100)
        used_each = [(late - early) / new * 1e6 for early, late in zip(before, after, strict=True)]
        _chatter.print(f"{new:,} rulings in {took:.1f} s")
        await self._send_again(bodies[: min(used, AGAIN)], per_request)
        return Round(new, took, cuts[49] * 1000, cuts[98] * 1000, *used_each)

    async def _send_again(self, bodies: list[bytes], per_request: int) -> None:
        """See that what was acknowledged is there."""
        _, _, found = await drive(iter(bodies), self._port, 1, None, b'"repeated":true')
        if found != len(bodies) * per_request:
            raise EvenhandError(
                f"{len(bodies) * per_request:,} acknowledged rulings were asked for again, {found:,} came"
            )

    def _used(self) -> tuple[float, float, float]:
        """Processor time so far, in seconds: of the server, of its PostgreSQL, of this process."""
        return cpu_seconds(self._server), cpu_seconds_in(self._postgres), cpu_seconds(os.getpid())


def _figures(rounds: list[Round]) -> dict[str, float]:
    return {
        "rulings_per_second": round(median(one.rulings / one.seconds for one in rounds)),
        "best": round(max(one.rulings / one.seconds for one in rounds)),
        "p50_ms": round(median(one.p50 for one in rounds), 2),
        "p99_ms": round(median(one.p99 for one in rounds), 2),
        "server_us": round(median(one.server_cpu for one in rounds), 1),
        "postgres_us": round(median(one.postgres_cpu for one in rounds), 1),
        "load_us": round(median(one.load_cpu for one in rounds), 1),
    }


def _print(single: list[Round], arrays: list[Round]) -> None:
    table = Table(
        title=f"Durable rulings, median of {len(single)}; processor time in microseconds each",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for column in ("", "rulings/s", "best", "p50 ms", "p99 ms", "server", "PostgreSQL", "load"):
        table.add_column(column, justify="right" if column else "left")
    for name, rounds in (
        (f"singly, {CLIENTS} clients", single),
        (f"arrays of {ARRAY}, {ARRAY_CLIENTS} clients", arrays),
    ):
        table.add_row(name, *(f"{figure:,}" for figure in _figures(rounds).values()))
    console = Console(highlight=False, width=100)
    console.print(table)
    console.print(machine())
