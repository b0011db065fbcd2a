"""`evenhand bench accounts`: what an account costs to keep, to look up and to rule on, and what a hundred million would.

Synthetic accounts, in a database of its own that is removed afterwards: buyers with a year of orders (most have a few, a few have
hundreds) and a refund application for every twentieth. Measured at a tenth of the accounts and at all of them: what grows shows
as the slope between the two, and a hundred million are extrapolated from it. Looked up as the path does it: state by number, in
batches, read into what facts are made from. Ruled as the path does it too, about order lines of buyers from all over the table.
"""

import asyncio
import random
import tempfile
import time
from array import array
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

import asyncpg
import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from evenhand.bench.machine import machine
from evenhand.desk import Desk
from evenhand.history import BUYER, PAIR
from evenhand.history.stored import pack
from evenhand.records import Application, Market
from evenhand.store import open_database

_DAY: Final = 20_400
_NOW: Final = datetime(1970, 1, 1, 12, tzinfo=UTC) + timedelta(days=_DAY + 1)
_STATES: Final = 20_000
_ROWS: Final = 100_000
_BATCH: Final = 500
_MERCHANTS: Final = 2_000
_EXTRAPOLATED: Final = 100_000_000
_LOOKUP: Final = "select no, version, tiles from account where no = any($1::bigint[])"
_LOAD: Final = """
    insert into account (market, kind, id, tiles)
    select $1, 'buyer', 'buyer-' || lpad(i::text, 12, '0'), s.tiles
    from generate_series($2::bigint, $3::bigint) as i join bench_state s on s.n = i % $4::bigint
"""
_MERCHANT: Final = """
    insert into account (market, kind, id, tiles)
    select $1, 'merchant', 'merchant-' || i, '' from generate_series(0, $2::int - 1) as i
"""
# an order with one line for each of some buyers, from a number on
_ORDERS: Final = """
    with made as (
        insert into orders (no, market, id, buyer, placed_at, promised_at, delivered_at, delivery_arrived,
                            delivered_late)
        select i + $2::bigint, $1, 'order-' || (i + $2), b, $4::timestamptz - interval '9 days',
               $4::timestamptz - interval '5 days', $4::timestamptz - interval '6 days', nextval('arrival'), false
        from unnest($3::bigint[]) with ordinality as f (b, i)
        returning no, buyer, placed_at, delivered_at
    )
    insert into order_line (no, market, order_id, id, order_no, position, buyer, merchant, category, amount, placed_at,
                            delivered_at)
    select m.no, $1, 'order-' || m.no, '1', m.no, 0, m.buyer, a.no, 'toys', 2000, m.placed_at, m.delivered_at
    from made m join account a on a.market = $1 and a.kind = 'merchant' and a.id = 'merchant-' || m.no % $5::int
"""
_Connection = asyncpg.pool.PoolConnectionProxy


class Measured(msgspec.Struct, frozen=True):
    """The figures at one number of accounts."""

    accounts: int
    state_bytes_per_account: float
    # of the table and its indexes; of the indexes alone
    disk_bytes: int
    index_bytes: int
    loaded_per_second: int
    # milliseconds at the median and the 99th percentile, for lookups of one account and of 500
    one: tuple[float, float]
    many: tuple[float, float]
    rulings_per_second: int


def run(*, accounts: int, lookups: int, rulings: int, as_json: bool) -> None:
    """Measure, print the figures and the machine."""
    with tempfile.TemporaryDirectory(prefix="evenhand-bench-") as directory:
        tenth, whole = asyncio.run(_measure(Path(directory) / "data", accounts, lookups, rulings))
    at_most = extrapolated(tenth, whole, _EXTRAPOLATED)
    if as_json:
        said = {"machine": machine(), "measured": [tenth, whole], "at_100_million": at_most}
        print(msgspec.json.encode(said).decode())  # noqa: T201
        return
    table = Table(box=None, pad_edge=False)
    for head in ("", f"{tenth.accounts:,} accounts", f"{whole.accounts:,} accounts"):
        table.add_column(head, justify="right" if head else "left")
    for name, read in _ROWS_SHOWN.items():
        table.add_row(name, read(tenth), read(whole))
    console = Console(highlight=False)
    console.print(table)
    for name, amount in at_most.items():
        console.print(f"{name.replace('_', ' ')} at 100 million, from the slope: {amount:,.1f}")
    console.print(machine())


_ROWS_SHOWN: Final = {
    "state, bytes per account": lambda one: f"{one.state_bytes_per_account:.0f}",
    "on disk with indexes, bytes per account": lambda one: f"{one.disk_bytes / one.accounts:.0f}",
    "of which indexes": lambda one: f"{one.index_bytes / one.accounts:.0f}",
    "loaded per second": lambda one: f"{one.loaded_per_second:,}",
    "lookup of 1, p50 / p99, ms": lambda one: "{:.2f} / {:.2f}".format(*one.one),
    "lookup of 500, p50 / p99, ms": lambda one: "{:.1f} / {:.1f}".format(*one.many),
    "rulings per second, batches of 500": lambda one: f"{one.rulings_per_second:,}",
}


def extrapolated(smaller: Measured, larger: Measured, accounts: int) -> dict[str, float]:
    """Disk and memory for so many accounts, in GB: what the larger one takes and the slope between the two beyond it."""

    def at(read: Any) -> float:
        slope = (read(larger) - read(smaller)) / (larger.accounts - smaller.accounts)
        return round((read(larger) + slope * (accounts - larger.accounts)) / 1e9, 1)

    return {
        "disk_GB": at(lambda one: one.disk_bytes),
        "memory_to_hold_the_indexes_GB": at(lambda one: one.index_bytes),
        "memory_to_hold_the_states_too_GB": at(
            lambda one: one.index_bytes + one.accounts * one.state_bytes_per_account
        ),
    }


def states(count: int, seed: int = 1) -> list[bytes]:
    """Packed states of synthetic buyers, as they stand after a year: half have four orders or fewer, a few have hundreds."""
    draw = random.Random(seed)
    packed: list[bytes] = []
    for number in range(count):
        tiles = array("I")
        orders = min(300, int(draw.paretovariate(1.1) * 2))
        for day in sorted(draw.randrange(_DAY - 365, _DAY) for _ in range(orders)):
            BUYER.fold(tiles, day, "order", {"amount": draw.randrange(500, 50_000)})
            if draw.random() < 0.05:
                filed: dict[str, Any] = {
                    "remedy": "refund_only", "stage": "received", "reason": "quality", "amount": 500,
                    "outcome": "subsidise", "source": "policy",
                }  # fmt: skip
                BUYER.fold(tiles, day, "ruled", filed)
                PAIR.fold(tiles, number * 4_999, day, "ruled", filed)  # stores' numbers are among those of all accounts
        packed.append(pack(tiles))
    return packed


async def _measure(data: Path, accounts: int, lookups: int, rulings: int) -> list[Measured]:
    made = states(min(_STATES, accounts))
    state = sum(map(len, made)) / len(made)
    measured: list[Measured] = []
    async with open_database(None, data) as store:
        desk = await Desk.open(store, clock=lambda: _NOW)
        try:
            market = Market("bench", "Bench (synthetic)", "taobao", "CNY", "Asia/Shanghai")
            await desk.add_market(market, synthetic=True)
            number = desk.markets[market.id].number
            async with store.pool.acquire() as connection:
                await _prepare(connection, number, made)
                for begins, ends in ((0, accounts // 10), (accounts // 10, accounts)):
                    took = await _load(connection, number, begins, ends, len(made))
                    disk, index = await connection.fetchrow(
                        "select pg_total_relation_size('account'), pg_indexes_size('account')"
                    ) or (0, 0)
                    one = await _lookups(connection, ends, 1, lookups)
                    many = await _lookups(connection, ends, _BATCH, max(100, lookups // 50))
                    filed = await _file(connection, number, len(measured) * rulings, ends, rulings)
                    ruled = await _rule(desk, market.id, filed)
                    measured.append(
                        Measured(ends, state, disk, index, round((ends - begins) / took), one, many, round(ruled))
                    )
        finally:
            await desk.close()
    return measured


async def _prepare(connection: _Connection, market: int, made: Sequence[bytes]) -> None:
    await connection.execute("create unlogged table bench_state (n bigint primary key, tiles bytea not null)")
    await connection.copy_records_to_table("bench_state", records=list(enumerate(made)), columns=["n", "tiles"])
    await connection.execute(_MERCHANT, market, _MERCHANTS)


async def _load(connection: _Connection, market: int, begins: int, ends: int, states: int) -> float:
    """Make buyers from one number to another; seconds."""
    begun = time.perf_counter()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(f"{ends:,} accounts", total=ends - begins)
        for start in range(begins, ends, _ROWS):
            end = min(ends, start + _ROWS)
            await connection.execute(_LOAD, market, start, end - 1, states)
            progress.advance(bar, end - start)
    took = time.perf_counter() - begun
    await connection.execute("vacuum analyze account")
    await connection.execute("checkpoint")
    return took


async def _lookups(connection: _Connection, accounts: int, size: int, count: int) -> tuple[float, float]:
    """Milliseconds at the median and the 99th percentile to read and unpack so many random accounts."""
    draw = random.Random(size)
    took: list[float] = []
    for turn in range(count + 50):
        wanted = [_MERCHANTS + draw.randrange(1, accounts + 1) for _ in range(size)]
        begun = time.perf_counter()
        for row in await connection.fetch(_LOOKUP, wanted):
            BUYER.unpack(row[2])
        if turn >= 50:  # the first ones prepare the statement
            took.append((time.perf_counter() - begun) * 1000)
    cuts = quantiles(took, n=100)
    return cuts[49], cuts[98]


async def _file(connection: _Connection, market: int, first: int, accounts: int, count: int) -> list[Application]:
    """Orders of buyers from all over the table, and an application about each."""
    draw = random.Random(first)
    buyers = [_MERCHANTS + draw.randrange(1, accounts + 1) for _ in range(count)]
    await connection.execute(_ORDERS, market, first, buyers, _NOW, _MERCHANTS)
    await connection.execute("analyze orders, order_line")
    return [
        Application(
            id=f"application-{first + n}", order=f"order-{first + n}", line="1", remedy="refund_only", stage="received",
            reason="quality", amount=1500, currency="CNY",
        )
        for n in range(1, count + 1)
    ]  # fmt: skip


async def _rule(desk: Desk, market: str, filed: Sequence[Application]) -> float:
    """Durable rulings per second: two senders, so that one batch is read while another is booked."""
    batches = [filed[at : at + _BATCH] for at in range(0, len(filed), _BATCH)]

    async def send(every: Sequence[Sequence[Application]]) -> None:
        for batch in every:
            answers = await desk.rule([(market, one) for one in batch])
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer

    begun = time.perf_counter()
    await asyncio.gather(send(batches[::2]), send(batches[1::2]))
    return len(filed) / (time.perf_counter() - begun)
