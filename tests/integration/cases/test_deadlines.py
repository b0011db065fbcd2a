"""Deadlines on a real database, with a clock moved by hand: they fire once, whoever looks, however often."""

import asyncio
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from evenhand.cases.calendar import Calendar
from evenhand.cases.settings import Settings
from evenhand.casework import Casework, check_all, check_case
from evenhand.desk import Desk
from evenhand.policy import Policy
from evenhand.records import Market
from evenhand.store import Database
from evenhand.store.migrate import shipped
from tests.integration.cases.conftest import BUYER, MERCHANT, PLATFORM, START, Clock, Do, File, money

SILENT = """---
policy: silent
version: 1
effective: 2020-01-01
---
# Silence

What a deadline that passes leads to.

## Ruling
| F | application.reason | → outcome         | → respond_within_hours | → on_silence |
|---|--------------------|-------------------|------------------------|--------------|
| 1 | "quality"          | negotiate         | 24                     | accept       |
| 2 | "damaged"          | merchant_decides  | 24                     | close        |
| 3 | "other"            | negotiate         | 24                     | null         |
| 4 | "no_reason"        | return_and_refund | 24                     | null         |
| 5 | -                  | review            | null                   | null         |
"""


async def state(work: Casework, case: str) -> tuple[str, str | None]:
    async with work.pool.acquire() as connection:
        found = (await work.load(connection, int(case))).case
    return found.state, found.ended


async def test_a_silent_merchant_loses_its_say(file: File, work: Casework, clock: Clock) -> None:
    ruled = await file()
    assert (ruled.outcome, ruled.respond_within_hours) == ("negotiate", 48)
    clock.move(hours=47, minutes=59)
    assert await work.tick() == 0
    clock.move(minutes=1)
    assert await work.tick() == 1
    assert await work.tick() == 0
    assert await state(work, ruled.case) == ("escalated", None)
    assert await check_case(work, int(ruled.case)) is None


async def test_whoever_looks_a_deadline_fires_once(file: File, desk: Desk, database: Database, clock: Clock) -> None:
    cases = [(await file()).case for _ in range(6)]
    clock.move(days=3)
    servers = [Casework(desk, database, clock=clock) for _ in range(4)]

    async def run(work: Casework) -> int:
        done = 0
        while await work.tick():
            done += 1
        return done

    assert sum(await asyncio.gather(*(run(one) for one in servers))) == 6
    events = await database.pool.fetch(
        "select case_no, count(*) as n from case_event where action = 'silence' group by 1"
    )
    assert {row["case_no"]: row["n"] for row in events} == {int(case): 1 for case in cases}


async def test_an_answer_in_time_moves_the_deadline_to_the_other_side(
    file: File, do: Do, work: Casework, clock: Clock
) -> None:
    case = (await file()).case
    clock.move(hours=40)
    answered = await do(case, MERCHANT, "messages", text="What is wrong with it?")
    assert (answered.turn, answered.due) == ("buyer", clock.now + timedelta(hours=168))
    # a second word of the same side moves nothing
    clock.move(hours=10)
    again = await do(case, MERCHANT, "messages", text="Could you send a picture?")
    assert (again.turn, again.due) == ("buyer", answered.due)
    clock.move(hours=158)
    assert await work.tick() == 1
    assert await state(work, case) == ("closed", "expired")


async def test_silence_means_what_the_policy_says(
    desk: Desk, file: File, work: Casework, clock: Clock, database: Database
) -> None:
    await desk.register(Policy.parse(SILENT))
    await desk.add_market(Market("quiet", "Quiet", "silent", "CNY", "Asia/Shanghai", pinned="1"))
    from tests.integration.cases.conftest import make_order

    await desk.take_orders([("quiet", make_order(f"order-{number}", clock.now)) for number in range(30)])
    cases = {
        reason: (await file(market="quiet", reason=reason)).case
        for reason in ("quality", "damaged", "other", "no_reason", "counterfeit")
    }
    clock.move(hours=24)
    while await work.tick():
        pass
    assert {reason: await state(work, case) for reason, case in cases.items()} == {
        "quality": ("closed", "ruled"),
        "damaged": ("closed", "expired"),
        "other": ("escalated", None),
        "no_reason": ("closed", "expired"),
        "counterfeit": ("escalated", None),
    }
    # a ruling that takes silence for consent names the merchant, so the merchant pays
    assert await money(database, cases["quality"]) == {"merchant": -8_000, "buyer": 8_000}
    assert await check_all(work) == (4, 0)


async def test_a_market_may_count_working_hours(file: File, work: Casework) -> None:
    # START is Monday noon in Shanghai; Tuesday is a holiday
    calendar = Calendar(clock="working", holidays=[date(2026, 3, 3)])
    await work.set_settings("bazaar", Settings(calendar=calendar), "tests")
    case = (await file()).case
    async with work.pool.acquire() as connection:
        due = (await work.load(connection, int(case))).case.due
    # 48 hours of 9 a day: 6 today, then Wednesday, Thursday, Friday, Monday and 6 more on Tuesday
    assert due is not None
    assert due.astimezone(ZoneInfo("Asia/Shanghai")).isoformat() == "2026-03-10T15:00:00+08:00"


async def test_a_clock_that_is_stopped_keeps_what_was_left(file: File, do: Do, work: Casework, clock: Clock) -> None:
    case = (await file()).case
    clock.move(hours=40)
    paused = await do(case, PLATFORM, "pause", why="the carrier is on strike")
    assert paused.due is None
    clock.move(days=30)
    assert await work.tick() == 0
    resumed = await do(case, PLATFORM, "resume")
    assert resumed.due == clock.now + timedelta(hours=8)
    clock.move(hours=8)
    assert await work.tick() == 1
    assert await state(work, case) == ("escalated", None)


async def test_deadlines_outlive_the_server(file: File, desk: Desk, database: Database, clock: Clock) -> None:
    case = (await file()).case
    await desk.close()
    clock.move(days=5)
    reopened = await Desk.open(database, clock=clock)
    try:
        work = Casework(reopened, database, clock=clock)
        assert await work.tick() == 1
        assert await state(work, case) == ("escalated", None)
    finally:
        await reopened.close()


async def test_one_case_that_cannot_be_worked_on_does_not_stop_the_others(
    file: File, work: Casework, clock: Clock, database: Database
) -> None:
    first, second = (await file()).case, (await file()).case
    await database.pool.execute("update case_file set stands = '{}' where no = $1", int(first))
    clock.move(days=3)
    assert await work.tick() == 1
    assert await work.tick() == 0
    assert await state(work, second) == ("escalated", None)


async def test_a_return_that_the_policy_ordered_has_the_markets_time(
    file: File, do: Do, work: Casework, clock: Clock, database: Database
) -> None:
    cases = [(await file(remedy="return_and_refund", reason="no_reason")).case for _ in range(3)]
    async with work.pool.acquire() as connection:
        found = (await work.load(connection, int(cases[0]))).case
    assert (found.state, found.turn, found.due) == ("settling", "buyer", START + timedelta(hours=168))
    silent, handed_over, received = cases
    clock.move(hours=100)
    sent = await do(handed_over, BUYER, "send-back", text="SF 1")
    assert (sent.turn, sent.due) == ("merchant", clock.now + timedelta(hours=240))
    await do(received, BUYER, "send-back", text="SF 2")
    assert (await do(received, MERCHANT, "receive", text="All there.")).state == "closed"
    clock.move(hours=68)
    assert [await work.tick(), await work.tick()] == [1, 0]
    assert await state(work, silent) == ("closed", "expired")
    clock.move(hours=172)
    assert [await work.tick(), await work.tick()] == [1, 0]
    # no ruling names the merchant: whether the parcel came is for a person to say
    assert await state(work, handed_over) == ("escalated", None)
    assert await money(database, received) == {"merchant": -8_000, "buyer": 8_000}
    assert await money(database, silent) == {}
    assert await check_all(work) == (3, 0)


async def test_goods_that_are_not_sent_back_end_the_case(
    file: File, do: Do, work: Casework, clock: Clock, database: Database
) -> None:
    case = (await file()).case
    await do(case, BUYER, "offers", kind="return_and_refund")
    await do(case, MERCHANT, "accept", offer=1)
    clock.move(hours=168)
    assert await work.tick() == 1
    assert await state(work, case) == ("closed", "expired")
    assert await money(database, case) == {}


async def test_goods_a_merchant_is_silent_about_count_as_received(
    file: File, do: Do, work: Casework, clock: Clock, database: Database
) -> None:
    case = (await file()).case
    await do(case, BUYER, "offers", kind="return_and_refund")
    await do(case, MERCHANT, "accept", offer=1)
    await do(case, BUYER, "send-back", text="SF 1")
    clock.move(hours=240)
    assert await work.tick() == 1
    assert await state(work, case) == ("closed", "settled")
    assert await money(database, case) == {"merchant": -8_000, "buyer": 8_000}


def test_the_first_deadline_is_counted_from_the_ruling() -> None:
    from evenhand.cases.opening import first_due
    from evenhand.cases.settings import DEFAULT

    zone = ZoneInfo("Asia/Shanghai")
    assert first_due("negotiate", 48, START, DEFAULT, zone) == START + timedelta(hours=48)
    assert first_due("negotiate", None, START, DEFAULT, zone) is None
    assert first_due("return_and_refund", None, START, DEFAULT, zone) == START + timedelta(hours=168)
    assert first_due("review", None, START, DEFAULT, zone) == START + timedelta(hours=72)


async def test_returns_begun_before_they_had_deadlines_get_a_week_from_the_upgrade(
    file: File, do: Do, work: Casework, database: Database, clock: Clock
) -> None:
    """Migration 26, on a return in which the parties had spoken, one in which they had not, and one that is on its way."""
    cases = [(await file(remedy="return_and_refund")).case for _ in range(3)]
    await do(cases[0], BUYER, "messages", text="Where to?")
    await do(cases[2], BUYER, "send-back", text="SF 1")
    on_its_way = await due_of(database, cases[2])
    await database.pool.execute(
        """update case_file set due_at = null, first_due = null, stands = (stands::jsonb - 'due')::json where no = any($1);
        """,
        [int(one) for one in cases[:2]],
    )
    before = await database.pool.fetchval("select now()")
    (migration,) = [one for one in shipped() if one.name.endswith("_returns_begun.sql")]
    await database.pool.execute(migration.sql)
    for case in cases:
        assert await check_case(work, int(case)) is None
    for case in cases[:2]:
        assert timedelta(0) <= await due_of(database, case) - before - timedelta(hours=168) < timedelta(minutes=5)
    assert await due_of(database, cases[2]) == on_its_way
    clock.now = await due_of(database, cases[0]) + timedelta(hours=1)
    while await work.tick():
        pass
    states = await database.pool.fetch(
        "select state from case_file where no = any($1)", [int(one) for one in cases[:2]]
    )
    assert [row["state"] for row in states] == ["closed", "closed"]


async def due_of(database: Database, case: str) -> datetime:
    return await database.pool.fetchval("select due_at from case_file where no = $1", int(case))
