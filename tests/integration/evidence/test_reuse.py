"""A photograph shown before in another case is known again, and the policy that declines on it does."""

import asyncio
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from evenhand.booking import reproduce
from evenhand.cases.actions import ACTIONS
from evenhand.casework import Casework
from evenhand.desk import Desk, Ruled
from evenhand.errors import EvenhandError, UnknownThing
from evenhand.evidence.custody import Custody
from evenhand.evidence.vault import Directory
from evenhand.records import Application
from evenhand.store import Database
from tests.unit.evidence.pictures import noise, photo, saved

from .conftest import NOW, make_application


def altered(image: Image.Image) -> bytes:
    """Cropped, mirrored, smaller, recompressed."""
    width, height = image.size
    part = image.crop((width // 25, 0, width, height - height // 25)).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return saved(part.resize((part.width * 2 // 3, part.height * 2 // 3)), quality=40)


async def show(custody: Custody, desk: Desk, data: bytes, *, market: str = "shop", party: str = "buyer") -> str:
    taken = await custody.take(desk.markets[market].number, party, data, NOW)  # pyright: ignore[reportArgumentType]
    return taken.id


async def rule(desk: Desk, *applications: Application, market: str = "shop") -> list[Ruled]:
    answers = await desk.rule([(market, application) for application in applications])
    assert not [answer for answer in answers if isinstance(answer, EvenhandError)]
    return [answer for answer in answers if isinstance(answer, Ruled)]


async def facts_of(database: Database, ruled: Ruled) -> bool | None:
    facts = msgspec.json.decode(
        await database.pool.fetchval("select a.facts from application a where no = $1", int(ruled.case))
    )
    return facts["abuse"]["reused_evidence"]


async def seen_in(database: Database, ruled: Ruled) -> list[int]:
    return await database.pool.fetchval("select seen_in from evidence_use where case_no = $1", int(ruled.case))


async def test_an_altered_copy_of_a_photograph_of_another_buyers_case_is_declined(
    desk: Desk, custody: Custody, database: Database
) -> None:
    (first,) = await rule(desk, make_application(1, await show(custody, desk, saved(photo("coffee.png")))))
    again = await custody.take(desk.markets["shop"].number, "buyer", altered(photo("coffee.png")), NOW)
    assert [(one.exact, one.cases) for one in again.alike] == [(False, [first.case])]
    (second,) = await rule(desk, make_application(2, again.id))
    assert await facts_of(database, first) is False
    assert first.outcome != "decline"
    assert await facts_of(database, second) is True
    assert second.outcome == "decline"
    assert await seen_in(database, second) == [int(first.case)]
    assert await seen_in(database, first) == []
    row = await database.pool.fetchrow(
        "select a.facts, v.source from application a join policy_version v on v.no = a.policy_version where a.no = $1",
        int(second.case),
    )
    assert row
    assert reproduce(row["source"], row["facts"], "CNY").outcome == "decline"


async def test_the_same_file_is_known_whatever_it_is_called(desk: Desk, custody: Custody, database: Database) -> None:
    data = saved(photo("rocket.jpg"))
    (first,) = await rule(desk, make_application(1, await show(custody, desk, data)))
    (same_reference,) = await rule(desk, make_application(2, make_reference := await show(custody, desk, data)))
    (third,) = await rule(desk, make_application(3, make_reference))
    assert [await facts_of(database, one) for one in (first, same_reference, third)] == [False, True, True]
    assert await seen_in(database, third) == [int(first.case), int(same_reference.case)]


async def test_the_same_photograph_about_the_same_order_is_no_reuse(
    desk: Desk, custody: Custody, database: Database
) -> None:
    name = await show(custody, desk, saved(photo("chelsea.png")))
    (first,) = await rule(desk, make_application(1, name))
    other_line, again = await rule(
        desk, make_application(1, name, id="second", line="2"), make_application(1, name, id="third", amount=100)
    )
    assert [await facts_of(database, one) for one in (first, other_line, again)] == [False, False, False]


async def test_other_photographs_and_other_markets_are_no_reuse(
    desk: Desk, custody: Custody, database: Database
) -> None:
    names = [await show(custody, desk, saved(noise(seed))) for seed in range(6)]
    ruled = await rule(desk, *(make_application(number, name) for number, name in enumerate(names)))
    assert [await facts_of(database, one) for one in ruled] == [False] * 6
    # a reference of another market is not known here, and the same photograph there is
    elsewhere = await show(custody, desk, saved(noise(0)), market="bazaar")
    (here,) = await rule(desk, make_application(10, elsewhere))
    (there,) = await rule(desk, make_application(10, elsewhere), market="bazaar")
    assert await facts_of(database, here) is None
    assert await facts_of(database, there) is True


async def test_what_is_not_known_or_says_nothing_leaves_the_fact_unknown(
    desk: Desk, custody: Custody, database: Database
) -> None:
    clean = await show(custody, desk, saved(photo("moon.png")))
    text = await show(custody, desk, "坏了".encode())
    ruled = await rule(
        desk,
        make_application(1),
        make_application(2, "photo.jpg", "https://shop.example/photo.jpg"),
        make_application(3, f"ev_{'0' * 32}"),
        make_application(4, clean, "photo.jpg"),
        make_application(5, text),
        make_application(6, await show(custody, desk, "坏了".encode())),
        make_application(7, clean, "photo.jpg", reason="damaged"),
    )
    known = [await facts_of(database, one) for one in ruled]
    assert known == [None, None, None, None, None, None, True]


async def test_evidence_is_counted_by_what_there_is_not_by_how_often_it_is_named(
    desk: Desk, custody: Custody, database: Database
) -> None:
    one, same, other = [
        await show(custody, desk, saved(photo(name))) for name in ("moon.png", "moon.png", "coffee.png")
    ]
    elsewhere = await show(custody, desk, saved(noise(1)), market="bazaar")
    never = [f"ev_{digit * 32}" for digit in "012"]
    ruled = await rule(
        desk,
        make_application(1, one, one, one),
        make_application(2, *never, elsewhere),
        make_application(3, one, same, other, never[0], "IMG_1.jpg", "IMG_1.jpg", "IMG_2.jpg"),
        make_application(4, "IMG_1.jpg", "IMG_1.jpg", "https://shop.example/1.jpg"),
        make_application(5),
    )
    rows = await database.pool.fetch("select a.facts from application a order by no")
    assert len(rows) == len(ruled)
    assert [msgspec.json.decode(row["facts"])["application"]["evidence_count"] for row in rows] == [1, 0, 4, 2, 0]


async def test_what_merchants_show_does_not_count_against_buyers(
    desk: Desk, custody: Custody, database: Database
) -> None:
    listing = saved(photo("astronaut.png"))
    (first,) = await rule(desk, make_application(1))
    await custody.take(desk.markets["shop"].number, "merchant", listing, NOW, case=int(first.case))
    (second,) = await rule(desk, make_application(2, await show(custody, desk, listing)))
    assert await facts_of(database, second) is False


async def test_evidence_added_to_a_case_later_counts_too(desk: Desk, custody: Custody, database: Database) -> None:
    (first,) = await rule(desk, make_application(1))
    market = desk.markets["shop"].number
    await custody.take(market, "buyer", saved(photo("coins.png")), NOW - timedelta(hours=23), case=int(first.case))
    (second,) = await rule(
        desk, make_application(2, await show(custody, desk, altered(photo("coins.png"))), applied_at=NOW)
    )
    assert await seen_in(database, second) == [int(first.case)]
    with pytest.raises(UnknownThing, match="no case"):
        await custody.take(market, "buyer", saved(photo("coins.png")), NOW, case=10**12)
    with pytest.raises(UnknownThing, match="no case"):
        await custody.take(desk.markets["bazaar"].number, "buyer", b"text", NOW, case=int(first.case))


async def test_evidence_named_in_a_cases_thread_counts_as_shown_there(
    desk: Desk, custody: Custody, database: Database
) -> None:
    (first,) = await rule(desk, make_application(1, reason="no_reason"))
    casework = Casework(desk, database, clock=lambda: NOW)
    name = await show(custody, desk, saved(photo("coins.png")))
    sent = {"by": {"role": "buyer", "id": "buyer-1"}, "evidence": [name, "a tracking number"]}
    action = msgspec.convert(sent, ACTIONS["evidence"][0])
    await casework.act(int(first.case), action, key="once")
    await casework.act(int(first.case), action, key="once")
    (second,) = await rule(
        desk, make_application(2, await show(custody, desk, altered(photo("coins.png"))), applied_at=NOW)
    )
    assert await seen_in(database, second) == [int(first.case)]


async def test_an_application_filed_earlier_does_not_see_a_later_one_that_was_ruled_before_it(
    desk: Desk, custody: Custody, database: Database
) -> None:
    name = await show(custody, desk, saved(photo("coffee.png")))
    (late,) = await rule(desk, make_application(2, name, applied_at=NOW - timedelta(hours=1)))
    (early,) = await rule(desk, make_application(1, name, applied_at=NOW - timedelta(hours=5)))
    assert [await facts_of(database, one) for one in (late, early)] == [False, False]


async def test_applications_of_one_batch_and_of_batches_at_once_see_each_other(
    desk: Desk, custody: Custody, database: Database
) -> None:
    name = await show(custody, desk, saved(photo("coffee.png")))
    batch = await rule(desk, *(make_application(number, name) for number in range(3)))
    assert [await facts_of(database, one) for one in batch] == [False, True, True]
    other = await show(custody, desk, saved(photo("chelsea.png")))
    at_once = await asyncio.gather(
        *(rule(desk, make_application(number, other, applied_at=NOW)) for number in range(10, 20))
    )
    known = [await facts_of(database, one) for (one,) in at_once]
    assert known.count(False) == 1
    assert known.count(True) == 9


async def test_a_repeated_application_is_not_its_own_reuse(desk: Desk, custody: Custody, database: Database) -> None:
    application = make_application(1, await show(custody, desk, saved(photo("coffee.png"))))
    (first,) = await rule(desk, application)
    again, in_batch = await rule(desk, application, application)
    assert (again.case, in_batch.case, again.outcome) == (first.case, first.case, first.outcome)
    assert await database.pool.fetchval("select count(*) from evidence_use") == 1


async def test_two_that_take_evidence_in_at_once_find_each_others(
    desk: Desk, custody: Custody, database: Database, tmp_path: Path
) -> None:
    """Twelve copies of one photograph, through two custodies as two processes have them: every later one knows every earlier."""
    other = Custody(database, Directory(tmp_path / "evidence"))
    market = desk.markets["shop"].number
    image = photo("coffee.png")
    copies = [saved(image, quality=40 + 3 * number) for number in range(12)]
    await asyncio.gather(
        *((custody, other)[number % 2].take(market, "buyer", data, NOW) for number, data in enumerate(copies))
    )
    assert await database.pool.fetchval("select count(*) from evidence_alike") == 12 * 11 // 2


async def test_evidence_is_never_changed(desk: Desk, custody: Custody, database: Database) -> None:
    import asyncpg

    await rule(desk, make_application(1, await show(custody, desk, saved(photo("coffee.png")))))
    for table in ("evidence", "evidence_alike", "evidence_use", "photo_request", "photo_check"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await database.pool.execute(f"delete from {table}")
