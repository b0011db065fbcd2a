"""A case says what scored it and why, to the marketplace and its staff; the account's page shows the market's own card."""

from datetime import date
from typing import Any

import httpx
import pytest

from evenhand.desk import Desk
from tests.integration.publishing.test_scorecards import integrity
from tests.integration.web.conftest import SHOP, application


@pytest.fixture
async def case(client: httpx.AsyncClient, orders: list[dict[str, Any]]) -> str:
    """The third claim of a counterfeit by a buyer with four orders."""
    sent = [application(number, reason="counterfeit") for number in (0, 3, 6)]
    return (await client.post(f"{SHOP}/applications", json=sent)).json()[-1]["case"]


async def test_a_case_names_its_scorecards_and_its_reasons(client: httpx.AsyncClient, case: str) -> None:
    shown = (await client.get(f"/v1/cases/{case}")).json()
    assert [(one["role"], one["policy"]) for one in shown["scored_by"]] == [
        ("integrity", "integrity"), ("experience", "experience"), ("abuse", "abuse"),
    ]  # fmt: skip
    assert all(len(one["hash"]) == 64 for one in shown["scored_by"])
    reasons = shown["abuse_reasons"]
    assert [(one["code"], one["points"]) for one in reasons] == [
        ("counterfeit_lent [0.10..0.20)", 30),
        ("refund_only_lent [0.15..0.25)", 10),
    ]
    described = (await client.get("/openapi.json")).json()["components"]["schemas"]["Case"]["properties"]
    assert {"scored_by", "abuse_reasons"} <= described.keys()


async def test_staff_reads_the_reasons_in_its_language(client: httpx.AsyncClient, case: str) -> None:
    english = (await client.get(f"/cases/{case}", headers={"accept-language": "en"})).text
    assert "counterfeit claims per order (lent ten orders): 0.1429" in english
    assert "by the scorecard, not learned" in english
    assert "accounts scored by" in english
    chinese = (await client.get(f"/cases/{case}", headers={"accept-language": "zh-CN"})).text
    assert "假货投诉占下单比例（预置10单）：0.1429" in chinese
    assert "账号评分依据" in chinese


async def test_a_scorecard_is_published_over_http_and_the_account_shows_it(
    client: httpx.AsyncClient, desk: Desk, orders: list[dict[str, Any]]
) -> None:
    card = integrity("1", 900).source
    done = await client.post(
        f"{SHOP}/policies?effective=2026-01-01", content=card, headers={"content-type": "text/markdown"}
    )
    assert done.status_code == 201, done.text
    assert (done.json()["role"], done.json()["effective"]) == ("integrity", str(date(2026, 1, 1)))
    shown = (await client.get("/v1/accounts/buyer-1", params={"market": "shop"})).json()
    assert (shown["scores"][0]["scorecard"], shown["scores"][0]["value"]) == ("own-integrity", 900)
    page = (await client.get("/accounts/buyer/buyer-1?market=shop", headers={"accept-language": "en"})).text
    assert "own-integrity" in page
    policies = (await client.get("/policies", headers={"accept-language": "en"})).text
    assert "own-integrity" in policies
    assert "/cases?policy=own-integrity" not in policies
    half = card.replace("→ buyer.integrity ", "→ standing ")
    refused = await client.post(f"{SHOP}/policies", content=half, headers={"content-type": "text/markdown"})
    assert refused.status_code in (400, 422)
    assert "no whole scorecard of integrity" in refused.json()["detail"]
