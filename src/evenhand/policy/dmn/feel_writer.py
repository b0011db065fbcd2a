"""The cells of a policy document as FEEL that every DMN engine understands.

The two languages are close. What differs is spelled out: a quotient has six decimals rounded half up, an ordered choice is
compared by listing its values, bare words are strings, and where a comparison would be unknown the FEEL is null as well.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from evenhand.policy import syntax
from evenhand.policy.arithmetic import QUOTIENT_SCALE
from evenhand.policy.constants import datetime_constant
from evenhand.policy.dmn.feel.builtins.conversion import text_of_number
from evenhand.policy.dmn.feel.lexer import tokens
from evenhand.policy.lowering import Lowering
from evenhand.policy.syntax import CellError, Expression, Test
from evenhand.policy.tree import Const
from evenhand.policy.types import Type

_ORDER: Final = ("<", "<=", ">", ">=")
_SAME: Final = frozenset(
    (
        *("min", "max", "sum", "count", "abs", "floor", "ceiling", "modulo", "not", "list contains", "duration"),
        *("contains", "starts with", "ends with", "string length"),
    )
)
_MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class FeelWriter:
    """Writes the cells of one document; raises `CellError` for what DMN cannot say with the same meaning."""

    def __init__(self, types: Mapping[str, Type], paths: Mapping[str, str]) -> None:
        self._lowering = Lowering(types)
        self._types = types
        # how FEEL reads each fact and output
        self._paths = paths

    def type_of(self, node: Expression) -> Type:
        return self._lowering.expression(node).type

    def output(self, node: Expression, wanted: Type) -> str:
        """An output cell or formula, as a value of its type; numbers with more decimals are rounded half up."""
        if isinstance(node, syntax.Name) and node.value in wanted.values:
            return quoted(node.value)
        text = self.expression(node)
        found = self.type_of(node)
        if wanted.kind == "number" == found.kind and found.scale > wanted.scale:
            return f"round half up({text}, {wanted.scale})"
        return text

    def expression(self, node: Expression) -> str:
        match node:
            case syntax.Literal():
                return literal(node.value)
            case syntax.Name():
                return self._name(node)
            case syntax.Negate():
                return f"-{self.expression(node.operand)}"
            case syntax.Binary(operator="/"):
                return f"round half up({self.expression(node.left)} / {self.expression(node.right)}, {QUOTIENT_SCALE})"
            case syntax.Binary():
                return self._binary(node)
            case syntax.Choose():
                parts = (self.expression(part) for part in (node.condition, node.then, node.otherwise))
                return "(if {} then {} else {})".format(*parts)
            case syntax.Within():
                return self._within(node)
            case syntax.Part():
                self._check_part(self.type_of(node.value), node.part, node.at)
                return f"{self.expression(node.value)}.{node.part}"
            case syntax.Call():
                return self._call(node)

    def _name(self, node: syntax.Name) -> str:
        if node.value in self._paths:
            return self._paths[node.value]
        owner, _, part = node.value.rpartition(".")
        self._lowering.read(node.value, node.at)
        self._check_part(self._types[owner], part, node.at)
        return f"{self._paths[owner]}.{part}"

    def _check_part(self, owner: Type, part: str, at: int) -> None:
        if owner.kind == "datetime":
            raise CellError(at, f"DMN reads .{part} of a date and time in its own zone, Evenhand in UTC")

    def _binary(self, node: syntax.Binary) -> str:
        left, right = (self._side(one, other) for one, other in ((node.left, node.right), (node.right, node.left)))
        if node.operator in _ORDER:
            ordered = self._ordered(node)
            if ordered is not None:
                return ordered
        return f"({left} {node.operator} {right})"

    def _side(self, node: Expression, other: Expression) -> str:
        """A side of a comparison; beside a choice, a bare word is one of its values."""
        if isinstance(node, syntax.Name) and node.value not in self._types and isinstance(other, syntax.Name):
            known = self._types.get(other.value)
            if known is not None and node.value in known.values:
                return quoted(node.value)
        return self.expression(node)

    def _ordered(self, node: syntax.Binary) -> str | None:
        """A comparison of an ordered choice, which FEEL would compare letter by letter."""
        for choice, other, operator in (
            (node.left, node.right, node.operator),
            (node.right, node.left, _MIRRORED[node.operator]),
        ):
            if isinstance(other, syntax.Literal) and isinstance(other.value, str):
                type_ = self.type_of(choice)
                text = self.expression(choice)
                listed = ", ".join(map(quoted, _between(type_, operator, other.value, other.at)))
                return f"(if {text} = null then null else {text} in ({listed}))"
        left = self._lowering.expression(node.left)
        if left.type.kind != "text":
            return None
        places = "[" + ", ".join(map(quoted, left.type.values)) + "]"
        one, two = (f"index of({places}, {self.expression(side)})[1]" for side in (node.left, node.right))
        return f"({one} {node.operator} {two})"

    def _within(self, node: syntax.Within) -> str:
        value = self.expression(node.value)
        if isinstance(node.test, syntax.Anything):
            return "true"
        if isinstance(node.test, syntax.Not):
            return f"not({self._within(syntax.Within(node.value, syntax.AnyOf(node.test.tests), node.at))})"
        tests = node.test.tests if isinstance(node.test, syntax.AnyOf) else (node.test,)
        if any(isinstance(test, syntax.Not) for test in tests):
            joined = " or ".join(self._within(syntax.Within(node.value, test, node.at)) for test in tests)
            return f"({joined})"
        type_ = self.type_of(node.value)
        listed = [part for test in tests for part in self._test(test, type_)]
        text = f"{value} in ({', '.join(listed)})"
        if (
            type_.ordered
            and any(isinstance(test, syntax.Compare | syntax.Interval) for test in tests)
            and "null" not in listed
        ):
            return f"(if {value} = null then null else {text})"
        return f"({text})"

    def _call(self, node: syntax.Call) -> str:
        name = node.function
        if name in ("@", "date", "date and time") and len(node.arguments) == 1:
            return self._moment(node)
        arguments = [self.expression(argument) for argument in node.arguments]
        if name in ("round", "round half up"):
            return f"round half up({arguments[0]}, {arguments[1] if len(arguments) > 1 else '0'})"
        if name in ("upper case", "lower case"):
            values = self.type_of(node.arguments[0]).values
            if not values or not all(value.isascii() for value in values):
                raise CellError(node.at, f"{name} changes A to Z only in Evenhand, and every letter in DMN")
        elif name not in _SAME:
            raise CellError(node.at, f"{name} has no counterpart in DMN")
        return f"{name}({', '.join(arguments)})"

    def _moment(self, node: syntax.Call) -> str:
        argument = node.arguments[0]
        if not isinstance(argument, syntax.Literal) or not isinstance(argument.value, str):
            raise CellError(
                node.at, f"{node.function} of a date and time is taken in UTC here, and in its own zone in DMN"
            )
        lowered = self._lowering.expression(node)
        text = argument.value
        if lowered.type.kind == "datetime":
            moment = datetime_constant(text)
            assert isinstance(moment, Const)
            return f"date and time({quoted(_utc(moment.value))})"
        return f"{'date' if lowered.type.kind == 'date' else 'duration'}({quoted(text)})"

    # unary tests

    def test(self, node: Test, operand: Expression) -> str:
        """An input cell, for the column headed by `operand`."""
        match node:
            case syntax.Anything():
                return "-"
            case syntax.Not():
                type_ = self.type_of(operand)
                inner = [part for test in node.tests for part in self._test(test, type_)]
                if type_.ordered and any(isinstance(test, syntax.Compare | syntax.Interval) for test in node.tests):
                    inner.append("null")  # what is not known compares with nothing, so it passes neither
                return f"not({', '.join(inner)})"
            case syntax.AnyOf():
                return self._any(node, operand)
            case _:
                return ", ".join(self._test(node, self.type_of(operand)))

    def _any(self, node: syntax.AnyOf, operand: Expression) -> str:
        type_ = self.type_of(operand)
        for test in node.tests:
            if isinstance(test, syntax.Not):
                raise CellError(0, "!= beside other tests has no counterpart in DMN; write not(...) alone")
        return ", ".join(part for test in node.tests for part in self._test(test, type_))

    def _test(self, node: Test, type_: Type) -> list[str]:
        match node:
            case syntax.Equal():
                return [self.expression(node.value)]
            case syntax.Compare() if type_.ordered:
                return self._listed(type_, lambda: _between(type_, node.operator, *_string(node.value)))
            case syntax.Compare():
                return [f"{node.operator} {self.expression(node.value)}"]
            case syntax.Interval() if type_.ordered:
                low = _between(type_, ">" if node.low_open else ">=", *_string(node.low))
                high = _between(type_, "<" if node.high_open else "<=", *_string(node.high))
                return self._listed(type_, lambda: [value for value in low if value in high])
            case syntax.Interval():
                opening, closing = "(" if node.low_open else "[", ")" if node.high_open else "]"
                return [f"{opening}{self.expression(node.low)}..{self.expression(node.high)}{closing}"]
            case _:
                raise CellError(0, "this test has no counterpart in DMN")

    def _listed(self, type_: Type, values: Callable[[], list[str]]) -> list[str]:
        found = [quoted(value) for value in values()]
        # a test that no value passes: DMN has no empty list of tests
        return found or ["[]"]


def _string(node: Expression) -> tuple[str, int]:
    if not isinstance(node, syntax.Literal) or not isinstance(node.value, str):
        raise CellError(0, "an ordered choice is compared with a value of its own only, when it goes to DMN")
    return node.value, node.at


def _between(type_: Type, operator: str, value: str, at: int) -> list[str]:
    """The values of an ordered choice that compare so with one of them."""
    if value not in type_.values:
        raise CellError(at, f"{value!r} is not {type_}")
    place = type_.values.index(value)
    match operator:
        case "<":
            return list(type_.values[:place])
        case "<=":
            return list(type_.values[: place + 1])
        case ">":
            return list(type_.values[place + 1 :])
        case _:
            return list(type_.values[place:])


def literal(value: Decimal | str | bool | None) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Decimal():
            return text_of_number(value)
        case str():
            return quoted(value)


def bare(text: str) -> str:
    """Without the parentheses around the whole."""
    if not text.startswith("(") or not text.endswith(")"):
        return text
    depth = 0
    for place, token in enumerate(cut := tokens(text)[:-1]):
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0:
            return text[1:-1] if place == len(cut) - 1 else text
    return text


def quoted(text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(escapes.get(character, character) for character in text) + '"'


def _utc(seconds: object) -> str:
    assert isinstance(seconds, int)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
