"""The ledger: one table of causes in code, database and document; rows that are never changed; sums of zero."""

import re
from pathlib import Path

import asyncpg
import pytest

from evenhand.fund.by_hand import deposit
from evenhand.fund.ledger import CAUSES, KINDS, Transfer, book, cause_word

from .conftest import MARKET, NOW, Shop

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "the-ledger.md"
TABLE = {(cause, debit, one.credit) for cause, one in CAUSES.items() for debit in one.debit}


async def test_code_and_database_hold_the_same_table_of_causes(shop: Shop) -> None:
    definition = await shop.database.pool.fetchval(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'transfer_cause_check'"
    )
    held = re.findall(r"cause = '(\w+)'::text\) AND \(debit = '(\w+)'::text\) AND \(credit = '(\w+)'", definition)
    assert set(held) == TABLE


def test_the_document_shows_the_same_table() -> None:
    rows = re.findall(r"^\| `(\w+)` +\| ([\w ]+?) +\| (\w+) +\|", PAGE.read_text(), re.MULTILINE)
    shown = {(cause, debit, credit) for cause, debits, credit in rows for debit in debits.split(" or ")}
    assert shown == TABLE


def test_every_account_a_cause_moves_between_is_explained() -> None:
    assert {kind for one in CAUSES.values() for kind in (*one.debit, one.credit)} == set(KINDS)
    assert cause_word("deposit", "zh") == "注入基金"
    assert cause_word("unheard_of", "en") == "unheard_of"


async def test_a_transfer_between_the_wrong_accounts_is_refused(shop: Shop) -> None:
    number = shop.desk.markets[MARKET.id].number
    wrong = Transfer(number, "CNY", "deposit", None, ("fund", None), ("external", None), 1, NOW)
    with pytest.raises(asyncpg.CheckViolationError):
        async with shop.database.pool.acquire() as connection, connection.transaction():
            await book(connection, [wrong], NOW)


@pytest.mark.parametrize("amount", [0, -1])
async def test_an_amount_is_more_than_zero(shop: Shop, amount: int) -> None:
    number = shop.desk.markets[MARKET.id].number
    wrong = Transfer(number, "CNY", "deposit", None, ("external", None), ("fund", None), amount, NOW)
    with pytest.raises(asyncpg.CheckViolationError):
        async with shop.database.pool.acquire() as connection, connection.transaction():
            await book(connection, [wrong], NOW)


async def test_a_foreign_currency_is_refused(shop: Shop) -> None:
    number = shop.desk.markets[MARKET.id].number
    wrong = Transfer(number, "USD", "deposit", None, ("external", None), ("fund", None), 5, NOW)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with shop.database.pool.acquire() as connection, connection.transaction():
            await book(connection, [wrong], NOW)


async def test_what_people_move_carries_who_and_why_and_is_never_changed(shop: Shop) -> None:
    async with shop.database.pool.acquire() as connection, connection.transaction():
        moved = await deposit(connection, MARKET.id, 100, by="finance", note="first", now=NOW)
    row = await shop.database.pool.fetchrow("select transfer, by, note from transfer_note")
    assert row is not None
    assert tuple(row) == (moved.transfer, "finance", "first")
    for table in ("transfer", "transfer_note", "budget", "payout_event"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await shop.database.pool.execute(f"delete from {table}")
    sums = await shop.database.pool.fetch("select currency, sum(amount) from posting group by currency")
    assert [tuple(row) for row in sums] == [("CNY", 0)]
