"""The syntax of table cells: S-FEEL of DMN 1.x, as one tree that every compiler reads.

An input cell is a `Test` of the column's value; an output cell is an `Expression`. Numbers are exact decimals.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal, cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken, VisitError

Operator = Literal["<", "<=", ">", ">="]
Arithmetic = Literal["+", "-", "*", "/"]


@dataclass(frozen=True, slots=True)
class Number:
    value: Decimal


@dataclass(frozen=True, slots=True)
class Text:
    value: str


@dataclass(frozen=True, slots=True)
class Boolean:
    value: bool


@dataclass(frozen=True, slots=True)
class Null:
    pass


@dataclass(frozen=True, slots=True)
class Name:
    """A fact, an output of a table, or (in the output cell of a choice) a bare value such as `quality.subsidised`."""

    value: str


@dataclass(frozen=True, slots=True)
class Negate:
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    operator: Arithmetic
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Call:
    # "min" or "max"; anything else is refused when the document is typed
    function: str
    arguments: tuple["Expression", ...]


Literals = Number | Text | Boolean | Null
Expression = Number | Text | Boolean | Null | Name | Negate | Binary | Call


@dataclass(frozen=True, slots=True)
class Anything:
    """`-`: every value, null included."""


@dataclass(frozen=True, slots=True)
class Equal:
    value: Expression


@dataclass(frozen=True, slots=True)
class Compare:
    operator: Operator
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
    """A cell that cannot be read; `column` counts from 0 within the cell."""

    def __init__(self, column: int, message: str) -> None:
        self.column = column
        super().__init__(message)


_GRAMMAR: Final = r"""
tests: MINUS -> anything
     | "not" "(" _list ")" -> none_of
     | _list -> any_of
_list: test ("," test)*
?test: COMPARISON sum -> compare
     | "[" sum ".." sum closing -> from_closed
     | "(" sum ".." sum closing -> from_open
     | "]" sum ".." sum closing -> from_open
     | sum -> equal
!closing: "]" | ")" | "["
?sum: product
    | sum (PLUS | MINUS) product -> binary
?product: factor
    | product (TIMES | OVER) factor -> binary
?factor: MINUS factor -> negate
    | NUMBER -> number
    | STRING -> text
    | "true" -> true
    | "false" -> false
    | "null" -> null
    | NAME "(" sum ("," sum)* ")" -> call
    | NAME -> name
    | "(" sum ")"
MINUS: "-"
PLUS: "+"
TIMES: "*"
OVER: "/"
COMPARISON: "<=" | ">=" | "<" | ">"
NUMBER: /[0-9]+(\.[0-9]+)?/
STRING: /"(?:[^"\\]|\\["\\])*"/
NAME: /[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*/
%import common.WS
%ignore WS
"""


@v_args(inline=True)
class _Build(Transformer[Token, object]):
    def number(self, token: Token) -> Number:
        return Number(Decimal(str(token)))

    def text(self, token: Token) -> Text:
        return Text(str(token)[1:-1].replace('\\"', '"').replace("\\\\", "\\"))

    def true(self) -> Boolean:
        return Boolean(True)

    def false(self) -> Boolean:
        return Boolean(False)

    def null(self) -> Null:
        return Null()

    def name(self, token: Token) -> Name:
        return Name(str(token))

    def negate(self, _: Token, operand: Expression) -> Expression:
        return Number(-operand.value) if isinstance(operand, Number) else Negate(operand)

    def binary(self, left: Expression, operator: Token, right: Expression) -> Binary:
        return Binary(cast("Arithmetic", str(operator)), left, right)

    def call(self, function: Token, *arguments: Expression) -> Call:
        return Call(str(function), arguments)

    def closing(self, bracket: Token) -> bool:
        return str(bracket) != "]"

    def anything(self, _: Token) -> Anything:
        return Anything()

    def equal(self, value: Expression) -> Equal:
        return Equal(value)

    def compare(self, operator: Token, value: Expression) -> Compare:
        return Compare(cast("Operator", str(operator)), value)

    def from_closed(self, low: Expression, high: Expression, high_open: bool) -> Interval:
        return Interval(low, False, high, high_open)

    def from_open(self, low: Expression, high: Expression, high_open: bool) -> Interval:
        return Interval(low, True, high, high_open)

    def any_of(self, *tests: Test) -> Test:
        return tests[0] if len(tests) == 1 else AnyOf(tests)

    def none_of(self, *tests: Test) -> Not:
        return Not(tests)


_PARSERS: Final = {
    start: Lark(_GRAMMAR, parser="lalr", start=start, transformer=_Build()) for start in ("tests", "sum")
}
# A cell longer than this was not written by a person; it bounds the depth of the tree as well.
_MAX_CELL: Final = 2000
_MAX_DEPTH: Final = 40


@lru_cache(maxsize=4096)
def parse_test(cell: str) -> Test:
    """Read an input cell; raises `CellError`."""
    return cast("Test", _parse("tests", cell))


@lru_cache(maxsize=4096)
def parse_expression(cell: str) -> Expression:
    """Read an output cell; raises `CellError`."""
    return cast("Expression", _parse("sum", cell))


def _parse(start: str, cell: str) -> object:
    if not cell.strip():
        raise CellError(0, "the cell is empty; write - for any value" if start == "tests" else "the cell is empty; write null for no value")
    if len(cell) > _MAX_CELL:
        raise CellError(0, f"a cell may hold {_MAX_CELL} characters, this one has {len(cell)}")
    if cell.count("(") > _MAX_DEPTH or cell.count("-") > _MAX_DEPTH * 5:
        raise CellError(0, f"this cell is nested too deeply: at most {_MAX_DEPTH} parentheses")
    try:
        return _PARSERS[start].parse(cell)
    except UnexpectedEOF as error:
        raise CellError(len(cell), "the cell ends too early") from error
    except UnexpectedCharacters as error:
        raise CellError(error.pos_in_stream or 0, f"cannot read {cell[error.pos_in_stream or 0]!r} here") from error
    except UnexpectedToken as error:
        if error.token.type == "$END":
            raise CellError(len(cell), "the cell ends too early") from error
        raise CellError(error.token.start_pos or 0, f"did not expect {str(error.token)!r} here") from error
    except (UnexpectedInput, VisitError) as error:
        raise CellError(0, "cannot read this cell") from error
