"""FEEL's operators on values: three-valued logic, equality, order, arithmetic. Null is what they answer when they cannot."""

from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal, DecimalException
from typing import Final

from evenhand.policy.dmn.feel.temporal import (
    add_duration,
    add_months,
    aware,
    clock,
    difference,
    duration_of,
    instant,
    placed,
    seconds_of,
)
from evenhand.policy.dmn.feel.values import DECIMAL128, Range, Value, YearsMonths, kind

MAX_TEXT: Final = 1_000_000
_ORDERED: Final = frozenset(
    ("number", "string", "date", "time", "date and time", "days and time duration", "years and months duration")
)


def negation(value: Value) -> bool | None:
    """Three-valued not; anything but a boolean is unknown."""
    return not value if isinstance(value, bool) else None


def equal(left: Value, right: Value) -> bool | None:
    """`=`: null for values of different kinds; lists and contexts by what they hold."""
    if left is None or right is None:
        return left is None and right is None
    left_kind = kind(left)
    if left_kind != kind(right):
        return None
    if left_kind == "list":
        return len(left) == len(right) and all(equal(one, other) for one, other in zip(left, right, strict=True))
    if left_kind == "context":
        return left.keys() == right.keys() and all(equal(value, right[key]) for key, value in left.items())
    if left_kind == "range":
        return (
            (left.low_closed, left.high_closed) == (right.low_closed, right.high_closed)
            and equal(left.low, right.low)
            and equal(left.high, right.high)
        )
    if left_kind == "function":
        return left is right
    if left_kind == "date and time":
        return aware(left) == aware(right) and instant(left) == instant(right)
    if left_kind == "time":
        return placed(left) == placed(right) and clock(left) == clock(right)
    return left == right


def less(left: Value, right: Value) -> bool | None:
    """`<`: null unless both are of one ordered kind."""
    left_kind = kind(left)
    if left_kind not in _ORDERED or left_kind != kind(right):
        return None
    if left_kind == "date and time":
        return instant(left) < instant(right) if aware(left) == aware(right) else None
    if left_kind == "time":
        return clock(left) < clock(right) if placed(left) == placed(right) else None
    return left < right


def _at_most(left: Value, right: Value) -> bool | None:
    return negation(less(right, left))


COMPARISONS: Final[dict[str, Callable[[Value, Value], bool | None]]] = {
    "=": equal,
    "!=": lambda left, right: negation(equal(left, right)),
    "<": less,
    "<=": _at_most,
    ">": lambda left, right: less(right, left),
    ">=": lambda left, right: _at_most(right, left),
}


def included(value: Value, interval: Range) -> bool | None:
    """Whether a value lies in an interval; null when it cannot be compared with its ends."""
    above: bool | None = True
    below: bool | None = True
    if interval.low is not None:
        above = (_at_most if interval.low_closed else less)(interval.low, value)
    if interval.high is not None:
        below = (_at_most if interval.high_closed else less)(value, interval.high)
    if above is None or below is None:
        return None
    return above and below


def matches(value: Value, expected: Value) -> bool | None:
    """`value in expected`, also what an entry of a decision table asks of its input."""
    if isinstance(expected, Range) and not isinstance(value, Range):
        return included(value, expected)
    if isinstance(expected, list):
        if isinstance(value, list) and equal(value, expected):
            return True
        answers = [matches(value, each) for each in expected]
        return True if True in answers else False if False in answers or not answers else None
    return equal(value, expected)


def _add(left: Value, right: Value) -> Value:
    match left, right:
        case Decimal(), Decimal():
            return DECIMAL128.add(left, right)
        case str(), str():
            return left + right if len(left) + len(right) <= MAX_TEXT else None
        case timedelta(), timedelta():
            return left + right
        case YearsMonths(), YearsMonths():
            return YearsMonths(left.total + right.total)
        case date(), YearsMonths():
            return add_months(left, right)
        case YearsMonths(), date():
            return add_months(right, left)
        case ((date() | time()), timedelta()):
            return add_duration(left, right)
        case timedelta(), (date() | time()):
            return add_duration(right, left)
        case _:
            return None


def _subtract(left: Value, right: Value) -> Value:
    match left, right:
        case Decimal(), Decimal():
            return DECIMAL128.subtract(left, right)
        case date(), date():
            return difference(left, right)
        case time(), time():
            return clock(left) - clock(right) if placed(left) == placed(right) else None
        case _, (timedelta() | YearsMonths()):
            return _add(left, negative(right))
        case _:
            return None


def _multiply(left: Value, right: Value) -> Value:
    match left, right:
        case Decimal(), Decimal():
            return DECIMAL128.multiply(left, right)
        case timedelta(), Decimal():
            return duration_of(DECIMAL128.multiply(seconds_of(left), right))
        case YearsMonths(), Decimal():
            return YearsMonths(int(DECIMAL128.multiply(Decimal(left.total), right)))
        case Decimal(), (timedelta() | YearsMonths()):
            return _multiply(right, left)
        case _:
            return None


def _divide(left: Value, right: Value) -> Value:
    match left, right:
        case Decimal(), Decimal():
            return DECIMAL128.divide(left, right)
        case timedelta(), Decimal():
            return duration_of(DECIMAL128.divide(seconds_of(left), right))
        case timedelta(), timedelta():
            return DECIMAL128.divide(seconds_of(left), seconds_of(right))
        case YearsMonths(), Decimal():
            return YearsMonths(int(DECIMAL128.divide(Decimal(left.total), right)))
        case YearsMonths(), YearsMonths():
            return DECIMAL128.divide(Decimal(left.total), Decimal(right.total))
        case _:
            return None


def _power(left: Value, right: Value) -> Value:
    return DECIMAL128.power(left, right) if type(left) is Decimal and type(right) is Decimal else None


_ARITHMETIC: Final[dict[str, Callable[[Value, Value], Value]]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "**": _power,
}


def arithmetic(operator: str, left: Value, right: Value) -> Value:
    """`left operator right`; null when the kinds do not go together, on division by zero and out of range."""
    try:
        return _ARITHMETIC[operator](left, right)
    except (DecimalException, OverflowError):
        return None


def negative(value: Value) -> Value:
    match value:
        case Decimal():
            return DECIMAL128.minus(value)
        case timedelta():
            return -value if value != timedelta.min else None
        case YearsMonths():
            return YearsMonths(-value.total)
        case _:
            return None
