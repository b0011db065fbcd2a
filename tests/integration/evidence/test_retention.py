"""How long evidence is kept, legal holds, and the log of who had it in hand."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from evenhand.booking import Ruled
from evenhand.cases.keeping import set_settings
from evenhand.cases.settings import DEFAULT, months_after
from evenhand.desk import Desk
from evenhand.errors import BadInput, UnknownThing
from evenhand.evidence import holds
from evenhand.evidence.custody import Custody
from evenhand.evidence.log import custody_of
from evenhand.evidence.retention import Keeper, expired, keeping_of, remove_expired, retention, set_retention, sweep
from evenhand.evidence.vault import Directory
from evenhand.store import Database
from tests.unit.evidence.pictures import noise, saved

from .conftest import NOW, make_application

DONE = months_after(NOW, DEFAULT.appeal_months)


@pytest.fixture
def files(tmp_path: Path) -> Callable[[], int]:
    return lambda: len([path for path in (tmp_path / "evidence").rglob("*") if path.is_file()])


async def ruled(desk: Desk, number: int, *evidence: str, **changes: str) -> int:
    (answer,) = await desk.rule([("shop", make_application(number, *evidence, **changes))])
    assert isinstance(answer, Ruled), answer
    return int(answer.case)


async def close(database: Database, case: int, at: datetime) -> None:
    """A case as it is stored when it has ended."""
    await database.pool.execute(
        "update case_file set state = 'closed', version = 1, due_at = null, "
        "stands = json_build_object('ended_at', $2::timestamptz) where no = $1",
        case,
        at,
    )


async def test_files_go_when_no_case_can_be_appealed_any_more(
    desk: Desk, custody: Custody, database: Database, tmp_path: Path, files: Callable[[], int]
) -> None:
    market = desk.markets["shop"].number
    shown = await custody.take(market, "buyer", saved(noise(1)), NOW)
    unused = await custody.take(market, "buyer", b"never shown", NOW)
    case = await ruled(desk, 1, shown.id)
    async with database.pool.acquire() as connection, connection.transaction():
        # the case is open: only what nobody has shown goes
        assert [one.evidence for one in await expired(connection, [market], DONE)] == [unused.id]
        assert await expired(connection, [market], DONE - timedelta(seconds=1)) == []
        assert (await keeping_of(connection, case)).until is None
    await close(database, case, NOW + timedelta(days=5))
    until = months_after(NOW + timedelta(days=5), DEFAULT.appeal_months)
    async with database.pool.acquire() as connection:
        kept = await keeping_of(connection, case)
        assert (kept.shown, kept.removed, kept.until, kept.hold) == (1, 0, until, None)
        async with connection.transaction():
            gone = await remove_expired(connection, [market], until)
    assert {one.evidence for one in gone} == {shown.id, unused.id}
    assert files() == 3
    assert await sweep(database.pool, Directory(tmp_path / "evidence")) == 3
    assert files() == 0
    known = await custody.describe(shown.id)
    assert (known.sha256, known.removed_at, known.removed_why) == (shown.sha256, until, "retention")
    with pytest.raises(UnknownThing, match="its time was over"):
        await custody.copy_of(shown.id, "Lin", until)
    async with database.pool.acquire() as connection:
        log = await custody_of(connection, shown.id)
        assert [(one.action, one.who) for one in log.entries] == [("received", "buyer"), ("removed", "retention")]
        assert log.unbroken
        assert (await keeping_of(connection, case)).removed == 1
        assert await expired(connection, [market], until) == []
    # whoever kept a copy can still prove it by the hash, and the same bytes are known again
    again = await custody.take(market, "buyer", saved(noise(1)), until)
    assert [(one.evidence, one.exact) for one in again.alike] == [(shown.id, True)]
    assert (await custody.copy_of(again.id, "Lin", until))[1]


async def test_a_hold_keeps_what_was_shown_and_a_second_case_does_too(
    desk: Desk, custody: Custody, database: Database
) -> None:
    market = desk.markets["shop"].number
    shown = await custody.take(market, "buyer", saved(noise(1)), NOW)
    case = await ruled(desk, 1, shown.id)
    await close(database, case, NOW)
    async with database.pool.acquire() as connection, connection.transaction():
        placed = await holds.place(connection, case, by="Chen", why="lawsuit", now=NOW)
        assert await holds.standing(connection, [market]) == [placed]
        assert await expired(connection, [market], DONE) == []
        kept = await keeping_of(connection, case)
        assert (kept.until, kept.hold) == (None, placed)
        await holds.lift(connection, case, by="Chen", why="settled", now=NOW)
        assert len(await expired(connection, [market], DONE)) == 1
        assert len(await holds.holds_of(connection, case)) == 1
        for by, why in ((" ", "why"), ("Chen", " "), ("x" * 121, "why")):
            with pytest.raises(BadInput):
                await holds.place(connection, case, by=by, why=why, now=NOW)
    with pytest.raises(UnknownThing):
        async with database.pool.acquire() as connection, connection.transaction():
            await holds.place(connection, 10**12, by="Chen", why="lawsuit", now=NOW)
    other = await ruled(desk, 1, shown.id, id="second", line="2")
    async with database.pool.acquire() as connection:
        assert await expired(connection, [market], DONE) == []
    await close(database, other, NOW)
    async with database.pool.acquire() as connection:
        assert len(await expired(connection, [market], DONE)) == 1


async def test_a_market_says_how_long_and_never_shorter_than_an_appeal(
    desk: Desk, custody: Custody, database: Database
) -> None:
    market = desk.markets["shop"].number
    await custody.take(market, "buyer", b"a text", NOW)
    async with database.pool.acquire() as connection, connection.transaction():
        for months in (5, 241):
            with pytest.raises(BadInput, match="between 6") as caught:
                await set_retention(connection, market, months, DEFAULT, by="Chen", now=NOW)
            assert caught.value.field == "months"
        await set_retention(connection, market, 24, DEFAULT, by="Chen", now=NOW)
        kept = (await retention(connection, [market]))[market]
        assert (kept.months, kept.by_default, kept.set_by) == (24, False, "Chen")
        assert await expired(connection, [market], months_after(NOW, 23)) == []
        assert len(await expired(connection, [market], months_after(NOW, 24))) == 1
        # whoever lets appeal longer afterwards keeps longer too
        await set_settings(connection, market, replace(DEFAULT, appeal_months=36), "Chen", NOW)
        assert (await retention(connection, [market]))[market].months == 36
        assert await expired(connection, [market], months_after(NOW, 35)) == []
        await set_retention(connection, market, None, DEFAULT, by="Chen", now=NOW)
        assert (await retention(connection, [market]))[market].by_default


async def test_a_server_lets_go_by_itself(
    desk: Desk, custody: Custody, database: Database, tmp_path: Path, files: Callable[[], int]
) -> None:
    await custody.take(desk.markets["shop"].number, "buyer", b"a text", NOW)
    await custody.take(desk.markets["bazaar"].number, "buyer", b"another", NOW)
    now = DONE - timedelta(seconds=1)
    keeper = Keeper(database.pool, Directory(tmp_path / "evidence"), lambda: now)
    assert await keeper.step() == 0
    assert files() == 2
    now = DONE + timedelta(hours=1)
    assert await keeper.step() == 2
    assert files() == 0
    assert await keeper.step() == 0


async def test_the_log_shows_when_it_was_tampered_with(desk: Desk, custody: Custody, database: Database) -> None:
    taken = await custody.take(desk.markets["shop"].number, "buyer", b"a text", NOW)
    await custody.copy_of(taken.id, 'Lin "the judge" 林', NOW + timedelta(hours=1))
    await custody.original_of(taken.id, "Wu", NOW + timedelta(hours=2, microseconds=7))
    async with database.pool.acquire() as connection:
        log = await custody_of(connection, taken.id)
        assert log.unbroken
        assert [(one.no, one.action, one.who) for one in log.entries] == [
            (1, "received", "buyer"),
            (2, "looked_at", 'Lin "the judge" 林'),
            (3, "original_taken", "Wu"),
        ]
        with pytest.raises(UnknownThing):
            await custody_of(connection, "ev_" + "0" * 32)
        with pytest.raises(BadInput, match="say who it is"):
            await custody.copy_of(taken.id, " ", NOW)
    with pytest.raises(Exception, match="never changed"):
        await database.pool.execute("delete from evidence_custody")
    await database.pool.execute("alter table evidence_custody disable trigger all")
    for change in (
        "update evidence_custody set who = 'Li' where no = 2",
        "delete from evidence_custody where no = 2",
        "delete from evidence_custody where no = 1",
        "update evidence_custody set at = at + interval '1 hour' where no = 3",
    ):
        async with database.pool.acquire() as connection:
            attempt = connection.transaction()
            await attempt.start()
            await connection.execute(change)
            assert not (await custody_of(connection, taken.id)).unbroken, change
            await attempt.rollback()
