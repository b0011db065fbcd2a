"""What can be read: lists that miss nothing, filters, the fund, the documents, and a description that is true."""

import httpx
import pytest
from litestar import Litestar

from evenhand.desk import Desk
from evenhand.store import Database
from evenhand.vocabulary import OUTCOMES
from evenhand.web.app import Site

from .conftest import SHOP, application, order


@pytest.fixture
async def cases(client: httpx.AsyncClient) -> list[str]:
    """Twelve cases over two markets and four days; returns their numbers, newest first."""
    for market in ("shop", "bazaar"):
        await client.post(f"/v1/markets/{market}/orders", json=[order(number) for number in range(6)])
    numbers: list[str] = []
    for number in range(6):
        for market in ("shop", "bazaar"):
            sent = application(number, applied_at=f"2026-02-{20 + number // 2}T00:30:00+08:00")
            answer = await client.post(f"/v1/markets/{market}/applications", json=sent)
            numbers.append(answer.json()["case"])
    return numbers[::-1]


async def test_pages_of_cases_miss_nothing_and_repeat_nothing(client: httpx.AsyncClient, cases: list[str]) -> None:
    seen: list[str] = []
    address = "/v1/cases?limit=5"
    while address:
        page = (await client.get(address)).json()
        seen += [one["case"] for one in page["cases"]]
        address = page["next"]
        # what is ruled in between does not push anything onto the next page
        await client.post(f"{SHOP}/orders", json=order(100 + len(seen)))
        await client.post(
            f"{SHOP}/applications", json=application(100 + len(seen), applied_at="2026-02-28T12:00:00+08:00")
        )
    assert seen == cases


@pytest.mark.usefixtures("cases")
async def test_cases_are_filtered(client: httpx.AsyncClient) -> None:
    async def found(**query: str) -> set[tuple[str, str]]:
        answer = await client.get("/v1/cases", params=query)
        return {(one["market"], one["id"]) for one in answer.json()["cases"]}

    assert len(await found()) == 12
    assert await found(market="bazaar", q="application-3") == {("bazaar", "application-3")}
    # half past midnight in Shanghai is still the day before in UTC: days are the market's
    assert await found(market="shop", **{"from": "2026-02-21", "to": "2026-02-21"}) == {
        ("shop", "application-2"),
        ("shop", "application-3"),
    }
    assert {market for market, _ in await found(policy="1688")} == {"shop"}
    assert await found(policy="1688", version="2021") == set()
    outcomes = [await found(outcome=outcome) for outcome in OUTCOMES]
    assert sum(len(one) for one in outcomes) == 12
    assert await found(q="application-3' or '1'='1") == set()


async def test_a_case_is_found_by_its_number(client: httpx.AsyncClient, cases: list[str]) -> None:
    page = (await client.get("/v1/cases", params={"q": cases[4]})).json()
    assert [one["case"] for one in page["cases"]] == [cases[4]]


@pytest.mark.usefixtures("cases")
async def test_the_fund_states_what_it_paid(client: httpx.AsyncClient, database: Database) -> None:
    paid = await database.pool.fetchval("select sum(amount) from transfer where cause = 'subsidy'")
    assert paid > 0
    (shop,) = (await client.get("/v1/fund/statements?market=shop")).json()
    assert (shop["opening"], shop["closing"], shop["synthetic"]) == (0, -paid, True)
    (later,) = (await client.get("/v1/fund/statements?market=shop&from=2026-02-21")).json()
    assert later["opening"] + sum(one["amount"] for one in later["movements"]) == later["closing"] == -paid
    assert later["opening"] < 0
    (whole,) = (await client.get("/v1/fund/statements?market=shop&from=0001-01-01&to=9999-12-31")).json()
    assert whole["movements"] == shop["movements"]
    assert (await client.get("/v1/fund/statements?market=nowhere")).status_code == 400


async def test_markets_and_policies_are_told(client: httpx.AsyncClient) -> None:
    markets = {one["id"]: one for one in (await client.get("/v1/markets")).json()}
    assert (markets["shop"]["policy"], markets["shop"]["synthetic"]) == ("1688", True)
    policies = {(one["name"], one["version"]) for one in (await client.get("/v1/policies")).json()}
    assert {("1688", "2025-03"), ("taobao", "2024-08"), ("pinduoduo", "2025-01")} <= policies
    newest = (await client.get("/v1/policies/1688")).json()
    assert newest["version"] == "2025-03"
    assert newest["source"].startswith("---")
    before = (await client.get("/v1/policies/1688?at=2025-03-23")).json()
    assert before["version"] != "2025-03"
    assert (await client.get("/v1/policies/1688?version=1999")).status_code == 404


async def test_the_server_says_how_it_is(client: httpx.AsyncClient, database: Database) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    assert (await client.get("/readyz")).json() == {"status": "ok"}
    await database.pool.close()
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["type"]) == (503, "/problems/store-away")
    assert ready.headers["retry-after"]
    assert (await client.get("/healthz")).status_code == 200


async def test_the_description_names_every_address_and_no_other(
    client: httpx.AsyncClient, desk: Desk, database: Database
) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    framework = Site(desk, database)._rest  # pyright: ignore[reportPrivateUsage]
    assert isinstance(framework, Litestar)
    served = {route.path for route in framework.routes if route.path.startswith("/v1/")}
    described = {path for path in document["paths"] if path.startswith("/v1/")}
    posts = {"/v1/markets/{market}/orders", "/v1/markets/{market}/applications"}
    assert described == {path.replace(":str", "").replace(":int", "") for path in served} | posts
    for path in posts:
        assert set(document["paths"][path]["post"]["requestBody"]["content"]) == {
            "application/json",
            "application/x-ndjson",
        }
    assert "Application" in document["components"]["schemas"]
    assert {ref.removeprefix("#/components/schemas/") for ref in _refs(document)} <= set(
        document["components"]["schemas"]
    )
    page = await client.get("/docs")
    assert page.status_code == 200
    assert "/v1/markets/{market}/applications" in page.text
    assert "http" not in page.text.split("<main")[0].replace("http-equiv", "")


def _refs(value: object) -> list[str]:
    match value:
        case dict():
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [ref for inner in value.values() for ref in _refs(inner)]
        case list():
            return [ref for inner in value for ref in _refs(inner)]
        case _:
            return []
