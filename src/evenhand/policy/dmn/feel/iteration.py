"""Nodes that go through lists: for, some, every, filters; and those that call and make functions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol

from evenhand.policy.dmn.feel.run import Run
from evenhand.policy.dmn.feel.scope import Scope
from evenhand.policy.dmn.feel.tree import Node
from evenhand.policy.dmn.feel.types import Type, conform
from evenhand.policy.dmn.feel.values import Function, Range, Value, whole


@dataclass(frozen=True, slots=True)
class Domain:
    """What an iteration runs over: a list, a range value, or `first..last` written out."""

    variable: str
    first: Node
    last: Node | None = None

    def values(self, scope: Scope, run: Run) -> Iterable[Value] | None:
        first = self.first.evaluate(scope, run)
        if self.last is not None:
            return steps(first, self.last.evaluate(scope, run), run)
        if isinstance(first, Range):
            return range_values(first, run)
        return first if first is None or isinstance(first, list) else [first]


def range_values(interval: Range, run: Run) -> list[Value] | None:
    """The whole numbers or days of a range, ends as it takes them; None when it has no such elements."""
    found = steps(interval.low, interval.high, run)
    if found is None:
        return None
    return found[0 if interval.low_closed else 1 : len(found) if interval.high_closed else -1]


def steps(first: Value, last: Value, run: Run) -> list[Value] | None:
    """From `first` to `last` by ones or days, upwards or downwards, both included."""
    if type(first) is date and type(last) is date:
        days = (last - first).days
        run.charge(abs(days) + 1)
        return [first + timedelta(days=-each if days < 0 else each) for each in range(abs(days) + 1)]
    start, end = whole(first), whole(last)
    if start is None or end is None:
        return None
    run.charge(abs(end - start) + 1)
    return [Decimal(each) for each in (range(start, end + 1) if start <= end else range(start, end - 1, -1))]


def frames(domains: tuple[Domain, ...], scope: Scope, run: Run) -> Iterator[Scope | None]:
    """A scope for every combination, the first domain slowest; None once a domain is no list."""
    domain, *rest = domains
    values = domain.values(scope, run)
    if values is None:
        yield None
        return
    for value in values:
        run.charge()
        inner = Scope({domain.variable: value}, scope)
        if rest:
            yield from frames(tuple(rest), inner, run)
        else:
            yield inner


@dataclass(frozen=True, slots=True)
class For(Node):
    """`partial` holds the results so far."""

    domains: tuple[Domain, ...]
    body: Node

    def evaluate(self, scope: Scope, run: Run) -> Value:
        partial: list[Value] = []
        outer = Scope({"partial": partial}, scope)
        for frame in frames(self.domains, outer, run):
            if frame is None:
                return None
            result = self.body.evaluate(frame, run)
            # a result that holds the results so far must hold them as they are now
            partial.append(list(result) if result is partial else result)
        return partial


@dataclass(frozen=True, slots=True)
class Quantified(Node):
    """`some` (decided by true) and `every` (decided by false)."""

    decided_by: bool
    domains: tuple[Domain, ...]
    condition: Node

    def evaluate(self, scope: Scope, run: Run) -> Value:
        answer: bool | None = not self.decided_by
        for frame in frames(self.domains, scope, run):
            if frame is None:
                return None
            held = self.condition.evaluate(frame, run)
            if held is self.decided_by:
                return held
            if not isinstance(held, bool):
                answer = None
        return answer


@dataclass(frozen=True, slots=True)
class Filter(Node):
    """`list[condition]` and `list[index]`; which of them it is shows in what the condition evaluates to."""

    of: Node
    condition: Node

    def evaluate(self, scope: Scope, run: Run) -> Value:
        return filtered(self.of.evaluate(scope, run), self.condition, scope, run)


def filtered(value: Value, condition: Node, scope: Scope, run: Run) -> Value:
    elements = value if isinstance(value, list) else [] if value is None else [value]
    if not elements:
        return None if type(condition.evaluate(_element(None, scope), run)) is Decimal else []
    kept: list[Value] = []
    for place, element in enumerate(elements):
        run.charge()
        answer = condition.evaluate(_element(element, scope), run)
        if place == 0 and type(answer) is Decimal:
            return _at(elements, answer)
        if answer is True:
            kept.append(element)
    return kept


def _element(element: Value, scope: Scope) -> Scope:
    """The scope of a filter: `item`, and the members of a context by their names."""
    inner = Scope({"item": element}, scope)
    return Scope(element, inner) if isinstance(element, dict) else inner


def _at(elements: list[Value], index: Decimal) -> Value:
    place = whole(index)
    if place is None or place == 0 or abs(place) > len(elements):
        return None
    return elements[place - 1 if place > 0 else place]


class BuiltIn(Protocol):
    """A built-in function, as a call sees it."""

    @property
    def name(self) -> str: ...

    def call(self, arguments: list[Value], run: Run) -> Value: ...

    def call_named(self, arguments: dict[str, Value], run: Run) -> Value: ...


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`f(a, b)`, or `f(name: a)` when `names` are given. A call that does not fit the function is null."""

    function: Node
    # the built-in function that the name of the function also is, if any
    built_in: BuiltIn | None
    arguments: tuple[Node, ...]
    names: tuple[str, ...] = ()

    def evaluate(self, scope: Scope, run: Run) -> Value:
        function = self.function.evaluate(scope, run)
        arguments = [argument.evaluate(scope, run) for argument in self.arguments]
        if not isinstance(function, Function):
            # a variable may bear the name of a built-in function and yet not hide it from calls
            function = function if hasattr(function, "call_named") else self.built_in
        if function is None:
            return None
        run.enter()
        try:
            if not isinstance(function, Function):
                named = dict(zip(self.names, arguments, strict=True)) if self.names else None
                return function.call(arguments, run) if named is None else function.call_named(named, run)
            return _invoke(function, arguments, self.names, run)
        finally:
            run.leave()


def _invoke(function: Function, arguments: list[Value], names: tuple[str, ...], run: Run) -> Value:
    if names:
        given = dict(zip(names, arguments, strict=True))
        if len(given) != len(names) or not given.keys() <= set(function.parameters):
            return None
        return function.call([given.get(parameter) for parameter in function.parameters], run)
    if len(arguments) != len(function.parameters):
        return None
    return function.call(arguments, run)


@dataclass(frozen=True, slots=True)
class FunctionLiteral(Node):
    parameters: tuple[tuple[str, Type | None], ...]
    body: Node

    def evaluate(self, scope: Scope, run: Run) -> Value:
        names = tuple(name for name, _ in self.parameters)

        def call(arguments: list[Value], run: Run) -> Value:
            # an argument that does not conform to its type is null, the call goes on
            pairs = zip(self.parameters, arguments, strict=True)
            frame = {name: conform(argument, type_) for (name, type_), argument in pairs}
            return self.body.evaluate(Scope(frame, scope), run)

        return Function("function", names, call)


@dataclass(frozen=True, slots=True)
class BuiltInName(Node):
    """A built-in function as a value: it can be passed on and compared, and called by another name."""

    function: BuiltIn

    def evaluate(self, scope: Scope, run: Run) -> Value:
        return self.function
