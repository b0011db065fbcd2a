"""Facts read from day tiles equal facts counted from the events themselves, whatever the order of arrival."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from evenhand.history import BUYER, MERCHANT, Tally
from evenhand.history.tiles import pack, unpack
from evenhand.vocabulary import BUYER_MEASURES, MERCHANT_MEASURES, Measure

Event = tuple[int, str, int]


def events_of(measures: tuple[Measure, ...]) -> st.SearchStrategy[list[Event]]:
    names = st.sampled_from([measure.name for measure in measures])
    # a narrow span makes days collide, a wide one makes windows cut
    days = st.one_of(st.integers(20000, 20010), st.integers(19600, 20010))
    return st.lists(st.tuples(days, names, st.integers(1, 5)), max_size=60)


def counted(events: list[Event], tally: Tally, measures: tuple[Measure, ...], day: int) -> dict[str, int]:
    known = min((event[0] for event in events), default=day)
    facts = {f"{tally.owner}_days_known": max(0, day - known)}
    for measure in measures:
        for days in measure.windows:
            facts[f"{tally.owner}_{measure.name}_{days}d"] = sum(
                amount for when, name, amount in events if name == measure.name and day - days <= when <= day
            )
    return facts


@given(events_of(BUYER_MEASURES), st.integers(0, 400))
def test_in_order_facts_equal_a_count_of_the_events(events: list[Event], later: int) -> None:
    events.sort(key=lambda event: event[0])
    tiles: array[int] = array("I")
    for day, name, amount in events:
        BUYER.count(tiles, day, name, amount)
    day = (events[-1][0] if events else 20000) + later
    assert BUYER.facts(unpack(pack(tiles)), day) == counted(events, BUYER, BUYER_MEASURES, day)


@given(events_of(MERCHANT_MEASURES))
def test_late_events_count_on_their_own_day(events: list[Event]) -> None:
    tiles: array[int] = array("I")
    for day, name, amount in events:
        MERCHANT.count(tiles, day, name, amount)
    day = max((event[0] for event in events), default=20000)
    assert MERCHANT.facts(tiles, day) == counted(events, MERCHANT, MERCHANT_MEASURES, day)


@given(events_of(MERCHANT_MEASURES), st.integers(0, 10))
def test_nothing_from_a_later_day_leaks_into_an_earlier_one(events: list[Event], before: int) -> None:
    last = max((event[0] for event in events), default=20000)
    day = last - before
    recent = [event for event in events if event[0] > last - 366]
    tiles: array[int] = array("I")
    for when, name, amount in recent:
        MERCHANT.count(tiles, when, name, amount)
    visible = [event for event in recent if event[0] <= day]
    assert MERCHANT.facts(tiles, day) == counted(visible, MERCHANT, MERCHANT_MEASURES, day)


def test_a_day_before_the_kept_ones_knows_only_since_when() -> None:
    tiles: array[int] = array("I")
    BUYER.count(tiles, 20000, "orders")
    BUYER.count(tiles, 19000, "orders")
    facts = BUYER.facts(tiles, 19500)
    assert facts.pop("buyer_days_known") == 500
    assert set(facts.values()) == {0}


def test_totals_may_wrap_around() -> None:
    tiles: array[int] = array("I")
    BUYER.count(tiles, 20000, "orders", 2**32 - 1)
    BUYER.count(tiles, 20367, "orders", 3)
    assert BUYER.facts(tiles, 20367)["buyer_orders_365d"] == 3


def test_storage_is_bounded_by_the_longest_window() -> None:
    tiles: array[int] = array("I")
    for day in range(10000, 14000):
        BUYER.count(tiles, day, "orders")
    assert len(tiles) == 1 + 367 * (BUYER.width + 1)
    assert BUYER.facts(tiles, 13999)["buyer_orders_365d"] == 366  # 365 completed days and today
    assert BUYER.facts(tiles, 13999)["buyer_days_known"] == 3999
