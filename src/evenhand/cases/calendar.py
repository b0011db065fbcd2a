"""Deadlines on a market's own clock: hours that always count, or hours that count only while the market works.

A *calendar* clock counts elapsed hours, so a change to daylight saving time neither shortens nor lengthens a deadline. A
*working* clock counts only the hours between opening and closing of working days, in the market's time zone. Holidays are
dates on which nobody works; working days that make up for a holiday (as China moves them to weekends) are dates on which
everybody does.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from evenhand.errors import BadInput

# A deadline that is not reached within so many days of the calendar never is.
_FURTHEST: Final = 4000
_NONE: Final = timedelta(0)
Weekdays = Annotated[list[Annotated[int, msgspec.Meta(ge=1, le=7)]], msgspec.Meta(max_length=7)]
Dates = Annotated[list[date], msgspec.Meta(max_length=2000)]


class Calendar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the hours of a market's deadlines count."""

    clock: Literal["calendar", "working"] = "calendar"
    # ISO weekdays, 1 is Monday
    weekdays: Weekdays = msgspec.field(default_factory=lambda: [1, 2, 3, 4, 5])
    # local time; closing at 00:00 is the end of the day
    opens: time = time(9)
    closes: time = time(18)
    holidays: Dates = []
    # weekend days on which work is done all the same
    workdays: Dates = []

    def check(self) -> None:
        """Raises `BadInput` when hardly anything ever counts."""
        if self.opens.tzinfo or self.closes.tzinfo:
            raise BadInput("is local time, without an offset", field="calendar.opens")
        if self.closes != time(0) and self.closes <= self.opens:
            raise BadInput("must be after opening; 00:00 is the end of the day", field="calendar.closes")
        if self.clock == "working" and not self.weekdays:
            raise BadInput("a week needs a working day", field="calendar.weekdays")

    def after(self, moment: datetime, span: timedelta, zone: ZoneInfo) -> datetime:
        """The moment at which `span` of counting time has passed since `moment`; in UTC."""
        # instants, so that adding and subtracting is about time that passes and not about what a clock on the wall shows
        moment = moment.astimezone(UTC)
        if self.clock == "calendar":
            return moment + span
        day = moment.astimezone(zone).date()
        for _ in range(_FURTHEST):
            window = self._window(day, zone)
            if window is not None:
                begins = max(window[0], moment)
                if begins < window[1]:
                    if span <= window[1] - begins:
                        return begins + span
                    span -= window[1] - begins
            day += timedelta(days=1)
        raise BadInput(f"the market's calendar has no working hours for {_FURTHEST} days", field="calendar")

    def between(self, moment: datetime, later: datetime, zone: ZoneInfo) -> timedelta:
        """The counting time between two moments; nothing when the second is not later."""
        moment, later = moment.astimezone(UTC), later.astimezone(UTC)
        if later <= moment:
            return _NONE
        if self.clock == "calendar":
            return later - moment
        day, last = moment.astimezone(zone).date(), later.astimezone(zone).date()
        counted = _NONE
        while day <= last:
            window = self._window(day, zone)
            if window is not None:
                counted += max(min(window[1], later) - max(window[0], moment), _NONE)
            day += timedelta(days=1)
        return counted

    def _window(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """The working hours of a day as instants, so that their length is what a clock on the wall would miss."""
        if day not in self.workdays and (day in self.holidays or day.isoweekday() not in self.weekdays):
            return None
        end = day + timedelta(days=1) if self.closes == time(0) else day
        begins = datetime.combine(day, self.opens, zone).astimezone(UTC)
        return begins, datetime.combine(end, self.closes, zone).astimezone(UTC)
