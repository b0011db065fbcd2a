"""Orders in, history forward.

An order is sent when it is placed and again whenever it has come further (shipped, delivered, reviewed). What is new in it
moves the stored order forward and is counted in the history of the buyer and the merchants, each on the day it happened. What
was said once cannot be changed: that is a conflict.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from evenhand.accounts import state
from evenhand.accounts.links.keeping import see, unseen
from evenhand.accounts.state import AccountKey, AccountKind, Connection
from evenhand.errors import BadInput, Conflict, EvenhandError, UnknownThing
from evenhand.history import BUYER, MERCHANT
from evenhand.markets import CLOCK_SKEW, MarketDesk
from evenhand.measures import Happening
from evenhand.records import Attributes, Order, OrderLine, Review
from evenhand.store import Queries

_sql: Final = Queries.load("intake")
# Moments beyond these are slips of the keyboard; the calendar of the store ends not far behind them.
_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_LONGEST_PROMISE: Final = timedelta(days=3660)

# Something an account's history counts: (whose, account id, what happened, moment, what is known of it)
Event = tuple[AccountKind, str, Happening, datetime, dict[str, str | int]]
OrderKey = tuple[int, str]
_DATES: Final[tuple[Literal["promised_at", "shipped_at", "delivered_at"], ...]] = (
    "promised_at",
    "shipped_at",
    "delivered_at",
)


class OrderTaken(msgspec.Struct, frozen=True):
    """The answer to an order."""

    # the order's id, as sent
    id: str
    # nothing in it was new
    repeated: bool


def check(order: Order, market: MarketDesk, now: datetime) -> None:
    """What can be said of an order by itself; raises `BadInput` naming the field."""
    if order.currency != market.currency:
        raise BadInput(f"market {market.market.id} trades in {market.currency}, not {order.currency}", field="currency")
    seen: set[str] = set()
    for index, line in enumerate(order.lines):
        if line.id in seen:
            raise BadInput(f"line {line.id!r} is given twice", field=f"lines[{index}].id")
        seen.add(line.id)
    latest = now + CLOCK_SKEW
    if order.placed_at > latest:
        raise BadInput("lies in the future", field="placed_at")
    if order.placed_at < _EARLIEST:
        raise BadInput(f"lies before {_EARLIEST:%Y}", field="placed_at")
    if order.promised_at is not None and abs(order.promised_at - order.placed_at) > _LONGEST_PROMISE:
        raise BadInput("lies too far from when the order was placed", field="promised_at")
    moments = [("shipped_at", order.shipped_at), ("delivered_at", order.delivered_at)]
    moments += [(f"reviews[{index}].at", review.at) for index, review in enumerate(order.reviews)]
    for field, moment in moments:
        if moment is not None and moment < order.placed_at:
            raise BadInput("lies before the order was placed", field=field)
        if moment is not None and moment > latest:
            raise BadInput("lies in the future", field=field)


def advance(known: Order | None, sent: Order) -> tuple[Order, list[Event]]:
    """Move an order forward by what was sent: the order as it is now known, and what that adds to the history.

    Raises `Conflict` naming the field when something said before is contradicted.
    """
    merchants = sorted({line.merchant for line in sent.lines})
    events: list[Event] = []
    if known is None:
        paid = {
            merchant: sum(line.amount for line in sent.lines if line.merchant == merchant) for merchant in merchants
        }
        events.append(("buyer", sent.buyer, "order", sent.placed_at, {"amount": sum(paid.values())}))
        events.extend(("merchant", one, "order", sent.placed_at, {"amount": amount}) for one, amount in paid.items())
        earlier = Order(sent.id, sent.buyer, sent.placed_at, sent.currency, sent.lines)
    else:
        earlier = known
        for field in ("buyer", "placed_at", "lines"):
            if getattr(known, field) != getattr(sent, field):
                raise Conflict(f"order {sent.id!r} is known with another value here", field=field)
    dates: dict[str, datetime | None] = {}
    for name in _DATES:
        before: datetime | None = getattr(earlier, name)
        after: datetime | None = getattr(sent, name)
        if before is not None and after is not None and before != after:
            raise Conflict(f"order {sent.id!r} is known with another value here", field=name)
        dates[name] = before or after
    delivered, promised = dates["delivered_at"], dates["promised_at"]
    if delivered is not None and earlier.delivered_at is None:
        late = "true" if promised is not None and delivered > promised else "false"
        events.extend(("merchant", merchant, "delivery", delivered, {"late": late}) for merchant in merchants)
    reviews = {review.id: review for review in earlier.reviews}
    for index, review in enumerate(sent.reviews):
        if review.id not in reviews:
            reviews[review.id] = review
            events.extend(
                ("merchant", merchant, "review", review.at, {"score": review.score}) for merchant in merchants
            )
        elif reviews[review.id] != review:
            raise Conflict(f"review {review.id!r} is known with other values", field=f"reviews[{index}]")
    return msgspec.structs.replace(earlier, **dates, reviews=list(reviews.values())), events


async def take_orders(
    connection: Connection, markets: Mapping[str, MarketDesk], items: Sequence[tuple[str, Order]], now: datetime
) -> list[OrderTaken | EvenhandError]:
    """Take a batch of orders inside the caller's transaction; answers item by item, in order."""
    answers: list[OrderTaken | EvenhandError | None] = [None] * len(items)
    keys = [(markets[market].number, order.id) for market, order in items if market in markets]
    currencies = {market.number: market.currency for market in markets.values()}
    stored, erased = await _find(connection, currencies, keys)
    known = {key: order for key, (_, order) in stored.items()}
    happened: list[tuple[MarketDesk, Event]] = []
    used: list[tuple[AccountKey, Attributes]] = []
    for index, (market_id, sent) in enumerate(items):
        try:
            if market_id not in markets:
                raise UnknownThing(f"there is no market {market_id!r}", field="market")
            market = markets[market_id]
            check(sent, market, now)
            key = (market.number, sent.id)
            order = sent
            before = known.get(key)
            if before is not None and key in erased:
                # whoever sends what became of an order goes by the name that was erased; it is neither compared nor kept
                order = msgspec.structs.replace(sent, buyer=before.buyer, attributes=None)
            if before is not None and sent.lines != before.lines:
                lines = await _as_called_now(connection, market, before.lines, sent.lines)
                order = msgspec.structs.replace(order, lines=lines)
            known[key], events = advance(before, order)
            happened += [(market, event) for event in events]
            if order.attributes:
                used.append(((market.number, "buyer", order.buyer), order.attributes))
            answers[index] = OrderTaken(order.id, repeated=known[key] == before)
        except EvenhandError as error:
            answers[index] = error
    seen = await unseen(connection, used)
    await _store(connection, stored, known, happened)
    await see(connection, seen, now)
    return [answer for answer in answers if answer is not None]


async def _as_called_now(
    connection: Connection, market: MarketDesk, known: Sequence[OrderLine], sent: Sequence[OrderLine]
) -> list[OrderLine]:
    """The lines of a known order as they were sent, those of a store that was erased since under its pseudonym: by which name
    it is sent is neither compared nor kept."""
    called = {line.id: line.merchant for line in known}
    rows = await connection.fetch(_sql.erased_stores, market.number, list(called.values()))
    erased = {row["id"] for row in rows}
    return [
        msgspec.structs.replace(line, merchant=called[line.id]) if called.get(line.id) in erased else line
        for line in sent
    ]


async def _find(
    connection: Connection, currencies: Mapping[int, str], keys: Sequence[OrderKey]
) -> tuple[dict[OrderKey, tuple[int, Order]], frozenset[OrderKey]]:
    """Orders as they are known, with their numbers, locked until the transaction ends; and those whose buyer was erased."""
    if not keys:
        return {}, frozenset()
    rows = await connection.fetch(_sql.find, *_columns(keys))
    known = {
        (row["market"], row["id"]): (
            row["no"],
            Order(
                row["id"],
                row["buyer"],
                row["placed_at"],
                currencies[row["market"]],
                [OrderLine(*line) for line in row["lines"] or ()],
                row["promised_at"],
                row["shipped_at"],
                row["delivered_at"],
                [Review(*review) for review in row["reviews"] or ()],
            ),
        )
        for row in rows
    }
    return known, frozenset((row["market"], row["id"]) for row in rows if row["erased"])


async def _store(
    connection: Connection,
    stored: Mapping[OrderKey, tuple[int, Order]],
    known: Mapping[OrderKey, Order],
    happened: Sequence[tuple[MarketDesk, Event]],
) -> None:
    """Write what a batch changed: accounts, new orders, dates, reviews, history."""
    new = [(key, order) for key, order in known.items() if key not in stored]
    moved = [(stored[key], order) for key, order in known.items() if key in stored and stored[key][1] != order]
    keys: set[AccountKey] = {(market.number, event[0], event[1]) for market, event in happened}
    if not keys and not moved:
        return
    numbers = await state.find_or_open(connection, keys)
    accounts = await state.lock(connection, numbers.values())
    for market, (kind, account, what, moment, fields) in happened:
        tally = BUYER if kind == "buyer" else MERCHANT
        tally.fold(accounts[numbers[market.number, kind, account]].tiles, market.day(moment), what, fields)
    await state.save(connection, accounts)

    reviews: list[tuple[int, str, int, datetime]] = []
    if new:
        taken = await connection.fetchrow(_sql.take_numbers, len(new), sum(len(order.lines) for _, order in new))
        assert taken is not None
        line_numbers = iter(taken["lines"])
        orders: list[tuple[Any, ...]] = []
        lines: list[tuple[Any, ...]] = []
        for number, ((market, _), order) in zip(taken["orders"], new, strict=True):
            buyer = numbers[market, "buyer", order.buyer]
            dates = (order.placed_at, order.promised_at, order.shipped_at, order.delivered_at)
            orders.append((number, market, order.id, buyer, *dates))
            for position, line in enumerate(order.lines):
                merchant = numbers[market, "merchant", line.merchant]
                place = (next(line_numbers), market, order.id, line.id, number, position)
                lines.append((*place, buyer, merchant, line.category, line.amount, order.placed_at, order.delivered_at))
            reviews += [(number, review.id, review.score, review.at) for review in order.reviews]
        await connection.execute(_sql.insert_orders, *_columns(orders))
        if lines:
            await connection.execute(_sql.insert_lines, *_columns(lines))
    if moved:
        dates = [(number, order.promised_at, order.shipped_at, order.delivered_at) for (number, _), order in moved]
        await connection.execute(_sql.move_forward, *_columns(dates))
        for (number, before), order in moved:
            reviews += [(number, r.id, r.score, r.at) for r in order.reviews[len(before.reviews) :]]
    if reviews:
        await connection.execute(_sql.insert_reviews, *_columns(reviews))


def _columns(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows as the column arrays that `unnest` takes."""
    return [list(column) for column in zip(*rows, strict=True)]
