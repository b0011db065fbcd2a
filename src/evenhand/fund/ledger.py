"""The ledger: transfers between accounts, written once and never changed.

A ledger account is a kind and, for buyers and merchants, whose. A transfer moves an amount from one account (`debit`) to another
(`credit`); its two postings are a view of that one row, so all postings of a market sum to zero whatever happens here. No balance
is kept anywhere: what an account stands at is the sum of its postings, so nobody queues to write it. What a transfer takes out of
the fund for somebody it takes from the market's budgets in the same transaction.

A correction is a new transfer, which names the one it `follows`.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, Literal, NamedTuple

import asyncpg

from evenhand.accounts.state import Connection
from evenhand.errors import Conflict
from evenhand.money import written
from evenhand.store import Queries
from evenhand.vocabulary import Lang

Kind = Literal["fund", "buyer", "merchant", "clearing", "external"]
_sql: Final = Queries.load("fund")
_SPENT: Final = "EV001"

# What the kinds of account hold.
KINDS: Final[dict[str, str]] = {
    "fund": "the platform's money for subsidies and compensations, one per market",
    "buyer": "what is owed to a buyer; below zero, what the buyer owes",
    "merchant": "what a merchant has been charged, or is owed",
    "clearing": "money that a payment gateway is moving, one per market",
    "external": "the world outside: bank accounts, the platform's treasury",
}


class Cause(NamedTuple):
    """Why money moves: between which kinds of account, and in people's words."""

    debit: tuple[Kind, ...]
    credit: Kind
    en: str
    zh: str


# Every cause there is; the database holds the same table (`transfer_cause_check`).
CAUSES: Final[dict[str, Cause]] = {
    "subsidy": Cause(("fund",), "buyer", "subsidies granted", "平台补贴"),
    "merchant_refund": Cause(("merchant",), "buyer", "refunds a ruling put on merchants", "裁决由商家承担的退款"),
    "agreement": Cause(("merchant",), "buyer", "refunds merchants agreed to", "商家同意的退款"),
    "appeal_refund": Cause(("fund", "merchant"), "buyer", "refunds granted on appeal", "申诉后的退款"),
    "compensation": Cause(("fund",), "merchant", "compensations of merchants", "商家补偿"),
    "charge": Cause(("merchant",), "fund", "charged to merchants on appeal", "申诉后改由商家承担"),
    "recovery": Cause(("buyer",), "fund", "recovered from buyers", "向买家追回"),
    "repayment": Cause(("external",), "buyer", "paid back by buyers", "买家还款"),
    "payout": Cause(("buyer",), "clearing", "handed to the gateway", "交付支付通道"),
    "payout_paid": Cause(("clearing",), "external", "paid out", "已付出"),
    "payout_failed": Cause(("clearing",), "buyer", "come back unpaid", "付款失败退回"),
    "payout_returned": Cause(("external",), "clearing", "come back after it was paid", "付出后退回"),
    "payout_short": Cause(("clearing",), "buyer", "paid too little, still to be paid", "少付待补"),
    "payout_over": Cause(("buyer",), "clearing", "paid too much, owed by buyers", "多付待追回"),
    "deposit": Cause(("external",), "fund", "paid into the fund", "注入基金"),
    "withdrawal": Cause(("fund",), "external", "taken out of the fund", "从基金提取"),
}


class Transfer(NamedTuple):
    """One amount from one account to another."""

    market: int
    currency: str
    cause: str
    case_no: int | None
    # kind of account, and whose
    debit: tuple[str, int | None]
    credit: tuple[str, int | None]
    # minor units
    amount: int
    # the moment it counts for (accountants' value date)
    value_at: datetime
    # number of the transfer that this one carries on or takes back
    follows: int | None = None


class BudgetSpent(Conflict):
    """A transfer would take more from the fund than a budget of its day has left."""


def cause_word(cause: str, lang: Lang) -> str:
    """What people call a cause."""
    known = CAUSES.get(cause)
    return cause if known is None else known.zh if lang == "zh" else known.en


async def book(connection: Connection, transfers: Sequence[Transfer], now: datetime) -> list[int]:
    """Write transfers, inside the caller's transaction; returns their numbers, in order.

    Raises `BudgetSpent` when the fund may not grant so much; the transaction is of no use any more then.
    """
    if not transfers:
        return []
    granted = [one for one in transfers if one.debit[0] == "fund" and one.credit[0] in ("buyer", "merchant")]
    markets = [one.market for one in granted]
    days: Sequence[date] = ()
    if granted:
        days = [row["day"] for row in await connection.fetch(_sql.days, markets, [one.value_at for one in granted])]
        await connection.fetch(_sql.left, markets, days, False)
    rows = [(*one[:4], *one.debit, *one.credit, *one[6:]) for one in transfers]
    numbers = [row["no"] for row in await connection.fetch(_sql.book, *map(list, zip(*rows, strict=True)), now)]
    if granted:
        await take(connection, markets, days, [one.amount for one in granted])
    return numbers


async def take(connection: Connection, markets: Sequence[int], days: Sequence[date], amounts: Sequence[int]) -> None:
    """Take what was granted on days of markets from the budgets that count there, after the transfers were written.

    Raises `BudgetSpent` when one of them has not enough, `asyncpg.SerializationError` when a budget was set meanwhile.
    """
    try:
        await connection.execute(_sql.take, markets, days, amounts)
    except asyncpg.PostgresError as error:
        said = error.as_dict()
        if said.get("sqlstate") != _SPENT:
            raise
        first, last, left, currency = said["detail"].split()
        raise BudgetSpent(
            f"the fund's budget of {first} to {last} has {written(int(left), currency)} left: raise it "
            "(`evenhand fund budget set`), or wait for the next",
            field="budget",
        ) from None
