"""`kill -9` of the server under load: what was acknowledged is there, once, and the ledger is true."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from evenhand.store import open_database

ROUNDS = 3
CLIENTS = 16


@asynccontextmanager
async def server(data: Path, **settings: str) -> AsyncGenerator[tuple[asyncio.subprocess.Process, str]]:
    """`evenhand serve` on a data directory; gives the process and its address."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EVENHAND_")} | settings
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "evenhand", "serve", "--port", "0", "--data", str(data)),
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        assert process.stderr is not None
        said = b""
        while not (found := re.search(rb"http://127\.0\.0\.1:\d+", said)):
            line = await asyncio.wait_for(process.stderr.readline(), 60)
            assert line, said.decode()
            said += line
        yield process, found[0].decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def order(number: int) -> dict[str, Any]:
    return {
        "id": f"o{number}",
        "buyer": f"b{number % 20}",
        "placed_at": "2026-01-05T10:00:00+08:00",
        "currency": "CNY",
        "delivered_at": "2026-01-08T10:00:00+08:00",
        "lines": [{"id": "1", "merchant": f"m{number % 5}", "amount": 1000}],
    }


def application(number: int) -> dict[str, Any]:
    return {
        "id": f"a{number}",
        "order": f"o{number}",
        "line": "1",
        "remedy": "refund_only",
        "stage": "received",
        "reason": "quality",
        "amount": 1000,
        "currency": "CNY",
        "applied_at": "2026-01-09T10:00:00+08:00",
    }


async def test_no_acknowledged_ruling_is_lost_and_none_is_made_twice(tmp_path: Path) -> None:
    acknowledged: dict[str, str] = {}
    total = 6000
    url = "/v1/markets/1688"
    async with server(tmp_path) as (_, base), httpx.AsyncClient(base_url=base, timeout=60) as client:
        for start in range(0, total, 1000):
            taken = await client.post(f"{url}/orders", json=[order(n) for n in range(start, start + 1000)])
            assert taken.status_code == 200
            assert all("status" not in answer for answer in taken.json())
    numbers = iter(range(total))
    for _ in range(ROUNDS):
        before = len(acknowledged)
        async with server(tmp_path) as (process, base), httpx.AsyncClient(base_url=base, timeout=60) as client:

            async def send(client: httpx.AsyncClient = client) -> None:
                for number in numbers:
                    try:
                        answer = await client.post(f"{url}/applications", json=application(number))
                    except httpx.TransportError:
                        return
                    assert answer.status_code == 201, answer.text
                    acknowledged[answer.json()["id"]] = answer.json()["case"]

            clients = [asyncio.create_task(send()) for _ in range(CLIENTS)]
            while len(acknowledged) < before + 300:
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            await process.wait()
            await asyncio.gather(*clients)
    assert len(acknowledged) >= ROUNDS * 300

    async with server(tmp_path) as (_, base), httpx.AsyncClient(base_url=base, timeout=60) as client:
        # every application again: what was acknowledged has the same case, nothing is ruled twice
        for start in range(0, total, 1000):
            answers = await client.post(
                f"{url}/applications", json=[application(n) for n in range(start, start + 1000)]
            )
            for answer in answers.json():
                if answer["id"] in acknowledged:
                    assert (answer["case"], answer["repeated"]) == (acknowledged[answer["id"]], True)
    async with open_database(data_dir=tmp_path) as database:
        assert await database.pool.fetchval("select count(*) from application") == total
        assert await database.pool.fetchval("select count(distinct id) from application") == total
        assert await database.pool.fetchval("select sum(amount) from posting") == 0
        # every money outcome has exactly its transfer, and no other has one
        assert (
            await database.pool.fetchval(
                """select count(*) from application a full join transfer t on t.case_no = a.no
               where (a.outcome in ('subsidise', 'refund_by_merchant')) <> (t.no is not null) or t.amount <> a.amount"""
            )
            == 0
        )
        # the history counts each application once: what the tiles say is what the rulings say
        counted = await database.pool.fetch(
            """select a.no, count(*) as filed from application p join account a on a.no = p.buyer group by a.no"""
        )
        assert sum(row["filed"] for row in counted) == total
