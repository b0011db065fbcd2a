"""Dates, times and durations: reading and writing their ISO 8601 forms, their arithmetic and their parts.

Years run from 1 to 9999 and fractions of a second to microseconds, as Python's types do; what lies outside is null.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from evenhand.policy.dmn.feel.values import Range, Value, YearsMonths, number

_DATE: Final = r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
_TIME: Final = (
    r"([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2}(?::[0-9]{2})?|@[A-Za-z0-9_+/-]{1,64})?"
)
_DATE_ONLY: Final = re.compile(_DATE)
_TIME_ONLY: Final = re.compile(_TIME)
_MOMENT: Final = re.compile(f"({_DATE})(?:T({_TIME}))?")
_YEARS_MONTHS: Final = re.compile(r"(-)?P(?:([0-9]{1,9})Y)?(?:([0-9]{1,9})M)?")
_DAYS_TIME: Final = re.compile(
    r"(-)?P(?:([0-9]{1,9})D)?(?:T(?:([0-9]{1,12})H)?(?:([0-9]{1,12})M)?(?:([0-9]{1,12}(?:\.[0-9]*)?)S)?)?"
)
_MICROSECOND: Final = timedelta(microseconds=1)


def parse_date(text: str) -> date | None:
    match = _DATE_ONLY.fullmatch(text)
    return _date(match[1], match[2], match[3]) if match else None


def _date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def parse_time(text: str) -> time | None:
    match = _TIME_ONLY.fullmatch(text)
    return _time(*match.groups()) if match else None


def _time(hour: str, minute: str, second: str, fraction: str | None, zone: str | None) -> time | None:
    try:
        zone_info = parse_zone(zone) if zone else None
        return time(int(hour), int(minute), int(second), int((fraction or ".0")[1:7].ljust(6, "0")), zone_info)
    except ValueError:
        return None


def parse_zone(text: str) -> tzinfo:
    """`Z`, `+02:00` or `@Europe/Berlin`; raises ValueError."""
    if text in ("Z", "z"):
        return UTC
    if text.startswith("@"):
        return _zone(text[1:])
    hours, minutes, *seconds = (int(part) for part in text[1:].split(":"))
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds[0] if seconds else 0)
    if offset > timedelta(hours=18) or minutes > 59:
        raise ValueError(text)
    if not offset:
        return UTC
    return timezone(-offset if text[0] == "-" else offset)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(name) from error


def parse_moment(text: str) -> datetime | None:
    """A date and time; a date alone means its midnight."""
    match = _MOMENT.fullmatch(text)
    if not match:
        return None
    day = parse_date(match[1])
    clock = parse_time(match[5]) if match[5] else time()
    return None if day is None or clock is None else datetime.combine(day, clock)


def parse_duration(text: str) -> timedelta | YearsMonths | None:
    if text[-1:] in ("P", "T", "-"):
        return None
    if match := _YEARS_MONTHS.fullmatch(text):
        total = int(match[2] or 0) * 12 + int(match[3] or 0)
        return YearsMonths(-total if match[1] else total)
    if match := _DAYS_TIME.fullmatch(text):
        seconds = (
            int(match[2] or 0) * 86400 + int(match[3] or 0) * 3600 + int(match[4] or 0) * 60 + Decimal(match[5] or 0)
        )
        return duration_of(-seconds if match[1] else seconds)
    return None


def duration_of(seconds: Decimal | int) -> timedelta | None:
    try:
        return int(seconds * 1_000_000) * _MICROSECOND
    except OverflowError:
        return None


def parse_at(text: str) -> Value:
    """The value of `@"text"`: whichever temporal value it spells; None when it spells none."""
    for read in (parse_date, parse_time, parse_moment, parse_duration):
        if (value := read(text)) is not None:
            return value
    return None


def seconds_of(duration: timedelta) -> Decimal:
    """Exactly, with its microseconds."""
    return Decimal(duration // _MICROSECOND).scaleb(-6)


def aware(value: datetime | time) -> bool:
    return value.tzinfo is not None


def instant(moment: datetime) -> datetime:
    """The moment in UTC, so that summer time counts in differences and comparisons; a local one as it is."""
    return moment.astimezone(UTC) if moment.tzinfo is not None else moment


def placed(value: time) -> str:
    """How a time of day is placed: locally, by an offset, or in a zone (whose offset no time without a date tells).

    Times are compared only when they are placed alike.
    """
    if value.tzinfo is None:
        return "local"
    return "offset" if value.utcoffset() is not None else str(value.tzinfo)


def clock(value: time) -> timedelta:
    """The time since midnight, in UTC when it has an offset."""
    since = timedelta(hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond)
    return since - (value.utcoffset() or timedelta())


def add_duration(value: Value, duration: timedelta) -> Value:
    """A date, time or date and time, later by a duration; None when it leaves the calendar."""
    try:
        if isinstance(value, datetime):
            return (instant(value) + duration).astimezone(value.tzinfo) if aware(value) else value + duration
        if isinstance(value, date):
            return (datetime.combine(value, time()) + duration).date()
        moved = datetime.combine(date(2000, 1, 1), value.replace(tzinfo=None)) + (duration % timedelta(days=1))
        return moved.time().replace(tzinfo=value.tzinfo)
    except (OverflowError, ValueError):
        return None


def add_months(value: date, duration: YearsMonths) -> Value:
    """A date or date and time, later by months; the day is the last of the month when that month is too short."""
    year, month = divmod(value.year * 12 + value.month - 1 + duration.total, 12)
    for day in (value.day, 30, 29, 28):
        if day <= value.day:
            try:
                return value.replace(year, month + 1, day)
            except (ValueError, OverflowError):
                continue
    return None


def difference(left: date, right: date) -> timedelta | None:
    """Between dates or moments; a date is its midnight, in UTC where the other has a zone."""
    one, other = _moment(left, right), _moment(right, left)
    if aware(one) != aware(other):
        return None
    return instant(one) - instant(other)


def _moment(value: date, beside: date) -> datetime:
    if isinstance(value, datetime):
        return value
    return datetime.combine(value, time(tzinfo=UTC if isinstance(beside, datetime) and aware(beside) else None))


def months_between(start: date, end: date) -> YearsMonths:
    """Whole months from `start` to `end`, towards zero."""
    total = (end.year - start.year) * 12 + end.month - start.month
    rest_start, rest_end = _within_month(start), _within_month(end)
    if total > 0 and rest_end < rest_start:
        total -= 1
    elif total < 0 and rest_end > rest_start:
        total += 1
    return YearsMonths(total)


def _within_month(value: date) -> tuple[int, time]:
    return value.day, value.time() if isinstance(value, datetime) else time()


def text_of_moment(value: datetime) -> str:
    return f"{value.date().isoformat()}T{text_of_time(value.time(), value.tzinfo, value.utcoffset())}"


def text_of_time(value: time, zone: tzinfo | None, offset: timedelta | None) -> str:
    fraction = f".{value.microsecond:06d}".rstrip("0") if value.microsecond else ""
    return f"{value:%H:%M:%S}{fraction}{_text_of_zone(zone, offset)}"


def _text_of_zone(zone: tzinfo | None, offset: timedelta | None) -> str:
    if zone is None:
        return ""
    if isinstance(zone, ZoneInfo):
        return f"@{zone.key}"
    seconds = int(offset.total_seconds()) if offset else 0
    if not seconds:
        return "Z"
    hours, rest = divmod(abs(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02d}:{minutes:02d}" + (f":{rest:02d}" if rest else "")


def text_of_duration(value: timedelta) -> str:
    days, rest = divmod(abs(value), timedelta(days=1))
    hours, rest = divmod(rest, timedelta(hours=1))
    minutes, rest = divmod(rest, timedelta(minutes=1))
    seconds = f"{seconds_of(rest).normalize():f}S" if rest else ""
    clock_part = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "") + seconds
    text = (f"{days}D" if days else "") + (f"T{clock_part}" if clock_part else "")
    return f"{'-' if value < timedelta() else ''}P{text or 'T0S'}"


def _part(unit: int, within: int | None) -> Callable[[timedelta], Decimal]:
    """A component of a duration in whole units, signed like the duration."""

    def part(value: timedelta) -> Decimal:
        count = abs(seconds_of(value)) // unit
        count = count if within is None else count % within
        return -count if value < timedelta() else count

    return part


def _seconds_part(value: timedelta) -> Decimal:
    rest = abs(seconds_of(value)) % 60
    return -rest if value < timedelta() else rest


def _zone_name(value: datetime | time) -> str | None:
    return value.tzinfo.key if isinstance(value.tzinfo, ZoneInfo) else None


_CALENDAR: Final[dict[str, Callable[[Value], Value]]] = {
    "year": lambda value: Decimal(value.year),
    "month": lambda value: Decimal(value.month),
    "day": lambda value: Decimal(value.day),
    "weekday": lambda value: Decimal(value.isoweekday()),
}
_CLOCK: Final[dict[str, Callable[[Value], Value]]] = {
    "hour": lambda value: Decimal(value.hour),
    "minute": lambda value: Decimal(value.minute),
    "second": lambda value: number(Decimal(value.second) + Decimal(value.microsecond).scaleb(-6)),
    "time offset": lambda value: value.utcoffset(),
    "timezone": _zone_name,
}
# by the exact type of the value: a datetime is a date to Python, and more than a date to FEEL
PROPERTIES: Final[dict[type, dict[str, Callable[[Value], Value]]]] = {
    date: _CALENDAR,
    time: _CLOCK,
    datetime: {**_CALENDAR, **_CLOCK},
    timedelta: {
        "days": _part(86400, None),
        "hours": _part(3600, 24),
        "minutes": _part(60, 60),
        "seconds": _seconds_part,
    },
    YearsMonths: {"years": lambda value: Decimal(value.years), "months": lambda value: Decimal(value.months)},
    Range: {
        "start": lambda value: value.low,
        "end": lambda value: value.high,
        "start included": lambda value: value.low_closed,
        "end included": lambda value: value.high_closed,
    },
}
