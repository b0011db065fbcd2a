"""The fold and the SQL give the same facts, for any stream of events in any order of arrival; and both give a plain count."""

import random
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.history import BUYER, MERCHANT, PAIR
from evenhand.history.batch import point_in_time
from evenhand.history.facts import Figure, counts, declared, rate_facts, rate_of
from evenhand.history.stored import pack
from evenhand.history.tiles import LATE_DAYS
from evenhand.measures import BUYER_MEASURES, MEASURES, MERCHANT_MEASURES, PAIR_MEASURES, RATES, Measure
from evenhand.vocabulary import OUTCOMES, REASONS, REMEDIES, STAGES

Choose = Callable[[Sequence[Any]], Any]
FACTS = sorted(BUYER.names | MERCHANT.names | PAIR.names)
NAMED = [f"history.{name}" for name in FACTS]
BATCH = point_in_time(NAMED)
COLUMNS = (
    "seq",
    "day",
    "kind",
    "buyer",
    "merchant",
    "weight",
    "remedy",
    "reason",
    "stage",
    "outcome",
    "source",
    "late",
    "score",
    "amount",
    "used",
)
TYPES = (
    "bigint",
    "int",
    "text",
    "int",
    "int",
    "int",
    "text",
    "text",
    "text",
    "text",
    "text",
    "text",
    "int",
    "bigint",
    "int",
)


@dataclass(frozen=True)
class Happened:
    day: int
    kind: Any
    buyer: int | None
    merchant: int | None
    weight: int = 1
    fields: dict[str, Any] = field(default_factory=dict[str, Any])


def stream(choose: Choose, steps: int, accounts: int, late: bool) -> list[Happened]:
    """Events in the order they arrive: time goes on in small steps and in leaps, and some things are told late."""
    clock, events = 20_000, list[Happened]()
    standing, found = list[Happened](), list[Happened]()
    for _ in range(steps):
        clock += choose([0, 0, 0, 1, 2, 7, 30, 89, 90, 91, 200, 365, 366] if accounts < 3 else [0, 0, 0, 0, 1])
        kind = choose(["order", "delivery", "review", "answer", "finding", "ruled", "ruled", "ruling"])
        buyer, merchant = choose(range(1, 1 + accounts)), choose(range(101, 101 + accounts))
        behind = choose([0, 0, 0, 1, 5, LATE_DAYS] if kind == "ruled" else [0, 0, 1, 90, 365, 396, 397, 1000])
        day, amount = clock - (behind if late else 0), choose([1, 99, 2**31, 9_000_000_000])
        match kind:
            case "order":
                events.append(Happened(day, kind, buyer, None, 1, {"amount": amount}))
                events.append(Happened(day, kind, None, merchant, 1, {"amount": amount}))
            case "delivery":
                events.append(Happened(day, kind, None, merchant, 1, {"late": choose(["true", "false"])}))
            case "review":
                events.append(Happened(day, kind, None, merchant, 1, {"score": choose(range(1, 6))}))
            case "answer":
                said = {"late": choose(["true", "false"]), "used": choose([0, 40, 100, 500])}
                events.append(Happened(day, kind, None, merchant, 1, said))
            case "finding":
                if found and late and choose([True, False]):  # it is turned over
                    first = found.pop(choose(range(len(found))))
                    events.append(Happened(first.day, kind, first.buyer, None, -1))
                else:
                    events.append(Happened(day, kind, buyer, None))
                    found.append(events[-1])
            case "ruled":
                events.append(Happened(day, kind, buyer, merchant, 1, filed(choose, amount) | ruled(choose)))
                standing.append(events[-1])
            case _:  # a person turns a ruling over: the one given that day is taken back, and another counts today
                if standing and late:
                    first = standing.pop(choose(range(len(standing))))
                    events.append(Happened(first.day, "ruling", first.buyer, first.merchant, -1, first.fields))
                    events.append(Happened(clock, "ruling", first.buyer, first.merchant, 1, ruled(choose, "person")))
    return events


def filed(choose: Choose, amount: int) -> dict[str, Any]:
    return {"remedy": choose(REMEDIES), "stage": choose(STAGES), "reason": choose(REASONS), "amount": amount}


def ruled(choose: Choose, source: str = "policy") -> dict[str, Any]:
    return {"outcome": choose(OUTCOMES), "source": source}


@st.composite
def streams(draw: st.DrawFn) -> list[Happened]:
    return stream(lambda some: draw(st.sampled_from(some)), draw(st.integers(0, 40)), 2, late=True)


def folded(events: list[Happened]) -> Iterator[dict[str, Figure]]:
    """The facts each application is ruled on, online: the state is stored and read again after every event."""
    buyers: dict[int, array[int]] = {}
    merchants: dict[int, array[int]] = {}
    for event in events:
        if event.kind == "ruled":
            assert event.buyer is not None
            assert event.merchant is not None
            buyer = buyers.get(event.buyer, array("I"))
            yield (
                BUYER.facts(buyer, event.day, BUYER.names)
                | MERCHANT.facts(merchants.get(event.merchant, array("I")), event.day, MERCHANT.names)
                | PAIR.facts(buyer, event.merchant, event.day, PAIR.names)
            )
        if event.buyer is not None:
            tiles = buyers.get(event.buyer, array("I"))
            BUYER.fold(tiles, event.day, event.kind, event.fields, event.weight)
            if event.merchant is not None:
                PAIR.fold(tiles, event.merchant, event.day, event.kind, event.fields, event.weight)
            buyers[event.buyer] = BUYER.unpack(pack(tiles))
        if event.merchant is not None:
            tiles = merchants.get(event.merchant, array("I"))
            MERCHANT.fold(tiles, event.day, event.kind, event.fields, event.weight)
            merchants[event.merchant] = MERCHANT.unpack(pack(tiles))


def load(connection: duckdb.DuckDBPyConnection, events: list[Happened]) -> None:
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(COLUMNS, TYPES, strict=True))
    connection.execute(f"create or replace table events ({columns})")
    rows = [
        [seq, one.day, one.kind, one.buyer, one.merchant, one.weight, *(one.fields.get(name) for name in COLUMNS[6:])]
        for seq, one in enumerate(events)
    ]
    if rows:
        connection.executemany(f"insert into events values ({', '.join('?' * len(COLUMNS))})", rows)
    connection.execute(
        "create or replace view asks as select seq as ask, seq, day, buyer, merchant from events where kind = 'ruled'"
    )


def computed(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Figure]]:
    rows = connection.execute(f"select * from ({query}) order by ask").fetchall()
    return [dict(zip(FACTS, row[1:], strict=True)) for row in rows]


def counted(events: list[Happened], place: int) -> dict[str, Figure]:
    """What the declarations say in plain words, counted one by one over everything that arrived before."""
    ask = events[place]
    facts: dict[str, Figure] = {}
    for owner, measures in (("buyer", BUYER_MEASURES), ("merchant", MERCHANT_MEASURES), ("pair", PAIR_MEASURES)):
        mine = [
            one
            for one in events[:place]
            if owner == "merchant" or one.buyer == ask.buyer
            if owner == "buyer" or one.merchant == ask.merchant
        ]
        kinds = {one.of for one in measures} | {"ruled"}
        known = [one.day for one in mine if one.kind in kinds]
        if owner != "pair":
            facts[f"{owner}_days_known"] = max(0, ask.day - min(known, default=ask.day))
        for name, (measure, days) in declared(owner, measures).items():
            within = [one for one in mine if ask.day - days <= one.day <= ask.day]
            facts[name] = amount(within, measure)
        for rate in RATES:
            if rate.owner == owner:
                facts |= {name: rate_of(facts[part], facts[whole]) for name, (part, whole) in rate_facts(rate)}
    return facts


def amount(events: list[Happened], measure: Measure) -> int:
    if measure.days_of:
        (base,) = [one for one in MEASURES if (one.owner, one.name) == (measure.owner, measure.days_of)]
        return sum(amount([one for one in events if one.day == day], base) > 0 for day in {one.day for one in events})
    told = (measure.of, "ruled") if measure.of in ("application", "ruling") else (measure.of,)
    found = [one for one in events if one.kind in told and counts(measure, one.fields)]
    return sum(one.weight * (one.fields[measure.adds] if measure.adds else 1) for one in found)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


@pytest.mark.parametrize(("seed", "accounts"), [(1, 1), (2, 2), (3, 40)])
def test_the_fold_and_the_query_agree_whatever_arrives_late(
    connection: duckdb.DuckDBPyConnection, seed: int, accounts: int
) -> None:
    events = stream(random.Random(seed).choice, 1500, accounts, late=True)
    load(connection, events)
    assert computed(connection, BATCH) == list(folded(events))


@pytest.mark.parametrize(("seed", "accounts"), [(4, 2), (5, 40)])
def test_the_fold_and_the_query_agree_when_nothing_is_late(
    connection: duckdb.DuckDBPyConnection, seed: int, accounts: int
) -> None:
    events = stream(random.Random(seed).choice, 1500, accounts, late=False)
    load(connection, events)
    assert computed(connection, BATCH) == list(folded(events))


def test_asks_of_some_days_are_answered_as_among_all(connection: duckdb.DuckDBPyConnection) -> None:
    """What no window reaches is left out, and what lies between the asks is not."""
    events = stream(random.Random(6).choice, 1500, 10, late=True)
    load(connection, events)
    asked = [place for place, one in enumerate(events) if one.kind == "ruled"]
    some = asked[len(asked) // 2 : len(asked) // 2 + 90 : 3]
    connection.execute(f"create or replace table few as select * from asks where seq in ({', '.join(map(str, some))})")
    among_all = dict(zip(asked, folded(events), strict=True))
    assert computed(connection, point_in_time(NAMED, asks="few")) == [among_all[place] for place in some]


@settings(max_examples=20, deadline=None)
@given(events=streams())
def test_the_query_agrees_on_whatever_is_drawn(connection: duckdb.DuckDBPyConnection, events: list[Happened]) -> None:
    load(connection, events)
    assert computed(connection, BATCH) == list(folded(events))


@settings(max_examples=60, deadline=None)
@given(events=streams())
def test_the_fold_is_a_plain_count(events: list[Happened]) -> None:
    """Nothing that arrived after, nothing of a later day, and everything else that the window holds."""
    asked = [place for place, one in enumerate(events) if one.kind == "ruled"]
    assert list(folded(events)) == [counted(events, place) for place in asked]


def test_a_rate_is_exact_and_at_most_one() -> None:
    assert rate_of(1, 3) == Decimal("0.3333")
    assert rate_of(2, 3) == Decimal("0.6667")
    assert rate_of(1, 20_000) == Decimal("0.0001")  # half up
    assert rate_of(5, 2) == Decimal("1.0000")
    assert rate_of(5, 0) is None
