"""The fund over HTTP: budgets, payouts, money that people move; and what is wrong with a request, said once."""

from typing import Any

import httpx
import pytest

from evenhand.store import Database

from .conftest import SHOP, application, order

pytestmark = pytest.mark.usefixtures("orders")


async def rule(client: httpx.AsyncClient, number: int, status: int = 201) -> dict[str, Any]:
    today = application(number, applied_at="2026-03-01T11:00:00+08:00")
    answer = await client.post(f"{SHOP}/applications", json=today)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_budget_set_over_http_stops_the_next_subsidy(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/fund/budgets")).json() == []
    first = await rule(client, 1)
    assert first["outcome"] == "subsidise"
    answer = await client.post(f"{SHOP}/budgets", json={"amount": first["amount"] + 1, "by": "finance"})
    assert answer.status_code == 201, answer.text
    (one,) = answer.json()
    assert (one["spent"], one["left"], one["state"], one["set_by"]) == (first["amount"], 1, "alert", "finance")
    second = await rule(client, 2)
    assert (second["outcome"], second["payer"]) == ("review", "none")
    assert "预算不足" in second["because"]["zh"]
    again = await rule(client, 2, 200)
    assert (again["repeated"], again["because"]) == (True, second["because"])


async def test_payouts_by_state_and_a_recovery_before_they_are_sent(client: httpx.AsyncClient) -> None:
    assert (await client.put(f"{SHOP}/payouts", json={"gateway": "sandbox"})).status_code == 204
    ruled = await rule(client, 1)
    page = (await client.get("/v1/fund/payouts", params={"state": "due"})).json()
    assert [(one["case"], one["amount"]) for one in page["payouts"]] == [(ruled["case"], ruled["amount"])]
    assert page["next"] is None
    answer = await client.post(f"/v1/cases/{ruled['case']}/recovery", json={"note": "a lie", "by": "fraud desk"})
    assert answer.status_code == 201, answer.text
    assert [(one["unsent"], one["owed"]) for one in answer.json()] == [(ruled["amount"], 0)]
    (one,) = (await client.get("/v1/fund/payouts")).json()["payouts"]
    assert one["state"] == "cancelled"
    answer = await client.post(f"/v1/fund/payouts/{one['no']}/retry")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict")
    assert (await client.put(f"{SHOP}/payouts", json={"gateway": None})).status_code == 204
    await rule(client, 2)
    assert len((await client.get("/v1/fund/payouts")).json()["payouts"]) == 1


async def test_pages_of_payouts_miss_nothing(client: httpx.AsyncClient) -> None:
    await client.put(f"{SHOP}/payouts", json={"gateway": "sandbox"})
    for number in range(5):
        await rule(client, number)
    seen: list[int] = []
    before: int | None = None
    while True:
        page = (
            await client.get("/v1/fund/payouts", params={"limit": 2} | ({"before": before} if before else {}))
        ).json()
        seen += [one["no"] for one in page["payouts"]]
        before = page["next"]
        if before is None:
            break
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 5


async def test_deposits_stand_in_the_statement(client: httpx.AsyncClient) -> None:
    answer = await client.post(f"{SHOP}/deposits", json={"amount": 50_000, "note": "first", "by": "finance"})
    assert answer.status_code == 201, answer.text
    await client.post(f"{SHOP}/deposits", json={"amount": -20_000, "note": "too much", "by": "finance"})
    (one,) = (await client.get("/v1/fund/statements", params={"market": "shop"})).json()
    assert {move["cause"]: move["amount"] for move in one["movements"]} == {"deposit": 50_000, "withdrawal": -20_000}
    assert one["closing"] == 30_000


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", f"{SHOP}/budgets", {"amount": -1}, 400, "amount"),
        ("POST", f"{SHOP}/budgets", {"amount": "10"}, 400, "amount"),
        ("POST", f"{SHOP}/budgets", {"amount": 1, "period": "week"}, 400, "period"),
        ("POST", f"{SHOP}/budgets", {"amount": 1, "surprise": 1}, 400, None),
        ("POST", f"{SHOP}/budgets", {}, 400, None),
        ("POST", "/v1/markets/nowhere/budgets", {"amount": 1}, 404, "market"),
        ("GET", "/v1/fund/budgets?market=nowhere", None, 404, "market"),
        ("POST", f"{SHOP}/deposits", {"amount": 5}, 400, "note"),
        ("POST", f"{SHOP}/deposits", {"amount": 0, "note": "x"}, 400, "amount"),
        ("POST", f"{SHOP}/deposits", {"amount": -1, "note": "x"}, 400, "amount"),
        ("GET", "/v1/fund/statements?from=2025-05-01&to=2024-01-01", None, 400, "to"),
        ("GET", "/v1/cases?from=2025-05-01&to=2024-01-01", None, 400, "to"),
        ("GET", "/v1/interceptions?from=2025-05-01&to=2024-01-01", None, 400, "to"),
        ("POST", "/v1/cases/999999/recovery", {"note": "x"}, 404, "case"),
        ("POST", "/v1/cases/99999999999999999999/recovery", {"note": "x"}, 400, "case"),
        ("POST", "/v1/cases/1/repayment", {"note": "x"}, 404, "case"),
        ("PUT", f"{SHOP}/payouts", {"gateway": "paypal"}, 422, "gateway"),
        ("PUT", f"{SHOP}/orders/o404/payment", {"reference": "pi_1"}, 404, "order"),
        ("PUT", f"{SHOP}/orders/o1/payment", {"reference": "two\nlines"}, 400, "reference"),
        ("GET", "/v1/fund/payouts?state=lost", None, 400, "state"),
        ("POST", "/v1/fund/payouts/77/retry", None, 404, "payout"),
    ],
)
async def test_what_is_wrong_is_named(
    client: httpx.AsyncClient, database: Database, method: str, path: str, body: Any, status: int, field: str | None
) -> None:
    answer = await client.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if field is not None:
        assert answer.json()["field"] == field
    assert await database.pool.fetchval("select count(*) from transfer") == 0


async def test_payout_settings_change_only_from_the_version_that_was_read(client: httpx.AsyncClient) -> None:
    for path, reading, one, other in (
        (f"{SHOP}/payouts", "gateway", {"gateway": "sandbox"}, {"gateway": "stripe"}),
        (f"{SHOP}/orders/order-1/payment", "reference", {"reference": "pi_1"}, {"reference": "pi_2"}),
    ):
        nothing = await client.get(path)
        assert (nothing.json()[reading], nothing.headers["etag"]) == (None, '"0"')
        first = await client.put(path, json=one, headers={"if-match": '"0"'})
        assert first.status_code == 204, first.text
        late = await client.put(path, json=other, headers={"if-match": '"0"'})
        assert (late.status_code, late.json()["field"]) == (412, "If-Match")
        read = await client.get(path)
        assert (read.json()[reading], read.headers["etag"]) == (one[reading], first.headers["etag"])
        second = await client.put(path, json=other, headers={"if-match": read.headers["etag"]})
        assert second.status_code == 204, second.text
        assert second.headers["etag"] == (await client.get(path)).headers["etag"] != read.headers["etag"]
        wrong = await client.put(path, json=one, headers={"if-match": "yesterday"})
        assert (wrong.status_code, wrong.json()["field"]) == (400, "If-Match")
        assert (await client.put(path, json=one)).status_code == 204


async def test_a_market_that_stopped_paying_is_at_no_version_it_had_before(client: httpx.AsyncClient) -> None:
    path, sandbox, none = f"{SHOP}/payouts", {"gateway": "sandbox"}, {"gateway": None}
    first = (await client.put(path, json=sandbox)).headers["etag"]
    assert (await client.put(path, json=none, headers={"if-match": '"7"'})).status_code == 412
    assert (await client.put(path, json=none, headers={"if-match": first})).headers["etag"] == '"0"'
    assert (await client.put(path, json=sandbox, headers={"if-match": first})).status_code == 412
    assert (await client.put(path, json=sandbox, headers={"if-match": '"0"'})).headers["etag"] not in (first, '"0"')


async def test_the_payment_of_an_order_whose_id_no_address_holds(client: httpx.AsyncClient) -> None:
    for name in ("2026/03/1", "..", "-"):
        assert (await client.post(f"{SHOP}/orders", json=order(1, id=name))).status_code == 201
        asked = {"id": name}
        put = await client.put(f"{SHOP}/orders/-/payment", params=asked, json={"reference": f"pi_{len(name)}"})
        assert put.status_code == 204, put.text
        read = await client.get(f"{SHOP}/orders/-/payment", params=asked)
        assert read.json()["reference"] == f"pi_{len(name)}"
    both = await client.get(f"{SHOP}/orders/order-1/payment", params={"id": "2026/03/1"})
    assert (both.status_code, both.json()["field"]) == (400, "id")
    for path in (f"{SHOP}/orders/-/payment?id=nope%2F1", f"{SHOP}/orders/a%00b/payment"):
        assert (await client.get(path)).status_code == 404


async def test_the_page_shows_budgets_and_payouts_in_both_languages(client: httpx.AsyncClient) -> None:
    await client.put(f"{SHOP}/payouts", json={"gateway": "sandbox"})
    ruled = await rule(client, 1)
    await client.post(f"{SHOP}/budgets", json={"amount": ruled["amount"]})
    english = (await client.get("/fund", params={"lang": "en"})).text
    assert "Payouts to buyers" in english
    assert ">spent<" in english
    assert "to be sent" in english
    chinese = (await client.get("/fund", params={"lang": "zh", "state": "due"})).text
    assert "向买家付款" in chinese
    assert "已用完" in chinese
    assert "待付款" in chinese
    assert (await client.get("/fund", params={"state": "lost"})).status_code == 400


async def test_what_buyers_owe_is_shown_until_it_is_paid_back(
    client: httpx.AsyncClient, orders: list[dict[str, Any]]
) -> None:
    cases = [
        (await client.post(f"{SHOP}/applications", json=application(number))).json()["case"] for number in range(3)
    ]
    for case in cases:
        await client.post(f"/v1/cases/{case}/recovery", json={"note": "a lie", "by": "fraud desk"})
    first = (await client.get("/v1/fund/debts", params={"limit": 2})).json()
    assert [one["case"] for one in first["debts"]] == cases[:2]
    rest = (await client.get("/v1/fund/debts", params={"market": "shop", "after": first["next"]})).json()
    assert [(one["case"], one["owed"], one["currency"]) for one in rest["debts"]] == [(cases[2], 8_000, "CNY")]
    assert rest["next"] is None
    await client.post(f"/v1/cases/{cases[0]}/repayment", json={"note": "by bank transfer", "by": "fraud desk"})
    page = (await client.get("/fund", params={"lang": "en"})).text
    assert "What buyers owe" in page
    assert f'href="/cases/{cases[0]}"' not in page
    assert f'href="/cases/{cases[1]}"' in page
    assert (await client.get("/v1/fund/debts", params={"market": "nowhere"})).status_code in (400, 404)
