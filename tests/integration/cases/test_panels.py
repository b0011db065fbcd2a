"""Panels on a real database: who is drawn, how they vote, what comes of it."""

from datetime import timedelta

import pytest

from evenhand import panels
from evenhand.cases.settings import Panel, Settings
from evenhand.casework import Casework, check_case
from evenhand.desk import Desk
from evenhand.errors import Conflict, NotAllowed, OutOfDate, UnknownThing
from evenhand.fund.budgets import set_budget
from evenhand.records import Order, OrderLine
from evenhand.store import Database
from tests.integration.cases.conftest import ANNA, MERCHANT, Clock, Do, File, money

COUNTED = Settings(adjudication="panel", panel=Panel(jurors=5, majority=3, sure=None, days_known=30, orders=1))


def bought(name: str, buyer: str, merchant: str, clock: Clock, days: int = 100) -> Order:
    placed = clock.now - timedelta(days=days)
    return Order(
        name, buyer, placed, "CNY", [OrderLine("1", merchant, 1_000, "toys")], delivered_at=placed + timedelta(days=2)
    )


@pytest.fixture
async def users(desk: Desk, clock: Clock) -> None:
    """Twenty who may sit; five who dealt with the merchant, and five who are new."""
    await desk.take_orders(
        [
            *(("bazaar", bought(f"j{n}", f"juror-{n}", "store-7", clock)) for n in range(20)),
            *(("bazaar", bought(f"d{n}", f"dealt-{n}", "store-1", clock)) for n in range(5)),
            *(("bazaar", bought(f"n{n}", f"new-{n}", "store-7", clock, days=5)) for n in range(5)),
            *(("wholesale", bought(f"w{n}", f"juror-{n}", "store-7", clock)) for n in range(20)),
        ]
    )


async def drawn(database: Database, case: str) -> list[str]:
    rows = await database.pool.fetch(
        "select a.id, a.market from panel p join panel_seat s on s.panel = p.no join account a on a.no = s.juror"
        " where p.case_no = $1 order by a.id", int(case),
    )  # fmt: skip
    return [row["id"] for row in rows]


@pytest.fixture
async def case(file: File, do: Do, work: Casework, users: None) -> str:
    """A case that is before a panel."""
    await work.set_settings("bazaar", COUNTED, "tests")
    number = (await file()).case
    await do(number, MERCHANT, "escalate")
    assert await work.tick() == 1
    return number


async def test_jurors_are_strangers_of_good_standing(case: str, database: Database) -> None:
    seats = await drawn(database, case)
    assert len(set(seats)) == 5
    assert all(name.startswith("juror-") for name in seats)


async def test_the_first_side_to_its_majority_wins(case: str, work: Casework, database: Database, do: Do) -> None:
    seats = await drawn(database, case)
    with pytest.raises(Conflict, match="a panel is voting"):
        await do(case, ANNA, "claim")
    assert (await work.vote(int(case), seats[0], False, "Worn already.")).over is False
    async with database.pool.acquire() as connection:
        seen = await panels.shown(connection, int(case))
    assert (seen.votes, seen.for_buyer, seen.reasons, seen.verdict) == (1, None, [], None)
    assert seen.jurors == seats[1:]
    again = await work.vote(int(case), seats[0], False, "Worn already.")
    assert (again.repeated, again.votes) == (True, 1)
    with pytest.raises(Conflict, match="cast once"):
        await work.vote(int(case), seats[0], True, "")
    with pytest.raises(NotAllowed, match="no seat"):
        await work.vote(int(case), "dealt-1", True, "")
    for seat in seats[1:3]:
        await work.vote(int(case), seat, True, "The seam is open.")
    assert (await work.vote(int(case), seats[3], True, "")).over is True
    assert await money(database, case) == {"merchant": -8_000, "buyer": 8_000}
    async with database.pool.acquire() as connection:
        seen = await panels.shown(connection, int(case))
    assert (seen.verdict, seen.for_buyer, seen.for_merchant) == ("buyer", 3, 1)
    assert seen.reasons == ["The seam is open.", "The seam is open.", "Worn already."]
    with pytest.raises(Conflict, match="no panel is voting"):
        await work.vote(int(case), seats[4], True, "")
    assert await check_case(work, int(case)) is None
    statement, text = await work.statement(int(case), "merchant", "en")
    assert "A panel of users" in text
    assert not any(name.encode() in statement for name in seats)


async def test_a_vote_counts_only_while_the_case_is_as_the_juror_read_it(
    case: str, work: Casework, database: Database, do: Do
) -> None:
    seats = await drawn(database, case)
    first = await work.vote(int(case), seats[0], True, "", expected=2)
    # the votes of others are secret, and do not move the case
    assert (first.version, (await work.vote(int(case), seats[1], True, "", expected=2)).version) == (2, 2)
    await do(case, MERCHANT, "evidence", evidence=["photo-of-the-seam"])
    with pytest.raises(OutOfDate, match="at version 3, not 2"):
        await work.vote(int(case), seats[2], False, "", expected=2)
    assert (await work.vote(int(case), seats[0], True, "", expected=2)).repeated
    last = await work.vote(int(case), seats[2], True, "", expected=3)
    assert last.over
    assert last.version == await database.pool.fetchval("select version from case_file where no = $1", int(case)) > 3


async def test_without_a_majority_in_time_a_person_rules(
    case: str, work: Casework, database: Database, do: Do, clock: Clock
) -> None:
    seats = await drawn(database, case)
    await work.vote(int(case), seats[0], True, "")
    clock.move(hours=24)
    with pytest.raises(Conflict, match="time to vote is over"):
        await work.vote(int(case), seats[1], True, "")
    assert await work.tick() == 1
    assert await work.tick() == 0
    claimed = await do(case, ANNA, "claim")
    assert claimed.state == "under_review"
    async with database.pool.acquire() as connection:
        assert (await panels.shown(connection, int(case))).verdict == "none"


async def test_where_there_are_too_few_jurors_a_person_rules(
    file: File, do: Do, work: Casework, database: Database
) -> None:
    await work.set_settings("bazaar", COUNTED, "tests")
    number = (await file()).case
    await do(number, MERCHANT, "escalate")
    assert await work.tick() == 1
    assert await work.tick() == 0
    assert (await do(number, ANNA, "claim")).state == "under_review"
    async with database.pool.acquire() as connection:
        with pytest.raises(UnknownThing, match="had no panel"):
            await panels.shown(connection, int(number))


async def test_a_panel_that_is_sure_stops_early_and_learns_from_appeals(
    file: File, do: Do, work: Casework, database: Database, users: None
) -> None:
    settings = Settings(adjudication="panel", panel=Panel(jurors=17, majority=9, sure=0.89, days_known=30, orders=1))
    await work.set_settings("bazaar", settings, "tests")
    number = (await file()).case
    await do(number, MERCHANT, "escalate")
    await work.tick()
    votes = 0
    for seat in await drawn(database, number):
        votes += 1
        if (await work.vote(int(number), seat, True, "")).over:
            break
    # two new jurors are right together in 9 of 10 cases: three in four, against one in four
    assert votes == 2
    # the merchant appeals and wins: those who found for the buyer are worth less now
    await do(number, MERCHANT, "appeal", why="Weighed.", evidence=["slip"])
    await do(number, ANNA, "claim")
    await do(number, ANNA, "rule", outcome="decline", grounds=["goods.as_described"])
    second = (await file()).case
    await do(second, MERCHANT, "escalate")
    await work.tick()
    worth = await database.pool.fetch(
        "select s.specificity, exists (select from panel_seat b join panel q on q.no = b.panel where q.case_no = $2"
        " and b.juror = s.juror and b.for_buyer) as was_wrong"
        " from panel_seat s join panel p on p.no = s.panel where p.case_no = $1",
        int(second), int(number),
    )  # fmt: skip
    wrong = [row["specificity"] for row in worth if row["was_wrong"]]
    others = [row["specificity"] for row in worth if not row["was_wrong"]]
    assert all(one == pytest.approx(6 / 9) for one in wrong)
    assert all(one == pytest.approx(6 / 8) for one in others)


async def test_a_panels_verdict_that_no_budget_covers_goes_to_a_person(
    file: File, do: Do, work: Casework, database: Database, users: None, clock: Clock
) -> None:
    await work.set_settings("wholesale", COUNTED, "tests")
    number = (await file(market="wholesale", reason="no_reason")).case
    async with database.pool.acquire() as connection, connection.transaction():
        await set_budget(connection, "wholesale", 1_000, by="finance", now=clock.now)
    await do(number, MERCHANT, "escalate")
    assert await work.tick() == 1
    seats = await drawn(database, number)
    voted = [await work.vote(int(number), seat, True, "") for seat in seats[:3]]
    assert [(one.over, one.votes) for one in voted] == [(False, 1), (False, 2), (True, 3)]
    assert await money(database, number) == {}
    async with database.pool.acquire() as connection:
        shown = await panels.shown(connection, int(number))
        found = (await work.load(connection, int(number))).case
    assert (shown.verdict, shown.votes, found.state) == ("none", 3, "escalated")
    assert await check_case(work, int(number)) is None
    await do(number, ANNA, "claim")
    with pytest.raises(Conflict, match="raise it"):
        await do(number, ANNA, "rule", outcome="subsidise", grounds=["goodwill"])
    await do(number, ANNA, "rule", outcome="subsidise", amount=1_000, grounds=["goodwill"])


async def test_a_panel_lets_the_fund_pay_where_no_merchant_may_be_charged(
    file: File, do: Do, work: Casework, database: Database, users: None
) -> None:
    await work.set_settings("wholesale", COUNTED, "tests")
    number = (await file(market="wholesale", reason="no_reason")).case
    await do(number, MERCHANT, "escalate")
    assert await work.tick() == 1
    for seat in (await drawn(database, number))[:3]:
        await work.vote(int(number), seat, True, "")
    assert await money(database, number) == {"fund": -8_000, "buyer": 8_000}
