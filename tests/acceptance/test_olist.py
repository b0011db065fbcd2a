"""`evenhand import olist` on the real data, its counts checked against a computation of their own.

The computation below reads the files with the csv module and follows the definition in docs/how-to/import-olist.md; it uses
nothing of the importer. The data may not be copied into the project: it is looked for where EVENHAND_OLIST says, or beside
the repository in shared/data/olist.
"""

import asyncio
import csv
import json
import os
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from evenhand.history import BUYER, MERCHANT, PAIR
from evenhand.vocabulary import OUTCOMES, REASONS, STAGES

ROOT = Path(__file__).parents[2]
OLIST = Path(os.environ.get("EVENHAND_OLIST") or ROOT.parent / "shared" / "data" / "olist")
LIMIT_SECONDS = 300

pytestmark = pytest.mark.skipif(
    not (OLIST / "orders.csv").exists() and not (OLIST / "olist_orders_dataset.csv").exists(),
    reason=f"Olist's data is not in {OLIST}; name its folder with EVENHAND_OLIST",
)

Row = dict[str, str]


def command(url: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "evenhand", "import", "olist", str(OLIST), "--database", url, *options]


def run(url: str, *options: str) -> str:
    done = subprocess.run(command(url, *options), capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


# ---------------------------------------------------------------------------------------- what it must be, by the definition


def read(name: str) -> list[Row]:
    path = OLIST / f"{name}.csv"
    if not path.exists():
        path = OLIST / f"olist_{name}_dataset.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def by_order(rows: list[Row]) -> defaultdict[str, list[Row]]:
    grouped: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["order_id"]].append(row)
    return grouped


@dataclass
class Expected:
    """An application as it must be: times as written in the files, those of São Paulo."""

    amount: int
    applied_at: str
    stage: str
    category: str
    # what the buyer wrote in the review that complains; None where none does
    comment: str | None


@dataclass
class Truth:
    orders: list[Row]
    items: list[Row]
    reviews: list[Row]
    applications: dict[str, Expected]


def centavos(item: Row) -> int:
    return int((Decimal(item["price"]) + Decimal(item["freight_value"])) * 100)


def next_midnight(text: str) -> str:
    return str(datetime.fromisoformat(text[:10]) + timedelta(days=1))


@pytest.fixture(scope="module")
def truth() -> Truth:
    orders, items, reviews = read("orders"), read("order_items"), read("order_reviews")
    categories = {row["product_id"]: row["product_category_name"] for row in read("products")}
    items_of, reviews_of = by_order(items), by_order(reviews)
    last_purchase = max(row["order_purchase_timestamp"] for row in orders)
    applications: dict[str, Expected] = {}
    for order in orders:
        bought, promised = order["order_purchase_timestamp"], order["order_estimated_delivery_date"]
        low = [row for row in reviews_of[order["order_id"]] if row["review_score"] in ("1", "2")]
        low.sort(key=lambda row: (row["review_answer_timestamp"], row["review_id"]))
        undelivered = not order["order_delivered_customer_date"]
        if not (
            low or order["order_status"] in ("canceled", "unavailable") or (undelivered and promised < last_purchase)
        ):
            continue
        shown = low[0]["review_answer_timestamp"] if low else min(next_midnight(promised), last_purchase)
        moment = max(shown, bought)
        stage = "unshipped"
        for column, then in (
            ("order_delivered_carrier_date", "in_transit"),
            ("order_delivered_customer_date", "received"),
        ):
            if order[column] and max(order[column], bought) <= moment:
                stage = then
        comment = f"{low[0]['review_comment_title']} {low[0]['review_comment_message']}".strip() if low else None
        for item in items_of[order["order_id"]]:
            applications[f"{order['order_id']}-{item['order_item_id']}"] = Expected(
                centavos(item), moment, stage, categories[item["product_id"]], comment
            )
    return Truth(orders, items, reviews, applications)


# -------------------------------------------------------------------------------------------------------------- what it is


@dataclass
class Imported:
    url: str
    summary: dict[str, Any]
    applications: dict[str, asyncpg.Record]
    connection: asyncpg.Connection


@pytest.fixture(scope="module")
async def imported(template_url: str, database_url: str) -> AsyncGenerator[Imported]:
    """One import into a database of its own, for all tests here."""
    name = f"evenhand_olist_{os.getpid()}"
    server = await asyncpg.connect(database_url)
    await server.execute(f"create database {name} template {urlsplit(template_url).path[1:]}")
    url = urlsplit(template_url)._replace(path=f"/{name}").geturl()
    summary = json.loads(await asyncio.to_thread(run, url, "--json"))
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        """select a.*, a.facts::text as read, v.policy, v.version
           from application a join policy_version v on v.no = a.policy_version"""
    )
    yield Imported(url, summary, {row["id"]: row for row in rows}, connection)
    await connection.close()
    await server.execute(f"drop database {name} with (force)")
    await server.close()


async def test_every_order_line_and_review_is_there(imported: Imported, truth: Truth) -> None:
    count = imported.connection.fetchval
    assert imported.summary["orders"] == len(truth.orders) == await count("select count(*) from orders")
    assert await count("select count(*) from order_line") == len(truth.items)
    assert await count("select sum(amount) from order_line") == sum(map(centavos, truth.items))
    assert await count("select count(*) from review") == len(truth.reviews)
    assert await count("select sum(score) from review") == sum(int(row["review_score"]) for row in truth.reviews)
    delivered = sum(bool(row["order_delivered_customer_date"]) for row in truth.orders)
    assert await count("select count(delivered_at) from orders") == delivered
    market = await imported.connection.fetchrow("select id, policy, pinned, currency, time_zone, synthetic from market")
    assert market is not None
    assert tuple(market) == ("olist", "1688", "2025-03", "BRL", "America/Sao_Paulo", False)


def test_every_line_of_an_order_that_complains_is_applied_for(imported: Imported, truth: Truth) -> None:
    assert imported.applications.keys() == truth.applications.keys()
    assert imported.summary["applications"] == len(truth.applications)
    assert imported.summary["claimed"] == sum(expected.amount for expected in truth.applications.values())
    zone = ZoneInfo("America/Sao_Paulo")
    for id_, expected in truth.applications.items():
        row = imported.applications[id_]
        moment = datetime.fromisoformat(expected.applied_at).replace(tzinfo=zone)
        facts = json.loads(row["read"])
        assert (
            row["asked"],
            row["stage"],
            row["applied_at"].timestamp(),
            facts["order"]["category"],
            row["remedy"],
        ) == (
            expected.amount,
            expected.stage,
            moment.timestamp(),
            expected.category,
            "refund_only",
        ), id_


def test_reasons_follow_from_words_status_and_lateness(imported: Imported, truth: Truth) -> None:
    counted = Counter((row["reason"], row["stage"]) for row in imported.applications.values())
    told = imported.summary["reasons"]
    assert {reason: set(stages) for reason, stages in told.items()} == {reason: set(STAGES) for reason in REASONS}
    assert {
        (reason, stage): told[reason][stage] for reason in REASONS for stage in STAGES if told[reason][stage]
    } == counted
    for id_, expected in truth.applications.items():
        reason, stage = imported.applications[id_]["reason"], expected.stage
        words = (expected.comment or "").casefold()
        if expected.comment is None:
            assert reason == ("other" if stage == "received" else "not_received"), id_
        elif not words:
            assert reason in ("other", "not_received"), id_
            assert stage != "received" or reason == "other", id_
        elif "defeito" in words and stage == "received":
            assert reason not in ("other", "no_reason", "not_received"), (id_, words)
        elif "não recebi o produto" in words and stage != "received":
            assert reason in ("not_received", "missing_item"), (id_, words)
    # complaints in words are mostly understood
    arrived = [
        imported.applications[id_] for id_, e in truth.applications.items() if e.comment and e.stage == "received"
    ]
    assert sum(row["reason"] == "other" for row in arrived) < len(arrived) / 4


def test_1688_rules_each_and_the_fund_pays_what_it_subsidises(imported: Imported) -> None:
    rows = imported.applications.values()
    assert {(row["policy"], row["version"]) for row in rows} == {("1688", "2025-03")}
    outcomes = Counter(row["outcome"] for row in rows)
    assert imported.summary["outcomes"] == {outcome: outcomes[outcome] for outcome in OUTCOMES}
    assert set(outcomes) == {"subsidise", "merchant_decides"}
    for row in rows:
        facts = json.loads(row["read"])
        quality = row["reason"] in ("quality", "not_as_described", "damaged") and row["stage"] == "received"
        subsidised = quality and facts["buyer"]["integrity"] in ("good", "excellent")
        assert (row["outcome"] == "subsidise") == subsidised, (row["id"], facts)
        assert (row["payer"], row["amount"]) == (("platform", row["asked"]) if subsidised else ("none", 0))
    assert imported.summary["fund"] == {"BRL": sum(row["amount"] for row in rows if row["outcome"] == "subsidise")}


async def test_the_ledger_sums_to_zero_and_pays_each_subsidy_once(imported: Imported) -> None:
    postings = await imported.connection.fetch(
        "select account, currency, sum(amount) as sum from posting group by 1, 2"
    )
    paid = imported.summary["fund"]["BRL"]
    assert {tuple(row) for row in postings} == {("fund", "BRL", -paid), ("buyer", "BRL", paid)}
    transfers = await imported.connection.fetch("select case_no, amount, cause from transfer")
    subsidised = {row["no"]: row["amount"] for row in imported.applications.values() if row["outcome"] == "subsidise"}
    assert {row["case_no"]: row["amount"] for row in transfers} == subsidised
    assert {row["cause"] for row in transfers} == {"subsidy"}


def test_facts_are_those_of_the_moment(imported: Imported, truth: Truth) -> None:
    """A store's orders, deliveries and reviews as a ruling saw them are those dated before it, and no others."""
    placed = {row["order_id"]: row["order_purchase_timestamp"] for row in truth.orders}
    happened: defaultdict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    sellers = {order: {item["seller_id"] for item in items} for order, items in by_order(truth.items).items()}
    for row in truth.orders:
        for seller in sellers.get(row["order_id"], ()):
            happened[seller, "orders"].append((row["order_purchase_timestamp"], 1))
            if delivered := row["order_delivered_customer_date"]:
                happened[seller, "deliveries"].append((delivered, 1))
                if delivered[:10] > row["order_estimated_delivery_date"][:10]:
                    happened[seller, "late_deliveries"].append((delivered, 1))
    for row in truth.reviews:
        answered = max(row["review_answer_timestamp"], placed[row["order_id"]])
        for seller in sellers.get(row["order_id"], ()):
            happened[seller, "reviews"].append((answered, 1))
            happened[seller, "review_points"].append((answered, int(row["review_score"])))
    seller_of = {f"{item['order_id']}-{item['order_item_id']}": item["seller_id"] for item in truth.items}
    for id_, expected in truth.applications.items():
        history = json.loads(imported.applications[id_]["read"])["history"]
        moment = expected.applied_at
        # well inside the window, so that only the order of events is looked at; its edges are the tiles' own tests
        first = str(datetime.fromisoformat(moment[:10]) - timedelta(days=360))
        edge = str(datetime.fromisoformat(moment[:10]) - timedelta(days=367))
        for measure in ("orders", "deliveries", "late_deliveries", "reviews", "review_points"):
            events = happened[seller_of[id_], measure]
            # a step at the very moment is known before the application, a review after it
            before = [(at, n) for at, n in events if at < moment or (at == moment and "review" not in measure)]
            least = sum(n for at, n in before if at >= first)
            most = sum(n for at, n in before if at >= edge)
            assert least <= history[f"merchant_{measure}_365d"] <= most, (id_, measure)


def test_importing_again_adds_nothing(imported: Imported) -> None:
    again = json.loads(run(imported.url, "--json"))
    assert (again["orders"], again["applications"], again["claimed"]) == (0, 0, 0)
    assert again["outcomes"] == dict.fromkeys(OUTCOMES, 0)
    assert again["fund"] == {"BRL": 0}
    assert "Nothing new" in run(imported.url)


async def histories(connection: asyncpg.Connection) -> dict[tuple[str, ...], dict[str, Any]]:
    """What is known at the end of every account, and of every buyer with each store disputed with. Not the stored bytes: they
    hold the numbers that the database gave the stores, and a transaction that was cut off uses numbers up."""
    last: int = await connection.fetchval("select max(placed_at)::date - date '1970-01-01' from orders") or 0
    known: dict[tuple[str, ...], dict[str, Any]] = {}
    for kind, id_, tiles in await connection.fetch("select kind, id, tiles from account"):
        tally = BUYER if kind == "buyer" else MERCHANT
        known[kind, id_] = tally.facts(tally.unpack(tiles), last, tally.names)
    pairs = """select distinct buyer.id, merchant.id, merchant.no, buyer.tiles
        from application join account buyer on buyer.no = application.buyer
        join account merchant on merchant.no = application.merchant"""
    for buyer, merchant, number, tiles in await connection.fetch(pairs):
        known["pair", buyer, merchant] = PAIR.facts(BUYER.unpack(tiles), number, last, PAIR.names)
    assert any(facts["pair_applications_365d"] for key, facts in known.items() if key[0] == "pair")
    return known


async def test_an_import_that_was_interrupted_goes_on_and_ends_the_same(imported: Imported, fresh_url: str) -> None:
    connection = await asyncpg.connect(fresh_url)
    process = subprocess.Popen(command(fresh_url), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and await connection.fetchval("select count(*) from application") < 300:
        await asyncio.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = await asyncio.to_thread(process.communicate, timeout=60)
    assert process.returncode == 130, said
    assert "goes on from here" in said
    first = await connection.fetchrow("select count(*), (select count(*) from application) from orders")
    assert first is not None
    assert 0 < first[0] < imported.summary["orders"]
    assert 300 <= first[1] < imported.summary["applications"]

    second = json.loads(await asyncio.to_thread(run, fresh_url, "--json"))
    assert second["orders"] == imported.summary["orders"] - first[0]
    assert second["applications"] == imported.summary["applications"] - first[1]
    rulings = "select id, outcome, payer, amount, rule, because_en, a.facts::text from application a order by id"
    assert await connection.fetch(rulings) == await imported.connection.fetch(rulings)
    assert await histories(connection) == await histories(imported.connection)
    await connection.close()


async def test_another_policy_rules_in_a_market_of_its_own(imported: Imported, fresh_url: str) -> None:
    versions = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "evenhand", "policy", "list", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    oldest = min(
        (p for p in json.loads(versions.stdout)["policies"] if p["policy"] == "pinduoduo"), key=lambda p: p["effective"]
    )
    options = ("--market", "olist-pdd", "--policy", f"pinduoduo@{oldest['version']}", "--json")
    summary = json.loads(await asyncio.to_thread(run, fresh_url, *options))
    assert (summary["orders"], summary["applications"]) == (
        imported.summary["orders"],
        imported.summary["applications"],
    )
    assert summary["outcomes"]["refund_by_merchant"] > 0
    connection = await asyncpg.connect(fresh_url)
    assert await connection.fetchval("select sum(amount) from posting") == 0
    await connection.close()
