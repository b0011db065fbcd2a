"""Webhooks over HTTP, the whole way: made, tested, delivered to, changed, sent again, deleted."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook as Verifier

from evenhand.desk import Desk
from evenhand.events.addresses import ALLOW_VARIABLE
from evenhand.events.courier import Courier
from evenhand.events.sender import Sender
from evenhand.store import Database
from tests.integration.events.conftest import Answer, Got, Receiver
from tests.integration.web.conftest import SHOP, application

HOOKS = "/v1/webhooks"


@pytest.fixture
def private(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ALLOW_VARIABLE, "1")


@pytest.fixture
async def receiver() -> AsyncGenerator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


async def deliver(database: Database, desk: Desk) -> None:
    async with Sender(allow_private=True) as sender, Courier(database.pool, sender, desk.clock) as courier:
        while await courier.step():
            pass


async def make(client: httpx.AsyncClient, receiver: Receiver, **choices: Any) -> dict[str, Any]:
    answer = await client.post(HOOKS, json={"url": receiver.url} | choices)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.usefixtures("private")
async def test_the_whole_way(
    client: httpx.AsyncClient, receiver: Receiver, database: Database, desk: Desk, orders: list[dict[str, Any]]
) -> None:
    made = await make(client, receiver, id="main", types=["evenhand.ruling.*"], markets=["shop"], note="ERP")
    assert (made["enabled"], made["waiting"], made["secret"][:6]) == (True, 0, "whsec_")
    shown = (await client.get(f"{HOOKS}/main")).json()
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert (await client.get(HOOKS)).json() == [shown]
    # a test event comes at once, signed
    tried = await client.post(f"{HOOKS}/main/test")
    assert (tried.status_code, tried.json()["status"], tried.json()["answer"]) == (200, 200, "thanks")
    (test,) = receiver.got
    assert test.event["type"] == "evenhand.webhook.test"
    assert test.headers["webhook-id"] == test.event["id"]

    await client.post(f"{SHOP}/applications", json=application(1))

    async def refuse(got: Got) -> Answer:
        return 500, {}, b"no room"

    receiver.answers = refuse
    await deliver(database, desk)
    page = (await client.get(f"{HOOKS}/main/deliveries?state=waiting")).json()
    (waiting,) = page["deliveries"]
    assert (waiting["type"], waiting["last"]["status"], waiting["last"]["answer"]) == (
        "evenhand.ruling.issued",
        500,
        "no room",
    )
    assert page["next"] is None
    receiver.answers = receiver.thanks
    there = f"{HOOKS}/main/deliveries/{waiting['event']}"
    assert (await client.post(f"{there}/resend")).json() == {"resent": 1}
    await deliver(database, desk)
    assert [one["status"] for one in (await client.get(there)).json()] == [500, 200]
    assert len((await client.get(f"{HOOKS}/main/deliveries?state=delivered")).json()["deliveries"]) == 1
    assert (await client.post(f"{HOOKS}/main/resend-dead")).json() == {"resent": 0}

    rotated = (await client.post(f"{HOOKS}/main/rotate", json={"overlap_hours": 2})).json()
    assert rotated["secret"] not in (made["secret"], None)
    await client.post(f"{HOOKS}/main/test")
    assert len(receiver.got[-1].headers["webhook-signature"].split()) == 2
    assert Verifier(rotated["secret"])

    off = await client.patch(f"{HOOKS}/main", json={"enabled": False, "note": "moved"})
    assert (off.json()["enabled"], off.json()["note"], off.json()["disabled_why"]) == (False, "moved", "by HTTP API")
    assert (await client.delete(f"{HOOKS}/main")).status_code == 204
    assert (await client.get(f"{HOOKS}/main")).status_code == 404


@pytest.mark.usefixtures("private")
async def test_the_same_id_again_makes_no_second_one(client: httpx.AsyncClient, receiver: Receiver) -> None:
    made = await make(client, receiver, id="main")
    again = await client.post(HOOKS, json={"url": receiver.url, "id": "main"})
    assert again.status_code == 200
    assert "secret" not in again.json()
    other = await client.post(HOOKS, json={"url": receiver.url + "2", "id": "main"})
    assert (other.status_code, other.json()["field"]) == (409, "id")
    assert [one["id"] for one in (await client.get(HOOKS)).json()] == [made["id"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://93.184.216.34/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://localhost/"}, "url"),
        ({"url": "https://2130706433/"}, "url"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "url"),
        ({"url": "https://169.254.169.254/latest/meta-data/"}, "url"),
        ({"url": "ftp://93.184.216.34/"}, "url"),
        ({"url": "https://user:word@93.184.216.34/"}, "url"),
        ({"url": "https://93.184.216.34/#part"}, "url"),
        ({"url": "https://93.184.216.34:0/"}, "url"),
        ({"url": "https://93.184.216.34:99999/"}, "url"),
        ({"url": "https:///nowhere"}, "url"),
        ({"url": "https://93.184.216.34/\n"}, "url"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "https://93.184.216.34/" + "x" * 3000}, "url"),
        ({}, "url"),
        ({"url": "https://93.184.216.34/", "types": ["everything"]}, "types"),
        ({"url": "https://93.184.216.34/", "markets": ["shop", "nowhere"]}, "markets[1]"),
        # what needs no looking up is said first
        ({"url": "https://10.0.0.1/", "markets": ["nowhere"]}, "markets[0]"),
        ({"url": "https://93.184.216.34/", "id": "Not an id"}, "id"),
        ({"url": "https://93.184.216.34/", "note": "\u202e"}, "note"),
        ({"url": "https://93.184.216.34/", "secret": "mine"}, "secret"),
    ],
)
async def test_bad_choices_are_named_and_make_nothing(
    client: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    answer = await client.post(HOOKS, json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text
    assert (await client.get(HOOKS)).json() == []


@pytest.mark.usefixtures("private")
async def test_changes_are_checked_like_new_ones(
    client: httpx.AsyncClient, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(client, receiver, id="main")
    monkeypatch.delenv(ALLOW_VARIABLE)
    for body, field in (
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"types": ["x"]}, "types"),
        ({"markets": ["x"]}, "markets[0]"),
        ({"enabled": "yes"}, "enabled"),
    ):
        answer = await client.patch(f"{HOOKS}/main", json=body)
        assert (answer.status_code, answer.json()["field"]) == (400, field)
    # what was allowed once is not tried any more
    tried = await client.post(f"{HOOKS}/main/test")
    assert (tried.json()["status"], tried.json()["error"]) == (None, "127.0.0.1 is not a public address")
    assert receiver.got == []


async def test_what_is_not_there_is_404(client: httpx.AsyncClient) -> None:
    for method, there in (
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/test"),
        ("GET", "/deliveries"),
        ("GET", "/deliveries/7"),
        ("POST", "/deliveries/7/resend"),
        ("POST", "/resend-dead"),
    ):
        answer = await client.request(method, f"{HOOKS}/nobody{there}")
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found"), there
    assert (await client.patch(f"{HOOKS}/nobody", json={})).status_code == 404
    assert (await client.post(f"{HOOKS}/nobody/rotate", json={})).status_code == 404


@pytest.mark.usefixtures("private")
async def test_many_made_at_once_under_one_id_are_one(client: httpx.AsyncClient, receiver: Receiver) -> None:
    answers = await asyncio.gather(*(client.post(HOOKS, json={"url": receiver.url, "id": "main"}) for _ in range(6)))
    assert sorted(one.status_code for one in answers) == [200] * 5 + [201]


@pytest.mark.usefixtures("private")
async def test_a_change_to_what_was_changed_since_is_refused(client: httpx.AsyncClient, receiver: Receiver) -> None:
    await make(client, receiver, id="main")
    read = (await client.get(f"{HOOKS}/main")).headers["etag"]
    changed = await client.patch(f"{HOOKS}/main", json={"note": "ERP"}, headers={"if-match": read})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    rotated = await client.post(f"{HOOKS}/main/rotate", json={}, headers={"if-match": changed.headers["etag"]})
    assert rotated.headers["etag"] == '"3"'
    for late in (
        await client.patch(f"{HOOKS}/main", json={"note": "CRM"}, headers={"if-match": read}),
        await client.post(f"{HOOKS}/main/rotate", json={}, headers={"if-match": read}),
        await client.delete(f"{HOOKS}/main", headers={"if-match": read}),
    ):
        assert (late.status_code, late.json()["type"]) == (412, "/problems/out-of-date")
    shown = (await client.get(f"{HOOKS}/main")).json()
    assert (shown["note"], shown["version"]) == ("ERP", 3)
    assert (await client.delete(f"{HOOKS}/main", headers={"if-match": '"3"'})).status_code == 204


@pytest.mark.usefixtures("private")
async def test_the_page_deletes_no_webhook_that_was_changed_since_it_was_read(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    await make(client, receiver, id="main")
    page = (await client.get("/webhooks/main")).text
    assert 'name="version" value="1"' in page
    await client.patch(f"{HOOKS}/main", json={"note": "now of another system"})
    for action in ("delete", "rotate", "disable"):
        late = await client.post(f"/webhooks/main/{action}", data={"version": "1"}, headers={"accept": "text/html"})
        assert late.status_code == 412
        assert "at version 2, not 1" in late.text
    assert (await client.post("/webhooks/main/delete", data={"version": "2"})).status_code == 303
    assert (await client.get(f"{HOOKS}/main")).status_code == 404
