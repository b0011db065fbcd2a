"""Functions on numbers."""

from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
)
from typing import Final

from evenhand.policy.dmn.feel.builtins.registry import Library
from evenhand.policy.dmn.feel.operators import negative
from evenhand.policy.dmn.feel.run import Run
from evenhand.policy.dmn.feel.values import DECIMAL128, Value, YearsMonths, whole

LIBRARY: Final = Library()


def _rounded(value: Decimal, scale: Value, rounding: str) -> Value:
    """To `scale` digits after the point, or before it where it is negative."""
    digits = whole(scale)
    if digits is None or not -6111 <= digits <= 6176:
        return None
    exponent = value.as_tuple().exponent
    if not value or (isinstance(exponent, int) and -exponent <= digits):
        return value  # exact already; more digits than 34 could not be written out
    return DECIMAL128.plus(value.quantize(Decimal(1).scaleb(-digits), rounding=rounding, context=DECIMAL128))


def _declare(name: str, rounding: str, scale: str = "scale: number") -> None:
    def work(_: Run, value: Decimal, digits: Value = None) -> Value:
        return _rounded(value, Decimal(0) if digits is None else digits, rounding)

    LIBRARY.function(name, f"n: number, {scale}")(work)


_declare("decimal", ROUND_HALF_EVEN)
_declare("floor", ROUND_FLOOR, "scale?: number")
_declare("ceiling", ROUND_CEILING, "scale?: number")
_declare("round up", ROUND_UP)
_declare("round down", ROUND_DOWN)
_declare("round half up", ROUND_HALF_UP)
_declare("round half down", ROUND_HALF_DOWN)


@LIBRARY.function("abs", "n: number", "n: duration")
def _abs(_: Run, value: Value) -> Value:
    zero = YearsMonths(0) if isinstance(value, YearsMonths) else value * 0
    return negative(value) if value < zero else value


@LIBRARY.function("modulo", "dividend: number, divisor: number")
def _modulo(_: Run, dividend: Decimal, divisor: Decimal) -> Value:
    """With the sign of the divisor."""
    rest = DECIMAL128.remainder(dividend, divisor)
    return DECIMAL128.add(rest, divisor) if rest and (rest < 0) != (divisor < 0) else rest


@LIBRARY.function("sqrt", "number: number")
def _sqrt(_: Run, value: Decimal) -> Value:
    return DECIMAL128.sqrt(value)


@LIBRARY.function("log", "number: number")
def _log(_: Run, value: Decimal) -> Value:
    return DECIMAL128.ln(value) if value > 0 else None


@LIBRARY.function("exp", "number: number")
def _exp(_: Run, value: Decimal) -> Value:
    return DECIMAL128.exp(value)


@LIBRARY.function("odd", "number: number")
def _odd(_: Run, value: Decimal) -> Value:
    return abs(DECIMAL128.remainder(value, Decimal(2))) == 1


@LIBRARY.function("even", "number: number")
def _even(_: Run, value: Decimal) -> Value:
    return DECIMAL128.remainder(value, Decimal(2)) == 0
