"""Statements that add up, in every format, read by the programs they are for; and every difference from a gateway named."""

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.core import data, realization

from evenhand.errors import BadInput, UnknownThing
from evenhand.fund.by_hand import deposit, recover
from evenhand.fund.export import as_beancount, as_csv
from evenhand.fund.gateways.sandbox import Sandbox
from evenhand.fund.gateways.server import sandbox
from evenhand.fund.payouts import Payer, payouts, retry, start
from evenhand.fund.reconcile import Ours, Reported, compare, read_report, reconcile
from evenhand.fund.statement import by_day, statements

from .conftest import MARKET, NOW, Shop


@pytest.fixture
async def eventful(shop: Shop) -> Shop:
    """A deposit, subsidies of three days, a recovery."""
    async with shop.database.pool.acquire() as connection, connection.transaction():
        await deposit(connection, MARKET.id, 100_000, by="finance", note="first budget", now=NOW.replace(day=1))
    await shop.ask(8_000, applied_at=NOW.replace(day=2))
    await shop.ask(700, applied_at=NOW.replace(day=2))
    case = int((await shop.ask(60, applied_at=NOW.replace(day=3))).case)
    await shop.ask(5, applied_at=datetime(2026, 3, 4, 15, 59, tzinfo=UTC))
    async with shop.database.pool.acquire() as connection, connection.transaction():
        await recover(connection, case, by="fraud desk", note="proven", now=NOW.replace(day=5))
    return shop


async def test_opening_movements_and_closing(eventful: Shop) -> None:
    async with eventful.database.pool.acquire() as connection:
        (whole,) = await statements(connection)
        (part,) = await statements(connection, since=date(2026, 3, 3), until=date(2026, 3, 4))
    assert {move.cause: (move.transfers, move.amount) for move in whole.movements} == {
        "deposit": (1, 100_000),
        "subsidy": (4, -8_765),
        "recovery": (1, 60),
    }
    assert whole.closing == 91_295
    assert (part.opening, [move.amount for move in part.movements], part.closing) == (91_300, [-65], 91_235)


async def test_csv_is_read_back(eventful: Shop) -> None:
    async with eventful.database.pool.acquire() as connection:
        found = await statements(connection, since=date(2026, 3, 1), until=date(2026, 3, 31))
    rows = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert [(row["line"], row["transfers"], row["amount"]) for row in rows] == [
        ("opening", "", "0.00"),
        ("deposit", "1", "1000.00"),
        ("recovery", "1", "0.60"),
        ("subsidy", "4", "-87.65"),
        ("closing", "", "912.95"),
    ]


@pytest.mark.parametrize("since", [None, date(2026, 3, 3)])
async def test_beancount_reads_it_and_its_balance_holds(eventful: Shop, since: date | None) -> None:
    until = date(2026, 3, 31)
    async with eventful.database.pool.acquire() as connection:
        found = await statements(connection, since=since, until=until)
        text = as_beancount(found, await by_day(connection, since=since, until=until))
    entries, errors, options = loader.load_string(text)
    assert errors == []
    assert options["operating_currency"] == ["CNY"]
    assert any(isinstance(entry, data.Balance) for entry in entries)
    fund = realization.get(realization.realize(entries), "Assets:Fund:Shop")
    assert fund is not None
    assert fund.balance.get_currency_units("CNY").number == Decimal("912.95")


async def test_a_statement_whose_closing_is_wrong_would_be_noticed(eventful: Shop) -> None:
    async with eventful.database.pool.acquire() as connection:
        text = as_beancount(await statements(connection), await by_day(connection))
    _, errors, _ = loader.load_string(text.replace("912.95 ~", "912.96 ~"))
    assert len(errors) == 1


async def test_every_markets_books_have_names_of_their_own(shop: Shop) -> None:
    from evenhand.records import Market

    for name in ("a_b", "a-b", "店铺", "1688", 'quo"te'):
        await shop.desk.add_market(Market(name, name, "1688", "CNY", "Asia/Shanghai"), synthetic=True)
    async with shop.database.pool.acquire() as connection:
        found = await statements(connection)
        text = as_beancount(found, await by_day(connection))
    entries, errors, _ = loader.load_string(text)
    assert errors == []
    assert len({entry.account for entry in entries if isinstance(entry, data.Open)}) == len(found) == 6


def ours(no: int, state: str = "paid", amount: int = 8_000, currency: str = "CNY") -> Ours:
    return Ours(no, str(no), f"k{no}", amount, currency, state)


def theirs(no: int, status: Any = "paid", amount: int = 8_000, currency: str = "CNY", line: int = 2) -> Reported:
    return Reported(f"k{no}", amount, currency, status, line)


@pytest.mark.parametrize(
    ("here", "there", "kinds"),
    [
        ([ours(1)], [theirs(1)], []),
        ([ours(1)], [], ["missing there"]),
        ([ours(1, "pending")], [], ["missing there"]),
        ([ours(1, "failed"), ours(2, "sending"), ours(3, "due")], [], []),
        ([], [theirs(1)], ["missing here"]),
        ([ours(1)], [theirs(1, amount=7_999)], ["amount differs"]),
        ([ours(1)], [theirs(1, currency="USD")], ["currency differs"]),
        ([ours(1)], [theirs(1, "refused")], ["status differs"]),
        ([ours(1, "failed")], [theirs(1)], ["status differs"]),
        ([ours(1, "due")], [theirs(1)], ["status differs"]),
        ([ours(1, "sending")], [theirs(1)], ["status differs"]),
        ([ours(1, "failed")], [theirs(1, "refused")], []),
        ([ours(1)], [theirs(1), theirs(1, line=3)], ["paid twice"]),
        ([ours(1, "failed")], [theirs(1, "refused"), theirs(1, "refused", line=3)], ["duplicate"]),
        ([ours(1)], [theirs(1, "pending", 5)], ["amount differs", "status differs"]),
    ],
)
def test_every_difference_has_a_name(here: list[Ours], there: list[Reported], kinds: list[str]) -> None:
    assert [one.kind for one in compare(here, there)] == kinds


async def test_the_sandboxs_report_agrees_until_somebody_tampers_with_it(shop: Shop, tmp_path: Path) -> None:
    report = tmp_path / "report.csv"
    async with sandbox() as (url, server):
        async with shop.database.pool.acquire() as connection, connection.transaction():
            await start(connection, MARKET.id, "sandbox", since=None, by="finance", now=NOW)
        payer = Payer(shop.database.pool, {"sandbox": Sandbox(url)}, clock=shop.clock)
        await shop.ask_all([8_000, 700, 60])
        server.fail("refuse")
        await payer.tick()
        async with shop.database.pool.acquire() as connection, connection.transaction():
            (failed,) = await payouts(connection, state="failed")
            await retry(connection, failed.no, NOW)
        while await payer.tick():
            pass
        await payer.close()
        text = server.report()
    report.write_text(text)
    async with shop.database.pool.acquire() as connection:
        assert await reconcile(connection, read_report(report), "sandbox") == (3, [])
        # the payment refused at first is said to have been paid after all
        report.write_text(text.replace(",refused", ",paid"))
        _, found = await reconcile(connection, read_report(report), "sandbox")
        assert [one.kind for one in found] == ["paid twice"]
        report.write_text(text + "stranger,pay_9,1.00,CNY,paid\n")
        _, found = await reconcile(connection, read_report(report), "sandbox")
        assert [(one.kind, one.there, one.line) for one in found] == [("missing here", "1.00 CNY, paid", 6)]
        with pytest.raises(UnknownThing):
            await reconcile(connection, [], "paypal")


def test_a_report_as_ndjson(tmp_path: Path) -> None:
    report = tmp_path / "report.ndjson"
    lines = [
        {"key": "k1", "amount": 8_000, "currency": "CNY", "status": "paid"},
        {"metadata[evenhand_payout]": "k2", "amount": "12.50", "currency": "usd", "state": "succeeded", "more": 1},
    ]
    report.write_text("\n".join(json.dumps(line) for line in lines) + "\n\n")
    assert read_report(report) == [theirs(1, line=1), Reported("k2", 1_250, "USD", "paid", 2)]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("r.csv", "", "line 1: the report has no column key"),
        ("r.csv", "key,amount,currency\nk,1.00,CNY\n", "has no column status"),
        ("r.csv", "key,amount,currency,status\nk,1.00,CNY\n", "line 2: has 3 columns where the header has 4"),
        ("r.csv", "key,amount,currency,status\nk,1.005,CNY,paid\n", "line 2: amount: '1.005' has more decimals"),
        ("r.csv", "key,amount,currency,status\nk,-1.00,CNY,paid\n", "line 2: amount: is a decimal"),
        ("r.csv", "key,amount,currency,status\nk,1e3,CNY,paid\n", "line 2: amount: '1e3' is not an amount"),
        ("r.csv", "key,amount,currency,status\nk,1.00,Yuan,paid\n", "line 2: currency: is an ISO 4217 code"),
        ("r.csv", "key,amount,currency,status\nk,1.00,CNY,maybe\n", "line 2: status: 'maybe' is none of"),
        ("r.csv", "key,amount,currency,status\n,1.00,CNY,paid\n", "line 2: key: is 1 to 300"),
        ("r.ndjson", '{"key": "k"}\n[1]\n', "line 1: currency"),
        ("r.ndjson", "{\n", "line 1: this is not a JSON object"),
        (
            "r.ndjson",
            '{"key": "k", "amount": 1.5, "currency": "CNY", "status": "paid"}',
            "line 1: amount: is a decimal in quotes",
        ),
        ("missing.csv", None, "cannot be read: No such file"),
    ],
)
def test_a_bad_report_names_the_place(tmp_path: Path, name: str, text: str | None, said: str) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadInput) as refused:
        read_report(path)
    assert said in str(refused.value)
    assert name in str(refused.value)
