"""Settling a payout that the gateway paid otherwise than it was asked.

The gateway's report says what left. A person looks, and says what it was; the ledger then shows that amount as paid out, and the
difference as a transfer of its own, with who settled it and why. What was paid too little is sent in a payout of its own; what
was paid too much the buyer owes. What is settled is settled for good: another amount than the gateway itself said is taken
only from somebody who says that it is meant.
"""

from datetime import datetime
from typing import Final

from evenhand.accounts.state import Connection
from evenhand.errors import BadInput, Conflict, UnknownThing
from evenhand.fund import debts
from evenhand.fund.budgets import MOST_BUDGET
from evenhand.fund.by_hand import Moved, noted
from evenhand.fund.ledger import Transfer, book
from evenhand.fund.telling import tell
from evenhand.money import written
from evenhand.naming import person
from evenhand.store import Queries

_fund: Final = Queries.load("fund")
_sql: Final = Queries.load("payouts")


async def currency_of(connection: Connection, number: int) -> str:
    """The currency of a payout; raises `UnknownThing` when there is no such one."""
    row = await connection.fetchrow(_sql.lock, number)
    if row is None:
        raise UnknownThing(f"there is no payout {number}", field="payout")
    return row["currency"]


async def settle(
    connection: Connection,
    number: int,
    paid: int,
    *,
    by: str,
    note: str,
    now: datetime,
    against_gateway: bool = False,
) -> list[Moved]:
    """Book what a gateway really paid for a payout that `differs`, in minor units of its currency, in the caller's transaction.

    Nothing at all makes it `failed`, to be sent again. Unless told that it is `against_gateway`, it is what the gateway said, or,
    where that was in another currency, at most what the payout was to pay. Raises `UnknownThing` when there is no such payout,
    `Conflict` when it does not differ, `BadInput`.
    """
    by, note = person(by), noted(note)
    row = await connection.fetchrow(_sql.lock, number)
    if row is None:
        raise UnknownThing(f"there is no payout {number}", field="payout")
    if row["state"] != "differs":
        raise Conflict(f"payout {number} is {row['state']}: only one that differs is settled by hand", field="payout")
    if not 0 <= paid <= MOST_BUDGET:
        raise BadInput(f"must be zero or more, and at most {written(MOST_BUDGET, row['currency'])}", field="paid")
    said = row["gateway_amount"]
    if not against_gateway and (paid > row["amount"] if said is None else paid != said):
        meant = "confirm with against_gateway (--against-gateway) that another amount is meant: it cannot be undone"
        told = (
            f"the payout was to pay {written(row['amount'], row['currency'])}"
            if said is None
            else f"the gateway said that it paid {written(said, row['currency'])}"
        )
        raise BadInput(f"{told}; {meant}", field="paid")
    buyer, clearing, outside = ("buyer", row["buyer"]), ("clearing", None), ("external", None)
    moved: list[Moved] = []

    async def move(
        cause: str, ends: tuple[tuple[str, int | None], tuple[str, int | None]], amount: int, after: int
    ) -> int:
        transfer = Transfer(row["market"], row["currency"], cause, row["case_no"], *ends, amount, now, after)
        (no,) = await book(connection, [transfer], now)
        await connection.execute(_fund.note, no, by, note)
        moved.append(Moved(no, cause, amount, row["currency"]))
        return no

    asked, last = row["amount"], row["moved"]
    if not paid:
        last, state = await move("payout_failed", (clearing, buyer), asked, last), "failed"
    else:
        state = "paid"
        if paid > asked:
            last = await move("payout_over", (buyer, clearing), paid - asked, last)
            owed = (row["market"], row["currency"], row["case_no"], row["buyer"], paid - asked)
            await connection.execute(debts.sql.open, last, *owed)
        last = await move("payout_paid", (clearing, outside), paid, last)
        if paid < asked:
            rest = await move("payout_short", (clearing, buyer), asked - paid, last)
            await connection.execute(_sql.pay_rest, number, rest, asked - paid, now)
        await connection.execute(_sql.was_paid, number, paid)
    against = f", where the gateway said {written(said, row['currency'])}" if said not in (None, paid) else ""
    settled = f"settled by {by} at {written(paid, row['currency'])}{against}: {note}"
    await connection.execute(_sql.record, number, state, last, None, row["gateway_id"], None if paid else settled, now)
    await connection.execute(_sql.happened, number, now, state, row["key"], settled)
    event = {"payout": number, "asked": asked, "paid": paid, "currency": row["currency"], "by": by, "note": note}
    await tell(connection, "fund.payout_settled", row["market"], row["case_no"], now, event)
    return moved
