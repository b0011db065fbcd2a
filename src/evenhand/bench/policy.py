"""`evenhand bench policy`: how many applications a policy decides in a second, one at a time and as columns.

One at a time, against zen-engine (Rust, called from Python) on the same synthetic table of thirty rows over seven facts and the
same applications, in turn; both must give the same answers. Zen is called as it is fastest: content loaded and compiled once,
`engine.evaluate` by key, and `evaluate_batch` (on all cores). As columns, DuckDB decides a generated table of applications by
Taobao's policy of August 2024 and groups the rulings by outcome, payer and rule; a sample of them is compared with the row
function. The table lies in memory, uncompressed, and in a DuckDB file, as a history does: there columns of choices are
dictionaries, whose entries are classed once.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any, Final

import duckdb
import msgspec
from rich.console import Console
from rich.table import Table

from evenhand.bench.machine import machine
from evenhand.bench.tables import document
from evenhand.errors import EvenhandError
from evenhand.policy import Policy
from evenhand.policy.document import ARROWS, Grid

_ROWS: Final = 30
# applications of a measurement, and measurements in turn: short ones, so that the median passes over whatever interrupts
_APPLICATIONS: Final = 300
_TURNS: Final = 101
_SAMPLE: Final = 2_000
_POLICY: Final = "taobao@2024-08"
_OUTPUTS: Final = ("outcome", "respond_within_hours", "because")
_chatter: Final = Console(stderr=True, highlight=False)


@dataclass(slots=True)
class OneByOne:
    """One way of deciding applications one at a time, or a batch of them from one call."""

    engine: str
    how: str
    microseconds: float


@dataclass(slots=True)
class Columns:
    """DuckDB over a table of applications."""

    # where the table lies
    place: str
    how: str
    applications: int
    seconds: float
    # processor time of all cores: what it costs, also on a machine that is busy with other work
    processor_seconds: float


def run(*, applications: int, rounds: int, as_json: bool) -> None:
    """Measure, print the figures and the machine."""
    rows = _one_by_one()
    columns = _columns(applications, rounds)
    if as_json:
        found = {
            "machine": machine(),
            "rows": rows,
            "columns": columns,
        }
        print(msgspec.json.encode(found).decode())  # noqa: T201
    else:
        _print(rows, columns)


# one at a time


def _one_by_one() -> list[OneByOne]:
    try:
        import zen
    except ImportError:
        raise EvenhandError("zen-engine is not installed: pip install zen-engine") from None
    policy = Policy.parse(document(_ROWS, seed=1), "synthetic.md")
    facts = _facts(policy, Random(1))
    # zen reads numbers as JSON does; the row function takes decimals, which are exact
    plain = [{**one, "merchant": {"experience_score": float(one["merchant"]["experience_score"])}} for one in facts]
    engine = zen.ZenEngine(
        {"loader": {"type": "static", "content": {"table": _decision_graph(policy.document.tables[0])}}}
    )
    requests: list[Any] = [{"key": "table", "context": one} for one in plain]
    for ours, theirs in zip(facts, plain, strict=True):
        given = {name: value for name, value in policy.decide(ours).items() if value is not None}
        if engine.evaluate("table", theirs)["result"] != given:
            raise EvenhandError(f"zen-engine decides otherwise: {theirs}")
    pick = policy.picker(*_OUTPUTS)
    ways: list[tuple[str, str, Callable[[], object]]] = [
        ("evenhand", "outputs as a tuple", lambda: [pick(one) for one in facts]),
        ("evenhand", "outputs by name", lambda: [policy.decide(one) for one in facts]),
        (
            "evenhand",
            "whole ruling: reasons in two languages, trace",
            lambda: [policy.rule_trusted(one) for one in facts],
        ),
        ("evenhand", "whole ruling, facts checked first", lambda: [policy.rule(one) for one in facts]),
        ("zen-engine", "outputs by name", lambda: [engine.evaluate("table", one) for one in plain]),
        ("zen-engine", "outputs by name, one batch", lambda: engine.evaluate_batch(requests)),
        (
            "zen-engine",
            "outputs by name, with its trace",
            lambda: [engine.evaluate("table", one, {"trace": True}) for one in plain],
        ),
    ]
    _chatter.print(f"deciding {len(facts):,} applications in {len(ways)} ways, {_TURNS} times")
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(_TURNS):
        for spent, (_, _, decide) in zip(times, ways, strict=True):
            begun = perf_counter()
            decide()
            spent.append((perf_counter() - begun) / len(facts) * 1e6)
    return [OneByOne(engine, how, median(spent)) for spent, (engine, how, _) in zip(times, ways, strict=True)]


def _facts(policy: Policy, random: Random) -> list[dict[str, Any]]:
    def one() -> dict[str, Any]:
        nested: dict[str, Any] = {}
        for name in policy.model.read:
            group, leaf = name.split(".")
            kind = policy.model.facts[name]
            value: Any = (
                random.choice(kind.values) if kind.values else random.randint(kind.low, min(kind.high, 100_000))
            )
            nested.setdefault(group, {})[leaf] = Decimal(value).scaleb(-kind.scale) if kind.scale else value
        return nested

    return [one() for _ in range(_APPLICATIONS)]


def _decision_graph(grid: Grid) -> dict[str, Any]:
    """The table in zen-engine's JSON: its unary tests and ours are written alike."""
    inputs = [cell.text for cell in grid.header[1:] if not cell.text.startswith(ARROWS)]
    outputs = [cell.text[1:].strip() for cell in grid.header[1:] if cell.text.startswith(ARROWS)]
    rules: list[dict[str, str]] = []
    for row in grid.rows:
        rule = {"_id": row[0].text}
        rule |= {name: "" if cell.text == "-" else cell.text for name, cell in zip(inputs, row[1:], strict=False)}
        for name, cell in zip(outputs, row[1 + len(inputs) :], strict=True):
            rule[name] = cell.text if cell.text == "null" or cell.text.isdigit() else json.dumps(cell.text)
        rules.append(rule)

    def field(name: str) -> dict[str, str]:
        return {"id": name, "name": name, "field": name, "type": "expression"}

    def node(name: str, kind: str, **content: Any) -> dict[str, Any]:
        return {"id": name, "name": name, "type": kind, "position": {"x": 0, "y": 0}, **content}

    table = {
        "hitPolicy": "first",
        "inputs": [field(name) for name in inputs],
        "outputs": [field(name) for name in outputs],
        "rules": rules,
    }
    nodes = [node("in", "inputNode"), node("table", "decisionTableNode", content=table), node("out", "outputNode")]
    edges = [
        {"id": f"{start}-{end}", "type": "edge", "sourceId": start, "targetId": end}
        for start, end in (("in", "table"), ("table", "out"))
    ]
    return {"nodes": nodes, "edges": edges}


# as columns


def _columns(applications: int, rounds: int) -> list[Columns]:
    policy = Policy.load(_POLICY)
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        _chatter.print(f"generating {applications:,} applications")
        connection.execute(_generated(policy, applications))
        _compare(connection, policy)
        connection.execute(f"ATTACH '{folder}/history.duckdb' AS history")
        connection.execute("CREATE TABLE history.facts AS FROM facts")
        connection.execute("CHECKPOINT history")
        found: list[Columns] = []
        for place, table in (("a DuckDB file", "history.facts"), ("memory", "memory.facts")):
            query = policy.query("duckdb", table)
            ways = [
                ("by outcome, payer, rule", query, "outcome, payer, rule"),
                ("by outcome", query, "outcome"),
                ("by outcome, SELECT list", f"SELECT {policy.sql('duckdb')} FROM {table}", "outcome"),  # noqa: S608
            ]
            for how, source, by in ways:
                _chatter.print(f"deciding {applications:,} applications of {place} {rounds} times: {how}")
                spent: list[tuple[float, float]] = []
                for _ in range(rounds):
                    begun, worked = perf_counter(), process_time()
                    connection.execute(f"SELECT {by}, count(*), sum(amount) FROM ({source}) GROUP BY ALL").fetchall()  # noqa: S608
                    spent.append((perf_counter() - begun, process_time() - worked))
                wall, worked = median(one for one, _ in spent), median(one for _, one in spent)
                found.append(Columns(place, how, applications, wall, worked))
        return found


def _generated(policy: Policy, applications: int) -> str:
    """A statement that makes a table `facts` of synthetic applications, from a hash of their number."""

    def drawn(place: int, name: str) -> str:
        kind = policy.model.facts[name]
        # a hash of its own for each fact; one application in fifty does not know it
        draw = f"(hash(id + {place * 1_000_003}) % 1000000007)::BIGINT"
        match kind.kind:
            case "boolean":
                value = f"{draw} % 40 = 0"
            case "text":
                values = kind.values or ("fresh", "toys", "clothing", "books")
                value = f"{list(values)}[1 + {draw} % {len(values)}]"
            case _:
                whole = f"{kind.low} + {draw} % {min(kind.high, 100_000) - kind.low + 1}"
                value = f"CAST(({whole}) / {10**kind.scale}.0 AS DECIMAL(9, {kind.scale}))" if kind.scale else whole
        return f'CASE WHEN {draw} % 50 > 0 THEN {value} END AS "{name}"'

    columns = ", ".join(drawn(place, name) for place, name in enumerate(policy.model.read, start=1))
    return f"CREATE TABLE facts AS SELECT id, {columns} FROM range({applications}) AS t(id)"  # noqa: S608


def _compare(connection: "duckdb.DuckDBPyConnection", policy: Policy) -> None:
    """The first applications, by columns and by the row function."""
    names = policy.model.read
    listed = ", ".join(f'"{name}"' for name in names)
    facts = connection.execute(f"SELECT {listed} FROM facts ORDER BY id LIMIT {_SAMPLE}").fetchall()  # noqa: S608
    source = f"(SELECT * FROM facts ORDER BY id LIMIT {_SAMPLE}) AS facts"  # noqa: S608
    query = policy.query("duckdb", source, ["id"])
    columns = connection.execute(
        f"SELECT outcome, payer, amount, rule FROM ({query}) ORDER BY id"  # noqa: S608
    ).fetchall()
    for values, column in zip(facts, columns, strict=True):
        ruling = policy.rule(_nested(names, values))
        if (ruling.outcome, ruling.payer, ruling.amount, ruling.rule) != column:
            raise EvenhandError(f"columns and rows decide otherwise: {dict(zip(names, values, strict=True))}")


def _nested(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in zip(names, values, strict=True):
        group, leaf = name.split(".")
        found.setdefault(group, {})[leaf] = value
    return found


def _print(rows: list[OneByOne], columns: list[Columns]) -> None:
    console = Console(highlight=False)
    theirs = {one.how: one.microseconds for one in rows if one.engine == "zen-engine"}["outputs by name"]
    table = Table(
        title=f"One at a time: {_ROWS} rows, seven facts, medians", title_justify="left", box=None, pad_edge=False
    )
    for name in ("", "", "µs each", "a second", "zen's time / this"):
        table.add_column(name, justify="right" if name else "left")
    for one in rows:
        rate = 1e6 / one.microseconds
        table.add_row(
            one.engine, one.how, f"{one.microseconds:,.2f}", f"{rate:,.0f}", f"{theirs / one.microseconds:.1f}"
        )
    console.print(table)
    table = Table(title=f"As columns: {_POLICY} on DuckDB, medians", title_justify="left", box=None, pad_edge=False)
    for name in ("", "", "applications", "seconds", "million a second", "million a processor second"):
        table.add_column(name, justify="right" if name else "left")
    for found in columns:
        millions = found.applications / 1e6
        table.add_row(
            found.place,
            found.how,
            f"{found.applications:,}",
            f"{found.seconds:.2f}",
            f"{millions / found.seconds:.1f}",
            f"{millions / found.processor_seconds:.1f}",
        )
    console.print(table)
    console.print(machine())
