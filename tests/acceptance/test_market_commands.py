"""Markets and webhooks from the command line: opened once, refused in one line, and nothing half done."""

import json

import pytest

from evenhand.events.addresses import ALLOW_VARIABLE
from tests.acceptance.test_publish_commands import evenhand
from tests.integration.events.conftest import Answer, Got, Receiver

ADD = ("market", "add", "resale", "--policy", "taobao", "--currency", "CNY", "--time-zone", "Asia/Shanghai")


async def test_a_market_is_opened_once(fresh_url: str) -> None:
    code, said, _ = await evenhand(fresh_url, *ADD, "--json")
    assert (code, json.loads(said)["new"]) == (0, True)
    code, said, _ = await evenhand(fresh_url, *ADD, "--json")
    assert (code, json.loads(said)["new"]) == (0, False)
    code, said, _ = await evenhand(fresh_url, "market", "list", "--json")
    (market,) = json.loads(said)["markets"]
    assert (code, market["id"], market["rules_today"]) == (0, "resale", "taobao@2024-08")
    code, _, complaint = await evenhand(fresh_url, *ADD, "--pinned", "2023-12")
    assert code == 2
    assert "another pinned" in complaint


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--currency", "yuan", "--currency"),
        ("--time-zone", "Mars/Olympus", "--time-zone"),
        ("--policy", "nobody", "--policy"),
        ("--pinned", "1999", "--pinned"),
    ],
)
async def test_a_bad_option_is_named_and_opens_nothing(fresh_url: str, option: str, value: str, named: str) -> None:
    code, _, complaint = await evenhand(fresh_url, *ADD, option, value)
    assert code == 2
    assert complaint.startswith(f"evenhand: {named}: ")
    assert complaint.count("\n") == 1
    _, said, _ = await evenhand(fresh_url, "market", "list", "--json")
    assert json.loads(said)["markets"] == []


async def test_a_webhook_is_made_tried_and_deleted(fresh_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver()
    await receiver.start()
    code, _, complaint = await evenhand(fresh_url, "webhooks", "add", receiver.url)
    assert code == 2
    assert complaint == "evenhand: url: events are sent over HTTPS only, not http\n"
    monkeypatch.setenv(ALLOW_VARIABLE, "1")
    code, said, _ = await evenhand(fresh_url, "webhooks", "add", receiver.url, "--id", "main", "--json")
    secret = json.loads(said)["secret"]
    assert code == 0
    code, _, _ = await evenhand(fresh_url, "webhooks", "test", "main")
    assert code == 0
    assert receiver.verified(secret)[0]["type"] == "evenhand.webhook.test"

    async def refuse(got: Got) -> Answer:
        return 500, {}, b""

    receiver.answers = refuse
    code, _, complaint = await evenhand(fresh_url, "webhooks", "test", "main")
    assert (code, complaint) == (1, "evenhand: the test event did not arrive: answered by 500\n")
    code, said, _ = await evenhand(fresh_url, "webhooks", "rotate", "main", "--json")
    assert json.loads(said)["secret"] != secret
    assert (await evenhand(fresh_url, "webhooks", "disable", "main"))[0] == 0
    _, said, _ = await evenhand(fresh_url, "webhooks", "list", "--json")
    assert [one["enabled"] for one in json.loads(said)["webhooks"]] == [False]
    assert (await evenhand(fresh_url, "webhooks", "delete", "main"))[0] == 0
    code, _, complaint = await evenhand(fresh_url, "webhooks", "delete", "main")
    assert (code, complaint) == (2, "evenhand: webhook: there is no webhook 'main'\n")
    await receiver.stop()


async def test_a_market_says_how_many_uncertain_claims_its_people_can_look_at(fresh_url: str) -> None:
    await evenhand(fresh_url, *ADD)
    code, said, _ = await evenhand(fresh_url, "market", "capacity", "resale", "--json")
    assert (code, json.loads(said)) == (0, {"market": "resale", "per_day": None, "today": None})
    code, said, _ = await evenhand(fresh_url, "market", "capacity", "resale", "--per-day", "40", "--by", "ana")
    assert (code, "persons look at 40 a day" in said, "uses no learned score" in said) == (0, True, True)
    code, said, _ = await evenhand(fresh_url, "market", "capacity", "resale", "--no-limit")
    assert (code, "persons look at all of them" in said) == (0, True)
    for options, named in (
        (("resale", "--per-day", "-1"), "--per-day"),
        (("resale", "--per-day", "3", "--no-limit"), "--no-limit"),
        (("nowhere", "--per-day", "3"), "ID"),
    ):
        code, _, complaint = await evenhand(fresh_url, "market", "capacity", *options)
        assert (code, complaint.startswith(f"evenhand: {named}: "), complaint.count("\n")) == (2, True, 1), complaint
