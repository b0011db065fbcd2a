"""Money that people move: into the fund and out of it, back from a buyer whose fraud was proven, and what such a buyer pays back.

Each is a transfer with a note of who did it and why. What was granted and not sent yet is recovered by not sending it; after
that the buyer owes it (`evenhand.fund.debts`).
"""

from datetime import datetime
from typing import Final

import msgspec

from evenhand.accounts.state import Connection
from evenhand.errors import BadInput, Conflict, UnknownThing
from evenhand.fund import debts
from evenhand.fund.budgets import MOST_BUDGET, known_market
from evenhand.fund.ledger import Transfer, book
from evenhand.fund.telling import tell
from evenhand.money import written
from evenhand.naming import person
from evenhand.store import Queries

_fund: Final = Queries.load("fund")
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
    by, note = person(by), noted(note)
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
    """Take back what the fund granted the buyer of a case, in the caller's transaction; all that is left of it unless told.

    It may be done in parts, never more than was granted in all. Raises `UnknownThing` when the case was granted nothing,
    `Conflict` when all of it was recovered before, `BadInput`.
    """
    by, note = person(by), noted(note)
    await connection.fetch(debts.sql.hold_line, case)
    await connection.fetch(debts.sql.hold_payouts, case)
    grants = await connection.fetch(debts.sql.grants, case, True)
    if not grants:
        raise UnknownThing(f"the fund has granted the buyer of case {case} nothing", field="case")
    market, currency = grants[0]["market"], grants[0]["currency"]
    granted = sum(grant["amount"] for grant in grants)
    left = granted - sum(grant["recovered"] for grant in grants)
    if not left:
        raise Conflict(
            f"all that case {case} was granted, {written(granted, currency)}, has been recovered", field="case"
        )
    asked = left if amount is None else amount
    if not 0 < asked <= left:
        raise BadInput(
            f"must be more than zero, and at most the {written(left, currency)} left of {written(granted, currency)} granted",
            field="amount",
        )
    moved: list[Moved] = []
    for taken in await debts.take_back(connection, case, grants, asked, note, now):
        await connection.execute(_fund.note, taken.transfer, by, note)
        part, unsent = taken.amount, taken.unsent
        moved.append(Moved(taken.transfer, "recovery", part, currency, unsent, part - unsent))
        said = {"amount": part, "currency": currency, "unsent": unsent, "by": by, "note": note}
        await tell(connection, "fund.recovered", market, case, now, said)
    return moved


async def repaid(connection: Connection, case: int, *, by: str, note: str, now: datetime) -> list[Moved]:
    """The buyer of a case has paid back what it still owed, in the caller's transaction.

    Raises `UnknownThing` when nothing was recovered there, `Conflict` when nothing of it is owed any more.
    """
    by, note = person(by), noted(note)
    if not await connection.fetchval(debts.sql.any, case):
        raise UnknownThing(f"nothing was recovered in case {case}", field="case")
    moved: list[Moved] = []
    for debt in await connection.fetch(debts.sql.of_case, case):
        if not debt["owed"]:
            continue
        ends = (("external", None), ("buyer", debt["buyer"]))
        amount, currency = debt["owed"], debt["currency"]
        transfer = Transfer(debt["market"], currency, "repayment", case, *ends, amount, now, debt["recovery"])
        (number,) = await book(connection, [transfer], now)
        await connection.execute(debts.sql.settle, debt["recovery"], now, amount, number, None)
        await connection.execute(_fund.note, number, by, note)
        moved.append(Moved(number, "repayment", amount, currency))
    if not moved:
        raise Conflict(f"the buyer of case {case} owes nothing of it any more", field="case")
    return moved


def noted(note: str) -> str:
    """Why it is done; raises `BadInput` when that is not said."""
    note = note.strip()
    if not note or len(note) > _LONGEST_NOTE or "\0" in note:
        raise BadInput(f"say why, in 1 to {_LONGEST_NOTE} characters", field="note")
    return note
