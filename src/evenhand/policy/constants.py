"""Values written out in a document: as constants of the typed tree, with types that fit them exactly."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from evenhand.policy.syntax import CellError
from evenhand.policy.tree import (
    Const,
)
from evenhand.policy.types import BOOLEAN, LIMIT, NULL, TEXT, Type, bounded

DAY: Final = 86_400
_EPOCH: Final = date(1970, 1, 1).toordinal()
NO_VALUE: Final = Const(NULL, None)
_DURATION: Final = re.compile(r"(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_MONTHS: Final = re.compile(r"(-)?P(?:(\d+)Y)?(?:(\d+)M)?")


def integer(value: int) -> Const:
    return Const(Type("number", low=value, high=value), value)


def constant(value: Decimal | str | bool | None, at: int) -> Const:
    """A literal with its type."""
    match value:
        case None:
            return NO_VALUE
        case bool():
            return Const(BOOLEAN, value)
        case str():
            return Const(TEXT, value)
        case Decimal():
            exponent = value.as_tuple().exponent
            scale = max(0, -exponent) if isinstance(exponent, int) else 0
            scaled = int(value.scaleb(scale))
            while scale and scaled % 10 == 0:
                scaled, scale = scaled // 10, scale - 1
            return Const(number_type(scaled, scaled, scale, at), scaled)


def number_type(low: int, high: int, scale: int, at: int, unit: str = "") -> Type:
    if max(abs(low), abs(high)) > LIMIT or scale > 12:
        largest = max(abs(low), abs(high)) // 10**scale
        raise CellError(
            at, f"this may reach {largest:,} with {scale} decimals, more than 64 bits hold: divide first, or limit it"
        )
    return Type("number", scale=scale, low=low, high=high, unit=unit)


def date_constant(text: str) -> Const | None:
    try:
        found = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
    if found is None:
        return None
    days = found.toordinal() - _EPOCH
    return Const(bounded("date", days, days), days)


def datetime_constant(text: str) -> Const | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is None or found.microsecond:
        return None
    seconds = int((found.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    return Const(bounded("datetime", seconds, seconds), seconds)


def duration_constant(text: str) -> Const | None:
    if found := _MONTHS.fullmatch(text):
        sign, years, months = found.groups()
        if years or months:
            total = (int(years or 0) * 12 + int(months or 0)) * (-1 if sign else 1)
            return Const(bounded("months", total, total), total)
    if found := _DURATION.fullmatch(text):
        sign, *parts = found.groups()
        if any(parts) and not text.endswith("T"):
            sizes = (DAY, 3600, 60, 1)
            total = sum(int(part or 0) * size for part, size in zip(parts, sizes, strict=True)) * (-1 if sign else 1)
            return Const(bounded("duration", total, total), total)
    return None
