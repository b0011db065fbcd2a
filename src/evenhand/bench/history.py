"""`evenhand bench history`: windowed facts at each application, computed in DuckDB over synthetic events, and by the fold.

Events are skewed as in real life: a few accounts have most of them. Counted are events per second of the whole query, loading
excluded; the facts are those of four buyers' measures over two windows, and everything that is declared.
"""

import time
from array import array
from statistics import median
from typing import Final

import duckdb
import msgspec
from rich.console import Console
from rich.table import Table

from evenhand.bench.machine import machine
from evenhand.history import BUYER, MERCHANT, PAIR
from evenhand.history.batch import point_in_time
from evenhand.vocabulary import REASONS, REMEDIES, STAGES

FOUR: Final = [
    f"history.buyer_{name}_{days}d"
    for name in ("orders", "applications", "refund_only", "declined")
    for days in (90, 365)
]
ALL: Final = [f"history.{name}" for name in sorted(BUYER.names | MERCHANT.names | PAIR.names)]


def run(*, events: int, rounds: int, as_json: bool) -> None:
    """Measure, print the figures and the machine."""
    figures: dict[str, float] = {}
    with duckdb.connect() as connection:
        connection.execute(_events(events))
        connection.execute(
            "create view asks as select seq as ask, seq, day, buyer, merchant from events where kind = 'ruled'"
        )
        for name, facts, in_order in (
            ("four measures over two windows, in order", FOUR, True),
            ("the same, anything may be late", FOUR, False),
            ("everything that is declared, in order", ALL, True),
        ):
            query = point_in_time(facts, in_order=in_order)
            took = [_seconds(connection, query) for _ in range(rounds)]
            figures[name] = events / median(took)
    figures["the fold, online, one process"] = _folded(min(events, 200_000))
    if as_json:
        said = {"machine": machine(), "events": events, "events_per_second": {k: round(v) for k, v in figures.items()}}
        print(msgspec.json.encode(said).decode())  # noqa: T201
        return
    table = Table(title=f"{events:,} events", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("events/s", justify="right")
    for name, figure in figures.items():
        table.add_row(name, f"{figure:,.0f}")
    console = Console(highlight=False)
    console.print(table)
    console.print(machine())


def _events(count: int) -> str:
    """One in ten is an application; accounts are drawn so that a hundredth of them has a tenth of the events."""

    def one_of(words: tuple[str, ...], draw: str) -> str:
        return f"[{', '.join(map(repr, words))}][1 + ({draw} % {len(words)})::int]"

    draw = "hash(i * 7 + 1)"
    return f"""
        create table events as
        select i as seq, (19000 + i * 700 // {count})::int as day,
               case when i % 10 = 0 then 'ruled' else 'order' end as kind,
               (power(hash(i) / 1.8446744073709552e19, 3) * {max(1, count // 20)})::int as buyer,
               case when i % 10 = 0 then (power(hash(i + 1) / 1.8446744073709552e19, 3) * {max(1, count // 200)})::int end
                   as merchant,
               1 as weight, {one_of(REMEDIES, draw)} as remedy, {one_of(REASONS, draw)} as reason,
               {one_of(STAGES, draw)} as stage, {one_of(("decline", "subsidise", "negotiate"), draw)} as outcome,
               'policy' as source, 'false' as late, 5 as score, 1000 as amount
        from range({count}) as t (i)
    """  # noqa: S608 - numbers of our own


def _seconds(connection: duckdb.DuckDBPyConnection, query: str) -> float:
    begun = time.perf_counter()
    connection.execute(f"create or replace temp table found as {query}")
    return time.perf_counter() - begun


def _folded(count: int) -> float:
    """Events per second of processor time that one process folds into accounts' states, each application asking for its facts."""
    accounts = [array("I") for _ in range(max(1, count // 20))]
    fields = {
        "remedy": "refund_only", "reason": "quality", "stage": "received", "outcome": "decline", "source": "policy",
        "amount": 1000,
    }  # fmt: skip
    begun = time.process_time()
    for i in range(count):
        tiles, day = accounts[i * 7919 % len(accounts)], 19_000 + i * 700 // count
        if i % 10:
            BUYER.fold(tiles, day, "order", fields)
        else:
            BUYER.facts(tiles, day)
            BUYER.fold(tiles, day, "ruled", fields)
    return count / (time.process_time() - begun)
