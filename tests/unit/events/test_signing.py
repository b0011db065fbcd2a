"""Signatures, the schedule, and the choice of types."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Verifier

from evenhand.errors import BadInput
from evenhand.events.schedule import WAITS, wait_after
from evenhand.events.signing import new_secret, signed_headers
from evenhand.events.types import is_wanted, shown_types, wanted_types


@given(st.text(min_size=1), st.datetimes(timezones=st.just(UTC)).filter(lambda at: at.year > 1970))
def test_signatures_are_those_of_the_published_library(body: str, at: datetime) -> None:
    body = body.encode("utf-8", "replace").decode()
    old, new = new_secret(), new_secret()
    headers = signed_headers([new, old], "17", at, body.encode())
    expected = [Verifier(secret).sign("17", at, body) for secret in (new, old)]
    assert headers["webhook-signature"].split() == expected
    assert headers["webhook-timestamp"] == str(int(at.timestamp()))


def test_sending_again_takes_three_days_in_all() -> None:
    least = sum(WAITS, timedelta())
    assert timedelta(days=2, hours=23) < least < timedelta(days=3)
    waits = [wait_after(failures, 1) for failures in range(1, len(WAITS) + 2)]
    assert waits[-1] is None
    assert sum((one for one in waits if one), timedelta()) < timedelta(days=3, hours=4)


@given(st.integers(1, len(WAITS)), st.integers(1, 10**9))
def test_waits_are_spread_a_little_and_always_alike(failures: int, delivery: int) -> None:
    wait = wait_after(failures, delivery)
    assert wait is not None
    assert WAITS[failures - 1] <= wait <= WAITS[failures - 1] * 1.05
    assert wait_after(failures, delivery) == wait


def test_a_receiver_may_ask_for_an_hour_at_most() -> None:
    assert wait_after(1, 1, timedelta(minutes=10)) == timedelta(minutes=10)
    assert wait_after(1, 1, timedelta(days=300)) == timedelta(hours=1)


def test_types_are_named_with_or_without_the_prefix_once() -> None:
    kept = wanted_types(["evenhand.case.*", "case.*", "ruling.issued"])
    assert kept == ["case.*", "ruling.issued"]
    assert shown_types(kept) == ["evenhand.case.*", "evenhand.ruling.issued"]
    assert is_wanted(kept, "case.escalate")
    assert is_wanted([], "fund.alerted")
    assert not is_wanted(kept, "fund.alerted")


@pytest.mark.parametrize(
    "name", ["", "*", "case", "evenhand.*", "order.placed", "case.%", "case.*.x", "CASE.*", "case._*"]
)
def test_types_that_no_event_is_of_are_refused(name: str) -> None:
    with pytest.raises(BadInput):
        wanted_types([name])
