"""Regions: the values of one fact for which a test holds, as exact sets.

A region of an integer kind is a union of closed intervals within the type's bounds; of a boolean or string, a set of values or
everything but a set. Null is a point of its own. Tests of one operand become regions; two rows whose regions of some operand do
not meet can never match together.
"""

from dataclasses import dataclass

from evenhand.policy.tree import And, Compare, Const, Expr, In, Not, Or, Rank, Read
from evenhand.policy.types import Type, Value

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Region:
    """A set of values of one type."""

    type: Type
    null: bool
    # of integers: sorted, disjoint, not adjacent
    intervals: tuple[Interval, ...] = ()
    # of strings and booleans
    values: frozenset[Value] = frozenset()
    # holds every string but `values`; only of strings that are no choice
    others: bool = False

    @property
    def empty(self) -> bool:
        return not (self.null or self.intervals or self.values or self.others)

    def __and__(self, other: "Region") -> "Region":
        null = self.null and other.null
        if self.type.counted:
            return Region(self.type, null, _meet(self.intervals, other.intervals))
        if self.others and other.others:
            return Region(self.type, null, values=self.values | other.values, others=True)
        if self.others:
            return Region(self.type, null, values=other.values - self.values)
        if other.others:
            return Region(self.type, null, values=self.values - other.values)
        return Region(self.type, null, values=self.values & other.values)

    def __or__(self, other: "Region") -> "Region":
        return ~(~self & ~other)

    def __invert__(self) -> "Region":
        if self.type.counted:
            return Region(self.type, not self.null, _gaps(self.intervals, self.type.low, self.type.high))
        domain = finite(self.type)
        if domain is not None:
            return Region(self.type, not self.null, values=domain - self.values)
        return Region(self.type, not self.null, values=self.values, others=not self.others)

    def __contains__(self, value: Value) -> bool:
        if value is None:
            return self.null
        if self.type.counted:
            assert isinstance(value, int)
            return any(low <= value <= high for low, high in self.intervals)
        return (value in self.values) != self.others


def finite(kind: Type) -> frozenset[Value] | None:
    """Every value of a boolean or a choice; None for other types."""
    if kind.kind == "boolean":
        return frozenset((False, True))
    return frozenset(kind.values) if kind.values else None


def everything(kind: Type) -> Region:
    return ~Region(kind, False)


def region(test: Expr | None, operand: Expr) -> Region | None:
    """Where a test of `operand` is true; None when it reads anything else, or is no test of plain values."""
    return everything(operand.type) if test is None else _where(test, operand, True)


def _where(test: Expr, operand: Expr, holds: bool) -> Region | None:
    kind = operand.type
    match test:
        case Const():
            return everything(kind) if test.value is holds else Region(kind, False)
        case In() if test.operand == operand and not kind.many:
            found = _points(kind, test.values)
            return found if holds else ~found
        case Compare() if isinstance(test.right, Const) and isinstance(test.right.value, int):
            if test.left == operand and kind.counted:
                return _compared(kind, test.operator, test.right.value, holds)
            if isinstance(test.left, Rank) and test.left.operand == operand:
                place = Type("number", low=0, high=len(kind.values) - 1)
                ranks = _compared(place, test.operator, test.right.value, holds)
                chosen = frozenset(value for rank, value in enumerate(kind.values) if rank in ranks)
                return Region(kind, False, values=chosen)
            return None
        case Read() if test == operand and kind.kind == "boolean":
            return Region(kind, False, values=frozenset((holds,)))
        case And() | Or():
            parts = [_where(one, operand, holds) for one in test.operands]
            found = None
            for part in parts:
                if part is None:
                    return None
                meet = isinstance(test, And) == holds
                found = part if found is None else found & part if meet else found | part
            return found
        case Not():
            return _where(test.operand, operand, not holds)
        case _:
            return None


def _points(kind: Type, values: tuple[Value, ...]) -> Region:
    null = None in values
    if kind.counted:
        points = sorted({value for value in values if isinstance(value, int) and kind.low <= value <= kind.high})
        return Region(kind, null, _joined([(point, point) for point in points]))
    return Region(kind, null, values=frozenset(value for value in values if value is not None))


def _compared(kind: Type, operator: str, bound: int, holds: bool) -> Region:
    if not holds:
        operator = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}[operator]
    low, high = kind.low, kind.high
    match operator:
        case "<":
            high = min(high, bound - 1)
        case "<=":
            high = min(high, bound)
        case ">":
            low = max(low, bound + 1)
        case _:
            low = max(low, bound)
    return Region(kind, False, ((low, high),) if low <= high else ())


def _joined(intervals: list[Interval]) -> tuple[Interval, ...]:
    found: list[Interval] = []
    for low, high in intervals:
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def _meet(left: tuple[Interval, ...], right: tuple[Interval, ...]) -> tuple[Interval, ...]:
    found: list[Interval] = []
    i = j = 0
    while i < len(left) and j < len(right):
        low, high = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if low <= high:
            found.append((low, high))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def _gaps(intervals: tuple[Interval, ...], low: int, high: int) -> tuple[Interval, ...]:
    found: list[Interval] = []
    for first, last in intervals:
        if low < first:
            found.append((low, first - 1))
        low = last + 1
    if low <= high:
        found.append((low, high))
    return tuple(found)
