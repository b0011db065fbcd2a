"""From Olist's rows to orders and refund applications. Pure.

The data holds no refund applications; they are derived. An order shows a complaint when a review of it gave 1 or 2, when it is
canceled or unavailable, or when it has no delivery date although the day it was promised for lies before the last purchase in the
data. Each of its lines is then applied for once, in full.

*When*: at the first such review, since there the buyer speaks. Where no review complains, once the promised day is over: the data
does not date cancellations, and by then the buyer must have known. A promised day after the end of the data is cut to the last
purchase, which is as far as the data knows.

*Stage*: by the delivery dates as they stood at that moment. *Reason*: what the buyer wrote, by the table of phrases; where that
says nothing and the goods had not arrived, a canceled or overdue order was not received; otherwise "other".
"""

from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from evenhand.importers.olist.phrases import phrases
from evenhand.importers.olist.sources import CURRENCY, TIME_ZONE, OrderRow, ReviewRow, Sources
from evenhand.records import Application, Order, OrderLine, Reason, Review

LOW_SCORE: Final = 2
CALLED_OFF: Final = ("canceled", "unavailable")

_ZONE: Final = ZoneInfo(TIME_ZONE)
# what a record takes of a buyer's words
_LONGEST_COMMENT: Final = 4000

Stage = Literal["unshipped", "in_transit", "received"]


class Complaint(NamedTuple):
    """Why an order's lines are applied for."""

    moment: datetime
    stage: Stage
    reason: Reason
    # the buyer's words, where a review complains
    comment: str


def last_purchase(sources: Sources) -> datetime:
    """How far the data knows."""
    return max(row.bought_at for row in sources.orders)


def order_of(row: OrderRow, sources: Sources) -> Order:
    """An order as far as it came, with every date and review.

    A step dated before the purchase (some are, in the data) counts at the purchase. The promised day counts to its end.
    """
    lines = [
        OrderLine(item.id, item.seller, item.price + item.freight, sources.categories[item.product])
        for item in sources.items.get(row.id, ())
    ]
    return Order(
        row.id,
        sources.persons[row.customer],
        row.bought_at,
        CURRENCY,
        lines,
        end_of_day(row.promised),
        row.shipped_at and max(row.shipped_at, row.bought_at),
        row.delivered_at and max(row.delivered_at, row.bought_at),
        [Review(review.id, review.score, _answered(review, row)) for review in sources.reviews.get(row.id, ())],
    )


def complaint_of(row: OrderRow, reviews: list[ReviewRow], data_ends: datetime) -> Complaint | None:
    """The complaint an order shows, if any. `data_ends` is the last purchase in the data."""
    low = next((review for review in reviews if review.score <= LOW_SCORE), None)
    called_off = row.status in CALLED_OFF
    overdue = row.delivered_at is None and row.promised < data_ends
    if not (low or called_off or overdue):
        return None
    if low:
        moment, comment = _answered(low, row), f"{low.title}\n{low.message}".strip()[:_LONGEST_COMMENT]
    else:
        moment, comment = max(min(end_of_day(row.promised), data_ends), row.bought_at), ""
    stage = stage_at(row, moment)
    reason = phrases().reason(comment, arrived=stage == "received") if comment else None
    if reason is None:
        missed = called_off or not low or moment >= end_of_day(row.promised)
        reason = "not_received" if missed and stage != "received" else "other"
    return Complaint(moment, stage, reason, comment)


def stage_at(row: OrderRow, moment: datetime) -> Stage:
    """How far an order had come at a moment."""
    if row.delivered_at and row.delivered_at <= moment:
        return "received"
    return "in_transit" if row.shipped_at and row.shipped_at <= moment else "unshipped"


def application_of(complaint: Complaint, order: Order, line: OrderLine) -> Application:
    """The refund application for one line of an order that shows a complaint: the whole line, without a return."""
    return Application(
        f"{order.id}-{line.id}",
        order.id,
        line.id,
        "refund_only",
        complaint.stage,
        complaint.reason,
        line.amount,
        order.currency,
        complaint.moment,
        comment=complaint.comment,
    )


def end_of_day(moment: datetime) -> datetime:
    """The end of a moment's day in São Paulo, in UTC."""
    return (moment.astimezone(_ZONE).replace(hour=0, minute=0, second=0) + timedelta(days=1)).astimezone(moment.tzinfo)


def _answered(review: ReviewRow, row: OrderRow) -> datetime:
    return max(review.answered_at, row.bought_at)
