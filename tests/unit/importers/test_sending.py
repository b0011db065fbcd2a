"""Dealing events into rounds: few batches, and each ruling knows what it would know one by one."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from evenhand.importers.olist.sending import deal
from evenhand.importers.olist.timeline import APPLIED, PLACED, Event
from evenhand.records import Application, Order

START = datetime(2018, 1, 1, tzinfo=UTC)


def step(number: int, *accounts: str) -> Event:
    moment = START + timedelta(hours=number)
    return Event(moment, PLACED, f"o{number}", 0, Order(f"o{number}", "", moment, "BRL", []), frozenset(accounts))


def applied(number: int, *accounts: str) -> Event:
    moment = START + timedelta(hours=number)
    record = Application(f"a{number}", "", "", "refund_only", "received", "other", 1, "BRL", moment)
    return Event(moment, APPLIED, f"o{number}", 0, record, frozenset(accounts))


def seen(events: list[Event]) -> dict[str, list[set[str]]]:
    """What each application finds on each of its accounts when events come one by one: ids of steps and applications."""
    done: defaultdict[str, set[str]] = defaultdict(set)
    found: dict[str, list[set[str]]] = {}
    for event in events:
        if isinstance(event.record, Application):
            found[event.record.id] = [done[account].copy() for account in sorted(event.accounts)]
        for account in event.accounts:
            done[account].add(event.record.id)
    return found


@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from(["b1", "b2", "b3"]), st.sets(st.sampled_from("mnop"), min_size=1)),
        max_size=30,
    )
)
def test_every_ruling_knows_the_same_as_one_by_one(what: list[tuple[bool, str, set[str]]]) -> None:
    events = [
        applied(number, buyer, min(merchants)) if applies else step(number, buyer, *merchants)
        for number, (applies, buyer, merchants) in enumerate(what)
    ]
    by_id = {event.record.id: event for event in events}
    dealt = [
        by_id[record.id] for one in deal(events) for record in [*(order for order, _ in one.steps), *one.applications]
    ]
    assert sorted(event.record.id for event in dealt) == sorted(by_id)
    assert seen(dealt) == seen(events)


def test_events_of_strangers_share_one_round() -> None:
    events = [
        event for n in range(50) for event in (step(2 * n, f"b{n}", f"m{n}"), applied(2 * n + 1, f"b{n}", f"m{n}"))
    ]
    assert len(deal(events)) == 1


def test_a_step_after_an_application_waits_for_it() -> None:
    rounds = deal([step(0, "b", "m"), applied(1, "b", "m"), step(2, "c", "m"), applied(3, "c", "m")])
    assert [([order.id for order, _ in one.steps], [a.id for a in one.applications]) for one in rounds] == [
        (["o0"], ["a1"]),
        (["o2"], ["a3"]),
    ]
