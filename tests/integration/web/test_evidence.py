"""Evidence over HTTP: up as a file, down as a harmless copy, and known again when it comes in another case."""

import asyncio
import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import ExifTags, Image

from evenhand.store import Database
from evenhand.web.evidence import MOST_UPLOADS
from tests.unit.evidence.pictures import bomb, noise, photo, saved

from .conftest import SHOP, application, order

pytestmark = pytest.mark.usefixtures("orders")
BAZAAR = "/v1/markets/bazaar"


@pytest.fixture(autouse=True)
def vault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the site of the test keeps files."""
    monkeypatch.setenv("EVENHAND_EVIDENCE", str(tmp_path / "evidence"))
    return tmp_path / "evidence"


@pytest.fixture
async def orders(vault: Path, client: httpx.AsyncClient) -> None:
    for market in (SHOP, BAZAAR):
        answer = await client.post(f"{market}/orders", json=[order(number) for number in range(10)])
        assert answer.status_code == 200


async def upload(client: httpx.AsyncClient, data: bytes, query: str = "", market: str = BAZAAR) -> dict[str, Any]:
    answer = await client.post(f"{market}/evidence{query}", content=data)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_photograph_goes_up_and_comes_down_as_a_harmless_copy(client: httpx.AsyncClient) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (31.0, 14.0, 9.0)
    data = saved(photo("rocket.jpg"), exif=exif)
    taken = await upload(client, data)
    assert taken["kind"] == "jpeg"
    assert taken["alike"] == []
    assert (await client.get(f"/v1/evidence/{taken['id']}/about")).json() == taken
    copy = await client.get(f"/v1/evidence/{taken['id']}")
    assert copy.status_code == 200
    headers = copy.headers
    assert headers["content-type"] == "image/jpeg"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"] == f'attachment; filename="{taken["id"]}.jpg"'
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    with Image.open(io.BytesIO(copy.content)) as image:
        assert image.size == photo("rocket.jpg").size
        assert not image.getexif()


async def test_text_that_looks_like_a_page_comes_down_as_text(client: httpx.AsyncClient) -> None:
    taken = await upload(client, b"broken <script>alert(1)</script>")
    copy = await client.get(f"/v1/evidence/{taken['id']}")
    assert copy.headers["content-type"] == "text/plain; charset=utf-8"
    assert copy.headers["content-disposition"].startswith("attachment")
    assert copy.content == b"broken <script>alert(1)</script>"


async def test_a_reused_photograph_is_declined_and_the_case_says_where_it_was_shown(
    client: httpx.AsyncClient,
) -> None:
    first = await upload(client, saved(photo("coffee.png")))
    one = (await client.post(f"{BAZAAR}/applications", json=application(1, evidence=[first["id"]]))).json()
    mirrored = photo("coffee.png").transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    again = await upload(client, saved(mirrored, quality=50))
    assert [(like["evidence"], like["cases"]) for like in again["alike"]] == [(first["id"], [one["case"]])]
    two = (await client.post(f"{BAZAAR}/applications", json=application(2, evidence=[again["id"]]))).json()
    assert two["outcome"] == "decline", two
    shown = (await client.get(f"/v1/cases/{two['case']}/evidence")).json()["shown"]
    assert [(piece["evidence"], piece["seen_in"]) for piece in shown] == [(again["id"], [one["case"]])]
    assert (await client.get(f"/v1/cases/{two['case']}")).json()["facts"]["abuse"]["reused_evidence"] is True


async def test_whoever_works_on_a_case_sees_its_evidence_and_where_it_was_shown_before(
    client: httpx.AsyncClient, database: Database
) -> None:
    data = saved(photo("coffee.png"))
    first, again = [await upload(client, data), await upload(client, data)]
    text = await upload(client, b"the seam is open")
    one = (await client.post(f"{BAZAAR}/applications", json=application(1, evidence=[first["id"], text["id"]]))).json()
    two = (await client.post(f"{BAZAAR}/applications", json=application(2, evidence=[again["id"]]))).json()
    client.cookies.set("adjudicator", "Anna")
    for lang, before, look, name in (
        ("en", "Shown before", "Look at it", f">case {one['case']}</a>"),
        ("zh", "此前已用于", "查看图片", f">案件 {one['case']}</a>"),
    ):
        page = (await client.get(f"/cases/{two['case']}", headers={"accept-language": lang})).text
        assert before in page
        assert f'href="/cases/{one["case"]}#evidence"{name}' in page
        assert look in page
    copy = f"/v1/evidence/{again['id']}?by=Anna"
    assert f'src="{copy}"' in page
    assert (await client.get(copy)).headers["content-type"] == "image/jpeg"
    log = (await client.get(f"/v1/evidence/{again['id']}/custody")).json()["entries"]
    assert [(entry["action"], entry["who"]) for entry in log[1:]] == [("looked_at", "Anna")], (
        "the page alone is no look"
    )
    fresh = (await client.get(f"/cases/{one['case']}", headers={"accept-language": "en"})).text
    assert 'id="evidence"' in fresh
    assert "Shown before" not in fresh
    assert f'href="/v1/evidence/{text["id"]}?by=Anna"' in fresh
    assert fresh.count("<img") == 1
    await database.pool.execute("alter table evidence disable trigger all")
    await database.pool.execute(
        "update evidence set removed_at = now(), removed_why = 'retention', pdq = null, windows = null, thumbnail = null"
        " where id = $1",
        again["id"],
    )
    gone = (await client.get(f"/cases/{two['case']}", headers={"accept-language": "en"})).text
    assert "The file was removed on" in gone
    assert copy not in gone


HOSTILE = {
    "nothing": (b"", 400, "empty"),
    "a page": (b"<html><script>alert(1)</script></html>", 400, "HTML"),
    "SVG": (b"<svg onload='alert(1)'/>", 400, "SVG"),
    "an archive": (b"PK\x03\x04" + b"\0" * 100, 400, "ZIP"),
    "giant dimensions": (bomb(9_000), 400, "64,000,000"),
    "broken": (b"\xff\xd8\xff\xe0" + b"\0" * 10, 400, "broken"),
    "tracking that is wrong": (b'{"carrier": "SF", "number": 5, "events": []}', 400, "str"),
    "too large": (b"\xff\xd8\xff" + b"\0" * (12 * 2**20), 413, ""),
}


async def test_what_is_hostile_is_a_problem_and_leaves_nothing(
    client: httpx.AsyncClient, database: Database, vault: Path
) -> None:
    for name, (data, status, says) in HOSTILE.items():
        answer = await client.post(f"{SHOP}/evidence", content=data, headers={"content-type": "image/jpeg"})
        assert answer.status_code == status, (name, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert says in answer.json()["detail"], name
    assert await database.pool.fetchval("select count(*) from evidence") == 0
    assert not vault.exists()


async def test_what_there_is_not_or_is_not_allowed_is_told(client: httpx.AsyncClient) -> None:
    data = saved(noise(1))
    for path, status, field in (
        ("/v1/markets/nowhere/evidence", 404, "market"),
        (f"{SHOP}/evidence?party=thief", 400, "party"),
        (f"{SHOP}/evidence?case=999999", 422, "case"),
        (f"{SHOP}/evidence?case=-1", 400, "case"),
        (f"{SHOP}/evidence?case=many", 400, "case"),
    ):
        answer = await client.post(path, content=data)
        assert (answer.status_code, answer.json().get("field")) == (status, field), answer.text
    for path in (
        "/v1/evidence/ev_0",
        "/v1/evidence/ev_%00",
        "/v1/evidence/ev_0/about",
        "/v1/cases/x/evidence",
        "/v1/cases/999/evidence",
    ):
        assert (await client.get(path)).status_code == 404, path
    packed = await client.post(f"{SHOP}/evidence", content=data, headers={"content-encoding": "gzip"})
    assert packed.status_code == 415


async def test_a_key_belongs_to_one_file(client: httpx.AsyncClient) -> None:
    headers = {"idempotency-key": "one"}
    assert (await client.post(f"{SHOP}/evidence", content=b"a text", headers=headers)).status_code == 201
    assert (await client.post(f"{SHOP}/evidence", content=b"a text", headers=headers)).status_code == 201
    assert (await client.post(f"{SHOP}/evidence", content=b"another", headers=headers)).status_code == 422


async def test_when_files_cannot_be_kept_the_answer_is_to_try_again(
    client: httpx.AsyncClient, database: Database, vault: Path
) -> None:
    vault.write_text("in the way")
    answer = await client.post(f"{SHOP}/evidence", content=b"a text")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/store-away")
    assert str(vault) not in answer.text
    assert await database.pool.fetchval("select count(*) from evidence") == 0


async def test_more_files_than_memory_is_meant_for_are_put_off(client: httpx.AsyncClient) -> None:
    data = saved(noise(1, 400), "PNG")
    answers = await asyncio.gather(*(client.post(f"{SHOP}/evidence", content=data) for _ in range(MOST_UPLOADS + 8)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {201, 503}
    assert statuses.count(201) >= MOST_UPLOADS
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 503)
    assert (await client.post(f"{SHOP}/evidence", content=data)).status_code == 201


async def test_a_fresh_photograph_is_asked_for_and_a_person_says_what_it_shows(client: httpx.AsyncClient) -> None:
    case = (await client.post(f"{BAZAAR}/applications", json=application(1))).json()["case"]
    asked = await client.post(f"/v1/cases/{case}/photo-requests", json={"asked_by": "Lin"})
    assert asked.status_code == 201, asked.text
    request = asked.json()
    assert len(request["code"]) == 6
    taken = await upload(client, saved(noise(4)), f"?case={case}")
    wrong = await client.post(
        f"/v1/photo-requests/{request['request']}/check",
        json={"evidence": taken["id"], "shows_code": "perhaps", "checked_by": "Wu"},
    )
    assert (wrong.status_code, wrong.json()["field"]) == (400, "shows_code")
    word = {"evidence": taken["id"], "shows_code": True, "checked_by": "Wu"}
    checked = await client.post(f"/v1/photo-requests/{request['request']}/check", json=word)
    assert checked.json()["check"]["shows_code"] is True, checked.text
    again = await client.post(f"/v1/photo-requests/{request['request']}/check", json=word)
    assert again.status_code == 409
    whole = (await client.get(f"/v1/cases/{case}/evidence")).json()
    assert [piece["evidence"] for piece in whole["shown"]] == [taken["id"]]
    assert whole["photo_requests"] == [checked.json()]
    nowhere = await client.post("/v1/cases/999999/photo-requests", json={"asked_by": "Lin"})
    assert nowhere.status_code == 404


async def test_who_had_it_in_hand_how_long_it_is_kept_and_a_legal_hold(client: httpx.AsyncClient) -> None:
    taken = await upload(client, b"the cup is broken", market=SHOP)
    ruled = (await client.post(f"{SHOP}/applications", json=application(0, evidence=[taken["id"]]))).json()
    case = f"/v1/cases/{ruled['case']}"
    await client.get(f"/v1/evidence/{taken['id']}", params={"by": "Lin"})
    log = (await client.get(f"/v1/evidence/{taken['id']}/custody")).json()
    assert log["unbroken"] is True
    assert [(one["action"], one["who"]) for one in log["entries"]] == [("received", "buyer"), ("looked_at", "Lin")]

    kept = (await client.get(f"{case}/evidence-keeping")).json()
    assert (kept["shown"], kept["hold"], kept["until"]) == (1, None, "2026-09-01T04:00:00Z")
    page = await client.get(f"/cases/{ruled['case']}?lang=en")
    assert "1 shown; kept until 2026-09-01 12:00" in page.text
    assert (await client.put(f"{SHOP}/evidence-retention", json={"by": "Chen", "months": 3})).json()[
        "field"
    ] == "months"
    longer = (await client.put(f"{SHOP}/evidence-retention", json={"by": "Chen", "months": 24})).json()
    assert (await client.get(f"{SHOP}/evidence-retention")).json() == longer
    assert (await client.get(f"{case}/evidence-keeping")).json()["until"] == "2028-03-01T04:00:00Z"

    held = await client.post(f"{case}/legal-hold", json={"by": "Chen", "why": "lawsuit 2026-17"})
    assert held.status_code == 201
    assert (await client.post(f"{case}/legal-hold", json={"by": "Chen", "why": "again"})).status_code == 409
    assert (await client.get("/v1/legal-holds", params={"market": "shop"})).json() == [held.json()]
    refused = await client.post("/v1/accounts/buyer-0/erase", json={"market": "shop", "by": "Li", "despite": "x"})
    assert refused.status_code == 409
    assert f"under legal hold: case {ruled['case']}" in refused.json()["detail"]
    for lang, said in (("en", "(lawsuit 2026-17). Nothing is removed"), ("zh", "事由：lawsuit 2026-17）。解除前")):
        page = (await client.get(f"/cases/{ruled['case']}?lang={lang}")).text.replace("<bdi>", "").replace("</bdi>", "")
        assert said in page
    lifted = await client.post(f"{case}/legal-hold/lift", json={"by": "Chen", "why": "settled"})
    assert lifted.json()["lifted_why"] == "settled"
    assert (await client.get("/v1/legal-holds")).json() == []
    for path in (
        "/v1/evidence/ev_none/custody",
        "/v1/cases/999/evidence-keeping",
        "/v1/markets/mars/evidence-retention",
    ):
        assert (await client.get(path)).status_code == 404
    assert (await client.post("/v1/cases/999/legal-hold", json={"by": "Chen", "why": "x"})).status_code == 404
