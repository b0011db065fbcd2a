"""Merchants' own rules: set, ended, never overwritten; and on the live path under the two regimes that run on them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from evenhand.accounts.rule_book import MOST_RULES, RuleSet, end_rule, rules_of, set_rules
from evenhand.desk import Desk, Ruled
from evenhand.errors import BadInput, Conflict, EvenhandError, UnknownThing
from evenhand.records import Application, Market, MerchantRule, Order, OrderLine
from evenhand.store import Database

from .conftest import NOW, Clock

REFUND = MerchantRule("cheap", "refund_without_return", "store", price_to=2_000)


async def put(
    database: Database, *rules: MerchantRule, market: str = "shop", now: datetime = NOW
) -> list[RuleSet | EvenhandError]:
    async with database.pool.acquire() as connection, connection.transaction():
        return await set_rules(connection, market, rules, now)


async def end(
    database: Database, rule: str, now: datetime, market: str = "shop", merchant: str = "store"
) -> MerchantRule:
    async with database.pool.acquire() as connection, connection.transaction():
        return await end_rule(connection, market, merchant, rule, now)


async def known(database: Database, merchant: str = "store", market: str = "shop") -> list[MerchantRule]:
    async with database.pool.acquire() as connection:
        return await rules_of(connection, market, merchant)


async def test_a_rule_is_set_once_and_the_same_again_is_known(desk: Desk, database: Database) -> None:
    (first,) = await put(database, REFUND)
    assert isinstance(first, RuleSet)
    assert first == RuleSet(msgspec.structs.replace(REFUND, valid_from=NOW), repeated=False)
    (again,) = await put(database, REFUND, now=NOW + timedelta(days=1))
    assert again == RuleSet(first.rule, repeated=True)
    assert await known(database) == [first.rule]


async def test_terms_are_never_changed(desk: Desk, database: Database) -> None:
    await put(database, REFUND)
    (conflict,) = await put(database, msgspec.structs.replace(REFUND, price_to=3_000))
    assert isinstance(conflict, Conflict)
    assert "other terms" in str(conflict)
    await end(database, "cheap", NOW + timedelta(hours=1))
    (ended,) = await put(database, REFUND)
    assert isinstance(ended, Conflict)
    assert "ended at 2026-03-01 05:00" in str(ended)
    for change in (
        "update merchant_rule set price_to = 9000",
        "update merchant_rule set deleted_at = null",
        "delete from merchant_rule",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await database.pool.execute(change)


async def test_a_rule_ends_once_and_one_that_has_not_begun_never_does(desk: Desk, database: Database) -> None:
    later = MerchantRule("later", "exchange", "store", valid_from=NOW + timedelta(days=9))
    await put(database, REFUND, later)
    ended = await end(database, "cheap", NOW + timedelta(hours=1))
    assert ended.deleted_at == NOW + timedelta(hours=1)
    assert await end(database, "cheap", NOW + timedelta(hours=5)) == ended
    assert (await end(database, "later", NOW)).deleted_at == NOW + timedelta(days=9)
    for merchant, rule in (("store", "none such"), ("stranger", "cheap")):
        with pytest.raises(UnknownThing, match="has no rule"):
            await end(database, rule, NOW, merchant=merchant)


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"merchant": None}, "merchant", "is required"),
        ({"price_from": 2_001}, "price_to", "below price_from"),
        ({"valid_from": NOW - timedelta(days=40 * 365)}, "valid_from", "1990"),
        ({"valid_from": NOW + timedelta(days=4000)}, "valid_from", "ten years ahead"),
        ({"deleted_at": NOW - timedelta(days=1)}, "deleted_at", "before the rule is valid"),
    ],
)
async def test_a_wrong_rule_is_told_the_field_and_the_others_are_set(
    desk: Desk, database: Database, changes: dict[str, Any], field: str, says: str
) -> None:
    wrong = msgspec.structs.replace(REFUND, id="wrong", **changes)
    first, bad, last = await put(database, REFUND, wrong, MerchantRule("x", "exchange", "other"))
    assert isinstance(first, RuleSet)
    assert isinstance(bad, BadInput)
    assert (bad.field, says in str(bad)) == (field, True)
    assert isinstance(last, RuleSet)
    assert await database.pool.fetchval("select count(*) from merchant_rule") == 2


async def test_an_unknown_market_is_told(desk: Desk, database: Database) -> None:
    with pytest.raises(UnknownThing, match="no market 'nowhere'"):
        await put(database, REFUND, market="nowhere")


async def test_a_merchant_has_so_many_rules_at_a_time(desk: Desk, database: Database) -> None:
    many = [MerchantRule(f"r{number}", "exchange", "store") for number in range(MOST_RULES)]
    assert all(isinstance(answer, RuleSet) for answer in await put(database, *many))
    (too_many,) = await put(database, REFUND)
    assert isinstance(too_many, Conflict)
    await end(database, "r0", NOW)
    (fits,) = await put(database, REFUND)
    assert isinstance(fits, RuleSet)


def application(number: int, line: str, filed: datetime, **changes: Any) -> Application:
    values: dict[str, Any] = {
        "id": f"a{number}-{line}",
        "order": f"o{number}",
        "line": line,
        "remedy": "refund_only",
        "stage": "received",
        "reason": "quality",
        "amount": 1_000,
        "currency": "CNY",
        "applied_at": filed,
    }
    return Application(**values | changes)


async def rule(desk: Desk, market: str, *applications: Application) -> list[tuple[str, str, str]]:
    answers = await desk.rule([(market, one) for one in applications])
    said: list[tuple[str, str, str]] = []
    for answer in answers:
        assert isinstance(answer, Ruled), answer
        said.append((answer.outcome, answer.payer, answer.rule))
    return said


async def test_1688_of_august_2024_takes_the_shops_own_rules_first(
    desk: Desk, database: Database, clock: Clock
) -> None:
    """The "refined and personalised" period, application by application, up to its end on 2025-03-24."""
    placed = datetime(2024, 9, 1, tzinfo=UTC)
    clock.now = placed + timedelta(days=30)
    toys = [OrderLine("cheap", "store", 2_000, "toys"), OrderLine("dear", "store", 2_001, "toys")]
    other = [OrderLine("other", "another store", 2_000, "toys"), OrderLine("fresh", "store", 2_001, "fresh")]
    await desk.take_orders([("shop", Order("o1", "buyer", placed, "CNY", [*toys, *other], delivered_at=placed))])
    await put(
        database,
        MerchantRule("cheap", "refund_without_return", "store", price_to=2_000, valid_from=placed),
        MerchantRule("toys", "exchange", "store", categories=["toys"], reasons=["quality"], valid_from=placed),
        MerchantRule("fresh", "partial_refund", "store", categories=["fresh"], within_days=5, valid_from=placed),
        now=clock.now,
    )
    await desk.refresh()
    filed = placed + timedelta(days=5)
    said = await rule(
        desk,
        "shop",
        application(1, "cheap", filed, reason="other"),
        application(1, "dear", filed),
        application(1, "fresh", filed),
        application(1, "other", filed),
        application(1, "fresh", filed + timedelta(days=1), id="late"),
    )
    assert said == [
        ("refund_by_merchant", "merchant", "Ruling/2"),
        ("merchant_decides", "none", "Ruling/3"),
        ("negotiate", "none", "Ruling/4"),
        ("refund_by_merchant", "merchant", "Ruling/5"),
        ("refund_by_merchant", "merchant", "Ruling/5"),
    ]


async def test_under_1688_a_rule_counts_while_it_is_in_force_on_the_day_of_the_application(
    desk: Desk, database: Database, clock: Clock
) -> None:
    placed = datetime(2024, 9, 1, tzinfo=UTC)
    begun, ended = placed + timedelta(days=10), placed + timedelta(days=20)
    clock.now = placed + timedelta(days=30)
    lines = [OrderLine(str(number), "store", 1_000, "toys") for number in range(4)]
    await desk.take_orders([("shop", Order("o1", "buyer", placed, "CNY", lines, delivered_at=placed))])
    await put(database, MerchantRule("x", "exchange", "store", valid_from=begun, deleted_at=ended), now=clock.now)
    await desk.refresh()
    second = timedelta(seconds=1)
    moments = [begun - second, begun, ended - second, ended]
    said = await rule(desk, "shop", *(application(1, str(n), moment) for n, moment in enumerate(moments)))
    assert [outcome for outcome, *_ in said] == [
        "refund_by_merchant",
        "merchant_decides",
        "merchant_decides",
        "refund_by_merchant",
    ]


async def test_at_amazon_the_rule_of_the_moment_of_the_order_decides_even_if_deleted_since(
    desk: Desk, database: Database, clock: Clock
) -> None:
    await desk.add_market(
        Market("amazon", "A synthetic Amazon", "amazon", "USD", "America/Los_Angeles"), synthetic=True
    )
    begun, ended = NOW - timedelta(days=30), NOW - timedelta(days=20)
    second = timedelta(seconds=1)
    placed = [begun - second, begun, ended - second, ended]
    await put(
        database, MerchantRule("cheap", "refund_without_return", "store", price_to=2_000), market="amazon", now=begun
    )
    await end(database, "cheap", ended, market="amazon")
    await desk.refresh()
    await desk.take_orders(
        [
            ("amazon", Order(f"o{n}", "buyer", moment, "USD", [OrderLine("1", "store", 1_999)], delivered_at=moment))
            for n, moment in enumerate(placed)
        ]
    )
    said = await rule(desk, "amazon", *(application(n, "1", NOW, currency="USD") for n in range(4)))
    assert [outcome for outcome, *_ in said] == [
        "return_and_refund",
        "refund_by_merchant",
        "refund_by_merchant",
        "return_and_refund",
    ]
    facts = await database.pool.fetch("select a.facts -> 'merchant' ->> 'rule' as rule from application a order by id")
    assert [row["rule"] for row in facts] == ["none", "refund_without_return", "refund_without_return", "none"]


async def test_rules_of_a_market_say_nothing_in_another(desk: Desk, database: Database, clock: Clock) -> None:
    await desk.add_market(Market("east", "Another shop", "1688", "CNY", "Asia/Shanghai"), synthetic=True)
    placed = clock.now = datetime(2024, 9, 1, tzinfo=UTC)
    order = Order("o1", "buyer", placed, "CNY", [OrderLine("1", "store", 1_000)], delivered_at=placed)
    await desk.take_orders([("shop", order), ("east", order)])
    await put(database, MerchantRule("x", "exchange", "store"), market="east", now=placed)
    await desk.refresh()
    assert [outcome for outcome, *_ in await rule(desk, "shop", application(1, "1", placed))] == ["refund_by_merchant"]
    assert [outcome for outcome, *_ in await rule(desk, "east", application(1, "1", placed))] == ["merchant_decides"]


async def test_running_desks_notice_rules_that_are_set_and_ended(desk: Desk, database: Database, clock: Clock) -> None:
    placed = clock.now = datetime(2024, 9, 1, tzinfo=UTC)
    lines = [OrderLine(str(number), "store", 1_000) for number in range(400)]
    for start in range(0, 400, 200):
        order = Order(f"o{start}", "buyer", placed, "CNY", lines[start : start + 200], delivered_at=placed)
        await desk.take_orders([("shop", order)])
    remaining = iter([(order, str(order + line)) for order in (0, 200) for line in range(200)])

    async def until(outcome: str) -> None:
        async with asyncio.timeout(20):
            while True:
                order, line = next(remaining)
                ((said, *_),) = await rule(desk, "shop", application(order, line, clock.now))
                if said == outcome:
                    return
                await asyncio.sleep(0.1)

    await put(database, MerchantRule("x", "exchange", "store"), now=placed)
    await until("merchant_decides")
    clock.now += timedelta(hours=1)
    await end(database, "x", clock.now)
    await until("refund_by_merchant")


async def test_rules_of_thousands_of_merchants_are_read_when_a_desk_opens(
    desk: Desk, database: Database, clock: Clock
) -> None:
    placed = clock.now = datetime(2024, 9, 1, tzinfo=UTC)
    many = [MerchantRule("x", "exchange", f"store-{number}") for number in range(3_000)]
    assert all(isinstance(answer, RuleSet) for answer in await put(database, *many, now=placed))
    other = await Desk.open(database, clock=clock)
    stores = [OrderLine(str(number), f"store-{number * 1500}", 1_000) for number in range(3)]
    await other.take_orders([("shop", Order("o1", "buyer", placed, "CNY", stores, delivered_at=placed))])
    said = await rule(other, "shop", *(application(1, str(number), placed) for number in range(3)))
    assert [outcome for outcome, *_ in said] == ["merchant_decides", "merchant_decides", "refund_by_merchant"]
    await other.close()
