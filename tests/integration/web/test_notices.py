"""What payment gateways tell: only signed, however often and in whichever order, and never believed without asking."""

import asyncio
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook as Verifier

from evenhand.events.signing import new_secret, signed_headers
from evenhand.fund.gateways.sandbox import Sandbox
from evenhand.fund.gateways.server import SandboxServer, sandbox
from evenhand.fund.payouts import Payer
from evenhand.store import Database
from tests.integration.web.conftest import NOW, SHOP, Visit, application

SECRET = new_secret()
STRIPE = "whsec_stripe"
HERE = "/v1/gateways/sandbox/notices"
Tell = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def tell(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> Tell:
    monkeypatch.setenv("EVENHAND_SANDBOX_WEBHOOK_SECRET", SECRET)

    async def tell(body: Any, secret: str = SECRET, at: datetime = NOW) -> httpx.Response:
        raw = json.dumps(body).encode()
        return await client.post(HERE, content=raw, headers=signed_headers([secret], "notice_1", at, raw))

    return tell


@pytest.fixture
async def key(client: httpx.AsyncClient, orders: list[dict[str, Any]], database: Database) -> str:
    """The key of a payout that is due."""
    await client.put(f"{SHOP}/payouts", json={"gateway": "sandbox"})
    assert (await client.post(f"{SHOP}/applications", json=application(1))).json()["outcome"] == "subsidise"
    return await database.pool.fetchval("select key from payout")


async def stands(database: Database) -> tuple[str, dict[str, int]]:
    rows = await database.pool.fetch("select account, sum(amount)::bigint as amount from posting group by account")
    balances = {row["account"]: row["amount"] for row in rows if row["amount"]}
    return await database.pool.fetchval("select state from payout"), balances


async def test_notices_come_twice_late_and_out_of_order(key: str, tell: Tell, database: Database) -> None:
    async with sandbox() as (url, server):
        payer = Payer(database.pool, {"sandbox": Sandbox(url)}, clock=lambda: NOW)
        server.fail("error_after")
        assert await payer.tick() == 1
        assert (await stands(database))[0] == "sending"
        assert await payer.tick() == 0, "it is asked about later"
        # one that is out of date says that it is still pending; twice
        for _ in range(2):
            assert (await tell({"key": key, "state": "pending"})).json() == {"asked": True}
        assert [await payer.tick(), await payer.tick()] == [1, 0]
        paid = ("paid", {"fund": -8_000, "external": 8_000})
        assert await stands(database) == paid
        for state in ("paid", "pending"):
            assert (await tell({"key": key, "state": state})).json() == {"asked": False}
        # one that says it is refused is not believed: the gateway is asked, and says otherwise
        assert (await tell({"key": key, "state": "refused"})).json() == {"asked": True}
        assert await payer.tick() == 1
        assert await stands(database) == paid
        assert await database.pool.fetchval("select count(*) from transfer where cause = 'payout_paid'") == 1
        # until it does not: the bank sent it back
        server.payments[key].state = "refused"
        for _ in range(3):
            await tell({"key": key, "state": "refused"})
        await payer.tick()
        assert await stands(database) == ("failed", {"fund": -8_000, "buyer": 8_000})
        assert (await tell({"key": key, "state": "paid"})).json() == {"asked": False}
        assert len(server.requests) == 1
        await payer.close()


async def test_only_what_is_signed_now_is_taken(key: str, tell: Tell, client: httpx.AsyncClient, visit: Visit) -> None:
    for wrong in (
        await tell({"key": key}, secret=new_secret()),
        await tell({"key": key}, at=NOW - timedelta(minutes=6)),
        await client.post(HERE, json={"key": key}),
        await client.post(
            HERE, json={"key": key}, headers={b"webhook-timestamp": b"9" * 9, b"webhook-signature": b"v1,\xe9"}
        ),
    ):
        assert (wrong.status_code, wrong.json()["field"]) == (400, "webhook-signature")
    assert (await tell([1])).status_code == 400
    assert (await tell({"key": 7})).json() == {"asked": False}
    assert (await tell({"key": "eh_of_another"})).json() == {"asked": False}
    assert (await client.post("/v1/gateways/paypal/notices", json={})).status_code == 404
    # the signature is the key
    async with visit(api_key="a-key") as locked:
        raw = json.dumps({"key": key}).encode()
        answer = await locked.post(HERE, content=raw, headers=signed_headers([SECRET], "n", NOW, raw))
        assert answer.status_code == 200
        assert (await locked.get("/v1/fund/payouts")).status_code == 401


async def test_without_a_secret_nothing_is_taken(client: httpx.AsyncClient) -> None:
    answer = await client.post(HERE, json={"key": "eh_1"})
    assert answer.status_code == 404
    assert "set EVENHAND_SANDBOX_WEBHOOK_SECRET" in answer.json()["detail"]


async def test_stripes_events_in_stripes_shape(
    client: httpx.AsyncClient, orders: list[dict[str, Any]], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENHAND_STRIPE_WEBHOOK_SECRET", STRIPE)
    await client.put(f"{SHOP}/payouts", json={"gateway": "stripe"})
    await client.post(f"{SHOP}/applications", json=application(1))
    key = await database.pool.fetchval("select key from payout")
    later = NOW + timedelta(hours=6)
    await database.pool.execute("update payout set state = 'pending', due_at = $1, attempts = 1", later)

    async def tell(kind: str, status: str, secret: str = STRIPE) -> httpx.Response:
        refund = {"id": "re_1", "object": "refund", "status": status, "metadata": {"evenhand_payout": key}}
        event = {"id": "evt_1", "object": "event", "type": kind, "data": {"object": refund}}
        raw, second = json.dumps(event).encode(), int(time.time())
        seal = hmac.digest(secret.encode(), b"%d." % second + raw, sha256).hex()
        headers = {"stripe-signature": f"t={second},v1={seal}"}
        return await client.post("/v1/gateways/stripe/notices", content=raw, headers=headers)

    forged = await tell("refund.updated", "succeeded", "whsec_other")
    assert (forged.status_code, forged.json()["field"]) == (400, "Stripe-Signature")
    assert await database.pool.fetchval("select due_at from payout") == later
    assert (await tell("refund.updated", "succeeded")).json() == {"asked": True}
    assert await database.pool.fetchval("select due_at from payout") == NOW
    await database.pool.execute("update payout set state = 'paid', due_at = null")
    assert (await tell("refund.updated", "succeeded")).json() == {"asked": False}
    assert (await tell("refund.failed", "failed")).json() == {"asked": True}
    other = {"id": "evt_2", "object": "event", "type": "customer.created", "data": {"object": {"object": "customer"}}}
    raw, second = json.dumps(other).encode(), int(time.time())
    seal = hmac.digest(STRIPE.encode(), b"%d." % second + raw, sha256).hex()
    answer = await client.post(
        "/v1/gateways/stripe/notices", content=raw, headers={"stripe-signature": f"t={second},v1={seal}"}
    )
    assert answer.json() == {"asked": False}


async def test_the_sandbox_tells_of_its_payments_twice() -> None:
    got: list[tuple[dict[str, str], bytes]] = []

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := (await reader.readuntil(b"\r\n\r\n")).decode():
            lines = head.split("\r\n")[1:]
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
            }
            got.append((headers, await reader.readexactly(int(headers["content-length"]))))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            if len(got) == 2:
                break
        writer.close()

    receiver = await asyncio.start_server(receive, "127.0.0.1", 0)
    there = f"http://127.0.0.1:{receiver.sockets[0].getsockname()[1]}/"
    async with receiver, sandbox(state=SandboxServer(notify=(there, SECRET))) as (url, _):
        async with httpx.AsyncClient() as client:
            body = {"amount": 100, "currency": "CNY"}
            await client.post(f"{url}/payments", json=body, headers={"idempotency-key": "eh_1"})
        while len(got) < 2:
            await asyncio.sleep(0.01)
    for headers, body in got:
        assert Verifier(SECRET).verify(body, headers) == {"type": "payment.changed", "key": "eh_1", "state": "paid"}
