"""`## Examples`: facts and the ruling they should get, which `check` runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evenhand.errors import BadInput
from evenhand.policy import syntax
from evenhand.policy.document import ARROWS, Cell, Grid
from evenhand.policy.errors import Fault, suggestion
from evenhand.policy.lowering import Lowering
from evenhand.policy.parser import parse_expression
from evenhand.policy.syntax import CellError
from evenhand.policy.tree import Const
from evenhand.policy.types import Type
from evenhand.policy.values import inward, outward, trusted


@dataclass(frozen=True, slots=True)
class Example:
    """A row: nested facts as the row function reads them, and the outputs expected of them, as outside."""

    number: int
    line: int
    facts: Mapping[str, Any]
    expected: Mapping[str, Any]


def read_examples(
    grid: Grid | None, facts: Mapping[str, Type], outputs: Mapping[str, Type], faults: list[Fault]
) -> tuple[Example, ...]:
    """Read the table; facts that have no column are null."""
    if grid is None:
        return ()
    columns: list[tuple[int, str, Type, bool]] = []
    for index, cell in enumerate(grid.header[1:], start=1):
        expected = cell.text.startswith(ARROWS)
        name = cell.text.removeprefix("→").removeprefix("->").strip()
        known = outputs if expected else facts
        if name in known:
            columns.append((index, name, known[name], expected))
        else:
            what = "output" if expected else "fact"
            faults.append(Fault(cell.line, cell.column, f"there is no {what} {name[:60]}{suggestion(name, known)}"))
    found: list[Example] = []
    for number, row in enumerate(grid.rows, start=1):
        if len(row) != len(grid.header):
            continue
        given: dict[str, Any] = {}
        wanted: dict[str, Any] = {}
        for index, name, kind, expected in columns:
            cell = row[index]
            if cell.text == "-":
                continue
            try:
                value = _literal(cell, kind, name)
            except (CellError, BadInput) as error:
                message = error.detail if isinstance(error, BadInput) else str(error)
                faults.append(Fault(cell.line, cell.column, message))
                continue
            if expected:
                wanted[name] = outward(kind, value)
            else:
                place = given
                *groups, leaf = name.split(".")
                for group in groups:
                    place = place.setdefault(group, {})
                place[leaf] = trusted(kind, value)
        found.append(Example(number, row[0].line, given, wanted))
    return tuple(found)


def _literal(cell: Cell, kind: Type, name: str) -> Any:
    node = parse_expression(cell.text)
    if isinstance(node, syntax.Name):
        return inward(kind, node.value, name)
    lowered = Lowering({}).output(node, kind)
    if not isinstance(lowered, Const):
        raise CellError(0, f"an example holds values, not expressions: found {cell.text[:40]!r}")
    return lowered.value
