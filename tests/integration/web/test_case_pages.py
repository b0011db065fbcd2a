"""The pages of the people who work on cases: what they show, what their forms do, and what they refuse."""

import re
from urllib.parse import urlencode

import httpx
import pytest

from evenhand.casework import Casework
from evenhand.desk import Desk
from evenhand.store import Database
from tests.integration.web.conftest import application, order

HOSTILE = "<script>alert(1)</script>"
HTMX = {"hx-request": "true", "content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def case(client: httpx.AsyncClient) -> str:
    """A case that waits for a person."""
    await client.post("/v1/markets/bazaar/orders", json=order(1))
    number = (await client.post("/v1/markets/bazaar/applications", json=application(1))).json()["case"]
    for action, by, fields in (
        ("messages", {"role": "merchant", "id": "store-1"}, {"text": HOSTILE}),
        ("offers", {"role": "merchant", "id": "store-1"}, {"kind": "retention", "amount": 2_000}),
        ("escalate", {"role": "merchant", "id": "store-1"}, {"why": "We cannot agree."}),
    ):
        answer = await client.post(f"/v1/cases/{number}/{action}", json={"by": by, **fields})
        assert answer.status_code == 200, answer.text
    return number


async def send(client: httpx.AsyncClient, case: str, action: str, *fields: tuple[str, str]) -> str:
    answer = await client.post(f"/cases/{case}/act/{action}", content=urlencode(fields), headers=HTMX)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_the_inbox_leads_to_the_case(client: httpx.AsyncClient, case: str) -> None:
    for lang, heading in (("en", "Cases that wait for a person"), ("zh", "待人工处理的案件")):
        page = (await client.get("/inbox", params={"lang": lang})).text
        assert heading in page
        assert f'href="/cases/{case}#life"' in page


async def test_a_case_shows_its_thread_in_both_languages(client: httpx.AsyncClient, case: str) -> None:
    english = (await client.get(f"/cases/{case}", params={"lang": "en"})).text
    assert HOSTILE not in english
    assert "&lt;script&gt;alert(1)" in english
    assert "retention offer: partial refund" in english
    assert "waiting for a person" in english
    chinese = (await client.get(f"/cases/{case}", params={"lang": "zh"})).text
    assert "挽留方案：部分退款" in chinese
    assert "<h3>补贴基金</h3>" in chinese
    assert re.search(r">剩余 \d+ (天|小时 \d+ 分钟)</small>", chinese)
    assert re.search(r">\d+ (days|h \d+ min) left</small>", english)


async def test_what_is_due_is_a_sentence_of_its_own(client: httpx.AsyncClient) -> None:
    old = {"id": "old", "name": "Old", "policy": "1688", "pinned": "2021", "currency": "CNY", "time_zone": "UTC"}
    await client.post("/v1/markets", json=old)
    bare = {"id": "1", "merchant": "store-1", "amount": 10_000, "category": ""}
    await client.post("/v1/markets/old/orders", json=order(1, lines=[bare]))
    ruled = await client.post("/v1/markets/old/applications", json=application(1, remedy="exchange"))
    page = (await client.get(f"/cases/{ruled.json()['case']}", params={"lang": "en"})).text
    assert "Nothing needs to be returned. An answer is due by " in page
    assert "<dd><bdi>–</bdi></dd>" in page, "an order line without a category"


async def test_an_ordinary_case_does_not_say_that_its_row_was_not_carried_out(
    client: httpx.AsyncClient, case: str
) -> None:
    for lang, lit, hint in (
        ("en", "<h2>The row that decided", "not carried out"),
        ("zh", "<h2>作出裁决的规则行", "未予执行"),
    ):
        page = (await client.get(f"/cases/{case}", params={"lang": lang})).text
        assert lit in page
        assert hint not in page


async def test_a_person_takes_a_case_and_rules_it(client: httpx.AsyncClient, case: str) -> None:
    assert "say who you are" in await send(client, case, "claim", ("version", "3"))
    chinese = await client.post(f"/cases/{case}/act/claim", headers={**HTMX, "accept-language": "zh-CN"})
    assert "请填写您的姓名" in chinese.text
    taken = await send(client, case, "claim", ("version", "3"), ("me", "Anna"))
    assert "Held by" in taken
    assert 'name="outcome"' in taken
    stale = await send(client, case, "release", ("version", "3"), ("me", "Anna"))
    assert "at version 4, not 3" in stale
    wrong = await send(
        client, case, "rule", ("version", "4"), ("me", "Anna"), ("outcome", "subsidise"), ("amount", "1.234")
    )
    assert "more decimals than CNY has" in wrong
    none = await send(client, case, "rule", ("version", "4"), ("me", "Anna"), ("outcome", "subsidise"))
    assert "rests on at least one ground" in none
    done = await send(
        client, case, "rule", ("version", "4"), ("me", "Anna"), ("outcome", "refund_by_merchant"), ("amount", "30.00"),
        ("grounds", "goods.defective"), ("note", HOSTILE),
    )  # fmt: skip
    assert "s-closed" in done
    assert "30.00 CNY" in done
    assert HOSTILE not in done
    statement = (await client.get(f"/cases/{case}/statement", params={"party": "merchant", "lang": "zh"})).text
    assert "商家向买家退款30.00 CNY" in statement
    assert HOSTILE not in statement


async def test_what_a_person_ruled_stands_at_the_head_and_in_the_list(client: httpx.AsyncClient, case: str) -> None:
    (line,) = (await client.get("/v1/cases")).json()["cases"]
    assert line["stands"] is None
    first = line["outcome"]
    await send(client, case, "claim", ("version", "3"), ("me", "Anna"))
    ruling = {
        "version": "4",
        "me": "Anna",
        "outcome": "refund_by_merchant",
        "amount": "50.00",
        "grounds": "goods.defective",
    }
    ruled = await client.post(f"/cases/{case}/act/rule", content=urlencode(ruling), headers=HTMX)
    assert ruled.headers["hx-refresh"] == "true", "the head of the page changes with it"
    (line,) = (await client.get("/v1/cases")).json()["cases"]
    assert (line["outcome"], line["amount"]) == (first, 0), "what was first ruled stays as it was"
    stands = line["stands"]
    assert (stands["outcome"], stands["payer"], stands["amount"]) == ("refund_by_merchant", "merchant", 5_000)
    assert stands["source"] == "person"
    for lang, head, decided, row in (
        ("en", "The merchant refunds 50.00 CNY to the buyer.", "Decided by a person", "now "),
        ("zh", "商家向买家退款50.00 CNY。", "由人工裁决", "现为："),
    ):
        page = (await client.get(f"/cases/{case}", headers={"accept-language": lang})).text
        top = page[page.index('<section class="ruling') : page.index("</section>")]
        assert head in top
        assert decided in top
        assert f"<dd>{'merchant' if lang == 'en' else '商家'}</dd>" in top
        assert f'class="badge o-{first}"' in top
        listed = (await client.get("/cases", headers={"accept-language": lang})).text
        assert row in listed
        assert "50.00 CNY" in listed


async def test_what_the_parties_agreed_stands_at_the_head(client: httpx.AsyncClient) -> None:
    await client.post("/v1/markets/bazaar/orders", json=order(1))
    number = (await client.post("/v1/markets/bazaar/applications", json=application(1))).json()["case"]
    for action, role, who, fields in (
        ("offers", "merchant", "store-1", {"kind": "partial_refund", "amount": 2_000}),
        ("accept", "buyer", "buyer-1", {"offer": 1}),
    ):
        answer = await client.post(f"/v1/cases/{number}/{action}", json={"by": {"role": role, "id": who}, **fields})
        assert answer.status_code == 200, answer.text
    for lang, head in (
        ("en", "The merchant refunds 20.00 CNY to the buyer, as agreed."),
        ("zh", "双方协商一致，商家向买家退款20.00 CNY"),
    ):
        assert head in (await client.get(f"/cases/{number}", headers={"accept-language": lang})).text


async def test_somebody_else_cannot_rule_a_case_that_is_held(client: httpx.AsyncClient, case: str) -> None:
    await send(client, case, "claim", ("version", "3"), ("me", "Anna"))
    client.cookies.clear()
    refused = await send(
        client, case, "rule", ("version", "4"), ("me", "Boris"), ("outcome", "decline"), ("grounds", "goodwill")
    )
    assert "Anna holds this case" in refused
    assert not re.search(r'name="outcome"', refused)


async def test_without_scripts_a_page_says_what_was_wrong_with_a_form(client: httpx.AsyncClient, case: str) -> None:
    html = {"accept": "text/html", "content-type": "application/x-www-form-urlencoded"}
    for content, status, said in (
        ("version=3", 400, "me: say who you are"),
        ("version=2&me=Anna", 412, "at version 3, not 2"),
    ):
        answer = await client.post(f"/cases/{case}/act/claim", content=content, headers=html)
        assert answer.status_code == status
        assert said in answer.text
        assert "sent before with another body" not in answer.text


@pytest.mark.parametrize(("field", "value"), [("party", "king"), ("lang", "fr"), ("decision", "x"), ("decision", "²")])
async def test_a_statement_that_there_is_not_is_refused_by_name(
    client: httpx.AsyncClient, case: str, field: str, value: str
) -> None:
    answer = await client.get(f"/cases/{case}/statement", params={field: value}, headers={"accept": "text/html"})
    assert answer.status_code == 400
    assert f"{field}: " in answer.text


async def test_forms_of_other_sites_are_not_taken(client: httpx.AsyncClient, case: str) -> None:
    answer = await client.post(
        f"/cases/{case}/act/claim", content="me=Eve&version=3", headers={**HTMX, "sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403


async def test_what_is_not_there_is_a_404(client: httpx.AsyncClient, case: str) -> None:
    assert (await client.get("/cases/999/statement")).status_code == 404
    assert (await client.post(f"/cases/{case}/act/explode", content="me=Anna", headers=HTMX)).status_code == 404


async def test_staff_asks_for_a_fresh_photograph(client: httpx.AsyncClient, case: str) -> None:
    wrong = await send(client, case, "ask-photo", ("me", "Anna"), ("hours", "9999"))
    assert "is between 1 and 720" in wrong
    asked = await send(client, case, "ask-photo", ("me", "Anna"), ("hours", "48"))
    code = re.search(r'<span class="code">([A-Z0-9]{6})</span>', asked)
    assert code is not None
    assert code[1] in (await client.get(f"/v1/cases/{case}/evidence")).text
    request = re.search(r'name="request" value="(\d+)"', asked)
    assert request is not None
    fields = (("me", "Anna"), ("evidence", "sha256-nothing"), ("shows_code", "yes"))
    assert "there is no evidence" in await send(client, case, "check-photo", ("request", request[1]), *fields)
    assert "is no request of this case" in await send(client, case, "check-photo", ("request", "99"), *fields)


async def test_a_panel_is_convened_and_its_result_is_shown_without_names(
    client: httpx.AsyncClient, case: str, desk: Desk, database: Database
) -> None:
    users = [
        order(100 + n, id=f"j{n}", buyer=f"juror-{n}", placed_at="2025-10-01T12:00:00+08:00", delivered_at=None,
              lines=[{"id": "1", "merchant": "store-7", "amount": 1_000, "category": "toys"}])
        for n in range(8)
    ]  # fmt: skip
    await client.post("/v1/markets/bazaar/orders", json=users)
    settings = {"panel": {"jurors": 3, "majority": 2, "sure": None, "days_known": 30, "orders": 1}}
    await client.put("/v1/markets/bazaar/case-settings", params={"by": "ops"}, json=settings)
    convened = await send(client, case, "convene", ("version", "3"), ("me", "Anna"))
    assert "asked for a panel" in convened
    work = Casework(desk, database, clock=desk.now)
    assert await work.tick() == 1
    seen = (await client.get(f"/v1/cases/{case}/panel")).json()
    page = (await client.get(f"/cases/{case}", params={"lang": "en"})).text
    assert "0 of 3 jurors have voted" in page
    for juror, side in zip(seen["jurors"][:2], ("buyer", "buyer"), strict=True):
        vote = {"juror": juror, "side": side, "reason": f"{HOSTILE} The seam is open."}
        assert (await client.post(f"/v1/cases/{case}/votes", json=vote)).status_code == 200
    english = (await client.get(f"/cases/{case}", params={"lang": "en"})).text
    assert "The panel found for the buyer." in english
    assert "For the buyer: 2. For the merchant: 0. Not voted: 1." in english
    assert english.count("The seam is open.") == 2
    assert HOSTILE not in english
    assert "juror-" not in english
    chinese = (await client.get(f"/cases/{case}", params={"lang": "zh"})).text
    assert "支持买家 2 票，支持商家 0 票，未投票 1 位。" in chinese
