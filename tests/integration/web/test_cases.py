"""The life of a case over HTTP: actions, their refusals, statements of reasons, the inbox."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.integration.web.conftest import application, order

BUYER = {"role": "buyer", "id": "buyer-1"}
MERCHANT = {"role": "merchant", "id": "store-1"}
ANNA = {"role": "adjudicator", "id": "Anna"}
Act = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def case(client: httpx.AsyncClient) -> str:
    """A case in which buyer and store talk first."""
    await client.post("/v1/markets/bazaar/orders", json=order(1))
    ruled = (await client.post("/v1/markets/bazaar/applications", json=application(1))).json()
    assert ruled["outcome"] == "negotiate"
    return ruled["case"]


@pytest.fixture
def act(client: httpx.AsyncClient, case: str) -> Act:
    async def act(
        action: str, by: dict[str, str], *, headers: dict[str, str] | None = None, **fields: Any
    ) -> httpx.Response:
        return await client.post(f"/v1/cases/{case}/{action}", json={"by": by, **fields}, headers=headers or {})

    return act


async def test_a_case_from_offer_to_payment(client: httpx.AsyncClient, case: str, act: Act) -> None:
    offered = await act("offers", MERCHANT, kind="partial_refund", amount=3_000, currency="CNY", note="Would that do?")
    assert offered.status_code == 200, offered.text
    assert offered.headers["etag"] == '"1"'
    shown = (await client.get(f"/v1/cases/{case}")).json()
    assert (shown["state"], shown["turn"], shown["offers"][0]["amount"]) == ("negotiating", "buyer", 3_000)
    assert shown["on_silence"] == "escalate"
    accepted = (await act("accept", BUYER, offer=1)).json()
    assert (accepted["state"], [one["action"] for one in accepted["events"]]) == ("closed", ["accept", "pay", "close"])
    shown = (await client.get(f"/v1/cases/{case}")).json()
    assert [(one["account"], one["amount"]) for one in shown["postings"]] == [("merchant", -3_000), ("buyer", 3_000)]
    timeline = (await client.get(f"/v1/cases/{case}/timeline", params={"limit": 2})).json()
    assert [one["action"] for one in timeline["events"]] == ["offer", "accept"]
    rest = (await client.get(timeline["next"])).json()
    assert [one["action"] for one in rest["events"]] == ["pay", "close"]
    assert rest["next"] is None


async def test_an_etag_that_is_not_the_latest_is_refused(client: httpx.AsyncClient, case: str, act: Act) -> None:
    tag = (await client.get(f"/v1/cases/{case}")).headers["etag"]
    assert (await act("messages", MERCHANT, text="One", headers={"if-match": tag})).status_code == 200
    late = await act("withdraw", BUYER, headers={"if-match": tag})
    assert (late.status_code, late.json()["type"]) == (412, "/problems/out-of-date")
    odd = await act("withdraw", BUYER, headers={"if-match": "abc"})
    assert (odd.status_code, odd.json()["field"]) == (400, "If-Match")


async def test_an_idempotency_key_makes_an_action_one(act: Act) -> None:
    headers = {"idempotency-key": "once"}
    first = await act("messages", MERCHANT, text="Hello", headers=headers)
    again = await act("messages", MERCHANT, text="Hello", headers=headers)
    assert (first.json()["repeated"], again.json()["repeated"]) == (False, True)
    assert again.json()["version"] == 1
    other = await act("messages", MERCHANT, text="Goodbye", headers=headers)
    assert other.json()["type"] == "/problems/idempotency-key-reused"


@pytest.mark.parametrize(
    ("action", "by", "fields", "status", "field"),
    [
        ("accept", {"role": "merchant", "id": "store-2"}, {}, 403, "by.id"),
        ("claim", BUYER, {}, 403, "by.role"),
        ("messages", {"role": "platform", "id": " "}, {"text": "Hello"}, 400, "by.id"),
        ("messages", MERCHANT, {"text": " \t"}, 400, "text"),
        ("evidence", BUYER, {"evidence": []}, 400, "evidence"),
        ("evidence", BUYER, {"evidence": [" "]}, 400, "evidence[0]"),
        ("decline", MERCHANT, {"why": " "}, 400, "why"),
        ("offers", MERCHANT, {"kind": "partial_refund", "amount": 10_001}, 400, "amount"),
        ("offers", MERCHANT, {"kind": "partial_refund", "amount": -5}, 400, "amount"),
        ("offers", MERCHANT, {"kind": "partial_refund", "amount": 5, "currency": "USD"}, 400, "currency"),
        ("offers", MERCHANT, {"kind": "bribe", "amount": 5}, 400, "kind"),
        ("accept", BUYER, {"offer": 7}, 400, "offer"),
        ("messages", BUYER, {"text": "a\0b"}, 400, "text"),
        ("messages", BUYER, {"text": "x" * 4001}, 400, "text"),
        ("messages", {"role": "juror", "id": "x"}, {"text": "hi"}, 400, "by.role"),
        ("messages", BUYER, {"text": "hi", "colour": "red"}, 400, "colour"),
        ("rule", ANNA, {"outcome": "decline", "grounds": []}, 409, "action"),
        ("escalate", BUYER, {}, 409, "action"),
    ],
)
async def test_bad_input_is_told_by_field(
    client: httpx.AsyncClient,
    case: str,
    act: Act,
    action: str,
    by: dict[str, str],
    fields: dict[str, Any],
    status: int,
    field: str,
) -> None:
    answer = await act(action, by, **fields)
    assert (answer.status_code, answer.json().get("field")) == (status, field), answer.text
    assert (await client.get(f"/v1/cases/{case}")).json()["version"] == 0


async def test_what_is_not_there_is_a_404(client: httpx.AsyncClient) -> None:
    for address in ("/v1/cases/999/timeline", "/v1/cases/999/statement?party=buyer", "/v1/cases/x/timeline"):
        assert (await client.get(address)).status_code == 404


async def test_a_statement_of_reasons_says_what_law_asks(client: httpx.AsyncClient, case: str) -> None:
    address = f"/v1/cases/{case}/statement"
    english = (await client.get(address, params={"party": "buyer"})).json()
    assert (english["outcome"], english["source"], english["decided_automatically"]) == ("negotiate", "policy", True)
    assert english["clause"]["policy"] == "taobao"
    assert english["clause"]["table"]
    assert english["clause"]["row"] >= 1
    facts = {one["name"]: one["value"] for one in english["facts"]}
    assert facts["application.remedy"] == "refund only"
    assert "appeal" in english["redress"]["how"]
    assert "person" in english["redress"]["person"]
    chinese = await client.get(address, params={"party": "merchant", "lang": "zh", "format": "text"})
    assert chinese.headers["content-type"].startswith("text/plain")
    for heading in ("决定", "理由", "所依据的事实", "所依据的条款", "自动化手段的使用", "如不同意本决定"):
        assert f"\n{heading}\n" in chinese.text
    # what was told stays word for word
    assert (await client.get(address, params={"party": "buyer"})).json() == english


async def test_a_persons_ruling_is_told_with_its_grounds(client: httpx.AsyncClient, case: str, act: Act) -> None:
    await act("decline", MERCHANT, why="It left here in order.")
    await act("escalate", BUYER, why="It did not arrive in order.")
    inbox = (await client.get("/v1/inbox")).json()
    assert [one["case"] for one in inbox["cases"]] == [case]
    await act("claim", ANNA)
    assert (await client.get("/v1/inbox", params={"holder": "Anna"})).json()["held"] == 1
    ruled = await act(
        "rule", ANNA, outcome="refund_by_merchant", amount=5_000, grounds=["goods.defective"], note="As pictured."
    )
    assert ruled.json()["state"] == "closed", ruled.text
    told = (await client.get(f"/v1/cases/{case}/statement", params={"party": "merchant", "lang": "en"})).json()
    assert (told["outcome"], told["amount"], told["source"], told["note"]) == (
        "refund_by_merchant",
        5_000,
        "person",
        "As pictured.",
    )
    assert told["because"] == ["The evidence shows that the goods are defective."]
    assert told["decided_automatically"] is False
    assert told["redress"]["until"] == "2026-09-01T04:00:00Z"
    first = (await client.get(f"/v1/cases/{case}/statement", params={"party": "merchant", "decision": 0})).json()
    assert first["outcome"] == "negotiate"


async def test_a_market_sets_how_it_handles_cases(client: httpx.AsyncClient) -> None:
    address = "/v1/markets/bazaar/case-settings"
    assert (await client.get(address)).json()["settings"]["retention_share"] == 55
    wrong = await client.put(address, params={"by": "ops"}, json={"panel": {"jurors": 17, "majority": 8}})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "panel.majority")
    closes = {"calendar": {"opens": "09:00:00", "closes": "08:00:00"}}
    assert (await client.put(address, params={"by": "ops"}, json=closes)).json()["field"] == "calendar.closes"
    done = await client.put(address, params={"by": "ops"}, json={"retention_share": 40, "out_of_court": ["Ombudsman"]})
    assert done.json()["set_by"] == "ops", done.text
    assert (await client.get(address)).json()["settings"]["retention_share"] == 40
    assert done.headers["etag"] == '"1"'
    late = await client.put(address, params={"by": "ops"}, json={}, headers={"if-match": '"0"'})
    assert (late.status_code, late.json()["type"]) == (412, "/problems/out-of-date")
    tag = (await client.get(address)).headers["etag"]
    assert (await client.put(address, params={"by": "ops"}, json={}, headers={"if-match": tag})).status_code == 200


async def test_every_action_is_described(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    for action in ("offers", "accept", "messages", "evidence", "escalate", "withdraw", "rule", "appeal"):
        operation = document["paths"][f"/v1/cases/{{case}}/{action}"]["post"]
        name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert "by" in document["components"]["schemas"][name]["properties"]
