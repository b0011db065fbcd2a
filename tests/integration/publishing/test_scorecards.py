"""Scorecards are published like policies: each by the day, and every ruling can be scored again by those it names."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

import asyncpg
import msgspec
import pytest

from evenhand.accounts.scores import EXPERIENCE, INTEGRITY, SCORECARDS, Role, completed, role_of
from evenhand.booking import parsed
from evenhand.desk import Desk, Ruled
from evenhand.errors import BadInput, Conflict, UnknownThing
from evenhand.labelling import Labeller
from evenhand.policy import Policy, shipped
from evenhand.profiles import profile
from evenhand.publishing import checked, load_markets, publications
from evenhand.records import Application, Order, OrderLine
from evenhand.rescoring import rescored
from evenhand.store import Database

from .conftest import NOW, Clock, Publisher, document

Remedy = Literal["refund_only", "return_and_refund"]
APRIL = date(2026, 4, 1)
IN_APRIL = datetime(2026, 4, 2, 4, tzinfo=UTC)


def integrity(version: str, points: int, *, reads: str = "history.buyer_returns_365d") -> Policy:
    """A scorecard of integrity by which everybody begins with the same points, and each return costs ten."""
    return Policy.parse(f"""---
policy: own-integrity
version: {version}
effective: 2026-04-01
---
# Returns count here

## Score
```feel
buyer.integrity_score = max(0, {points} - 10 * {reads})
```

## Status
| U | buyer.integrity_score | → buyer.integrity |
|---|-----------------------|-------------------|
| 1 | >= 600                | good              |
| 2 | < 600                 | poor              |
""")


async def ordered(desk: Desk, number: int, placed: datetime, market: str = "shop", currency: str = "CNY") -> None:
    lines = [OrderLine("1", "merchant-1", 8000)]
    order = Order(f"o{number}", "buyer-1", placed, currency, lines, delivered_at=placed)
    [taken] = await desk.take_orders([(market, order)])
    assert not isinstance(taken, Exception)


async def ruled(
    desk: Desk,
    number: int,
    filed: datetime,
    remedy: Remedy = "refund_only",
    market: str = "shop",
    currency: str = "CNY",
) -> int:
    await ordered(desk, number, filed - timedelta(days=1), market, currency)
    asked = Application(
        f"a{number}", f"o{number}", "1", remedy, "received", "quality", 8000, currency, applied_at=filed
    )
    [answer] = await desk.rule([(market, asked)])
    assert isinstance(answer, Ruled), answer
    return int(answer.case)


async def facts_of(database: Database, case: int) -> dict[str, Any]:
    return msgspec.json.decode(await database.pool.fetchval("select a.facts from application a where no = $1", case))


async def scored_by(database: Database, case: int) -> list[str]:
    rows = await database.pool.fetch(
        """select v.policy || '@' || v.version as name from application a join scorecards s on s.no = a.scorecards
           join policy_version v on v.no in (s.integrity, s.experience, s.abuse) where a.no = $1 order by 1""",
        case,
    )
    return [row["name"] for row in rows]


@pytest.mark.parametrize(
    ("card", "role"),
    [
        *zip(SCORECARDS, ("integrity", "experience", "abuse"), strict=True),
        *((policy, "ruling") for policy in shipped()),
        (integrity("1", 700), "integrity"),
    ],
)
def test_a_document_says_by_its_outputs_what_it_is_for(card: Policy, role: Role) -> None:
    assert role_of(card) == role
    checked(card)


def test_half_a_scorecard_and_one_that_looks_elsewhere_are_refused() -> None:
    half = integrity("1", 700).source.replace("→ buyer.integrity", "→ standing")
    with pytest.raises(BadInput, match=r"no whole scorecard of integrity: buyer\.integrity is missing"):
        checked(Policy.parse(half))
    with pytest.raises(BadInput, match=r"knows only the buyer's own history, not history\.merchant_orders_365d"):
        checked(integrity("1", 700, reads="history.merchant_orders_365d"))
    nothing = half.replace("buyer.integrity_score", "points")
    with pytest.raises(BadInput, match="neither a policy nor a scorecard"):
        checked(Policy.parse(nothing))


async def test_a_scorecard_scores_one_market_from_its_day_on(
    desk: Desk, database: Database, clock: Clock, publisher: Publisher
) -> None:
    done = await publisher.publish(integrity("1", 900))
    assert (done.role, done.effective, done.state) == ("integrity", APRIL, "scheduled")
    await desk.refresh()
    before = await ruled(desk, 1, NOW)
    clock.now = IN_APRIL + timedelta(days=1)
    await ruled(desk, 2, IN_APRIL, "return_and_refund")
    after = await ruled(desk, 3, IN_APRIL + timedelta(hours=1))
    late = await ruled(desk, 4, datetime(2026, 3, 31, 15, 59, tzinfo=UTC))
    elsewhere = await ruled(desk, 5, IN_APRIL, market="west", currency="USD")
    assert [(await facts_of(database, case))["buyer"]["integrity_score"] for case in (before, after, late, elsewhere)] == [
        650, 890, 610, 650,
    ]  # fmt: skip
    # what the card reads beyond what every ruling is given is given to it, and kept
    assert (await facts_of(database, after))["history"]["buyer_returns_365d"] == 1
    package = sorted(f"{card.name}@{card.version}" for card in SCORECARDS)
    assert await scored_by(database, before) == await scored_by(database, late) == package
    assert await scored_by(database, elsewhere) == package
    assert "own-integrity@1" in await scored_by(database, after)
    assert "integrity@2" not in await scored_by(database, after)
    async with database.pool.acquire() as connection:
        markets = await load_markets(connection)
        shown = await profile(connection, markets["shop"], "buyer-1", "buyer", clock())
        other = await profile(connection, markets["west"], "buyer-1", "buyer", clock())
    assert (shown.scores[0].scorecard, shown.scores[0].version) == ("own-integrity", "1")
    assert other.scores[0].scorecard == "integrity"


async def test_past_rulings_are_scored_again_by_the_versions_they_name(
    desk: Desk, database: Database, clock: Clock, publisher: Publisher
) -> None:
    first = await ruled(desk, 1, NOW)
    await publisher.publish(integrity("1", 900))
    await publisher.publish(integrity("2", 400), date(2026, 4, 10))
    await desk.refresh()
    clock.now = datetime(2026, 4, 20, tzinfo=UTC)
    second, third = await ruled(desk, 2, IN_APRIL), await ruled(desk, 3, datetime(2026, 4, 11, tzinfo=UTC))
    scores = []
    for case in (first, second, third):
        async with database.pool.acquire() as connection:
            again = await rescored(connection, case)
        stored = await facts_of(database, case)
        assert again.facts == stored
        scores.append(again.facts["buyer"]["integrity_score"])
        assert [card.role for card in again.cards] == ["integrity", "experience", "abuse"]
    assert scores == [650, 900, 400]


async def test_two_desks_notice_a_scorecard_and_rule_alike(
    desk: Desk, database: Database, clock: Clock, publisher: Publisher
) -> None:
    other = await Desk.open(database, clock=clock)
    try:
        await publisher.publish(integrity("1", 900))
        clock.now = IN_APRIL
        async with asyncio.timeout(20):
            for one in (desk, other):
                market = one.markets["shop"]
                while one.markets["shop"].scoring(market.day(IN_APRIL)).cards.by_role["integrity"].version != "1" or (
                    one.markets["shop"].scoring(market.day(IN_APRIL)).cards.by_role["integrity"].name != "own-integrity"
                ):
                    await asyncio.sleep(0.05)
        cases = [await ruled(desk, 1, IN_APRIL), await ruled(other, 2, IN_APRIL)]
        assert [await scored_by(database, case) for case in cases] == [
            sorted(["own-integrity@1", f"experience@{EXPERIENCE.version}", "abuse@2"])
        ] * 2
    finally:
        await other.close()


async def test_one_role_has_one_version_a_day_and_what_has_begun_stays(
    desk: Desk, database: Database, clock: Clock, publisher: Publisher
) -> None:
    await publisher.publish(document("1"))
    await publisher.publish(integrity("1", 900))  # beside the policy of that day
    with pytest.raises(Conflict, match="own-integrity@1 is published for market shop from 2026-04-01"):
        await publisher.publish(integrity("2", 800))
    await ruled(desk, 1, NOW)
    with pytest.raises(BadInput, match=r"2026-03-01 has begun .* integrity@2 counts there"):
        await publisher.publish(integrity("2", 800), date(2026, 3, 1))
    taken = await publisher.withdraw("own-integrity")
    assert (taken.role, taken.state) == ("integrity", "withdrawn")
    with pytest.raises(Conflict, match="counts in market shop already"):
        await publisher.withdraw("integrity")
    with pytest.raises(UnknownThing):
        await publisher.withdraw("own-integrity")
    async with database.pool.acquire() as connection:
        found = await publications(connection, "shop", clock())
    assert [one.role for one in found if one.state == "in force"] == [
        "ruling", "integrity", "experience", "abuse", "labelling",
    ]  # fmt: skip
    insert = """insert into publication (market, role, policy_version, effective, published_by, published_at)
                select market, role, policy_version, date '0001-01-01', 'somebody', now()
                from publication where role = 'integrity' and withdrawn_at is null"""
    with pytest.raises(asyncpg.UniqueViolationError):
        await database.pool.execute(insert)


async def test_a_market_that_ruled_nothing_yet_may_begin_with_its_own(
    desk: Desk, database: Database, publisher: Publisher
) -> None:
    await publisher.publish(integrity("1", 900), date(2020, 1, 1))
    await desk.refresh()
    case = await ruled(desk, 1, NOW)
    assert (await facts_of(database, case))["buyer"]["integrity_score"] == 900


async def test_a_published_labelling_document_labels_from_its_day_on(
    desk: Desk, database: Database, clock: Clock, publisher: Publisher
) -> None:
    text = """---
policy: own-labelling
version: 1
effective: 2026-04-01
---
# Everybody with a bad score is warned

## Label
| U | buyer.integrity      | → label: "malicious", "watched", "warning", "none" | → days | → cause: "score", "none" |
|---|----------------------|----------------------------------------------------|--------|--------------------------|
| 1 | < "good"             | "warning"                                          | 30     | "score"                  |
| 2 | >= "good"            | "none"                                             | 0      | "none"                   |
| 3 | null                 | "none"                                             | 0      | "none"                   |

## Reasons
| code  | en                                         | zh                       |
|-------|--------------------------------------------|--------------------------|
| score | Integrity is {buyer.integrity}.            | 诚信状态为{buyer.integrity}。 |
"""
    checked(Policy.parse(text))
    await publisher.publish(Policy.parse(text))
    await publisher.publish(integrity("1", 300))
    # something that speaks against the buyer, so that the labelling pass looks at it
    await publisher.publish(document("1", outcome="decline"))
    await desk.refresh()
    clock.now = IN_APRIL + timedelta(hours=2)
    case = await ruled(desk, 1, IN_APRIL)
    labeller = Labeller(database.pool, lambda: desk.markets, clock)
    await labeller.step()
    [row] = await database.pool.fetch("select label, rule, cases, reason_en from label")
    assert (row["label"], row["rule"], row["cases"]) == ("warning", "own-labelling@1", [case])
    assert row["reason_en"].startswith("Integrity is poor.")


def test_what_is_not_known_of_an_account_alone_is_null() -> None:
    facts = completed(INTEGRITY, {"buyer_orders_365d": 3})
    assert facts["history"]["buyer_orders_365d"] == 3
    assert facts["history"]["buyer_declined_365d"] is None
    assert parsed(INTEGRITY.source).decide(facts)["buyer.integrity"] is not None
