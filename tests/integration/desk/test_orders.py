"""Orders move forward, feed the history, and never contradict themselves."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from evenhand.desk import Desk, OrderTaken
from evenhand.erasure import erase_person
from evenhand.errors import BadInput, Conflict, UnknownThing
from evenhand.evidence.vault import open_vault
from evenhand.records import Attributes, OrderLine, Review
from evenhand.store import Database

from .conftest import NOW, make_application, make_order


async def facts_now(desk: Desk, database: Database, order: int) -> dict[str, Any]:
    """The history facts an application about this order would be ruled by."""
    await desk.rule([("shop", make_application(order, id=f"probe-{order}", reason="other", amount=1))])
    text = await database.pool.fetchval("select a.facts from application a where id = $1", f"probe-{order}")
    return msgspec.json.decode(text)["history"]


async def test_an_order_moves_forward_and_each_step_counts_once(desk: Desk, database: Database) -> None:
    placed = make_order(1, delivered_at=None)
    delivered = make_order(1, delivered_at=NOW - timedelta(days=10))  # promised 15 days ago: late
    reviewed = msgspec.structs.replace(delivered, reviews=[Review("r1", 2, NOW - timedelta(days=9))])
    for step, repeated in (
        (placed, False),
        (placed, True),
        (delivered, False),
        (reviewed, False),
        (reviewed, True),
        (placed, True),
    ):
        assert await desk.take_orders([("shop", step)]) == [OrderTaken("order-1", repeated)]
    facts = await facts_now(desk, database, 1)
    assert facts["buyer_orders_365d"] == 1
    assert facts["buyer_days_known"] == 20
    assert facts["merchant_orders_365d"] == 1
    assert facts["merchant_deliveries_365d"] == 1
    assert facts["merchant_late_deliveries_365d"] == 1
    assert (facts["merchant_reviews_365d"], facts["merchant_review_points_365d"]) == (1, 2)


async def test_all_steps_in_one_batch_count_as_one_by_one(desk: Desk, database: Database) -> None:
    placed = make_order(1, delivered_at=None)
    delivered = make_order(1)
    answers = await desk.take_orders([("shop", placed), ("shop", delivered), ("shop", delivered)])
    assert answers == [OrderTaken("order-1", False), OrderTaken("order-1", False), OrderTaken("order-1", True)]
    facts = await facts_now(desk, database, 1)
    assert (
        facts["merchant_orders_365d"],
        facts["merchant_deliveries_365d"],
        facts["merchant_late_deliveries_365d"],
    ) == (1, 1, 0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"buyer": "somebody-else"}, "buyer"),
        ({"placed_at": NOW - timedelta(days=19)}, "placed_at"),
        ({"delivered_at": NOW - timedelta(days=3)}, "delivered_at"),
        ({"lines": [OrderLine("1", "store-1", 10_001, "toys")]}, "lines"),
        ({"reviews": [Review("r1", 1, NOW - timedelta(days=9))]}, "reviews[0]"),
    ],
)
async def test_what_was_said_once_cannot_be_changed(
    desk: Desk, database: Database, changes: dict[str, Any], field: str
) -> None:
    known = make_order(1, reviews=[Review("r1", 5, NOW - timedelta(days=9))])
    await desk.take_orders([("shop", known)])
    conflict, other = await desk.take_orders(
        [("shop", msgspec.structs.replace(known, **changes)), ("shop", make_order(2))]
    )
    assert isinstance(conflict, Conflict)
    assert conflict.field == field
    assert other == OrderTaken("order-2", False)
    assert await database.pool.fetchval("select count(*) from orders") == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"currency": "USD"}, "currency"),
        ({"placed_at": NOW + timedelta(hours=1)}, "placed_at"),
        ({"delivered_at": NOW - timedelta(days=21)}, "delivered_at"),
        ({"shipped_at": NOW + timedelta(days=1)}, "shipped_at"),
        ({"reviews": [Review("r", 3, NOW - timedelta(days=30))]}, "reviews[0].at"),
        ({"lines": [OrderLine("1", "a", 1), OrderLine("1", "b", 2)]}, "lines[1].id"),
    ],
)
async def test_a_bad_order_is_told_the_field_and_leaves_no_trace(
    desk: Desk, database: Database, changes: dict[str, Any], field: str
) -> None:
    (answer,) = await desk.take_orders([("shop", make_order(1, **changes))])
    assert isinstance(answer, BadInput)
    assert answer.field == field
    assert await database.pool.fetchval("select count(*) from orders") == 0
    assert await database.pool.fetchval("select count(*) from account") == 0


async def test_an_unknown_market_is_told(desk: Desk) -> None:
    (answer,) = await desk.take_orders([("nowhere", make_order(1))])
    assert isinstance(answer, UnknownThing)


async def test_an_order_without_lines_counts_for_its_buyer(desk: Desk, database: Database) -> None:
    await desk.take_orders([("shop", make_order(4, lines=[])), ("shop", make_order(1))])
    assert (await facts_now(desk, database, 1))["buyer_orders_365d"] == 2


async def test_an_order_of_an_erased_person_goes_on_by_its_id_and_brings_the_name_back_nowhere(
    desk: Desk, database: Database, tmp_path: Path
) -> None:
    placed = make_order(1, buyer="wang-8472", delivered_at=None)
    await desk.take_orders([("shop", placed)])
    done = await erase_person(
        database.pool, open_vault(None, tmp_path), "shop", "buyer", "wang-8472", by="Li", now=NOW, despite=""
    )
    attributes = Attributes(device=["phone-1"])
    delivered = make_order(1, buyer="wang-8472", delivered_at=NOW - timedelta(days=10), attributes=attributes)
    assert await desk.take_orders([("shop", delivered)]) == [OrderTaken("order-1", False)]
    assert await desk.take_orders([("shop", delivered)]) == [OrderTaken("order-1", True)]
    row = await database.pool.fetchrow(
        "select a.id, o.delivered_at from orders o join account a on a.no = o.buyer where o.id = 'order-1'"
    )
    assert tuple(row or ()) == (done.pseudonym, NOW - timedelta(days=10))
    assert not await database.pool.fetchval("select exists (select from account where id = 'wang-8472')")
    # what else was said of it is compared as ever, and so is the buyer of an order of anybody who was not erased
    other = msgspec.structs.replace(delivered, placed_at=NOW - timedelta(days=21))
    (answer,) = await desk.take_orders([("shop", other)])
    assert isinstance(answer, Conflict)
    await desk.take_orders([("shop", make_order(2))])
    (answer,) = await desk.take_orders([("shop", make_order(2, buyer="somebody-else"))])
    assert isinstance(answer, Conflict)
    assert answer.field == "buyer"


async def test_an_order_from_an_erased_store_goes_on_too(desk: Desk, database: Database, tmp_path: Path) -> None:
    await desk.take_orders([("shop", make_order(1, delivered_at=None))])
    store = make_order(1).lines[0].merchant
    done = await erase_person(database.pool, open_vault(None, tmp_path), "shop", "merchant", store, by="Li", now=NOW)
    review = [Review("r-1", 5, NOW - timedelta(days=9))]
    (answer,) = await desk.take_orders([("shop", make_order(1, reviews=review))])
    assert answer == OrderTaken("order-1", False)
    assert not await database.pool.fetchval("select exists (select from account where id = $1)", store)
    called = await database.pool.fetch(
        "select m.id from order_line l join account m on m.no = l.merchant where l.order_id = 'order-1' order by l.id"
    )
    assert [row["id"] for row in called] == [done.pseudonym, "store-9"]
    # the other store of the order is compared as ever, and so is what the erased one was paid
    for place, change in ((1, {"merchant": "store-8"}), (0, {"amount": 1})):
        lines = list(make_order(1).lines)
        lines[place] = msgspec.structs.replace(lines[place], **change)
        (answer,) = await desk.take_orders([("shop", make_order(1, lines=lines, reviews=review))])
        assert isinstance(answer, Conflict)
        assert answer.field == "lines"
