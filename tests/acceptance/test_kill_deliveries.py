"""`kill -9` of the server in the middle of deliveries: every ruling that was acknowledged is told, none is lost."""

import asyncio
import random
import signal
from pathlib import Path

import httpx

from evenhand.events.addresses import ALLOW_VARIABLE
from tests.acceptance.test_kill import application, order, server
from tests.integration.events.conftest import OK, Answer, Got, Receiver

ROUNDS = 3
RULINGS = 240
MARKET = "/v1/markets/1688"


async def test_nothing_is_lost_when_the_server_is_killed_while_it_delivers(tmp_path: Path) -> None:
    chance = random.Random(4)
    receiver = Receiver()
    acknowledged: set[str] = set()

    async def now_and_then(got: Got) -> Answer:
        await asyncio.sleep(chance.random() * 0.03)
        return OK if chance.random() < 0.9 else (503, {}, b"busy")

    receiver.answers = now_and_then
    await receiver.start()
    secret = ""
    numbers = iter(range(RULINGS))
    for number in range(ROUNDS):
        async with (
            server(tmp_path, **{ALLOW_VARIABLE: "1"}) as (process, base),
            httpx.AsyncClient(base_url=base, timeout=60) as client,
        ):
            if not secret:
                # of rulings only: accounts are labelled too, by and by
                wanted = {"url": receiver.url, "id": "main", "types": ["evenhand.ruling.issued"]}
                made = await client.post("/v1/webhooks", json=wanted)
                secret = made.json()["secret"]
                await client.post(f"{MARKET}/orders", json=[order(n) for n in range(RULINGS)])
            before = len(receiver.got)
            for _ in range(RULINGS // ROUNDS):
                ruled = await client.post(f"{MARKET}/applications", json=application(next(numbers)))
                acknowledged.add(ruled.json()["case"])
            while len(receiver.got) < before + 20 * (number + 1):
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            await process.wait()
    receiver.answers = receiver.thanks
    async with server(tmp_path, **{ALLOW_VARIABLE: "1"}) as (_, base), httpx.AsyncClient(base_url=base) as client:
        while True:
            shown = (await client.get("/v1/webhooks/main")).json()
            if not shown["waiting"] and not shown["behind"]:
                break
            await asyncio.sleep(0.2)
        assert shown["dead"] == 0
    await receiver.stop()
    events = receiver.verified(secret)
    assert {event["subject"] for event in events} == acknowledged
    assert len(events) == len(acknowledged) == RULINGS
    # what came twice came the same
    assert len({(one.id, one.body) for one in receiver.got}) == RULINGS
