"""`Idempotency-Key` on what does something anew each time it is asked: under one key once, and the first answer again."""

import asyncio
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest

from evenhand.errors import StoreError
from evenhand.events import deliveries
from evenhand.events.addresses import ALLOW_VARIABLE
from evenhand.evidence import fresh
from evenhand.evidence.fresh import PhotoRequest
from evenhand.fund import by_hand
from evenhand.fund.by_hand import Moved
from evenhand.store import Database
from evenhand.web import fund, labels, links
from tests.integration.publishing.conftest import document
from tests.unit.evidence.pictures import noise, saved

from .conftest import NOW, SHOP, application

KEY = {"idempotency-key": "4b1ce9f2-0c5e-4f0e-a5ab-9a2a8f7d9e10"}
HOOK = {"url": "http://127.0.0.1:9/events", "note": "ERP"}
DEPOSIT = {"amount": 50_000, "note": "first", "by": "finance"}
LABEL = {
    "account": "buyer-1",
    "label": "malicious",
    "cause": "Bricks sent back.",
    "days": 30,
    "by": "Li",
    "cases": ["1"],
}
WHO = {"by": "Li", "why": "a court asks"}
PHOTO = {"asked_by": "Anna"}
POLICY = {"content": document("1").source.encode(), "headers": {"content-type": "text/markdown"}}
WEBHOOK, ROTATION = HOOK | {"id": "erp"}, {"overlap_hours": 1}
# In this order on one database: the address, what is sent, and the table that grows by one row, or what is looked at and stays.
ONCE: list[tuple[str, Any, str]] = [
    (f"{SHOP}/deposits", DEPOSIT, "transfer_note"),
    (f"{SHOP}/budgets", {"amount": 90_000, "by": "finance"}, "budget"),
    ("/v1/cases/1/recovery", {"note": "a lie", "by": "desk", "amount": 100}, "transfer_note"),
    ("/v1/webhooks", WEBHOOK, "webhook"),
    ("/v1/webhooks", HOOK, "webhook"),
    ("/v1/webhooks/erp/rotate", ROTATION, "select version, secret from webhook order by no"),
    ("/v1/webhooks/erp/resend-dead", None, "select count(*) from webhook_delivery"),
    (f"{SHOP}/labels", LABEL, "label"),
    ("/v1/labels/1/appeal", {"says": "I sent the goods."}, "label_appeal"),
    (
        "/v1/label-appeals/1/decide",
        {"verdict": "lifted", "by": "Wang", "note": "The carrier weighed it."},
        "select verdict from label_appeal",
    ),
    (f"{SHOP}/labels", LABEL | {"label": "watched"}, "label"),
    ("/v1/labels/2/end", WHO, "select ended_why from label order by no"),
    ("/v1/cases/1/legal-hold", WHO, "legal_hold"),
    ("/v1/cases/1/legal-hold/lift", WHO, "select lifted_by from legal_hold"),
    ("/v1/cases/1/photo-requests", PHOTO, "photo_request"),
    (f"{SHOP}/evidence?case=1", {"content": saved(noise(1))}, "evidence"),
    (f"{SHOP}/policies?effective=2026-05-01", POLICY, "publication"),
]


@pytest.fixture(autouse=True)
async def case(client: httpx.AsyncClient, orders: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 1, of buyer-1, which the fund pays."""
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    today = application(1, applied_at="2026-03-01T11:00:00+08:00")
    answer = await client.post(f"{SHOP}/applications", json=today)
    assert (answer.json()["case"], answer.json()["outcome"]) == ("1", "subsidise")


async def send(client: httpx.AsyncClient, path: str, body: Any, **headers: str) -> httpx.Response:
    if body is not None and "content" in body:
        return await client.post(path, content=body["content"], headers=body.get("headers", {}) | headers)
    return (
        await client.post(path, json=body, headers=headers)
        if body is not None
        else await client.post(path, headers=headers)
    )


async def rows(database: Database, table: str) -> int:
    return await database.pool.fetchval(f"select count(*) from {table}")


async def test_under_one_key_it_is_done_once_and_answered_alike(client: httpx.AsyncClient, database: Database) -> None:
    for number, (path, body, where) in enumerate(ONCE):
        grows = " " not in where
        count = await rows(database, where) if grows else 0
        key = {"idempotency-key": f"key-{number}"}
        together = await asyncio.gather(*(send(client, path, body, **key) for _ in range(3)))
        assert together[0].status_code < 300, together[0].text
        looked = [] if grows else await database.pool.fetch(where)
        later = await send(client, path, body, **key)
        answers = {(one.status_code, one.content, one.headers.get("etag")) for one in (*together, later)}
        assert len(answers) == 1, (path, answers)
        if grows:
            assert await rows(database, where) == count + 1, path
        else:
            assert await database.pool.fetch(where) == looked, path


async def test_so_is_what_takes_longer_to_come_about(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work itself is stood in for: what counts is how often it is asked for."""
    moved = [Moved(7, "repayment", 100, "CNY")]
    photo = PhotoRequest("1", "1", "ABC", "Anna", NOW, NOW, None)
    verdict = {"verdict": "confirmed", "by": "Li", "note": "seen"}
    seen = {"evidence": "ev_1", "shows_code": True, "checked_by": "Li"}
    for module, name, made, path, body in (
        (fund, "repaid", moved, "/v1/cases/1/repayment", {"note": "paid"}),
        (fund, "settle", moved, "/v1/fund/payouts/1/settlement", {"paid": 1, "note": "told"}),
        (fund, "retry", None, "/v1/fund/payouts/1/retry", None),
        (labels, "decide_proposal", 3, "/v1/label-proposals/1/decide", verdict),
        (links, "judge", None, "/v1/ring-findings/1/judge", verdict),
        (fresh, "check", photo, "/v1/photo-requests/1/check", seen),
        (deliveries, "resend", None, "/v1/webhooks/erp/deliveries/1/resend", None),
    ):
        work = AsyncMock(return_value=made)
        monkeypatch.setattr(module, name, work)
        key = {"idempotency-key": path}
        answers = await asyncio.gather(*(send(client, path, body, **key) for _ in range(2)))
        answers.append(await send(client, path, body, **key))
        assert answers[0].status_code < 300, answers[0].text
        assert len({(one.status_code, one.content) for one in answers}) == 1, path
        assert work.await_count == 1, path


async def test_without_a_key_it_is_done_each_time(client: httpx.AsyncClient, database: Database) -> None:
    for path, body, table in (
        (f"{SHOP}/deposits", DEPOSIT, "transfer_note"),
        ("/v1/webhooks", HOOK, "webhook"),
        ("/v1/cases/1/photo-requests", PHOTO, "photo_request"),
        (f"{SHOP}/evidence", {"content": b"a text"}, "evidence"),
    ):
        count = await rows(database, table)
        for _ in range(2):
            assert (await send(client, path, body)).status_code == 201
        assert await rows(database, table) == count + 2, table
    assert await rows(database, "idempotency_key") == 0


async def test_another_request_under_the_key_is_refused(client: httpx.AsyncClient) -> None:
    assert (await send(client, f"{SHOP}/deposits", DEPOSIT, **KEY)).status_code == 201
    for path, body in (
        (f"{SHOP}/deposits", DEPOSIT | {"amount": 1}),
        ("/v1/markets/bazaar/deposits", DEPOSIT),
        (f"{SHOP}/applications", application(2)),
    ):
        answer = await send(client, path, body, **KEY)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-key-reused")
    wrong = await send(client, f"{SHOP}/deposits", DEPOSIT, **{"idempotency-key": "x" * 300})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "Idempotency-Key")


async def test_a_refused_request_is_mended_and_sent_under_its_key(client: httpx.AsyncClient) -> None:
    for wrong in ({"amount": "much"}, {"amount": 0}, {"amount": -50_001}, {"note": ""}):
        assert (await send(client, f"{SHOP}/deposits", DEPOSIT | wrong, **KEY)).status_code == 400
    assert (await send(client, f"{SHOP}/deposits", DEPOSIT, **KEY)).status_code == 201


async def test_what_breaks_off_leaves_nothing_and_is_done_when_it_is_sent_again(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut_off(*args: Any, **named: Any) -> Any:
        await by_hand.deposit(*args, **named)
        raise StoreError("the connection broke")

    count = await rows(database, "transfer")
    with monkeypatch.context() as broken:
        broken.setattr(fund, "deposit", cut_off)
        assert (await send(client, f"{SHOP}/deposits", DEPOSIT, **KEY)).status_code == 503
    assert (await rows(database, "transfer"), await rows(database, "idempotency_key")) == (count, 0)
    assert (await send(client, f"{SHOP}/deposits", DEPOSIT, **KEY)).status_code == 201
    assert await rows(database, "transfer") == count + 1


async def test_a_repeat_is_given_a_secret_that_is_kept_with_its_webhook_only(
    client: httpx.AsyncClient, database: Database
) -> None:
    first, again = [await send(client, "/v1/webhooks", WEBHOOK, **KEY) for _ in range(2)]
    assert (again.status_code, again.json()) == (201, first.json())
    secret = first.json()["secret"]
    known = await send(client, "/v1/webhooks", WEBHOOK)
    assert (known.status_code, "secret" in known.json()) == (200, False)
    rotate, new = f"/v1/webhooks/{WEBHOOK['id']}/rotate", {"idempotency-key": "rotate"}
    rotated, repeated = [await send(client, rotate, {"overlap_hours": 24}, **new) for _ in range(2)]
    assert (repeated.status_code, repeated.json()) == (200, rotated.json())
    assert await rows(database, "webhook where secret <> old_secret") == 1
    kept = await database.pool.fetch("select answer::text from idempotency_key")
    assert (len(kept), any("whsec_" in row["answer"] for row in kept)) == (2, False)
    # as long as it signs, and no longer
    assert (await send(client, "/v1/webhooks", WEBHOOK, **KEY)).json()["secret"] == secret
    await send(client, rotate, {"overlap_hours": 0})
    for path, body, key in (("/v1/webhooks", WEBHOOK, KEY), (rotate, {"overlap_hours": 24}, new)):
        late = await send(client, path, body, **key)
        assert (late.json()["id"], "secret" in late.json()) == (WEBHOOK["id"], False)
    assert (await client.delete(f"/v1/webhooks/{WEBHOOK['id']}")).status_code == 204
    gone = await send(client, "/v1/webhooks", WEBHOOK, **KEY)
    assert (gone.status_code, "secret" in gone.json()) == (201, False)
    assert await rows(database, "webhook") == 0


async def test_a_publication_withdrawn_meanwhile_is_not_published_by_a_repeat(client: httpx.AsyncClient) -> None:
    path = f"{SHOP}/policies?effective=2026-05-01"
    first = await send(client, path, POLICY, **KEY)
    assert (await client.delete(f"{SHOP}/policies/own/1")).status_code == 200
    again = await send(client, path, POLICY, **KEY)
    assert (again.status_code, again.json()) == (201, first.json())
    listed = (await client.get(f"{SHOP}/policies")).json()
    assert [one["state"] for one in listed if one["policy"] == "own"] == ["withdrawn"]


async def test_a_key_is_forgotten_with_its_answer_after_a_week(client: httpx.AsyncClient, database: Database) -> None:
    first = await send(client, f"{SHOP}/deposits", DEPOSIT, **KEY)
    await database.pool.execute("update idempotency_key set used_at = now() - interval '8 days'")
    again = await send(client, f"{SHOP}/deposits", DEPOSIT, **KEY)
    assert again.json()["transfer"] > first.json()["transfer"]


async def test_erasing_a_person_forgets_the_answers_that_hold_the_name(
    client: httpx.AsyncClient, database: Database
) -> None:
    await send(client, "/v1/webhooks", HOOK | {"note": "of buyer-1"}, **KEY)
    await send(client, "/v1/cases/1/photo-requests", PHOTO, **{"idempotency-key": "of the case"})
    await send(client, f"{SHOP}/deposits", DEPOSIT, **{"idempotency-key": "of nobody"})
    erase = {"market": "shop", "by": "Li", "despite": "asked in writing"}
    answer = await client.post("/v1/accounts/buyer-1/erase", json=erase)
    assert (answer.status_code, answer.json()["erased"]["keys"]) == (200, 2), answer.text
    assert [row["key"] for row in await database.pool.fetch("select key from idempotency_key")] == ["of nobody"]


async def test_the_api_says_what_is_changed_from_the_version_it_was_read_at(client: httpx.AsyncClient) -> None:
    """And it is so: an ETag that is none is refused there."""
    paths = (await client.get("/openapi.json")).json()["paths"]
    taking = {
        (method, path)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if any(one["name"] == "If-Match" for one in operation.get("parameters", []))
    }
    await send(client, "/v1/webhooks", WEBHOOK)
    me, juror = {"by": {"role": "merchant", "id": "store-1"}}, {"juror": "buyer-2", "side": "buyer"}
    for method, path, body in (
        ("post", "/v1/cases/{case}/accept", me),
        ("post", "/v1/cases/{case}/votes", juror),
        ("put", "/v1/markets/{market}/case-settings", {}),
        ("put", "/v1/markets/{market}/payouts", {"gateway": None}),
        ("put", "/v1/markets/{market}/orders/{order}/payment", {"reference": "pi_1"}),
        ("patch", "/v1/webhooks/{webhook}", {"note": "x"}),
        ("delete", "/v1/webhooks/{webhook}", None),
        ("post", "/v1/webhooks/{webhook}/rotate", ROTATION),
    ):
        assert (method, path) in taking
        place = path.format(case=1, market="shop", order="order-1", webhook="erp")
        answer = await client.request(method, place, json=body, params={"by": "Li"}, headers={"if-match": "yesterday"})
        assert (answer.status_code, answer.json()["field"]) == (400, "If-Match"), path
    assert {path for _, path in taking if not path.startswith("/v1/cases/")} == {
        "/v1/markets/{market}/case-settings",
        "/v1/markets/{market}/payouts",
        "/v1/markets/{market}/orders/{order}/payment",
        "/v1/webhooks/{webhook}",
        "/v1/webhooks/{webhook}/rotate",
    }


async def test_the_api_says_which_requests_take_a_key(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    taking = {
        path
        for path, operations in paths.items()
        if any(one["name"] == "Idempotency-Key" for one in operations.get("post", {}).get("parameters", []))
    }
    assert {path for path, operations in paths.items() if "post" in operations} - taking == {
        "/v1/webhooks/{webhook}/test",
        "/v1/markets/{market}/ring-findings",
        "/v1/gateways/{gateway}/notices",
    }
