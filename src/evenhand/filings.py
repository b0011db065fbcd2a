"""Filings: applications joined to the orders they are about, and checked against them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import blake2b
from operator import attrgetter
from typing import Final, NoReturn

import msgspec

from evenhand.accounts.links.keeping import read_rings, see, unseen
from evenhand.accounts.state import Account, AccountKey, Connection, label_at
from evenhand.errors import BadInput, Conflict, EvenhandError, UnknownThing
from evenhand.history import BUYER, MERCHANT
from evenhand.markets import CLOCK_SKEW, MarketDesk, microseconds
from evenhand.money import written
from evenhand.records import Application
from evenhand.store import Queries

_sql: Final = Queries.load("desk")
_links: Final = Queries.load("links")
_canonical: Final = msgspec.json.Encoder()


# thousands at once, and none refers back to itself: the collector need not look
class Filing(msgspec.Struct, gc=False):
    """An application with everything the store knows about its order line and its parties."""

    # its place in the batch
    index: int
    market: MarketDesk
    application: Application
    digest: bytes
    # when the buyer filed it: the moment it counts for, its day in the market's time zone (since 1970-01-01), and that day as the
    # fund's budgets go by: the market's number and its calendar day
    moment: datetime
    on: int
    day: tuple[int, date]
    # the number of the case to be opened
    case: int
    # of the order line: its number, category, what was paid and what has been granted back before this batch (minor units)
    line: int
    category: str
    paid: int
    refunded: int
    # when it was ordered, in microseconds since 1970, and the market's day of it; for how many days the goods had been received
    placed: int
    placed_on: int
    days_since_receipt: int | None
    # account numbers
    buyer: int
    merchant: int
    # the buyer's label at that moment
    label: str


def digest(application: Application) -> bytes:
    """What makes two bodies the same: every field, with moments compared as instants.

    But for what the buyer used: a device that stands in a digest could be tried out.
    """
    if application.attributes is not None:
        application = msgspec.structs.replace(application, attributes=None)
    if application.applied_at is not None and application.applied_at.tzinfo is not UTC:
        # a moment at the edge of the calendar has no instant in UTC; it is refused later, as past or future
        with suppress(OverflowError):
            application = msgspec.structs.replace(application, applied_at=application.applied_at.astimezone(UTC))
    return blake2b(_canonical.encode(application), digest_size=16).digest()


def conflict(application: Application) -> Conflict:
    return Conflict(f"application {application.id!r} was filed before with another body", field="id")


@dataclass(slots=True)
class Joined:
    """A batch after it met the store."""

    # what is to be ruled, in the order it was sent
    filings: list[Filing]
    # the state of every account in them, as read
    accounts: dict[int, Account]
    # numbers of applications that were filed before with the same body, by place in the batch
    repeats: dict[int, int]
    # what is wrong with the others, by place
    errors: dict[int, EvenhandError]
    # the accounts linked with a buyer in them, as read; only of buyers that are linked
    rings: dict[int, dict[int, Account]]


async def join_orders(
    connection: Connection, markets: Mapping[str, MarketDesk], items: Sequence[tuple[str, Application]], now: datetime
) -> Joined:
    """Join (market id, application) to their orders and accounts, in one query."""
    joined = Joined([], {}, {}, {}, {})
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
            joined.errors[index] = UnknownThing(f"there is no market {market!r}", field="market")
    in_rings: set[int] = set()
    accounts = joined.accounts
    this, latest = microseconds(now), microseconds(now + CLOCK_SKEW)
    lists = [_canonical.encode(one).decode() for one in (numbers, ids, orders, lines)]
    for row in await connection.fetch(_sql.find, *lists):
        (
            place, case, line, category, paid, refunded, placed, delivered, buyer, buyer_version, buyer_tiles,
            merchant, merchant_version, merchant_tiles, labels, linked, known, known_digest,
        ) = row  # fmt: skip
        index = places[place - 1]
        market_id, application = items[index]
        market = markets[market_id]
        body = digest(application)
        moment = application.applied_at or now
        if known is not None:
            if known_digest == body:
                joined.repeats[index] = known
            else:
                joined.errors[index] = conflict(application)
            continue
        try:
            if line is None:
                await _no_line(connection, market, application)
            filed = this if moment is now else microseconds(moment)
            _check(market, application, filed, latest, placed, paid)
            if buyer not in accounts:
                accounts[buyer] = Account(buyer_version, BUYER.unpack(buyer_tiles, buyer))
            if merchant not in accounts:
                accounts[merchant] = Account(merchant_version, MERCHANT.unpack(merchant_tiles, merchant))
        except EvenhandError as error:
            joined.errors[index] = error
            continue
        label = label_at(labels, moment) if labels else "none"
        on = market.day_of(filed)
        days = on - market.day_of(delivered) if delivered is not None and delivered <= filed else None
        joined.filings.append(
            Filing(
                index, market, application, body, moment, on, market.dated(on), case, line, category, paid, refunded,
                placed, market.day_of(placed), days, buyer, merchant, label,
            )
        )  # fmt: skip
        if linked:
            in_rings.add(buyer)
    joined.filings.sort(key=_place)
    joined.rings = await read_rings(connection, in_rings)
    return joined


async def link_filers(connection: Connection, joined: Joined, now: datetime) -> None:
    """Link buyers by what they used to file what is to be ruled, so that these very rulings see it.

    Nobody who is erased, also while this is at work, is linked again. Call it before any account is locked. Where the caller is
    in no transaction it is committed by itself: what somebody used is true whatever becomes of the rest.
    """
    if not any(one.application.attributes for one in joined.filings):
        return
    markets = {one.buyer: one.market.number for one in joined.filings}
    keys: dict[int, AccountKey] = {
        row["no"]: (markets[row["no"]], "buyer", row["id"]) for row in await connection.fetch(_links.ids, list(markets))
    }
    async with connection.transaction():
        seen = await unseen(
            connection,
            [(keys[one.buyer], one.application.attributes) for one in joined.filings if one.application.attributes],
        )
        if seen:
            # whoever erases holds the lock that is held here: an erasure before it shows now, one after it waits
            names = [name for _, _, name in keys.values()]
            still = {keys[row["no"]] for row in await connection.fetch(_sql.still_named, list(keys), names)}
            seen = [one for one in seen if one.account in still]
        await see(connection, seen, now)
    if seen:
        joined.rings = await read_rings(connection, markets)


_place = attrgetter("index")


async def _no_line(connection: Connection, market: MarketDesk, application: Application) -> NoReturn:
    if await connection.fetchval(_sql.order_exists, market.number, application.order):
        raise UnknownThing(f"order {application.order!r} has no line {application.line!r}", field="line")
    raise UnknownThing(f"market {market.market.id} has no order {application.order!r}", field="order")


def _check(market: MarketDesk, application: Application, filed: int, latest: int, placed: int, paid: int) -> None:
    """Check an application against its order; raises `BadInput` naming the field."""
    if application.currency != market.currency:
        raise BadInput(
            f"market {market.market.id} trades in {market.currency}, not {application.currency}", field="currency"
        )
    if filed > latest:
        raise BadInput("lies in the future", field="applied_at")
    if filed < placed:
        raise BadInput("lies before the order was placed", field="applied_at")
    if application.amount > paid:
        asked, worth = written(application.amount, market.currency), written(paid, market.currency)
        raise BadInput(f"{asked} is more than the order line's {worth}", field="amount")
