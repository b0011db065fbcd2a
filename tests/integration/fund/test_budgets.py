"""Budgets: a hard stop that concurrent desks never pass, and what people are told of it."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from evenhand.booking import reproduce
from evenhand.desk import Desk
from evenhand.errors import BadInput, Conflict, UnknownThing
from evenhand.fund.budgets import budgets, watch
from evenhand.fund.ledger import BudgetSpent, Transfer, book
from evenhand.policy import Policy
from evenhand.publishing import publish

from .conftest import MARKET, NOW, Clock, Shop


async def facts_of(shop: Shop, case: str) -> dict[str, Any]:
    return json.loads(await shop.database.pool.fetchval("select a.facts from application a where no = $1", int(case)))


async def test_without_a_budget_the_fund_pays_and_nothing_is_known_of_it(shop: Shop) -> None:
    ruled = await shop.ask(8_000)
    assert (ruled.outcome, ruled.amount) == ("subsidise", 8_000)
    assert (await facts_of(shop, ruled.case))["fund"] == {"available": None}


async def test_a_budget_is_granted_to_the_last_cent_and_no_further(shop: Shop) -> None:
    await shop.budget(20_000)
    outcomes = [(await shop.ask(amount)).outcome for amount in (8_000, 7_000, 5_001, 5_000, 1)]
    assert outcomes == ["subsidise", "subsidise", "review", "subsidise", "review"]
    assert await shop.granted() == 20_000


async def test_several_in_one_batch_are_granted_in_their_order(shop: Shop) -> None:
    await shop.budget(10_000)
    answers = await shop.ask_all([6_000, 6_000, 4_000, 1])
    assert [one.outcome for one in answers] == ["subsidise", "review", "subsidise", "review"]


async def test_parties_are_told_and_the_ruling_is_reproduced_from_what_is_stored(shop: Shop) -> None:
    await shop.budget(0)
    ruled = await shop.ask(8_000)
    assert (ruled.outcome, ruled.payer, ruled.amount, ruled.return_required) == ("review", "none", 0, False)
    assert "80.00 CNY, but the budget of its fund" in ruled.because.en
    assert "80.00 CNY，但平台基金本期预算不足" in ruled.because.zh
    row = await shop.database.pool.fetchrow(
        "select a.facts, v.source from application a join policy_version v on v.no = a.policy_version where a.no = $1",
        int(ruled.case),
    )
    assert row is not None
    again = reproduce(row["source"], row["facts"], "CNY")
    assert (again.outcome, again.payer, again.amount, again.because) == ("review", "none", 0, ruled.because)


async def test_a_document_says_what_happens_when_the_fund_is_empty(shop: Shop) -> None:
    shipped = Policy.load("1688@2025-03").source
    source = shipped.replace("version: 2025-03", "version: 2026-empty").replace(
        "currency: CNY", "currency: CNY\nwhen_empty: merchant_decides", 1
    )
    policy = Policy.parse(source)
    async with shop.database.pool.acquire() as connection, connection.transaction():
        tomorrow = (NOW + timedelta(days=1)).date()
        await publish(connection, MARKET.id, policy, effective=tomorrow, by="analyst", now=NOW)
    await shop.desk.refresh()
    shop.clock.pass_(days=2)
    await shop.budget(9_000)
    assert (await shop.ask(9_000)).outcome == "subsidise"
    ruled = await shop.ask(500)
    assert (ruled.outcome, ruled.payer, ruled.amount) == ("merchant_decides", "none", 0)
    assert "the merchant decides" in ruled.because.en
    assert "由商家自主处理" in ruled.because.zh


async def test_months_are_the_markets_and_each_has_its_own(shop: Shop, clock: Clock) -> None:
    await shop.budget(5_000)
    # 2026-03-31 23:59 in Shanghai, then the first minute of April there
    clock.now = datetime(2026, 3, 31, 15, 59, tzinfo=UTC)
    assert [(await shop.ask(5_000)).outcome, (await shop.ask(1)).outcome] == ["subsidise", "review"]
    clock.now = datetime(2026, 3, 31, 16, 0, tzinfo=UTC)
    assert [(await shop.ask(5_000)).outcome, (await shop.ask(1)).outcome] == ["subsidise", "review"]
    assert (await shop.ask(5_000, applied_at=datetime(2026, 3, 20, tzinfo=UTC))).outcome == "review"


async def test_what_was_granted_before_a_budget_was_set_counts(shop: Shop) -> None:
    await shop.ask(8_000)
    await shop.budget(10_000)
    assert [(await shop.ask(2_001)).outcome, (await shop.ask(2_000)).outcome] == ["review", "subsidise"]
    await shop.budget(5_000)
    assert (await shop.ask(1)).outcome == "review"
    await shop.budget(10_001)
    assert [(await shop.ask(2)).outcome, (await shop.ask(1)).outcome] == ["review", "subsidise"]
    await shop.budget(None)
    assert (await shop.ask(9_000)).outcome == "subsidise"


async def test_every_budget_that_covers_a_day_must_have_enough(shop: Shop) -> None:
    await shop.budget(10_000)
    await shop.budget(12_000, period="quarter")
    await shop.budget(3_000, period="custom", first_day=date(2026, 3, 10), last_day=date(2026, 3, 12))
    assert [(await shop.ask(3_000)).outcome, (await shop.ask(1)).outcome] == ["subsidise", "review"]
    shop.clock.pass_(days=5)
    assert [(await shop.ask(7_000)).outcome, (await shop.ask(1)).outcome] == ["subsidise", "review"]
    shop.clock.pass_(days=30)
    assert [(await shop.ask(9_000)).outcome, (await shop.ask(10_000)).outcome] == ["subsidise", "review"]


async def test_desks_side_by_side_never_overspend(shop: Shop) -> None:
    """32 tasks at four desks, each of which knows nothing of the others, ask for more than three times what there is."""
    await shop.budget(100_000)
    desks = [await Desk.open(shop.database, clock=shop.clock) for _ in range(4)]
    try:

        async def some(place: int) -> list[str]:
            return [(await shop.ask(1_000 + place, desks[place % 4])).outcome for _ in range(10)]

        outcomes = [outcome for task in await asyncio.gather(*(some(place) for place in range(32))) for outcome in task]
    finally:
        for desk in desks:
            await desk.close()
    granted = await shop.granted()
    assert set(outcomes) == {"subsidise", "review"}
    assert granted <= 100_000
    # everything asked for at the end was more than what was left
    assert 100_000 - granted < 1_032
    async with shop.database.pool.acquire() as connection:
        (one,) = await budgets(connection, NOW)
    assert (one.spent, one.left, one.state) == (granted, 100_000 - granted, "alert" if granted < 100_000 else "spent")
    remains = await shop.database.pool.fetchval("select sum(remains) from budget_share")
    assert remains == 100_000 - granted


async def test_a_budget_set_while_rulings_are_booked_misses_none_of_them(shop: Shop) -> None:
    async def keep_asking() -> None:
        for _ in range(25):
            await shop.ask(100)

    asking = [asyncio.create_task(keep_asking()) for _ in range(4)]
    for amount in (50_000, 4_000, 6_000):
        await asyncio.sleep(0.05)
        await shop.budget(amount)
    await asyncio.gather(*asking)
    granted = await shop.granted()
    assert granted <= 6_000
    remains = await shop.database.pool.fetchval(
        "select sum(remains) from budget_share where period = (select max(no) from budget_period)"
    )
    assert remains == 6_000 - granted


async def test_subsidies_booked_at_the_same_time_do_not_wait_for_each_other(shop: Shop) -> None:
    """Two transactions grant from one fund and its budget; neither is committed, and both are done."""
    await shop.budget(100_000)
    cases = [int((await shop.ask(100, reason="no_reason")).case) for _ in range(2)]
    number = shop.desk.markets[MARKET.id].number
    account = await shop.database.pool.fetchval("select min(no) from account")
    connections = [await asyncpg.connect(shop.database.url) for _ in range(8)]
    pids = [connection.get_server_pid() % 16 for connection in connections]
    first = connections[0]
    second = next(one for one, share in zip(connections, pids, strict=True) if share != pids[0])
    open_ = [connection.transaction() for connection in (first, second)]
    for transaction in open_:
        await transaction.start()
    for connection, case in zip((first, second), cases, strict=True):
        await connection.execute("set local lock_timeout = '2s'")
        transfer = Transfer(number, "CNY", "subsidy", case, ("fund", None), ("buyer", account), 500, NOW)
        await book(connection, [transfer], NOW)
    for transaction in open_:
        await transaction.commit()
    for connection in connections:
        await connection.close()
    assert await shop.granted() == 1_000


async def test_a_persons_ruling_does_not_pass_the_stop_either(shop: Shop) -> None:
    await shop.budget(1_000)
    case = int((await shop.ask(100, reason="no_reason")).case)
    number = shop.desk.markets[MARKET.id].number
    account = await shop.database.pool.fetchval("select min(no) from account")
    transfer = Transfer(number, "CNY", "subsidy", case, ("fund", None), ("buyer", account), 1_001, NOW)
    with pytest.raises(BudgetSpent, match=r"budget of 2026-03-01 to 2026-03-31 has 10\.00 CNY left"):
        async with shop.database.pool.acquire() as connection, connection.transaction():
            await book(connection, [transfer], NOW)
    assert await shop.granted() == 0


async def test_somebody_is_told_once_that_it_runs_low_and_once_that_it_is_spent(shop: Shop) -> None:
    await shop.budget(1_000, alert_percent=50)

    async def told() -> int:
        async with shop.database.pool.acquire() as connection, connection.transaction():
            return await watch(connection, shop.clock())

    assert await told() == 0
    await shop.ask(500)
    assert [await told(), await told()] == [1, 0]
    await shop.ask(500)
    assert [await told(), await told()] == [1, 0]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": -1}, "amount"),
        ({"amount": 10**18}, "amount"),
        ({"amount": 1, "period": "year"}, "period"),
        ({"amount": 1, "alert_percent": 0}, "alert_percent"),
        ({"amount": 1, "period": "custom"}, "last_day"),
        ({"amount": 1, "last_day": date(2026, 4, 1)}, "last_day"),
        ({"amount": 1, "period": "custom", "first_day": date(2026, 4, 2), "last_day": date(2026, 4, 1)}, "last_day"),
        ({"amount": 1, "by": " "}, "by"),
    ],
)
async def test_bad_budgets_name_what_is_wrong(shop: Shop, changes: dict[str, Any], field: str) -> None:
    from evenhand.fund.budgets import set_budget

    values: dict[str, Any] = {"by": "finance", "now": NOW} | changes
    with pytest.raises(BadInput) as refused:
        async with shop.database.pool.acquire() as connection, connection.transaction():
            await set_budget(connection, MARKET.id, **values)
    assert refused.value.field == field
    assert await shop.database.pool.fetchval("select count(*) from budget") == 0


async def test_custom_budgets_do_not_share_days(shop: Shop) -> None:
    await shop.budget(5, period="custom", first_day=date(2026, 3, 1), last_day=date(2026, 3, 9))
    with pytest.raises(Conflict, match="2026-03-01 to 2026-03-09"):
        await shop.budget(5, period="custom", first_day=date(2026, 3, 9), last_day=date(2026, 3, 12))
    await shop.budget(None, period="custom", first_day=date(2026, 3, 1), last_day=date(2026, 3, 9))
    await shop.budget(5, period="custom", first_day=date(2026, 3, 9), last_day=date(2026, 3, 12))


async def test_an_unknown_market_is_named(shop: Shop) -> None:
    async with shop.database.pool.acquire() as connection:
        with pytest.raises(UnknownThing, match="no market 'nowhere'"):
            await budgets(connection, NOW, "nowhere")
