"""`evenhand bench history`: windowed facts at each application, computed in DuckDB over synthetic events, and by the fold.

Events are skewed as in real life: a few accounts have most of them; one in a hundred is told up to thirty days late. Counted are
events per second of the whole query, loading excluded; the facts are those of four buyers' measures over two windows, and
everything that is declared. Processor time is given too: on a machine that does other work it is the figure to compare by.
"""

import resource
import sys
import time
from array import array
from statistics import median
from typing import Final, get_args

import duckdb
import msgspec
from rich.console import Console
from rich.table import Table

from evenhand.bench.machine import machine
from evenhand.history import BUYER, MERCHANT, PAIR
from evenhand.history.batch import point_in_time
from evenhand.measures import Happening
from evenhand.vocabulary import OUTCOMES, REASONS, REMEDIES, STAGES

_KINDS: Final = get_args(Happening)
FOUR: Final = [
    f"history.buyer_{name}_{days}d"
    for name in ("orders", "applications", "refund_only", "declined")
    for days in (90, 365)
]
ALL: Final = [f"history.{name}" for name in sorted(BUYER.names | MERCHANT.names | PAIR.names)]


def run(*, events: int, rounds: int, as_json: bool) -> None:
    """Measure, print the figures and the machine."""
    figures: dict[str, tuple[float, float, float]] = {}
    with duckdb.connect() as connection:
        connection.execute(_events(events))
        connection.execute(
            "create view asks as select seq as ask, seq, day, buyer, merchant from events where kind = 'ruled'"
        )
        for name, facts in (("four measures over two windows", FOUR), ("everything that is declared", ALL)):
            took = [_measured(connection, point_in_time(facts)) for _ in range(rounds)]
            seconds, processor = (median(times) for times in zip(*took, strict=True))
            figures[name] = events / seconds, events / processor, _most_memory()
    folded = _folded(min(events, 200_000))
    if as_json:
        said = {
            name: {"events_per_second": round(a), "per_second_of_a_processor": round(b), "memory_gb": round(c, 2)}
            for name, (a, b, c) in figures.items()
        }
        found = {"machine": machine(), "events": events, "fold_per_second_of_a_processor": round(folded), "facts": said}
        print(msgspec.json.encode(found).decode())  # noqa: T201
        return
    table = Table(title=f"{events:,} events", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for head in ("events/s", "in a second of one processor", "memory, GB"):
        table.add_column(head, justify="right")
    for name, (each, processor, memory) in figures.items():
        table.add_row(name, f"{each:,.0f}", f"{processor:,.0f}", f"{memory:.1f}")
    table.add_row("the fold, online, one process", "", f"{folded:,.0f}", "")
    console = Console(highlight=False)
    console.print(table)
    console.print(machine())


def _events(count: int) -> str:
    """One in ten is an application; accounts are drawn so that a hundredth of them has a fifth of the events."""

    def one_of(words: tuple[str, ...], draw: str) -> str:
        listed = ", ".join(map(repr, words))
        return f"([{listed}][1 + ({draw} % {len(words)})::int])::enum({listed})"

    def skewed(draw: str, accounts: int) -> str:
        return f"(power(hash({draw}) / 1.8446744073709552e19, 3) * {max(1, accounts)})::int"

    draw = "hash(i * 7 + 1)"
    return f"""
        create table events as
        select i as seq,
               (19000 + i * 700 // {count} - case when hash(i + 2) % 100 = 0 then hash(i + 3) % 31 else 0 end)::int as day,
               (case when i % 10 = 0 then 'ruled' else 'order' end)::enum({", ".join(map(repr, _KINDS))}) as kind,
               {skewed("i", count // 20)} as buyer,
               case when i % 10 = 0 then {skewed("i + 1", count // 200)} end as merchant,
               1::tinyint as weight, {one_of(REMEDIES, draw)} as remedy, {one_of(REASONS, draw)} as reason,
               {one_of(STAGES, draw)} as stage, {one_of(OUTCOMES, draw)} as outcome,
               'policy'::enum('policy', 'person', 'panel') as source, 'false'::enum('true', 'false') as late,
               5::tinyint as score, 1000 as amount, 0 as used
        from range({count}) as t (i)
    """  # noqa: S608 - numbers of our own


def _measured(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[float, float]:
    """Seconds, and seconds of processor time."""
    begun, used = time.perf_counter(), time.process_time()
    connection.execute(f"create or replace temp table found as {query}")
    return time.perf_counter() - begun, time.process_time() - used


def _most_memory() -> float:
    """The most memory the process held so far, the events among it, in GB."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held / 1e9 if sys.platform == "darwin" else held / 1e6


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
