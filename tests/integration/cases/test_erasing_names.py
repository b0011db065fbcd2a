"""Names that many people bear go from the person's own cases, however others wrote them, and stay where others are spoken of."""

from pathlib import Path

import msgspec
import pytest

from evenhand.accounts.labels import set_label
from evenhand.casework import Casework, check_all
from evenhand.desk import Desk
from evenhand.erasure import erase_person
from evenhand.evidence import fresh, holds
from evenhand.evidence.custody import Custody
from evenhand.evidence.vault import Directory
from evenhand.store import Database
from tests.unit.evidence.pictures import noise, saved

from .conftest import ANNA, MERCHANT, Clock, Do, File, make_order

NAMESAKE = "与本案无关：另一位{}昨天也来问过。"


@pytest.mark.parametrize("name", ["张伟", "李娜", "欧阳娜娜"])
async def test_a_name_many_bear_goes_from_the_persons_own_cases_and_stays_in_those_of_others(
    name: str, desk: Desk, file: File, do: Do, work: Casework, database: Database, clock: Clock, tmp_path: Path
) -> None:
    vault, me = Directory(tmp_path), {"role": "buyer", "id": name}
    await desk.take_orders([("bazaar", msgspec.structs.replace(make_order("o-x", clock.now), buyer=name))])
    case = (await file(order="o-x", comment=f"我是{name}，杯子到手就裂了")).case
    spaced = name.replace("张伟", "张　伟")
    await do(case, MERCHANT, "messages", text=f"{name}您好！请问{spaced}女士/先生能否补拍一张照片？", key=f"答{name}-1")
    await do(case, MERCHANT, "offers", kind="partial_refund", amount=2_000, note=f"给{name}的补偿")
    await do(case, me, "decline", offer=1)
    async with database.pool.acquire() as connection:
        asked = await fresh.ask(connection, int(case), "Anna", 72, clock.now)
        shown = await Custody(database, vault).take(
            desk.markets["bazaar"].number, "buyer", saved(noise(1)), clock.now, case=int(case)
        )
        await fresh.check(
            connection, int(asked.request), shown.id, "Anna", clock.now, shows_code=True, note=f"{name}手写"
        )
    await do(case, MERCHANT, "decline", why=f"{name}没有提供照片")
    await do(case, me, "escalate", why="商家不理我")
    await do(case, ANNA, "claim")
    await do(
        case, ANNA, "rule", outcome="decline", grounds=["evidence.insufficient"], note=f"经核实，{name}未补拍照片。"
    )
    await work.statement(int(case), "merchant", "zh")
    async with database.pool.acquire() as connection, connection.transaction():
        await set_label(
            connection, "bazaar", "buyer", name, "watched", cause=f"{name}多次申请仅退款", set_by="Anna",
            starts_at=clock.now, expires_at=clock.now.replace(year=2027), cases=[int(case)],
        )  # fmt: skip
    # somebody else's case, in which a namesake is spoken of and another rules
    other = (await file(comment=NAMESAKE.format(name))).case
    await do(other, MERCHANT, "messages", text=NAMESAKE.format(name), key=f"答{name}")
    await do(other, MERCHANT, "escalate", why=name)
    await do(other, {"role": "adjudicator", "id": name}, "claim")
    async with database.pool.acquire() as connection, connection.transaction():
        await holds.place(connection, int(other), by="Chen", why=f"{name}案", now=clock.now)
    untouched = await about(database, other)
    assert name in await about(database, case)

    done = await erase_person(
        database.pool, vault, "bazaar", "buyer", name, by="Li", now=clock.now, despite=f"{name}要求"
    )

    after = await about(database, case)
    assert name not in after
    assert spaced not in after
    assert f"{done.pseudonym}您好！请问{done.pseudonym}女士/先生能否补拍一张照片？" in after
    assert f"给{done.pseudonym}的补偿" in after
    assert f"经核实，{done.pseudonym}未补拍照片。" in after
    assert f"{done.pseudonym}手写" in after
    assert f"{done.pseudonym}多次申请仅退款" in after
    assert await about(database, other) == untouched
    assert await database.pool.fetchval("select despite from erasure") == f"{done.pseudonym}要求"
    assert (await check_all(work))[1] == 0


async def about(database: Database, case: str) -> str:
    """All that is kept of a case, and of its buyer."""
    queries = (
        "select e::text from case_event e where case_no = $1 order by no",
        "select c::text from case_file c where no = $1",
        "select extra::text from application where no = $1 and extra is not null",
        "select s::text from reasons_statement s where case_no = $1 order by decision, party, lang",
        "select o::text from outbox o where case_no = $1 order by no",
        "select c::text from photo_check c join photo_request r on r.no = c.request where r.case_no = $1",
        "select h::text from legal_hold h where case_no = $1",
        "select l::text from label l join application a on a.buyer = l.account where a.no = $1",
        "select o.data::text from outbox o where o.type = 'label.set' and exists (select from application a join account b"
        " on b.no = a.buyer where a.no = $1 and o.data::jsonb -> 'account' ->> 'id' = b.id)",
        "select b.id from application a join account b on b.no = a.buyer where a.no = $1",
    )
    rows = [row[0] for query in queries for row in await database.pool.fetch(query, int(case))]
    return "\n".join(rows)


async def test_another_spelling_goes_from_the_cases_of_others_and_a_word_like_any_other_stays(
    desk: Desk, file: File, do: Do, work: Casework, database: Database, clock: Clock, tmp_path: Path
) -> None:
    names = ("wang-xiaoming_8472", "Will")
    for number, name in enumerate(names):
        order = msgspec.structs.replace(make_order(f"o-{number}", clock.now), buyer=name)
        await desk.take_orders([("bazaar", order)])
    other = (await file()).case
    await do(other, MERCHANT, "messages", text="As with WANG-XIAOMING_8472: will you wait?", key="Wang-Xiaoming_8472-1")
    await do(other, MERCHANT, "escalate", why="ｗａｎｇ－ｘｉａｏｍｉｎｇ＿８４７２")
    await do(other, ANNA, "claim")
    note = "Wang-Xiaoming_8472 is no part of this, and wang-xiaomingX8472 is another."
    await do(other, ANNA, "rule", outcome="decline", grounds=["evidence.insufficient"], note=note)
    await work.statement(int(other), "merchant", "en")
    async with database.pool.acquire() as connection, connection.transaction():
        await holds.place(connection, int(other), by="Chen", why="WANG-XIAOMING_8472 sues", now=clock.now)
    await database.pool.execute(
        "insert into webhook (id, url, types, markets, secret, reached, created_at) "
        "select id, 'https://x', '{}', '{}', 'whsec_a', 0, now() from unnest(array['crm', 'erp']) id"
    )
    await database.pool.execute(
        "insert into webhook_delivery (webhook, outbox, position, type, case_no, due_at, made_at, attempts) "
        "select w.no, o.no, o.no, o.type, o.case_no, now(), now(), 1 "
        "from webhook w, (select * from outbox where case_no = $1 and data::text ilike '%adjudicator%' order by no limit 1) o",
        int(other),
    )
    await database.pool.execute(
        "insert into webhook_attempt select no, 1, now(), 200, null, 3, case when row_number() over (order by no) = 1"
        " then $1::bytea else $2 end from webhook_delivery",
        "für WANG-XIAOMING_8472 \\".encode(), "für wang-xiaomingX8472, who will".encode(),
    )  # fmt: skip
    await database.pool.executemany(
        "insert into idempotency_key (key, digest, answer) values ($1, '', $2)",
        [("a", '{"note": "for Wang-XIAOMING_8472"}'), ("b", '{"note": "it will"}')],
    )
    for name in names:
        await erase_person(database.pool, Directory(tmp_path), "bazaar", "buyer", name, by="Li", now=clock.now)
    answers = await database.pool.fetch("select answer from webhook_attempt order by delivery")
    assert [bytes(row["answer"]).decode() for row in answers] == ["", "für wang-xiaomingX8472, who will"]
    assert [row["key"] for row in await database.pool.fetch("select key from idempotency_key order by key")] == ["b"]
    after = await about(database, other)
    assert "xiaoming_8472" not in after.lower()
    assert "ｘｉａｏｍｉｎｇ" not in after
    assert ": will you wait?" in after
    assert "wang-xiaomingX8472 is another" in after
    assert (await check_all(work))[1] == 0


async def test_keys_go_in_which_the_name_stands_and_no_others(
    desk: Desk, database: Database, clock: Clock, tmp_path: Path
) -> None:
    """A key that is forgotten for nothing would let a deposit be booked twice."""
    keys = ["张伟-1", "deposit-1", "1", "bob/2", "bobby/2", "9"]
    await database.pool.executemany(
        "insert into idempotency_key (key, digest) values ($1, '')", [(one,) for one in keys]
    )
    for number, (name, left) in enumerate(
        [
            ("张伟", ["1", "9", "bob/2", "bobby/2", "deposit-1"]),
            ("Bob", ["1", "9", "bobby/2", "deposit-1"]),
            ("1", ["9", "bobby/2", "deposit-1"]),
        ]
    ):
        order = msgspec.structs.replace(make_order(f"o-{number}", clock.now), buyer=name)
        await desk.take_orders([("bazaar", order)])
        await erase_person(database.pool, Directory(tmp_path), "bazaar", "buyer", name, by="Li", now=clock.now)
        kept = await database.pool.fetch('select key from idempotency_key order by key collate "C"')
        assert [row["key"] for row in kept] == left
