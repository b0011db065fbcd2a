"""A person rules: inbox, claim, second pair of eyes, inspection, appeal, and what it does to money and history."""

from datetime import timedelta

import msgspec
import pytest

from evenhand.cases import keeping
from evenhand.cases.settings import Settings
from evenhand.casework import Acted, Casework, check_case
from evenhand.desk import Desk
from evenhand.errors import BadInput, Conflict, NotAllowed
from evenhand.store import Database
from tests.integration.cases.conftest import (
    ANNA,
    BORIS,
    BUYER,
    MERCHANT,
    PLATFORM,
    Clock,
    Do,
    File,
    History,
    money,
)

CLARA = {"role": "adjudicator", "id": "Clara"}


@pytest.fixture
async def escalated(file: File, work: Casework, clock: Clock) -> str:
    """A case whose merchant was silent."""
    case = (await file()).case
    clock.move(hours=48)
    assert await work.tick() == 1
    return case


async def rule(do: Do, case: str, who: dict[str, str], outcome: str, amount: int | None = None) -> Acted:
    await do(case, who, "claim")
    return await do(case, who, "rule", outcome=outcome, amount=amount, grounds=["goods.defective"])


@pytest.mark.parametrize(
    ("outcome", "amount", "moved"),
    [
        ("subsidise", 8_000, {"fund": -8_000, "buyer": 8_000}),
        ("refund_by_merchant", 3_000, {"merchant": -3_000, "buyer": 3_000}),
        ("decline", None, {}),
    ],
)
async def test_a_ruling_moves_its_money_once(
    escalated: str, do: Do, database: Database, work: Casework, outcome: str, amount: int | None, moved: dict[str, int]
) -> None:
    await rule(do, escalated, ANNA, outcome, amount)
    assert await money(database, escalated) == moved
    with pytest.raises(Conflict, match="closed now"):
        await do(escalated, ANNA, "rule", outcome=outcome, grounds=["goods.defective"])
    assert await money(database, escalated) == moved
    assert await check_case(work, int(escalated)) is None


async def test_who_holds_a_case_holds_it_for_a_while(escalated: str, do: Do, work: Casework, clock: Clock) -> None:
    with pytest.raises(Conflict, match="confirm is possible only when it is under_review"):
        await do(escalated, ANNA, "confirm")
    first = await do(escalated, ANNA, "claim")
    again = await do(escalated, ANNA, "claim")
    assert (again.version, again.due, again.events) == (first.version, first.due, [])
    with pytest.raises(Conflict, match="Anna holds this case until"):
        await do(escalated, BORIS, "claim")
    with pytest.raises(Conflict, match="Anna holds this case"):
        await do(escalated, BORIS, "rule", outcome="decline", grounds=["evidence.insufficient"])
    clock.move(minutes=60)
    with pytest.raises(Conflict, match="the claim ended"):
        await do(escalated, ANNA, "rule", outcome="decline", grounds=["evidence.insufficient"])
    assert await work.tick() == 1
    claimed = await do(escalated, BORIS, "claim")
    assert claimed.state == "under_review"
    assert (await do(escalated, BORIS, "release")).state == "escalated"


async def test_above_an_amount_two_must_agree(escalated: str, do: Do, work: Casework, database: Database) -> None:
    await work.set_settings("bazaar", Settings(second_pair_above=5_000), "tests")
    await rule(do, escalated, ANNA, "refund_by_merchant")
    assert await money(database, escalated) == {}
    with pytest.raises(NotAllowed, match="Anna has decided this case before"):
        await do(escalated, ANNA, "claim")
    with pytest.raises(NotAllowed, match="another person must"):
        await do(escalated, ANNA | {"id": " ANNA"}, "claim")
    for name in ("Anna\u200b", "An\u00adna", " ", "\u2060"):
        with pytest.raises(BadInput) as caught:
            await do(escalated, ANNA | {"id": name}, "claim")
        assert caught.value.field == "by.id"
    await do(escalated, BORIS, "claim")
    assert (await do(escalated, BORIS, "object", why="The picture is of something else.")).state == "escalated"
    await rule(do, escalated, ANNA, "subsidise")
    await do(escalated, BORIS, "claim")
    with pytest.raises(Conflict, match="confirm it, or object"):
        await do(escalated, BORIS, "rule", outcome="decline", grounds=["evidence.insufficient"])
    done = await do(escalated, BORIS, "confirm")
    assert done.state == "closed"
    assert done.events[0].said.decision is not None
    assert done.events[0].said.decision.by == ("Anna", "Boris")
    assert await money(database, escalated) == {"fund": -8_000, "buyer": 8_000}


async def test_no_ruling_before_the_result_of_an_inspection(escalated: str, do: Do, clock: Clock) -> None:
    await do(escalated, ANNA, "claim")
    await do(escalated, ANNA, "inspect", text="Is it leather?")
    clock.move(days=20)
    with pytest.raises(Conflict, match="result of the inspection is awaited"):
        await do(escalated, ANNA, "rule", outcome="decline", grounds=["goods.as_described"])
    await do(escalated, PLATFORM, "inspected", finding="counterfeit", text="Institute 7: it is plastic.")
    done = await do(escalated, ANNA, "rule", outcome="refund_by_merchant", grounds=["inspection.result"])
    assert done.state == "closed"


async def test_a_ruling_rests_on_known_grounds_and_grants_no_more_than_was_asked(escalated: str, do: Do) -> None:
    await do(escalated, ANNA, "claim")
    for field, fields in (
        ("grounds", {"outcome": "decline", "grounds": []}),
        ("grounds", {"outcome": "decline", "grounds": ["because.i.say.so"]}),
        ("amount", {"outcome": "subsidise", "amount": 8_001, "grounds": ["goodwill"]}),
        ("amount", {"outcome": "decline", "amount": 5, "grounds": ["goods.as_described"]}),
        ("currency", {"outcome": "subsidise", "amount": 5, "currency": "USD", "grounds": ["goodwill"]}),
    ):
        with pytest.raises(BadInput) as caught:
            await do(escalated, ANNA, "rule", **fields)
        assert caught.value.field == field


async def test_a_merchant_that_wins_its_appeal_is_compensated(
    escalated: str, do: Do, database: Database, desk: Desk, history: History
) -> None:
    await rule(do, escalated, ANNA, "refund_by_merchant")
    assert (await history())["merchant_disputes_lost_365d"] == 1
    with pytest.raises(BadInput, match="needs new evidence"):
        await do(escalated, MERCHANT, "appeal", why="It was in order.", evidence=[])
    await do(escalated, MERCHANT, "appeal", why="The parcel was weighed.", evidence=["weight-slip-7"])
    with pytest.raises(NotAllowed, match="another person must"):
        await do(escalated, ANNA, "claim")
    await do(escalated, BORIS, "claim")
    done = await do(escalated, BORIS, "rule", outcome="decline", grounds=["goods.as_described"])
    assert [event.action for event in done.events] == ["rule", "compensate", "recover", "close"]
    assert done.events[0].said.overturned
    # the fund pays the merchant back, and the buyer owes it to the fund
    assert await money(database, escalated) == {"fund": 0, "buyer": 0, "merchant": 0}
    assert await database.pool.fetchval("select owed from debt where case_no = $1", int(escalated)) == 8_000
    assert (await history())["merchant_disputes_lost_365d"] == 0
    with pytest.raises(Conflict, match="has paid nothing"):
        await do(escalated, MERCHANT, "appeal", why="Again.", evidence=["x"])


async def test_each_side_appeals_once(escalated: str, do: Do, work: Casework) -> None:
    first = await rule(do, escalated, ANNA, "refund_by_merchant", 3_000)
    await do(escalated, BUYER, "appeal", why="All of it was broken.", evidence=["photo-9"])
    await rule(do, escalated, BORIS, "refund_by_merchant", 4_000)
    with pytest.raises(Conflict, match="each side may appeal once"):
        await do(escalated, BUYER, "appeal", why="All of it.", evidence=["photo-10"])
    await do(escalated, MERCHANT, "appeal", why="It was in order.", evidence=["weight-slip"])
    done = await rule(do, escalated, CLARA, "refund_by_merchant", 4_000)
    for decided, appeals in ((first, []), (done, ["buyer", "merchant"])):
        raw, _ = await work.statement(int(escalated), "buyer", "en", decided.events[0].no)
        facts = msgspec.json.decode(raw)["facts"]
        named = [fact["value"].split(" on ")[0] for fact in facts if fact["name"] == "case.appeal"]
        assert named == [f"by the {party}" for party in appeals]


async def test_a_buyer_that_wins_its_appeal_gets_the_rest(
    escalated: str, do: Do, database: Database, work: Casework
) -> None:
    await rule(do, escalated, ANNA, "refund_by_merchant", 3_000)
    await do(escalated, BUYER, "appeal", why="All of it was broken.", evidence=["photo-9"])
    await rule(do, escalated, BORIS, "refund_by_merchant", 8_000)
    assert await money(database, escalated) == {"merchant": -8_000, "buyer": 8_000}
    with pytest.raises(Conflict, match="had all that was asked"):
        await do(escalated, BUYER, "appeal", why="More.", evidence=["photo-10"])
    assert await check_case(work, int(escalated)) is None


async def test_an_interception_turned_over_is_taken_out_of_the_history(
    file: File, do: Do, database: Database, work: Casework, history: History, clock: Clock
) -> None:
    from evenhand.accounts.labels import set_label

    async with database.pool.acquire() as connection:
        await set_label(
            connection, "strict", "buyer", "buyer-1", "watched", cause="intercepted", set_by="tests",
            starts_at=clock.now + timedelta(hours=1), expires_at=clock.now + timedelta(days=90),
        )  # fmt: skip
    ruled = await file(remedy="refund_only", reason="no_reason", market="strict")
    assert ruled.outcome == "decline"
    assert (await history("strict"))["buyer_declined_365d"] == 1
    await do(ruled.case, BUYER, "appeal", why="It never came.", evidence=["carrier-note"])
    clock.move(hours=2)
    await rule(do, ruled.case, ANNA, "subsidise")
    assert await money(database, ruled.case) == {"fund": -8_000, "buyer": 8_000}
    assert (await history("strict"))["buyer_declined_365d"] == 0
    # the label was set after the interception: somebody is to look at it again
    assert await database.pool.fetchval("select case_no from label_doubt where settled_at is null") == int(ruled.case)
    assert await database.pool.fetchval("select count(*) from outbox where type = 'label.doubted'") == 1
    assert await check_case(work, int(ruled.case)) is None


async def test_an_interception_that_is_upheld_stays_in_the_history(file: File, do: Do, history: History) -> None:
    ruled = await file(reason="no_reason", market="strict")
    await do(ruled.case, BUYER, "appeal", why="It never came.", evidence=["carrier-note"])
    await rule(do, ruled.case, ANNA, "decline")
    assert (await history("strict"))["buyer_declined_365d"] == 1


async def test_an_appeal_has_its_time(escalated: str, do: Do, clock: Clock) -> None:
    await rule(do, escalated, ANNA, "decline")
    clock.now = clock.now.replace(month=9)
    with pytest.raises(Conflict, match="could be appealed until"):
        await do(escalated, BUYER, "appeal", why="Late.", evidence=["photo"])


async def test_what_the_parties_agreed_nobody_ruled(file: File, do: Do) -> None:
    case = (await file()).case
    await do(case, MERCHANT, "accept")
    with pytest.raises(Conflict, match="nobody ruled"):
        await do(case, MERCHANT, "appeal", why="I think better of it.", evidence=["x"])


async def test_the_inbox_begins_with_what_is_wanted_first(
    file: File, work: Casework, clock: Clock, database: Database
) -> None:
    first = (await file(amount=1_000)).case
    clock.move(hours=1)
    small, large = (await file(amount=2_000)).case, (await file(amount=9_000)).case
    clock.move(hours=47)
    await work.tick()
    clock.move(hours=1)
    while await work.tick():
        pass
    async with database.pool.acquire() as connection:
        numbers = [desk.number for desk in work.desk.markets.values()]
        found = await keeping.inbox(connection, numbers, None, 10)
        assert [one.case for one in found] == [first, large, small]
        assert await keeping.waiting(connection, numbers, clock.now) == (3, 0, 0)
        clock.move(hours=73)
        assert await keeping.waiting(connection, numbers, clock.now) == (3, 3, 0)


async def test_a_person_is_held_to_what_the_policy_promises_never_happens(
    file: File, do: Do, database: Database, clock: Clock
) -> None:
    case = (await file(market="wholesale", reason="no_reason")).case
    await do(case, MERCHANT, "decline", why="It is as described.")
    await do(case, BUYER, "appeal", why="It is not.", evidence=["photo-1"])
    await do(case, ANNA, "claim")
    for outcome in ("refund_by_merchant", "return_and_refund"):
        with pytest.raises(Conflict, match=r'promises never `payer = "merchant"`.*rule subsidise or decline') as caught:
            await do(case, ANNA, "rule", outcome=outcome, grounds=["goods.defective"])
        assert caught.value.field == "outcome"
    await do(case, ANNA, "rule", outcome="subsidise", grounds=["goods.defective"])
    assert await money(database, case) == {"fund": -8_000, "buyer": 8_000}


async def test_a_merchant_that_has_accepted_is_charged_up_to_its_word(
    file: File, do: Do, database: Database, clock: Clock
) -> None:
    case = (await file(market="wholesale", reason="no_reason")).case
    await do(case, BUYER, "offers", kind="return_and_refund", amount=5_000)
    await do(case, MERCHANT, "accept", offer=1)
    await do(case, BUYER, "send-back", text="SF 1")
    await do(case, MERCHANT, "escalate", why="Half of it is missing.")
    await do(case, ANNA, "claim")
    with pytest.raises(Conflict, match="has not accepted"):
        await do(case, ANNA, "rule", outcome="refund_by_merchant", amount=5_001, grounds=["return.received"])
    await do(case, ANNA, "rule", outcome="refund_by_merchant", amount=4_000, grounds=["return.received"])
    assert await money(database, case) == {"merchant": -4_000, "buyer": 4_000}
