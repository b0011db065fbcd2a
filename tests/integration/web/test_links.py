"""Who is linked with whom, over HTTP and in the console; nothing of it reaches a merchant."""

from typing import Any

import httpx
import pytest

from evenhand.accounts.links.explaining import Linked, Links, NamedStep
from evenhand.accounts.links.grouping import ADDRESS, CAPS
from evenhand.accounts.links.paths import Shared
from evenhand.web.console.links import picture

from .conftest import SHOP, application, order

ME = "/v1/accounts/lin/links?market=shop"


@pytest.fixture(autouse=True)
async def ring(client: httpx.AsyncClient) -> None:
    """lin and mei share a tablet, mei and wu a card; everybody lives in one tower; zhao shares an address only."""
    used: dict[str, dict[str, list[str]]] = {
        "lin": {"device": ["tablet"], "address": ["Tower 1", "Lane 5"]},
        "mei": {"device": ["tablet"], "payment": ["card"], "address": ["Tower 1"]},
        "wu": {"payment": ["card"], "address": ["Tower 1"]},
        "zhao": {"address": ["Tower 1", "Lane 5"]},
        **{f"neighbour-{number}": {"address": ["Tower 1"]} for number in range(CAPS[ADDRESS])},
    }
    sent = [
        order(number, id=f"used-{buyer}", buyer=buyer, attributes=attributes)
        for number, (buyer, attributes) in enumerate(used.items())
    ]
    answer = await client.post(f"{SHOP}/orders", json=sent)
    assert all("status" not in one for one in answer.json()), answer.text


async def test_the_ring_of_a_buyer_with_the_path_to_each(client: httpx.AsyncClient) -> None:
    found = (await client.get(ME)).json()
    assert (found["ring_size"], found["overfull"], found["findings"]) == (3, [], [])
    assert [(one["account"], [step["after"] for step in one["path"]]) for one in found["ring"]] == [
        ("mei", ["mei"]),
        ("wu", ["mei", "wu"]),
    ]
    assert [shared["kind"] for shared in found["ring"][1]["path"][1]["shared"]] == ["address", "payment"]
    assert {(one["kind"], one["holders"], one["hub"]) for one in found["holds"]} == {
        ("address", 21, True),
        ("address", 2, False),
        ("device", 2, False),
    }
    alone = (await client.get("/v1/accounts/neighbour-3/links?market=shop")).json()
    assert (alone["ring_size"], alone["ring"]) == (0, [])

    path = (await client.get("/v1/accounts/lin/links/wu?market=shop")).json()
    assert path["linked"] is True
    assert [(step["before"], step["after"]) for step in path["path"]] == [("lin", "mei"), ("mei", "wu")]
    apart = (await client.get("/v1/accounts/lin/links/zhao?market=shop")).json()
    assert apart["linked"] is False
    assert sorted((one["hub"], one["holders"]) for one in apart["shared"]) == [(False, 2), (True, 21)]
    for wrong in (
        "/v1/accounts/nobody/links?market=shop",
        "/v1/accounts/lin/links?market=mars",
        "/v1/accounts/lin/links/nobody?market=shop",
        "/v1/accounts/store-1/links?market=shop",
        "/v1/accounts/a%00b/links?market=shop",
    ):
        assert (await client.get(wrong)).status_code == 404, wrong


async def test_who_is_not_known_is_named_as_the_address_names_it(client: httpx.AsyncClient) -> None:
    for path, field in (("nobody/links/lin", "account"), ("lin/links/nobody", "other")):
        answer = await client.get(f"/v1/accounts/{path}?market=shop")
        assert (answer.status_code, answer.json()["field"]) == (404, field)


async def test_the_page_of_a_buyer_draws_the_ring_and_no_stores_page_does(client: httpx.AsyncClient) -> None:
    for lang, said in (
        ("en", ("a ring of 3 accounts", "payment instrument", "a hub: shared by more than 20")),
        ("zh", ("共 3 个账号关联", "支付方式", "公共节点：超过 20 个账号共用")),
    ):
        page = (await client.get(f"/accounts/buyer/lin?market=shop&lang={lang}")).text
        assert page.count("<circle") == 3
        for one in said:
            assert one in page
    assert "<circle" not in (await client.get("/accounts/buyer/neighbour-3?market=shop")).text
    store = (await client.get("/accounts/merchant/store-1?market=shop")).text
    assert 'id="links"' not in store


async def test_no_statement_tells_a_merchant_of_links(client: httpx.AsyncClient) -> None:
    filed = application(0, order="used-lin", attributes={"phone": ["13800138000"]})
    case = (await client.post(f"{SHOP}/applications", json=filed)).json()["case"]
    for lang in ("en", "zh"):
        told = await client.get(f"/v1/cases/{case}/statement", params={"party": "merchant", "lang": lang})
        assert told.status_code == 200
        assert "mei" not in told.text
        assert "13800138000" not in told.text
        assert not [
            one for one in told.json()["facts"] if one["name"].startswith("history.ring") and not one["withheld"]
        ]


async def test_a_group_that_acts_together_is_found_shown_and_judged_by_a_person(client: httpx.AsyncClient) -> None:
    gang = [f"gang-{number}" for number in range(8)]
    sent: list[dict[str, Any]] = []
    for number, buyer in enumerate(gang):
        for store in range(6):
            line = {"id": "1", "merchant": f"victim-{store}", "amount": 1_000, "category": "toys"}
            sent.append(order(0, id=f"g-{number}-{store}", buyer=buyer, lines=[line]))
    for number in range(60):
        line = {"id": "1", "merchant": f"shop-{number % 40}", "amount": 1_000, "category": "toys"}
        sent.append(order(0, id=f"h-{number}", buyer=f"honest-{number}", lines=[line]))
    await client.post(f"{SHOP}/orders", json=sent)
    filed = [application(0, id=f"a-{one['id']}", order=one["id"], amount=1_000) for one in sent]
    await client.post(f"{SHOP}/applications", json=filed)

    assert (await client.get("/v1/ring-findings?market=shop")).json() == []
    looked = (await client.post(f"{SHOP}/ring-findings")).json()
    assert looked["new"] == 1
    assert looked["findings"][0]["buyers"] == gang
    number = looked["findings"][0]["no"]
    assert (await client.get("/v1/accounts/gang-3/links?market=shop")).json()["findings"] == [number]
    for lang, said in (("en", "They act together"), ("zh", "确认协同")):
        page = (await client.get(f"/rings?market=shop&lang={lang}")).text
        assert said in page
        assert "/accounts/buyer/gang-7?market=shop#links" in page

    wrong = await client.post(f"/v1/ring-findings/{number}/judge", json={"verdict": "guilty", "by": "Anna"})
    assert wrong.status_code == 400
    assert (
        await client.post("/v1/ring-findings/999/judge", json={"verdict": "confirmed", "by": "A"})
    ).status_code == 404
    nameless = await client.post(f"/rings/{number}/judge", data={"me": " ", "verdict": "confirmed"})
    assert (nameless.status_code, "say who it is" in nameless.text) == (400, True)
    form = {"me": "Anna", "verdict": "confirmed", "note": "the same photograph", "market": "shop"}
    done = await client.post(f"/rings/{number}/judge", data=form)
    assert (done.status_code, done.headers["location"]) == (303, f"/rings?market=shop#ring-{number}")
    again = await client.post(f"/v1/ring-findings/{number}/judge", json={"verdict": "dismissed", "by": "Boris"})
    assert again.status_code == 409
    assert "the same photograph" in (await client.get("/rings?market=shop")).text
    (kept,) = (await client.get("/v1/ring-findings?judged=true")).json()
    assert (kept["verdict"], kept["reviewed_by"]) == ("confirmed", "Anna")


def test_in_the_picture_everybody_has_a_place_of_its_own() -> None:
    shared = [Shared("device", 8, False)]
    first = [NamedStep("me", f"a{number}", shared, 1.0) for number in range(7)]
    ring = [Linked(step.after, [step]) for step in first]
    ring += [
        Linked(f"b{number}", [first[number % 7], NamedStep(first[number % 7].after, f"b{number}", shared, 1.0)])
        for number in range(14)
    ]
    dots = picture(Links("me", "shop", 22, ring, [], [], []))
    assert len({(dot.x, dot.y) for dot in dots}) == len(dots) == 22
    assert (dots[0].account, dots[0].before) == ("me", None)
    for dot in dots[1:]:
        assert dot.before is not None
        assert dot.before.account == ("me" if dot.account.startswith("a") else f"a{int(dot.account[1:]) % 7}")
        assert dot.before.x < dot.x
    assert picture(Links("me", "shop", 0, [], [], [], [])) == []
