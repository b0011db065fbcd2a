"""A thread as long as a market can allow: it is read in pages, shown in part, checked whole, and takes no more."""

import httpx

from evenhand.casework import Casework, check_case
from evenhand.desk import Desk
from evenhand.store import Database
from tests.integration.web.conftest import application, order

LONGEST = 10_000
BUYER = {"role": "buyer", "id": "buyer-1"}
MERCHANT = {"role": "merchant", "id": "store-1"}


async def test_ten_thousand_messages(client: httpx.AsyncClient, desk: Desk, database: Database) -> None:
    settings = {"longest_thread": LONGEST}
    await client.put("/v1/markets/bazaar/case-settings", params={"by": "ops"}, json=settings)
    await client.post("/v1/markets/bazaar/orders", json=order(1))
    case = (await client.post("/v1/markets/bazaar/applications", json=application(1))).json()["case"]
    address = f"/v1/cases/{case}"
    # two say one thing each through the API; the rest is written as they would have said it
    for who in (MERCHANT, MERCHANT):
        assert (await client.post(f"{address}/messages", json={"by": who, "text": "word 1"})).status_code == 200
    await database.pool.execute(
        """insert into case_event (case_no, no, at, action, role, who, state, said)
           select case_no, n, at, action, role, who, state, json_build_object('text', 'word ' || n, 'ends', said ->> 'ends')
           from case_event, generate_series(3, $2) as n where case_no = $1 and no = 2""",
        int(case), LONGEST - 1,
    )  # fmt: skip
    await database.pool.execute(
        """update case_file set version = $2,
               stands = (stands::jsonb || jsonb_build_object('version', $2::int, 'thread', $2::int))::json
           where no = $1""",
        int(case), LONGEST - 1,
    )  # fmt: skip
    last = await client.post(f"{address}/messages", json={"by": BUYER, "text": "The last word."})
    assert (last.status_code, last.json()["version"]) == (200, LONGEST), last.text
    full = await client.post(f"{address}/messages", json={"by": BUYER, "text": "One more."})
    assert (full.status_code, full.json()["field"]) == (409, "action")
    assert "takes 10000 messages" in full.json()["detail"]
    read: list[int] = []
    page = f"{address}/timeline?limit=500"
    while page:
        part = (await client.get(page)).json()
        read += [event["no"] for event in part["events"]]
        page = part["next"]
    assert read == list(range(1, LONGEST + 1))
    newest = (await client.get(f"/cases/{case}", params={"lang": "en"})).text
    assert newest.count('<li class="by-') == 200
    assert "The last word." in newest
    assert f"/cases/{case}?before=9801#life" in newest
    older = (await client.get(f"/cases/{case}", params={"lang": "en", "before": "9801"})).text
    assert "word 9800" in older
    assert "word 9601" in older
    assert "The last word." not in older
    first = (await client.get(f"/cases/{case}", params={"lang": "en", "before": "150"})).text
    assert "what happened before" not in first
    assert await check_case(Casework(desk, database, clock=desk.now), int(case)) is None
    # and it can still be ended
    assert (await client.post(f"{address}/withdraw", json={"by": BUYER})).json()["state"] == "closed"
