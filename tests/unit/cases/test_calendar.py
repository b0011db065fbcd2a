"""Deadlines in elapsed and in working time, across weekends, holidays and changes of the clock."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.cases.calendar import Calendar
from evenhand.cases.settings import months_after
from evenhand.errors import BadInput

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
WORKING = Calendar(clock="working")


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def test_elapsed_hours_are_hours_even_when_the_clock_is_put_forward() -> None:
    # in Berlin the clock is put forward on 29 March 2026 at 02:00
    evening = datetime(2026, 3, 28, 20, tzinfo=BERLIN)
    due = Calendar().after(evening, hours(24), BERLIN)
    assert due.astimezone(BERLIN) == datetime(2026, 3, 29, 21, tzinfo=BERLIN)
    assert Calendar().between(evening, due, BERLIN) == hours(24)


def test_working_hours_skip_nights_and_weekends() -> None:
    friday = datetime(2026, 3, 6, 16, tzinfo=SHANGHAI)
    due = WORKING.after(friday, hours(4), SHANGHAI)
    assert due.astimezone(SHANGHAI) == datetime(2026, 3, 9, 11, tzinfo=SHANGHAI)


def test_a_deadline_that_begins_on_a_day_off_counts_from_the_next_opening() -> None:
    sunday = datetime(2026, 3, 8, 3, tzinfo=SHANGHAI)
    assert WORKING.after(sunday, hours(1), SHANGHAI).astimezone(SHANGHAI) == datetime(2026, 3, 9, 10, tzinfo=SHANGHAI)


def test_holidays_are_off_and_make_up_days_are_on() -> None:
    calendar = Calendar(
        clock="working", holidays=[date(2026, 10, day) for day in range(1, 8)], workdays=[date(2026, 10, 10)]
    )
    last_day = datetime(2026, 9, 30, 17, tzinfo=SHANGHAI)
    # one hour on 30 September, nine on Thursday 8, nine on Friday 9, one on Saturday 10, which makes up for the holiday
    due = calendar.after(last_day, hours(20), SHANGHAI)
    assert due.astimezone(SHANGHAI) == datetime(2026, 10, 10, 10, tzinfo=SHANGHAI)


def test_a_working_night_through_the_change_of_the_clock_is_as_long_as_it_is() -> None:
    calendar = Calendar(clock="working", weekdays=[1, 2, 3, 4, 5, 6, 7], opens=time(0), closes=time(4))
    spring = datetime(2026, 3, 29, 0, tzinfo=BERLIN)
    autumn = datetime(2026, 10, 25, 0, tzinfo=BERLIN)
    assert calendar.between(spring, spring + timedelta(days=1), BERLIN) == hours(3)
    assert calendar.between(autumn, autumn + timedelta(days=1), BERLIN) == hours(5)
    # the fourth hour of the short night lies in the next one
    assert calendar.after(spring, hours(4), BERLIN).astimezone(BERLIN) == datetime(2026, 3, 30, 1, tzinfo=BERLIN)


def test_closing_at_midnight_is_the_end_of_the_day() -> None:
    calendar = Calendar(clock="working", opens=time(22), closes=time(0))
    monday = datetime(2026, 3, 9, 12, tzinfo=SHANGHAI)
    assert calendar.after(monday, hours(2), SHANGHAI).astimezone(SHANGHAI) == datetime(2026, 3, 10, 0, tzinfo=SHANGHAI)


@given(
    st.integers(0, 2 * 365 * 24 * 60).map(
        lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.integers(0, 400),
    st.sampled_from([SHANGHAI, BERLIN, ZoneInfo("America/Los_Angeles"), ZoneInfo("Asia/Kathmandu")]),
)
def test_what_was_counted_forward_is_counted_back(moment: datetime, count: int, zone: ZoneInfo) -> None:
    due = WORKING.after(moment, hours(count), zone)
    assert due >= moment
    assert WORKING.between(moment, due, zone) == hours(count)


def test_a_calendar_on_which_nobody_works_is_refused() -> None:
    with pytest.raises(BadInput, match="a week needs a working day"):
        Calendar(clock="working", weekdays=[]).check()
    with pytest.raises(BadInput, match="after opening"):
        Calendar(opens=time(9), closes=time(8)).check()


def test_six_months_end_on_the_same_day_or_the_last_of_the_month() -> None:
    assert months_after(datetime(2025, 8, 31, 5, tzinfo=UTC), 6) == datetime(2026, 2, 28, 5, tzinfo=UTC)
    assert months_after(datetime(2026, 3, 2, tzinfo=UTC), 6) == datetime(2026, 9, 2, tzinfo=UTC)
