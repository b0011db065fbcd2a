"""Labels: step by step, resting on cases, waiting for a person, contested, over to the moment."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from evenhand.accounts.labelling import STANDARD
from evenhand.accounts.labels import (
    LabelShown,
    appeal,
    decide_appeal,
    decide_proposal,
    end_label,
    labels_in,
    proposals_in,
    set_label,
    statement,
)
from evenhand.desk import Desk, Ruled
from evenhand.errors import BadInput, Conflict
from evenhand.labelling import Labeller, configure
from evenhand.policy import Because, Policy
from evenhand.publishing import publish
from evenhand.records import Market
from evenhand.store import Database

from .conftest import NOW, make_application, make_order

TAOBAO = Market("bazaar", "A synthetic bazaar", "taobao", "CNY", "Asia/Shanghai")
PINDUODUO = Market("group", "A synthetic group", "pinduoduo", "CNY", "Asia/Shanghai")


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(database: Database, clock: Clock) -> AsyncGenerator[Desk]:
    desk = await Desk.open(database, clock=clock)
    for market in (TAOBAO, PINDUODUO):
        await desk.add_market(market, synthetic=True)
        await desk.take_orders([(market.id, make_order(n, buyer="busy")) for n in range(10)])
    yield desk
    await desk.close()


class Shop:
    """Files applications of one buyer, one after the other."""

    def __init__(self, desk: Desk, market: str) -> None:
        self.desk = desk
        self.market = market
        self.filed = 0

    async def file(self, count: int, **changes: Any) -> list[Ruled]:
        answers: list[Ruled] = []
        for _ in range(count):
            self.filed += 1
            filed = make_application(self.filed % 10, id=f"f{self.filed}", amount=10, reason="quality", **changes)
            (answer,) = await self.desk.rule([(self.market, filed)])
            assert isinstance(answer, Ruled), answer
            answers.append(answer)
        return answers


async def through(database: Database, desk: Desk, clock: Clock) -> None:
    labeller = Labeller(database.pool, lambda: desk.markets, clock)
    while await labeller.step():
        pass


async def standing(database: Database, desk: Desk) -> list[tuple[str, str]]:
    numbers = [market.number for market in desk.markets.values()]
    async with database.pool.acquire() as connection:
        return [(one.label, one.set_by) for one in await labels_in(connection, numbers)]


async def test_first_a_warning_then_watched_then_a_person_is_asked(
    database: Database, desk: Desk, clock: Clock
) -> None:
    shop = Shop(desk, "bazaar")
    assert [one.outcome for one in await shop.file(5)].count("decline") == 0
    await through(database, desk, clock)
    assert await standing(database, desk) == []

    declined = await shop.file(2)
    assert {one.outcome for one in declined} == {"decline"}
    await through(database, desk, clock)
    assert await standing(database, desk) == [("warning", "labelling@2")]
    seen = await shop.file(1)  # a warning is seen by no ruling
    facts = await database.pool.fetchval("select a.facts from application a where no = $1", int(seen[0].case))
    assert msgspec.json.decode(facts)["buyer"]["label"] == "none"

    # what is filed before there was time to read it leads to nothing more
    clock.now = NOW + timedelta(days=7) - timedelta(seconds=1)
    await shop.file(3)
    await through(database, desk, clock)
    assert await standing(database, desk) == [("warning", "labelling@2")]
    clock.now = NOW + timedelta(days=7)
    await shop.file(1)
    await through(database, desk, clock)
    assert (await standing(database, desk))[0] == ("watched", "labelling@2")

    await shop.file(2)
    await through(database, desk, clock)
    async with database.pool.acquire() as connection:
        assert await proposals_in(connection, [desk.markets["bazaar"].number]) == []
    clock.now += timedelta(days=7)
    await shop.file(2)
    await through(database, desk, clock)
    assert len(await standing(database, desk)) == 2
    async with database.pool.acquire() as connection, connection.transaction():
        (proposal,) = await proposals_in(connection, [desk.markets["bazaar"].number])
        assert (proposal.label, proposal.account) == ("malicious", "busy")
        assert {one.case for one in declined} <= set(proposal.cases)
        await decide_proposal(connection, proposal.no, "confirmed", by="Li", note=None, now=clock())
        with pytest.raises(Conflict):
            await decide_proposal(connection, proposal.no, "dismissed", by="Li", note=None, now=clock())
        label = (await labels_in(connection, [desk.markets["bazaar"].number]))[0]
    assert (label.label, label.set_by, label.expires_at) == ("malicious", "Li", NOW + timedelta(days=194))
    for told in (label.reason.en, label.reason.zh):
        assert "2026-09-11" in told
    assert "11 applications of this account were intercepted in 90 days" in label.reason.en
    assert "appeal" in label.reason.en
    assert "申诉" in label.reason.zh


async def test_nothing_is_looked_at_twice_and_a_dismissal_is_respected(
    database: Database, desk: Desk, clock: Clock
) -> None:
    async with database.pool.acquire() as connection:
        await configure(connection, desk.markets["bazaar"], "warning", None, by="Li", now=clock())
    shop = Shop(desk, "bazaar")
    await shop.file(7)
    await through(database, desk, clock)
    async with database.pool.acquire() as connection, connection.transaction():
        (proposal,) = await proposals_in(connection, [desk.markets["bazaar"].number])
        assert proposal.label == "warning"
        await decide_proposal(connection, proposal.no, "dismissed", by="Li", note="a bad lot", now=clock())
    await shop.file(1)
    await through(database, desk, clock)
    assert await standing(database, desk) == []
    assert await database.pool.fetchval("select count(*) from label_proposal") == 1


async def test_a_malicious_label_stops_refund_only_and_nothing_else_until_its_last_moment(
    database: Database, desk: Desk, clock: Clock
) -> None:
    shop = Shop(desk, "group")
    ends = NOW + timedelta(days=10)
    async with database.pool.acquire() as connection:
        await set_label(
            connection, "group", "buyer", "busy", "malicious", cause="synthetic test", set_by="Li", starts_at=NOW, expires_at=ends
        )  # fmt: skip
    (refund_only,) = await shop.file(1)
    (returning,) = await shop.file(1, remedy="return_and_refund")
    assert (refund_only.outcome, refund_only.payer) == ("decline", "none")
    assert returning.outcome != "decline"
    clock.now = ends - timedelta(microseconds=1)
    (before,) = await shop.file(1)
    clock.now = ends
    (after,) = await shop.file(1)
    assert before.outcome == "decline"
    assert after.outcome != "decline"


async def test_the_person_is_told_what_the_market_s_rules_make_of_the_label_now_and_later(
    database: Database, desk: Desk
) -> None:
    later = Policy.parse(
        Policy.load("pinduoduo")
        .source.replace("policy: pinduoduo", "policy: bazaar")
        .replace("2025-01-10", "2026-04-01")
    )
    told: dict[str, LabelShown] = {}
    async with database.pool.acquire() as connection, connection.transaction():
        await publish(connection, "bazaar", later, effective=None, by="Li", now=NOW)
        for market, days in (("group", 10), ("bazaar", 10), ("bazaar", 90)):
            await set_label(
                connection, market, "buyer", f"{market}-{days}", "malicious", cause="fake photos", set_by="Li", starts_at=NOW,
                expires_at=NOW + timedelta(days=days),
            )  # fmt: skip
        numbers = [market.number for market in desk.markets.values()]
        told = {one.account: one for one in await labels_in(connection, numbers)}
    assert "your account gets no refund without a return" in told["group-10"].reason.en
    assert "您的账号不享有仅退款售后支持" in told["group-10"].reason.zh
    assert "(taobao 2024-08) this label changes nothing" in told["bazaar-10"].reason.en
    assert "without a return" not in told["bazaar-10"].reason.en
    both = told["bazaar-90"].reason
    assert "(taobao 2024-08) this label changes nothing" in both.en
    assert "From 2026-04-01 on, under the rules of then (bazaar 2025-01), your account gets no refund" in both.en
    assert "自2026年4月1日起" in both.zh


def test_the_statement_of_a_label_keeps_its_cause_apart_and_ends_by_the_clock_of_the_market() -> None:
    ends = datetime(2026, 3, 9, 20, 30, tzinfo=UTC)
    effect = Because("It does this.", "其作用如此。")
    told = statement(Because("fake photos", "fake photos"), effect, ends, ZoneInfo("Asia/Shanghai"))
    assert "fake photos. It does this. It ends by itself on 2026-03-10 04:30 (Asia/Shanghai)." in told.en
    assert "fake photos。其作用如此。" in told.zh
    assert "于2026-03-10 04:30（Asia/Shanghai）自动失效" in told.zh
    done = statement(Because("Ten claims.", "十次申请。"), effect, ends, ZoneInfo("UTC"))
    assert (done.en[:14], done.zh[:7]) == ("Ten claims. It", "十次申请。其作")


async def test_an_appeal_is_decided_by_a_person_who_did_not_set_the_label(
    database: Database, desk: Desk, clock: Clock
) -> None:
    shop = Shop(desk, "group")
    async with database.pool.acquire() as connection, connection.transaction():
        label = await set_label(
            connection, "group", "buyer", "busy", "malicious", cause="synthetic test", set_by="Li", starts_at=NOW,
            expires_at=NOW + timedelta(days=10),
        )  # fmt: skip
        number = await appeal(connection, label, says="These were not mine.", now=NOW)
        with pytest.raises(Conflict, match="waits for a person already"):
            await appeal(connection, label, says="Again.", now=NOW)
        for same in ("Li", "li", "LI", "  Li ", "Ｌｉ"):
            with pytest.raises(Conflict, match="another person"):
                await decide_appeal(connection, number, "lifted", by=same, note="well", now=NOW)
    assert (await shop.file(1))[0].outcome == "decline"
    async with database.pool.acquire() as connection, connection.transaction():
        await decide_appeal(connection, number, "lifted", by="Wang", note="They were not.", now=NOW)
        with pytest.raises(Conflict):
            await decide_appeal(connection, number, "upheld", by="Wang", note="no", now=NOW)
        with pytest.raises(Conflict, match="has ended"):
            await end_label(connection, label, by="Wang", why="again", now=NOW)
    assert (await shop.file(1))[0].outcome != "decline"


async def test_nobody_is_labelled_for_the_cases_of_others(database: Database, desk: Desk) -> None:
    """Whoever reports somebody must name cases of that very account."""
    (case,) = await Shop(desk, "group").file(1)
    async with database.pool.acquire() as connection, connection.transaction():
        with pytest.raises(BadInput, match="not a case of this account") as raised:
            await set_label(
                connection, "group", "buyer", "honest", "malicious", cause="reported by a store", set_by="Li", starts_at=NOW,
                expires_at=NOW + timedelta(days=10), cases=[int(case.case)],
            )  # fmt: skip
    assert raised.value.field == "cases"


async def test_a_label_that_cannot_be_set_holds_up_neither_the_market_beside_nor_the_pass(
    database: Database, desk: Desk, clock: Clock
) -> None:
    """A document from before every label was proven to be settable gives one of 400 days."""
    source = STANDARD.source.split("## Promises")[0].replace("| 180    |", "| 400    |")
    await database.pool.execute(
        "insert into labelling (market, document, confirm, set_by, set_at) values ($1, $2, 'never', 'Li', $3)",
        desk.markets["group"].number, source, NOW,
    )  # fmt: skip
    async with database.pool.acquire() as connection:
        await set_label(
            connection, "group", "buyer", "busy", "malicious", cause="synthetic test", set_by="Li", starts_at=NOW,
            expires_at=NOW + timedelta(days=10),
        )  # fmt: skip
        await connection.execute("update label set expires_at = $1", NOW + timedelta(seconds=1))
    await Shop(desk, "group").file(3)
    await Shop(desk, "bazaar").file(7)
    clock.now = NOW + timedelta(seconds=2)
    await through(database, desk, clock)
    assert [one for one in await standing(database, desk) if one[1] != "Li"] == [("warning", "labelling@2")]
    behind = "select count(*) from outbox, label_pass where batch is not null and outbox.position > label_pass.position"
    assert await database.pool.fetchval(behind) == 0


async def test_a_document_that_cannot_label_is_refused(database: Database, desk: Desk) -> None:
    async with database.pool.acquire() as connection:
        source = Policy.load("1688").source
        with pytest.raises(BadInput, match="outputs label, days and cause"):
            await configure(connection, desk.markets["group"], "malicious", source, by="Li", now=NOW)
