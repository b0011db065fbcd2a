"""`## Facts`: facts of a document's own, beside the vocabulary's."""

import re
from collections.abc import Mapping
from typing import Final

from evenhand.policy import syntax
from evenhand.policy.arithmetic import rescaled
from evenhand.policy.constants import constant
from evenhand.policy.document import Cell, Grid
from evenhand.policy.errors import Fault, suggestion
from evenhand.policy.parser import parse_test
from evenhand.policy.syntax import CellError
from evenhand.policy.tree import Const
from evenhand.policy.types import BOOLEAN, MAX_SCALE, TEXT, Type, bounded, choice

_TYPES: Final = ("choice", "integer", "number", "boolean", "string", "date", "date and time", "duration", "months")
_TYPE: Final = re.compile(r"(ordered )?([a-z ]+?)(?:\s*\(\s*(\d{1,2})\s*\))?")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


def own_facts(grid: Grid | None, known: Mapping[str, Type], faults: list[Fault]) -> dict[str, Type]:
    """Read the table: columns fact, type, values."""
    if grid is None:
        return {}
    columns = [cell.text for cell in grid.header]
    if columns != ["fact", "type", "values"]:
        faults.append(
            Fault(grid.line, 1, f"the columns of Facts are fact, type, values; found {', '.join(columns)[:80]}")
        )
        return {}
    found: dict[str, Type] = {}
    for row in grid.rows:
        if len(row) != 3:
            continue
        name = row[0].text.strip("`")
        try:
            if not _NAME.fullmatch(name):
                raise CellError(0, f"{name[:40]!r} is no name for a fact: use letters, digits, _ and .")
            if name in known or name in found:
                raise CellError(0, f"the fact {name} exists already")
        except CellError as error:
            faults.append(Fault(row[0].line, row[0].column, str(error)))
            continue
        try:
            found[name] = _type(row[1], row[2])
        except CellError as error:
            faults.append(Fault(row[1].line, row[1].column, str(error)))
    return found


def _type(kind: Cell, values: Cell) -> Type:
    written = _TYPE.fullmatch(kind.text)
    if written is None or written[2] not in _TYPES:
        raise CellError(
            0, f"{kind.text[:40]!r} is no type{suggestion(kind.text, _TYPES)}; there are {', '.join(_TYPES)}"
        )
    ordered, name, scale = bool(written[1]), written[2], int(written[3] or 0)
    empty = values.text in ("", "-")
    match name:
        case "choice":
            return choice(_choices(values), ordered=ordered)
        case "boolean" | "string" if not empty:
            raise CellError(0, f"a {name} fact has no list of values here; make it a choice")
        case "boolean":
            return BOOLEAN
        case "string":
            return TEXT
        case "integer" | "number":
            if scale > MAX_SCALE or (scale and name == "integer"):
                raise CellError(
                    0, f"a number fact may have up to {MAX_SCALE} decimals, as in number(2); an integer has none"
                )
            return bounded("number", *(_range(values, scale) if not empty else (None, None)), scale=scale)
        case _ if not empty:
            raise CellError(0, f"a {name} fact takes no range of values")
        case _:
            return bounded("datetime" if name == "date and time" else name)  # type: ignore[arg-type]


def _choices(cell: Cell) -> tuple[str, ...]:
    test = parse_test(cell.text)
    values: list[str] = []
    for one in test.tests if isinstance(test, syntax.AnyOf) else (test,):
        node = one.value if isinstance(one, syntax.Equal) else None
        if not isinstance(node, syntax.Literal) or not isinstance(node.value, str):
            raise CellError(0, 'a choice lists its values, like "low", "high"')
        values.append(node.value)
    if len(set(values)) < len(values):
        raise CellError(0, "a choice lists each value once")
    return tuple(values)


def _range(cell: Cell, scale: int) -> tuple[int, int]:
    test = parse_test(cell.text)
    if not isinstance(test, syntax.Interval) or test.low_open or test.high_open:
        raise CellError(0, "a number's values are a closed range like [0..100]")
    ends: list[int] = []
    for node in (test.low, test.high):
        if not isinstance(node, syntax.Literal) or (not isinstance(node.value, (int, float)) and node.value is None):
            raise CellError(0, "the ends of a range are numbers")
        lowered = constant(node.value, 0)
        if lowered.type.kind != "number" or lowered.type.scale > scale:
            raise CellError(0, f"the ends of this range are numbers with {scale} decimals at most")
        end = rescaled(lowered, scale, 0)
        assert isinstance(end, Const)
        assert isinstance(end.value, int)
        ends.append(end.value)
    return ends[0], ends[1]
