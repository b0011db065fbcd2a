"""Functions that make dates, times and durations, and ask of them."""

from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Final

from evenhand.policy.dmn.feel.builtins.registry import Library
from evenhand.policy.dmn.feel.errors import Refused
from evenhand.policy.dmn.feel.run import Run
from evenhand.policy.dmn.feel.temporal import (
    months_between,
    parse_date,
    parse_duration,
    parse_moment,
    parse_time,
    parse_zone,
)
from evenhand.policy.dmn.feel.values import Value, whole

LIBRARY: Final = Library()
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@LIBRARY.function("date", "from: string")
def _date_of_text(_: Run, text: str) -> Value:
    return parse_date(text)


@LIBRARY.function("date", "from: date", "from: moment")
def _date_of_moment(_: Run, value: date) -> Value:
    return value.date() if isinstance(value, datetime) else value


@LIBRARY.function("date", "year: number, month: number, day: number")
def _date(_: Run, year: Value, month: Value, day: Value) -> Value:
    parts = [whole(part) for part in (year, month, day)]
    try:
        return date(*(part for part in parts if part is not None)) if None not in parts else None
    except ValueError:
        return None


@LIBRARY.function("date and time", "from: string")
def _moment_of_text(_: Run, text: str) -> Value:
    return parse_moment(text)


@LIBRARY.function("date and time", "from: moment", "from: date")
def _moment_of_date(_: Run, value: date) -> Value:
    return value if isinstance(value, datetime) else datetime.combine(value, time(tzinfo=UTC))


@LIBRARY.function("date and time", "date: date, time: time", "date: moment, time: time")
def _moment(_: Run, day: date, clock: time) -> Value:
    return datetime.combine(day, clock)


@LIBRARY.function("date and time", "date: moment, timezone: string")
def _moment_in_zone(_: Run, moment: datetime, zone: str) -> Value:
    try:
        return (
            moment.astimezone(parse_zone(f"@{zone}"))
            if moment.tzinfo
            else moment.replace(tzinfo=parse_zone(f"@{zone}"))
        )
    except (ValueError, OverflowError):
        return None


@LIBRARY.function(
    "date and time",
    "year: number, month: number, day: number, hour: number, minute: number, second: number, offset?: days",
    "year: number, month: number, day: number, hour: number, minute: number, second: number, timezone: string",
)
def _moment_of_parts(
    run: Run, year: Value, month: Value, day: Value, hour: Value, minute: Value, second: Value, zone: Value = None
) -> Value:
    day_part = _date(run, year, month, day)
    try:
        tz = parse_zone(f"@{zone}") if isinstance(zone, str) else _offset(zone)
        clock = _clock(hour, minute, second, tz)
    except ValueError:
        return None
    return datetime.combine(day_part, clock) if day_part and clock else None


@LIBRARY.function("time", "from: string")
def _time_of_text(_: Run, text: str) -> Value:
    return parse_time(text)


@LIBRARY.function("time", "from: time", "from: moment", "from: date")
def _time_of_moment(_: Run, value: Value) -> Value:
    match value:
        case datetime():
            return value.timetz()
        case date():
            return time(tzinfo=UTC)
        case _:
            return value


@LIBRARY.function("time", "hour: number, minute: number, second: number, offset?: days")
def _time(_: Run, hour: Value, minute: Value, second: Value, offset: timedelta | None = None) -> Value:
    try:
        return _clock(hour, minute, second, _offset(offset))
    except ValueError:
        return None


def _offset(offset: timedelta | None) -> tzinfo | None:
    return None if offset is None else timezone(offset) if offset else UTC


def _clock(hour: Value, minute: Value, second: Value, zone: tzinfo | None) -> time | None:
    hours, minutes = whole(hour), whole(minute)
    if hours is None or minutes is None or not 0 <= second < 60:
        return None
    microseconds = int(second * 1_000_000)
    return time(hours, minutes, microseconds // 1_000_000, microseconds % 1_000_000, zone)


@LIBRARY.function("duration", "from: string")
def _duration(_: Run, text: str) -> Value:
    return parse_duration(text)


@LIBRARY.function("duration", "from: duration")
def _same_duration(_: Run, value: Value) -> Value:
    return value


@LIBRARY.function(
    "years and months duration",
    "from: date, to: date",
    "from: moment, to: moment",
    "from: date, to: moment",
    "from: moment, to: date",
)
def _years_and_months_duration(_: Run, start: date, end: date) -> Value:
    return months_between(start, end)


@LIBRARY.function("day of year", "date: date", "date: moment")
def _day_of_year(_: Run, value: date) -> Value:
    return Decimal(value.timetuple().tm_yday)


@LIBRARY.function("day of week", "date: date", "date: moment")
def _day_of_week(_: Run, value: date) -> Value:
    return _DAYS[value.weekday()]


@LIBRARY.function("month of year", "date: date", "date: moment")
def _month_of_year(_: Run, value: date) -> Value:
    return _MONTHS[value.month - 1]


@LIBRARY.function("week of year", "date: date", "date: moment")
def _week_of_year(_: Run, value: date) -> Value:
    """By ISO 8601: week 1 holds the year's first Thursday."""
    return Decimal(value.isocalendar().week)


@LIBRARY.function("now", "")
def _now(run: Run) -> Value:
    return _moment_told(run, "now()")


@LIBRARY.function("today", "")
def _today(run: Run) -> Value:
    return _moment_told(run, "today()").date()


def _moment_told(run: Run, function: str) -> datetime:
    if run.now is None:
        raise Refused(
            f"{function} asks for the clock, and a decision must repeat: say what it is with evaluate(..., now=...)"
        )
    return run.now
