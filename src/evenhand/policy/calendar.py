"""Parts of a date in plain integer arithmetic, for engines that have no calendar of their own (the provers).

The algorithm is H. Hinnant's "chrono-compatible low-level date algorithms", civil_from_days.
"""

from dataclasses import replace

from evenhand.policy.constants import integer
from evenhand.policy.tree import Arith, Compare, DatePart, Expr, If, Quotient
from evenhand.policy.types import BOOLEAN, Type


def expanded(expr: DatePart) -> Expr:
    """The same value in terms of `Arith`, `Quotient`, `Compare` and `If`."""
    days = replace(expr.operand, type=replace(expr.operand.type, kind="number"))
    if expr.part == "weekday":  # 1970-01-01 was a Thursday
        return _plus(_modulo(_plus(days, 3), 7), 1)
    since = _plus(days, 719_468)
    in_era = _modulo(since, 146_097)
    leap_free = _minus(_plus(_minus(in_era, _floor(in_era, 1460)), _floor(in_era, 36_524)), _floor(in_era, 146_096))
    year_of_era = _floor(leap_free, 365)
    before = _minus(_plus(_times(year_of_era, 365), _floor(year_of_era, 4)), _floor(year_of_era, 100))
    day_of_year = _minus(in_era, before)
    shifted = _floor(_plus(_times(day_of_year, 5), 2), 153)
    early = Compare(BOOLEAN, "<", shifted, integer(10))
    match expr.part:
        case "day":
            return _plus(_minus(day_of_year, _floor(_plus(_times(shifted, 153), 2), 5)), 1)
        case "month":
            return If(expr.type, early, _plus(shifted, 3), _minus(shifted, integer(9)))
        case _:
            year = _plus(year_of_era, _times(_floor(since, 146_097), 400))
            return If(expr.type, early, year, _plus(year, 1))


# Every intermediate figure lies far within 64 bits.
_WIDE = Type("number", low=-(2**40), high=2**40)


def _plus(left: Expr, right: Expr | int) -> Expr:
    return Arith(_WIDE, "+", left, integer(right) if isinstance(right, int) else right)


def _minus(left: Expr, right: Expr) -> Expr:
    return Arith(_WIDE, "-", left, right)


def _times(left: Expr, by: int) -> Expr:
    return Arith(_WIDE, "*", left, integer(by))


def _floor(expr: Expr, by: int) -> Expr:
    return Quotient(_WIDE, "floor", expr, integer(by))


def _modulo(expr: Expr, by: int) -> Expr:
    return _minus(expr, _times(_floor(expr, by), by))
