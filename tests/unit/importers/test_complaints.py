"""What Olist's rows mean: which orders complain, when, at what stage, for what reason; and the order of events."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from evenhand.importers.olist.complaints import Complaint, complaint_of, last_purchase
from evenhand.importers.olist.sources import read_sources
from evenhand.importers.olist.timeline import Event, timeline
from evenhand.records import Application, Order

from .olist_files import Rows, item, order, review, write

NOW = datetime(2020, 1, 1, tzinfo=UTC)
BOUGHT, SHIPPED, DELIVERED, DUE = (
    "2018-03-01 10:00:00",
    "2018-03-03 10:00:00",
    "2018-03-09 10:00:00",
    "2018-03-12 00:00:00",
)
# the last purchase, which is how far the data goes
LAST = order(9, bought="2018-06-01 12:00:00", due="2018-06-20 00:00:00", status="created")


def at(text: str) -> datetime:
    """A moment given in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def complaint(tmp_path: Path, row: list[str], *reviews: list[str]) -> Complaint | None:
    sources = read_sources(write(tmp_path, {"orders": [row, LAST], "order_reviews": list(reviews)}), NOW)
    return complaint_of(sources.orders[0], sources.reviews.get(row[0], []), last_purchase(sources))


def events(tmp_path: Path, rows: Rows) -> list[Event]:
    return timeline(read_sources(write(tmp_path, rows), NOW))


def delivered(**changes: str) -> list[str]:
    return order(1, **{"bought": BOUGHT, "shipped": SHIPPED, "delivered": DELIVERED, "due": DUE} | changes)


@pytest.mark.parametrize("score", [3, 4, 5])
def test_a_delivered_order_with_good_reviews_shows_none(tmp_path: Path, score: int) -> None:
    assert complaint(tmp_path, delivered(), review(1, score, "2018-03-11 10:00:00", "Produto com defeito")) is None


@pytest.mark.parametrize("score", [1, 2])
def test_a_low_review_is_a_complaint_when_it_is_answered(tmp_path: Path, score: int) -> None:
    shown = complaint(tmp_path, delivered(), review(1, score, "2018-03-11 10:00:00", "com defeito", title="Ruim"))
    # 10:00 in São Paulo, three hours behind
    assert shown == Complaint(at("2018-03-11 13:00:00"), "received", "quality", "Ruim\ncom defeito")


def test_the_first_low_review_speaks(tmp_path: Path) -> None:
    reviews = [
        review(1, 1, "2018-03-14 10:00:00", "quebrado", id="c"),
        review(1, 5, "2018-03-10 10:00:00", "otimo", id="a"),
        review(1, 2, "2018-03-13 10:00:00", "com defeito", id="b"),
    ]
    shown = complaint(tmp_path, delivered(), *reviews)
    assert shown is not None
    assert (shown.moment, shown.reason) == (at("2018-03-13 13:00:00"), "quality")


def test_the_stage_is_that_of_the_moment(tmp_path: Path) -> None:
    def stage(answered: str) -> str | None:
        shown = complaint(tmp_path, delivered(), review(1, 1, answered))
        return shown and shown.stage

    assert stage("2018-03-02 10:00:00") == "unshipped"
    assert stage("2018-03-03 10:00:00") == "in_transit"
    assert stage("2018-03-09 09:59:59") == "in_transit"
    assert stage("2018-03-09 10:00:00") == "received"


def test_silence_about_goods_that_arrived_is_other_and_about_late_ones_not_received(tmp_path: Path) -> None:
    def reason(answered: str, **changes: str) -> str | None:
        shown = complaint(tmp_path, delivered(**changes), review(1, 1, answered, "Péssimo"))
        return shown and shown.reason

    late = "2018-04-09 10:00:00"
    assert reason("2018-03-11 10:00:00") == "other"
    # the promised day counts to its end
    assert reason("2018-03-12 23:59:59", delivered=late) == "other"
    assert reason("2018-03-13 00:00:00", delivered=late) == "not_received"
    assert reason("2018-03-05 10:00:00", delivered="", status="canceled") == "not_received"
    # late, but there when the buyer complains
    assert reason("2018-04-10 10:00:00", delivered=late) == "other"


@pytest.mark.parametrize("status", ["canceled", "unavailable"])
def test_an_order_called_off_is_a_complaint_once_the_promised_day_is_over(tmp_path: Path, status: str) -> None:
    shown = complaint(tmp_path, delivered(status=status, shipped="", delivered=""), review(1, 5, "2018-03-11 10:00:00"))
    assert shown == Complaint(at("2018-03-13 03:00:00"), "unshipped", "not_received", "")


def test_an_order_called_off_that_had_arrived_has_no_known_reason(tmp_path: Path) -> None:
    shown = complaint(tmp_path, delivered(status="canceled"))
    assert shown == Complaint(at("2018-03-13 03:00:00"), "received", "other", "")


def test_an_overdue_order_is_a_complaint_and_one_not_yet_due_is_none(tmp_path: Path) -> None:
    overdue = complaint(tmp_path, delivered(status="shipped", delivered=""))
    assert overdue == Complaint(at("2018-03-13 03:00:00"), "in_transit", "not_received", "")
    # "delivered" without a delivery date is not delivered
    assert complaint(tmp_path, delivered(delivered="")) == overdue
    assert complaint(tmp_path, delivered(status="shipped", delivered="", due="2018-06-02 00:00:00")) is None
    # promised for the day of the last purchase: that day began before it, so the order is overdue, as far as the data knows
    edge = complaint(tmp_path, delivered(status="shipped", delivered="", due="2018-06-01 00:00:00"))
    assert edge == Complaint(at("2018-06-01 15:00:00"), "in_transit", "not_received", "")


def test_an_order_called_off_before_its_promised_day_is_shown_by_the_end_of_the_data(tmp_path: Path) -> None:
    shown = complaint(tmp_path, delivered(status="canceled", shipped="", delivered="", due="2018-07-30 00:00:00"))
    assert shown is not None
    assert shown.moment == at("2018-06-01 15:00:00")


def test_steps_before_the_purchase_count_at_the_purchase(tmp_path: Path) -> None:
    row = delivered(shipped="2018-02-20 10:00:00", status="canceled", delivered="")
    rows: Rows = {"orders": [row], "order_items": [item(1)], "order_reviews": [review(1, 1, "2018-02-01 10:00:00")]}
    placed, shipped, applied, reviewed = events(tmp_path, rows)
    assert {event.moment for event in (placed, shipped, applied, reviewed)} == {at("2018-03-01 13:00:00")}
    assert isinstance(reviewed.record, Order)
    assert reviewed.record.shipped_at == reviewed.record.reviews[0].at == reviewed.record.placed_at
    assert isinstance(applied.record, Application)
    assert applied.record.stage == "in_transit"


def test_every_line_is_applied_for_in_full_to_the_centavo(tmp_path: Path) -> None:
    items = [
        item(1, 1, price="99.9", freight="8.77"),
        item(1, 2, price="0.07", freight="0"),
        item(1, 10, price="10", freight="0.10"),
    ]
    rows: Rows = {"orders": [delivered()], "order_items": items, "order_reviews": [review(1, 1, "2018-03-11 10:00:00")]}
    filed = [event.record for event in events(tmp_path, rows) if isinstance(event.record, Application)]
    assert [(a.id, a.line, a.amount) for a in filed] == [
        ("order1-1", "1", 10_867),
        ("order1-2", "2", 7),
        ("order1-10", "10", 1_010),
    ]
    assert {(a.remedy, a.currency, a.applied_at) for a in filed} == {("refund_only", "BRL", at("2018-03-11 13:00:00"))}


def test_an_order_without_lines_has_nothing_to_apply_for(tmp_path: Path) -> None:
    (placed,) = events(tmp_path, {"orders": [delivered(status="unavailable", shipped="", delivered="")]})
    assert isinstance(placed.record, Order)
    assert placed.record.lines == []


def test_an_order_is_sent_at_each_step_as_it_was_known_then(tmp_path: Path) -> None:
    rows: Rows = {
        "orders": [delivered()],
        "order_items": [item(1), item(1, 2, seller="seller2")],
        "order_reviews": [review(1, 2, "2018-03-11 10:00:00"), review(1, 4, "2018-03-05 10:00:00", id="early")],
    }
    steps = events(tmp_path, rows)
    told = [
        (event.record.shipped_at is not None, event.record.delivered_at is not None, len(event.record.reviews))
        if isinstance(event.record, Order)
        else "applied"
        for event in steps
    ]
    assert told == [
        (False, False, 0),
        (True, False, 0),
        (True, False, 1),
        (True, True, 1),
        "applied",
        "applied",
        (True, True, 2),
    ]
    assert [event.moment for event in steps] == sorted(event.moment for event in steps)
    assert steps[0].accounts == {"person1", "seller1", "seller2"}
    assert steps[5].accounts == {"person1", "seller2"}
    first = steps[0].record
    assert isinstance(first, Order)
    assert (first.buyer, first.lines[0].category, first.promised_at) == (
        "person1",
        "brinquedos",
        at("2018-03-13 03:00:00"),
    )


def test_moments_follow_sao_paulos_summer_time(tmp_path: Path) -> None:
    row = delivered(bought="2018-02-17 12:00:00", shipped="2018-02-18 12:00:00")
    placed, shipped, _ = events(tmp_path, {"orders": [row]})
    assert (placed.moment, shipped.moment) == (at("2018-02-17 14:00:00"), at("2018-02-18 15:00:00"))


def test_one_review_may_be_of_several_orders(tmp_path: Path) -> None:
    rows: Rows = {
        "orders": [delivered(), order(2, bought=BOUGHT, delivered=DELIVERED, due=DUE)],
        "order_items": [item(1), item(2)],
        "order_reviews": [review(n, 1, "2018-03-11 10:00:00", id="shared") for n in (1, 2)],
    }
    filed = [event.record.order for event in events(tmp_path, rows) if isinstance(event.record, Application)]
    assert filed == ["order1", "order2"]
