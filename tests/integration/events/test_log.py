"""The log: everything that was committed, in order, once; whoever reads on from where it was misses nothing."""

import asyncio
import random
from datetime import timedelta

import pytest

from evenhand.desk import Desk
from evenhand.events import log
from evenhand.events.courier import KEEP_EVENTS, Courier
from evenhand.events.log import Logged
from evenhand.events.outbox import Connection, Event, emit, give_places
from evenhand.store import Database
from tests.integration.events.conftest import Clock, File, application


async def read_all(connection: Connection, after: int = 0, limit: int = 7, **choices: object) -> list[Logged]:
    """Page through the log as a client would."""
    found: list[Logged] = []
    while True:
        page = await log.read(connection, after, limit, **choices)  # pyright: ignore[reportArgumentType]
        assert len(page.events) <= limit
        assert page.reached >= after
        found += page.events
        after = page.reached
        if not page.more:
            return found


def happened(case: int, step: int, clock: Clock) -> Event:
    return Event("case.moved", None, case, clock(), {"step": step})


async def test_what_is_rolled_back_is_never_told(database: Database, clock: Clock) -> None:
    async with database.pool.acquire() as connection:
        undone = connection.transaction()
        await undone.start()
        await emit(connection, [happened(1, 1, clock)])
        await undone.rollback()
        await emit(connection, [happened(1, 2, clock)])
        await give_places(connection)
        assert [one.event.data["step"] for one in await read_all(connection)] == [2]


async def test_an_event_that_commits_late_is_read_although_later_ones_were_read_before(
    database: Database, clock: Clock
) -> None:
    async with database.pool.acquire() as slow, database.pool.acquire() as quick:
        late = slow.transaction()
        await late.start()
        await emit(slow, [happened(1, 1, clock)])
        await emit(quick, [happened(2, 1, clock)])
        await give_places(quick)
        first = await log.read(quick, 0, 10)
        assert [one.case_no for one in first.events] == [2]
        await late.commit()
        await give_places(quick)
        then = await log.read(quick, first.reached, 10)
        assert [one.case_no for one in then.events] == [1]


async def test_a_reader_beside_many_writers_misses_nothing_and_sees_each_case_in_order(
    database: Database, clock: Clock
) -> None:
    cases, steps = 6, 30
    seen: list[Logged] = []
    done = asyncio.Event()

    async def write(case: int) -> None:
        chance = random.Random(case)
        for step in range(steps):
            # the case's lock, taken before the number is drawn; held for a random while, sometimes given up
            async with database.pool.acquire() as connection:
                again = chance.random() < 0.2
                if again:
                    undone = connection.transaction()
                    await undone.start()
                    await emit(connection, [happened(case, -1, clock)])
                    await asyncio.sleep(chance.random() * 0.01)
                    await undone.rollback()
                async with connection.transaction():
                    await connection.execute("select pg_advisory_xact_lock($1)", case)
                    await emit(connection, [happened(case, step, clock)])
                    await asyncio.sleep(chance.random() * 0.01)

    async def read() -> None:
        after = 0
        async with database.pool.acquire() as connection:
            while True:
                last_time = done.is_set()
                await give_places(connection)
                page = await log.read(connection, after, 5)
                seen.extend(page.events)
                after = page.reached
                if last_time and not page.more:
                    return

    reader = asyncio.create_task(read())
    # two writers to a case would need its lock as well; one each keeps the expected order simple
    await asyncio.gather(*(write(case) for case in range(cases)))
    done.set()
    await reader
    for case in range(cases):
        assert [one.event.data["step"] for one in seen if one.case_no == case] == list(range(steps))
    assert [one.position for one in seen] == list(range(1, cases * steps + 1))


async def test_several_who_give_places_at_once_give_each_place_once(database: Database, clock: Clock) -> None:
    async def place() -> None:
        async with database.pool.acquire() as connection:
            await give_places(connection)

    async with database.pool.acquire() as connection:
        for step in range(20):
            await emit(connection, [happened(1, step, clock), happened(2, step, clock)])
            await asyncio.gather(*(place() for _ in range(4)))
        events = await read_all(connection)
    assert [one.position for one in events] == list(range(1, 41))


async def test_rulings_are_told_from_what_was_booked(database: Database, file: File) -> None:
    (ruled,) = await file(3)
    async with database.pool.acquire() as connection:
        await give_places(connection)
        (event,) = [one.event for one in await read_all(connection)]
    assert (event.specversion, event.type, event.source) == ("1.0", "evenhand.ruling.issued", "/v1/markets/shop")
    assert (event.subject, event.id) == (ruled.case, "1")
    said = event.data
    assert (said["amount"], said["currency"], said["outcome"]) == (ruled.amount, "CNY", ruled.outcome)
    assert (said["application"], said["order"], said["buyer"]) == ("application-3", "order-3", "buyer-3")
    assert said["because"] == {"en": ruled.because.en, "zh": ruled.because.zh}


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_pages_of_any_size_give_every_ruling_once_between_other_events(
    database: Database, desk: Desk, clock: Clock, file: File, limit: int
) -> None:
    async with database.pool.acquire() as connection:
        expected: list[str] = []
        for numbers in ((0, 1, 2, 3, 4), (5,), (6, 7)):
            expected += [f"application-{number}" for number in numbers]
            await file(*numbers)
            expected.append("between")
            await emit(connection, [Event("case.moved", None, 1, clock(), {"application": "between"})])
        # one batch may rule for several markets
        mixed = [("shop" if number % 2 else "bazaar", application(number)) for number in range(10, 20)]
        await desk.rule(mixed)
        expected += [f"application-{number}" for number in range(10, 20)]
        await give_places(connection)
        events = await read_all(connection, limit=limit)
        assert [one.event.data["application"] for one in events] == expected
        assert [one.position for one in events] == list(range(1, len(expected) + 1))
        # from any place on
        for after in range(len(expected)):
            rest = await read_all(connection, after, limit)
            assert [one.event.data["application"] for one in rest] == expected[after:]
        # of one market, or of one type
        bazaar = [desk.markets["bazaar"].number]
        found = await read_all(connection, limit=limit, only=bazaar)
        assert [one.event.data["application"] for one in found] == [f"application-{n}" for n in range(10, 20, 2)]
        moved = await read_all(connection, limit=limit, types=["case.*"])
        assert [one.type for one in moved] == ["case.moved"] * 3


async def test_an_application_sent_again_is_not_told_again(database: Database, file: File) -> None:
    await file(1, 2)
    await file(2, 1, 4)
    async with database.pool.acquire() as connection:
        await give_places(connection)
        events = await read_all(connection)
    assert [one.event.data["application"] for one in events] == ["application-1", "application-2", "application-4"]


async def test_the_same_event_is_the_same_whenever_it_is_read(database: Database, file: File) -> None:
    await file(1, 2, 3)
    async with database.pool.acquire() as connection:
        await give_places(connection)
        once = await read_all(connection)
        assert await read_all(connection, limit=1) == once
        again = await log.read_at(connection, [(one.row, one.position) for one in once])
    assert list(again.values()) == once


async def test_old_events_go_and_who_has_not_read_them_is_told_so(
    database: Database, clock: Clock, file: File, courier: Courier
) -> None:
    await file(1, 2)
    async with database.pool.acquire() as connection:
        await give_places(connection)
        clock.move(days=KEEP_EVENTS.days + 1)
        await emit(connection, [happened(1, 1, clock)])
        await give_places(connection)
        while await courier.tidy():
            pass
        assert (await log.bounds(connection)) == (3, 2)
        with pytest.raises(log.Gone, match="after 2"):
            await log.read(connection, 1, 10)
        assert [one.position for one in (await log.read(connection, 2, 10)).events] == [3]
        # places are never used again
        clock.move(days=KEEP_EVENTS.days + 1)
        while await courier.tidy():
            pass
        await emit(connection, [happened(1, 2, clock)])
        await give_places(connection)
        assert [one.position for one in (await log.read(connection, 3, 10)).events] == [4]


async def test_events_stay_until_every_webhook_at_work_has_looked_at_them(
    database: Database, clock: Clock, file: File, courier: Courier, subscribe: object
) -> None:
    await subscribe()  # pyright: ignore[reportCallIssue]
    await file(1)
    async with database.pool.acquire() as connection:
        await give_places(connection)
        clock.move(days=KEEP_EVENTS.days + 1)
        await courier.tidy()
        assert (await log.bounds(connection)).forgotten == 0
        await database.pool.execute("update webhook set disabled_at = $1, disabled_why = 'a test'", clock())
        clock.now += timedelta(hours=1)
        await courier.tidy()
        assert (await log.bounds(connection)).forgotten == 1
