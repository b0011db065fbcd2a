"""Filing with a device while one is erased: whichever comes first, nothing the person used is written down again."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from evenhand import filings
from evenhand.desk import Desk
from evenhand.erasure import erase, erase_person
from evenhand.evidence.vault import Directory
from evenhand.records import Attributes
from evenhand.store import Database

from .conftest import Clock, File, make_order

NAME = "wang-xiaoming-8472"
USED = Attributes(device=["xiaomings-phone"])


@pytest.fixture
async def ordered(desk: Desk, clock: Clock) -> None:
    orders = [msgspec.structs.replace(make_order(f"o-{number}", clock.now), buyer=NAME) for number in range(2)]
    await desk.take_orders([("bazaar", order) for order in orders])


async def left(database: Database) -> tuple[int, int]:
    """How much is known of what anybody used, and how many accounts bear the name."""
    row = await database.pool.fetchrow(
        "select (select count(*) from link_holding), (select count(*) from account where id = $1)", NAME
    )
    assert row is not None
    return row[0], row[1]


async def test_who_is_erased_after_the_name_was_read_is_not_opened_again(
    ordered: None,
    desk: Desk,
    file: File,
    database: Database,
    clock: Clock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = filings.unseen

    async def erased_first(*given: Any) -> Any:
        monkeypatch.setattr(filings, "unseen", before)
        await erase_person(database.pool, Directory(tmp_path), "bazaar", "buyer", NAME, by="Li", now=clock.now)
        return await before(*given)

    monkeypatch.setattr(filings, "unseen", erased_first)
    await file(order="o-0", attributes=USED)
    assert await left(database) == (0, 0)
    # nor by what is filed later about an old order
    await file(order="o-1", attributes=USED)
    assert await left(database) == (0, 0)


async def test_who_is_being_erased_is_waited_for(ordered: None, file: File, database: Database, clock: Clock) -> None:
    async with database.pool.acquire() as connection, connection.transaction():
        await erase(connection, "bazaar", "buyer", NAME, by="Li", now=clock.now)
        filing = asyncio.ensure_future(file(order="o-0", attributes=USED))
        while not await database.pool.fetchval("select exists (select from pg_locks where not granted)"):
            await asyncio.sleep(0.01)
    await filing
    assert await left(database) == (0, 0)


async def test_what_was_linked_just_before_goes_with_the_rest(
    ordered: None, file: File, database: Database, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other way round: the filing has the lock, and the erasure waits for it."""
    before = filings.see
    erasing: list[asyncio.Task[Any]] = []

    async def erasing_waits(*given: Any) -> None:
        person = erase_person(
            database.pool, Directory(tmp_path), "bazaar", "buyer", NAME, by="Li", now=clock.now, despite="asked"
        )
        erasing.append(asyncio.create_task(person))
        while not await database.pool.fetchval("select exists (select from pg_locks where not granted)"):
            await asyncio.sleep(0.01)
        await before(*given)

    monkeypatch.setattr(filings, "see", erasing_waits)
    await file(order="o-0", attributes=USED)
    assert (await erasing[0]).pseudonym
    assert await left(database) == (0, 0)


async def test_filings_and_erasures_racing_leave_nothing(
    desk: Desk, file: File, database: Database, clock: Clock, tmp_path: Path
) -> None:
    names = [f"racer-{number}" for number in range(8)]
    orders = [msgspec.structs.replace(make_order(f"r-{name}", clock.now), buyer=name) for name in names]
    await desk.take_orders([("bazaar", order) for order in orders])

    async def person(name: str) -> None:
        await erase_person(
            database.pool, Directory(tmp_path), "bazaar", "buyer", name, by="Li", now=clock.now, despite="asked"
        )

    await asyncio.gather(
        *(file(order=f"r-{name}", attributes=Attributes(device=["one phone", name])) for name in names),
        *(person(name) for name in names),
    )
    assert await database.pool.fetchval("select count(*) from link_holding") == 0
    assert await database.pool.fetchval("select count(*) from account where id like 'racer-%'") == 0
