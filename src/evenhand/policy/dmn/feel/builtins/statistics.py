"""Minimum, maximum, sums and the like. Each takes a list, or its values as arguments."""

from collections.abc import Callable
from decimal import Decimal
from functools import reduce
from typing import Final

from evenhand.policy.dmn.feel.builtins.lists import same
from evenhand.policy.dmn.feel.builtins.registry import Library
from evenhand.policy.dmn.feel.operators import less
from evenhand.policy.dmn.feel.run import Run
from evenhand.policy.dmn.feel.values import DECIMAL128, Value, kind

LIBRARY: Final = Library()
_Statistic = Callable[[list[Value]], Value]


def _statistic(name: str, repeated: str) -> Callable[[_Statistic], _Statistic]:
    def declare(work: _Statistic) -> _Statistic:
        LIBRARY.function(name, "list: list")(lambda _, values: work(values))
        LIBRARY.function(name, f"{repeated}...: any")(
            lambda _, *values: work(list(values)) if len(values) > 1 else None
        )
        return work

    return declare


def _numeric(values: list[Value]) -> bool:
    return bool(values) and all(type(each) is Decimal for each in values)


def _first(values: list[Value], precedes: Callable[[Value, Value], bool | None]) -> Value:
    if not values or len({kind(each) for each in values}) != 1 or less(values[0], values[0]) is None:
        return None
    best = values[0]
    for each in values[1:]:
        answer = precedes(each, best)
        if answer is None:
            return None
        best = each if answer else best
    return best


@_statistic("min", "c")
def smallest(values: list[Value]) -> Value:
    """The least of one ordered kind; null of nothing, and of a mixture."""
    return _first(values, less)


@_statistic("max", "c")
def largest(values: list[Value]) -> Value:
    """The greatest of one ordered kind; null of nothing, and of a mixture."""
    return _first(values, lambda one, other: less(other, one))


@_statistic("sum", "n")
def total(values: list[Value]) -> Value:
    """The sum of numbers; null of nothing, and when anything else is among them."""
    return reduce(DECIMAL128.add, values) if _numeric(values) else None


@_statistic("product", "n")
def _product(values: list[Value]) -> Value:
    return reduce(DECIMAL128.multiply, values) if _numeric(values) else None


@_statistic("mean", "n")
def _mean(values: list[Value]) -> Value:
    return DECIMAL128.divide(total(values), Decimal(len(values))) if _numeric(values) else None


@_statistic("median", "n")
def _median(values: list[Value]) -> Value:
    if not _numeric(values):
        return None
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else _mean(ordered[middle - 1 : middle + 1])


@_statistic("stddev", "n")
def _stddev(values: list[Value]) -> Value:
    """Of a sample: over n - 1."""
    if not _numeric(values) or len(values) < 2:
        return None
    mean = _mean(values)
    gaps = [DECIMAL128.subtract(each, mean) for each in values]
    squares = [DECIMAL128.multiply(gap, gap) for gap in gaps]
    return DECIMAL128.sqrt(DECIMAL128.divide(reduce(DECIMAL128.add, squares), Decimal(len(values) - 1)))


@_statistic("mode", "n")
def _mode(values: list[Value]) -> Value:
    if not values:
        return []
    if not _numeric(values):
        return None
    counts: dict[Decimal, int] = {}
    for each in values:
        counts[each] = counts.get(each, 0) + 1
    most = max(counts.values())
    return sorted(each for each, count in counts.items() if count == most)


@LIBRARY.function("is", "value1: any, value2: any")
def _is(_: Run, left: Value, right: Value) -> Value:
    """Of one kind, equal, and (for times) told in the same zone."""
    if kind(left) != kind(right) or getattr(left, "tzinfo", None) != getattr(right, "tzinfo", None):
        return False
    return same(left, right)
