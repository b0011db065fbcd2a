"""`evenhand bench check`: how long it takes to check a policy, and to find what is wrong with large tables.

Documents of 30, 200 and 1,000 rows over seven facts with ten promises are loaded and checked whole. Tables of 7 and 15 columns
with 1,500 rows are searched for overlaps (all pairs) and gaps (the first hundred, which is said when there are more), once as
they were grown, where the proof is that there is none, and once with a tenth of their rows noisy. Z3 then answers the same.
"""

from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from evenhand.bench.machine import machine
from evenhand.bench.tables import document, model_of, table
from evenhand.policy import Policy
from evenhand.policy.proof.boxes import Boxes
from evenhand.policy.proof.covering import Covering
from evenhand.policy.proof.limits import Deadline, Undecided
from evenhand.policy.proof.report import Report
from evenhand.policy.proof.smt import Encoding
from evenhand.policy.proof.smt_script import Script
from evenhand.policy.proof.solver import Solver

ROWS: Final = (30, 200, 1000)
COLUMNS: Final = (7, 15)
_TABLE_ROWS: Final = 1500
_NOISY: Final = 0.1
_MOST_GAPS: Final = 100
_SECONDS: Final = 60.0
_chatter: Final = Console(stderr=True, highlight=False)


@dataclass(slots=True)
class Checked:
    """A document that was checked."""

    rows: int
    promises: int
    proven: int
    # of those, decided by both provers
    by_both: int
    load_seconds: float
    check_seconds: float


@dataclass(slots=True)
class Searched:
    """A table whose overlaps and gaps were found; seconds, and Z3's for the same question."""

    columns: int
    rows: int
    noisy: float
    overlaps: int
    gaps: int
    more_gaps: bool
    boxes_seconds: float
    overlaps_seconds: float
    gaps_seconds: float
    z3_overlaps_seconds: float
    z3_gaps_seconds: float
    # whether Z3 says the same; null where it has no answer in a minute
    agree: bool | None


def run(*, rounds: int, as_json: bool) -> None:
    """Measure, print the figures and the machine."""
    checked = [_checked(rows, rounds) for rows in ROWS]
    searched = [_searched(columns, noisy, rounds) for columns in COLUMNS for noisy in (0.0, _NOISY)]
    if as_json:
        found = {"machine": machine(), "documents": checked, "tables": searched}
        print(msgspec.json.encode(found).decode())  # noqa: T201
    else:
        _print(checked, searched)


def _checked(rows: int, rounds: int) -> Checked:
    _chatter.print(f"checking a document of {rows:,} rows")
    source = document(rows, seed=rows)
    loads: list[float] = []
    checks: list[float] = []
    reports: list[Report] = []
    for _ in range(rounds):
        start = perf_counter()
        policy = Policy.parse(source)
        loaded = perf_counter()
        reports.append(policy.check(seconds=_SECONDS))
        loads.append(loaded - start)
        checks.append(perf_counter() - loaded)
    promises = reports[-1].promises
    proven = [kept for kept in promises if kept.status == "proven"]
    both = sum(len(kept.provers) == 2 for kept in proven)
    return Checked(rows, len(promises), len(proven), both, median(loads), median(checks))


def _searched(columns: int, noisy: float, rounds: int) -> Searched:
    _chatter.print(f"searching a table of {columns} x {_TABLE_ROWS:,}, {noisy:.0%} noisy")
    made = table(columns, _TABLE_ROWS, noisy, seed=columns)
    times: list[tuple[float, float, float]] = []
    overlaps, gaps, more = 0, 0, False
    for _ in range(rounds):
        moments = [perf_counter()]
        boxes = Boxes(made)
        moments.append(perf_counter())
        overlaps = len(list(boxes.overlaps(Deadline(_SECONDS))))
        moments.append(perf_counter())
        found, more = Covering(boxes, Deadline(_SECONDS)).gaps(_MOST_GAPS, boxes.known)
        gaps = len(found)
        moments.append(perf_counter())
        times.append((moments[1] - moments[0], moments[2] - moments[1], moments[3] - moments[2]))
    model = model_of(made)
    script = Script()
    encoding = Encoding(script, model)
    solver = Solver(script, Deadline(2 * _SECONDS))
    known = [f"(not {encoding.fact(name).null})" for name in model.facts]
    nowhere = [f"(not {match})" for match in encoding.matches[made.name]]
    answers: list[bool | None] = []
    seconds: list[float] = []
    for question in (encoding.blocked[made.name], f"(and {' '.join([*known, *nowhere])})"):
        start = perf_counter()
        try:
            answers.append(solver.find(question, dict(model.facts), _SECONDS) is not None)
        except Undecided:
            answers.append(None)
        seconds.append(perf_counter() - start)
    agree = None if None in answers else answers == [overlaps > 0, gaps > 0]
    build, pairs, covering = (median(one) for one in zip(*times, strict=True))
    return Searched(
        columns, _TABLE_ROWS, noisy, overlaps, gaps, more, build, pairs, covering, seconds[0], seconds[1], agree
    )


def _print(checked: list[Checked], searched: list[Searched]) -> None:
    console = Console(highlight=False)
    shown = Table(title="Checking a document, seconds", title_justify="left", box=None, pad_edge=False)
    for column in ("rows", "promises", "proven", "by both provers", "load", "check"):
        shown.add_column(column, justify="right")
    for one in checked:
        figures = (one.rows, one.promises, one.proven, one.by_both)
        shown.add_row(*(f"{figure:,}" for figure in figures), f"{one.load_seconds:.2f}", f"{one.check_seconds:.2f}")
    console.print(shown)
    console.print()
    shown = Table(title="Overlaps and gaps of a table, seconds", title_justify="left", box=None, pad_edge=False)
    for column in (
        "columns x rows",
        "noisy",
        "overlaps",
        "gaps",
        "boxes",
        "overlaps in",
        "gaps in",
        "all",
        "Z3 overlaps",
        "Z3 gaps",
        "agree",
    ):
        shown.add_column(column, justify="right")
    for one in searched:
        times = (one.boxes_seconds, one.overlaps_seconds, one.gaps_seconds)
        shown.add_row(
            f"{one.columns} x {one.rows:,}",
            f"{one.noisy:.0%}",
            f"{one.overlaps:,}",
            f"{one.gaps:,}{' and more' if one.more_gaps else ''}",
            *(f"{seconds:.2f}" for seconds in (*times, sum(times), one.z3_overlaps_seconds, one.z3_gaps_seconds)),
            {True: "yes", False: "NO", None: "no answer"}[one.agree],
        )
    console.print(shown)
    console.print(machine())
