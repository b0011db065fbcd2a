"""Abuse of the abuse system: merchants who probe how a buyer is seen, accusers, and ids made to be mistaken for others."""

import re
import unicodedata
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from evenhand.accounts.labels import set_label
from evenhand.booking import Ruled
from evenhand.casework import Casework
from evenhand.desk import Desk
from evenhand.errors import BadInput, EvenhandError
from evenhand.labelling import Labeller
from evenhand.profiles import profile
from evenhand.records import Application, Market, Order, OrderLine
from evenhand.store import Database
from tests.integration.cases.conftest import BUYER, MERCHANT, Clock, Do, File, make_order

STORE = {"role": "merchant", "id": "store-1"}
LANGS = ("en", "zh")
TELLING = re.compile(r"malicious|watched|恶意|关注|label is|标签为|refund-only support", re.IGNORECASE)


async def file_for(desk: Desk, buyer: str, clock: Clock, market: str = "group", **changes: Any) -> Ruled:
    """An application of a buyer about an order of its own."""
    number = len(buyer) * 1000 + hash_of(buyer, changes)
    order = make_order(f"o-{buyer}-{number}", clock.now)
    await desk.take_orders([(market, msgspec.structs.replace(order, buyer=buyer))])
    values: dict[str, Any] = {"remedy": "refund_only", "stage": "received", "reason": "quality", **changes}
    asked = Application(f"a-{buyer}-{number}", order.id, "1", amount=8_000, currency="CNY", **values)
    [answer] = await desk.rule([(market, asked)])
    assert isinstance(answer, Ruled), answer
    return answer


def hash_of(buyer: str, changes: dict[str, Any]) -> int:
    return sum(map(ord, buyer + str(sorted(changes.items()))))


async def mark(database: Database, buyer: str, clock: Clock, market: str = "group") -> None:
    async with database.pool.acquire() as connection, connection.transaction():
        await set_label(
            connection, market, "buyer", buyer, "malicious", cause="Bricks came back.", set_by="Anna",
            starts_at=clock.now - timedelta(days=1), expires_at=clock.now + timedelta(days=90),
        )  # fmt: skip


@pytest.fixture
async def group(desk: Desk, database: Database, clock: Clock) -> Desk:
    """A market where a malicious label stops refunds without a return; `marked` has one, `plain` has none."""
    await desk.add_market(Market("group", "Group", "pinduoduo", "CNY", "Asia/Shanghai"), synthetic=True)
    await mark(database, "marked", clock)
    return desk


async def told(work: Casework, ruled: Ruled, party: Any) -> list[str]:
    """Everything a party is told of a ruling; without what names the case, its order and the policy, which are public."""
    found: list[str] = []
    for lang in LANGS:
        raw, text = await work.statement(int(ruled.case), party, lang)
        statement = msgspec.json.decode(raw)
        title = statement["clause"].pop("title")
        for name in ("case", "title"):
            statement.pop(name)
        both = msgspec.json.encode(statement).decode() + "\n".join(text.splitlines()[1:]).replace(title, "")
        found.append(re.sub(r"o-(plain|marked)-\d+", "O", both))
    return found


async def test_a_merchant_reads_the_same_whoever_the_buyer_is(group: Desk, work: Casework, clock: Clock) -> None:
    for changes in (
        {"remedy": "return_and_refund"},
        {"remedy": "exchange"},
        {"remedy": "return_and_refund", "reason": "no_reason"},
        {"remedy": "return_and_refund", "stage": "unshipped"},
    ):
        plain = await file_for(group, "plain", clock, **changes)
        marked = await file_for(group, "marked", clock, **changes)
        assert plain.outcome == marked.outcome
        assert await told(work, plain, "merchant") == await told(work, marked, "merchant")


async def test_where_the_label_decides_only_the_buyer_is_told(group: Desk, work: Casework, clock: Clock) -> None:
    for changes in ({}, {"stage": "unshipped"}, {"stage": "in_transit", "reason": "not_received"}):
        ruled = await file_for(group, "marked", clock, **changes)
        assert ruled.outcome in ("decline", "merchant_decides")
        for text in await told(work, ruled, "merchant"):
            assert not TELLING.search(text)
        statement = msgspec.json.decode((await work.statement(int(ruled.case), "merchant", "en"))[0])
        assert statement["clause"]["row"] is None
        [label] = [fact for fact in statement["facts"] if fact["name"] == "buyer.label"]
        assert (label["value"], label["withheld"]) == ("", True)
        english, chinese = await told(work, ruled, "buyer")
        assert "label is malicious" in english
        assert "恶意" in chinese


async def test_no_refusal_tells_a_merchant_of_the_label(group: Desk, do: Do, clock: Clock, database: Database) -> None:
    """The same tries on both buyers' cases are answered alike, word for word."""
    answers: list[list[str]] = []
    for buyer in ("plain", "marked"):
        ruled = await file_for(group, buyer, clock, remedy="return_and_refund")
        answers.append([])
        for action, fields in (
            ("accept", {}),
            ("decline", {"why": "This buyer is known to you, is it not?"}),
            ("offers", {"kind": "refund"}),
            ("appeal", {"why": "Look at the buyer.", "evidence": ["list"]}),
            ("escalate", {"why": "Look at the buyer."}),
            ("rule", {"outcome": "decline", "grounds": ["goodwill"]}),
            ("messages", {"text": "Is the account labelled?"}),
        ):
            try:
                done = await do(ruled.case, STORE, action, **fields)
                said = f"{action}: {done.state} {done.turn} {done.due} {done.version}"
            except (EvenhandError, msgspec.ValidationError) as error:
                said = f"{action}: {type(error).__name__} {error}"
            answers[-1].append(said.replace(f"case {ruled.case}", "case X"))
    assert answers[0] == answers[1]


async def test_accusations_label_nobody(file: File, do: Do, desk: Desk, database: Database, clock: Clock) -> None:
    """What a store says of a buyer, however often, moves neither the buyer's scores nor the labelling."""
    before = await shown_scores(desk, database, clock)
    for _ in range(6):
        case = (await file(remedy="return_and_refund", reason="no_reason")).case
        for _ in range(3):
            await do(case, MERCHANT, "messages", text="This buyer is a fraud. Label the account malicious.")
    labeller = Labeller(database.pool, lambda: desk.markets, clock)
    while await labeller.step():
        pass
    assert await database.pool.fetchval("select count(*) from label") == 0
    assert await database.pool.fetchval("select count(*) from label_proposal") == 0
    assert await shown_scores(desk, database, clock) == before


async def test_a_label_rests_on_the_accounts_own_cases_only(
    file: File, group: Desk, database: Database, clock: Clock
) -> None:
    others = int((await file()).case)
    async with database.pool.acquire() as connection:
        with pytest.raises(BadInput, match=f"case {others} is not a case of this account"):
            await set_label(
                connection, "bazaar", "buyer", "somebody-else", "malicious", cause="x", set_by="Anna",
                starts_at=clock.now, expires_at=clock.now + timedelta(days=1), cases=[others],
            )  # fmt: skip


async def shown_scores(desk: Desk, database: Database, clock: Clock) -> list[Any]:
    async with database.pool.acquire() as connection:
        shown = await profile(connection, desk.markets["bazaar"], "buyer-1", "buyer", clock())
    return [(score.name, score.value) for score in shown.scores]


# What folding case, normalising, trimming or comparing beginnings would take for the id it is beside.
LOOKALIKES = (
    "Zo\u00eb-1", unicodedata.normalize("NFD", "Zo\u00eb-1"), "zo\u00eb-1", "ZO\u00cb-1", "Zo\u00eb-1 ", " Zo\u00eb-1",
    "Zo\u00eb-", "Zo\u00eb-10", "Zo\u00eb\u20111", "\uff3ao\u00eb-1", "Zo\u00eb-1\u200b", "stra\u00dfe", "strasse",
    "\ufb01sh", "fish", "store-1",
)  # fmt: skip


async def test_ids_that_look_alike_are_different_people(
    group: Desk, database: Database, clock: Clock, work: Casework
) -> None:
    """One of them is labelled; each keeps its own figures, and nobody else the label: in this market, of this kind."""
    assert len(set(LOOKALIKES)) == len(LOOKALIKES)
    await mark(database, LOOKALIKES[0], clock)
    await group.add_market(Market("other", "Other", "pinduoduo", "CNY", "Asia/Shanghai"), synthetic=True)
    outcomes: dict[str, str] = {}
    for place, buyer in enumerate(LOOKALIKES):
        order = Order(f"o{place}", buyer, clock.now - timedelta(days=9), "CNY", [OrderLine("1", "store-1", 9_000)])
        await group.take_orders([("group", order), ("other", order)])
        asked = Application(buyer, order.id, "1", "refund_only", "received", "quality", 8_000, "CNY")
        for market in ("group", "other"):
            [ruled] = await group.rule([(market, asked)])
            assert isinstance(ruled, Ruled), (buyer, ruled)
            assert not ruled.repeated
            outcomes[f"{market}/{buyer}"] = ruled.outcome
    assert [name for name, outcome in outcomes.items() if outcome == "decline"] == [f"group/{LOOKALIKES[0]}"]
    async with database.pool.acquire() as connection:
        for buyer in LOOKALIKES:
            shown = await profile(connection, group.markets["group"], buyer, "buyer", clock())
            facts = {one.name: one.value for one in shown.facts}
            assert (facts["history.buyer_orders_365d"], facts["history.buyer_applications_365d"]) == (1, 1), buyer
            assert [label.label for label in shown.labels] == (["malicious"] if buyer == LOOKALIKES[0] else [])
        store = await profile(connection, group.markets["group"], "store-1", "merchant", clock())
    assert {one.name: one.value for one in store.facts}["history.merchant_orders_365d"] == len(LOOKALIKES)
    assert store.labels == []


async def test_somebody_elses_case_is_not_reached_by_an_id_that_looks_alike(file: File, do: Do) -> None:
    case = (await file()).case
    for name in ("Store-1", "store-1 ", "store-", "store\u20111", "store-1\u200b", BUYER["id"]):
        with pytest.raises(EvenhandError, match="not a party"):
            await do(case, {"role": "merchant", "id": name}, "messages", text="Let me in.")
