"""`evenhand bench rulings`: durable rulings per second through the HTTP API.

A server of its own (`evenhand serve`, embedded PostgreSQL in a temporary directory, every commit flushed to disk) on the same
machine as the load. Orders are sent first; then every request is a new application about a new order line, so each is ruled,
booked and answered for the first time. Single applications come from 64 keep-alive clients, arrays of 500 from 4.
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
from evenhand.bench.machine import cpu_seconds, cpu_seconds_of, machine
from evenhand.errors import EvenhandError

MARKET: Final = "taobao"
CLIENTS: Final = 64
ARRAY: Final = 500
ARRAY_CLIENTS: Final = 4
# order lines prepared per order, and orders per buyer and per merchant: most accounts have a few orders, as in real life
LINES: Final = 4
_chatter: Final = Console(stderr=True, highlight=False)


@dataclass(slots=True)
class Round:
    """One measurement."""

    rulings: int
    seconds: float
    # milliseconds per request
    p50: float
    p99: float
    # share of one core, 0 to 1 and above
    server_cpu: float
    postgres_cpu: float
    load_cpu: float


def orders(first: int, count: int) -> list[dict[str, object]]:
    """Synthetic orders, each with its lines; ids follow from the number."""
    return [
        {
            "id": f"o{n}",
            "buyer": f"b{n * 7919 % 50_000}",
            "placed_at": f"2026-{1 + n % 9:02d}-{1 + n % 27:02d}T08:00:00+08:00",
            "currency": "CNY",
            "promised_at": f"2026-{1 + n % 9:02d}-{1 + n % 27:02d}T20:00:00+08:00",
            "delivered_at": f"2026-{1 + n % 9:02d}-{1 + n % 27:02d}T{'19' if n % 5 else '21'}:00:00+08:00",
            "lines": [
                {
                    "id": str(line),
                    "merchant": f"m{(n * 104729 + line) % 5_000}",
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
        environment = {name: value for name, value in os.environ.items() if not name.startswith("EVENHAND_")}
        server = subprocess.Popen(
            [sys.executable, "-m", "evenhand", "serve", "--port", "0", "--data", str(Path(directory) / "data")],
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        try:
            port = _port_of(server)
            single, arrays = uvloop.run(_measure(server.pid, port, seconds, rounds))
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


async def _measure(server: int, port: int, seconds: int, rounds: int) -> tuple[list[Round], list[Round]]:
    loader = _Loader(server, port)
    single: list[Round] = []
    arrays: list[Round] = []
    for _ in range(rounds):
        single.append(await loader.single(seconds))
        arrays.append(await loader.arrays(seconds))
    return single, arrays


class _Loader:
    """Keeps count of which orders were sent and which applications were used."""

    def __init__(self, server: int, port: int) -> None:
        self._server = server
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

        before = cpu_seconds(self._server), cpu_seconds_of("postgres"), cpu_seconds(os.getpid())
        took, latencies = await drive(counted(), self._port, clients, seconds)
        after = cpu_seconds(self._server), cpu_seconds_of("postgres"), cpu_seconds(os.getpid())
        # the next round takes applications no request has touched
        self._applied += used * per_request
        cuts = quantiles(latencies, n=100)
        shares = [(late - early) / took for early, late in zip(before, after, strict=True)]
        _chatter.print(f"{len(latencies) * per_request:,} rulings in {took:.1f} s")
        return Round(len(latencies) * per_request, took, cuts[49] * 1000, cuts[98] * 1000, *shares)


def _figures(rounds: list[Round]) -> dict[str, float]:
    return {
        "rulings_per_second": round(median(one.rulings / one.seconds for one in rounds)),
        "p50_ms": round(median(one.p50 for one in rounds), 2),
        "p99_ms": round(median(one.p99 for one in rounds), 2),
        "server_cores": round(median(one.server_cpu for one in rounds), 2),
        "postgres_cores": round(median(one.postgres_cpu for one in rounds), 2),
        "load_cores": round(median(one.load_cpu for one in rounds), 2),
    }


def _print(single: list[Round], arrays: list[Round]) -> None:
    table = Table(
        title=f"Durable rulings per second, median of {len(single)}", title_justify="left", box=None, pad_edge=False
    )
    for column in ("", "rulings/s", "p50 ms", "p99 ms", "server cores", "PostgreSQL cores", "load cores"):
        table.add_column(column, justify="left" if not column else "right")
    for name, rounds in (
        (f"one per request, {CLIENTS} clients", single),
        (f"arrays of {ARRAY}, {ARRAY_CLIENTS} clients", arrays),
    ):
        figures = _figures(rounds)
        table.add_row(name, f"{figures['rulings_per_second']:,}", *(f"{figures[key]:g}" for key in list(figures)[1:]))
    console = Console(highlight=False)
    console.print(table)
    console.print(machine())
