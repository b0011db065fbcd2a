"""Calculating with numbers, dates and durations.

A number carries its scale and its bounds. Adding aligns scales, multiplying adds them, dividing gives six decimals rounded half
up; an operation whose result might not fit into 64 bits is refused here, so no engine ever overflows.
"""

from dataclasses import replace
from typing import Final, Literal

from evenhand.policy.constants import DAY, NO_VALUE, integer, number_type
from evenhand.policy.syntax import CellError
from evenhand.policy.tree import (
    And,
    Arith,
    Compare,
    Const,
    Expr,
    If,
    Quotient,
)
from evenhand.policy.types import BOOLEAN, Type, Value, bounded

# Decimals of a quotient.
QUOTIENT_SCALE: Final = 6


def rescaled(expr: Expr, scale: int, at: int) -> Expr:
    """The same number with at least so many decimals."""
    by = 10 ** (scale - expr.type.scale)
    if by == 1:
        return expr
    kind = number_type(expr.type.low * by, expr.type.high * by, scale, at, expr.type.unit)
    if isinstance(expr, Const):
        assert isinstance(expr.value, int)
        return Const(kind, expr.value * by)
    return Arith(kind, "*", expr, integer(by))


def arithmetic(operator: str, left: Expr, right: Expr, at: int) -> Expr:
    """`+`, `-`, `*` of numbers, dates and durations, as FEEL has them."""
    if "null" in (left.type.kind, right.type.kind):
        return NO_VALUE
    kinds = (left.type.kind, right.type.kind)
    if left.type.many or right.type.many:
        raise CellError(at, f"cannot calculate with {left.type if left.type.many else right.type}")
    if kinds == ("number", "number"):
        if operator != "*":
            scale = max(left.type.scale, right.type.scale)
            left, right = rescaled(left, scale, at), rescaled(right, scale, at)
        return combined(operator, left, right, "number", at)
    if operator in "+-" and kinds in (("duration", "duration"), ("months", "months")):
        return combined(operator, left, right, left.type.kind, at)
    if operator in "+-" and kinds == ("datetime", "duration"):
        return _in_calendar(combined(operator, _unlimited(left), right, "datetime", at))
    if operator in "+-" and kinds == ("date", "duration"):
        days = integer_quotient("floor", right, integer(DAY), "number", at)
        return _in_calendar(combined(operator, _unlimited(left), days, "date", at))
    if operator == "-" and kinds == ("datetime", "datetime"):
        return combined(operator, left, right, "duration", at)
    if operator == "-" and kinds == ("date", "date"):
        days = combined(operator, left, right, "number", at)
        return combined("*", days, integer(DAY), "duration", at)
    if operator == "*" and kinds in (("duration", "number"), ("months", "number")) and not right.type.scale:
        return combined(operator, left, right, left.type.kind, at)
    if operator == "*" and kinds in (("number", "duration"), ("number", "months")):
        return arithmetic(operator, right, left, at)
    raise CellError(at, f"cannot calculate {left.type} {operator} {right.type}")


def combined(operator: str, left: Expr, right: Expr, kind: str, at: int) -> Expr:
    a, b = left.type, right.type
    match operator:
        case "+":
            ends = [a.low + b.low, a.high + b.high]
            scale = a.scale
        case "-":
            ends = [a.low - b.high, a.high - b.low]
            scale = a.scale
        case _:
            ends = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
            scale = a.scale + b.scale
    unit = a.unit if a.unit == b.unit or operator == "*" else a.unit or b.unit
    found = number_type(min(ends), max(ends), scale, at, unit or (b.unit if operator == "*" else ""))
    if kind != "number":
        found = replace(found, kind=kind, scale=0, unit="")
    if isinstance(left, Const) and isinstance(right, Const):
        return Const(found, _fold(operator, left.value, right.value))
    return Arith(found, operator, left, right)


def _in_calendar(moment: Expr) -> Expr:
    """A date, or a date and time, that was reckoned: null outside the years 1 to 9999, as FEEL has it for what cannot be."""
    kind = moment.type
    least, most = bounded(kind.kind).low, bounded(kind.kind).high
    if least <= kind.low and kind.high <= most:
        return moment
    limited = replace(kind, low=max(kind.low, least), high=min(kind.high, most))
    if isinstance(moment, Const) or limited.low > limited.high:
        return NO_VALUE
    first, last = (Const(replace(kind, low=end, high=end), end) for end in (least, most))
    within = And(BOOLEAN, (Compare(BOOLEAN, ">=", moment, first), Compare(BOOLEAN, "<=", moment, last)))
    return If(limited, within, moment, Const(limited, None))


def _unlimited(moment: Expr) -> Expr:
    """What `_in_calendar` put its limits on: in a longer sum only the end must be in the calendar."""
    match moment:
        case If(condition=And(operands=(Compare(left=left), _)), otherwise=Const(value=None)) if left is moment.then:
            return moment.then
        case _:
            return moment


def _fold(operator: str, left: Value, right: Value) -> int:
    assert isinstance(left, int)
    assert isinstance(right, int)
    return left + right if operator == "+" else left - right if operator == "-" else left * right


def negated(operand: Expr, at: int) -> Expr:
    """`-x` of a number or a duration."""
    if operand.type.kind in ("duration", "months") and not operand.type.many:
        return combined("-", integer(0), operand, operand.type.kind, at)
    return arithmetic("-", integer(0), operand, at)


def divided(left: Expr, right: Expr, at: int) -> Expr:
    """left / right, to six decimals, rounded half up (ties away from zero); null when right is zero."""
    if "null" in (left.type.kind, right.type.kind):
        return NO_VALUE
    kinds = (left.type.kind, right.type.kind)
    if kinds not in (("number", "number"), ("duration", "duration"), ("months", "months")) or left.type.many:
        raise CellError(at, f"cannot divide {left.type} by {right.type}")
    shift = QUOTIENT_SCALE + right.type.scale - left.type.scale
    if shift >= 0:
        left = combined("*", left, integer(10**shift), "number", at)
    else:
        right = combined("*", right, integer(10**-shift), "number", at)
    found = integer_quotient("half_up", left, right, "number", at)
    if found == NO_VALUE:
        return NO_VALUE
    return with_type(found, replace(found.type, scale=QUOTIENT_SCALE, unit=""))


def integer_quotient(
    rounding: Literal["half_up", "floor", "ceiling"],
    left: Expr,
    right: Expr,
    kind: Literal["number", "duration"],
    at: int,
) -> Expr:
    if isinstance(right, Const) and right.value == 0:
        return NO_VALUE
    a, b = left.type, right.type
    # the divisor nearest to zero bounds the result; zero itself gives null
    divisors = [d for d in {b.low, b.high, *(x for x in (-1, 1) if b.low <= x <= b.high)} if d]
    ends = [round_quotient(rounding, x, d) for x in (a.low, a.high) for d in divisors] or [0]
    ends += [0] if b.low <= 0 <= b.high or a.low <= 0 <= a.high else []
    found = replace(number_type(min(ends), max(ends), 0, at), kind=kind)
    if isinstance(left, Const) and isinstance(right, Const):
        assert isinstance(left.value, int)
        assert isinstance(right.value, int)
        return Const(found, round_quotient(rounding, left.value, right.value))
    return Quotient(found, rounding, left, right)


def round_quotient(rounding: str, left: int, right: int) -> int:
    """left / right as an integer; "half_up" rounds ties away from zero (Java's HALF_UP, what FEEL calls round half up)."""
    if right < 0:
        left, right = -left, -right
    match rounding:
        case "floor":
            return left // right
        case "ceiling":
            return -(-left // right)
        case _:
            size = (2 * abs(left) + right) // (2 * right)
            return size if left >= 0 else -size


def with_type(expr: Expr, kind: Type) -> Expr:
    return replace(expr, type=kind)


def rounded(rounding: Literal["half_up", "floor", "ceiling"], expr: Expr, scale: int, at: int) -> Expr:
    """The number with fewer decimals."""
    if expr.type.scale <= scale:
        return expr
    found = integer_quotient(rounding, expr, integer(10 ** (expr.type.scale - scale)), "number", at)
    return with_type(found, replace(found.type, scale=scale, unit=expr.type.unit))
