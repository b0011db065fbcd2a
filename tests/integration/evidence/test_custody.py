"""Taking evidence in: sealed as it came, given out as a copy; what is bad leaves nothing behind."""

from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from evenhand.desk import Desk
from evenhand.errors import BadInput, Conflict, StoreError, UnknownThing
from evenhand.evidence import fresh
from evenhand.evidence.custody import Custody, shown_in
from evenhand.evidence.vault import Directory, path_of
from evenhand.store import Database
from tests.unit.evidence.pictures import bomb, noise, photo, saved

from .conftest import NOW, make_application


async def test_the_original_is_sealed_and_the_copy_is_another(desk: Desk, custody: Custody, tmp_path: Path) -> None:
    data = saved(photo("coffee.png"), comment=b"taken at home")
    taken = await custody.take(desk.markets["shop"].number, "buyer", data, NOW)
    assert taken.sha256 == sha256(data).hexdigest()
    assert (tmp_path / "evidence" / path_of(sha256(data).digest())).read_bytes() == data
    kind, copy = await custody.copy_of(taken.id, "Lin", NOW)
    assert kind == "jpeg"
    assert sha256(copy).hexdigest() == taken.copy_sha256 != taken.sha256
    assert b"taken at home" not in copy
    assert (taken.width, taken.height, taken.bytes, taken.market) == (600, 400, len(data), "shop")
    assert await custody.describe(taken.id) == taken


async def test_a_plain_picture_is_compared_by_its_bytes_only(desk: Desk, custody: Custody) -> None:
    from PIL import Image

    market = desk.markets["shop"].number
    black = saved(Image.new("RGB", (300, 300), "black"), "PNG")
    first = await custody.take(market, "buyer", black, NOW)
    nearly = await custody.take(market, "buyer", saved(Image.new("RGB", (300, 301), "black"), "PNG"), NOW)
    same = await custody.take(market, "buyer", black, NOW)
    assert first.quality is not None
    assert first.quality < 50
    assert nearly.alike == []
    assert [(one.evidence, one.exact, one.likeness) for one in same.alike] == [(first.id, True, None)]


@pytest.mark.parametrize(
    "data", [b"", b"<svg onload='alert(1)'/>", b"PK\x03\x04" + b"\0" * 40, bomb(9_000), b"\xff\xd8\xff\xe0"]
)
async def test_what_is_not_taken_leaves_nothing_behind(
    desk: Desk, custody: Custody, database: Database, tmp_path: Path, data: bytes
) -> None:
    with pytest.raises(BadInput):
        await custody.take(desk.markets["shop"].number, "buyer", data, NOW)
    assert await database.pool.fetchval("select count(*) from evidence") == 0
    assert not (tmp_path / "evidence").exists()


async def test_without_a_vault_nothing_is_written_down(desk: Desk, database: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError):
        await Custody(database, Directory(tmp_path / "file")).take(desk.markets["shop"].number, "buyer", b"text", NOW)
    assert await database.pool.fetchval("select count(*) from evidence") == 0


async def test_what_there_is_not_is_told(custody: Custody) -> None:
    for name in ("ev_" + "0" * 32, "nothing", "a\0b", ""):
        with pytest.raises(UnknownThing):
            await custody.describe(name)
        with pytest.raises(UnknownThing):
            await custody.copy_of(name, "Lin", NOW)


async def test_a_fresh_photograph_is_asked_for_answered_and_looked_at_once(
    desk: Desk, custody: Custody, database: Database
) -> None:
    market = desk.markets["shop"].number
    (ruled,) = await desk.rule([("shop", make_application(1))])
    case = int(ruled.case)  # pyright: ignore
    old = await custody.take(market, "buyer", saved(noise(1)), NOW - timedelta(hours=1))
    async with database.pool.acquire() as connection:
        asked = await fresh.ask(connection, case, "Lin", 72, NOW)
        other = await fresh.ask(connection, case, "Lin", 1, NOW)
        assert len(asked.code) == 6
        assert asked.code != other.code
        answer = await custody.take(market, "buyer", saved(noise(2)), NOW + timedelta(hours=2), case=case)
        text = await custody.take(market, "buyer", b"it is broken", NOW + timedelta(hours=2))
        foreign = await custody.take(desk.markets["bazaar"].number, "buyer", saved(noise(3)), NOW + timedelta(hours=2))
        for number, evidence, by, says in (
            (asked.request, old.id, "Lin", "before"),
            (other.request, answer.id, "Lin", "time"),
            (asked.request, text.id, "Lin", "photograph"),
            (asked.request, foreign.id, "Lin", "another market"),
            (asked.request, "nothing", "Lin", "no evidence"),
            ("999", answer.id, "Lin", "no request"),
            (asked.request, answer.id, " ", "say who it is"),
        ):
            with pytest.raises(BadInput, match=says):
                await fresh.check(connection, int(number), evidence, by, NOW, shows_code=True)
        seen = await fresh.check(connection, int(asked.request), answer.id, "Wu", NOW, shows_code=True, note="clear")
        assert seen.check is not None
        assert (seen.check.shows_code, seen.check.checked_by, seen.check.evidence) == (True, "Wu", answer.id)
        with pytest.raises(Conflict):
            await fresh.check(connection, int(asked.request), answer.id, "Wu", NOW, shows_code=False)
        assert await fresh.requests(connection, case) == [seen, other]
        with pytest.raises(UnknownThing):
            await fresh.ask(connection, 10**12, "Lin", 72, NOW)
        with pytest.raises(BadInput, match="hours"):
            await fresh.ask(connection, case, "Lin", 0, NOW)


async def test_a_fresh_photograph_is_the_buyers_of_this_case_and_answers_one_request(
    desk: Desk, custody: Custody, database: Database
) -> None:
    market, later = desk.markets["shop"].number, NOW + timedelta(hours=2)
    ruled = await desk.rule([("shop", make_application(number)) for number in (1, 2)])
    mine, other = (int(one.case) for one in ruled)  # pyright: ignore
    sealed = saved(noise(5))
    theirs = await custody.take(market, "merchant", saved(noise(6)), later, case=mine)
    elsewhere = await custody.take(market, "buyer", saved(noise(7)), later, case=other)
    unattached = await custody.take(market, "buyer", sealed, later)
    again = await custody.take(market, "buyer", sealed, later)
    async with database.pool.acquire() as connection, connection.transaction():
        first, second = [int((await fresh.ask(connection, mine, "Lin", 72, NOW)).request) for _ in range(2)]
        third = int((await fresh.ask(connection, other, "Lin", 72, NOW)).request)
        for evidence, says in ((theirs, "not shown by the buyer"), (elsewhere, "in another case")):
            with pytest.raises(BadInput, match=says):
                await fresh.check(connection, first, evidence.id, "Wu", later, shows_code=True)
        await fresh.check(connection, first, unattached.id, "Wu", later, shows_code=False)
        # what answers belongs to the case from then on
        assert [one.evidence for one in await shown_in(connection, mine)] == [theirs.id, unattached.id]
        # nor does the same file under another id answer anything else
        for evidence in (unattached, again):
            with pytest.raises(Conflict, match=f"answered request {first}"):
                await fresh.check(connection, second, evidence.id, "Wu", later, shows_code=True)
        with pytest.raises(BadInput, match="in another case"):
            await fresh.check(connection, third, unattached.id, "Wu", later, shows_code=True)
        assert [one.check is not None for one in await fresh.requests(connection, mine)] == [True, False]
