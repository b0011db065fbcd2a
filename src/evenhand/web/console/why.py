"""Why a case was ruled so: the tables that fired, with this case's values, cell by cell.

Which cells of a row hold is asked of the policy's own compiler: every test of every row becomes a formula beside the document's
tables, and the row function of that larger model answers them all for the facts of the case.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, Literal

from evenhand.policy import Policy, Ruling
from evenhand.policy.row import Row, compile_row
from evenhand.policy.tree import Formula, Output, Table, names_read
from evenhand.policy.values import nested

Kind = Literal["number", "test", "any", "output", "note"]
_ANY: Final = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """A column's head: as the document writes it; for an input, the fact it reads and its value in this case."""

    text: str
    kind: Kind
    fact: str = ""
    value: Any = None
    known: bool = False


@dataclass(frozen=True, slots=True)
class Square:
    """A cell; `holds` says whether a test is met in this case."""

    text: str
    kind: Kind
    holds: bool | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A row; `lit` when it matched and gave the table's answer."""

    number: int
    squares: Sequence[Square]
    lit: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A decision table in the light of one case."""

    name: str
    # DMN's letter
    hit: str
    columns: Sequence[Column]
    lines: Sequence[Line]
    # what came out, by name
    outputs: dict[str, Any]
    deciding: bool


@dataclass(frozen=True, slots=True)
class Computed:
    """A formula beside the tables, with its value in this case."""

    name: str
    text: str
    value: Any


def explain(policy: Policy, ruling: Ruling, facts: dict[str, Any]) -> list[Shown | Computed]:
    """The tables and formulas of a ruling, the deciding one first, the others in the order they were evaluated."""
    model = policy.model
    row = _with_tests(policy)
    answer = row.decide(nested(facts, model.facts, tuple(model.read)))
    grids = {grid.heading: grid for grid in policy.document.tables}
    shown: list[Shown | Computed] = []
    for step, traced in zip(model.steps, ruling.trace, strict=True):
        if isinstance(step, Formula):
            shown.append(Computed(step.output.name, step.text, traced.outputs.get(step.output.name)))
            continue
        grid = grids.get(step.name)
        if grid is None:
            continue
        deciding = step is model.deciding
        width = len(step.inputs)
        columns = [_column(cell.text, index, step, traced.facts) for index, cell in enumerate(grid.header)]
        holds = {rule.number: [answer[row.outputs[_name(step, rule.number, at)]] is True if test is not None else None
                               for at, test in enumerate(rule.tests)] for rule in step.rules}  # fmt: skip
        lines = [
            Line(
                number,
                [
                    Square(
                        cell.text,
                        _kind(index, width, cell.text),
                        holds[number][index - 1] if 0 < index <= width else None,
                    )
                    for index, cell in enumerate(cells)
                ],
                number in traced.rows,
            )
            for number, cells in enumerate(grid.rows, start=1)
            if number in holds
        ]
        shown.append(Shown(step.name, step.hit, columns, lines, traced.outputs, deciding))
    return sorted(shown, key=lambda one: not (isinstance(one, Shown) and one.deciding))


def _column(text: str, index: int, table: Table, read: dict[str, Any]) -> Column:
    if index == 0:
        return Column(text, "number")
    if index > len(table.inputs):
        return Column(text.removeprefix("→").removeprefix("->").partition(":")[0].strip(), "output")
    names = list(dict.fromkeys(names_read(table.inputs[index - 1])))
    if len(names) != 1 or names[0] != text.strip():
        return Column(text, "test")
    name = names[0]
    if name in read:
        return Column(text, "test", name, read[name], known=True)
    return Column(text, "test", name)


def _kind(index: int, width: int, text: str) -> Kind:
    if index == 0:
        return "number"
    if index > width:
        return "output"
    return "any" if text.strip() == _ANY else "test"


def _name(table: Table, number: int, at: int) -> str:
    return f"{table.name}/{number}/{at}"


@lru_cache(maxsize=256)
def _with_tests(policy: Policy) -> Row:
    """The policy's row function with every single test of its tables as a further output."""
    model = policy.model
    tests = [
        Formula(_name(table, rule.number, at), table.name, rule.line, Output(_name(table, rule.number, at), test.type), test, "")
        for table in model.steps
        if isinstance(table, Table)
        for rule in table.rules
        for at, test in enumerate(rule.tests)
        if test is not None
    ]  # fmt: skip
    outputs = {**model.outputs, **{one.name: (one, one.output) for one in tests}}
    return compile_row(replace(model, steps=(*model.steps, *tests), outputs=outputs))
