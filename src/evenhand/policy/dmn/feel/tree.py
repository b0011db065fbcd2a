"""The tree of a FEEL expression: literals, names, operators, conditions. Each node evaluates itself in a scope."""

from dataclasses import dataclass
from typing import Final

from evenhand.policy.dmn.feel.operators import COMPARISONS, arithmetic, included, matches, negation, negative
from evenhand.policy.dmn.feel.run import Run
from evenhand.policy.dmn.feel.scope import ABSENT, Scope
from evenhand.policy.dmn.feel.temporal import PROPERTIES
from evenhand.policy.dmn.feel.types import Type
from evenhand.policy.dmn.feel.values import Range, Value


class Node:
    """An expression."""

    __slots__ = ()

    def evaluate(self, scope: Scope, run: Run) -> Value:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Literal(Node):
    value: Value

    def evaluate(self, scope: Scope, run: Run) -> Value:
        return self.value


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A name; inside a filter it may be a member of the element, which is known only when it is there."""

    name: str

    def evaluate(self, scope: Scope, run: Run) -> Value:
        value = scope.find(self.name)
        return None if value is ABSENT else value


@dataclass(frozen=True, slots=True)
class ListLiteral(Node):
    elements: tuple[Node, ...]

    def evaluate(self, scope: Scope, run: Run) -> Value:
        return [element.evaluate(scope, run) for element in self.elements]


@dataclass(frozen=True, slots=True)
class ContextLiteral(Node):
    """Each entry sees the entries before it. A key given twice makes it null."""

    entries: tuple[tuple[str, Node], ...]

    def evaluate(self, scope: Scope, run: Run) -> Value:
        values: dict[str, Value] = {}
        inner = Scope(values, scope)
        for name, entry in self.entries:
            value = entry.evaluate(inner, run)
            if name in values:
                return None
            values[name] = value
        return values


@dataclass(frozen=True, slots=True)
class RangeLiteral(Node):
    """`[a..b]` with any brackets; a missing end is unbounded (`(< 5)`)."""

    low: Node | None
    high: Node | None
    low_closed: bool
    high_closed: bool

    def evaluate(self, scope: Scope, run: Run) -> Value:
        low = self.low.evaluate(scope, run) if self.low else None
        high = self.high.evaluate(scope, run) if self.high else None
        if (self.low and low is None) or (self.high and high is None):
            return None
        if self.low and self.high and COMPARISONS["<="](low, high) is None:
            return None
        return Range(low, high, self.low_closed, self.high_closed)


def member(value: Value, name: str) -> Value:
    """`value.name`: a member of a context, a part of a temporal value, or that of every element of a list."""
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list):
        return [member(each, name) for each in value]
    part = PROPERTIES.get(type(value), {}).get(name)
    return part(value) if part else None


@dataclass(frozen=True, slots=True)
class Path(Node):
    of: Node
    name: str

    def evaluate(self, scope: Scope, run: Run) -> Value:
        value = self.of.evaluate(scope, run)
        if isinstance(value, list):
            run.charge(len(value))
        return member(value, self.name)


@dataclass(frozen=True, slots=True)
class Negative(Node):
    of: Node

    def evaluate(self, scope: Scope, run: Run) -> Value:
        return negative(self.of.evaluate(scope, run))


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    operator: str
    left: Node
    right: Node

    def evaluate(self, scope: Scope, run: Run) -> Value:
        result = arithmetic(self.operator, self.left.evaluate(scope, run), self.right.evaluate(scope, run))
        if isinstance(result, str):
            run.charge(len(result) // 64)
        return result


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    operator: str
    left: Node
    right: Node

    def evaluate(self, scope: Scope, run: Run) -> Value:
        left = self.left.evaluate(scope, run)
        if isinstance(left, list):
            run.charge(len(left))
        return COMPARISONS[self.operator](left, self.right.evaluate(scope, run))


@dataclass(frozen=True, slots=True)
class Junction(Node):
    """`and` (decided by false) and `or` (decided by true); what is not a boolean is unknown."""

    decided_by: bool
    left: Node
    right: Node

    def evaluate(self, scope: Scope, run: Run) -> Value:
        left = self.left.evaluate(scope, run)
        if left is self.decided_by:
            return left
        right = self.right.evaluate(scope, run)
        if right is self.decided_by:
            return right
        return None if not isinstance(left, bool) or not isinstance(right, bool) else left


@dataclass(frozen=True, slots=True)
class Between(Node):
    of: Node
    low: Node
    high: Node

    def evaluate(self, scope: Scope, run: Run) -> Value:
        value, low, high = (node.evaluate(scope, run) for node in (self.of, self.low, self.high))
        return (
            None
            if low is None or high is None
            else included(value, Range(low, high, low_closed=True, high_closed=True))
        )


@dataclass(frozen=True, slots=True)
class If(Node):
    condition: Node
    then: Node
    otherwise: Node

    def evaluate(self, scope: Scope, run: Run) -> Value:
        return (self.then if self.condition.evaluate(scope, run) is True else self.otherwise).evaluate(scope, run)


@dataclass(frozen=True, slots=True)
class InstanceOf(Node):
    of: Node
    type: Type

    def evaluate(self, scope: Scope, run: Run) -> Value:
        return self.type.holds(self.of.evaluate(scope, run))


# Unary tests: what an input entry of a decision table asks of its input, also at the right of `in`.


@dataclass(frozen=True, slots=True)
class Test:
    """One test of a value; `operator` is a comparison, or empty for an expression that must equal, hold or include it."""

    operator: str
    operand: Node
    # the expression speaks of the input itself, as `?`, so it is a condition and not a value to compare with
    conditional: bool

    def holds(self, value: Value, scope: Scope, run: Run) -> bool | None:
        run.charge()
        expected = self.operand.evaluate(scope, run)
        if self.operator:
            return COMPARISONS[self.operator](value, expected)
        if self.conditional:
            return expected if isinstance(expected, bool) else matches(value, expected)
        if expected is True and not isinstance(value, bool) and not isinstance(self.operand, Literal | Name | Path):
            return True  # a condition on other things than the input, such as `count(claims) > 3`
        if isinstance(expected, list):
            run.charge(len(expected))
        return matches(value, expected)


def any_holds(tests: tuple[Test, ...], value: Value, scope: Scope, run: Run) -> bool | None:
    """Three-valued or over tests."""
    answer: bool | None = False
    for test in tests:
        held = test.holds(value, scope, run)
        if held is True:
            return True
        if held is None:
            answer = None
    return answer


@dataclass(frozen=True, slots=True)
class In(Node):
    of: Node
    tests: tuple[Test, ...]

    def evaluate(self, scope: Scope, run: Run) -> Value:
        value = self.of.evaluate(scope, run)
        return any_holds(self.tests, value, Scope({"?": value}, scope), run)


@dataclass(frozen=True, slots=True)
class UnaryTests:
    """An input entry. No tests at all (`-`) take every value."""

    tests: tuple[Test, ...]
    negated: bool = False

    def hold(self, value: Value, scope: Scope, run: Run) -> bool:
        if not self.tests:
            return True
        answer = any_holds(self.tests, value, Scope({"?": value}, scope), run)
        return (negation(answer) if self.negated else answer) is True


ANYTHING: Final = UnaryTests(())
