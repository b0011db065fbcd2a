"""What persons find in cases is what the abuse score learns from: the latest word, known from the day it was said."""

from datetime import date
from typing import Any

import msgspec
import pytest

from evenhand.accounts.abuse.rulings import TRUE, UNTRUE, Claim, persons_truth, read_rulings
from evenhand.cases.grounds import GROUNDS
from evenhand.errors import BadInput, UnknownThing
from evenhand.store import Database
from tests.integration.cases.conftest import ANNA, BORIS, BUYER, MERCHANT, Clock, Do, File

FILED = date(2026, 3, 2)


async def judge(do: Do, case: str, who: dict[str, str], outcome: str, *grounds: str) -> None:
    await do(case, who, "claim")
    await do(case, who, "rule", outcome=outcome, grounds=list(grounds))


async def truths(database: Database, market: str | None = "strict") -> list[tuple[bool, date] | None]:
    """What is known of each claim, in the order they were filed."""
    async with database.pool.acquire() as connection:
        truth = await persons_truth(connection, market)
        rows = await connection.fetch("select id from application order by no")
    found = [truth(Claim("strict", row["id"], "buyer-1")) for row in rows]
    return [(one.abusive, one.known_on) if one and one.known_on else None for one in found]


def test_the_grounds_are_those_that_people_give() -> None:
    assert GROUNDS.keys() >= UNTRUE | TRUE


async def test_a_finding_is_a_label_and_anything_else_is_none(file: File, do: Do, database: Database) -> None:
    for outcome, ground in (
        ("decline", "evidence.unreliable"),
        ("subsidise", "goods.defective"),
        ("decline", "evidence.insufficient"),
        ("subsidise", "goodwill"),
        ("decline", "goods.defective"),
    ):
        await judge(do, (await file(market="strict")).case, ANNA, outcome, ground)
    await file(market="strict")
    assert await truths(database) == [(True, FILED), (False, FILED), None, None, None, None]


async def test_what_the_policy_ruled_by_itself_teaches_nothing(file: File, database: Database) -> None:
    assert (await file(market="strict", reason="no_reason")).outcome == "decline"
    async with database.pool.acquire() as connection:
        with pytest.raises(BadInput, match="no person has found anything"):
            await persons_truth(connection, "strict")
        with pytest.raises(UnknownThing):
            await persons_truth(connection, "nowhere")


async def test_what_an_appeal_finds_replaces_what_was_found_before(
    file: File, do: Do, database: Database, clock: Clock
) -> None:
    wronged, caught = (await file(market="strict")).case, (await file(market="strict")).case
    intercepted = (await file(market="strict", reason="no_reason")).case
    await judge(do, wronged, ANNA, "decline", "goods.as_described")
    await judge(do, caught, ANNA, "refund_by_merchant", "goods.not_as_described")
    assert await truths(database) == [(True, FILED), (False, FILED), None]
    clock.move(days=20)
    await do(wronged, BUYER, "appeal", why="Here is the report.", evidence=["report-1"])
    await do(caught, MERCHANT, "appeal", why="The picture is a stranger's.", evidence=["picture-1"])
    await do(intercepted, BUYER, "appeal", why="It is torn.", evidence=["picture-2"])
    assert await truths(database) == [(True, FILED), (False, FILED), None]  # until somebody decides
    clock.move(days=1)
    await judge(do, wronged, BORIS, "subsidise", "goods.not_as_described")
    await judge(do, caught, BORIS, "decline", "evidence.unreliable")
    await judge(do, intercepted, BORIS, "subsidise", "goods.defective")
    later = date(2026, 3, 23)
    assert await truths(database) == [(False, later), (True, later), (False, later)]


async def test_the_facts_are_those_of_the_application_and_a_late_label_is_dated_late(
    file: File, do: Do, database: Database, clock: Clock
) -> None:
    first = (await file(market="strict")).case
    before: dict[str, Any] = msgspec.json.decode(await database.pool.fetchval("select a.facts from application a"))
    for _ in range(4):  # what the buyer does afterwards
        await file(market="strict", reason="counterfeit")
    clock.move(days=30)
    await judge(do, first, ANNA, "decline", "return.empty")
    async with database.pool.acquire() as connection:
        history = await read_rulings(connection, "strict", await persons_truth(connection, "strict"), "persons")
    assert (len(history), history.unlabelled) == (1, 4)
    assert history.numbers["history.buyer_refund_only_365d"].tolist() == [before["history"]["buyer_refund_only_365d"]]
    assert (history.known - history.filed).tolist() == [30]
