"""A photograph that its camera vouches for, over HTTP: in the answer, on the case's page, in the statement of reasons."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from evenhand.desk import Desk
from evenhand.errors import BadInput
from evenhand.evidence.capture import ANCHORS_VARIABLE
from evenhand.store import Database
from evenhand.web.app import Site
from tests.unit.evidence.cameras import Cameras, cameras
from tests.unit.evidence.pictures import noise, saved

from .conftest import Visit, application, order

BAZAAR = "/v1/markets/bazaar"
TAKEN = datetime(2026, 2, 13, 1, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cameras:
    """Cameras that the site of the test trusts."""
    made = cameras(tmp_path)
    monkeypatch.setenv("EVENHAND_EVIDENCE", str(tmp_path / "evidence"))
    monkeypatch.setenv(ANCHORS_VARIABLE, str(made.anchors))
    return made


@pytest.fixture
async def cases(shop: Cameras, client: httpx.AsyncClient) -> dict[str, Any]:
    """Two cases: in one a photograph is vouched for, in the other it is not."""
    await client.post(f"{BAZAAR}/orders", json=[order(number) for number in range(10)])
    signed = await client.post(f"{BAZAAR}/evidence", content=shop.take(saved(noise(1)), TAKEN))
    plain = await client.post(f"{BAZAAR}/evidence", content=saved(noise(2)))
    assert (signed.status_code, plain.status_code) == (201, 201)
    filed = [application(1, evidence=[signed.json()["id"]]), application(2, evidence=[plain.json()["id"]])]
    ruled = (await client.post(f"{BAZAAR}/applications", json=filed)).json()
    return {"vouched": ruled[0]["case"], "plain": ruled[1]["case"], "signed": signed.json(), "unsigned": plain.json()}


async def test_the_api_tells_what_the_camera_says(client: httpx.AsyncClient, cases: dict[str, Any]) -> None:
    said = {
        "signer": "Camera Ltd",
        "camera": "Test Camera 1.2",
        "source": "digitalCapture",
        "taken_at": "2026-02-13T01:30:00Z",
        "time_stamped": False,
    }
    assert cases["signed"]["credential"] == said
    assert cases["unsigned"]["credential"] is None
    assert (await client.get(f"/v1/evidence/{cases['signed']['id']}/about")).json()["credential"] == said
    (shown,) = (await client.get(f"/v1/cases/{cases['vouched']}/evidence")).json()["shown"]
    assert (shown["credential"], shown["credential_counts"]) == (said, True)
    case = (await client.get(f"/v1/cases/{cases['vouched']}")).json()
    assert case["facts"]["application"]["capture_credential"] is True
    assert [one["points"] for one in case["abuse_reasons"]] == [-20]
    asked = await client.post(f"/v1/cases/{cases['vouched']}/photo-requests", json={"asked_by": "Lin"})
    assert (asked.status_code, asked.json()["vouched"]) == (201, [cases["signed"]["id"]])


async def test_the_page_says_what_it_tells_and_what_it_does_not(
    client: httpx.AsyncClient, cases: dict[str, Any]
) -> None:
    page = (await client.get(f"/cases/{cases['vouched']}")).text
    for words in (
        "Vouched for by the camera", "Test Camera 1.2", "Camera Ltd", "2026-02-13 09:30", "the camera's own clock",
        "Counts for the buyer.", "a camera can photograph a screen", "another may not be needed",
    ):  # fmt: skip
        assert words in page.replace("&#39;", "'"), words
    chinese = (await client.get(f"/cases/{cases['vouched']}?lang=zh")).text
    for words in (
        "附有拍摄凭证的照片",
        "以设备时钟为准",
        "作为对买家有利的依据",
        "不能证明画面内容",
        "可能无需再提供现拍照片",
    ):
        assert words in chinese, words
    plain = (await client.get(f"/cases/{cases['plain']}")).text
    assert "Vouched" not in plain
    assert "another may not be needed" not in plain


async def test_the_page_says_why_one_does_not_count(client: httpx.AsyncClient, shop: Cameras) -> None:
    await client.post(f"{BAZAAR}/orders", json=[order(number) for number in range(4)])
    delivered, filed = (datetime(2026, 2, day, 4, 0, tzinfo=UTC) for day in (12, 20))
    moments = [delivered - timedelta(hours=1), filed + timedelta(hours=1), TAKEN]
    files = [shop.take(saved(noise(number)), moment) for number, moment in enumerate(moments)]
    names = [(await client.post(f"{BAZAAR}/evidence", content=data)).json()["id"] for data in files]
    merchants = (
        await client.post(f"{BAZAAR}/evidence?party=merchant", content=shop.take(saved(noise(9)), TAKEN))
    ).json()
    filings = [application(number, evidence=[name]) for number, name in enumerate(names)]
    filings[2]["evidence"].append(merchants["id"])
    filings.append(application(3, evidence=[names[2]]))
    ruled = (await client.post(f"{BAZAAR}/applications", json=filings)).json()
    pages = [(await client.get(f"/cases/{one['case']}")).text for one in ruled]
    for page, why in zip(
        pages,
        (
            "it was taken before the goods came",
            "it was taken after it was shown",
            "it was not the buyer who showed it",
            "had been shown about other goods",
        ),
        strict=True,
    ):
        assert page.count("Does not count: ") == 1
        assert why in page
        assert "That speaks against nobody." in page


async def test_names_a_camera_gives_itself_are_only_text(
    client: httpx.AsyncClient, cases: dict[str, Any], database: Database
) -> None:
    await database.pool.execute(
        "alter table capture_credential disable trigger all;"
        "update capture_credential set camera = '<script>alert(1)</script>', signer = '\"><img src=x>'"
    )
    page = (await client.get(f"/cases/{cases['vouched']}")).text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page
    assert "<img src=x>" not in page


async def test_a_list_that_cannot_be_used_keeps_the_site_from_starting(
    desk: Desk, database: Database, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ANCHORS_VARIABLE, "/nowhere/anchors.pem")
    with pytest.raises(BadInput, match=r"cannot read /nowhere/anchors\.pem") as told:
        Site(desk, database)
    assert told.value.field == ANCHORS_VARIABLE
