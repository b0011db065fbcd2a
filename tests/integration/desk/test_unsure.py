"""Claims the learned score does not know, on the live path: they go to persons, as many a day as those can look at."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import asyncpg
import msgspec
import pytest

from evenhand.accounts.abuse.card import ChoicePoints
from evenhand.accounts.abuse.keeping import activate, keep
from evenhand.accounts.abuse.people import UncertainToday, uncertain_today
from evenhand.accounts.abuse.unsure import UNSURE
from evenhand.accounts.scores import INTEGRITY
from evenhand.booking import Ruled, reproduce
from evenhand.cases.settings import Settings
from evenhand.casework import Casework
from evenhand.desk import Desk
from evenhand.errors import EvenhandError
from evenhand.fund.budgets import set_budget
from evenhand.policy import Policy
from evenhand.records import Application, Market, Order, OrderLine
from evenhand.rescoring import rescored
from evenhand.scorecard_replay import replay
from evenhand.store import Database
from tests.integration.desk import test_abuse_score
from tests.integration.desk.conftest import NOW

TODAY = date(2026, 3, 1)
# uncertain of every claim of damage by a new buyer, and of no other claim of one
UNCLEAR, CLEAR = "damaged", "quality"
CARD = msgspec.structs.replace(test_abuse_score.CARD, choices=(ChoicePoints("application.reason", {UNCLEAR: 25}),))
_numbers = count(1)


@pytest.fixture
async def work(desk: Desk, database: Database) -> Casework:
    """The market uses a learned card."""
    async with database.pool.acquire() as connection, connection.transaction():
        await keep(connection, CARD, None, by="ana", now=NOW)
        await activate(connection, "shop", CARD.version, by="ana", now=NOW)
    await desk.refresh()
    return Casework(desk, database, clock=lambda: NOW)


Limit = Callable[[int | None], Awaitable[None]]


@pytest.fixture
def limit(work: Casework) -> Limit:
    return lambda most: work.set_settings("shop", Settings(uncertain_per_day=most), "ana")


async def orders(desk: Desk, number: int, market: str = "shop", currency: str = "CNY") -> list[str]:
    """Orders of new buyers at new stores: nothing but the day's places is shared."""
    ids = [f"o{next(_numbers)}" for _ in range(number)]
    answers = await desk.take_orders(
        [
            (market, Order(one, f"buyer-{one}", NOW - timedelta(days=20), currency,
                           [OrderLine("1", f"store-{one}", 10_000, "toys")], delivered_at=NOW - timedelta(days=16)))
            for one in ids
        ]
    )  # fmt: skip
    assert not [one for one in answers if isinstance(one, EvenhandError)]
    return ids


def asking(order: str, reason: str = UNCLEAR, **changes: Any) -> Application:
    values: dict[str, Any] = {"remedy": "refund_only", "stage": "received", "reason": reason, "amount": 8_000}
    return Application(f"a-{order}", order, "1", currency="CNY", **values | changes)


async def rule(desk: Desk, items: Sequence[Application], market: str = "shop") -> list[Ruled]:
    answers = await desk.rule([(market, one) for one in items])
    assert [one for one in answers if not isinstance(one, Ruled)] == []
    return [one for one in answers if isinstance(one, Ruled)]


async def ask(desk: Desk, *reasons: str, market: str = "shop", **changes: Any) -> list[Ruled]:
    """Claims for these reasons, each of a new buyer, in one batch."""
    ids = await orders(desk, len(reasons), market)
    return await rule(desk, [asking(one, reason, **changes) for one, reason in zip(ids, reasons, strict=True)], market)


async def today(database: Database, desk: Desk, now: datetime = NOW, market: str = "shop") -> UncertainToday:
    async with database.pool.acquire() as connection:
        (found,) = await uncertain_today(connection, [desk.markets[market].number], now)
    return found


async def stored(database: Database, case: str) -> tuple[dict[str, Any], str]:
    """The facts of a ruling, and the text of its policy."""
    row = await database.pool.fetchrow(
        "select a.facts, v.source from application a join policy_version v on v.no = a.policy_version where a.no = $1",
        int(case),
    )
    assert row is not None
    return msgspec.json.decode(row["facts"]), row["source"]


async def available(database: Database, case: str) -> bool | None:
    return (await stored(database, case))[0]["abuse"]["person_available"]


async def test_without_a_limit_every_unclear_claim_goes_to_a_person(work: Casework, database: Database) -> None:
    clear, *unclear = await ask(work.desk, CLEAR, *[UNCLEAR] * 3)
    assert (clear.outcome, await available(database, clear.case)) == ("subsidise", None)
    for ruled in unclear:
        assert (ruled.outcome, ruled.payer, ruled.amount, ruled.because) == ("review", "none", 0, UNSURE)
        assert await available(database, ruled.case) is True
    # nothing is paid, a person has until a deadline, and nothing speaks against the buyers
    assert await database.pool.fetchval("select count(*) from transfer") == 1
    waiting = await database.pool.fetch("select state, wanted_by from case_file order by no")
    assert [one["state"] for one in waiting] == ["escalated"] * 3
    assert all(one["wanted_by"] == NOW + timedelta(hours=72) for one in waiting)
    assert await database.pool.fetchval("select count(*) from label_sign") == 0
    assert await today(database, work.desk) == UncertainToday("shop", TODAY, None, 3, 0)


async def test_a_ruling_is_reproduced_and_repeated_and_takes_no_place_twice(
    work: Casework, database: Database, limit: Limit
) -> None:
    await limit(3)
    (order,) = await orders(work.desk, 1)
    first, again = await rule(work.desk, [asking(order)] * 2)
    (later,) = await rule(work.desk, [asking(order)])
    assert (again.repeated, later.repeated) == (True, True)
    assert msgspec.structs.replace(again, repeated=False) == first
    assert msgspec.structs.replace(later, repeated=False) == first
    facts, source = await stored(database, first.case)
    made = reproduce(source, msgspec.json.encode(facts).decode(), "CNY")
    assert (made.outcome, made.payer, made.amount, made.rule, made.because) == (
        first.outcome, first.payer, first.amount, first.rule, first.because,
    )  # fmt: skip
    # as it was ruled before persons were asked at all: no such fact, and settled as written
    del facts["abuse"]["person_available"]
    assert reproduce(source, msgspec.json.encode(facts).decode(), "CNY").outcome == "subsidise"
    async with database.pool.acquire() as connection:
        whole = await rescored(connection, int(first.case))
    assert whole.facts == (await stored(database, first.case))[0]
    assert (await today(database, work.desk)).taken == 1


async def test_a_days_places_are_given_in_order_and_the_rest_is_ruled_as_written(
    work: Casework, database: Database, limit: Limit
) -> None:
    await limit(2)
    answers = [*await ask(work.desk, UNCLEAR, CLEAR, UNCLEAR, UNCLEAR), *await ask(work.desk, UNCLEAR)]
    assert [one.outcome for one in answers] == ["review", "subsidise", "review", "subsidise", "subsidise"]
    assert [await available(database, one.case) for one in answers] == [True, None, True, False, False]
    assert await today(database, work.desk) == UncertainToday("shop", TODAY, 2, 2, 2)
    # lowered below what was given out: no more, and nothing is taken back; raised: from there on
    await limit(1)
    assert [one.outcome for one in await ask(work.desk, UNCLEAR)] == ["subsidise"]
    assert await today(database, work.desk) == UncertainToday("shop", TODAY, 1, 2, 3)
    await limit(3)
    assert [one.outcome for one in await ask(work.desk, UNCLEAR, UNCLEAR)] == ["review", "subsidise"]
    await limit(0)
    assert [one.outcome for one in await ask(work.desk, UNCLEAR)] == ["subsidise"]
    await limit(None)
    assert [one.outcome for one in await ask(work.desk, UNCLEAR)] == ["review"]
    assert await today(database, work.desk) == UncertainToday("shop", TODAY, None, 4, 5)


async def test_desks_that_race_for_the_last_places_never_give_more(
    work: Casework, database: Database, limit: Limit
) -> None:
    """24 batches at three desks that know nothing of one another; the places are enough for less than half of the claims."""
    await limit(20)
    desks = [work.desk, *[await Desk.open(database, clock=lambda: NOW) for _ in range(2)]]
    ids = [await orders(work.desk, 2) for _ in range(24)]
    try:
        batches = await asyncio.gather(
            *(rule(desks[place % 3], [asking(one) for one in pair]) for place, pair in enumerate(ids))
        )
    finally:
        for desk in desks[1:]:
            await desk.close()
    answers = [one for batch in batches for one in batch]
    outcomes = [one.outcome for one in answers]
    assert (outcomes.count("review"), outcomes.count("subsidise")) == (20, 28)
    assert [await available(database, one.case) for one in answers] == [one == "review" for one in outcomes]
    assert await today(database, work.desk) == UncertainToday("shop", TODAY, 20, 20, 28)


async def test_the_database_has_the_last_word(work: Casework, database: Database, limit: Limit) -> None:
    await limit(1)
    await ask(work.desk, UNCLEAR)
    with pytest.raises(asyncpg.CheckViolationError):
        await database.pool.execute("update uncertain_day set taken = taken + 1")


async def test_a_claim_counts_for_the_day_it_was_filed_however_late_it_is_told(
    work: Casework, database: Database, limit: Limit
) -> None:
    await limit(1)
    midnight = datetime(2026, 2, 27, 16, tzinfo=UTC)  # in Shanghai
    instant = timedelta(microseconds=1)
    for applied_at, outcome in (
        (midnight, "review"),
        (midnight - instant, "review"),
        (midnight + timedelta(days=1) - instant, "subsidise"),
        (midnight - timedelta(hours=3), "subsidise"),
        (midnight + timedelta(days=1), "review"),
    ):
        (ruled,) = await ask(work.desk, UNCLEAR, applied_at=applied_at)
        assert ruled.outcome == outcome, applied_at
    rows = await database.pool.fetch("select day, taken, passed from uncertain_day order by day")
    assert [tuple(row) for row in rows] == [
        (date(2026, 2, 27), 1, 1), (date(2026, 2, 28), 1, 1), (date(2026, 3, 1), 1, 0),
    ]  # fmt: skip
    assert (await today(database, work.desk, NOW + timedelta(days=1))).taken == 0


async def test_days_that_are_an_hour_short_or_long_are_days(work: Casework, database: Database) -> None:
    """New York sets its clocks forward on 2026-03-08 and back on 2026-11-01: days of 23 and of 25 hours."""
    ours = [datetime(2026, 11, 20, tzinfo=UTC)]
    desk = await Desk.open(database, clock=lambda: ours[0])
    try:
        await desk.add_market(Market("east", "East", "1688", "CNY", "America/New_York"), synthetic=True)
        async with database.pool.acquire() as connection, connection.transaction():
            await activate(connection, "east", CARD.version, by="ana", now=NOW)
        await desk.refresh()
        await Casework(desk, database, clock=lambda: NOW).set_settings("east", Settings(uncertain_per_day=1), "ana")
        for begins, ends in (
            (datetime(2026, 3, 8, 5, tzinfo=UTC), datetime(2026, 3, 9, 4, tzinfo=UTC)),
            (datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 11, 2, 5, tzinfo=UTC)),
        ):
            last = ends - timedelta(seconds=1)
            for applied_at, outcome in ((begins, "review"), (last, "subsidise"), (ends, "review")):
                (ruled,) = await ask(desk, UNCLEAR, market="east", applied_at=applied_at)
                assert ruled.outcome == outcome, applied_at
            assert (await today(database, desk, last, "east")).taken == 1
    finally:
        await desk.close()


async def test_an_empty_budget_is_the_reason_where_both_hold_and_no_place_is_taken(
    work: Casework, database: Database, limit: Limit
) -> None:
    await limit(1)
    async with database.pool.acquire() as connection, connection.transaction():
        await set_budget(connection, "shop", 0, by="finance", now=NOW)
    empty, also = await ask(work.desk, UNCLEAR, CLEAR)
    assert [empty.outcome, also.outcome] == ["review", "review"]
    assert "budget" in empty.because.en
    assert "budget" in also.because.en
    assert (await today(database, work.desk)).taken == 0
    async with database.pool.acquire() as connection, connection.transaction():
        await set_budget(connection, "shop", 100_000, by="finance", now=NOW)
    # what a person is to look at spends nothing of a budget; what is settled does
    unclear, settled = await ask(work.desk, UNCLEAR, UNCLEAR)
    assert (unclear.because, settled.outcome) == (UNSURE, "subsidise")
    assert await database.pool.fetchval("select sum(remains)::bigint from budget_share") == 92_000


OWN = """---
policy: own
version: 1
effective: 2020-01-01
---
# Its own word

## Ruling
| F | {0} | abuse.uncertain | → outcome |
|---|-----------------|-----------------|-----------|
| 1 | {1} | true | review |
| 2 | - | - | decline |
"""


@pytest.mark.parametrize(
    ("reads", "outcomes", "taken"),
    [
        # it goes by whether a person is there; or it does not, and sends more to persons than there are places
        (("abuse.person_available", "true"), ["review", "decline"], 1),
        (("order.amount", ">= 0"), ["review", "review"], 1),
    ],
)
async def test_a_document_that_reads_the_facts_rules_as_it_is_written(
    work: Casework, database: Database, reads: tuple[str, str], outcomes: list[str], taken: int
) -> None:
    desk = work.desk
    await desk.register(Policy.parse(OWN.format(*reads)))
    await desk.add_market(Market("own", "Own", "own", "CNY", "Asia/Shanghai", pinned="1"), synthetic=True)
    async with database.pool.acquire() as connection, connection.transaction():
        await activate(connection, "own", CARD.version, by="ana", now=NOW)
    await work.set_settings("own", Settings(uncertain_per_day=1), "ana")
    answers = await ask(desk, UNCLEAR, UNCLEAR, market="own")
    assert [one.outcome for one in answers] == outcomes
    assert UNSURE not in [one.because for one in answers]
    assert (await today(database, desk, market="own")).taken == taken


async def test_a_changed_scorecard_over_stored_rulings_keeps_who_had_a_place(
    work: Casework, database: Database, limit: Limit
) -> None:
    await limit(1)
    await ask(work.desk, UNCLEAR, UNCLEAR, CLEAR)
    async with database.pool.acquire() as connection:
        same = await replay(connection, "shop", INTEGRITY, "integrity")
        other = await replay(connection, "shop", Policy.parse(STRANGER), "integrity")
    assert {(one.before, one.after): one.rulings for one in same.outcomes} == {
        ("review", "review"): 1, ("subsidise", "subsidise"): 2,
    }  # fmt: skip
    # nobody's integrity is good enough to be subsidised any more: there is nothing to be settled, and nothing for a person
    assert {(one.before, one.after): one.rulings for one in other.outcomes} == {
        ("review", "merchant_decides"): 1,
        ("subsidise", "merchant_decides"): 2,
    }


STRANGER = """---
policy: integrity
version: stranger
effective: 2020-01-01
---
# Nobody is known

## Integrity
| U | history.buyer_orders_365d | → buyer.integrity | → buyer.integrity_score |
|---|---------------------------|-------------------|-------------------------|
| 1 | -                         | poor              | 100                     |
"""


async def test_the_buyer_is_told_why_and_the_merchant_nothing_of_the_buyer(work: Casework) -> None:
    (ruled,) = await ask(work.desk, UNCLEAR)
    for lang, said, decides in (("en", UNSURE.en, "A person decides"), ("zh", UNSURE.zh, "转人工审理")):
        body, text = await work.statement(int(ruled.case), "buyer", lang)  # pyright: ignore[reportArgumentType]
        told = msgspec.json.decode(body)
        assert told["because"] == [said]
        assert "abuse.uncertain" in [one["name"] for one in told["facts"]]
        assert "abuse.score" not in [one["name"] for one in told["facts"]]
        body, text = await work.statement(int(ruled.case), "merchant", lang)  # pyright: ignore[reportArgumentType]
        assert decides in text
        # nor which row of the policy would have settled it
        assert msgspec.json.decode(body)["clause"]["row"] is None
        for word in ("abuse", "score", "uncertain", "not clear", "滥用", "评分", "不确定", "不够明确"):
            assert word not in text, word
