"""Migrations: once each, in order, by one process at a time, and never over a past that is not ours."""

import asyncio
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from evenhand.errors import StoreError
from evenhand.events.webhooks import mark_of
from evenhand.evidence.log import custody_of
from evenhand.store import Database, Queries, open_database
from evenhand.store.migrate import Migration, migrate, shipped

FIRST = Migration(1, "0001_first.sql", "create table thing (no int)")
SECOND = Migration(2, "0002_second.sql", "insert into thing values (2)")


@pytest.fixture
async def empty_url(database: Database, fresh_url: str) -> str:
    """URL of a database in which nothing was ever migrated."""
    await database.pool.execute("drop schema public cascade")
    await database.pool.execute("create schema public")
    return fresh_url


async def test_migrations_run_in_order_and_once(empty_url: str) -> None:
    connection = await asyncpg.connect(empty_url)
    assert await migrate(connection, (FIRST, SECOND)) == 2
    assert await migrate(connection, (FIRST, SECOND)) == 0
    assert await connection.fetchval("select array_agg(no) from thing") == [2]
    await connection.close()


async def test_several_at_once_do_each_migration_once(empty_url: str) -> None:
    slow = replace(SECOND, sql="select pg_sleep(0.2); insert into thing values (2)")
    connections = [await asyncpg.connect(empty_url) for _ in range(4)]
    applied = await asyncio.gather(*(migrate(connection, (FIRST, slow)) for connection in connections))
    assert sum(applied) == 2
    assert await connections[0].fetchval("select array_agg(no) from thing") == [2]
    for connection in connections:
        await connection.close()


async def test_a_migration_that_fails_is_undone_whole_and_what_came_before_stays(empty_url: str) -> None:
    connection = await asyncpg.connect(empty_url)
    broken = replace(SECOND, sql="insert into thing values (2); insert into missing values (1)")
    with pytest.raises(StoreError, match=r'0002_second\.sql failed and was undone: relation "missing" does not exist'):
        await migrate(connection, (FIRST, broken))
    assert await connection.fetchval("select count(*) from thing") == 0
    assert await migrate(connection, (FIRST, SECOND)) == 1
    await connection.close()


async def test_a_migration_changed_after_it_was_applied_is_refused(empty_url: str) -> None:
    connection = await asyncpg.connect(empty_url)
    await migrate(connection, (FIRST,))
    with pytest.raises(StoreError, match=r"0001_first\.sql differs"):
        await migrate(connection, (replace(FIRST, sql=FIRST.sql + " -- changed"), SECOND))
    assert await connection.fetchval("select count(*) from thing") == 0, "nothing was touched"
    await connection.close()


async def test_a_database_newer_than_the_code_is_refused(database: Database, fresh_url: str) -> None:
    later = len(shipped()) + 1
    await database.pool.execute("insert into migration (no, name, checksum) values ($1, 'later.sql', 'x')", later)
    with pytest.raises(StoreError, match=r"newer than this Evenhand: it has migration later\.sql"):
        async with open_database(fresh_url):
            pass


async def test_what_is_recorded_is_what_is_shipped(database: Database) -> None:
    rows = await database.pool.fetch("select no, name, checksum from migration order by no")
    assert [tuple(row) for row in rows] == [(m.no, m.name, m.checksum) for m in shipped()]


async def test_two_processes_may_open_a_new_database_at_once(empty_url: str) -> None:
    async with open_database(empty_url) as one, open_database(empty_url) as other:
        assert urlsplit(one.url) == urlsplit(other.url)
        assert await other.pool.fetchval("select count(*) from migration") == len(shipped())


@pytest.mark.parametrize("names", [["0002_second.sql"], ["0001_a.sql", "0001_b.sql"], ["1_a.sql"], ["0001_A.sql"]])
def test_files_must_be_numbered_without_gaps(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("select 1")
    with pytest.raises(ValueError, match="is not the name of migration"):
        shipped(tmp_path)


async def test_markets_from_before_publications_follow_what_they_followed(empty_url: str) -> None:
    """Migration 2, over data of migration 1: of several texts of a version the latest; pinned markets need none."""
    connection = await asyncpg.connect(empty_url)
    await migrate(connection, shipped()[:1])
    await connection.execute(
        """insert into market (id, name, policy, pinned, currency, time_zone) values
               ('dated', 'D', 'p', null, 'CNY', 'Asia/Shanghai'), ('pinned', 'P', 'p', '1', 'CNY', 'Asia/Shanghai');
           insert into policy_version (policy, version, effective, hash, source) values
               ('p', '1', '2021-01-01', 'first text', ''), ('p', '2', '2024-01-01', 'x', ''),
               ('p', '1', '2021-01-01', 'corrected text', ''), ('q', '1', '2020-01-01', 'y', '')"""
    )
    await migrate(connection)
    rows = await connection.fetch(
        """select m.id, p.effective::text, v.hash from publication p join market m on m.no = p.market
           join policy_version v on v.no = p.policy_version order by p.effective"""
    )
    assert [tuple(row) for row in rows] == [("dated", "2021-01-01", "corrected text"), ("dated", "2024-01-01", "x")]
    await connection.close()


async def test_rulings_from_before_keep_their_facts_and_speak_against_buyers(empty_url: str) -> None:
    """Migrations 13 and 15: every fact is as it was, digit for digit; what the labelling pass had not come to is noted."""
    facts = [
        {"application": {"amount": 12, "category": "a b"}, "abuse": {"frequent_refund_only": True, "score": None}},
        {"application": {"amount": 34, "category": '"'}, "abuse": {"frequent_refund_only": False, "score": 0.5}},
        {"application": {"amount": 56}, "abuse": {"score": None}},
    ]
    texts = [json.dumps(one).replace("0.5", "0.500") for one in facts]
    connection = await asyncpg.connect(empty_url)
    await migrate(connection, shipped()[:12])
    await connection.execute(
        """insert into market (id, name, policy, currency, time_zone) values ('m', 'M', 'p', 'CNY', 'Asia/Shanghai');
           insert into account (market, kind, id) values (1, 'buyer', 'b')"""
    )
    for number, text in enumerate(texts, 1):
        await connection.execute(
            """insert into application (no, market, id, digest, line, buyer, merchant, remedy, stage, reason, asked,
                   applied_at, batch, policy_version, outcome, payer, return_required, amount, rule,
                   because_en, because_zh, facts)
               values ($1, 1, $1::bigint::text, '', 1, 1, 8, '', '', '', 1,
                   now(), $1, 1, $3, 'none', false, 0, '', '', '', $2)""",
            number, text, "decline" if number == 3 else "review",
        )  # fmt: skip
        await connection.execute(
            "insert into outbox (position, type, at, batch, first_case, last_case) "
            "values ($1, 'ruling.issued', now(), $1, $1, $1)",
            number,
        )
    await migrate(connection)
    rows = await connection.fetch("select a.facts from application a order by no")
    assert [json.loads(row["facts"]) for row in rows] == facts
    assert "0.500" in rows[1]["facts"]
    assert await connection.fetchval("select array_agg(case_no order by case_no) from label_sign") == [1, 3]
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute("update application set fact_values = '[]'")
    await connection.close()


async def test_evidence_from_before_has_a_custody_log_and_immutable_rows_stay_so(empty_url: str) -> None:
    """Migration 11: what was taken in is the first row of an unbroken log; rows change only while somebody is erased."""
    connection = await asyncpg.connect(empty_url)
    await migrate(connection, shipped()[:10])
    await connection.execute(
        """insert into market (id, name, policy, currency, time_zone) values ('m', 'M', 'p', 'CNY', 'Asia/Shanghai')"""
    )
    name = "ev_" + "0" * 32
    await connection.execute(
        """insert into evidence (id, market, party, kind, bytes, sealed, copied, received_at)
           values ($1, 1, 'merchant', 'text', 3, sha256('abc'), sha256('abc'), '2026-01-02 03:04:05.678901+08')""",
        name,
    )
    await migrate(connection)
    log = await custody_of(connection, name)
    assert log.unbroken
    assert [(one.no, one.action, one.who) for one in log.entries] == [(1, "received", "merchant")]
    for change in (
        "update evidence set sealed = null, copied = null",
        "delete from evidence",
        "delete from case_event",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute(change)
    async with connection.transaction():
        await connection.execute("select set_config('evenhand.erasing', 'on', true)")
        with pytest.raises(asyncpg.RestrictViolationError):
            async with connection.transaction():
                await connection.execute("update evidence set party = 'buyer'")
    await connection.close()


async def test_what_came_before_arrivals_were_numbered_came_as_it_happened(empty_url: str) -> None:
    """Migration 19: orders, deliveries, reviews and rulings of before, in the order of their moments."""
    connection = await asyncpg.connect(empty_url)
    await migrate(connection, shipped()[:18])
    await connection.execute(
        """insert into market (id, name, policy, currency, time_zone) values ('m', 'M', 'p', 'CNY', 'Asia/Shanghai');
           insert into account (market, kind, id) values (1, 'buyer', 'b'), (1, 'merchant', 's');
           insert into orders (no, market, id, buyer, placed_at, promised_at, delivered_at) values
               (1, 1, 'late', 1, '2026-01-01T12:00+8', '2026-01-03T12:00+8', '2026-01-05T12:00+8'),
               (2, 1, 'open', 1, '2026-01-02T12:00+8', null, null);
           insert into order_line (no, market, order_id, id, order_no, position, buyer, merchant, category, amount, placed_at)
           select no, 1, id, '1', no, 0, 1, 2, 'toys', 500, placed_at from orders;
           insert into review (order_no, id, score, at) values (1, 'r', 2, '2026-01-07T12:00+8');
           insert into batch (engine, booked_at) values ('e', now()), ('e', now());
           insert into fact_names (names) values ('application.amount');
           insert into application (no, market, id, digest, line, buyer, merchant, remedy, stage, reason, asked, applied_at,
               batch, policy_version, outcome, payer, return_required, amount, rule, because_en, because_zh, fact_names,
               fact_values)
           values (1, 1, 'a', '', 1, 1, 2, 'refund_only', 'received', 'quality', 500, '2026-01-06T12:00+8', 1,
               1, 'decline', 'none', false, 0, '', '', '', 1, '[500]')"""
    )
    await migrate(connection)
    rows = await connection.fetch(Queries.load("history").events, 1)
    day = 20_454  # 1 January 2026
    assert [
        (row["kind"], row["day"] - day, row["buyer"], row["merchant"], row["amount"], row["late"]) for row in rows
    ] == [
        ("order", 0, 1, None, 500, None),
        ("order", 0, None, 2, 500, None),
        ("order", 1, 1, None, 500, None),
        ("order", 1, None, 2, 500, None),
        ("delivery", 4, None, 2, None, "true"),
        ("ruled", 5, 1, 2, 500, None),
        ("review", 6, None, 2, None, None),
    ]
    kept = await connection.fetchrow("select case_no, market, day, cause, asked, overturned from interception")
    assert tuple(kept or ()) == (1, 1, date(2026, 1, 6), None, 500, False)  # its cause is named by a server
    # what comes from now on comes after
    assert await connection.fetchval("select nextval('arrival') > max(arrived) from (select arrived from batch) as b")
    await connection.close()


async def test_answers_kept_before_do_not_hold_secrets_any_more(empty_url: str) -> None:
    """Migration 25: a mark says which secret it was; other answers stay as they are."""
    connection = await asyncpg.connect(empty_url)
    await migrate(connection, shipped()[:24])
    webhook = {"id": "erp", "url": "https://erp.example", "version": 0, "secret": "whsec_YWJj"}
    plain = {name: value for name, value in webhook.items() if name != "secret"}
    answers = {
        "made": [webhook, True], "known": [plain, False], "rotated": webhook, "published": [{"policy": "own"}, True],
        "budgets": [{"amount": 1}, {"amount": 2}], "moved": {"transfer": 1}, "label": 7, "nothing": None,
    }  # fmt: skip
    for key, answer in answers.items():
        await connection.execute("insert into idempotency_key values ($1, '', now(), $2)", key, json.dumps(answer))
    await migrate(connection)
    rows = await connection.fetch("select key, answer from idempotency_key")
    found = {row["key"]: json.loads(row["answer"]) for row in rows}
    mark = mark_of("whsec_YWJj")
    assert found == answers | {
        "made": {"webhook": plain, "is_new": True, "mark": mark},
        "known": {"webhook": plain, "is_new": False, "mark": None},
        "rotated": {"webhook": plain, "is_new": True, "mark": mark},
    }
    await connection.close()
