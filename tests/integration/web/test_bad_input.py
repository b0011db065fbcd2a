"""Bad input over HTTP: a clear problem naming the field, nothing half-written, and the rest of the batch still ruled."""

import json
from typing import Any

import httpx
import pytest

from evenhand.evidence.content import LARGEST_FILE
from evenhand.store import Database
from evenhand.web.asgi import LARGEST_BODY

from .conftest import SHOP, application, ndjson, order

pytestmark = pytest.mark.usefixtures("orders")

DEEP: Any = json.loads("[" * 200 + "]" * 200)

# what is wrong: the application as sent, the status, the field that is named
WRONG_APPLICATIONS = {
    "unknown order": (application(2, order="nowhere"), 422, "order"),
    "unknown line": (application(2, line="9"), 422, "line"),
    "amount above the order": (application(2, amount=10_001), 400, "amount"),
    "amount zero": (application(2, amount=0), 400, "amount"),
    "amount negative": (application(2, amount=-5), 400, "amount"),
    "amount beyond all": (application(2, amount=10**30), 400, "amount"),
    "amount a fraction": (application(2, amount=80.5), 400, "amount"),
    "wrong currency": (application(2, currency="USD"), 400, "currency"),
    "no currency": (application(2, currency="yuan"), 400, "currency"),
    "time in the future": (application(2, applied_at="2026-03-02T12:00:00+08:00"), 400, "applied_at"),
    "time before the order": (application(2, applied_at="2026-02-01T12:00:00+08:00"), 400, "applied_at"),
    "time without a zone": (application(2, applied_at="2026-02-20T12:00:00"), 400, "applied_at"),
    "the first moment there is": (application(2, applied_at="0001-01-01T00:00:00+14:00"), 400, "applied_at"),
    "the last moment there is": (application(2, applied_at="9999-12-31T23:59:59-12:00"), 400, "applied_at"),
    "wrong remedy": (application(2, remedy="money"), 400, "remedy"),
    "wrong reason": (application(2, reason=""), 400, "reason"),
    "missing field": ({name: value for name, value in application(2).items() if name != "stage"}, 400, "stage"),
    "unknown field": (application(2, colour="red"), 400, "colour"),
    "wrong type": (application(2, id=5), 400, "id"),
    "null": (application(2, order=None), 400, "order"),
    "a megabyte": (application(2, comment="x" * 1_000_000), 400, "comment"),
    "a megabyte of id": (application(2, id="x" * 1_000_000), 400, "id"),
    "empty id": (application(2, id=""), 400, "id"),
    "NUL": (application(2, comment="a\0b"), 400, "comment"),
    "NUL within a list": (application(2, evidence=["good", "a\0b"]), 400, "evidence[1]"),
    "too much evidence": (application(2, evidence=["x"] * 21), 400, "evidence"),
    "deep nesting": (application(2, comment=DEEP), 400, "comment"),
    "no object": ("a text", 400, None),
}


async def test_a_wrong_application_is_told_so_and_leaves_nothing_behind(
    client: httpx.AsyncClient, database: Database
) -> None:
    before = await _everything(database)
    for name, (sent, status, field) in WRONG_APPLICATIONS.items():
        answer = await client.post(f"{SHOP}/applications", json=sent)
        problem = answer.json()
        assert (answer.status_code, problem["status"], problem.get("field")) == (status, status, field), name
        assert answer.headers["content-type"] == "application/problem+json", name
        assert problem["detail"], name
        assert problem["type"].startswith("/problems/"), name
    assert await _everything(database) == before


async def test_wrong_applications_spare_those_beside_them(client: httpx.AsyncClient, database: Database) -> None:
    wrong = list(WRONG_APPLICATIONS.values())
    answer = await client.post(
        f"{SHOP}/applications", **ndjson(application(1), *(sent for sent, _, _ in wrong), application(3))
    )
    first, *problems, last = (json.loads(line) for line in answer.text.splitlines())
    assert (first["outcome"], last["outcome"]) == ("subsidise", "subsidise")
    told = [(one["line"], one["status"], one.get("field")) for one in problems]
    assert told == [(line, status, field) for line, (_, status, field) in enumerate(wrong, start=2)]
    assert await database.pool.fetchval("select count(*) from application") == 2


WRONG_ORDERS = {
    "unknown field": (order(50, colour="red"), "colour"),
    "wrong currency": (order(50, currency="USD"), "currency"),
    "placed in the future": (order(50, placed_at="2026-03-02T12:00:00+08:00"), "placed_at"),
    "placed at the first moment there is": (order(50, placed_at="0001-01-01T00:00:00+14:00"), "placed_at"),
    "promised at the last moment there is": (order(50, promised_at="9999-12-31T23:59:59-12:00"), "promised_at"),
    "delivered before it was placed": (order(50, delivered_at="2026-01-01T12:00:00+08:00"), "delivered_at"),
    "a line twice": (order(50, lines=[{"id": "1", "merchant": "m", "amount": 1}] * 2), "lines[1].id"),
    "a line for nothing": (order(50, lines=[{"id": "1", "merchant": "m", "amount": 0}]), "lines[0].amount"),
    "NUL": (order(50, lines=[{"id": "1", "merchant": "m\0", "amount": 5}]), "lines[0].merchant"),
    "a review of six": (
        order(50, reviews=[{"id": "r", "score": 6, "at": "2026-02-20T12:00:00+08:00"}]),
        "reviews[0].score",
    ),
}


async def test_a_wrong_order_is_told_so_and_leaves_nothing_behind(
    client: httpx.AsyncClient, database: Database
) -> None:
    before = await _everything(database)
    for name, (sent, field) in WRONG_ORDERS.items():
        answer = await client.post(f"{SHOP}/orders", json=sent)
        assert (answer.status_code, answer.json()["field"]) == (400, field), name
    assert await _everything(database) == before
    good, *wrong = (
        await client.post(f"{SHOP}/orders", json=[order(51), *(sent for sent, _ in WRONG_ORDERS.values())])
    ).json()
    assert good["id"] == "order-51"
    assert [(one["status"], one["field"]) for one in wrong] == [(400, field) for _, field in WRONG_ORDERS.values()]


NOT_JSON = {
    "nothing": b"",
    "half an object": b'{"id": "a',
    "two objects": b"{}{}",
    "a lone surrogate": json.dumps(application(2)).replace("application-2", "\\ud800").encode(),
    "bytes that are no UTF-8": b'{"id": "\xff\xfe"}',
    "a raw NUL": b'{"id": "\x00"}',
    "brackets without end": b"[" * 1_000_000,
    "objects without end": b'{"id":' * 100_000,
    "an array that stops": b"[" + json.dumps(application(2)).encode() + b",",
}


async def test_what_is_not_json_is_told_so(client: httpx.AsyncClient, database: Database) -> None:
    before = await _everything(database)
    for name, body in NOT_JSON.items():
        answer = await client.post(f"{SHOP}/applications", content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-input"), name
        assert answer.json()["detail"], name
    assert await _everything(database) == before


async def test_what_is_wrong_with_json_is_said_so_that_it_can_be_found(client: httpx.AsyncClient) -> None:
    async def said(body: bytes) -> str:
        answer = await client.post(f"{SHOP}/applications", content=body, headers={"content-type": "application/json"})
        return answer.json()["detail"]

    assert await said(b" ") == "the body is empty"
    assert await said(NOT_JSON["bytes that are no UTF-8"]) == "this is not UTF-8: byte 0xff at position 8"
    assert "<= 9,000,000,000" in await said(json.dumps(application(2, amount=10**12)).encode())
    assert "refund_only, return_and_refund" in await said(json.dumps(application(2, remedy="money")).encode())
    market = await client.post("/v1/markets", content=b"", headers={"content-type": "application/json"})
    assert market.json()["detail"] == "the body is empty"


async def test_a_byte_order_mark_is_no_part_of_the_body(client: httpx.AsyncClient) -> None:
    mark = b"\xef\xbb\xbf"
    body = mark + json.dumps(application(1)).encode()
    for media in ("application/json", "application/x-ndjson"):
        answer = await client.post(f"{SHOP}/applications", content=body, headers={"content-type": media})
        assert answer.json()["outcome"] == "subsidise", media
    many = mark + json.dumps([application(1)]).encode()
    answer = await client.post(f"{SHOP}/applications", content=many, headers={"content-type": "application/json"})
    assert answer.json()[0]["outcome"] == "subsidise"


async def test_lone_surrogates_and_hostile_bytes_spare_the_lines_beside_them(client: httpx.AsyncClient) -> None:
    hostile = [body for name, body in NOT_JSON.items() if name != "nothing"]
    answer = await client.post(f"{SHOP}/applications", **ndjson(application(1), *hostile, application(3)))
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert [one.get("line") for one in told] == [None, *range(2, 2 + len(hostile)), None]
    assert {one["status"] for one in told[1:-1]} == {400}


async def test_requests_are_bounded(client: httpx.AsyncClient) -> None:
    large = await client.post(
        f"{SHOP}/orders", content=b" " * (16 * 2**20 + 1), headers={"content-type": "application/json"}
    )
    many = await client.post(f"{SHOP}/orders", content=b"[" + b"0," * 10_000 + b"0]", headers=large.request.headers)
    lines = await client.post(f"{SHOP}/orders", **ndjson(*["0"] * 10_001))
    assert [answer.status_code for answer in (large, many, lines)] == [413, 413, 413]
    assert {answer.json()["type"] for answer in (large, many, lines)} == {"/problems/too-large"}


@pytest.mark.parametrize("address", [f"{SHOP}/merchants/%ff/rules", f"{SHOP}/labels?account=%c3%28", "/cases?q=%ff"])
async def test_an_address_that_is_not_utf8_is_refused(client: httpx.AsyncClient, address: str) -> None:
    answer = await client.get(address)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-input")
    assert "not UTF-8: it holds byte 0x" in answer.json()["detail"]
    assert (await client.get(f"{SHOP}/labels?account=%ef%bf%bd")).status_code == 200


async def test_what_is_too_large_is_told_how_large_it_may_be(client: httpx.AsyncClient) -> None:
    for address, most in ((f"{SHOP}/evidence", LARGEST_FILE), (f"{SHOP}/labels", LARGEST_BODY)):
        answer = await client.post(address, content=b" " * (most + 1), headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
        assert f"{most:,} bytes" in answer.json()["detail"], address


async def test_every_error_of_the_protocol_is_a_problem_with_a_page(client: httpx.AsyncClient) -> None:
    answers = {
        "unknown market": await client.post("/v1/markets/nowhere/orders", json=order(1)),
        "unknown path": await client.get("/v1/nothing"),
        "unknown case": await client.get("/v1/cases/999999999999"),
        "a case that is no number": await client.get("/v1/cases/%00"),
        "unknown policy": await client.get("/v1/policies/nothing"),
        "wrong method": await client.delete("/v1/cases"),
        "wrong method on a hot address": await client.get(f"{SHOP}/orders"),
        "a form": await client.post(f"{SHOP}/orders", data={"id": "1"}),
        "no content type": await client.post(f"{SHOP}/orders", content=b"{}"),
        "compressed": await client.post(f"{SHOP}/orders", json={}, headers={"content-encoding": "gzip"}),
        "nothing asked": await client.get("/v1/accounts/buyer-0"),
        "not a day": await client.get("/v1/cases?from=yesterday"),
        "not a number": await client.get("/v1/cases?limit=many"),
        "unknown outcome": await client.get("/v1/cases?outcome=lottery"),
        "NUL in a filter": await client.get("/v1/cases?q=%00"),
        "NUL in a holder": await client.get("/v1/inbox?holder=%00"),
        "NUL in a name": await client.get("/v1/webhooks/%00"),
        "a labelling document that is none": await client.put(
            f"{SHOP}/labelling", json={"confirm": "watched", "by": "Li", "document": "abc"}
        ),
    }
    assert {name: answer.status_code for name, answer in answers.items()} == {
        "unknown market": 404,
        "unknown path": 404,
        "unknown case": 404,
        "a case that is no number": 404,
        "unknown policy": 404,
        "wrong method": 405,
        "wrong method on a hot address": 405,
        "a form": 415,
        "no content type": 415,
        "compressed": 415,
        "nothing asked": 400,
        "not a day": 400,
        "not a number": 400,
        "unknown outcome": 400,
        "NUL in a filter": 400,
        "NUL in a holder": 400,
        "NUL in a name": 400,
        "a labelling document that is none": 400,
    }
    for answer in answers.values():
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
        page = await client.get(answer.json()["type"], headers={"accept": "text/html"})
        assert page.status_code == 200
        assert "HTTP" in page.text
    assert {answers[name].headers["allow"] for name in answers if name.startswith("wrong method on")} == {"POST"}
    assert "GET" in answers["wrong method"].headers["allow"]
    said = {name: answer.json() for name, answer in answers.items()}
    assert (said["nothing asked"]["field"], said["nothing asked"]["detail"]) == ("market", "is required")
    assert said["unknown path"]["detail"] == "there is nothing at '/v1/nothing'; /docs lists every address of the API"
    assert said["wrong method"]["detail"] == "/v1/cases takes GET, not DELETE"


async def _everything(database: Database) -> list[int]:
    """How many rows each table holds."""
    tables = ("account", "orders", "order_line", "review", "application", "transfer", "batch")
    return [await database.pool.fetchval(f"select count(*) from {table}") for table in tables]
