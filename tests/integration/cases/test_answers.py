"""How fast a store answers is counted from what happens in its cases, and moves its experience score."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from evenhand.casework import Casework
from evenhand.desk import Desk
from evenhand.errors import NotAllowed
from evenhand.profiles import profile
from evenhand.rescoring import rescored
from evenhand.store import Database
from tests.integration.cases.conftest import BUYER, MERCHANT, PLATFORM, Clock, Do, File, History

ANSWERS = ("merchant_answers_365d", "merchant_answer_time_365d")


async def answers(history: History, market: str = "bazaar") -> list[int]:
    found = await history(market)
    return [found[name] for name in ANSWERS]


async def test_the_first_answer_counts_by_the_time_it_took(file: File, do: Do, clock: Clock, history: History) -> None:
    case = (await file()).case
    clock.move(hours=12)
    await do(case, BUYER, "messages", text="The seam is open.")  # the store's clock is not the buyer's to move
    assert await answers(history) == [0, 0]
    clock.move(hours=12, minutes=1)
    await do(case, MERCHANT, "messages", text="Please send a photo.")
    assert await answers(history) == [1, 51]  # 24 h and a minute of 48 h, rounded up
    await do(case, BUYER, "messages", text="Here.")
    clock.move(hours=1)
    await do(case, MERCHANT, "offers", kind="refund")
    assert await answers(history) == [1, 51]  # only the first
    prompt = (await file()).case
    await do(prompt, MERCHANT, "accept")
    assert await answers(history) == [2, 51]


async def test_a_deadline_that_passes_counts_as_five_times_the_time_given(
    file: File, work: Casework, do: Do, clock: Clock, history: History, database: Database, desk: Desk
) -> None:
    missed, answered = (await file()).case, (await file()).case
    await do(answered, MERCHANT, "decline", why="It is as described.")
    clock.move(hours=48)
    while await work.tick():
        pass
    assert await answers(history) == [2, 500]
    events = await database.pool.fetch("select action from case_event where case_no = $1 order by no", int(missed))
    assert events[0]["action"] == "silence"
    # a buyer who does not answer says nothing about the store
    clock.move(days=30)
    while await work.tick():
        pass
    assert await answers(history) == [2, 500]
    facts = await profile_facts(database, desk, clock)
    assert facts["history.merchant_missed_rate_365d"] == Decimal("0.5000")


async def test_a_clock_that_stands_still_takes_no_time_from_the_store(
    file: File, do: Do, clock: Clock, history: History
) -> None:
    case = (await file()).case
    clock.move(hours=12)
    await do(case, PLATFORM, "pause", why="The platform is down.")
    clock.move(days=5)
    await do(case, MERCHANT, "messages", text="We are looking into it.")
    assert await answers(history) == [1, 25]


async def test_where_no_deadline_was_given_no_answer_is_late(
    file: File, do: Do, clock: Clock, history: History
) -> None:
    case = (await file(market="wholesale", reason="other")).case
    clock.move(days=9)
    await do(case, MERCHANT, "decline", why="No.")
    assert await answers(history, "wholesale") == [0, 0]


async def test_answers_move_the_service_part_that_later_rulings_are_scored_by(
    file: File, do: Do, work: Casework, clock: Clock, database: Database, desk: Desk
) -> None:
    start = await service(database, desk, clock)
    await file()
    clock.move(hours=48)
    while await work.tick():
        pass
    missed = await service(database, desk, clock)
    for _ in range(6):
        await do((await file()).case, MERCHANT, "messages", text="At once.")
    mended = await service(database, desk, clock)
    assert (start, missed) == (Decimal("4.6"), Decimal("4.181818"))
    assert missed < mended < 5
    last = (await file()).case
    facts = msgspec.json.decode(
        await database.pool.fetchval("select a.facts from application a where no = $1", int(last))
    )
    assert [facts["history"][name] for name in ANSWERS] == [7, 500]
    async with database.pool.acquire() as connection:
        again = await rescored(connection, int(last))
    assert again.facts == facts


async def test_the_account_says_what_answering_would_bring(
    file: File, do: Do, database: Database, desk: Desk, clock: Clock
) -> None:
    case = (await file()).case
    clock.move(hours=47)
    await do(case, MERCHANT, "messages", text="Late, but here.")
    async with database.pool.acquire() as connection:
        shown = await profile(connection, desk.markets["bazaar"], "store-1", "merchant", clock())
    [score] = shown.scores
    formulas = {one.name: one.value for one in score.formulas}
    assert formulas["service_score"] == 5 - formulas["time_taken"]
    assert formulas["time_taken"] == Decimal("0.452727")  # (400 + 98) / (100 * 11)
    facts = {one.name for one in shown.facts}
    assert {f"history.{name}" for name in ANSWERS} <= facts


async def profile_facts(database: Database, desk: Desk, clock: Clock) -> dict[str, Any]:
    async with database.pool.acquire() as connection:
        shown = await profile(connection, desk.markets["bazaar"], "store-1", "merchant", clock() + timedelta(days=1))
    return {one.name: one.value for one in shown.facts}


async def service(database: Database, desk: Desk, clock: Clock) -> Decimal:
    async with database.pool.acquire() as connection:
        shown = await profile(connection, desk.markets["bazaar"], "store-1", "merchant", clock())
    return next(one.value for one in shown.scores[0].formulas if one.name == "service_score")


async def test_a_merchant_cannot_be_slowed_by_cases_that_are_not_its_own(
    file: File, do: Do, clock: Clock, history: History
) -> None:
    """Whoever is no party has no say, and what fails leaves nothing behind."""
    case = (await file()).case
    clock.move(hours=40)
    for name in ("store-2", "STORE-1"):
        with pytest.raises(NotAllowed, match="not a party"):
            await do(case, {"role": "merchant", "id": name}, "messages", text="I am slow.")
    assert await answers(history) == [0, 0]
