"""Money after an appeal: whoever paid before, and whatever is ruled now, all three sides end where the ruling puts them."""

import pytest

from evenhand.casework import Casework, check_case
from evenhand.fund.by_hand import recover
from evenhand.fund.payouts import start
from evenhand.store import Database
from tests.integration.cases.conftest import ANNA, BORIS, BUYER, MERCHANT, Clock, Do, File, money

FIRST = (("decline", 0), ("subsidise", 3_000), ("refund_by_merchant", 3_000), ("refund_by_merchant", 8_000))
SECOND = (
    ("decline", 0), ("subsidise", 2_000), ("subsidise", 5_000), ("subsidise", 8_000), ("refund_by_merchant", 2_000),
    ("refund_by_merchant", 5_000), ("refund_by_merchant", 8_000), ("return_and_refund", 2_000), ("return_and_refund", 8_000),
)  # fmt: skip
PAYER = {"decline": None, "subsidise": "fund", "refund_by_merchant": "merchant", "return_and_refund": "merchant"}


def possible(first: tuple[str, int], side: str, second: tuple[str, int]) -> bool:
    """Whether that side may appeal, and may be ruled on so: an appeal leaves nobody worse off than before who made it."""
    by_merchant = first[1] if PAYER[first[0]] == "merchant" else 0
    if side == "buyer":
        return first[1] < 8_000 and second[1] >= first[1]
    return by_merchant > 0 and not (PAYER[second[0]] == "merchant" and second[1] > by_merchant)


TABLE = [
    (first, side, second, returned)
    for first in FIRST for side in ("buyer", "merchant") for second in SECOND
    for returned in ((True, False) if second[0] == "return_and_refund" else (True,))
    if possible(first, side, second)
]  # fmt: skip


async def reviewed(file: File, do: Do, amount: int | None, outcome: str) -> str:
    """A case that a person has ruled."""
    case = (await file()).case
    await do(case, MERCHANT, "escalate")
    await do(case, ANNA, "claim")
    await do(case, ANNA, "rule", outcome=outcome, amount=amount or None, grounds=["goods.defective"])
    return case


async def appealed(do: Do, case: str, by: dict[str, str], outcome: str, amount: int) -> None:
    await do(case, by, "appeal", why="Look again.", evidence=["slip"])
    await do(case, BORIS, "claim")
    await do(case, BORIS, "rule", outcome=outcome, amount=amount or None, grounds=["inspection.result"])


def test_the_table_holds_every_combination_that_is_possible() -> None:
    assert len(TABLE) == 41


@pytest.mark.parametrize("place", range(4))
async def test_everybody_ends_where_the_ruling_on_appeal_puts_them(
    place: int, file: File, do: Do, database: Database, work: Casework, clock: Clock
) -> None:
    for (paid, before), side, (outcome, ruled), returned in TABLE[place::4]:
        case = await reviewed(file, do, before, paid)
        await appealed(do, case, BUYER if side == "buyer" else MERCHANT, outcome, ruled)
        payer, amount = PAYER[outcome], ruled
        if outcome == "return_and_refund":
            if returned:
                await do(case, BUYER, "send-back", text="SF 1")
                await do(case, MERCHANT, "receive")
            else:
                clock.move(hours=168)
                assert await work.tick() == 1
                # nothing came back: a buyer that appealed keeps what it had, one that lost owes it
                payer, amount = (PAYER[paid], before) if side == "buyer" else (None, 0)
        expected = {"fund": 0, "merchant": 0, "buyer": amount} | ({payer: -amount} if payer else {})
        moved = {"fund": 0, "merchant": 0, "buyer": 0} | await money(database, case)
        assert moved == expected, (paid, before, side, outcome, ruled, returned)
        assert await check_case(work, int(case)) is None
        line = await database.pool.fetchval(
            "select l.refunded from application a join order_line l on l.no = a.line where a.no = $1", int(case)
        )
        assert line == amount
        owed = await database.pool.fetchval(
            "select coalesce(sum(owed), 0)::bigint from debt where case_no = $1", int(case)
        )
        assert owed == max(0, before - amount)
    assert await database.pool.fetchval("select sum(amount) from posting") == 0


async def test_both_sides_appeal_and_nobody_is_paid_twice(
    file: File, do: Do, database: Database, work: Casework
) -> None:
    case = await reviewed(file, do, 0, "decline")
    await appealed(do, case, BUYER, "refund_by_merchant", 3_000)
    await do(case, MERCHANT, "appeal", why="Look again.", evidence=["slip"])
    clara = {"role": "adjudicator", "id": "Clara"}
    await do(case, clara, "claim")
    await do(case, clara, "rule", outcome="subsidise", amount=8_000, grounds=["goodwill"])
    assert await money(database, case) == {"fund": -8_000, "buyer": 8_000, "merchant": 0}
    assert await check_case(work, int(case)) is None


async def test_an_appeal_takes_nothing_from_whoever_made_it(file: File, do: Do) -> None:
    from evenhand.errors import BadInput

    case = await reviewed(file, do, 3_000, "refund_by_merchant")
    with pytest.raises(BadInput, match="its own appeal does not take back"):
        await appealed(do, case, BUYER, "decline", 0)
    other = await reviewed(file, do, 3_000, "refund_by_merchant")
    with pytest.raises(BadInput, match="its own appeal does not charge it more"):
        await appealed(do, other, MERCHANT, "refund_by_merchant", 3_001)


async def test_what_people_took_back_before_is_not_taken_back_again(
    file: File, do: Do, database: Database, clock: Clock
) -> None:
    case = await reviewed(file, do, 3_000, "subsidise")
    async with database.pool.acquire() as connection, connection.transaction():
        await recover(connection, int(case), by="fraud desk", note="proven", now=clock.now)
    await appealed(do, case, BUYER, "refund_by_merchant", 5_000)
    # the buyer gets what is missing of the ruling; what fraud got stays recovered
    assert await money(database, case) == {"fund": 3_000, "buyer": 2_000, "merchant": -5_000}


@pytest.mark.parametrize("at_once", [1, 8])
async def test_what_a_buyer_owes_is_kept_back_from_its_next_payout(
    at_once: int, file: File, do: Do, database: Database, clock: Clock
) -> None:
    from evenhand.fund.gateways.sandbox import Sandbox
    from evenhand.fund.gateways.server import sandbox
    from evenhand.fund.payouts import Payer, payouts

    case = await reviewed(file, do, 8_000, "refund_by_merchant")
    await appealed(do, case, MERCHANT, "decline", 0)
    async with database.pool.acquire() as connection, connection.transaction():
        await start(connection, "bazaar", "sandbox", since=None, by="finance", now=clock.now)
    small, large = await reviewed(file, do, 3_000, "subsidise"), await reviewed(file, do, 7_000, "subsidise")
    async with sandbox() as (url, gateway):
        payer = Payer(database.pool, {"sandbox": Sandbox(url)}, clock=clock, at_once=at_once)
        while await payer.tick():
            pass
        await payer.close()
    assert sum(one.amount for one in gateway.payments.values()) == 2_000
    async with database.pool.acquire() as connection:
        found = {one.case: (one.state, one.amount) for one in await payouts(connection)}
    assert found == {small: ("cancelled", 3_000), large: ("paid", 2_000)}
    assert await database.pool.fetchval("select sum(owed) from debt") == 0
    assert await database.pool.fetchval("select count(*) from outbox where type = 'fund.set_off'") == 2
