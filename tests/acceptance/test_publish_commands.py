"""Publishing and merchants' rules from the command line: what is refused is told in one line each, and changes nothing."""

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from evenhand.desk import Desk
from evenhand.publishing import publications
from evenhand.records import Market
from evenhand.store import Database

DOCUMENT = """---
policy: own
version: 1
effective: 2099-01-01
---
# Everything is looked at

## Ruling
| F | application.remedy | → outcome | → payer | → because |
|---|--------------------|-----------|---------|-----------|
| 1 | -                  | review    | none    | all.alike |

## Reasons
| code      | en              | zh      |
|-----------|-----------------|---------|
| all.alike | A person looks. | 人工审核。 |
"""


@pytest.fixture
async def url(database: Database) -> str:
    """A database with one market."""
    desk = await Desk.open(database)
    await desk.add_market(Market("shop", "A synthetic shop", "1688", "CNY", "Asia/Shanghai"), synthetic=True)
    await desk.close()
    return database.url


async def evenhand(url: str, *arguments: object) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "evenhand", *map(str, arguments), "--database", url]
    environment = os.environ | {"COLUMNS": "200", "NO_COLOR": "1"}
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=False, env=environment, stdin=subprocess.DEVNULL
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


async def listed(url: str) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(url, server_settings={"timezone": "UTC"})
    found = await publications(connection, "shop", datetime.now(UTC))
    await connection.close()
    return msgspec.to_builtins(found)


async def test_a_document_goes_out_and_comes_back_by_its_file(url: str, tmp_path: Path) -> None:
    path = tmp_path / "own.md"
    path.write_text(DOCUMENT, encoding="utf-8")
    code, stdout, _ = await evenhand(url, "policy", "publish", path, "--market", "shop", "--by", "Li Wei", "--json")
    ruling = [one for one in await listed(url) if one["role"] == "ruling"]
    assert (code, json.loads(stdout)) == (0, ruling[-1])
    assert json.loads(stdout)["published_by"] == "Li Wei"
    code, stdout, _ = await evenhand(url, "policy", "withdraw", path, "--market", "shop", "--by", "Wang Fang", "--json")
    assert (code, json.loads(stdout)["state"]) == (0, "withdrawn")
    _, stdout, _ = await evenhand(url, "policy", "list", "--market", "shop", "--json")
    assert json.loads(stdout)["publications"] == await listed(url)
    ruling = [one for one in json.loads(stdout)["publications"] if one["role"] == "ruling"]
    assert ruling[-1]["withdrawn_by"] == "Wang Fang"


async def test_a_document_that_fails_its_check_is_not_published(url: str, tmp_path: Path) -> None:
    path = tmp_path / "gap.md"
    path.write_text(DOCUMENT.replace("| -                  |", '| "refund_only"      |'), encoding="utf-8")
    before = await listed(url)
    code, stdout, stderr = await evenhand(url, "policy", "publish", path, "--market", "shop")
    assert (code, stdout) == (1, "")
    assert "not published" in stderr
    assert "gap.md:9: Ruling: no row covers" in stderr
    assert await listed(url) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("policy", "publish", "nothing", "--market", "shop"), "there is no policy or file 'nothing'"),
        (("policy", "publish", "1688", "--market", "nowhere"), "there is no market 'nowhere'; there are shop"),
        (("policy", "publish", "1688", "--market", "shop", "--effective", "soon"), "--effective: 'soon' is not a date"),
        (("policy", "publish", "taobao", "--market", "shop"), "2024-08-09 has begun in market shop"),
        (("policy", "publish", "1688"), "--market"),
        (("policy", "withdraw", "1688", "--market", "shop"), "1688 rules market shop already"),
        (("policy", "list", "--market", "nowhere"), "there is no market 'nowhere'"),
        (("merchant", "rules", "set", "nofile", "--market", "shop"), "cannot read nofile"),
        (("merchant", "rules", "list", "store", "--market", "nowhere"), "there is no market 'nowhere'"),
        (("merchant", "rules", "end", "store", "x", "--market", "shop"), "has no rule 'x'"),
    ],
)
async def test_wrong_wishes_are_told_in_one_line(url: str, arguments: tuple[str, ...], says: str) -> None:
    before = await listed(url)
    code, stdout, stderr = await evenhand(url, *arguments)
    assert (code, stdout) == (2, "")
    assert says in stderr
    assert len(stderr.strip().splitlines()) == 1
    assert await listed(url) == before


async def test_lines_that_are_no_rules_are_told_by_number_and_the_others_are_set(url: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.ndjson"
    lines = [
        b'{"id": "a", "merchant": "s", "decision": "exchange"}',
        b"",
        b'{"id": "b", "decision": "exchange"}',
        b'{"id": "c", "merchant": "s", "decision": "gift"}',
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"id": "' + b"x" * 1_100_000 + b'"}',
        b'{"id": "d", "merchant": "s", "decision": "exchange", "price_to": 100}',
    ]
    path.write_bytes(b"\n".join(lines))
    code, stdout, stderr = await evenhand(url, "merchant", "rules", "set", path, "--market", "shop", "--json")
    assert (code, json.loads(stdout)) == (2, {"set": 2, "known": 0, "refused": 5})
    told = stderr.strip().splitlines()
    assert [line.split(":")[1].strip() for line in told] == ["line 3", "line 4", "line 5", "line 6", "line 7"]
    code, stdout, _ = await evenhand(url, "merchant", "rules", "list", "s", "--market", "shop", "--json")
    assert [rule["id"] for rule in json.loads(stdout)["rules"]] == ["a", "d"]
