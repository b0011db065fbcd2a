"""The syntax of table cells: S-FEEL of DMN 1.x, as one tree.

An input cell is a `Test` of the column's value; an output cell, a formula or a promise's condition is an `Expression`.
`parser.py` reads them, `lowering.py` gives them types. `at` is where a node begins within its cell, from 0; it does not
count when two nodes are compared.
"""

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Literal:
    """A number (exact), a string, a boolean or null."""

    value: Decimal | str | bool | None
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A fact, an output of a table, or (where a choice is expected) a bare value such as `quality.subsidised`."""

    value: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Negate:
    operand: "Expression"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """`+ - * /`, `= != < <= > >=`, `and`, `or`."""

    operator: str
    left: "Expression"
    right: "Expression"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Choose:
    """`if ... then ... else ...`"""

    condition: "Expression"
    then: "Expression"
    otherwise: "Expression"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Within:
    """`value in tests`, `value between a and b`"""

    value: "Expression"
    test: "Test"
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A built-in function, by its FEEL name; `@"..."` is the function `@`."""

    function: str
    arguments: tuple["Expression", ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a date or duration: `(a - b).days`"""

    value: "Expression"
    part: str
    at: int = field(default=0, compare=False)


Expression = Literal | Name | Negate | Binary | Choose | Within | Call | Part


@dataclass(frozen=True, slots=True)
class Anything:
    """`-`: every value, null included."""


@dataclass(frozen=True, slots=True)
class Equal:
    value: Expression


@dataclass(frozen=True, slots=True)
class Compare:
    # "<", "<=", ">" or ">="
    operator: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Interval:
    low: Expression
    low_open: bool
    high: Expression
    high_open: bool


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A comma list: one of the tests holds."""

    tests: tuple["Test", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """None of the tests holds."""

    tests: tuple["Test", ...]


Test = Anything | Equal | Compare | Interval | AnyOf | Not


class CellError(Exception):
    """A cell that cannot be read or typed; `column` counts from 0 within the cell."""

    def __init__(self, column: int, message: str) -> None:
        self.column = column
        super().__init__(message)
