"""`evenhand demo`, from outside: what it says is what is in the database, it is the same each time, and it harms nothing real."""

import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec

from evenhand.desk import Desk
from evenhand.records import Market, Order, OrderLine
from evenhand.store import Database
from evenhand.vocabulary import OUTCOMES

LIMIT_SECONDS = 120
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("EVENHAND_")}


def demo(*options: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "evenhand", "demo", "--no-serve", *options],
        env=ENVIRONMENT | {"COLUMNS": "120"},
        capture_output=True,
        check=False,
        text=True,
        timeout=LIMIT_SECONDS,
    )


def summary(*options: str | Path) -> dict[str, Any]:
    done = demo("--json", *options)
    assert (done.returncode, done.stderr) == (0, "")
    return msgspec.json.decode(done.stdout.splitlines()[-1])


def started(*options: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "evenhand", "demo", *options],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def rulings(url: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        """select a.no, m.id, a.id, b.id, s.id, a.asked, a.applied_at, a.outcome, a.payer, a.amount, a.rule, a.because_zh, a.facts
           from application a join market m on m.no = a.market
           join account b on b.no = a.buyer join account s on s.no = a.merchant order by a.no"""
    )
    await connection.close()
    return [tuple(row) for row in rows]


async def test_what_it_reports_is_what_is_in_the_database(database: Database) -> None:
    said = summary("--orders", "1500", "--database", database.url)
    pool = database.pool
    assert said["synthetic"] is True
    assert said["orders"] == await pool.fetchval("select count(*) from orders") == 1500
    assert said["applications"] == await pool.fetchval("select count(*) from application") == 300
    assert said["claimed"] == await pool.fetchval("select sum(asked) from application")
    counted = await pool.fetch("select outcome, count(*) as n from application group by outcome")
    assert set(said["outcomes"]) == set(OUTCOMES)
    assert {outcome: n for outcome, n in said["outcomes"].items() if n} == {row["outcome"]: row["n"] for row in counted}
    assert said["fund"] == {"CNY": await pool.fetchval("select -sum(amount) from posting where account = 'fund'")}
    assert said["fund"]["CNY"] > 0
    assert await pool.fetchval("select sum(amount) from posting") == 0
    assert await pool.fetchval("select bool_and(synthetic) from market")
    for total in ("applications", "claimed"):
        assert sum(regime[total] for regime in said["by_policy"]) == said[total]
    paid = await pool.fetchval("select sum(amount) from transfer where debit = 'merchant'")
    assert sum(regime["paid_by_merchants"] for regime in said["by_policy"]) == paid


async def test_the_regimes_tell_their_story(fresh_url: str) -> None:
    """Before the changes merchants pay; after them the platform does, the parties negotiate, or abuse is intercepted."""
    said = summary("--orders", "8000", "--database", fresh_url)
    assert all(said["outcomes"].values()), said["outcomes"]
    regimes = {(regime["market"], regime["version"]): regime for regime in said["by_policy"]}
    newest = {regime["market"]: regime for regime in said["by_policy"]}
    oldest = {regime["market"]: regime for regime in reversed(said["by_policy"])}
    assert len(regimes) >= 6
    for market in ("1688", "taobao", "pinduoduo"):
        assert oldest[market]["outcomes"]["refund_by_merchant"] > 0.2 * oldest[market]["applications"]
        assert oldest[market]["paid_by_platform"] == 0
        assert oldest[market]["outcomes"]["decline"] == 0
    assert newest["1688"]["outcomes"]["subsidise"]
    assert newest["1688"]["paid_by_platform"]
    assert newest["1688"]["paid_by_merchants"] == 0
    for outcome in ("negotiate", "decline", "review", "refund_by_merchant"):
        assert newest["taobao"]["outcomes"][outcome], outcome
    assert newest["pinduoduo"]["outcomes"]["decline"]


async def test_the_same_seed_is_the_same_to_the_last_case(fresh_url: str, tmp_path: Path) -> None:
    first = summary("--orders", "1500", "--seed", "7", "--database", fresh_url)
    made = await rulings(fresh_url)
    # another seed in between gives way again
    other = summary("--orders", "1500", "--seed", "8", "--database", fresh_url)
    assert (other["orders"], other["applications"]) == (first["orders"], first["applications"])
    assert other["claimed"] != first["claimed"]
    again = summary("--orders", "1500", "--seed", "7", "--database", fresh_url)
    assert again | {"seconds": 0} == first | {"seconds": 0}
    assert await rulings(fresh_url) == made


async def test_a_second_run_finds_what_the_first_one_made(database: Database) -> None:
    first = summary("--orders", "400", "--database", database.url)
    bookings = await database.pool.fetchval("select count(*) from batch")
    second = summary("--orders", "400", "--database", database.url)
    assert second | {"seconds": 0} == first | {"found": True, "seconds": 0}
    assert await database.pool.fetchval("select count(*) from batch") == bookings


async def test_the_summary_names_regimes_and_money(fresh_url: str) -> None:
    done = demo("--orders", "1500", "--database", fresh_url)
    assert (done.returncode, done.stderr) == (0, "")
    for words in (
        "synthetic",
        "1688",
        "Taobao",
        "Pinduoduo",
        "Mar 2025",
        "Aug 2024",
        "Jan 2025",
        "The fund paid",
        "CNY",
    ):
        assert words in done.stdout
    assert "evenhand serve" in done.stdout


async def test_a_real_marketplace_is_never_touched(database: Database) -> None:
    desk = await Desk.open(database)
    await desk.add_market(Market("shop", "Shop", "1688", "CNY", "Asia/Shanghai"))
    moment = datetime(2025, 5, 1, tzinfo=UTC)
    await desk.take_orders([("shop", Order("o1", "b1", moment, "CNY", [OrderLine("1", "s1", 1000)]))])
    await desk.close()
    done = demo("--orders", "400", "--json", "--database", database.url)
    assert done.returncode == 2
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert "real" in line
    assert "--data" in line
    assert await database.pool.fetchval("select count(*) from orders") == 1
    assert await database.pool.fetchval("select count(*) from market") == 1


async def test_interrupted_half_way_it_stops_cleanly_and_begins_anew(database: Database) -> None:
    process = started("--orders", "60000", "--no-serve", "--database", database.url)
    deadline = time.monotonic() + LIMIT_SECONDS
    while not await database.pool.fetchval("select exists (select from application)"):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 130
    assert out == ""
    [line] = err.splitlines()
    assert "begins anew" in line
    assert await database.pool.fetchval("select finished_at is null from demo")
    again = summary("--orders", "400", "--database", database.url)
    assert (again["found"], again["orders"]) == (False, 400)


def test_it_serves_the_console_until_interrupted_and_leaves_nothing_running(tmp_path: Path) -> None:
    process = started("--orders", "400", "--port", "0", "--data", tmp_path)
    assert process.stderr
    said = ""
    while not (found := re.search(r"http://127\.0\.0\.1:\d+", said)):
        line = process.stderr.readline()
        assert line, said
        said += line
    assert (tmp_path / "postgres" / "postmaster.pid").exists()
    page = httpx.get(found[0], follow_redirects=True)
    assert page.status_code == 200
    assert "synthetic" in page.text
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode in (0, 130)
    assert "Traceback" not in out + err
    assert not (tmp_path / "postgres" / "postmaster.pid").exists()
