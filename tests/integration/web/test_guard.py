"""Who gets in: keys, sessions, names, and pages of other sites."""

import httpx
import pytest

from evenhand.desk import Desk
from evenhand.errors import BadInput
from evenhand.store import Database
from evenhand.web.server import serve

from .conftest import BASE, SHOP, Visit, order

KEY = "a-secret-of-some-length"
PAGE = {"accept": "text/html"}


async def test_without_a_key_only_loopback_names_are_answered(visit: Visit) -> None:
    for good in ("http://127.0.0.1:8470", "http://localhost:1", "http://[::1]:8470", "http://127.8.9.1"):
        async with visit(base_url=good) as client:
            assert (await client.get("/v1/markets")).status_code == 200, good
    for bad in (
        "http://evil.example",
        "http://127.0.0.1.evil.example:8470",
        "http://0.0.0.0:8470",
        "http://localhost.evil.com",
    ):
        async with visit(base_url=bad) as client:
            answer = await client.get("/v1/markets")
            assert (answer.status_code, answer.json()["type"]) == (421, "/problems/wrong-host"), bad
            assert (await client.post(f"{SHOP}/orders", json=order(1))).status_code == 421


async def test_pages_of_other_sites_change_nothing(client: httpx.AsyncClient, database: Database) -> None:
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        answer = await client.post(f"{SHOP}/orders", json=order(1), headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/cross-site")
    assert await database.pool.fetchval("select count(*) from orders") == 0
    own = await client.post(f"{SHOP}/orders", json=order(1), headers={"origin": BASE, "sec-fetch-site": "same-origin"})
    assert own.status_code == 201


async def test_with_a_key_every_request_needs_it(visit: Visit) -> None:
    async with visit(api_key=KEY, base_url="http://market.example") as client:
        for path in ("/v1/markets", "/v1/cases/1", "/metrics", "/v1/nothing"):
            answer = await client.get(path)
            assert (answer.status_code, answer.json()["type"]) == (401, "/problems/sign-in-needed"), path
            assert answer.headers["www-authenticate"] == "Bearer"
        assert (await client.post(f"{SHOP}/orders", json=order(1))).status_code == 401
        for wrong in ("Bearer wrong", f"Basic {KEY}", f"Bearer {KEY}x", "Bearer"):
            assert (await client.get("/v1/markets", headers={"authorization": wrong})).status_code == 401
        right = {"authorization": f"Bearer {KEY}"}
        assert (await client.get("/v1/markets", headers=right)).status_code == 200
        assert (await client.post(f"{SHOP}/orders", json=order(1), headers=right)).status_code == 201
        for path in ("/healthz", "/readyz", "/openapi.json", "/problems/busy"):
            assert (await client.get(path)).status_code == 200


async def test_a_person_signs_in_with_the_key(visit: Visit) -> None:
    async with visit(api_key=KEY, base_url="http://market.example") as client:
        sent_away = await client.get("/cases?outcome=decline", headers=PAGE)
        assert (sent_away.status_code, sent_away.headers["location"]) == (
            303,
            "/sign-in?next=/cases%3Foutcome%3Ddecline",
        )
        wrong = await client.post("/sign-in", data={"key": "guess", "next": "/"})
        assert wrong.status_code == 401
        assert "evenhand" not in client.cookies
        right = await client.post("/sign-in", data={"key": KEY, "next": "/cases?outcome=decline"})
        assert (right.status_code, right.headers["location"]) == (303, "/cases?outcome=decline")
        cookie = right.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert KEY not in cookie
        assert (await client.get("/cases", headers=PAGE)).status_code == 200
        session = client.cookies["evenhand"]
        client.cookies.clear()
        until, _, seal = session.partition(".")
        forged = {"cookie": f"evenhand={int(until) + 1000}.{seal}"}
        assert (await client.get("/cases", headers=PAGE | forged)).status_code == 303


@pytest.mark.parametrize(
    "there", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""]
)
async def test_signing_in_never_leads_to_another_site(visit: Visit, there: str) -> None:
    async with visit(api_key=KEY, base_url="http://market.example") as client:
        answer = await client.post("/sign-in", data={"key": KEY, "next": there})
        assert answer.headers["location"] == "/"


async def test_other_addresses_need_a_key(desk: Desk, database: Database) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1"):  # noqa: S104
        with pytest.raises(BadInput, match="EVENHAND_API_KEY"):
            await serve(desk, database, host, 0)


async def test_an_address_that_is_taken_is_told(desk: Desk, database: Database) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(BadInput, match="--port"):
        await serve(desk, database, "127.0.0.1", taken.getsockname()[1])
