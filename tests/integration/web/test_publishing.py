"""Publishing and merchants' own rules over HTTP: each kind of bad input is a problem that names the field."""

from typing import Any

import httpx
import pytest

from tests.integration.publishing.conftest import document

from .conftest import SHOP, application, order

MARKDOWN = {"content-type": "text/markdown; charset=utf-8"}
RULES = f"{SHOP}/merchants/store-1/rules"
RULE = {"id": "cheap", "decision": "refund_without_return", "price_to": 2_000}


async def publish(client: httpx.AsyncClient, text: str, query: str = "", **headers: str) -> httpx.Response:
    return await client.post(f"{SHOP}/policies{query}", content=text.encode(), headers=MARKDOWN | headers)


async def test_a_version_is_published_listed_and_withdrawn(client: httpx.AsyncClient) -> None:
    done = await publish(client, document("1").source, "?effective=2026-05-01&by=Li+Wei")
    assert done.status_code == 201, done.text
    said = done.json()
    assert (said["policy"], said["version"], said["effective"], said["state"], said["published_by"]) == (
        "own",
        "1",
        "2026-05-01",
        "scheduled",
        "Li Wei",
    )
    again = await publish(client, document("1").source, "?effective=2026-05-01")
    assert (again.status_code, again.json()) == (200, said)
    listed = (await client.get(f"{SHOP}/policies")).json()
    assert [one for one in listed if one["role"] == "ruling"][-1] == said
    assert {one["role"] for one in listed if one["state"] == "in force"} == {
        "ruling", "integrity", "experience", "abuse", "labelling",
    }  # fmt: skip
    gone = await client.delete(f"{SHOP}/policies/own/1?by=Li+Wei")
    assert (gone.status_code, gone.json()["state"], gone.json()["withdrawn_by"]) == (200, "withdrawn", "Li Wei")
    assert (await client.delete(f"{SHOP}/policies/own/1")).status_code == 404


@pytest.mark.parametrize(
    ("change", "query", "status", "field", "says"),
    [
        (("", ""), "?effective=2026-03-01", 400, "effective", "has begun"),
        (("", ""), "?effective=yesterday", 400, "effective", "date"),
        (("", ""), "?by=%20", 400, "by", "say who it is"),
        (("| 1 | -  ", '| 1 | "refund_only"'), "", 400, "policy", "no row covers"),
        (("| none    | all.alike |", "| none    | all.alik |"), "", 400, "", "policy.md:12"),
        (("version: 1", "version: 1\x00"), "", 400, "", "NUL"),
    ],
)
async def test_what_cannot_be_published_is_told(
    client: httpx.AsyncClient, change: tuple[str, str], query: str, status: int, field: str, says: str
) -> None:
    before = (await client.get(f"{SHOP}/policies")).json()
    answer = await publish(client, document("1").source.replace(*change), query)
    problem = answer.json()
    assert (answer.status_code, problem.get("field", "")) == (status, field), answer.text
    assert says in problem["detail"]
    assert (await client.get(f"{SHOP}/policies")).json() == before


async def test_other_bodies_and_unknown_markets_are_refused(client: httpx.AsyncClient) -> None:
    source = document("1").source
    assert (await client.post(f"{SHOP}/policies", json={})).status_code == 415
    assert (await client.post(f"{SHOP}/policies", content=b"\xff", headers=MARKDOWN)).status_code == 400
    unknown = await client.post("/v1/markets/nowhere/policies", content=source.encode(), headers=MARKDOWN)
    assert unknown.status_code == 404
    assert (await client.get("/v1/markets/nowhere/policies")).status_code == 404
    assert (await publish(client, source)).status_code == 201
    taken = await publish(client, document("2").source)
    assert (taken.status_code, taken.json()["field"]) == (409, "effective")
    rules_now = await client.delete(f"{SHOP}/policies/1688/2025-03")
    assert rules_now.status_code == 409


async def test_an_idempotency_key_belongs_to_one_document(client: httpx.AsyncClient) -> None:
    key = {"idempotency-key": "k1"}
    first, again = [await publish(client, document("1").source, **key) for _ in range(2)]
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    other = await publish(client, document("2").source, **key)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


async def test_a_rule_is_set_listed_and_ended(client: httpx.AsyncClient) -> None:
    done = await client.post(RULES, json=RULE)
    assert done.status_code == 201, done.text
    assert done.json() | RULE == done.json()
    assert (done.json()["merchant"], done.json()["valid_from"]) == ("store-1", "2026-03-01T04:00:00Z")
    again = await client.post(RULES, json=RULE | {"merchant": "store-1"})
    assert (again.status_code, again.json()) == (200, done.json())
    assert (await client.get(RULES)).json() == [done.json()]
    ended = await client.delete(f"{RULES}/cheap")
    assert (ended.status_code, ended.json()["deleted_at"]) == (200, "2026-03-01T04:00:00Z")
    assert (await client.delete(f"{RULES}/cheap")).json() == ended.json()
    assert (await client.delete(f"{RULES}/none-such")).status_code == 404
    assert (await client.get(f"{SHOP}/merchants/nobody/rules")).json() == []


async def test_rules_of_a_merchant_whose_id_no_address_holds(client: httpx.AsyncClient) -> None:
    rules, asked = f"{SHOP}/merchants/-/rules", {"id": "store/1"}
    done = await client.post(rules, params=asked, json=RULE | {"id": "cheap/2026"})
    assert (done.status_code, done.json()["merchant"]) == (201, "store/1"), done.text
    assert (await client.get(rules, params=asked)).json() == [done.json()]
    assert (await client.get(rules)).json() == []
    ended = await client.delete(f"{rules}/-", params=asked | {"rule": "cheap/2026"})
    assert (ended.status_code, ended.json()["deleted_at"]) == (200, "2026-03-01T04:00:00Z"), ended.text
    both = await client.delete(f"{rules}/cheap", params=asked | {"rule": "cheap/2026"})
    assert (both.status_code, both.json()["field"]) == (400, "rule")
    wrong = await client.post(f"{SHOP}/merchants/store-1/rules", params=asked, json=RULE)
    assert (wrong.status_code, wrong.json()["field"]) == (400, "id")


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"decision": "gift"}, 400, "decision"),
        ({"price_to": 0}, 400, "price_to"),
        ({"price_to": 1.5}, 400, "price_to"),
        ({"price_from": 2_001}, 400, "price_to"),
        ({"price_to": 10**18}, 400, "price_to"),
        ({"reasons": ["bored"]}, 400, "reasons[0]"),
        ({"categories": ["a\0b"]}, 400, "categories[0]"),
        ({"within_days": -1}, 400, "within_days"),
        ({"valid_from": "2026-03-01T00:00:00"}, 400, "valid_from"),
        ({"valid_from": "0001-01-01T00:00:00+14:00"}, 400, "valid_from"),
        ({"deleted_at": "2025-01-01T00:00:00Z"}, 400, "deleted_at"),
        ({"merchant": "another"}, 400, "merchant"),
        ({"id": ""}, 400, "id"),
        ({"colour": "red"}, 400, "colour"),
    ],
)
async def test_a_wrong_rule_is_told_the_field_and_nothing_is_set(
    client: httpx.AsyncClient, changes: dict[str, Any], status: int, field: str
) -> None:
    answer = await client.post(RULES, json=RULE | changes)
    assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
    assert (await client.get(RULES)).json() == []


async def test_what_is_no_rule_at_all_is_refused(client: httpx.AsyncClient) -> None:
    json = {"content-type": "application/json"}
    for content in (b"", b"nonsense", b"[]", b"[" * 100_000):
        assert (await client.post(RULES, content=content, headers=json)).status_code == 400
    assert (await client.post(RULES, content=b"{}", headers=MARKDOWN)).status_code == 415
    assert (await client.post("/v1/markets/nowhere/merchants/s/rules", json=RULE)).status_code == 404
    assert (await client.get(f"{SHOP}/merchants/{'s' * 121}/rules")).status_code == 400
    assert (await client.get(f"{SHOP}/merchants/a%00b/rules")).status_code == 404
    conflict = await client.post(RULES, json=RULE)
    assert conflict.status_code == 201
    assert (await client.post(RULES, json=RULE | {"price_to": 9})).status_code == 409


async def test_a_rule_counts_for_the_very_next_application(client: httpx.AsyncClient) -> None:
    """Under 1688 in its August 2024 period, through the API alone."""
    sent = order(1, placed_at="2024-09-01T12:00:00+08:00", delivered_at="2024-09-03T12:00:00+08:00")
    sent["lines"] = [{"id": str(line), "merchant": "store-1", "amount": 2_000} for line in (1, 2)]
    assert (await client.post(f"{SHOP}/orders", json=sent)).status_code == 201
    filed = {"order": "order-1", "amount": 2_000, "applied_at": "2024-09-05T12:00:00+08:00"}
    before = await client.post(f"{SHOP}/applications", json=application(1, **filed, line="1"))
    rule = {"id": "swap", "decision": "exchange", "valid_from": "2024-08-01T00:00:00+08:00"}
    assert (await client.post(RULES, json=rule)).status_code == 201
    after = await client.post(f"{SHOP}/applications", json=application(2, **filed, line="2"))
    assert [one.json()["outcome"] for one in (before, after)] == ["refund_by_merchant", "merchant_decides"]
