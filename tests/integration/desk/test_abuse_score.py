"""A market's learned score of abuse on the live path: activated, named by rulings, reproduced, taken back."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec
import pytest

from evenhand.accounts.abuse.card import (
    Card,
    ChoicePoints,
    Costs,
    NumberPoints,
    Scorer,
    Trained,
    Uncertain,
    complete,
    reasons,
)
from evenhand.accounts.abuse.keeping import InUse, activate, in_use, keep, kept
from evenhand.booking import Ruled, reproduce
from evenhand.desk import Desk
from evenhand.errors import UnknownThing
from evenhand.profiles import ScoreShown, profile
from evenhand.records import Order
from evenhand.rescoring import rescored, scored_by
from evenhand.store import Database
from tests.integration.desk.conftest import make_application

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CARD = Card(
    Trained("synthetic claims", date(2025, 1, 1), date(2025, 6, 30), 1000, 100),
    (NumberPoints("history.buyer_refund_only_rate_90d", "up", (Decimal("0.2000"),), (0, 40)),),
    (ChoicePoints("application.reason", {"counterfeit": 25}),),
    (20, 50),
    (30, 420, 870),
    Costs(10, 1),
    0.05,
    Uncertain(20, 49),
)


async def use(database: Database, desk: Desk, version: str | None) -> None:
    async with database.pool.acquire() as connection, connection.transaction():
        await activate(connection, "shop", version, by="ana", now=NOW)
    await desk.refresh()


async def abuse_facts(database: Database, number: int) -> dict[str, Any]:
    facts = await database.pool.fetchval("select a.facts from application a where id = $1", f"application-{number}")
    return msgspec.json.decode(facts)["abuse"]


async def file(desk: Desk, number: int, **changes: Any) -> Ruled:
    [answer] = await desk.rule([("shop", make_application(number, **changes))])
    assert isinstance(answer, Ruled)
    return answer


async def test_the_documented_scorecard_scores_until_a_market_has_learned(
    desk: Desk, database: Database, orders: Callable[[int], Order]
) -> None:
    await file(desk, 0)
    abuse = await abuse_facts(database, 0)
    assert (abuse["score"], abuse["uncertain"], abuse["model"]) == (0.03, None, None)
    assert abuse["threshold"] is None


async def test_an_activated_card_scores_and_rulings_name_it(
    desk: Desk, database: Database, orders: Callable[[int], Order]
) -> None:
    async with database.pool.acquire() as connection:
        await keep(connection, CARD, {"roc_auc": 0.9}, by="ana", now=NOW)
        await keep(connection, CARD, None, by="ben", now=NOW)
    await use(database, desk, CARD.version)
    await file(desk, 0)
    assert (await abuse_facts(database, 0))["score"] == 0.03
    # the same buyer again: one refund-only application on four orders by then
    await file(desk, 3, reason="counterfeit")
    abuse = await abuse_facts(database, 3)
    assert (abuse["score"], abuse["uncertain"], abuse["model"]) == (0.87, False, CARD.version)
    assert abuse["threshold"] == CARD.costs.threshold / 1000
    await file(desk, 1, reason="counterfeit")
    assert (await abuse_facts(database, 1))["uncertain"] is True
    async with database.pool.acquire() as connection:
        [one] = await kept(connection)
    assert (one.version, one.stored_by, one.markets) == (CARD.version, "ana", ["shop"])
    await use(database, desk, None)
    await file(desk, 2)
    assert (await abuse_facts(database, 2))["model"] is None


async def test_rulings_are_reproduced_after_the_card_is_gone_from_use(
    desk: Desk, database: Database, orders: Callable[[int], Order]
) -> None:
    async with database.pool.acquire() as connection:
        await keep(connection, CARD, None, by="ana", now=NOW)
    await use(database, desk, CARD.version)
    before = await file(desk, 0, reason="counterfeit")
    await use(database, desk, None)
    row = await database.pool.fetchrow(
        "select a.facts, v.source from application a join policy_version v on v.no = a.policy_version"
    )
    assert row is not None
    again = reproduce(row["source"], row["facts"], "CNY")
    assert (again.outcome, again.amount, again.because) == (before.outcome, before.amount, before.because)
    read = msgspec.json.decode(row["facts"])
    scored = msgspec.json.decode(row["facts"])
    Scorer(CARD).score(scored)
    assert float(scored["abuse"]["score"]) == read["abuse"]["score"]
    async with database.pool.acquire() as connection:
        whole = await rescored(connection, int(before.case))
        named = await connection.fetchval("select scorecards from application")
        why = (await scored_by(connection, named, row["facts"])).abuse_reasons(read)
    assert whole.facts == read
    assert why
    assert why == reasons(CARD, complete(msgspec.json.decode(row["facts"]), CARD))


async def test_a_documented_score_says_what_it_counted(
    desk: Desk, database: Database, orders: Callable[[int], Order]
) -> None:
    for number in (0, 3, 6):  # of one buyer, who has four orders
        await file(desk, number, reason="counterfeit")
    row = await database.pool.fetchrow("select a.facts, scorecards from application a order by no desc limit 1")
    assert row is not None
    read = msgspec.json.decode(row["facts"])
    async with database.pool.acquire() as connection:
        why = (await scored_by(connection, row["scorecards"], row["facts"])).abuse_reasons(read)
    assert [(one.code, one.points) for one in why] == [
        ("counterfeit_lent [0.10..0.20)", 30),
        ("refund_only_lent [0.15..0.25)", 10),
    ]
    assert why[0].en == "counterfeit claims per order (lent ten orders): 0.1429 (0.10 to under 0.20: +30 points)"
    assert why[0].zh == "假货投诉占下单比例（预置10单）：0.1429（0.10至0.20（不含），+30分）"


async def test_a_market_says_which_learned_card_it_uses_and_since_when(desk: Desk, database: Database) -> None:
    async with database.pool.acquire() as connection, connection.transaction():
        await keep(connection, CARD, None, by="ana", now=NOW)
    for version, said in ((CARD.version, InUse(CARD.version, "ana", NOW)), (None, None)):
        await use(database, desk, version)
        async with database.pool.acquire() as connection:
            assert await in_use(connection, "shop") == said


async def test_what_is_not_there_cannot_be_activated(desk: Desk, database: Database) -> None:
    for market, version, field in (("shop", "2025-01-01-00000000", "version"), ("nowhere", None, "market")):
        with pytest.raises(UnknownThing) as caught:
            async with database.pool.acquire() as connection, connection.transaction():
                await activate(connection, market, version, by="ana", now=NOW)
        assert caught.value.field == field


async def test_a_kept_card_is_never_changed(desk: Desk, database: Database) -> None:
    async with database.pool.acquire() as connection:
        await keep(connection, CARD, None, by="ana", now=NOW)
    with pytest.raises(asyncpg.RestrictViolationError):
        await database.pool.execute("update abuse_model set card = '{}'")


async def test_an_account_shows_the_card_that_scores_it(
    desk: Desk, database: Database, orders: Callable[[int], Order]
) -> None:
    for number in (0, 3):
        await file(desk, number)

    async def shown() -> ScoreShown:
        async with database.pool.acquire() as connection:
            market = desk.markets["shop"]
            found = await profile(connection, market, "buyer-0", "buyer", NOW + timedelta(hours=12))
        return next(one for one in found.scores if one.name == "abuse.score")

    assert (await shown()).scorecard == "abuse"
    async with database.pool.acquire() as connection:
        await keep(connection, CARD, None, by="ana", now=NOW)
    await use(database, desk, CARD.version)
    learned = await shown()
    assert (learned.scorecard, learned.version) == ("abuse-card", CARD.version)
    # refund-only applications on more than a fifth of the orders; what is claimed next is not known
    assert [(one.input, one.points) for one in learned.parts if one.points] == [
        ("history.buyer_refund_only_rate_90d", 40)
    ]
    assert learned.value == Decimal("0.420")
    assert learned.follows["abuse.uncertain"] is True
    # the signs are those of the documented card still
    assert learned.follows["abuse.frequent_refund_only"] is False
