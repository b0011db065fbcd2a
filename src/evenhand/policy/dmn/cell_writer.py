"""FEEL trees as the cells of a policy document, which knows less of FEEL: what it cannot say is refused by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from evenhand.policy.dmn.feel.builtins.conversion import text_of_number
from evenhand.policy.dmn.feel.iteration import BuiltInName, Call, Filter, For, FunctionLiteral, Quantified
from evenhand.policy.dmn.feel.temporal import parse_at, text_of_duration
from evenhand.policy.dmn.feel.tree import (
    Arithmetic,
    Between,
    Comparison,
    ContextLiteral,
    If,
    In,
    InstanceOf,
    Junction,
    ListLiteral,
    Literal,
    Name,
    Negative,
    Node,
    Path,
    RangeLiteral,
    Test,
    UnaryTests,
)
from evenhand.policy.dmn.feel.values import Value, YearsMonths
from evenhand.policy.dmn.feel_writer import bare, quoted

QUOTIENT_DECIMALS: Final = 6
_FUNCTIONS: Final = frozenset(
    (
        *("min", "max", "sum", "count", "abs", "floor", "ceiling", "modulo", "not", "list contains", "round half up"),
        *("contains", "starts with", "ends with", "string length"),
    )
)
_LITERAL_MAKERS: Final = frozenset(("date", "date and time", "duration"))
_PARTS: Final = frozenset(("year", "month", "day", "weekday", "days", "hours", "minutes", "seconds", "years", "months"))
_NAMED: Final[Mapping[type[Node], str]] = {
    For: "for",
    Quantified: "some and every",
    Filter: "a filter or index",
    FunctionLiteral: "a function literal",
    ContextLiteral: "a context",
    ListLiteral: "a list written out",
    RangeLiteral: "a range as a value",
    InstanceOf: "instance of",
    BuiltInName: "a function as a value",
}


class CannotSay(Exception):
    """A policy document has no words for this; the message names it."""


@dataclass(slots=True)
class CellWriter:
    """Writes FEEL trees with the names of a policy document."""

    # what a variable is called, or None when only its members can be read; raises `CannotSay` for an unknown one
    variable: Callable[[str], str | None]
    # what a member of a variable is called: (variable, members) -> name
    member: Callable[[str, tuple[str, ...]], str]
    # decimals of a named number, where they are known
    decimals: Callable[[str], int | None]
    # calls of business knowledge models, by the name of the model
    inline: Callable[[str, tuple[Node, ...], tuple[str, ...], "CellWriter"], str | None]
    # parameters of an inlined function, as text already written
    bound: Mapping[str, str] = field(default_factory=dict[str, str])

    def output(self, node: Node) -> str:
        """A cell on the right, without parentheses around the whole."""
        return bare(self.expression(node))

    def expression(self, node: Node) -> str:
        match node:
            case Literal():
                return literal(node.value)
            case Name():
                return self._name(node.name)
            case Path():
                return self._path(node)
            case Negative():
                return f"-{self.expression(node.of)}"
            case Arithmetic(operator="/"):
                return self._exact_quotient(node)
            case Arithmetic(operator="+" | "-" | "*") | Comparison():
                return f"({self.expression(node.left)} {node.operator} {self.expression(node.right)})"
            case Junction():
                word = "or" if node.decided_by else "and"
                return f"({self.expression(node.left)} {word} {self.expression(node.right)})"
            case Between():
                of, low, high = (self.expression(part) for part in (node.of, node.low, node.high))
                return f"({of} between {low} and {high})"
            case In():
                return self._in(node)
            case If():
                parts = (self.expression(part) for part in (node.condition, node.then, node.otherwise))
                return "(if {} then {} else {})".format(*parts)
            case Call():
                return self._call(node)
            case Arithmetic():
                raise _cannot(f"{node.operator} as an operator")
            case _:
                raise _cannot(_NAMED.get(type(node), type(node).__name__))

    def _name(self, name: str) -> str:
        if name in self.bound:
            return self.bound[name]
        called = self.variable(name)
        if called is None:
            raise _cannot(f"{name!r} as a whole (only its members are facts)")
        return called

    def _path(self, node: Path) -> str:
        members: list[str] = []
        root: Node = node
        while isinstance(root, Path):
            members.insert(0, root.name)
            root = root.of
        if isinstance(root, Name) and root.name not in self.bound and self.variable(root.name) is None:
            last = members[-1] if len(members) > 1 and members[-1] in _PARTS else None
            try:
                return self.member(root.name, tuple(members))
            except CannotSay:
                if last is None:
                    raise
                return f"{self.member(root.name, tuple(members[:-1]))}.{last}"
        if node.name not in _PARTS:
            raise _cannot(f".{node.name}")
        return f"({self.expression(node.of)}).{node.name}"

    def _in(self, node: In) -> str:
        """Intervals stand alone after `in`; other tests in a list."""
        of = self.expression(node.of)
        parts = [part for test in node.tests for part in self._tests(test)]
        listed = [part for part in parts if ".." not in part or part[0] not in "[("]
        found = [f"{of} in {part}" for part in parts if part not in listed]
        found += [f"{of} in ({', '.join(listed)})"] if listed else []
        return f"({' or '.join(found)})"

    # arithmetic

    def _quotient(self, node: Arithmetic) -> str:
        return f"({self.expression(node.left)} / {self.expression(node.right)})"

    def _exact_quotient(self, node: Arithmetic) -> str:
        """A quotient that needs no more than six decimals: by a number such as 2 or 100."""
        divisor = node.right.value if isinstance(node.right, Literal) else None
        known = self.scale(node.left)
        if isinstance(divisor, Decimal) and divisor and known is not None:
            for digits in range(QUOTIENT_DECIMALS - known + 1):
                shifted = Decimal(10) ** digits / divisor
                if shifted == shifted.to_integral_value() and shifted * divisor == Decimal(10) ** digits:
                    return self._quotient(node)
        raise _cannot("a quotient of 34 digits (here a / b has six decimals: write round half up(a / b, 6))")

    def scale(self, node: Node) -> int | None:
        """The most decimals an expression can have, where that shows."""
        match node:
            case Literal(value=Decimal()):
                exponent = node.value.as_tuple().exponent
                return max(0, -exponent) if isinstance(exponent, int) else None
            case Negative():
                return self.scale(node.of)
            case Arithmetic(operator="+" | "-" | "*"):
                left, right = self.scale(node.left), self.scale(node.right)
                if left is None or right is None:
                    return None
                return left + right if node.operator == "*" else max(left, right)
            case Name() | Path():
                try:
                    return self.decimals(self.expression(node))
                except CannotSay:
                    return None
            case _:
                return None

    # calls

    def _call(self, node: Call) -> str:
        if isinstance(node.function, Name):
            inlined = self.inline(node.function.name, node.arguments, node.names, self)
            if inlined is not None:
                return inlined
        if not isinstance(node.function, BuiltInName) and node.built_in is None:
            raise _cannot("a call of a function value")
        name = (
            node.function.function.name
            if isinstance(node.function, BuiltInName)
            else getattr(node.built_in, "name", "")
        )
        if node.names:
            raise _cannot(f"{name}() with named arguments")
        arguments = node.arguments
        if name in _LITERAL_MAKERS:
            return self._made(name, arguments)
        if name in ("min", "max", "sum") and len(arguments) == 1 and isinstance(arguments[0], ListLiteral):
            arguments = arguments[0].elements
        if name == "list contains" and len(arguments) == 2 and isinstance(arguments[0], ListLiteral):
            listed = ", ".join(self.expression(each) for each in arguments[0].elements)
            return f"({self.expression(arguments[1])} in ({listed}))"
        if name not in _FUNCTIONS:
            raise _cannot(f"{name}()")
        if name == "round half up" and len(arguments) == 2 and _is_quotient(arguments[0], arguments[1]):
            assert isinstance(arguments[0], Arithmetic)
            return self._quotient(arguments[0])
        return f"{name}({', '.join(self.output(argument) for argument in arguments)})"

    def _made(self, name: str, arguments: tuple[Node, ...]) -> str:
        """`date("2025-03-24")` and the like, with their value written out."""
        text = arguments[0].value if len(arguments) == 1 and isinstance(arguments[0], Literal) else None
        value = parse_at(text) if isinstance(text, str) else None
        if value is None:
            raise _cannot(f"{name}() of anything but a text written out")
        return literal(value)

    # unary tests

    def tests(self, tests: UnaryTests) -> str:
        """A cell on the left."""
        if not tests.tests:
            return "-"
        listed = ", ".join(part for test in tests.tests for part in self._tests(test))
        return f"not({listed})" if tests.negated else listed

    def _tests(self, test: Test) -> list[str]:
        if test.conditional:
            raise _cannot("? in a cell")
        if test.operator:
            return [f"{test.operator} {self.expression(test.operand)}"]
        return self._expected(test.operand)

    def _expected(self, node: Node) -> list[str]:
        match node:
            case ListLiteral() if node.elements:
                return [part for each in node.elements for part in self._expected(each)]
            case RangeLiteral(low=Node(), high=Node()):
                assert node.low is not None
                assert node.high is not None
                opening, closing = "[" if node.low_closed else "(", "]" if node.high_closed else ")"
                return [f"{opening}{self.expression(node.low)}..{self.expression(node.high)}{closing}"]
            case RangeLiteral(low=Node()):
                assert node.low is not None
                return [f"{'>=' if node.low_closed else '>'} {self.expression(node.low)}"]
            case RangeLiteral(high=Node()):
                assert node.high is not None
                return [f"{'<=' if node.high_closed else '<'} {self.expression(node.high)}"]
            case Comparison() | Junction() | Between() | In() | InstanceOf() | Quantified():
                raise _cannot("a condition in a cell (put it into a formula, and test that)")
            case _:
                return [self.output(node)]


def _is_quotient(value: Node, digits: Node) -> bool:
    return (
        isinstance(value, Arithmetic)
        and value.operator == "/"
        and isinstance(digits, Literal)
        and digits.value == QUOTIENT_DECIMALS
    )


def _cannot(what: str) -> CannotSay:
    return CannotSay(f"a policy document has no words for {what}")


def literal(value: Value) -> str:
    """A value as a policy document writes it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Decimal():
            if len(value.as_tuple().digits) > 18:
                raise _cannot(f"the number {text_of_number(value)[:40]} (at most 18 digits)")
            return text_of_number(value)
        case str():
            return quoted(value)
        case datetime():
            if value.tzinfo is None or value.microsecond:
                raise _cannot(f"{value.isoformat()} (a date and time needs its zone, and whole seconds)")
            return f'@"{value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}"'
        case date():
            return f'@"{value.isoformat()}"'
        case timedelta():
            if value % timedelta(seconds=1):
                raise _cannot("a duration with a fraction of a second")
            return f'@"{text_of_duration(value)}"'
        case YearsMonths():
            return f'@"{value}"'
        case _:
            raise _cannot("a time of day")
