"""What a policy promises of everybody binds people, panels and clocks: in China only merchants refund without a return."""

from datetime import timedelta

import pytest

from evenhand.cases.settings import Panel, Settings
from evenhand.casework import Casework, check_case
from evenhand.desk import Desk
from evenhand.errors import Conflict
from evenhand.policy import Policy
from evenhand.records import Market, Order, OrderLine
from evenhand.store import Database

from .conftest import ANNA, BORIS, BUYER, MERCHANT, Clock, Do, File, make_order, money

RULE_91 = (
    'when `application.stage = "received" and outcome in ("refund_by_merchant", "subsidise")` then `merchant.rule = '
)
QUIET = """---
policy: quiet
version: 1
effective: 2020-01-01
---
# Quiet

Silence is consent, but nobody else's after receipt.

## Ruling
| F | application.remedy | → outcome | → respond_within_hours | → on_silence |
|---|--------------------|-----------|------------------------|--------------|
| 1 | -                  | negotiate | 24                     | accept       |

## Promises
- when `application.stage = "received" and payer = "merchant"` then `merchant.rule = "refund_without_return"`
"""


@pytest.fixture
async def markets(desk: Desk, clock: Clock) -> None:
    await desk.register(Policy.parse(QUIET))
    for market, policy in (("mainland", "china"), ("quiet", "quiet")):
        await desk.add_market(Market(market, market, policy, "CNY", "Asia/Shanghai"), synthetic=True)
        await desk.take_orders([(market, make_order(f"order-{number}", clock.now)) for number in range(5)])


async def test_an_adjudicator_cannot_impose_what_only_the_merchant_may_grant(
    markets: None, file: File, do: Do, database: Database
) -> None:
    case = (await file(market="mainland")).case
    await do(case, MERCHANT, "escalate")
    await do(case, ANNA, "claim")
    for outcome in ("refund_by_merchant", "subsidise"):
        with pytest.raises(Conflict) as caught:
            await do(case, ANNA, "rule", outcome=outcome, grounds=["goods.defective"])
        assert caught.value.field == "outcome"
        assert f"the policy promises {RULE_91}" in str(caught.value)
        assert str(caught.value).endswith("rule return_and_refund or decline")
    assert await money(database, case) == {}
    # the buyer's other ways stay open: goods back, money back
    await do(case, ANNA, "rule", outcome="return_and_refund", grounds=["goods.defective"])
    await do(case, BUYER, "send-back", text="SF 1")
    await do(case, MERCHANT, "receive")
    assert await money(database, case) == {"merchant": -8_000, "buyer": 8_000}


async def test_spoiled_food_is_not_sent_back_by_a_persons_ruling_either(
    markets: None, file: File, do: Do, desk: Desk, clock: Clock
) -> None:
    fresh = make_order("fresh", clock.now)
    fresh = Order("fresh", "buyer-1", fresh.placed_at, "CNY", [OrderLine("1", "store-1", 10_000, "fresh")])
    await desk.take_orders([("mainland", fresh)])
    case = (await file(market="mainland", order="fresh", remedy="return_and_refund")).case
    await do(case, MERCHANT, "escalate")
    await do(case, ANNA, "claim")
    with pytest.raises(Conflict, match=r"promises when `perishable = true .*: rule decline$"):
        await do(case, ANNA, "rule", outcome="return_and_refund", grounds=["goods.defective"])


async def test_the_merchants_own_word_goes_as_far_as_it_went(
    markets: None, file: File, do: Do, database: Database
) -> None:
    case = (await file(market="mainland")).case
    await do(case, BUYER, "offers", kind="return_and_refund", amount=5_000)
    await do(case, MERCHANT, "accept", offer=1)
    await do(case, BUYER, "send-back", text="SF 1")
    await do(case, MERCHANT, "escalate", why="Half of it is missing.")
    await do(case, ANNA, "claim")
    with pytest.raises(Conflict, match="has not accepted"):
        await do(case, ANNA, "rule", outcome="refund_by_merchant", amount=5_001, grounds=["return.received"])
    await do(case, ANNA, "rule", outcome="refund_by_merchant", amount=4_000, grounds=["return.received"])
    assert await money(database, case) == {"merchant": -4_000, "buyer": 4_000}


async def test_a_proposal_is_held_to_it_when_it_is_confirmed(
    markets: None, file: File, do: Do, work: Casework, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that was proposed before promises of this kind held people."""
    await work.set_settings("mainland", Settings(second_pair_above=1), "tests")
    case = (await file(market="mainland")).case
    await do(case, MERCHANT, "escalate")
    await do(case, ANNA, "claim")
    with monkeypatch.context() as before:
        before.setattr("evenhand.casework.loading.broken_promise", lambda *_: None)
        await do(case, ANNA, "rule", outcome="refund_by_merchant", grounds=["goods.defective"])
    await do(case, BORIS, "claim")
    with pytest.raises(Conflict, match="the policy promises when"):
        await do(case, BORIS, "confirm")
    assert await money(database, case) == {}


async def test_a_panel_that_finds_for_the_buyer_hands_it_to_a_person(
    markets: None, file: File, do: Do, work: Casework, database: Database, desk: Desk, clock: Clock
) -> None:
    placed = clock.now - timedelta(days=100)
    bought = [OrderLine("1", "store-7", 1_000, "toys")]
    await desk.take_orders([("mainland", Order(f"j{n}", f"juror-{n}", placed, "CNY", bought)) for n in range(5)])
    panel = Panel(jurors=3, majority=2, sure=None, days_known=30, orders=1)
    await work.set_settings("mainland", Settings(adjudication="panel", panel=panel), "tests")
    case = (await file(market="mainland")).case
    await do(case, MERCHANT, "escalate")
    assert await work.tick() == 1
    seats = await database.pool.fetch("select a.id from panel_seat s join account a on a.no = s.juror order by a.id")
    for seat in seats[:2]:
        await work.vote(int(case), seat["id"], True, "The seam is open.")
    assert await money(database, case) == {}
    assert await check_case(work, int(case)) is None
    assert (await do(case, ANNA, "claim")).state == "under_review"


@pytest.mark.parametrize(("stage", "paid"), [("received", {}), ("in_transit", {"merchant": -8_000, "buyer": 8_000})])
async def test_silence_does_not_charge_the_merchant(
    stage: str, paid: dict[str, int], markets: None, file: File, work: Casework, database: Database, clock: Clock
) -> None:
    case = (await file(market="quiet", stage=stage)).case
    clock.move(hours=25)
    while await work.tick():
        pass
    assert await money(database, case) == paid
    state = await database.pool.fetchval("select state from case_file where no = $1", int(case))
    assert state == ("closed" if paid else "escalated")
