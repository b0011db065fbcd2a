"""FEEL's values as Python's.

| FEEL | Python |
|---|---|
| number | `Decimal` of 34 digits, rounded half even (decimal128) |
| string, boolean, null | `str`, `bool`, `None` |
| date, time, date and time | `date`, `time`, `datetime` (with or without a zone) |
| days and time duration | `timedelta` |
| years and months duration | `YearsMonths` |
| list, context | `list`, `dict` with string keys |
| range, function | `Range`, `Function` |
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Clamped, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any, Final

Value = Any

# IEEE 754 decimal128, as DMN asks. Results out of range are trapped: FEEL has neither NaN nor infinity.
DECIMAL128: Final = Context(
    prec=34,
    rounding=ROUND_HALF_EVEN,
    Emin=-6143,
    Emax=6144,
    clamp=0,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
DECIMAL128.traps[Clamped] = False


@dataclass(frozen=True, slots=True, order=True)
class YearsMonths:
    """A years and months duration; it has no fixed length in days."""

    # all of it in months, negative for a duration backwards
    total: int

    @property
    def years(self) -> int:
        return int(self.total / 12)

    @property
    def months(self) -> int:
        return self.total - self.years * 12

    def __str__(self) -> str:
        size = abs(self.total)
        years, months = divmod(size, 12)
        text = (f"{years}Y" if years else "") + (f"{months}M" if months else "")
        return f"{'-' if self.total < 0 else ''}P{text or '0M'}"


@dataclass(frozen=True, slots=True)
class Range:
    """An interval; a missing end (`None`) is unbounded, and open."""

    low: Value
    high: Value
    low_closed: bool
    high_closed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function of a model: a FEEL literal, a business knowledge model or a decision service.

    `call` takes as many arguments as there are parameters, and the run that counts its work.
    """

    name: str
    parameters: tuple[str, ...]
    call: Callable[[list[Value], Any], Value]


def kind(value: Value) -> str:
    """The FEEL type of a value, by its name in the standard."""
    if value is None:
        return "null"
    return _KINDS.get(type(value)) or next(
        (name for base, name in _KINDS.items() if isinstance(value, base)), "function"
    )


_KINDS: Final[dict[type, str]] = {
    Decimal: "number",
    str: "string",
    bool: "boolean",
    datetime: "date and time",  # before date, its base
    date: "date",
    time: "time",
    timedelta: "days and time duration",
    YearsMonths: "years and months duration",
    list: "list",
    dict: "context",
    Range: "range",
}


def number(value: int | str | Decimal) -> Decimal | None:
    """A number of FEEL, rounded to 34 digits; None when it is out of range."""
    try:
        result = DECIMAL128.create_decimal(value)
    except (InvalidOperation, Overflow):
        return None
    return result if result.is_finite() else None


def whole(value: Value) -> int | None:
    """A number without a fraction as an int; None for anything else, and for numbers no count could have."""
    if type(value) is not Decimal or value != value.to_integral_value() or abs(value) > 10**12:
        return None
    return int(value)
