"""The synthetic marketplace: the same for everybody, in order, possible, and with a story to tell."""

import hashlib
import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest

from evenhand.intake import advance
from evenhand.records import Application, MerchantRule, Order, decode
from evenhand.simulation import BEGINS, ENDS, MARKETS, Event, Labelling, applications_of, simulate
from evenhand.vocabulary import REASONS, REMEDIES, STAGES

SHANGHAI = ZoneInfo("Asia/Shanghai")
CHANGES = {"1688": date(2025, 3, 24), "taobao": date(2024, 8, 9), "pinduoduo": date(2025, 1, 10)}


@cache
def events(orders: int = 8_000, seed: int = 1) -> list[Event]:
    return list(simulate(orders, seed))


def applications() -> list[tuple[str, Application]]:
    return [(event.market, event.what) for event in events() if isinstance(event.what, Application)]


@cache
def buyers() -> dict[tuple[str, str], str]:
    """Who placed an order, by market and order."""
    return {(event.market, event.what.id): event.what.buyer for event in events() if isinstance(event.what, Order)}


def digest(orders: int, seed: int) -> str:
    return hashlib.sha256(msgspec.json.encode(list(simulate(orders, seed)))).hexdigest()


def test_a_seed_makes_the_same_marketplace_in_every_process() -> None:
    program = (
        "import hashlib, msgspec; from evenhand.simulation import simulate;"
        "print(hashlib.sha256(msgspec.json.encode(list(simulate(900, 7)))).hexdigest())"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout.strip()
        for hash_seed in ("0", "1", "4242")
    }
    assert made == {digest(900, 7)}
    assert digest(900, 8) not in made


@pytest.mark.parametrize("orders", [1, 3, 4, 5, 99, 1_500, 8_000])
def test_there_are_exactly_as_many_orders_and_applications_as_asked(orders: int) -> None:
    made = events(orders)
    assert len({(event.market, event.what.id) for event in made if isinstance(event.what, Order)}) == orders
    filed = [(event.market, event.what.id) for event in made if isinstance(event.what, Application)]
    assert len(filed) == len(set(filed)) == applications_of(orders)


def test_events_come_in_the_order_of_time_and_orders_before_applications_each_day() -> None:
    made = events()
    assert made == sorted(made, key=lambda event: event.at)
    # so whoever sends a day as two batches has no ruling miss, or foresee, anything
    for before, after in pairwise(made):
        if isinstance(before.what, Application) and isinstance(after.what, Order):
            assert before.at.astimezone(SHANGHAI).date() < after.at.astimezone(SHANGHAI).date()


def test_every_record_is_one_the_doors_take() -> None:
    for event in events():
        sent = msgspec.json.encode(event.what)
        if isinstance(event.what, Order):
            assert decode(sent, Order) == event.what
        elif isinstance(event.what, Application):
            assert decode(sent, Application) == event.what


def test_orders_only_move_forward_and_applications_are_about_what_is_known_by_then() -> None:
    known: dict[tuple[str, str], Order] = {}
    for at, market, what in events():
        if isinstance(what, Order):
            moved, happened = advance(known.get((market, what.id)), what)  # refuses a contradiction
            assert moved == msgspec.structs.replace(what, attributes=None)
            assert happened or moved.shipped_at == at, "it says something new"
            moments = [what.placed_at, what.shipped_at, what.delivered_at, *(review.at for review in what.reviews)]
            assert at == max(moment for moment in moments if moment)
            known[market, what.id] = moved
        elif isinstance(what, Application):
            order = known[market, what.order]
            [line] = order.lines
            assert what.applied_at == at > order.placed_at
            assert what.amount <= line.amount
            match what.stage:
                case "received":
                    assert order.delivered_at
                case "in_transit":
                    assert order.shipped_at
                    assert not order.delivered_at
                case "unshipped":
                    assert not order.shipped_at


def test_every_market_has_applications_of_every_kind_before_and_after_its_change() -> None:
    seen: defaultdict[tuple[str, bool], Counter[str]] = defaultdict(Counter)
    for market, filed in applications():
        assert filed.applied_at
        after = filed.applied_at.astimezone(SHANGHAI).date() >= CHANGES[market]
        seen[market, after].update([filed.remedy, filed.stage, filed.reason])
    assert set(seen) == {(market.id, after) for market in MARKETS for after in (False, True)}
    for kinds in seen.values():
        assert set(kinds) == {*REMEDIES, *STAGES, *REASONS}
    assert events()[0].at.astimezone(SHANGHAI).date() == BEGINS
    placed = [event.what.placed_at for event in events() if isinstance(event.what, Order)]
    assert max(placed).astimezone(SHANGHAI).date() == ENDS


def test_most_buyers_complain_now_and_then_and_a_few_abuse() -> None:
    placed: Counter[tuple[str, str]] = Counter((market, buyer) for (market, _), buyer in buyers().items())
    filed: Counter[tuple[str, str]] = Counter()
    refund_only: Counter[tuple[str, str]] = Counter()
    counterfeit: Counter[tuple[str, str]] = Counter()
    for market, application in applications():
        buyer = market, buyers()[market, application.order]
        filed[buyer] += 1
        refund_only[buyer] += application.remedy == "refund_only"
        counterfeit[buyer] += application.reason == "counterfeit"
    assert sum(filed[buyer] <= placed[buyer] / 4 for buyer in placed) > 0.6 * len(placed)
    abusers = {buyer for buyer in placed if refund_only[buyer] > 0.4 * placed[buyer] and counterfeit[buyer] >= 4}
    assert 1 <= len(abusers) < 0.04 * len(placed)
    assert {market for market, _ in abusers} == set(CHANGES)


def test_pinduoduo_labels_buyers_with_a_cause_once_its_policy_knows_labels() -> None:
    bought_by = buyers()
    filed: Counter[str] = Counter()
    labelled: Counter[str] = Counter()
    for at, market, what in events():
        if isinstance(what, Application) and market == "pinduoduo":
            filed[bought_by[market, what.order]] += 1
        elif isinstance(what, Labelling):
            assert market == "pinduoduo"
            assert at >= datetime(2025, 1, 10, tzinfo=SHANGHAI)
            assert filed[what.buyer] >= 5
            assert what.cause.startswith("Synthetic")
            assert what.until > at
            labelled[what.label] += 1
    assert set(labelled) == {"malicious", "watched"}


def test_merchants_of_1688_set_rules_of_their_own_from_august_2024() -> None:
    rules = [event for event in events() if isinstance(event.what, MerchantRule)]
    assert {event.market for event in rules} == {"1688"}
    assert {event.at for event in rules} == {datetime(2024, 8, 1, tzinfo=SHANGHAI)}
    stores = {line.merchant for event in events() if isinstance(event.what, Order) for line in event.what.lines}
    decisions: set[str] = set()
    for event in rules:
        assert isinstance(event.what, MerchantRule)
        assert event.what.merchant in stores
        assert event.what.valid_from == event.at
        decisions.add(event.what.decision)
    assert decisions == {"refund_without_return", "exchange", "partial_refund"}


def test_stores_differ_in_what_an_experience_score_looks_at() -> None:
    last = {(event.market, event.what.id): event.what for event in events() if isinstance(event.what, Order)}
    scores: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    late: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
    for (market, _), order in last.items():
        store = market, order.lines[0].merchant
        scores[store] += [review.score for review in order.reviews]
        if order.delivered_at and order.promised_at:
            late[store].append(order.delivered_at > order.promised_at)
    for market in CHANGES:
        stores = [store for store in late if store[0] == market]
        means = sorted(sum(scores[store]) / len(scores[store]) for store in stores)
        lateness = sorted(sum(late[store]) / len(late[store]) for store in stores)
        assert means[0] < 3.6
        assert means[-1] > 4.7
        assert lateness[0] < 0.05
        assert lateness[-1] > 0.2


def test_nothing_in_it_can_be_taken_for_real() -> None:
    for market in MARKETS:
        assert "synthetic" in market.name
    for event in events():
        assert "synthetic" in event.what.id
    assert events()[-1].at < datetime.now(UTC)
