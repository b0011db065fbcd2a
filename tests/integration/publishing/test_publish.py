"""Publishing: one version rules each moment, what has begun stays, and running desks follow."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from evenhand.desk import Desk, Ruled
from evenhand.errors import BadInput, Conflict, EvenhandError, UnknownThing
from evenhand.policy import Policy, shipped
from evenhand.publishing import publications
from evenhand.records import Application, Market, Order, OrderLine
from evenhand.store import Database

from .conftest import Clock, Publisher, document

APRIL = date(2026, 4, 1)


async def listed(database: Database, clock: Clock, market: str = "shop") -> list[tuple[str, date, date | None, str]]:
    async with database.pool.acquire() as connection:
        return [
            (f"{one.policy}@{one.version}", one.effective, one.until, one.state)
            for one in await publications(connection, market, clock())
            if one.role == "ruling"
        ]


def rules_on(desk: Desk, moment: datetime, placed: datetime | None = None, market: str = "shop") -> str:
    """The version that rules an application filed at a moment."""
    desk_of = desk.markets[market]
    policy = desk_of.policy(desk_of.day(moment), desk_of.day(placed or moment))[1]
    return f"{policy.name}@{policy.version}"


async def noticed(desk: Desk, moment: datetime, version: str) -> None:
    """Wait until a running desk has seen a publication by itself."""
    async with asyncio.timeout(20):
        while rules_on(desk, moment) != version:
            await asyncio.sleep(0.05)


async def test_a_market_follows_the_package_until_somebody_publishes(
    desk: Desk, database: Database, clock: Clock, publisher: Publisher
) -> None:
    before = await listed(database, clock)
    assert [name for name, *_ in before] == [f"{p.name}@{p.version}" for p in shipped() if p.name == "1688"]
    assert [state for *_, state in before][-1] == "in force"
    assert {state for *_, state in before[:-1]} == {"past"}
    done = await publisher.publish(document("1"))
    assert (done.effective, done.until, done.state, done.published_by) == (APRIL, None, "scheduled", "a person")
    assert (await listed(database, clock))[-2:] == [
        ("1688@2025-03", date(2025, 3, 24), APRIL, "in force"),
        ("own@1", APRIL, None, "scheduled"),
    ]
    assert len(await listed(database, clock, "west")) == len([p for p in shipped() if p.name == "taobao"])


async def test_a_version_takes_effect_at_midnight_of_the_market(desk: Desk, publisher: Publisher) -> None:
    await publisher.publish(document("1"))
    await publisher.publish(document("1"), market="west")
    await desk.refresh()
    east, west = datetime(2026, 3, 31, 16, tzinfo=UTC), datetime(2026, 4, 1, 7, tzinfo=UTC)
    for market, midnight in (("shop", east), ("west", west)):
        assert rules_on(desk, midnight, market=market) == "own@1"
        assert rules_on(desk, midnight - timedelta(microseconds=1), market=market) != "own@1"


@pytest.mark.parametrize(
    ("day", "midnight"),
    [
        # clocks went forward on 8 March 2026 at 2:00, and go back on 1 November 2026
        (date(2026, 3, 8), datetime(2026, 3, 8, 8, tzinfo=UTC)),
        (date(2026, 3, 9), datetime(2026, 3, 9, 7, tzinfo=UTC)),
        (date(2026, 11, 1), datetime(2026, 11, 1, 7, tzinfo=UTC)),
        (date(2026, 11, 2), datetime(2026, 11, 2, 8, tzinfo=UTC)),
    ],
)
async def test_midnight_is_found_on_days_when_clocks_change(
    desk: Desk, publisher: Publisher, day: date, midnight: datetime
) -> None:
    await publisher.publish(document("1"), day, market="west")
    await desk.refresh()
    assert rules_on(desk, midnight, market="west") == "own@1"
    assert rules_on(desk, midnight - timedelta(seconds=1), market="west") == "taobao@2024-08"


async def test_the_past_and_today_are_refused_by_the_markets_own_calendar(
    desk: Desk, database: Database, clock: Clock, publisher: Publisher
) -> None:
    before = await listed(database, clock), await listed(database, clock, "west")
    for market, day in (("shop", date(2026, 3, 1)), ("shop", date(2025, 1, 1)), ("west", date(2026, 2, 28))):
        with pytest.raises(BadInput, match="has begun") as refused:
            await publisher.publish(document("1"), day, market=market)
        assert refused.value.field == "effective"
    assert (await listed(database, clock), await listed(database, clock, "west")) == before
    await publisher.publish(document("1"), date(2026, 3, 2), market="shop")
    await publisher.publish(document("1"), date(2026, 3, 1), market="west")


async def test_a_document_whose_own_day_is_past_needs_another_day(publisher: Publisher) -> None:
    with pytest.raises(BadInput, match="choose a later day than the document's own"):
        await publisher.publish(Policy.load("1688@2025-03"), market="west")


async def test_a_market_without_a_ruling_version_takes_any_day(
    desk: Desk, database: Database, clock: Clock, publisher: Publisher
) -> None:
    await desk.register(document("1", policy="later"))
    await desk.add_market(Market("young", "A young shop", "later", "CNY", "Asia/Shanghai"), synthetic=True)
    await publisher.publish(document("2", policy="later"), date(2026, 1, 1), market="young")
    assert await listed(database, clock, "young") == [
        ("later@2", date(2026, 1, 1), APRIL, "in force"),
        ("later@1", APRIL, None, "scheduled"),
    ]


async def test_one_day_has_one_version_however_many_publish_at_once(
    database: Database, clock: Clock, publisher: Publisher
) -> None:
    answers = await asyncio.gather(
        *(publisher.publish(document(str(number))) for number in range(12)), return_exceptions=True
    )
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    assert sum(isinstance(answer, Conflict) for answer in answers) == 11
    assert [effective for _, effective, *_ in await listed(database, clock)].count(APRIL) == 1


async def test_publishers_of_different_days_all_get_through_and_share_the_time(
    desk: Desk, database: Database, clock: Clock, publisher: Publisher
) -> None:
    days = [APRIL + timedelta(days=number) for number in range(12)]
    await asyncio.gather(*(publisher.publish(document(str(n)), day) for n, day in enumerate(days)))
    mine = [(effective, until) for name, effective, until, _ in await listed(database, clock) if name.startswith("own")]
    assert mine == list(zip(days, [*days[1:], None], strict=True))


async def test_the_database_itself_refuses_two_versions_for_one_moment(
    database: Database, publisher: Publisher
) -> None:
    """Whoever writes past the code, at once, on connections of their own."""
    await publisher.publish(document("1"), date(2026, 6, 1))
    insert = """insert into publication (market, role, policy_version, effective, published_by, published_at)
                select market, role, policy_version, date '2026-07-01', 'somebody', now()
                from publication where effective = '2026-06-01'"""

    async def write() -> None:
        async with database.pool.acquire() as connection, connection.transaction():
            await connection.execute(insert)
            await asyncio.sleep(0.05)

    answers = await asyncio.gather(*(write() for _ in range(6)), return_exceptions=True)
    assert sum(answer is None for answer in answers) == 1
    assert sum(isinstance(answer, asyncpg.UniqueViolationError) for answer in answers) == 5


async def test_what_was_published_cannot_be_changed_in_the_database(database: Database, publisher: Publisher) -> None:
    await publisher.publish(document("1"))
    for change in (
        "update publication set effective = '2026-05-01' where published_by is not null",
        "update publication set policy_version = 1 where published_by is not null",
        "update publication set published_by = 'another' where published_by is not null",
        "delete from publication",
        "update policy_version set source = 'other'",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await database.pool.execute(change)


async def test_the_same_again_is_fine_and_another_text_of_a_version_is_not(
    database: Database, clock: Clock, publisher: Publisher
) -> None:
    first = await publisher.publish(document("1"))
    assert await publisher.publish(document("1"), by="another") == first
    assert len(await listed(database, clock)) == 4
    with pytest.raises(Conflict, match="another text"):
        await publisher.publish(document("1", outcome="decline"), date(2026, 5, 1))
    with pytest.raises(Conflict, match="another text"):
        await publisher.publish(document("1", outcome="decline"), date(2026, 5, 1), market="west")


async def test_a_scheduled_version_can_be_withdrawn_until_it_takes_effect(
    desk: Desk, database: Database, clock: Clock, publisher: Publisher
) -> None:
    await publisher.publish(document("1"))
    gone = await publisher.withdraw("own", "1")
    assert (gone.state, gone.withdrawn_by, gone.withdrawn_at) == ("withdrawn", "a person", clock.now)
    assert (await listed(database, clock))[-2:] == [
        ("1688@2025-03", date(2025, 3, 24), None, "in force"),
        ("own@1", APRIL, None, "withdrawn"),
    ]
    await desk.refresh()
    assert rules_on(desk, datetime(2026, 5, 1, tzinfo=UTC)) == "1688@2025-03"
    # the day is free again, also for the same version
    await publisher.publish(document("1"))
    clock.now = datetime(2026, 3, 31, 15, 59, tzinfo=UTC)
    await publisher.withdraw("own")
    await publisher.publish(document("1"))
    clock.now += timedelta(minutes=1)
    with pytest.raises(Conflict, match="rules market shop already"):
        await publisher.withdraw("own")
    with pytest.raises(UnknownThing, match="no own@7 is scheduled"):
        await publisher.withdraw("own", "7")


async def test_of_several_scheduled_versions_the_one_to_withdraw_is_named(publisher: Publisher) -> None:
    await publisher.publish(document("1"), date(2026, 5, 1))
    await publisher.publish(document("2"), date(2026, 6, 1))
    with pytest.raises(Conflict, match=r"own@1 from 2026-05-01, own@2 from 2026-06-01"):
        await publisher.withdraw("own")
    assert (await publisher.withdraw("own", "2")).version == "2"


async def test_wrong_wishes_are_told_what_to_do(desk: Desk, publisher: Publisher) -> None:
    await desk.add_market(Market("fixed", "A pinned shop", "1688", "CNY", "Asia/Shanghai", "2025-03"), synthetic=True)
    scorecard = Policy.parse(
        "---\npolicy: score\nversion: 1\neffective: 2026-04-01\n---\n## Points\n"
        "| U | application.amount | → points |\n|---|---|---|\n| 1 | - | 1 |\n"
    )
    wishes: list[tuple[type[EvenhandError], str, Policy, dict[str, str]]] = [
        (
            UnknownThing,
            "there is no market 'nowhere'; there are fixed, shop, west",
            document("1"),
            {"market": "nowhere"},
        ),
        (Conflict, "pinned to 1688@2025-03", document("1"), {"market": "fixed"}),
        (BadInput, "decides no outcome", scorecard, {}),
        (BadInput, "say who it is", document("1"), {"by": "  "}),
    ]
    for kind, says, policy, changes in wishes:
        with pytest.raises(kind, match=says):
            await publisher.publish(policy, **changes)  # pyright: ignore[reportArgumentType]


async def test_running_desks_notice_what_others_publish_and_withdraw(
    desk: Desk, database: Database, clock: Clock, publisher: Publisher
) -> None:
    other = await Desk.open(database, clock=clock)
    moment = datetime(2026, 4, 2, tzinfo=UTC)
    await publisher.publish(document("1"))
    await asyncio.gather(noticed(desk, moment, "own@1"), noticed(other, moment, "own@1"))
    await publisher.withdraw("own")
    await asyncio.gather(noticed(desk, moment, "1688@2025-03"), noticed(other, moment, "1688@2025-03"))
    await other.close()


async def test_a_desk_opened_later_adds_nothing_where_somebody_published(
    desk: Desk, database: Database, clock: Clock, publisher: Publisher
) -> None:
    await publisher.publish(document("1"))
    before = await listed(database, clock)
    again = await Desk.open(database, clock=clock)
    assert await listed(database, clock) == before
    await again.close()


async def test_the_order_decides_where_the_version_is_anchored_to_it(desk: Desk, publisher: Publisher) -> None:
    await publisher.publish(document("1", anchor="order"), date(2026, 4, 1))
    await publisher.publish(document("2", anchor="order"), date(2026, 5, 1))
    await desk.refresh()
    april, may = datetime(2026, 4, 10, tzinfo=UTC), datetime(2026, 5, 10, tzinfo=UTC)
    assert rules_on(desk, may, placed=april) == "own@1"
    assert rules_on(desk, may, placed=may) == "own@2"


async def test_applications_on_the_live_path_are_ruled_by_what_was_published(
    desk: Desk, clock: Clock, publisher: Publisher
) -> None:
    await publisher.publish(document("1", outcome="decline"))
    await desk.refresh()
    midnight = datetime(2026, 3, 31, 16, tzinfo=UTC)
    clock.now = midnight + timedelta(hours=1)
    lines = [OrderLine(str(number), "store", 1000) for number in range(2)]
    await desk.take_orders([("shop", Order("o", "buyer", midnight - timedelta(days=3), "CNY", lines))])
    moments = (midnight - timedelta(seconds=1), midnight)
    answers = await desk.rule(
        [
            ("shop", Application(f"a{n}", "o", str(n), "refund_only", "received", "quality", 1000, "CNY", moment))
            for n, moment in enumerate(moments)
        ]
    )
    assert [(answer.policy, answer.version) for answer in answers if isinstance(answer, Ruled)] == [
        ("1688", "2025-03"),
        ("own", "1"),
    ]
