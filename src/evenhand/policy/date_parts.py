"""Parts of dates and durations (`.year`, `.hours`), in plain arithmetic where that can say them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from evenhand.policy.arithmetic import combined, integer_quotient, with_type
from evenhand.policy.constants import DAY, NO_VALUE, integer, number_type
from evenhand.policy.errors import suggestion
from evenhand.policy.syntax import CellError
from evenhand.policy.tree import (
    Compare,
    DatePart,
    Expr,
    If,
    Read,
)
from evenhand.policy.types import BOOLEAN, Type, bounded


def part_of(owner: Expr, part: str, at: int) -> Expr:
    """`.year` and the like of a date, a date and time (in UTC) or a duration."""
    if owner.type.kind == "null":
        return NO_VALUE
    parts = _PARTS.get(owner.type.kind, {})
    if part not in parts:
        name = owner.name if isinstance(owner, Read) else "this"
        known = f"; there are {', '.join(parts)}" if parts else ""
        raise CellError(at, f"{name} is {owner.type} and has no part {part}{suggestion(part, parts)}{known}")
    return parts[part](owner)


def _floor(expr: Expr, by: int) -> Expr:
    return integer_quotient("floor", expr, integer(by), "number", 0)


def _plus(left: Expr, right: Expr | int, operator: str = "+") -> Expr:
    return combined(operator, left, integer(right) if isinstance(right, int) else right, "number", 0)


def _limited(expr: Expr, low: int, high: int) -> Expr:
    """The same with bounds that are known from elsewhere."""
    return with_type(expr, replace(expr.type, kind="number", low=low, high=high))


def _modulo(expr: Expr, by: int) -> Expr:
    return _limited(_plus(expr, _plus(_floor(expr, by), by, "*"), "-"), 0, by - 1)


def date_part(part: str, days: Expr) -> Expr:
    """A part of a date."""
    low, high = {"year": (1, 9999), "month": (1, 12), "day": (1, 31), "weekday": (1, 7)}[part]
    return DatePart(Type("number", low=low, high=high), part, days)


def date_of(moment: Expr) -> Expr:
    return with_type(_floor(moment, DAY), bounded("date"))


def _toward_zero(expr: Expr, by: int) -> Expr:
    """Whole units of a duration, as FEEL's components are."""
    minus = _plus(integer(0), expr, "-")
    found = _plus(integer(0), _floor(minus, by), "-")
    return If(
        number_type(min(found.type.low, 0), max(expr.type.high // by, 0), 0, 0),
        Compare(BOOLEAN, "<", expr, integer(0)),
        found,
        _floor(expr, by),
    )


def _rest(expr: Expr, of: int, by: int) -> Expr:
    """A lower component of a duration: the hours beside its days, the minutes beside its hours."""
    rest = _plus(expr, _plus(_toward_zero(expr, of), of, "*"), "-")
    return _toward_zero(_limited(rest, -of + 1, of - 1), by)


_PARTS: Final[Mapping[str, Mapping[str, Callable[[Expr], Expr]]]] = {
    "date": {part: partial(date_part, part) for part in ("year", "month", "day", "weekday")},
    "datetime": {
        "year": lambda moment: date_part("year", date_of(moment)),
        "month": lambda moment: date_part("month", date_of(moment)),
        "day": lambda moment: date_part("day", date_of(moment)),
        "weekday": lambda moment: date_part("weekday", date_of(moment)),
        "hour": lambda moment: _floor(_modulo(moment, DAY), 3600),
        "minute": lambda moment: _floor(_modulo(moment, 3600), 60),
        "second": lambda moment: _modulo(moment, 60),
    },
    "duration": {
        "days": lambda duration: _toward_zero(duration, DAY),
        "hours": lambda duration: _rest(duration, DAY, 3600),
        "minutes": lambda duration: _rest(duration, 3600, 60),
        "seconds": lambda duration: _rest(duration, 60, 1),
    },
    "months": {
        "years": lambda months: _toward_zero(months, 12),
        "months": lambda months: _rest(months, 12, 1),
    },
}
