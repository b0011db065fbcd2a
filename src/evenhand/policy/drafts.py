"""Tables and formulas as they are read: cells parsed, nothing typed yet."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from evenhand.policy import syntax
from evenhand.policy.document import ARROWS, HIT_POLICIES, Cell, Document, Grid
from evenhand.policy.errors import Fault, suggestion
from evenhand.policy.parser import parse_expression, parse_test
from evenhand.policy.syntax import CellError
from evenhand.policy.types import Value

_MAX_ROWS: Final = 20_000
_MAX_COLUMNS: Final = 64

T = TypeVar("T")


@dataclass(slots=True)
class Column:
    """An output column before it is typed."""

    name: str
    place: Cell
    # index in the grid
    index: int
    # allowed values as the header lists them
    listed: tuple[Value, ...]


@dataclass(slots=True)
class Draft:
    """A table or formula whose cells are parsed and not yet typed."""

    name: str
    hit: str
    line: int
    heads: list[tuple[int, Cell, syntax.Expression | None]]
    columns: list[Column]
    rows: list[tuple[tuple[Cell, ...], list[syntax.Test | None], list[syntax.Expression | None]]]
    formula: tuple[Cell, syntax.Expression] | None = None
    needs: set[str] = field(default_factory=set[str])


def read_drafts(document: Document, faults: list[Fault]) -> list[Draft]:
    """The drafts of a document, in its order; what is wrong with them is added to the faults."""
    return _Reader(document, faults).drafts()


class _Reader:
    def __init__(self, document: Document, faults: list[Fault]) -> None:
        self._document = document
        self._faults = faults

    def _fault(self, cell: Cell, message: str, column: int = 0) -> None:
        self._faults.append(Fault(cell.line, cell.column + column, message))

    def drafts(self) -> list[Draft]:
        drafts = [draft for grid in self._document.tables if (draft := self._draft(grid)) is not None]
        for section, cell in self._document.formulas:
            name, equals, text = cell.text.partition("=")
            name = name.strip()
            if not equals or not name.replace(".", "_").replace("_", "a").isalnum():
                self._fault(cell, "a formula is written `name = expression`")
                continue
            offset = len(cell.text) - len(text.lstrip())
            try:
                node = parse_expression(text.strip())
            except CellError as error:
                self._fault(cell, str(error), offset + error.column)
                continue
            column = Column(name, cell, 0, ())
            place = Cell(text.strip(), cell.line, cell.column + offset)
            drafts.append(Draft(section, "", cell.line, [], [column], [], (place, node), set(_names(node))))
        titles: dict[str, Draft] = {}
        made: dict[str, Draft] = {}
        for draft in drafts:
            if draft.formula is None:
                if draft.name in titles:
                    self._faults.append(
                        Fault(draft.line, 1, f"there is a second table {draft.name!r}: give it a heading")
                    )
                titles[draft.name] = draft
            for column in draft.columns:
                if column.name in made:
                    self._fault(column.place, f"{column.name} is already an output of {made[column.name].name!r}")
                made[column.name] = draft
        return drafts

    def _draft(self, grid: Grid) -> Draft | None:
        corner = grid.header[0]
        if not grid.heading:
            self._fault(corner, "a decision table needs a heading above it: its name")
        if corner.text not in HIT_POLICIES:
            near = suggestion(corner.text.upper(), HIT_POLICIES)
            self._fault(corner, f"expected a hit policy ({', '.join(HIT_POLICIES)}), found {corner.text[:40]!r}{near}")
            return None
        draft = Draft(grid.heading, corner.text, grid.line, [], [], [])
        if len(grid.header) > _MAX_COLUMNS or len(grid.rows) > _MAX_ROWS:
            self._fault(corner, f"a table may have {_MAX_COLUMNS} columns and {_MAX_ROWS:,} rows")
            return None
        for index, cell in enumerate(grid.header[1:], start=1):
            if cell.text.startswith(ARROWS):
                self._head_out(draft, index, cell)
            else:
                node = self._parse(cell, parse_expression)
                draft.heads.append((index, cell, node))
                draft.needs.update(_names(node) if node else ())
        if not draft.columns:
            self._fault(corner, "this table has no output: head a column with → and a name")
        if not grid.rows:
            self._fault(corner, "this table has no rows")
        for number, row in enumerate(grid.rows, start=1):
            if row[0].text != str(number):
                self._fault(row[0], f"rows are numbered in order: this is row {number}, not {row[0].text[:20]!r}")
            if len(row) != len(grid.header):
                continue  # told already
            tests = [self._parse(row[index], parse_test) for index, _, _ in draft.heads]
            nodes = [self._parse(row[column.index], parse_expression) for column in draft.columns]
            for test in tests:
                draft.needs.update(_names_of_test(test) if test else ())
            for node in nodes:
                draft.needs.update(_names(node) if node else ())
            draft.rows.append((row, tests, nodes))
        return draft

    def _head_out(self, draft: Draft, index: int, cell: Cell) -> None:
        text = cell.text.removeprefix("→").removeprefix("->").strip()
        name, colon, listed = (part.strip() for part in text.partition(":"))
        at = cell.text.find(name) if name else 0
        if (
            not name
            or not name.replace(".", "_").replace("_", "a").isalnum()
            or not name.isascii()
            or name[0].isdigit()
        ):
            self._fault(cell, f"{name[:40]!r} is no name for an output: use letters, digits, _ and .")
            return
        values: list[Value] = []
        if colon:
            try:
                test = parse_test(listed)
            except CellError as error:
                self._fault(cell, str(error), cell.text.find(":") + 1 + error.column)
                return
            for one in test.tests if isinstance(test, syntax.AnyOf) else (test,):
                node = one.value if isinstance(one, syntax.Equal) else None
                value = node.value if isinstance(node, syntax.Name | syntax.Literal) else None
                if isinstance(value, str):
                    values.append(value)
                else:
                    self._fault(cell, 'allowed values are listed like "high", "low"', cell.text.find(":") + 1)
                    return
        if draft.hit in ("C+", "C<", "C>", "C#") and name == "because":
            self._fault(cell, f"a table with hit policy {draft.hit} gives a figure, not reasons", at)
            return
        draft.columns.append(Column(name, cell, index, tuple(values)))

    def _parse(self, cell: Cell, read: Callable[[str], T]) -> T | None:
        try:
            return read(cell.text)
        except CellError as error:
            self._fault(cell, str(error), error.column)
            return None


def _names(node: syntax.Expression) -> Iterable[str]:
    match node:
        case syntax.Name():
            yield node.value
        case syntax.Negate():
            yield from _names(node.operand)
        case syntax.Binary():
            yield from _names(node.left)
            yield from _names(node.right)
        case syntax.Choose():
            for part in (node.condition, node.then, node.otherwise):
                yield from _names(part)
        case syntax.Within():
            yield from _names(node.value)
            yield from _names_of_test(node.test)
        case syntax.Part():
            yield from _names(node.value)
        case syntax.Call():
            for argument in node.arguments:
                yield from _names(argument)
        case _:
            pass


def _names_of_test(test: syntax.Test) -> Iterable[str]:
    match test:
        case syntax.Equal() | syntax.Compare():
            yield from _names(test.value)
        case syntax.Interval():
            yield from _names(test.low)
            yield from _names(test.high)
        case syntax.AnyOf() | syntax.Not():
            for inner in test.tests:
                yield from _names_of_test(inner)
        case _:
            pass
