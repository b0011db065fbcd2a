"""Expressions of the typed tree as Python source, for the row function: a value, or where a condition is true or false."""

import keyword
import re
from collections.abc import Sequence
from typing import Any

from evenhand.policy.nulls import nullable
from evenhand.policy.row_helpers import HELPERS
from evenhand.policy.tree import (
    And,
    Arith,
    Compare,
    Const,
    DatePart,
    Equal,
    Expr,
    Extreme,
    Gathered,
    If,
    In,
    Model,
    Not,
    Or,
    Quotient,
    Rank,
    Read,
    TextCase,
    TextLength,
    TextTest,
)
from evenhand.policy.types import Value


class PythonSource:
    """Lines of a function's body, its local variables, and expressions over them."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._lines: list[str] = []
        self._depth = 1
        self._locals: dict[str, str] = {}
        # local variable of each group of facts
        self._groups: dict[str, str] = {}
        self._taken: set[str] = set(HELPERS) | {"facts", "decide", "by_name", "len", "min", "max", "int"}
        self._temporaries = 0
        self._constants: dict[str, Any] = {}
        # outputs that are never null
        self._sure: set[str] = set()
        # values written before, where they may be used again
        self._written: dict[Expr, str] | None = None

    # lines and names

    def _line(self, text: str = "") -> None:
        self._lines.append(f"{'    ' * self._depth}{text}" if text else "")

    def _local(self, name: str) -> str:
        """The local variable of a fact or output."""
        if name not in self._locals:
            self._locals[name] = self._fresh(name)
        return self._locals[name]

    def _fresh(self, name: str) -> str:
        base = re.sub(r"[^A-Za-z0-9_]", "_", name).strip("_") or "x"
        base = f"{base}_" if keyword.iskeyword(base) or base[0].isdigit() else base
        found, number = base, 1
        while found in self._taken or keyword.iskeyword(found):
            number += 1
            found = f"{base}_{number}"
        self._taken.add(found)
        return found

    def _temporary(self, value: str) -> str:
        self._temporaries += 1
        name = f"t{self._temporaries}"
        self._taken.add(name)
        self._line(f"{name} = {value}")
        return name

    # values

    def _nullable(self, expr: Expr) -> bool:
        return nullable(expr, self._sure)

    def _value(self, expr: Expr) -> str:
        """Python for the value of an expression; statements it needs are written first."""
        if self._written and expr in self._written:
            return self._written[expr]
        match expr:
            case Const():
                return repr(expr.value)
            case Read():
                return self._local(expr.name)
            case Arith():
                left, right = self._atom(expr.left), self._atom(expr.right)
                return self._guarded(((expr.left, left), (expr.right, right)), f"{left} {expr.operator} {right}")
            case Quotient():
                return self._quotient(expr)
            case Extreme():
                atoms = [self._atom(operand) for operand in expr.operands]
                pairs = list(zip(expr.operands, atoms, strict=True))
                text = f"{expr.operator}({', '.join(atoms)})"
                if len(atoms) == 2:  # the same, without a call
                    one, other = atoms
                    text = f"({one} if {one} {'<' if expr.operator == 'min' else '>'} {other} else {other})"
                return self._guarded(pairs, text)
            case If(condition=In(operand=Read() as read, values=(None,))) if read.name in self._sure:
                return self._value(expr.otherwise)
            case If():
                condition = self._true(expr.condition)
                then, otherwise = self._value(expr.then), self._value(expr.otherwise)
                return f"({then} if {condition} else {otherwise})"
            case Rank():
                places = self._constant("RANKS", {value: rank for rank, value in enumerate(expr.operand.type.values)})
                return f"{places}.get({self._atom(expr.operand)})"
            case TextTest():
                left, right = self._atom(expr.left), self._atom(expr.right)
                test = {
                    "contains": f"{right} in {left}",
                    "starts": f"{left}.startswith({right})",
                    "ends": f"{left}.endswith({right})",
                }[expr.operator]
                return self._guarded(((expr.left, left), (expr.right, right)), test)
            case TextCase():
                operand = self._atom(expr.operand)
                return self._guarded(((expr.operand, operand),), f"{operand}.translate({expr.operator.upper()})")
            case TextLength():
                operand = self._atom(expr.operand)
                return self._guarded(((expr.operand, operand),), f"len({operand})")
            case DatePart():
                operand = self._atom(expr.operand)
                return self._guarded(((expr.operand, operand),), f"date_part({operand}, {expr.part!r})")
            case Gathered():
                figure = {"sum": "total", "min": "least", "max": "most", "count": "len"}[expr.operator]
                return f"{figure}({self._local(expr.name)})"
            case _:
                if self._nullable(expr):
                    return f"(True if {self._true(expr)} else False if {self._false(expr)} else None)"
                return f"({self._true(expr)})"

    def _atom(self, expr: Expr) -> str:
        """A name or literal for the value of an expression."""
        text = self._value(expr)
        if isinstance(expr, Read):
            return text
        if isinstance(expr, Const):
            return f"({text})" if text.startswith("-") else text
        if text.isidentifier():
            return text
        name = self._temporary(text)
        if self._written is not None:
            self._written[expr] = name
        return name

    def _guarded(self, operands: Sequence[tuple[Expr, str]], text: str) -> str:
        """`text`, or None where one of the operands, each with its atom, is None."""
        tests = dict.fromkeys(f"{atom} is None" for expr, atom in operands if self._nullable(expr))
        return f"(None if {' or '.join(tests)} else {text})" if tests else f"({text})"

    def _quotient(self, expr: Quotient) -> str:
        left, right = self._atom(expr.left), self._atom(expr.right)
        # without a sign, rounding is one division; (2a + b) / 2b is a / b + 1/2
        plain = expr.left.type.low >= 0 and expr.right.type.low > 0
        text = {
            "half_up": f"(2 * {left} + {right}) // (2 * {right})" if plain else f"half_up({left}, {right})",
            "floor": f"{left} // {right}",
            "ceiling": f"-(-{left} // {right})",
        }[expr.rounding]
        tests = [f"{atom} is None" for one, atom in ((expr.left, left), (expr.right, right)) if self._nullable(one)]
        if expr.right.type.low <= 0 <= expr.right.type.high:
            tests.append(f"{right} == 0")
        return f"(None if {' or '.join(tests)} else {text})" if tests else f"({text})"

    def _constant(self, name: str, value: Any) -> str:
        for known, held in self._constants.items():
            if held == value:
                return known
        fresh = self._fresh(f"{name}_{len(self._constants) + 1}")
        self._constants[fresh] = value
        return fresh

    # truth

    def _true(self, expr: Expr) -> str:
        """Python that is true exactly where a condition is true."""
        return self._truth(expr, True)

    def _false(self, expr: Expr) -> str:
        """Python that is true exactly where a condition is false (not null)."""
        return self._truth(expr, False)

    def _truth(self, expr: Expr, holds: bool) -> str:
        match expr:
            case Const():
                return repr(expr.value is holds)
            case In():
                return self._member(expr, holds)
            case Equal():
                return f"{self._atom(expr.left)} {'==' if holds else '!='} {self._atom(expr.right)}"
            case Compare():
                left, right = self._atom(expr.left), self._atom(expr.right)
                flipped = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
                operator = expr.operator if holds else flipped[expr.operator]
                pairs = ((expr.left, left), (expr.right, right))
                tests = dict.fromkeys(f"{atom} is not None" for one, atom in pairs if self._nullable(one))
                return " and ".join([*tests, f"{left} {operator} {right}"])
            case And(operands=(Compare() as low, Compare() as high)) if holds and _interval(low, high):
                operand, first, last = self._atom(low.left), self._atom(low.right), self._atom(high.right)
                known = f"{operand} is not None and " if self._nullable(low.left) else ""
                return f"{known}{first} {'<=' if low.operator == '>=' else '<'} {operand} {high.operator} {last}"
            case And() | Or():
                joined = " and " if isinstance(expr, And) == holds else " or "
                parts = [self._truth(operand, holds) for operand in expr.operands]
                return joined.join(f"({part})" if joined == " or " or " or " in part else part for part in parts)
            case Not():
                return self._truth(expr.operand, not holds)
            case _:
                return f"{self._atom(expr)} is {holds}"

    def _member(self, expr: In, holds: bool) -> str:
        if isinstance(expr.operand, Const):
            return repr((expr.operand.value in expr.values) is holds)
        operand = self._atom(expr.operand)
        negated = "" if holds else "not "
        if expr.operand.type.many:
            return f"{expr.values[0]!r} {negated}in {operand}"
        if not expr.values:
            return repr(not holds)
        if len(expr.values) == 1:
            (value,) = expr.values
            if value is None or isinstance(value, bool):
                return f"{operand} {'is' if holds else 'is not'} {value!r}"
            return f"{operand} {'==' if holds else '!='} {value!r}"
        # a set of literals is one constant to Python; sorted, so that the source is the same every time
        return f"{operand} {negated}in {{{', '.join(repr(value) for value in _sorted(expr.values))}}}"


def _interval(low: Compare, high: Compare) -> bool:
    """Whether two comparisons are the ends of an interval with constant ends."""
    ends = isinstance(low.right, Const) and isinstance(high.right, Const)
    return ends and low.left == high.left and low.operator in (">", ">=") and high.operator in ("<", "<=")


def _sorted(values: tuple[Value, ...]) -> list[Value]:
    return sorted(
        values, key=lambda value: (value is None, str(type(value)), value or 0 if not isinstance(value, str) else value)
    )
