"""Opening markets over HTTP."""

from typing import Any

import httpx
import pytest

from tests.integration.web.conftest import application, order

MARKET = {"id": "resale", "name": "Resale", "policy": "taobao", "currency": "CNY", "time_zone": "Asia/Shanghai"}


async def test_a_market_opens_once_and_rules_at_once(client: httpx.AsyncClient) -> None:
    made = await client.post("/v1/markets", json=MARKET)
    assert made.status_code == 201
    assert made.json() == MARKET | {"synthetic": False, "pinned": None}
    again = await client.post("/v1/markets", json=MARKET)
    assert (again.status_code, again.json()) == (200, made.json())
    assert "resale" in {one["id"] for one in (await client.get("/v1/markets")).json()}
    await client.post("/v1/markets/resale/orders", json=order(1))
    ruled = await client.post("/v1/markets/resale/applications", json=application(1))
    assert (ruled.status_code, ruled.json()["policy"]) == (201, "taobao")


async def test_a_pinned_market_is_ruled_by_its_version(client: httpx.AsyncClient) -> None:
    made = await client.post("/v1/markets", json=MARKET | {"policy": "1688", "pinned": "2021"})
    assert (made.status_code, made.json()["pinned"]) == (201, "2021")


async def test_the_same_id_with_other_settings_is_a_conflict(client: httpx.AsyncClient) -> None:
    await client.post("/v1/markets", json=MARKET)
    other = await client.post("/v1/markets", json=MARKET | {"name": "Another"})
    assert (other.status_code, other.json()["type"], other.json()["field"]) == (409, "/problems/conflict", "name")
    assert "exists with another name" in other.json()["detail"]
    assert "Market(" not in other.json()["detail"]


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"id": "Not an id"}, 400, "id"),
        ({"id": ""}, 400, "id"),
        ({"name": ""}, 400, "name"),
        ({"name": " "}, 400, "name"),
        ({"name": "\0"}, 400, "name"),
        ({"policy": "nobody"}, 422, "policy"),
        ({"pinned": "1999"}, 422, "pinned"),
        ({"currency": "yuan"}, 400, "currency"),
        ({"currency": "ZZZ"}, 400, "currency"),
        ({"time_zone": "Mars/Olympus"}, 400, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, 400, "time_zone"),
        ({"colour": "red"}, 400, "colour"),
    ],
)
async def test_bad_settings_are_named_and_leave_nothing(
    client: httpx.AsyncClient, change: dict[str, Any], status: int, field: str
) -> None:
    answer = await client.post("/v1/markets", json=MARKET | change)
    assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
    assert len((await client.get("/v1/markets")).json()) == 2
