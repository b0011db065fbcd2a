"""Statements for other programs: CSV for spreadsheets, Beancount for bookkeepers.

In Beancount the fund is a set of books of its own: what it grants are its expenses, what it recovers its income, and the
platform's treasury pays in and takes out. One transaction stands for everything of one cause on one day, and a balance at the end
proves that the statement and its transactions agree.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from evenhand.fund.ledger import cause_word
from evenhand.fund.statement import DayMovement, Statement
from evenhand.money import decimal

# The account on the other side of the fund, by cause.
_OTHER: Final = {
    "subsidy": "Expenses:Subsidies",
    "appeal_refund": "Expenses:Appeals",
    "compensation": "Expenses:Compensations",
    "charge": "Income:Charges",
    "recovery": "Income:Recoveries",
    "deposit": "Equity:Treasury",
    "withdrawal": "Equity:Treasury",
}
_OPENING: Final = "Equity:Opening-Balances"


def as_csv(statements: Sequence[Statement]) -> str:
    """A line for the opening, every cause and the closing of each statement; amounts are decimals of the currency."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["market", "currency", "from", "to", "line", "transfers", "amount"])
    for one in statements:
        head = [one.market, one.currency, one.since or "", one.until or ""]
        lines.writerow([*head, "opening", "", decimal(one.opening, one.currency)])
        for move in one.movements:
            lines.writerow([*head, move.cause, move.transfers, decimal(move.amount, one.currency)])
        lines.writerow([*head, "closing", "", decimal(one.closing, one.currency)])
    return text.getvalue()


def as_beancount(statements: Sequence[Statement], days: Sequence[Sequence[DayMovement]]) -> str:
    """Beancount's own format; `days` are the movements of each statement by day."""
    lines = ['option "title" "Subsidy funds"']
    lines += [f'option "operating_currency" "{code}"' for code in sorted({one.currency for one in statements})]
    names = _names([one.market for one in statements])
    for one, moved in zip(statements, days, strict=True):
        lines += ["", *_books(one, moved, names[one.market])]
    return "\n".join(lines) + "\n"


def _books(one: Statement, days: Sequence[DayMovement], name: str) -> Iterator[str]:
    first = one.since or min((move.day for move in days), default=date(1970, 1, 1))
    last = one.until or max((move.day for move in days), default=first)
    fund = f"Assets:Fund:{name}"
    others = dict.fromkeys(f"{_OTHER[move.cause]}:{name}" for move in days)
    yield f"; fund of {' '.join(one.market.split())}{' (synthetic)' if one.synthetic else ''}"
    for account in (fund, *others):
        yield f"{first} open {account} {one.currency}"
    if one.opening:
        yield f"{first} open {_OPENING}:{name} {one.currency}"
        yield f'{first} * "opening"'
        yield from _postings(fund, f"{_OPENING}:{name}", one.opening, one.currency)
    for move in days:
        yield f'{move.day} * "{cause_word(move.cause, "en")}" "{move.transfers} transfers"'
        yield from _postings(fund, f"{_OTHER[move.cause]}:{name}", move.amount, one.currency)
    if last < date.max:
        # a balance is that of the day's beginning; to the cent, where Beancount would let one pass
        yield f"{last + timedelta(days=1)} balance {fund} {decimal(one.closing, one.currency)} ~ 0 {one.currency}"


def _postings(fund: str, other: str, amount: int, currency: str) -> Iterator[str]:
    yield f"  {fund}  {decimal(amount, currency)} {currency}"
    yield f"  {other}  {decimal(-amount, currency)} {currency}"


def _names(markets: Sequence[str]) -> dict[str, str]:
    """Names of accounts for markets, each its own: Beancount allows letters, digits and dashes, a capital first."""
    names: dict[str, str] = {}
    for number, market in enumerate(markets, start=1):
        plain = re.sub(r"[^A-Za-z0-9]+", "-", market).strip("-")
        plain = plain[:1].upper() + plain[1:] if plain else "Market"
        names[market] = f"{plain}-{number}" if plain in names.values() or plain.lower() != market.lower() else plain
    return names
