"""`evenhand import olist` with files, policies and markets that do not do: one line that says where, and nothing written."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from evenhand.policy import Policy
from tests.unit.importers.olist_files import item, order, review, write

ROWS = {
    "orders": [
        order(n, bought="2018-03-01 10:00:00", delivered="2018-03-09 10:00:00", due="2018-03-12 00:00:00")
        for n in (1, 2)
    ],
    "order_items": [item(1), item(2)],
    "order_reviews": [review(1, 1, "2018-03-11 10:00:00", "Veio com defeito")],
}


async def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evenhand", "import", "olist", *map(str, arguments)]
    return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=120, check=False)


async def written(url: str) -> tuple[int, int]:
    """Markets and orders in the database."""
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow("select (select count(*) from market), (select count(*) from orders)")
        assert row is not None
        return row[0], row[1]
    finally:
        await connection.close()


def assert_refused(done: subprocess.CompletedProcess[str], *says: str) -> None:
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert all(part in done.stderr for part in says), done.stderr


async def test_a_small_folder_is_imported_and_told(tmp_path: Path, fresh_url: str) -> None:
    done = await run(write(tmp_path, ROWS), "--database", fresh_url)
    assert done.returncode == 0, done.stderr
    assert (
        "2 orders of Olist in market olist; 1 refund application about 108.67 BRL, ruled by 1688 2025-03."
        in done.stdout
    )
    assert "The fund paid 108.67 BRL." in done.stdout


async def test_a_broken_row_at_the_end_of_the_last_file_leaves_nothing_behind(tmp_path: Path, fresh_url: str) -> None:
    rows = ROWS | {"order_reviews": [*ROWS["order_reviews"], review(2, 9, "2018-03-11 10:00:00")]}
    done = await run(write(tmp_path, rows), "--database", fresh_url)
    assert_refused(done, "order_reviews.csv, line 3: review_score: '9'")
    assert await written(fresh_url) == (0, 0)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--policy", "1866"), "1866"),
        (("--policy", "1688@1999"), "1999"),
        (("--market", "My Market"), "--market"),
    ],
)
async def test_options_that_do_not_do(tmp_path: Path, fresh_url: str, options: tuple[str, ...], says: str) -> None:
    assert_refused(await run(write(tmp_path, ROWS), "--database", fresh_url, *options), says)
    assert await written(fresh_url) == (0, 0)


async def test_a_folder_that_is_not_there(tmp_path: Path, fresh_url: str) -> None:
    assert_refused(await run(tmp_path / "nowhere", "--database", fresh_url), "DIR", "nowhere")


async def test_a_market_keeps_the_policy_it_pinned(tmp_path: Path, fresh_url: str) -> None:
    directory = write(tmp_path, ROWS)
    assert (await run(directory, "--database", fresh_url)).returncode == 0
    done = await run(directory, "--database", fresh_url, "--policy", "taobao")
    assert_refused(done, "'olist'", "1688 2025-03", "--market")
    assert await written(fresh_url) == (1, 2)


async def test_a_policy_of_ones_own_is_pinned_and_its_text_stays(tmp_path: Path, fresh_url: str) -> None:
    directory = write(tmp_path, ROWS)
    document = tmp_path / "own.md"
    shipped = Policy.load("1688@2025-03").source
    own = shipped.replace("policy: 1688", "policy: own", 1)
    assert own != shipped
    document.write_text(own, encoding="utf-8")
    done = await run(directory, "--database", fresh_url, "--policy", document, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["policy"], summary["version"], summary["outcomes"]["subsidise"]) == ("own", "2025-03", 1)

    document.write_text(f"{own}\nOne more remark.\n", encoding="utf-8")
    changed = await run(directory, "--database", fresh_url, "--policy", document)
    assert_refused(changed, "--policy", "own 2025-03", "another text")


async def test_a_document_cannot_take_the_place_of_a_shipped_version(tmp_path: Path, fresh_url: str) -> None:
    document = tmp_path / "pretender.md"
    document.write_text(f"{Policy.load('1688@2025-03').source}\nOne more remark.\n", encoding="utf-8")
    done = await run(write(tmp_path, ROWS), "--database", fresh_url, "--policy", document)
    assert_refused(done, "--policy", "1688 2025-03", "another text")
    assert await written(fresh_url) == (0, 0)


async def test_an_order_that_is_known_with_other_values_is_named(tmp_path: Path, fresh_url: str) -> None:
    directory = write(tmp_path, ROWS)
    assert (await run(directory, "--database", fresh_url)).returncode == 0
    write(tmp_path, ROWS | {"order_items": [item(1), item(2, price="1.00")]})
    assert_refused(await run(directory, "--database", fresh_url), "order order2", "lines", "another value")
