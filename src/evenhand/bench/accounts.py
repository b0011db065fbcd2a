"""`evenhand bench accounts`: what an account costs to keep and to look up, and what a hundred million would.

Synthetic accounts, in a database of its own: buyers with a year of orders (most have a few, a few have hundreds) and a refund
application for every twentieth. Looked up as the path does it: state by number, in batches, read into what facts are made from.
"""

import asyncio
import random
import tempfile
import time
from array import array
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

import asyncpg
import msgspec
from rich.console import Console
from rich.table import Table

from evenhand.bench.machine import machine
from evenhand.history import BUYER, PAIR
from evenhand.history.tiles import pack
from evenhand.store import open_database

_DAY: Final = 20_400
_STATES: Final = 20_000
_ROWS: Final = 50_000
_LOOKUP: Final = "select no, version, tiles from account where no = any($1::bigint[])"
_EXTRAPOLATED: Final = 100_000_000
_chatter: Final = Console(stderr=True, highlight=False)


def run(*, accounts: int, lookups: int, as_json: bool) -> None:
    """Measure, print the figures and the machine."""
    with tempfile.TemporaryDirectory(prefix="evenhand-bench-") as directory:
        figures = asyncio.run(_measure(Path(directory) / "data", accounts, lookups))
    if as_json:
        print(msgspec.json.encode({"machine": machine(), "accounts": accounts, **figures}).decode())  # noqa: T201
        return
    table = Table(title=f"{accounts:,} accounts", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("", justify="right")
    for name, figure in figures.items():
        table.add_row(name.replace("_", " "), f"{figure:,g}" if isinstance(figure, float) else f"{figure:,}")
    console = Console(highlight=False)
    console.print(table)
    console.print(machine())


def states(count: int, seed: int = 1) -> list[bytes]:
    """Packed states of synthetic buyers, as they stand after a year."""
    draw = random.Random(seed)
    packed: list[bytes] = []
    for number in range(count):
        tiles = array("I")
        orders = min(300, max(1, int(draw.paretovariate(1.2) * 4)))
        for day in sorted(draw.randrange(_DAY - 365, _DAY) for _ in range(orders)):
            BUYER.fold(tiles, day, "order", {"amount": draw.randrange(500, 50_000)})
            if draw.random() < 0.05:
                filed: dict[str, Any] = {
                    "remedy": "refund_only", "stage": "received", "reason": "quality", "amount": 500,
                    "outcome": "subsidise", "source": "policy",
                }  # fmt: skip
                BUYER.fold(tiles, day, "ruled", filed)
                PAIR.fold(tiles, number, day, "ruled", filed)
        packed.append(pack(tiles))
    return packed


async def _measure(data: Path, accounts: int, lookups: int) -> dict[str, Any]:
    made = states(min(_STATES, accounts))
    async with open_database(None, data) as store, store.pool.acquire() as connection:
        number = await connection.fetchval(
            "insert into market (id, name, policy, currency, time_zone, synthetic)"
            " values ('bench', 'Bench (synthetic)', 'taobao', 'CNY', 'Asia/Shanghai', true) returning no"
        )
        begun = time.perf_counter()
        for start in range(0, accounts, _ROWS):
            rows = [
                (number, "buyer", f"buyer-{one:012}", made[one % len(made)])
                for one in range(start, min(accounts, start + _ROWS))
            ]
            await connection.copy_records_to_table("account", records=rows, columns=["market", "kind", "id", "tiles"])
            _chatter.print(f"{start + len(rows):,} accounts loaded")
        loaded = time.perf_counter() - begun
        await connection.execute("vacuum analyze account")
        disk = await connection.fetchval("select pg_total_relation_size('account')")
        index = await connection.fetchval("select pg_indexes_size('account')")
        single = await _lookups(connection, accounts, 1, lookups)
        many = await _lookups(connection, accounts, 500, max(50, lookups // 50))
    state = sum(map(len, made)) / len(made)
    each = disk / accounts
    return {
        "bytes_of_state_per_account": round(state, 1),
        "bytes_on_disk_per_account": round(each, 1),
        "of_which_indexes": round(index / accounts, 1),
        "accounts_loaded_per_second": round(accounts / loaded),
        "lookup_of_1_p50_ms": round(single[0], 3),
        "lookup_of_1_p99_ms": round(single[1], 3),
        "lookup_of_500_p50_ms": round(many[0], 3),
        "lookup_of_500_p99_ms": round(many[1], 3),
        "disk_at_100_million_GB": round(each * _EXTRAPOLATED / 1e9, 1),
        "states_alone_at_100_million_GB": round(state * _EXTRAPOLATED / 1e9, 1),
    }


async def _lookups(
    connection: asyncpg.pool.PoolConnectionProxy, accounts: int, size: int, count: int
) -> tuple[float, float]:
    """Milliseconds at the median and the 99th percentile to read and unpack so many random accounts."""
    draw = random.Random(size)
    took: list[float] = []
    for turn in range(count + 50):
        wanted = [draw.randrange(1, accounts + 1) for _ in range(size)]
        begun = time.perf_counter()
        for row in await connection.fetch(_LOOKUP, wanted):
            BUYER.unpack(row[2])
        if turn >= 50:  # the first ones prepare the statement
            took.append((time.perf_counter() - begun) * 1000)
    cuts = quantiles(took, n=100)
    return cuts[49], cuts[98]
