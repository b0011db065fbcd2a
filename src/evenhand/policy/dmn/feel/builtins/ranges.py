"""How points and ranges lie to one another (Allen's relations, as FEEL names them), and ranges from text."""

import re
from collections.abc import Callable
from typing import Final

from evenhand.policy.dmn.feel.builtins.registry import Library
from evenhand.policy.dmn.feel.errors import FeelError
from evenhand.policy.dmn.feel.operators import equal, included, less
from evenhand.policy.dmn.feel.run import Run
from evenhand.policy.dmn.feel.values import Range, Value, kind

LIBRARY: Final = Library()
_MOMENTS: Final = ("date", "time", "date and time", "duration")
_RANGES: Final = "range1: range, range2: range"
_POINT_RANGE: Final = "point: any, range: range"
_RANGE_POINT: Final = "range: range, point: any"


class _Incomparable(Exception):
    pass


def _relation(name: str, *declarations: str) -> Callable[[Callable[..., bool]], Callable[..., bool]]:
    def declare(holds: Callable[..., bool]) -> Callable[..., bool]:
        def work(_: Run, left: Value, right: Value) -> Value:
            if left is None or right is None:
                return None
            try:
                return holds(left, right)
            except _Incomparable:
                return None

        LIBRARY.function(name, *declarations)(work)
        return holds

    return declare


def _less(left: Value, right: Value) -> bool:
    answer = less(left, right)
    if answer is None:
        raise _Incomparable
    return answer


def _equal(left: Value, right: Value) -> bool:
    answer = equal(left, right)
    if answer is None:
        raise _Incomparable
    return answer


def _inside(point: Value, interval: Range) -> bool:
    answer = included(point, interval)
    if answer is None:
        raise _Incomparable
    return answer


def _left_of(one: Range, other: Range) -> bool:
    """All of `one` lies below all of `other`."""
    if one.high is None or other.low is None:
        return False
    return _less(one.high, other.low) or (_equal(one.high, other.low) and not (one.high_closed and other.low_closed))


def _starts_no_later(one: Range, other: Range) -> bool:
    if one.low is None or other.low is None:
        return one.low is None
    return _less(one.low, other.low) or (_equal(one.low, other.low) and (one.low_closed or not other.low_closed))


def _ends_no_earlier(one: Range, other: Range) -> bool:
    if one.high is None or other.high is None:
        return one.high is None
    return _less(other.high, one.high) or (_equal(one.high, other.high) and (one.high_closed or not other.high_closed))


@_relation("before", _RANGES)
def _before(one: Range, other: Range) -> bool:
    return _left_of(one, other)


@_relation("before", _POINT_RANGE)
def _point_before(point: Value, interval: Range) -> bool:
    return _left_of(Range(point, point, low_closed=True, high_closed=True), interval)


@_relation("before", _RANGE_POINT)
def _before_point(interval: Range, point: Value) -> bool:
    return _left_of(interval, Range(point, point, low_closed=True, high_closed=True))


@_relation("before", "point1: any, point2: any")
def _point_before_point(one: Value, other: Value) -> bool:
    return _less(one, other)


@_relation("after", _RANGES)
def _after(one: Range, other: Range) -> bool:
    return _left_of(other, one)


@_relation("after", _POINT_RANGE)
def _point_after(point: Value, interval: Range) -> bool:
    return _before_point(interval, point)


@_relation("after", _RANGE_POINT)
def _after_point(interval: Range, point: Value) -> bool:
    return _point_before(point, interval)


@_relation("after", "point1: any, point2: any")
def _point_after_point(one: Value, other: Value) -> bool:
    return _less(other, one)


@_relation("meets", _RANGES)
def _meets(one: Range, other: Range) -> bool:
    return (
        one.high is not None
        and other.low is not None
        and one.high_closed
        and other.low_closed
        and _equal(one.high, other.low)
    )


@_relation("met by", _RANGES)
def _met_by(one: Range, other: Range) -> bool:
    return _meets(other, one)


@_relation("overlaps", _RANGES)
def _overlaps(one: Range, other: Range) -> bool:
    return not _left_of(one, other) and not _left_of(other, one)


@_relation("overlaps before", _RANGES)
def _overlaps_before(one: Range, other: Range) -> bool:
    return _overlaps(one, other) and not _starts_no_later(other, one) and _ends_no_earlier(other, one)


@_relation("overlaps after", _RANGES)
def _overlaps_after(one: Range, other: Range) -> bool:
    return _overlaps(one, other) and not _ends_no_earlier(other, one) and _starts_no_later(other, one)


def _same_end(one: Range, other: Range) -> bool:
    return _ends_no_earlier(one, other) and _ends_no_earlier(other, one)


def _same_start(one: Range, other: Range) -> bool:
    return _starts_no_later(one, other) and _starts_no_later(other, one)


@_relation("finishes", _RANGES)
def _finishes(one: Range, other: Range) -> bool:
    return _same_end(one, other) and _starts_no_later(other, one)


@_relation("finishes", _POINT_RANGE)
def _point_finishes(point: Value, interval: Range) -> bool:
    return interval.high is not None and interval.high_closed and _equal(point, interval.high)


@_relation("finished by", _RANGES)
def _finished_by(one: Range, other: Range) -> bool:
    return _finishes(other, one)


@_relation("finished by", _RANGE_POINT)
def _finished_by_point(interval: Range, point: Value) -> bool:
    return _point_finishes(point, interval)


@_relation("includes", _RANGES)
def _includes(one: Range, other: Range) -> bool:
    return _starts_no_later(one, other) and _ends_no_earlier(one, other)


@_relation("includes", _RANGE_POINT)
def _includes_point(interval: Range, point: Value) -> bool:
    return _inside(point, interval)


@_relation("during", _RANGES)
def _during(one: Range, other: Range) -> bool:
    return _includes(other, one)


@_relation("during", _POINT_RANGE)
def _point_during(point: Value, interval: Range) -> bool:
    return _inside(point, interval)


@_relation("starts", _RANGES)
def _starts(one: Range, other: Range) -> bool:
    return _same_start(one, other) and _ends_no_earlier(other, one)


@_relation("starts", _POINT_RANGE)
def _point_starts(point: Value, interval: Range) -> bool:
    return interval.low is not None and interval.low_closed and _equal(point, interval.low)


@_relation("started by", _RANGES)
def _started_by(one: Range, other: Range) -> bool:
    return _starts(other, one)


@_relation("started by", _RANGE_POINT)
def _started_by_point(interval: Range, point: Value) -> bool:
    return _point_starts(point, interval)


@_relation("coincides", _RANGES)
@_relation("coincides with", _RANGES)
def _coincides(one: Range, other: Range) -> bool:
    return _same_start(one, other) and _same_end(one, other)


@_relation("coincides", "point1: any, point2: any")
@_relation("coincides with", "point1: any, point2: any")
def _points_coincide(one: Value, other: Value) -> bool:
    return _equal(one, other)


@LIBRARY.function("range", "from: string")
def _range(run: Run, text: str) -> Value:
    """A range as FEEL writes it, ascending, with literals for its ends; one may be missing where the bracket is open."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        return None
    closed = found[1] == "[", found[4] == "]"
    ends: list[Value] = []
    for written, needed in zip((found[2], found[3]), closed, strict=True):
        value = _literal(written.strip(), run) if written.strip() else None
        if value is None and (needed or written.strip()):
            return None
        ends.append(value)
    low, high = ends
    if low is None and high is None:
        return None
    if low is not None and high is not None and (kind(low) != kind(high) or less(high, low) is not False):
        return None
    return Range(low, high, *closed)


# ends may hold strings, and strings may hold anything
_END: Final = r'((?:[^".]|\.(?!\.)|"(?:[^"\\]|\\.)*")*)'
_WRITTEN: Final = re.compile(rf"([\[(\]]){_END}\.\.{_END}([\])\[])", re.DOTALL)


def _literal(text: str, run: Run) -> Value:
    """The value of a literal (`-1`, `"a"`, `@"P1D"`, `date("2025-03-24")`); None for anything else."""
    from evenhand.policy.dmn.feel.builtins import FUNCTION_NAMES, FUNCTIONS
    from evenhand.policy.dmn.feel.iteration import BuiltInName, Call
    from evenhand.policy.dmn.feel.parser import parse
    from evenhand.policy.dmn.feel.scope import Scope
    from evenhand.policy.dmn.feel.stream import Vocabulary
    from evenhand.policy.dmn.feel.tree import Literal, Negative, Node

    def moment(node: Node) -> bool:
        match node:
            case Call(function=BuiltInName(function=function), arguments=arguments) if function.name in _MOMENTS:
                return all(isinstance(argument, Literal) or moment(argument) for argument in arguments)
            case _:
                return False

    try:
        node = parse(text, Vocabulary(functions=FUNCTIONS, function_names=FUNCTION_NAMES))
    except FeelError:
        return None
    match node:
        case Literal() | Negative(of=Literal()):
            return node.evaluate(Scope({}), run)
        case _:
            return node.evaluate(Scope({}), run) if moment(node) else None
