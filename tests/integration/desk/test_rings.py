"""Rings among disputes become findings for a person; the path between two accounts is told by kind."""

import asyncio
import sys
from datetime import timedelta

import msgspec
import pytest

from evenhand.accounts.links import findings, keeping
from evenhand.accounts.links.explaining import explain
from evenhand.accounts.links.findings import Finding
from evenhand.accounts.links.paths import Shared
from evenhand.cli import links, main
from evenhand.desk import Desk, OrderTaken, Ruled
from evenhand.errors import BadInput, Conflict, UnknownThing
from evenhand.records import Application, Attributes, Order, OrderLine
from evenhand.simulation import MARKETS, planted, simulate
from evenhand.simulation.finding import grouped
from evenhand.store import Database

from .conftest import NOW, make_application, make_order

RING = [f"ring-{number}" for number in range(8)]
ROBBED = [f"robbed-{number}" for number in range(5)]


async def disputes(desk: Desk, pairs: list[tuple[str, str]], *, devices: bool = True, days: int = 0) -> None:
    """An order and a refund-only application for each (buyer, store)."""
    placed = NOW - timedelta(days=20 + days)
    orders = [
        make_order(
            0,
            id=f"o-{days}-{number}",
            buyer=buyer,
            placed_at=placed,
            promised_at=None,
            delivered_at=None,
            lines=[OrderLine("1", store, 10_000, "toys")],
            attributes=Attributes(device=["farm"]) if devices and buyer in RING[:4] else None,
        )
        for number, (buyer, store) in enumerate(pairs)
    ]
    await desk.take_orders([("shop", order) for order in orders])
    applications: list[tuple[str, Application]] = [
        ("shop", make_application(0, id=f"a-{order.id}", order=order.id, applied_at=placed + timedelta(days=5)))
        for order in orders
    ]
    answers = await desk.rule(applications)
    assert all(isinstance(answer, Ruled) for answer in answers), answers


def honest() -> list[tuple[str, str]]:
    """Two hundred buyers with one to three disputes each, most of them with the same few stores."""
    return [
        (f"buyer-{number}", f"store-{(number * (step + 3) ** 2) % (7 if step else 60)}")
        for number in range(200)
        for step in range(1 + number % 3)
    ]


async def look(database: Database, desk: Desk, days: int = 0) -> tuple[int, list[Finding]]:
    async with database.pool.acquire() as connection, connection.transaction():
        new = await findings.look(connection, "shop", NOW + timedelta(days=days))
        return new, await findings.findings(connection, "shop")


async def test_a_ring_is_found_once_with_what_a_person_needs_to_judge_it(desk: Desk, database: Database) -> None:
    ring = [(buyer, store) for buyer in RING for store in ROBBED]
    camouflage = [(buyer, f"store-{number}") for number, buyer in enumerate(RING)]
    await disputes(desk, honest() + ring + camouflage)
    new, found = await look(database, desk)
    assert new == 1
    (one,) = found
    assert (one.buyers, one.merchants) == (RING, ROBBED)
    assert (one.disputes, one.refund_only, one.linked_buyers) == (40, 40, 4)
    assert one.density > one.chance > 0
    assert one.verdict is None

    new, (again,) = await look(database, desk, days=1)
    assert new == 0
    assert (again.no, again.first_found, again.last_found) == (one.no, one.first_found, NOW + timedelta(days=1))

    async with database.pool.acquire() as connection:
        await findings.judge(connection, one.no, "dismissed", by="Li Na", now=NOW, note="a school class")
        assert await findings.findings(connection, "shop") == []
        (judged,) = await findings.findings(connection, judged=True)
        assert (judged.verdict, judged.reviewed_by, judged.note) == ("dismissed", "Li Na", "a school class")
        with pytest.raises(Conflict, match="was dismissed by Li Na"):
            await findings.judge(connection, one.no, "confirmed", by="Zhang", now=NOW)
        with pytest.raises(UnknownThing):
            await findings.judge(connection, one.no + 1, "confirmed", by="Zhang", now=NOW)
    assert (await look(database, desk, days=2))[1] == [], "what a person dismissed does not come back"


async def test_a_finding_changes_nothing_for_those_it_names(desk: Desk, database: Database) -> None:
    await disputes(desk, honest() + [(buyer, store) for buyer in RING for store in ROBBED], devices=False)
    assert (await look(database, desk))[0] == 1
    assert await database.pool.fetchval("select count(*) from label") == 0
    assert await database.pool.fetchval("select count(*) from link_member") == 0
    assert await database.pool.fetchval("select bool_or(labelled or linked) from account") is False


async def test_honest_disputes_and_old_ones_make_no_finding(desk: Desk, database: Database) -> None:
    await disputes(desk, [(buyer, store) for buyer in RING for store in ROBBED], days=100)
    assert await look(database, desk) == (0, [])
    await disputes(desk, honest())
    assert await look(database, desk) == (0, [])
    async with database.pool.acquire() as connection:
        with pytest.raises(UnknownThing, match="there is no market 'nowhere'"):
            await findings.look(connection, "nowhere", NOW)


async def test_an_erased_person_is_in_no_finding(desk: Desk, database: Database) -> None:
    await disputes(desk, honest() + [(buyer, store) for buyer in RING for store in ROBBED])
    await look(database, desk)
    number, market = await database.pool.fetchrow("select no, market from account where id = 'ring-3'") or (0, 0)
    async with database.pool.acquire() as connection, connection.transaction():
        await keeping.forget(connection, number, market)
        (one,) = await findings.findings(connection)
    assert one.buyers == [buyer for buyer in RING if buyer != "ring-3"]


async def test_the_path_between_two_accounts_is_told_by_kind(desk: Desk, database: Database) -> None:
    used = {
        "ann": Attributes(device=["tablet"], address=["the tower"]),
        "bob": Attributes(device=["tablet"], address=["1 Wensan Road"], phone=["138"]),
        "eve": Attributes(address=["1 wensan road"], phone=["138"]),
        "tom": Attributes(address=["the tower"]),
    } | {f"tenant-{number}": Attributes(address=["the tower"]) for number in range(30)}
    await desk.take_orders(
        [("shop", make_order(0, id=f"o-{buyer}", buyer=buyer, attributes=what)) for buyer, what in used.items()]
    )
    async with database.pool.acquire() as connection:
        found = await explain(connection, "shop", "ann", "eve")
        assert found.linked
        assert [(step.before, step.after) for step in found.path] == [("ann", "bob"), ("bob", "eve")]
        assert found.path[0].shared == [Shared("device", 2, False)]
        assert found.path[1].shared == [Shared("address", 2, False), Shared("phone", 2, False)]
        assert found.shared == []

        neighbours = await explain(connection, "shop", "ann", "tom")
        assert not neighbours.linked
        assert neighbours.shared == [Shared("address", 21, True)]
        with pytest.raises(UnknownThing, match="has no buyer 'nobody'"):
            await explain(connection, "shop", "ann", "nobody")
        with pytest.raises(BadInput, match="'ann' is the first buyer again"):
            await explain(connection, "shop", "ann", "ann")


async def test_the_command_line_finds_lists_judges_and_shows_the_path(
    desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await disputes(desk, honest() + [(buyer, store) for buyer in RING for store in ROBBED])
    monkeypatch.setattr(links, "utc_now", lambda: NOW)

    async def run(*words: str) -> tuple[int, str]:
        """`evenhand account ...`; its exit code and what it printed."""
        monkeypatch.setattr(sys, "argv", ["evenhand", "account", *words, "--database", database.url])
        with pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(main)
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    code, printed = await run("rings", "--market", "shop", "--find", "--json")
    found = msgspec.json.decode(printed)
    assert (code, found["new"], found["findings"][0]["buyers"]) == (0, 1, RING)
    assert "evidence for a person" in (await run("rings"))[1]
    number = str(found["findings"][0]["no"])
    assert (await run("judge-ring", number, "--confirm", "--by", "Li Na"))[0] == 0
    assert "No ring waits" in (await run("rings"))[1]
    assert "confirmed by Li Na" in (await run("rings", "--all"))[1]

    code, printed = await run("link", "ring-0", "ring-2", "--market", "shop")
    assert (code, printed) == (
        0, "ring-0 and ring-2 are linked:\n  ring-0 - ring-2: the same device (4 accounts)\n"
    )  # fmt: skip
    assert (await run("link", "ring-0", "ring-7", "--market", "shop"))[0] == 1
    for wrong, said in (
        (("link", "ring-0", "nobody", "--market", "shop"), "has no buyer 'nobody'"),
        (("rings", "--find"), "say in which market"),
        (("judge-ring", number, "--by", "Li Na"), "give one of the two"),
        (("judge-ring", number, "--dismiss", "--by", "Zhang"), "was confirmed by Li Na"),
        (("judge-ring", "99", "--dismiss", "--by", "Zhang"), "there is no finding 99"),
    ):
        code, printed = await run(*wrong)
        assert (code, printed.count("\n")) == (2, 1)
        assert said in printed


async def test_a_synthetic_market_is_searched_up_to_its_last_event(
    desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await disputes(desk, honest() + [(buyer, store) for buyer in RING for store in ROBBED])
    found: list[int] = []
    for days, at in ((500, "2024-01-01"), (500, None), (501, None)):
        monkeypatch.setattr(links, "utc_now", lambda days=days: NOW + timedelta(days=days))
        await asyncio.to_thread(
            links.show_rings, "shop", find=True, at=at, judged=False, data=None, database=database.url, as_json=True
        )
        found.append(msgspec.json.decode(capsys.readouterr().out)["new"])
    assert found == [0, 1, 0]


async def test_the_planted_rings_are_kept_and_a_neighbour_at_a_hub_has_no_ring(desk: Desk, database: Database) -> None:
    for market in MARKETS:
        await desk.add_market(market, synthetic=True)
    first = [
        (event.market, event.what)
        for event in simulate(20_000, 4)
        if isinstance(event.what, Order) and event.what.attributes
    ]
    for begin in range(0, len(first), 200):
        answers = await desk.take_orders(first[begin : begin + 200])
        assert all(isinstance(answer, OrderTaken) for answer in answers)
    rows = await database.pool.fetch(
        "select m.id as market, array_agg(a.id) as ids from link_member l join account a on a.no = l.account "
        "join market m on m.no = a.market group by m.id, l.ring"
    )
    truth = planted(20_000, 4)
    for market in MARKETS:
        used = {order.buyer: msgspec.to_builtins(order.attributes) for where, order in first if where == market.id}
        found = {frozenset(row["ids"]) for row in rows if row["market"] == market.id}
        assert found == set(grouped(used))
        linked = {buyer for ring in found for buyer in ring}
        neighbours = sorted((truth.locker[market.id] & truth.office[market.id] & used.keys()) - linked)
        assert neighbours
        order = next(order for where, order in first if (where, order.buyer) == (market.id, neighbours[0]))
        application = Application(
            "hub", order.id, "1", "refund_only", "unshipped", "no_reason", 100, "CNY", attributes=order.attributes
        )
        (ruled,) = await desk.rule([(market.id, application)])
        assert isinstance(ruled, Ruled), ruled
        facts = msgspec.json.decode(
            await database.pool.fetchval("select a.facts::text from application a where no = $1", int(ruled.case))
        )
        assert {value for name, value in facts["history"].items() if name.startswith("ring_")} == {0}
