"""What buyers owe: money that was taken back after it had been sent.

A recovery moves money from the buyer to the fund in the ledger. Where that money had not been sent yet, a smaller payout is the
end of it; the rest is a debt. It is settled by what the buyer pays back, or set off against what the fund grants the same buyer
later: before a payout is first sent, what its buyer owes is kept back from it. Every settlement is a row that is never changed.
"""

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

import msgspec

from evenhand.accounts.state import Connection
from evenhand.fund.budgets import known_market
from evenhand.fund.ledger import Transfer, book
from evenhand.fund.telling import tell
from evenhand.store import Queries

sql: Final = Queries.load("debts")
_payouts: Final = Queries.load("payouts")


class Taken(msgspec.Struct, frozen=True):
    """A part of what a buyer was given, taken back."""

    transfer: int
    # minor units; how much of it had not been sent, and will not be
    amount: int
    unsent: int


class Debt(msgspec.Struct, frozen=True):
    """What a buyer still owes of a case."""

    # of the transfer it comes from
    no: int
    market: str
    case: str
    buyer: str
    currency: str
    # minor units: at first, and still
    amount: int
    owed: int
    since: datetime


async def owed(connection: Connection, *, market: str | None = None, after: int = 0, limit: int = 50) -> list[Debt]:
    """What buyers still owe, the oldest first, from one on; raises `UnknownThing` for a market."""
    if market is not None:
        await known_market(connection, market)
    return [Debt(*row) for row in await connection.fetch(sql.owed, market, after, limit)]


async def take_back(
    connection: Connection, case: int, grants: Sequence[Any], amount: int, why: str, now: datetime
) -> list[Taken]:
    """Take an amount back from what a case gave its buyer, in the caller's transaction, in the order of these rows of `grants`.

    They hold at least as much; the caller holds the case.
    """
    taken: list[Taken] = []
    for grant in grants:
        part = min(amount, grant["amount"] - grant["recovered"])
        if not part:
            continue
        amount -= part
        ends = (("buyer", grant["buyer"]), ("fund", None))
        transfer = Transfer(grant["market"], grant["currency"], "recovery", case, *ends, part, now, grant["last"])
        (number,) = await book(connection, [transfer], now)
        # what was sent once may still arrive, whatever its gateway says now
        sendable = grant["payout"] is not None and grant["state"] == "due" and not grant["attempts"]
        unsent = min(part, grant["paying"]) if sendable else 0
        if unsent:
            await _keep_back(
                connection, grant["payout"], grant["key"], unsent, grant["paying"], f"recovered: {why}", now
            )
        if part > unsent:
            owed = (grant["market"], grant["currency"], case, grant["buyer"], part - unsent)
            await connection.execute(sql.open, number, *owed)
        taken.append(Taken(number, part, unsent))
    assert not amount, "more was to be taken back than was given"
    return taken


async def set_off(connection: Connection, payouts: Sequence[int], now: datetime) -> int:
    """Keep back from payouts that were never sent what their buyers owe, in the caller's transaction, which holds them.

    Returns how many of them that changed.
    """
    rows = await connection.fetch(sql.owing, payouts) if payouts else []
    # debts are held buyer by buyer in one order, so that two who pay at once never wait for one another
    for payout in sorted(rows, key=itemgetter("buyer")):
        left = payout["amount"]
        for debt in await connection.fetch(sql.of_buyer, payout["buyer"]):
            part = min(left, debt["owed"])
            if not part:
                break
            await connection.execute(sql.settle, debt["recovery"], now, part, None, payout["no"])
            why = f"set off against what the buyer owes of case {debt['case_no']}"
            await _keep_back(connection, payout["no"], payout["key"], part, left, why, now)
            left -= part
            said = {
                "payout": payout["no"], "amount": part, "currency": payout["currency"], "owed_of": str(debt["case_no"]),
            }  # fmt: skip
            await tell(connection, "fund.set_off", payout["market"], payout["case_no"], now, said)
    return len(rows)


async def _keep_back(
    connection: Connection, payout: int, key: str, part: int, paying: int, why: str, now: datetime
) -> None:
    """Let a payout pay so much less; nothing left of it cancels it."""
    await connection.execute(_payouts.reduce, payout, part, why, now)
    state = "cancelled" if part == paying else "due"
    await connection.execute(_payouts.happened, payout, now, state, key, why)
