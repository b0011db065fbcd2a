"""Placeholder with the agreed interface, until the ledger lands."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from evenhand.accounts.state import Connection


class Transfer(NamedTuple):
    market: int
    currency: str
    cause: str
    case_no: int | None
    debit: tuple[str, int | None]
    credit: tuple[str, int | None]
    amount: int
    value_at: datetime


async def book(connection: Connection, transfers: Sequence[Transfer], now: datetime) -> list[int]:
    numbers: list[int] = []
    for one in transfers:
        numbers.append(
            await connection.fetchval(
                "insert into transfer (market, currency, cause, case_no, debit, debit_of, credit, credit_of, amount, value_at, booked_at)"
                " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning no",
                one.market, one.currency, one.cause, one.case_no, *one.debit, *one.credit, one.amount, one.value_at, now,
            )
        )
    return numbers
