"""Everything that happened, in the order in which it happened.

An order is sent when it is placed and again at each step it took (shipped, delivered, reviewed), an application when it is filed,
so that each ruling knows what was known then and nothing later. Of things at the same moment the steps come before the
application and the reviews after it: a complaint is not yet held against the store when it is ruled itself.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from evenhand.importers.olist.complaints import application_of, complaint_of, last_purchase, order_of
from evenhand.importers.olist.sources import Sources
from evenhand.records import Application, Order

PLACED: Final = 0
SHIPPED: Final = 1
DELIVERED: Final = 2
APPLIED: Final = 3
REVIEWED: Final = 4


class Event(NamedTuple):
    """One thing that happened; events sort by time."""

    moment: datetime
    # PLACED to REVIEWED: what comes first at one moment
    rank: int
    order: str
    # among the events of one rank, order and moment
    place: int
    record: Order | Application
    # the buyer and the merchants whose history it belongs to
    accounts: frozenset[str]


def timeline(sources: Sources) -> list[Event]:
    """All events of the data, sorted."""
    data_ends = last_purchase(sources)
    events: list[Event] = []
    for row in sources.orders:
        order = order_of(row, sources)
        events.extend(_steps(order))
        complaint = complaint_of(row, sources.reviews.get(row.id, []), data_ends)
        if complaint:
            for place, line in enumerate(order.lines):
                application = application_of(complaint, order, line)
                accounts = frozenset((order.buyer, line.merchant))
                events.append(Event(complaint.moment, APPLIED, order.id, place, application, accounts))
    events.sort(key=lambda event: event[:4])
    return events


def _steps(order: Order) -> Iterator[Event]:
    """An order at each of its steps, as it was known then."""
    accounts = frozenset((order.buyer, *(line.merchant for line in order.lines)))
    dates = [(order.placed_at, PLACED), (order.shipped_at, SHIPPED), (order.delivered_at, DELIVERED)]
    steps = [(moment, rank, 0) for moment, rank in dates if moment]
    steps += [(review.at, REVIEWED, place) for place, review in enumerate(order.reviews)]
    for moment, rank, place in steps:
        known = msgspec.structs.replace(
            order,
            shipped_at=_by(moment, order.shipped_at),
            delivered_at=_by(moment, order.delivered_at),
            # the one this step is about is the newest: reviews are sorted
            reviews=order.reviews[: place + 1] if rank == REVIEWED else [r for r in order.reviews if r.at < moment],
        )
        yield Event(moment, rank, order.id, place, known, accounts)


def _by(moment: datetime, date: datetime | None) -> datetime | None:
    return date if date and date <= moment else None
