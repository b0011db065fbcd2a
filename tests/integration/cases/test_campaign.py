"""Many people at once on a few cases, on a real database: whatever gets through, the books and the events agree."""

import asyncio
import random
from collections import Counter
from typing import Any

from evenhand.cases.actions import ACTIONS
from evenhand.cases.model import Case
from evenhand.cases.table import find
from evenhand.casework import Acted, Casework, check_all
from evenhand.errors import BadInput, Conflict, NotAllowed
from evenhand.store import Database
from tests.integration.cases.conftest import ANNA, BORIS, BUYER, MERCHANT, PLATFORM, Clock, Do, File

# What happens by an action, where it is not called like its address.
HAPPENS = {"messages": "message", "offers": "offer", "send-back": "send_back", "confirm": "rule"}
ROUNDS = 90
AT_ONCE = 16
CLARA = {"role": "adjudicator", "id": "Clara"}
PEOPLE = {
    "messages": (BUYER, MERCHANT), "evidence": (BUYER, MERCHANT), "offers": (BUYER, MERCHANT), "accept": (BUYER, MERCHANT),
    "decline": (MERCHANT, BUYER), "escalate": (BUYER, MERCHANT), "withdraw": (BUYER,), "appeal": (BUYER, MERCHANT),
    "claim": (ANNA, BORIS, CLARA), "release": (ANNA, BORIS), "rule": (ANNA, BORIS, CLARA), "confirm": (BORIS, CLARA),
    "object": (BORIS,), "inspect": (ANNA,), "inspected": (PLATFORM,), "pause": (PLATFORM,), "resume": (PLATFORM,),
    "send-back": (BUYER,), "receive": (MERCHANT, PLATFORM), "replace": (MERCHANT,),
}  # fmt: skip
# What only fills a thread comes up less often than what moves a case.
RARE = ("messages", "evidence", "pause", "resume", "inspect", "release", "withdraw", "object")


def drawn(chance: random.Random, case: Case) -> tuple[str, dict[str, str], dict[str, Any]]:
    """An action that somebody might take in a case as it was read, by whom, with what it needs."""
    possible = [
        (action, who) for action, people in PEOPLE.items() for who in people
        if find(case.state, HAPPENS.get(action, action), who["role"])  # pyright: ignore[reportArgumentType]
        and (action not in RARE or chance.random() < 0.1)
        and (action not in ("rule", "confirm") or who["id"] == case.holder)
    ]  # fmt: skip
    action, by = chance.choice(possible or [("messages", BUYER)])
    given: dict[str, Any] = {
        "text": "words", "why": "because", "offer": chance.choice((None, *(one.no for one in case.offers))),
        "kind": chance.choice(("refund", "partial_refund", "retention", "return_and_refund", "exchange", "resend")),
        "amount": chance.choice((None, 500, 3_000, 8_000)), "grounds": ["goodwill"], "evidence": ["a photograph"],
        "outcome": chance.choice(("subsidise", "refund_by_merchant", "return_and_refund", "decline")),
        "finding": chance.choice(("as_described", "defective")),
    }  # fmt: skip
    fields = ACTIONS[action][0].__struct_fields__
    return action, by, {name: value for name, value in given.items() if name in fields}


async def test_whatever_happens_at_once_the_books_agree(
    file: File, do: Do, work: Casework, database: Database, clock: Clock
) -> None:
    chance = random.Random(20260302)
    cases: list[str] = []
    seen: Counter[str] = Counter()

    async def one() -> None:
        case = chance.choice(cases[-12:])
        async with database.pool.acquire() as connection:
            read = (await work.load(connection, int(case))).case
        action, by, fields = drawn(chance, read)
        try:
            done = await do(case, by, action, **fields)
        except (BadInput, Conflict, NotAllowed) as error:
            seen[type(error).__name__] += 1
        else:
            assert isinstance(done, Acted)
            seen.update(event.action for event in done.events)

    async def ticking() -> None:
        seen["ticks"] += await work.tick()

    for turn in range(ROUNDS):
        if turn % 3 == 0:
            # two applications about one order line, so that its rest is fought over
            order = f"order-{turn // 3}"
            filed = [
                (await file(id=f"{turn}-{name}", order=order, remedy=remedy)).case
                for name, remedy in (("a", "refund_only"), ("b", chance.choice(("return_and_refund", "exchange"))))
            ]
            cases.extend(filed)
        await asyncio.gather(*(one() for _ in range(AT_ONCE)), ticking(), ticking())
        clock.move(hours=chance.choice((0, 1, 20, 60)))
    told: list[str] = []
    _, wrong = await check_all(work, told.append)
    assert not wrong, told
    # what the cases say was paid is what the ledger says, and what the order lines say
    for case in cases:
        async with database.pool.acquire() as connection:
            paid = (await work.load(connection, int(case))).case.paid
        rows = await database.pool.fetch(
            "select debit, cause, sum(amount)::bigint as amount from transfer where case_no = $1 group by 1, 2",
            int(case),
        )
        between = ("compensation", "charge", "recovery")
        moved = {
            who: sum(row["amount"] for row in rows if row["debit"] == who and row["cause"] not in between)
            for who in ("fund", "merchant")
        } | {cause: sum(row["amount"] for row in rows if row["cause"] == cause) for cause in between}
        assert moved == {
            "fund": paid.by_platform, "merchant": paid.by_merchant, "compensation": paid.compensated,
            "charge": paid.charged, "recovery": paid.recovered,
        }  # fmt: skip
    lines = await database.pool.fetch(
        "select l.refunded, coalesce(sum(case when t.credit = 'buyer' then t.amount when t.cause = 'recovery' then -t.amount"
        " end), 0)::bigint as granted"
        " from order_line l join application a on a.line = l.no left join transfer t on t.case_no = a.no group by l.no"
    )
    assert all(row["refunded"] == row["granted"] for row in lines)
    assert await database.pool.fetchval("select sum(amount) from posting") in (0, None)
    # the campaign would show nothing if nothing got through
    for action in ("offer", "accept", "pay", "rule", "appeal", "claim", "escalate", "close"):
        assert seen[action], (action, seen)
