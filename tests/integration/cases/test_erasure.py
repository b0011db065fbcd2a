"""Erasing a person: after it the name and the words are nowhere in the database or the vault, and what happened is still true."""

import asyncio
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest

from evenhand.accounts.labels import appeal, decide_appeal, set_label
from evenhand.accounts.links.keeping import alone
from evenhand.booking import reproduce
from evenhand.casework import Casework, check_all
from evenhand.desk import Desk
from evenhand.erasure import Erased, erase_person
from evenhand.errors import BadInput, Conflict, StoreError, UnknownThing
from evenhand.evidence import fresh, holds
from evenhand.evidence.custody import Custody
from evenhand.evidence.log import custody_of
from evenhand.evidence.retention import sweep
from evenhand.evidence.vault import Directory
from evenhand.fund.by_hand import recover
from evenhand.fund.payouts import start
from evenhand.records import Attributes
from evenhand.store import Database
from tests.unit.evidence.pictures import noise, saved

from .conftest import ANNA, MERCHANT, Clock, Do, File, make_order

NAME = "wang-xiaoming-8472"
COMMENT = "The handle broke on the first day. Call me: 13800138000"
MESSAGE = "我叫王小明，住在文三路478号，杯子到手就裂了"
NOTE = "I take half because of my mother's birthday"
WHY = "The store does not answer me for five days"
CONTEST = "I never sent an empty parcel to anybody"
LINK = "wechat://moments/xiaoming/991"
TEXT = b"Xiaoming's diary: the cup arrived broken"
WORDS = (NAME, COMMENT, MESSAGE, NOTE, WHY, CONTEST, LINK)
ME = {"role": "buyer", "id": NAME}


@pytest.fixture
def vault(tmp_path: Path) -> Directory:
    return Directory(tmp_path / "evidence")


@pytest.fixture
def custody(database: Database, vault: Directory) -> Custody:
    return Custody(database, vault)


Erase = Callable[..., Any]


@pytest.fixture
def erase(database: Database, vault: Directory, clock: Clock) -> Erase:
    async def erase(name: str = NAME, **options: Any) -> Erased:
        return await erase_person(database.pool, vault, "bazaar", "buyer", name, by="Li", now=clock.now, **options)

    return erase


async def dump(database: Database) -> str:
    """Every row of every table as text; binary columns in hexadecimal."""
    tables = await database.pool.fetch("select tablename from pg_tables where schemaname = 'public'")
    parts: list[str] = []
    for table in tables:
        rows = await database.pool.fetch(f'select t::text as row from "{table["tablename"]}" t')
        parts += [row["row"] for row in rows]
    # text in a row is quoted, and what is quoted in it written twice
    return "\n".join(parts).replace('""', '"')


def found_in(text: str, words: tuple[str, ...] = WORDS) -> list[str]:
    return [one for one in words if one in text or one.encode().hex() in text]


@pytest.fixture
async def story(
    desk: Desk, database: Database, file: File, do: Do, custody: Custody, work: Casework, clock: Clock
) -> dict[str, Any]:
    """A case with everything a person leaves behind; it is closed."""
    used = Attributes(phone=["13800138000"], device=["xiaoming-phone"])
    await desk.take_orders(
        [("bazaar", msgspec.structs.replace(make_order("o-x", clock.now), buyer=NAME, attributes=used))]
    )
    market = desk.markets["bazaar"].number
    photo = await custody.take(market, "buyer", saved(noise(1)), clock.now)
    await database.pool.execute(
        "insert into capture_credential select no, $2, $2 || ' camera', 'digitalCapture', $3, false from evidence where id = $1",
        photo.id, NAME, clock.now,
    )  # fmt: skip
    theirs = await custody.take(market, "merchant", b"packing list of the store", clock.now)
    ruled = await file(order="o-x", comment=COMMENT, evidence=[photo.id, LINK], amount=8_000)
    case = ruled.case
    words = await custody.take(market, "buyer", TEXT, clock.now, case=int(case))
    await do(case, ME, "messages", text=MESSAGE, key=f"{NAME}-1")
    await do(
        case, MERCHANT, "messages", text=f"Dear {NAME}, you write “{MESSAGE}”: please send a photo, within 8472 min"
    )
    await do(case, MERCHANT, "evidence", evidence=[theirs.id])
    await do(case, ME, "offers", kind="partial_refund", amount=5_000, note=NOTE)
    async with database.pool.acquire() as connection:
        asked = await fresh.ask(connection, int(case), "Anna", 72, clock.now)
        answer = await custody.take(market, "buyer", saved(noise(2)), clock.now, case=int(case))
        await fresh.check(
            connection, int(asked.request), answer.id, "Anna", clock.now, shows_code=True, note=f"written by {NAME}"
        )
    await do(case, MERCHANT, "decline", why="not our fault")
    await do(case, ME, "escalate", why=WHY)
    await do(case, ANNA, "claim")
    note = f"{NAME} says “{COMMENT}”, and the photo bears it out"
    await do(case, ANNA, "rule", outcome="refund_by_merchant", amount=5_000, grounds=["goods.defective"], note=note)
    await work.statement(int(case), "merchant", "zh")
    async with database.pool.acquire() as connection, connection.transaction():
        label = await set_label(
            connection, "bazaar", "buyer", NAME, "watched", cause=f"{NAME} asks often", set_by="Anna",
            starts_at=clock.now, expires_at=clock.now.replace(year=2027), cases=[int(case)],
        )  # fmt: skip
        await appeal(connection, label, says=CONTEST, now=clock.now)
    # somebody else's case names the person too; so do a webhook's answers and a key
    other = (await file()).case
    await do(other, MERCHANT, "messages", text=f"The same as with {NAME}.")
    await database.pool.execute(
        "insert into webhook (id, url, types, markets, secret, reached, created_at) "
        "values ('crm', 'https://x', '{}', '{}', 'whsec_a', 0, now())"
    )
    await database.pool.execute(
        "insert into webhook_delivery (webhook, outbox, position, type, case_no, due_at, made_at, attempts) "
        "select w.no, o.no, o.no, o.type, o.case_no, now(), now(), 1 from webhook w, outbox o"
    )
    await database.pool.execute(
        "insert into webhook_attempt select no, 1, now(), 200, null, 3, $1 from webhook_delivery", f"hi {NAME}".encode()
    )
    await database.pool.execute(
        "insert into idempotency_key (key, digest, answer) values ($1, '', null), ('a', '', $2), ('b', '', $3), ('c', '', $4)",
        f"{NAME}/1",
        msgspec.json.encode({"note": f"for {NAME}"}).decode(),
        msgspec.json.encode({"case": case, "why": COMMENT}).decode(),
        msgspec.json.encode({"transfer": 1}).decode(),
    )
    return {"case": case, "other": other, "photo": photo.id, "words": words.id, "theirs": theirs.id, "label": label}


async def lift_label(database: Database, story: dict[str, Any], clock: Clock) -> None:
    async with database.pool.acquire() as connection, connection.transaction():
        number = await connection.fetchval("select no from label_appeal")
        note = f"{NAME} is right: “{CONTEST}”"
        await decide_appeal(connection, number, "lifted", by="Boris", note=note, now=clock.now)


async def test_after_it_the_person_is_nowhere_and_what_happened_is_still_true(
    story: dict[str, Any], database: Database, work: Casework, erase: Erase, clock: Clock, tmp_path: Path
) -> None:
    await lift_label(database, story, clock)
    before = await dump(database)
    assert found_in(before) == list(WORDS)
    ledger = await database.pool.fetch("select * from posting order by transfer, amount")
    rulings = await database.pool.fetch("select no, a.facts::text, because_en, outcome from application a order by no")

    done: Erased = await erase()

    after = await dump(database)
    assert found_in(after) == []
    assert "xiaoming" not in after.lower()
    files = [path.read_bytes() for path in (tmp_path / "evidence").rglob("*") if path.is_file()]
    assert files == [b"packing list of the store"]
    # what others wrote stays, about somebody without a name
    assert done.pseudonym is not None
    assert f"Dear {done.pseudonym}, you write “[erased / 已删除]”: please send a photo, within 8472 min" in after
    assert f"The same as with {done.pseudonym}." in after
    assert f"{done.pseudonym} asks often" in after

    assert await database.pool.fetch("select * from posting order by transfer, amount") == ledger
    assert (
        await database.pool.fetch("select no, a.facts::text, because_en, outcome from application a order by no")
        == rulings
    )
    row = await database.pool.fetchrow(
        "select v.source, a.facts, a.outcome from application a join policy_version v on v.no = a.policy_version where a.no = $1",
        int(story["case"]),
    )
    assert row is not None
    assert reproduce(row["source"], row["facts"], "CNY").outcome == row["outcome"]
    # every case still follows from its events, every custody log is whole
    assert (await check_all(work))[1] == 0
    async with database.pool.acquire() as connection:
        for name, last in ((story["photo"], "erased"), (story["words"], "erased"), (story["theirs"], "received")):
            log = await custody_of(connection, name)
            assert (log.unbroken, log.entries[-1].action) == (True, last)
    assert done.erased.keys() >= {
        "history",
        "comments",
        "messages",
        "statements",
        "notes",
        "events_told",
        "files",
        "keys",
    }
    assert (done.erased["files"], done.erased["keys"]) == (3, 3)
    assert {one.what: one.count for one in done.kept}.items() >= {
        "orders": 1,
        "rulings": 1,
        "others_evidence": 1,
    }.items()
    assert all(one.ground.en and one.ground.zh for one in done.kept)
    assert done.told == ["crm"]


async def test_the_name_goes_wherever_staff_wrote_it(
    story: dict[str, Any], database: Database, erase: Erase, clock: Clock, do: Do, file: File, desk: Desk
) -> None:
    """Also about somebody else's case, in what parties there were told, and in why the person is erased."""
    pool, other = database.pool, story["other"]
    async with pool.acquire() as connection, connection.transaction():
        await start(connection, "bazaar", "sandbox", since=None, by="finance", now=clock.now)
    await desk.take_orders([("bazaar", msgspec.structs.replace(make_order("o-y", clock.now), buyer=NAME))])
    mine = (await file(order="o-y")).case
    for case, note in ((other, f"Just as with {NAME}."), (mine, "")):
        await do(case, MERCHANT, "escalate", key=f"{NAME}-{case}")
        await do(case, ANNA, "claim")
        await do(case, ANNA, "rule", outcome="subsidise", amount=1_000, grounds=["goods.defective"], note=note)
        async with pool.acquire() as connection, connection.transaction():
            await recover(connection, int(case), by="Chen", note=f"with {NAME}", now=clock.now)
    async with pool.acquire() as connection, connection.transaction():
        await holds.place(connection, int(other), by="Chen", why=f"suit against {NAME}", now=clock.now)
        label = await set_label(
            connection, "bazaar", "buyer", "buyer-1", "watched", cause="often", set_by="Anna", starts_at=clock.now,
            expires_at=clock.now.replace(year=2027),
        )  # fmt: skip
        await appeal(connection, label, says=f"That was {NAME}, not me", now=clock.now)
    done: Erased = await erase(despite=f"{NAME} insists")
    after = await dump(database)
    assert NAME not in after
    assert NAME.encode().hex() not in after
    assert done.pseudonym is not None
    for text in ("recovered: with {}", "Just as with {}.", "suit against {}", "That was {}, not me", "{} insists"):
        assert text.format(done.pseudonym) in after


async def test_a_stores_name_goes_from_what_buyers_wrote_to_it(
    file: File, database: Database, vault: Directory, clock: Clock
) -> None:
    comment = "store-1 does not answer; store-12 did"
    await file(comment=comment)
    done = await erase_person(
        database.pool, vault, "bazaar", "merchant", "store-1", by="Li", now=clock.now, despite="asked"
    )
    assert done.erased["comments"] == 1
    extra = await database.pool.fetchval("select extra ->> 'comment' from application")
    assert extra == f"{done.pseudonym} does not answer; store-12 did"
    assert (await file(id="application-0", order="order-0", comment=comment)).repeated


async def test_it_waits_for_those_who_link_without_being_in_their_way(
    story: dict[str, Any], database: Database, erase: Erase
) -> None:
    async with database.pool.acquire() as connection, connection.transaction():
        await alone(connection, "bazaar")
        erasing = asyncio.create_task(erase(despite="asked"))
        while not await database.pool.fetchval("select exists (select from pg_locks where not granted)"):
            await asyncio.sleep(0.01)
        await connection.execute("select from account where id = $1 for update nowait", NAME)
    assert (await erasing).pseudonym


async def test_again_it_does_nothing_and_says_so(
    story: dict[str, Any], database: Database, erase: Erase, clock: Clock
) -> None:
    first = await erase(despite="the court has ordered it")
    again = await erase()
    assert (first.repeated, again.repeated, again.pseudonym) == (False, True, None)
    assert await database.pool.fetchval("select count(*) from erasure") == 1
    # nothing that is left leads from the name to the account
    assert await database.pool.fetchval("select count(*) from account where id = $1", NAME) == 0
    with pytest.raises(UnknownThing):
        await erase("nobody-of-that-name")
    # by the pseudonym what came since can go too, and the name stays the same
    later = await erase(first.pseudonym, despite="again")
    assert later.pseudonym == first.pseudonym


async def test_what_is_under_way_stands_against_it_and_a_hold_always(
    story: dict[str, Any], database: Database, erase: Erase, do: Do, clock: Clock, tmp_path: Path
) -> None:
    case = int(story["case"])
    before = await dump(database)
    with pytest.raises(Conflict, match=f"in effect or contested: label {story['label']}") as caught:
        await erase()
    assert caught.value.field == "despite"
    async with database.pool.acquire() as connection, connection.transaction():
        await holds.place(connection, case, by="Chen", why="lawsuit 2026-17", now=clock.now)
        with pytest.raises(Conflict, match="under legal hold already"):
            await holds.place(connection, case, by="Chen", why="again", now=clock.now)
    for despite in ("", "the person insists"):
        with pytest.raises(Conflict, match=f"under legal hold: case {case}"):
            await erase(despite=despite)
    assert found_in(await dump(database)) == found_in(before)
    assert len([path for path in (tmp_path / "evidence").rglob("*") if path.is_file()]) > 1
    async with database.pool.acquire() as connection, connection.transaction():
        lifted = await holds.lift(connection, case, by="Chen", why="settled", now=clock.now)
        assert (lifted.placed_by, lifted.lifted_why) == ("Chen", "settled")
        with pytest.raises(Conflict, match="not under legal hold"):
            await holds.lift(connection, case, by="Chen", why="again", now=clock.now)
    await erase(despite="the person insists")
    assert found_in(await dump(database)) == []


async def test_an_open_case_goes_on_without_the_name(
    file: File, do: Do, desk: Desk, database: Database, work: Casework, erase: Erase, clock: Clock
) -> None:
    await desk.take_orders([("bazaar", msgspec.structs.replace(make_order("o-y", clock.now), buyer=NAME))])
    case = (await file(order="o-y", comment=COMMENT)).case
    await do(case, ME, "offers", kind="partial_refund", amount=5_000, note=NOTE)
    with pytest.raises(Conflict, match=f"not closed: case {case}"):
        await erase()
    done = await erase(despite="the person insists")
    assert found_in(await dump(database)) == []
    accepted = await do(case, MERCHANT, "accept", offer=1)
    assert accepted.state == "closed"
    assert await database.pool.fetchval("select despite from erasure") == "the person insists"
    assert (await check_all(work))[1] == 0
    assert done.erased["messages"] == 1


async def test_a_store_can_be_erased_and_a_buyer_of_the_same_name_stays(
    desk: Desk, file: File, do: Do, database: Database, vault: Directory, clock: Clock, work: Casework
) -> None:
    await desk.take_orders([("bazaar", msgspec.structs.replace(make_order("o-z", clock.now), buyer="store-1"))])
    case = (await file(order="o-z")).case
    await do(case, MERCHANT, "messages", text="We are two sisters from Yiwu")
    await do(case, {"role": "buyer", "id": "store-1"}, "messages", text="I am the buyer store-1 here")
    await do(case, {"role": "buyer", "id": "store-1"}, "withdraw")
    done = await erase_person(
        database.pool, vault, "bazaar", "merchant", "store-1", by="Li", now=clock.now, despite="the store asks"
    )
    events = await work.pool.fetch("select role, who, said ->> 'text' as text from case_event order by no")
    assert [(row["role"], row["who"], row["text"]) for row in events[:2]] == [
        ("merchant", done.pseudonym, "[erased / 已删除]"),
        ("buyer", "store-1", f"I am the buyer {done.pseudonym} here"),
    ]
    assert await database.pool.fetchval("select count(*) from account where id = 'store-1' and kind = 'buyer'") == 1
    assert (await check_all(work))[1] == 0


async def test_files_go_later_when_the_vault_is_away(
    story: dict[str, Any], database: Database, vault: Directory, erase: Erase, clock: Clock, tmp_path: Path
) -> None:
    class Away(Directory):
        async def remove(self, digest: bytes) -> None:
            raise StoreError("the bucket does not answer")

    done = await erase_person(
        database.pool, Away(tmp_path / "evidence"), "bazaar", "buyer", NAME, by="Li", now=clock.now, despite="asked"
    )
    assert done.files_waiting > 0
    assert await sweep(database.pool, vault) == done.files_waiting
    assert await sweep(database.pool, vault) == 0


async def test_a_file_that_another_shows_too_stays(
    story: dict[str, Any], database: Database, custody: Custody, desk: Desk, erase: Erase, clock: Clock, file: File
) -> None:
    market = desk.markets["bazaar"].number
    same = await custody.take(market, "buyer", saved(noise(1)), clock.now)
    await file(evidence=[same.id, story["words"]])
    assert [one.evidence for one in same.alike] == [story["photo"]]
    await erase(despite="asked")
    # neither of the two tells any more what the erased one looked like
    for name in (story["photo"], same.id):
        assert (await custody.describe(name)).alike == []
    # another upload of the same bytes, and the very upload that somebody else's case refers to
    assert (await custody.copy_of(same.id, "Anna", clock.now))[1]
    assert (await custody.copy_of(story["words"], "Anna", clock.now))[1] == TEXT
    with pytest.raises(UnknownThing, match="the person was erased"):
        await custody.copy_of(story["photo"], "Anna", clock.now)
    # a removed picture is not looked for any more, and does not get in the way of the next
    again = await custody.take(market, "buyer", saved(noise(2).rotate(90)), clock.now)
    assert all(one.evidence != story["photo"] for one in again.alike)


async def test_who_does_it_must_be_said(
    story: dict[str, Any], database: Database, vault: Directory, clock: Clock
) -> None:
    with pytest.raises(BadInput, match="say who it is"):
        await erase_person(database.pool, vault, "bazaar", "buyer", NAME, by=" ", now=clock.now)


# Tables with text that erasing leaves alone, because nothing in it is about a buyer or a store, or was written by one of them
# about the other: settings and documents of the market, names of staff, numbers and hashes, ids that the marketplace chose.
_LEFT_ALONE = frozenset(
    (
        "abuse_activation",
        "abuse_model",
        "batch",
        "budget",
        "case_count",
        "case_settings",
        "demo",
        "evidence_custody",
        "evidence_retention",
        "fact_names",
        "interception",
        "label_doubt",
        "labelling",
        "link_holding",
        "link_hub",
        "link_key",
        "merchant_rule",
        "migration",
        "order_line",
        "payment_reference",
        "payout_market",
        "policy_version",
        "posting",
        "publication",
        "review",
        "vault_removal",
        "wording",
    )
)


async def test_every_table_that_may_hold_text_is_thought_of(database: Database) -> None:
    holding_text = await database.pool.fetch(
        """select distinct table_name from information_schema.columns
        where table_schema = 'public' and data_type in ('text', 'jsonb', 'json', 'bytea', 'ARRAY')"""
    )
    words = set(re.findall(r"\w+", (files("evenhand.store") / "sql" / "erasure.sql").read_text(encoding="utf-8")))
    unthought = {row["table_name"] for row in holding_text} - words - _LEFT_ALONE
    assert not unthought, (
        f"say in store/sql/erasure.sql, or in _LEFT_ALONE, what erasing a person means for {unthought}"
    )
