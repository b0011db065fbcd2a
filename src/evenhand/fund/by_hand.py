"""Money that people move: into the fund and out of it, back from a buyer whose fraud was proven, and what such a buyer pays back.

Each is a transfer with a note of who did it and why. What was granted and not sent yet is recovered by not sending it; after
that the buyer owes it, which shows as a balance below zero until it is paid back.
"""

from datetime import datetime
from typing import Final

import msgspec

from evenhand.accounts.state import Connection
from evenhand.errors import BadInput, Conflict, UnknownThing
from evenhand.fund.budgets import MOST_BUDGET, known_market, named
from evenhand.fund.ledger import Transfer, book
from evenhand.fund.telling import tell
from evenhand.money import written
from evenhand.store import Queries

_fund: Final = Queries.load("fund")
_payouts: Final = Queries.load("payouts")
_LONGEST_NOTE: Final = 500


class Moved(msgspec.Struct, frozen=True):
    """What was moved by hand."""

    transfer: int
    cause: str
    # minor units
    amount: int
    currency: str
    # of a recovery: how much of it was never sent, and how much the buyer owes now
    unsent: int = 0
    owed: int = 0


async def deposit(connection: Connection, market: str, amount: int, *, by: str, note: str, now: datetime) -> Moved:
    """Pay into a market's fund, in the caller's transaction; a negative amount takes out.

    Raises `UnknownThing` for the market, `BadInput` naming what is wrong: no more is taken out than the fund holds.
    """
    row = await known_market(connection, market)
    by, note = named(by), _noted(note)
    if not 0 < abs(amount) <= MOST_BUDGET:
        raise BadInput(f"must not be zero, and at most {written(MOST_BUDGET, row['currency'])}", field="amount")
    if amount < 0:
        # so that two who take out at the same time do not both see the same money
        await connection.execute(_fund.stop_the_press)
        there = int(await connection.fetchval(_fund.balance, row["no"]) or 0)
        if -amount > there:
            raise BadInput(
                f"must be at most what the fund of {market} holds, {written(there, row['currency'])}", field="amount"
            )
    fund, outside = ("fund", None), ("external", None)
    cause, ends = ("deposit", (outside, fund)) if amount > 0 else ("withdrawal", (fund, outside))
    transfer = Transfer(row["no"], row["currency"], cause, None, *ends, abs(amount), now)
    (number,) = await book(connection, [transfer], now)
    await connection.execute(_fund.note, number, by, note)
    return Moved(number, cause, abs(amount), row["currency"])


async def recover(
    connection: Connection, case: int, *, amount: int | None = None, by: str, note: str, now: datetime
) -> list[Moved]:
    """Take back what the fund granted the buyer of a case, in the caller's transaction; all of it unless told.

    Raises `UnknownThing` when the case was granted nothing, `Conflict` when it was recovered before, `BadInput`.
    """
    by, note = named(by), _noted(note)
    await connection.fetch(_payouts.hold_case, case)
    grants = await connection.fetch(_payouts.grants, case)
    if not grants:
        raise UnknownThing(f"the fund has granted the buyer of case {case} nothing", field="case")
    left = [grant for grant in grants if not grant["recovered"]]
    if not left:
        raise Conflict(f"what case {case} was granted has been recovered", field="case")
    total, currency = sum(grant["amount"] for grant in left), left[0]["currency"]
    rest = total if amount is None else amount
    if not 0 < rest <= total:
        raise BadInput(f"must be more than zero, and at most the {written(total, currency)} granted", field="amount")
    moved: list[Moved] = []
    for grant in left:
        part = min(rest, grant["amount"])
        if not part:
            break
        rest -= part
        transfer = Transfer(
            grant["market"],
            currency,
            "recovery",
            case,
            ("buyer", grant["buyer"]),
            ("fund", None),
            part,
            now,
            grant["no"],
        )
        (number,) = await book(connection, [transfer], now)
        await connection.execute(_fund.note, number, by, note)
        # what was sent once may still arrive, whatever its gateway says now
        unsent = part if grant["payout"] is not None and grant["state"] == "due" and not grant["attempts"] else 0
        if unsent:
            await connection.execute(_payouts.reduce, grant["payout"], part, "recovered", now)
            state = "cancelled" if part == grant["paying"] else "due"
            key = await connection.fetchval(_payouts.key_of, grant["payout"])
            await connection.execute(_payouts.happened, grant["payout"], now, state, key, f"recovered: {note}")
        moved.append(Moved(number, "recovery", part, currency, unsent, part - unsent))
        said = {"amount": part, "currency": currency, "unsent": unsent, "by": by, "note": note}
        await tell(connection, "fund.recovered", grant["market"], case, now, said)
    return moved


async def repaid(connection: Connection, case: int, *, by: str, note: str, now: datetime) -> list[Moved]:
    """The buyer of a case has paid back what was recovered, in the caller's transaction.

    Raises `UnknownThing` when nothing was recovered there, `Conflict` when it was paid back before.
    """
    by, note = named(by), _noted(note)
    recoveries = await connection.fetch(_payouts.owed, case)
    if not recoveries:
        raise UnknownThing(f"nothing was recovered in case {case}", field="case")
    moved: list[Moved] = []
    for one in recoveries:
        if one["repaid"]:
            continue
        buyer = ("buyer", one["buyer"])
        transfer = Transfer(
            one["market"], one["currency"], "repayment", case, ("external", None), buyer, one["amount"], now, one["no"]
        )
        (number,) = await book(connection, [transfer], now)
        await connection.execute(_fund.note, number, by, note)
        moved.append(Moved(number, "repayment", one["amount"], one["currency"]))
    if not moved:
        raise Conflict(f"what was recovered in case {case} has been paid back", field="case")
    return moved


def _noted(note: str) -> str:
    note = note.strip()
    if not note or len(note) > _LONGEST_NOTE or "\0" in note:
        raise BadInput(f"say why, in 1 to {_LONGEST_NOTE} characters", field="note")
    return note
