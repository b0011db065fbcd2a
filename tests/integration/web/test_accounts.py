"""Accounts, labels and interceptions over HTTP."""

import re
from html import unescape
from typing import Any

import httpx
import pytest

from evenhand.interceptions import name_causes
from evenhand.store import Database

from .conftest import SHOP, Visit, application, order

pytestmark = pytest.mark.usefixtures("orders")


async def rule(client: httpx.AsyncClient, number: int, **changes: Any) -> dict[str, Any]:
    answer = await client.post(f"{SHOP}/applications", json=application(number, **changes))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_buyer_is_explained_fact_by_fact_and_point_by_point(client: httpx.AsyncClient) -> None:
    await rule(client, 0)
    answer = await client.get("/v1/accounts/buyer-0", params={"market": "shop"})
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    facts = {one["name"]: one for one in shown["facts"]}
    assert facts["history.buyer_orders_90d"]["value"] == 4
    assert facts["history.buyer_refund_only_rate_90d"]["value"] == 0.25
    assert facts["history.buyer_orders_90d"]["label"] == {
        "en": "orders placed by the buyer in 90 days",
        "zh": "90天内买家下单数",
    }
    integrity = shown["scores"][0]
    assert integrity["name"] == "buyer.integrity_score"
    # 650 at the start; a refund-only share of 2/14 costs nothing yet; less of it would be worth points
    assert integrity["value"] == 650
    assert sum(part["points"] for part in integrity["parts"]) == 650
    share = next(part for part in integrity["parts"] if part["input"] == "refund_only_share")
    assert {"condition": "< 0.02", "points": 110} in share["better"]
    assert integrity["follows"]["buyer.integrity"] == "good"


async def test_a_store_is_told_what_would_raise_its_score(client: httpx.AsyncClient) -> None:
    shown = (await client.get("/v1/accounts/store-1", params={"market": "shop", "kind": "merchant"})).json()
    score = shown["scores"][0]
    raised = {one["fact"]: one for one in score["raised_by"]}
    assert raised["history.merchant_reviews_365d"]["score"] > score["value"]
    formulas = {one["name"]: one for one in score["formulas"]}
    assert formulas.keys() >= {"quality_score", "logistics_score", "disputes_score"}
    # with the figures and with what is lent
    assert formulas["dispute_share"]["said"]["en"] == (
        "min(1, (refund applications against the store in 365 days (0) + 2) / (orders of the store in 365 days (10) + 50))"
    )
    assert "365天内店铺订单数（10）" in formulas["dispute_share"]["said"]["zh"]
    assert raised["history.merchant_reviews_365d"]["how"]["en"] == "each of the new ones with 5 points"
    assert not score["less_is_better"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/accounts/nobody?market=shop", 404),
        ("/v1/accounts/buyer-0?market=nowhere", 404),
        ("/v1/accounts/buyer-0", 400),
        ("/v1/accounts/buyer-0?market=shop&kind=judge", 400),
        ("/v1/accounts/a%00b?market=shop", 404),
        ("/v1/interceptions?market=nowhere", 400),
        ("/v1/interceptions?from=yesterday", 400),
    ],
)
async def test_a_wrong_question_is_a_problem(client: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_label_is_set_listed_contested_and_lifted(client: httpx.AsyncClient) -> None:
    case = (await rule(client, 0))["case"]
    new = {
        "account": "buyer-0",
        "label": "malicious",
        "cause": "Bricks sent back.",
        "days": 30,
        "by": "Li",
        "cases": [case],
    }
    answer = await client.post(f"{SHOP}/labels", json=new)
    assert answer.status_code == 201, answer.text
    number = answer.json()["label"]
    again = await client.post(f"{SHOP}/labels", json=new)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/conflict")
    assert f"label {number} says the same of this account until 2026-" in again.json()["detail"]
    (listed,) = (await client.get(f"{SHOP}/labels", params={"active": True})).json()["labels"]
    assert (listed["label"], listed["cases"], listed["no"]) == ("malicious", [case], number)
    filed = await client.post(f"/v1/labels/{number}/appeal", json={"says": "I sent the goods."})
    assert filed.status_code == 201, filed.text
    decision = {"verdict": "lifted", "by": "Wang", "note": "The carrier weighed it."}
    address = f"/v1/label-appeals/{filed.json()['appeal']}/decide"
    assert (await client.post(address, json=decision | {"by": "Li"})).status_code == 409
    for nobody in ("Li\u200b", " "):
        refused = await client.post(address, json=decision | {"by": nobody})
        assert (refused.status_code, refused.json()["field"]) == (400, "by")
    assert (await client.post(address, json=decision)).status_code == 204
    assert (await client.get(f"{SHOP}/labels", params={"active": True})).json()["labels"] == []
    assert (await client.post("/v1/labels/999/end", json={"by": "Li", "why": "x"})).status_code == 404


async def test_whoever_sets_a_label_sees_what_the_person_is_told(client: httpx.AsyncClient) -> None:
    case = (await rule(client, 0))["case"]
    new = {"account": "buyer-0", "label": "malicious", "cause": "Bricks.", "days": 30, "by": "Li", "cases": [case]}
    set_ = (await client.post(f"{SHOP}/labels", json=new)).json()
    assert "Under the rules in force (1688 2025-03) this label changes nothing" in set_["reason"]["en"]
    assert "不影响您的申请处理" in set_["reason"]["zh"]
    store = new | {"account": "store-1", "kind": "merchant"}
    assert "No rule reads it" in (await client.post(f"{SHOP}/labels", json=store)).json()["reason"]["en"]


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "2026-02-28T00:00:00Z", "2027-04-01T00:00:00Z"]
)
async def test_a_label_starts_now_or_within_a_year(client: httpx.AsyncClient, moment: str) -> None:
    case = (await rule(client, 0))["case"]
    new = {"account": "buyer-0", "label": "watched", "cause": "Bricks.", "days": 30, "by": "Li", "cases": [case]}
    answer = await client.post(f"{SHOP}/labels", json=new | {"starts_at": moment})
    assert (answer.status_code, answer.json()["field"]) == (400, "starts_at")


async def test_a_label_that_begins_later_is_not_in_effect_yet(client: httpx.AsyncClient) -> None:
    case = (await rule(client, 0))["case"]
    new = {"account": "buyer-0", "label": "watched", "cause": "Bricks.", "days": 30, "by": "Li", "cases": [case]}
    later = new | {"starts_at": "2026-06-01T00:00:00Z"}
    assert (await client.post(f"{SHOP}/labels", json=later)).status_code == 201
    assert (await client.get(f"{SHOP}/labels", params={"active": True})).json()["labels"] == []
    assert len((await client.get(f"{SHOP}/labels")).json()["labels"]) == 1
    page = (await client.get("/accounts/buyer/buyer-0?market=shop")).text
    assert "not in effect yet" in page


async def test_a_label_without_cases_of_the_account_is_refused(client: httpx.AsyncClient) -> None:
    case = (await rule(client, 0))["case"]
    new = {"account": "buyer-1", "label": "watched", "cause": "I say so.", "days": 30, "by": "store-1", "cases": []}
    none = await client.post(f"{SHOP}/labels", json=new)
    assert (none.status_code, none.json()["field"]) == (400, "cases")
    others = await client.post(f"{SHOP}/labels", json=new | {"cases": [case]})
    assert (others.status_code, others.json()["field"]) == (400, "cases")


async def test_nothing_of_accounts_is_told_without_the_key(visit: Visit) -> None:
    """A merchant who probes for a buyer's label is told nothing, and cannot tell who has one."""
    async with visit(api_key="secret-key-of-the-marketplace") as client:
        for path in ("/v1/accounts/buyer-0?market=shop", "/v1/accounts/nobody?market=shop", f"{SHOP}/labels"):
            answer = await client.get(path)
            assert answer.status_code == 401
            assert "buyer" not in answer.text


async def test_interceptions_are_counted_by_day_market_and_cause(client: httpx.AsyncClient, database: Database) -> None:
    bazaar = "/v1/markets/bazaar"
    orders = [order(number, buyer="busy") for number in range(10)]
    assert (await client.post(f"{bazaar}/orders", json=orders)).status_code == 200
    for number in range(8):
        sent = application(number, amount=10, reason="quality")
        assert (await client.post(f"{bazaar}/applications", json=sent)).status_code == 201
    found = (await client.get("/v1/interceptions")).json()
    assert found == [
        {
            "market": "bazaar",
            "day": "2026-02-20",
            "cause": "frequent_refund_only",
            "applications": 3,
            "asked": 30,
            "currency": "CNY",
            "overturned": 0,
        }
    ]
    assert (await client.get("/v1/interceptions", params={"to": "2026-02-19"})).json() == []
    assert (await client.get("/v1/interceptions", params={"market": "shop"})).json() == []


async def test_an_erased_person_is_gone_and_the_ledger_and_rulings_are_as_they_were(
    client: httpx.AsyncClient, database: Database
) -> None:
    ruled = await rule(client, 0, comment="It broke. Call me on 13800138000.")
    before = await database.pool.fetch("select * from posting order by transfer, amount")
    path, body = "/v1/accounts/buyer-0/erase", {"market": "shop", "by": "Li"}
    done = (await client.post(path, json=body)).json()
    name = done["pseudonym"]
    assert done["repeated"] is False
    assert done["erased"]["comments"] == 1
    assert all(kept["ground"]["en"] and kept["ground"]["zh"] for kept in done["kept"])
    assert (await client.post(path, json=body)).json()["repeated"] is True
    assert (await client.post("/v1/accounts/nobody/erase", json=body)).status_code == 404
    assert (await client.post(path, json=body | {"market": "mars"})).status_code == 404
    assert (await client.post(path, json={"market": "shop"})).json()["field"] == "by"
    assert (await client.get("/v1/accounts/buyer-0", params={"market": "shop"})).status_code == 404
    shown = (await client.get(f"/v1/accounts/{name}", params={"market": "shop"})).json()
    assert {one["value"] for one in shown["facts"]} <= {0, None}
    assert await database.pool.fetch("select * from posting order by transfer, amount") == before
    again = (await client.get(f"/v1/cases/{ruled['case']}")).json()
    assert again["ruling"]["because"] == ruled["because"]
    assert again["application"]["comment"] == ""
    assert again["application"]["buyer"] == name
    # outside of an erasure nothing of an application changes, and within one only its comment
    for change in ("extra = null", "amount = 1", "outcome = 'decline'"):
        with pytest.raises(Exception, match="never changed"):
            await database.pool.execute(f"update application set {change}")
        async with database.pool.acquire() as connection, connection.transaction():
            await connection.execute("select set_config('evenhand.erasing', 'on', true)")
            if change != "extra = null":
                with pytest.raises(Exception, match="never changed"):
                    async with connection.transaction():
                        await connection.execute(f"update application set {change}, extra = null")


async def test_the_console_shows_an_account_in_both_languages(client: httpx.AsyncClient) -> None:
    case = (await rule(client, 0))["case"]
    page = await client.get(f"/cases/{case}")
    assert "/accounts/buyer/buyer-0?market=shop" in page.text
    for kind, account, said in (
        ("buyer", "buyer-0", "days the buyer is known"),
        ("merchant", "store-1", "orders of the store"),
    ):
        shown = await client.get(f"/accounts/{kind}/{account}", params={"market": "shop", "lang": "en"})
        assert shown.status_code == 200, shown.text
        assert said in shown.text
    chinese = await client.get("/accounts/buyer/buyer-0", params={"market": "shop", "lang": "zh"})
    assert "买家账号时长" in chinese.text
    assert "可改善为" in chinese.text
    assert (await client.get("/accounts/buyer/nobody?market=shop", headers={"accept": "text/html"})).status_code == 404
    assert (await client.get("/accounts/buyer/buyer-0", headers={"accept": "text/html"})).status_code == 404


async def test_page_metrics_cases_and_api_agree_on_causes(client: httpx.AsyncClient, database: Database) -> None:
    bazaar = "/v1/markets/bazaar"
    await client.post(f"{bazaar}/orders", json=[order(number, buyer="busy") for number in range(10)])
    for number in range(8):
        today = {"amount": 10, "reason": "counterfeit", "applied_at": "2026-03-01T10:00:00+08:00"}
        await client.post(f"{bazaar}/applications", json=application(number, **today))
    told = await database.pool.fetch("select rule, count(*) from application where outcome = 'decline' group by 1")
    by_row = {"Ruling/2": "frequent_refund_only", "Ruling/4": "frequent_counterfeit_claims"}
    counts = {by_row[row["rule"]]: row["count"] for row in told}
    assert counts.keys() == set(by_row.values())  # both signs stand in the end, and each was told of one
    found = (await client.get("/v1/interceptions")).json()
    assert {one["cause"]: one["applications"] for one in found} == counts
    assert {one["day"] for one in found} == {"2026-03-01"}
    metrics = (await client.get("/metrics")).text
    for rule, cause in by_row.items():
        labels = f'market="bazaar",policy="taobao",rule="{rule}"'
        assert f"evenhand_interceptions_total{{{labels}}} {counts[cause]}.0" in metrics
        assert f'evenhand_interceptions_today{{cause="{cause}",market="bazaar"}} {counts[cause]}.0' in metrics
        cases = (await client.get("/v1/cases", params={"cause": cause})).json()["cases"]
        assert [one["rule"] for one in cases] == [rule] * counts[cause]
    for lang, name in (("en", "unusually frequent refund-only"), ("zh", "异常高频仅退款")):
        page = (await client.get("/", params={"lang": lang})).text
        assert name in page
        assert "cause=frequent_refund_only" in page
        assert name in (await client.get("/cases", params={"lang": lang, "cause": "frequent_refund_only"})).text


async def test_interceptions_from_before_causes_were_kept_are_named(
    client: httpx.AsyncClient, database: Database
) -> None:
    bazaar = "/v1/markets/bazaar"
    await client.post(f"{bazaar}/orders", json=[order(number, buyer="busy") for number in range(10)])
    for number in range(8):
        await client.post(f"{bazaar}/applications", json=application(number, amount=10))
    before = (await client.get("/v1/interceptions")).json()
    await database.pool.execute("update interception set cause = null")
    assert {one["cause"] for one in (await client.get("/v1/interceptions")).json()} == {"other"}
    assert await name_causes(database.pool) == 3
    assert await name_causes(database.pool) == 0
    assert (await client.get("/v1/interceptions")).json() == before
    # one whose policy cannot be read any more holds up no other
    await database.pool.execute("update interception set cause = null")
    async with database.pool.acquire() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(
            "update policy_version set source = 'gone' from (select policy_version as no from application "
            "where outcome = 'decline' order by application.no desc limit 1) a where policy_version.no = a.no"
        )
    assert await name_causes(database.pool) == 3
    assert await name_causes(database.pool) == 0
    assert {one["cause"] for one in (await client.get("/v1/interceptions")).json()} == {"other"}


@pytest.mark.parametrize("buyer", ["a/b", "..", ".", "-", "a%2Fb"])
async def test_an_id_that_no_address_can_hold_comes_in_the_query(client: httpx.AsyncClient, buyer: str) -> None:
    assert (await client.post(f"{SHOP}/orders", json=order(20, buyer=buyer))).status_code == 201
    case = (await client.post(f"{SHOP}/applications", json=application(20))).json()["case"]
    asked = {"market": "shop", "id": buyer}
    shown = await client.get("/v1/accounts/-", params=asked)
    assert (shown.status_code, shown.json()["id"]) == (200, buyer)
    assert (await client.get("/v1/accounts/x", params=asked)).json()["field"] == "id"
    assert (await client.get("/v1/accounts/-/links", params=asked)).json()["account"] == buyer
    for address, ids in (
        ("-/links/-", asked | {"other_id": "buyer-0"}),
        ("buyer-0/links/-", {"market": "shop", "other_id": buyer}),
    ):
        both = await client.get(f"/v1/accounts/{address}", params=ids)
        assert both.status_code == 200, both.text
    linked = re.search(r'href="(/accounts/buyer/[^"]+)"', (await client.get(f"/cases/{case}")).text)
    assert linked is not None
    assert f"<title>{buyer}" in (await client.get(unescape(linked[1]))).text
    erased = await client.post(
        "/v1/accounts/-/erase", params={"id": buyer}, json={"market": "shop", "by": "Li", "despite": "x"}
    )
    assert erased.status_code == 200, erased.text
    assert (await client.get("/v1/accounts/-", params=asked)).status_code == 404


async def test_a_synthetic_market_stands_as_of_its_last_event_unless_asked(client: httpx.AsyncClient) -> None:
    await rule(client, 0)
    asked = {"market": "shop"}
    shown = (await client.get("/v1/accounts/buyer-0", params=asked)).json()
    assert shown["at_last_event"]
    before = (await client.get("/v1/accounts/buyer-0", params=asked | {"at": "2026-01-01"})).json()
    assert (before["at_last_event"], before["as_of"]) == (False, "2026-01-01T15:59:59Z")
    days = [
        {one["name"]: one["value"] for one in each["facts"]}["history.buyer_orders_365d"] for each in (shown, before)
    ]
    assert days[0] > 0 == days[1]
    for lang, said in (("en", "its last event, for this market is synthetic"), ("zh", "即该合成市场的最后一次事件")):
        assert said in (await client.get("/accounts/buyer/buyer-0", params=asked | {"lang": lang})).text
        page = (await client.get("/accounts/buyer/buyer-0", params=asked | {"lang": lang, "at": "2026-01-01"})).text
        assert said not in page
        assert "2026-01-01 23:59" in page
    for wrong in ("2126-01-01", "soon"):
        for address in ("/v1/accounts/buyer-0", "/accounts/buyer/buyer-0"):
            refused = await client.get(address, params=asked | {"at": wrong})
            assert refused.status_code == 400, refused.text
        looked = await client.post("/v1/markets/shop/ring-findings", params={"at": wrong})
        assert (looked.status_code, looked.json()["field"]) == (400, "at")
