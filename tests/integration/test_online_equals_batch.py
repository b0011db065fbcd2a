"""What the desk ruled on is what the SQL counts over the store's own events: orders, applications, cases, much of it late."""

import asyncio
import random
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import duckdb
import msgspec

from evenhand.booking import Ruled
from evenhand.cases.actions import ACTIONS
from evenhand.casework import Casework
from evenhand.desk import Desk
from evenhand.errors import EvenhandError
from evenhand.history import BUYER, MERCHANT, PAIR
from evenhand.history.batch import point_in_time
from evenhand.policy import Policy
from evenhand.records import Application, Market, Order, OrderLine, Review
from evenhand.store import Database, Queries
from tests.integration.cases.conftest import ANNA, BORIS, Clock

_EVENTS = Queries.load("history").events
_READ = sorted(BUYER.names | MERCHANT.names | PAIR.names)


def _looking(names: list[str], number: int) -> str:
    """A table that reads facts and decides nothing."""
    head = " | ".join(["F", *(f"history.{name}" for name in names), f"→ looked_{number}"])
    return f"## Look {number}\n| {head} |\n|{'---|' * (len(names) + 2)}\n| 1 | {'- | ' * len(names)} true |\n"


# reads every windowed fact, and gives every kind of ruling
CURIOUS = f"""---
policy: curious
version: 1
effective: 2020-01-01
---
# Curious

Every figure is looked at; none decides.

{"".join(_looking(_READ[at : at + 40], at) for at in range(0, len(_READ), 40))}
## Ruling
| F | application.reason | → outcome | → payer | → respond_within_hours |
|---|---|---|---|---|
| 1 | "no_reason" | decline | none | null |
| 2 | "quality" | negotiate | none | 48 |
| 3 | "counterfeit" | review | none | null |
| 4 | "damaged" | subsidise | platform | null |
| 5 | - | refund_by_merchant | merchant | null |
"""
_REASONS = ("no_reason", "quality", "quality", "counterfeit", "damaged", "not_received", "other")
_GROUNDS = ("goods.defective", "return.empty")
_OUTCOMES = ("subsidise", "refund_by_merchant", "decline", "return_and_refund")


async def test_online_facts_are_what_batch_counts_over_the_stores_events(database: Database) -> None:
    clock = Clock()
    desk = await Desk.open(database, clock=clock)
    try:
        await desk.register(Policy.parse(CURIOUS))
        await desk.add_market(
            Market("bazaar", "Bazaar", "curious", "CNY", "America/New_York", pinned="1"), synthetic=True
        )
        # another market's events are none of the first one's
        await desk.add_market(Market("other", "Other", "curious", "CNY", "Asia/Shanghai", pinned="1"), synthetic=True)
        filed = await _live(desk, Casework(desk, database, clock=clock), clock)
        number = desk.markets["bazaar"].number
    finally:
        await desk.close()
    stored = {
        row["no"]: {
            f"history.{name}": value for name, value in msgspec.json.decode(row["history"], type=dict[str, Any]).items()
        }
        for row in await database.pool.fetch(
            "select no, facts(a) ->> 'history' as history from application a where market = $1", number
        )
    }
    assert len(stored) == filed > 250
    counted = _counted([dict(row) for row in await database.pool.fetch(_EVENTS, number)])
    assert counted.keys() == stored.keys()
    names = [f"history.{name}" for name in _READ]
    for case, facts in stored.items():
        assert {name: _exact(facts[name]) for name in names} == counted[case]
    # it was no easy day: everything moved, and things came late
    for name in (
        "buyer_declined_365d",
        "buyer_empty_returns_365d",
        "merchant_disputes_lost_365d",
        "merchant_answers_365d",
        "pair_applications_30d",
    ):
        assert len({facts[f"history.{name}"] for facts in stored.values()}) > 3, name


async def _live(desk: Desk, work: Casework, clock: Clock) -> int:
    """Some months of a marketplace, told in an order that is not that of what happened; how many applications were ruled."""
    draw = random.Random(7)
    orders: list[tuple[str, Order]] = []
    cases: list[tuple[str, str, str]] = []
    filed = 0
    for turn in range(60):
        clock.move(hours=draw.choice([1, 3, 20, 50, 200]))
        placed = [_order(draw, clock, f"{turn}-{place}") for place in range(8)]
        orders += [(draw.choice(["bazaar"] * 7 + ["other"]), one) for one in placed]
        news = [
            *orders[-len(placed) :],
            *[(market, _further(draw, clock, one)) for market, one in draw.sample(orders, 6)],
        ]
        known = dict[tuple[str, str], tuple[str, Order]]()
        for market, one in news:
            known[market, one.id] = (market, one)
        about = draw.choices(orders, k=6)
        applications = [
            (market, _application(draw, clock, one, f"{turn}-{place}")) for place, (market, one) in enumerate(about)
        ]
        # both at once, from two sides: who comes first is not ours to say
        taken, ruled = await asyncio.gather(desk.take_orders(list(known.values())), desk.rule(applications))
        orders = [known.get((market, one.id), (market, one)) for market, one in orders]
        assert not [one for one in taken if isinstance(one, EvenhandError)]
        for (market, application), (_, order), answer in zip(applications, about, ruled, strict=True):
            if isinstance(answer, Ruled):
                filed += market == "bazaar"
                (merchant,) = [line.merchant for line in order.lines if line.id == application.line]
                cases.append((answer.case, order.buyer, merchant))
        while await work.tick():
            pass
        for case in draw.sample(cases, min(3, len(cases))):
            await _act(draw, work, *case)
    return filed


def _order(draw: random.Random, clock: Clock, name: str) -> Order:
    placed = clock.now - timedelta(days=draw.choice([0, 0, 1, 5, 40, 200, 390]), hours=draw.randrange(24))
    lines = [
        OrderLine(str(line), f"store-{draw.randrange(4)}", draw.randrange(100, 90_000), "toys")
        for line in range(draw.choice([1, 1, 2, 3]))
    ]
    promised = placed + timedelta(days=3) if draw.random() < 0.8 else None
    return Order(f"order-{name}", f"buyer-{draw.randrange(6)}", placed, "CNY", lines, promised)


def _further(draw: random.Random, clock: Clock, order: Order) -> Order:
    """The same order, told again: delivered or reviewed by now, sometimes long ago."""
    moment = order.placed_at + (clock.now - order.placed_at) * draw.random()
    if order.delivered_at is None:
        order = msgspec.structs.replace(order, delivered_at=moment)
    elif len(order.reviews) < 3:
        review = Review(str(len(order.reviews)), draw.randrange(1, 6), moment)
        order = msgspec.structs.replace(order, reviews=[*order.reviews, review])
    if order.promised_at is None and draw.random() < 0.3:  # a promise told after the delivery
        order = msgspec.structs.replace(order, promised_at=order.placed_at)
    return order


def _application(draw: random.Random, clock: Clock, order: Order, name: str) -> Application:
    line = draw.choice(order.lines)
    # within the days for which windows are whole
    earliest = max(order.placed_at, clock.now - timedelta(days=30))
    moment = clock.now if draw.random() < 0.6 else earliest + (clock.now - earliest) * draw.random()
    return Application(
        f"application-{name}", order.id, line.id, draw.choice(["refund_only", "return_and_refund", "exchange"]),
        draw.choice(["unshipped", "in_transit", "received"]), draw.choice(_REASONS), draw.randrange(1, 1 + line.amount // 4),
        "CNY", moment,
    )  # fmt: skip


async def _act(draw: random.Random, work: Casework, case: str, buyer: str, merchant: str) -> None:
    """A store answers, a person rules, the buyer appeals and another person rules again: whatever the case allows."""
    as_buyer, as_merchant = {"role": "buyer", "id": buyer}, {"role": "merchant", "id": merchant}
    for by, action, fields in (
        (as_merchant, "decline", {"why": "It is as described."}),
        (as_buyer, "escalate", {}),
        (ANNA, "claim", {}),
        (ANNA, "rule", {"outcome": draw.choice(_OUTCOMES), "grounds": [draw.choice(_GROUNDS)]}),
        (as_buyer, "appeal", {"why": "The photograph shows it.", "evidence": ["photo-2.jpg"]}),
        (BORIS, "claim", {}),
        (BORIS, "rule", {"outcome": draw.choice(_OUTCOMES), "grounds": [draw.choice(_GROUNDS)]}),
    ):
        with suppress(EvenhandError):
            await work.act(int(case), msgspec.convert({"by": by, **fields}, ACTIONS[action][0]))


def _counted(events: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """What the batch says of each application, by case."""
    with duckdb.connect() as connection:
        connection.execute("""
            create table events (seq bigint, day int, kind text, buyer bigint, merchant bigint, weight int, remedy text,
                                 reason text, stage text, outcome text, source text, late text, score int, amount bigint,
                                 used int, ask bigint)
        """)
        marks = ", ".join("?" * 16)
        connection.executemany(f"insert into events values ({marks})", [list(event.values()) for event in events])
        connection.execute(
            "create view asks as select ask, seq, day, buyer, merchant from events where ask is not null"
        )
        names = [f"history.{name}" for name in _READ]
        rows = connection.execute(point_in_time(names)).fetchall()
    return {row[0]: dict(zip(names, map(_exact, row[1:]), strict=True)) for row in rows}


def _exact(value: Any) -> Any:
    return round(Decimal(str(value)), 4) if isinstance(value, float | Decimal) else value
