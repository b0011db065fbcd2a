"""Buyer and merchant between themselves, on a real database."""

import asyncio
from datetime import timedelta

import pytest

from evenhand.casework import Acted, Casework, check_all, check_case
from evenhand.errors import BadInput, Conflict, NotAllowed, OutOfDate, UnknownThing
from evenhand.store import Database
from tests.integration.cases.conftest import ANNA, BUYER, MERCHANT, START, Clock, Do, File, money


async def test_an_accepted_offer_is_paid_by_the_merchant_once(file: File, do: Do, database: Database) -> None:
    case = (await file()).case
    await do(case, MERCHANT, "messages", text="Could you keep it for a part of the price?")
    offered = await do(case, MERCHANT, "offers", kind="partial_refund", amount=3_000, currency="CNY")
    assert (offered.state, offered.turn) == ("negotiating", "buyer")
    done = await do(case, BUYER, "accept", offer=1)
    assert done.state == "closed"
    assert [event.action for event in done.events] == ["accept", "pay", "close"]
    assert await money(database, case) == {"merchant": -3_000, "buyer": 3_000}
    with pytest.raises(Conflict, match="closed now"):
        await do(case, BUYER, "accept", offer=1)
    assert await money(database, case) == {"merchant": -3_000, "buyer": 3_000}


async def test_the_merchant_may_accept_the_application_as_it_was_filed(file: File, do: Do, database: Database) -> None:
    case = (await file()).case
    done = await do(case, MERCHANT, "accept")
    assert done.state == "closed"
    assert await money(database, case) == {"merchant": -8_000, "buyer": 8_000}


async def test_a_return_is_paid_when_the_goods_came(file: File, do: Do, database: Database) -> None:
    case = (await file()).case
    await do(case, BUYER, "offers", kind="return_and_refund", amount=8_000)
    agreed = await do(case, MERCHANT, "accept", offer=1)
    assert (agreed.state, agreed.turn) == ("settling", "buyer")
    assert await money(database, case) == {}
    await do(case, BUYER, "send-back", text="SF 12345")
    done = await do(case, MERCHANT, "receive")
    assert done.state == "closed"
    assert await money(database, case) == {"merchant": -8_000, "buyer": 8_000}


async def test_a_counter_offer_ends_the_offer_it_answers(file: File, do: Do) -> None:
    case = (await file()).case
    await do(case, MERCHANT, "offers", kind="retention", amount=2_000)
    await do(case, BUYER, "offers", kind="partial_refund", amount=5_000, counters=1)
    with pytest.raises(Conflict, match="it was countered"):
        await do(case, BUYER, "accept", offer=1)
    with pytest.raises(Conflict, match="the buyer's own"):
        await do(case, BUYER, "accept", offer=2)


async def test_a_retention_offer_is_open_for_a_day(file: File, do: Do, clock: Clock) -> None:
    case = (await file()).case
    with pytest.raises(BadInput, match=r"at most 55 % of the order line, 55\.00 CNY"):
        await do(case, MERCHANT, "offers", kind="retention", amount=5_501)
    with pytest.raises(NotAllowed):
        await do(case, BUYER, "offers", kind="retention", amount=100)
    offered = await do(case, MERCHANT, "offers", kind="retention", amount=5_500)
    assert offered.events[0].said.offer is not None
    assert offered.events[0].said.offer.expires == START + timedelta(hours=24)
    clock.move(hours=24)
    with pytest.raises(Conflict, match="expired at 2026-03-03 12:00 CST"):
        await do(case, BUYER, "accept", offer=1)


async def test_bad_input_names_the_field(file: File, do: Do) -> None:
    case = (await file()).case
    for field, fields in (
        ("amount", {"kind": "partial_refund", "amount": 10_001}),
        ("currency", {"kind": "partial_refund", "amount": 100, "currency": "USD"}),
        ("amount", {"kind": "partial_refund"}),
        ("amount", {"kind": "resend", "amount": 5}),
        ("hours", {"kind": "refund", "hours": 169}),
        ("amount", {"kind": "refund", "amount": 7_999}),
        ("offer", {"kind": "refund", "counters": 3}),
    ):
        with pytest.raises(BadInput) as caught:
            await do(case, MERCHANT, "offers", **fields)
        assert caught.value.field == field
    with pytest.raises(UnknownThing):
        await do("999", MERCHANT, "accept")


async def test_nobody_acts_on_anothers_case(file: File, do: Do) -> None:
    case = (await file()).case
    with pytest.raises(NotAllowed, match="'store-2' is not a party"):
        await do(case, {"role": "merchant", "id": "store-2"}, "accept")
    with pytest.raises(NotAllowed, match="accept is for the buyer or the merchant"):
        await do(case, ANNA, "accept", offer=1)


async def test_an_action_sent_again_under_its_key_is_done_once(file: File, do: Do) -> None:
    case = (await file()).case
    first = await do(case, MERCHANT, "messages", text="Hello", key="k1")
    again = await do(case, MERCHANT, "messages", text="Hello", key="k1")
    assert (first.repeated, again.repeated) == (False, True)
    assert again.version == first.version
    with pytest.raises(Conflict, match="another action"):
        await do(case, MERCHANT, "messages", text="Something else", key="k1")


async def test_a_stale_action_gets_a_clear_conflict(file: File, do: Do) -> None:
    case = (await file()).case
    await do(case, MERCHANT, "messages", text="One", expected=0)
    with pytest.raises(OutOfDate, match="at version 1, not 0"):
        await do(case, BUYER, "withdraw", expected=0)


async def test_of_many_at_once_one_is_done(file: File, do: Do, database: Database) -> None:
    case = (await file()).case
    await do(case, MERCHANT, "offers", kind="partial_refund", amount=4_000)
    done = await asyncio.gather(
        *(do(case, BUYER, "accept", offer=1) for _ in range(8)),
        do(case, MERCHANT, "accept"),
        do(case, BUYER, "withdraw"),
        return_exceptions=True,
    )
    assert len([one for one in done if isinstance(one, Acted)]) == 1
    assert all(isinstance(one, Acted | Conflict) for one in done)
    assert -(await money(database, case)).get("merchant", 0) in (0, 4_000, 8_000)


async def test_never_more_than_is_left_of_the_order_line(file: File, do: Do, database: Database) -> None:
    first = (await file(id="a", order="order-20")).case
    second = (await file(id="b", order="order-20")).case
    await do(first, MERCHANT, "offers", kind="partial_refund", amount=6_000)
    await do(second, MERCHANT, "offers", kind="partial_refund", amount=6_000)
    answers = await asyncio.gather(
        do(first, BUYER, "accept", offer=1), do(second, BUYER, "accept", offer=1), return_exceptions=True
    )
    refused = [one for one in answers if isinstance(one, BadInput)]
    assert len(refused) == 1
    assert "60.00 CNY is more than the 40.00 CNY that is left" in str(refused[0])


async def test_a_thread_has_an_end(file: File, do: Do, work: Casework) -> None:
    from evenhand.cases.settings import Settings

    await work.set_settings("bazaar", Settings(longest_thread=5), "tests")
    case = (await file()).case
    for number in range(5):
        await do(case, BUYER, "messages", text=f"message {number}")
    with pytest.raises(Conflict, match="takes 5 messages"):
        await do(case, BUYER, "messages", text="one more")
    assert (await do(case, MERCHANT, "accept")).state == "closed"


async def test_the_state_is_what_the_events_lead_to(file: File, do: Do, work: Casework, database: Database) -> None:
    case = (await file()).case
    await do(case, BUYER, "offers", kind="exchange")
    await do(case, MERCHANT, "decline", offer=1, why="sold out")
    await do(case, BUYER, "escalate", why="then let somebody else decide")
    assert await check_case(work, int(case)) is None
    assert await check_all(work) == (1, 0)
    await database.pool.execute("update case_file set state = 'closed' where no = $1", int(case))
    told: list[str] = []
    assert await check_all(work, told.append) == (1, 1)
    assert "lead to escalated" in told[0]
