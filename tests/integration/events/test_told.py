"""What the rest of the house tells: cases, policies, labels; and that clearing a demo leaves the log in order."""

from datetime import date, timedelta

import msgspec

from evenhand.accounts.labels import set_label
from evenhand.booking import Ruled
from evenhand.cases.actions import ACTIONS
from evenhand.casework import Casework
from evenhand.desk import Desk
from evenhand.events import log
from evenhand.events.log import Logged
from evenhand.events.outbox import Event, emit, give_places
from evenhand.policy import Policy
from evenhand.publishing import publish, withdraw
from evenhand.store import Database, Queries
from tests.integration.events.conftest import Clock, File, Receiver, Subscribe, Work, application


async def told(database: Database) -> list[Logged]:
    async with database.pool.acquire() as connection:
        await give_places(connection)
        bounds = await log.bounds(connection)
        return (await log.read(connection, bounds.forgotten, 500)).events


async def test_a_case_tells_its_ruling_first_and_then_its_steps_in_order(
    database: Database, desk: Desk, clock: Clock
) -> None:
    (ruled,) = await desk.rule([("shop", msgspec.structs.replace(application(1), reason="no_reason"))])
    assert isinstance(ruled, Ruled)
    work = Casework(desk, database, clock=clock)
    for body in ({"text": "It does not fit."}, {"text": "Please take it back."}):
        by = {"role": "buyer", "id": "buyer-1"}
        await work.act(int(ruled.case), msgspec.convert({"by": by, **body}, ACTIONS["messages"][0]))
    events = [one.event for one in await told(database)]
    assert {one.subject for one in events} == {ruled.case}
    assert events[0].type == "evenhand.ruling.issued"
    assert [one.type for one in events[1:]] == ["evenhand.case.message"] * 2
    assert [one.data["text"] for one in events[1:]] == ["It does not fit.", "Please take it back."]
    assert [one.data["event"] for one in events[1:]] == list(range(1, len(events)))


async def test_published_and_withdrawn_policies_are_told(database: Database, desk: Desk, clock: Clock) -> None:
    first = date(2099, 1, 1)
    async with database.pool.acquire() as connection, connection.transaction():
        await publish(connection, "shop", Policy.load("taobao"), effective=first, by="Li Wei", now=clock())
        # the same again is no news
        await publish(connection, "shop", Policy.load("taobao"), effective=first, by="Li Wei", now=clock())
        await withdraw(connection, "shop", "taobao", None, by="Li Wei", now=clock())
    events = [one.event for one in await told(database)]
    assert [one.type for one in events] == ["evenhand.policy.published", "evenhand.policy.withdrawn"]
    assert events[0].source == "/v1/markets/shop"
    assert (events[0].data["policy"], events[0].data["effective"]) == ("taobao", "2099-01-01")


async def test_labels_are_told(database: Database, desk: Desk, clock: Clock) -> None:
    until = clock() + timedelta(days=30)
    async with database.pool.acquire() as connection, connection.transaction():
        await set_label(
            connection, "shop", "buyer", "buyer-7", "watched", cause="a test", set_by="Anna", starts_at=clock(),
            expires_at=until,
        )  # fmt: skip
    (event,) = [one.event for one in await told(database)]
    assert (event.type, event.data["account"]) == ("evenhand.label.set", {"kind": "buyer", "id": "buyer-7"})


async def test_clearing_a_demo_empties_the_log_and_webhooks_go_on(
    database: Database, desk: Desk, file: File, receiver: Receiver, subscribe: Subscribe, work: Work
) -> None:
    await subscribe()
    await file(1, 2)
    await work()
    await database.pool.execute(Queries.load("demo").clear)
    assert await told(database) == []
    async with database.pool.acquire() as connection:
        await emit(connection, [Event("fund.budget_low", None, None, desk.now(), {})])
    await work()
    # two cases: either may be told first
    assert sorted(one.id for one in receiver.got[:2]) == ["1", "2"]
    assert [one.id for one in receiver.got[2:]] == ["3"]
