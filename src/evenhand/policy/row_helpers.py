"""What the generated source of a row function may call."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from evenhand.policy.arithmetic import round_quotient
from evenhand.policy.types import MAX_SCALE

_EPOCH: Final = date(1970, 1, 1).toordinal()
_MOMENT: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UPPER: Final = {ord(small): small.upper() for small in "abcdefghijklmnopqrstuvwxyz"}
_LOWER: Final = {ord(large): large.lower() for large in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def _total(values: list[int | None]) -> int | None:
    return None if not values or None in values else sum(value for value in values if value is not None)


def _least(values: list[int | None]) -> int | None:
    return None if not values or None in values else min(value for value in values if value is not None)


def _most(values: list[int | None]) -> int | None:
    return None if not values or None in values else max(value for value in values if value is not None)


def _half_up(left: int, right: int) -> int:
    return round_quotient("half_up", left, right)


def _seconds(moment: datetime) -> int:
    """Whole seconds since 1970, exactly: a float would round the last microsecond of a far year up."""
    return (moment - _MOMENT) // timedelta(seconds=1)


def _date_part(days: int, part: str) -> int:
    found = date.fromordinal(days + _EPOCH)
    return found.isoweekday() if part == "weekday" else getattr(found, part)


def _scaled(scale: int) -> Callable[[int | Decimal], int]:
    """A number as a count of its last decimal. Decimals multiply slowly, and the same scores come again and again."""
    factor = 10**scale
    return lru_cache(4096)(lambda value: int(value * factor))


HELPERS: Final[Mapping[str, Any]] = {
    "half_up": _half_up,
    "date_part": _date_part,
    "seconds": _seconds,
    **{f"scaled_{scale}": _scaled(scale) for scale in range(1, MAX_SCALE + 1)},
    "total": _total,
    "least": _least,
    "most": _most,
    "UPPER": _UPPER,
    "LOWER": _LOWER,
}
