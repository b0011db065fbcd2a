"""Claims the learned score is uncertain of, as the marketplace and its staff see and bound them."""

from typing import Any

import httpx
import pytest

from evenhand.accounts.abuse.keeping import activate, keep
from evenhand.desk import Desk
from evenhand.store import Database
from tests.integration.desk.test_unsure import CARD, CLEAR, UNCLEAR
from tests.integration.web.conftest import NOW, SHOP, application, order

SETTINGS = f"{SHOP}/case-settings"


@pytest.fixture
async def learned(desk: Desk, database: Database, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The shop uses a learned card, and six buyers have an order each."""
    async with database.pool.acquire() as connection, connection.transaction():
        await keep(connection, CARD, None, by="ana", now=NOW)
        await activate(connection, "shop", CARD.version, by="ana", now=NOW)
    await desk.refresh()
    await client.post(f"{SHOP}/orders", json=[order(number, buyer=f"new-{number}") for number in range(6)])
    return client


async def file(client: httpx.AsyncClient, *reasons: str, first: int = 0) -> list[str]:
    """Claims of today for these reasons, each of a new buyer; answers with their outcomes."""
    sent = [application(first + at, reason=reason, applied_at=NOW.isoformat()) for at, reason in enumerate(reasons)]
    return [one["outcome"] for one in (await client.post(f"{SHOP}/applications", json=sent)).json()]


async def test_a_market_bounds_them_and_everybody_sees_how_many_there_were(learned: httpx.AsyncClient) -> None:
    read = await learned.get(SETTINGS)
    assert read.json()["settings"]["uncertain_per_day"] is None
    limited = {**read.json()["settings"], "uncertain_per_day": 1}
    headers = {"if-match": read.headers["etag"]}
    done = await learned.put(f"{SETTINGS}?by=ana", json=limited, headers=headers)
    assert (done.status_code, done.json()["settings"]["uncertain_per_day"]) == (200, 1)
    again = await learned.put(f"{SETTINGS}?by=ben", json=limited, headers=headers)
    assert (again.status_code, again.json()["field"]) == (412, "If-Match")
    assert await file(learned, UNCLEAR, CLEAR, UNCLEAR) == ["review", "subsidise", "subsidise"]
    inbox = (await learned.get("/v1/inbox")).json()
    assert inbox["waiting"] == 1
    assert inbox["uncertain"] == [{"market": "shop", "day": "2026-03-01", "per_day": 1, "taken": 1, "passed": 1}]
    figures = (await learned.get("/metrics")).text
    assert 'evenhand_uncertain_claims_today{became="review",market="shop"} 1.0' in figures
    assert 'evenhand_uncertain_claims_today{became="settled",market="shop"} 1.0' in figures
    assert 'evenhand_uncertain_claims_per_day{market="shop"} 1.0' in figures
    english = (await learned.get("/inbox", headers={"accept-language": "en"})).text
    assert "1 of 1 given to people; 1 more ruled by the policy alone" in english
    chinese = (await learned.get("/inbox", headers={"accept-language": "zh-CN"})).text
    assert "转人工 1 / 1 件；另有 1 件仅依规则裁决" in chinese


async def test_without_a_limit_and_without_a_learned_score(learned: httpx.AsyncClient) -> None:
    assert await file(learned, UNCLEAR, UNCLEAR) == ["review", "review"]
    page = (await learned.get("/inbox", headers={"accept-language": "en"})).text
    assert "2 given to people; no limit a day" in page
    assert (await learned.get("/v1/inbox?market=bazaar")).json()["uncertain"] == []
    assert 'id="uncertain"' not in (await learned.get("/inbox?market=bazaar")).text
    assert "evenhand_uncertain_claims_per_day{" not in (await learned.get("/metrics")).text


@pytest.mark.parametrize("most", [-1, 1_000_001, 1.5, "many", True])
async def test_a_limit_there_cannot_be_is_refused_by_name(client: httpx.AsyncClient, most: Any) -> None:
    refused = await client.put(f"{SETTINGS}?by=ana", json={"uncertain_per_day": most})
    assert (refused.status_code, refused.json()["field"]) == (400, "uncertain_per_day")


async def test_the_case_says_that_a_person_looks_because_the_score_is_uncertain(learned: httpx.AsyncClient) -> None:
    await file(learned, UNCLEAR)
    (case,) = (await learned.get("/v1/inbox")).json()["cases"]
    shown = (await learned.get(f"/v1/cases/{case['case']}")).json()
    assert (shown["ruling"]["outcome"], shown["state"]) == ("review", "escalated")
    assert shown["facts"]["abuse"]["person_available"] is True
    page = (await learned.get(f"/cases/{case['case']}", headers={"accept-language": "en"})).text
    assert "uncertain: a person should look<" in page
    assert "not clear enough" in page
    assert "What this row says was not carried out" in page
    chinese = await learned.get(f"/cases/{case['case']}", headers={"accept-language": "zh-CN"})
    assert "该行的结果未予执行" in chinese.text
    await learned.put(f"{SETTINGS}?by=ana", json={"uncertain_per_day": 0})
    sent = [application(1, reason=UNCLEAR, applied_at=NOW.isoformat())]
    (ruled,) = (await learned.post(f"{SHOP}/applications", json=sent)).json()
    page = (await learned.get(f"/cases/{ruled['case']}", headers={"accept-language": "en"})).text
    assert "; no place was left that day" in page
    assert "was not carried out" not in page


async def test_a_case_names_the_learned_card_that_scored_it(learned: httpx.AsyncClient) -> None:
    await file(learned, CLEAR)
    (case,) = (await learned.get("/v1/cases")).json()["cases"]
    for lang, said in (
        ("en", "learned card <bdi>{}</bdi> (signs of abuse by "),
        ("zh", "训练所得评分卡<bdi>{}</bdi>（异常行为依据"),
    ):
        page = (await learned.get(f"/cases/{case['case']}", params={"lang": lang})).text
        assert said.format(CARD.version) in page
