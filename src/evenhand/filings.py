"""Filings: applications joined to the orders they are about, and checked against them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

import asyncpg
import msgspec

from evenhand.accounts.state import Connection
from evenhand.errors import BadInput, Conflict, EvenhandError, UnknownThing
from evenhand.markets import CLOCK_SKEW, MarketDesk
from evenhand.money import written
from evenhand.records import Application
from evenhand.store import Queries

_sql: Final = Queries.load("desk")
_canonical: Final = msgspec.json.Encoder()


@dataclass(slots=True)
class Filing:
    """An application with everything the store knows about its order line."""

    # its place in the batch
    index: int
    market: MarketDesk
    application: Application
    digest: bytes
    # when the buyer filed it: the moment it counts for
    moment: datetime
    # the number of the case to be opened
    case: int
    order_no: int
    # account numbers
    buyer: int
    merchant: int
    category: str
    # of the order line, minor units: what was paid, and what has been granted back before this batch
    paid: int
    refunded: int
    placed_at: datetime
    delivered_at: datetime | None


def digest(application: Application) -> bytes:
    """What makes two bodies the same: every field, with moments compared as instants."""
    if application.applied_at is not None and application.applied_at.tzinfo is not UTC:
        application = msgspec.structs.replace(application, applied_at=application.applied_at.astimezone(UTC))
    return blake2b(_canonical.encode(application), digest_size=16).digest()


def conflict(application: Application) -> Conflict:
    return Conflict(f"application {application.id!r} was filed before with another body", field="id")


async def join_orders(
    connection: Connection, markets: Mapping[str, MarketDesk], items: Sequence[tuple[str, Application]], now: datetime
) -> tuple[list[Filing], dict[int, int], dict[int, EvenhandError]]:
    """Join (market id, application) to their orders: the filings to rule, in order; the numbers of applications filed before, by
    place in the batch; and what is wrong with the others, by place."""
    filings: list[Filing] = []
    repeats: dict[int, int] = {}
    errors: dict[int, EvenhandError] = {}
    places: list[int] = []
    numbers: list[int] = []
    ids: list[str] = []
    orders: list[str] = []
    lines: list[str] = []
    for index, (market, application) in enumerate(items):
        if market in markets:
            places.append(index)
            numbers.append(markets[market].number)
            ids.append(application.id)
            orders.append(application.order)
            lines.append(application.line)
        else:
            errors[index] = UnknownThing(f"there is no market {market!r}", field="market")
    for row in await connection.fetch(_sql.find, numbers, ids, orders, lines):
        index = places[row["i"] - 1]
        market, application = items[index]
        body = digest(application)
        if row["known"] is None:
            try:
                filings.append(_filing(index, markets[market], application, body, now, row))
            except EvenhandError as error:
                errors[index] = error
        elif row["digest"] == body:
            repeats[index] = row["known"]
        else:
            errors[index] = conflict(application)
    filings.sort(key=lambda filing: filing.index)
    return filings, repeats, errors


def _filing(
    index: int, market: MarketDesk, application: Application, body: bytes, now: datetime, row: asyncpg.Record
) -> Filing:
    """Check an application against its order; raises `BadInput` naming the field."""
    (_, case, order_no, buyer, placed_at, delivered_at, merchant, category, paid, refunded, _, _) = row
    if order_no is None:
        raise UnknownThing(f"market {market.market.id} has no order {application.order!r}", field="order")
    if merchant is None:
        raise UnknownThing(f"order {application.order!r} has no line {application.line!r}", field="line")
    if application.currency != market.currency:
        raise BadInput(f"market {market.market.id} trades in {market.currency}, not {application.currency}", field="currency")
    moment = application.applied_at or now
    if moment > now + CLOCK_SKEW:
        raise BadInput("lies in the future", field="applied_at")
    if moment < placed_at:
        raise BadInput("lies before the order was placed", field="applied_at")
    if application.amount > paid:
        asked, worth = written(application.amount, market.currency), written(paid, market.currency)
        raise BadInput(f"{asked} is more than the order line's {worth}", field="amount")
    return Filing(
        index, market, application, body, moment, case, order_no, buyer, merchant, category, paid, refunded, placed_at, delivered_at
    )
