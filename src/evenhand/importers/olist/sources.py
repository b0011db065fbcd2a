"""Olist's CSV files as typed rows, read and checked whole before anything is done with them.

Times in the files have no zone; they are those of São Paulo, and become moments in UTC here. Amounts become centavos.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeVar, get_args
from zoneinfo import ZoneInfo

from evenhand import money
from evenhand.errors import BadInput
from evenhand.importers.csv_files import Reader, read_rows

CURRENCY: Final = "BRL"
TIME_ZONE: Final = "America/Sao_Paulo"

_ZONE: Final = ZoneInfo(TIME_ZONE)
_TIME: Final = re.compile(r"(199\d|20\d\d)-\d\d-\d\d \d\d:\d\d:\d\d")
_LONGEST_ID: Final = 100
_LARGEST_PRICE: Final = 4_000_000_000
# what the desk takes for a slip of the keyboard
_LONGEST_PROMISE: Final = timedelta(days=3_650)

Status = Literal["created", "approved", "invoiced", "processing", "shipped", "delivered", "unavailable", "canceled"]
R = TypeVar("R")


class OrderRow(NamedTuple):
    """A row of orders.csv."""

    id: str
    # key of customers.csv, one per order
    customer: str
    status: Status
    bought_at: datetime
    # when it was handed to the carrier
    shipped_at: datetime | None
    delivered_at: datetime | None
    # the day it is promised for, at its first moment
    promised: datetime


class ItemRow(NamedTuple):
    """A row of order_items.csv: an order line."""

    order: str
    # counts the lines of the order from 1
    id: str
    product: str
    seller: str
    # centavos
    price: int
    freight: int


class ReviewRow(NamedTuple):
    """A row of order_reviews.csv."""

    id: str
    order: str
    # 1 to 5
    score: int
    title: str
    message: str
    answered_at: datetime


class _Product(NamedTuple):
    id: str
    category: str


class _Customer(NamedTuple):
    id: str
    person: str


class Sources(NamedTuple):
    """The files, joined: every reference in them leads somewhere."""

    orders: list[OrderRow]
    # by order id, in the order of their ids
    items: dict[str, list[ItemRow]]
    # by order id, oldest answer first
    reviews: dict[str, list[ReviewRow]]
    # category by product id; "" where the file gives none
    categories: dict[str, str]
    # the person by customer id
    persons: dict[str, str]


def _identifier(text: str) -> str:
    if not 0 < len(text) <= _LONGEST_ID:
        raise ValueError(f"must hold 1 to {_LONGEST_ID} characters, not {len(text)}")
    return text


def _text(text: str) -> str:
    return text.strip()


def _category(text: str) -> str:
    if len(text) > _LONGEST_ID:
        raise ValueError(f"holds {len(text)} characters, more than {_LONGEST_ID}")
    return text


def _status(text: str) -> str:
    if text not in get_args(Status):
        raise ValueError(f"{text[:40]!r} is not one of {', '.join(get_args(Status))}")
    return text


def _moment(text: str) -> datetime:
    try:
        if not _TIME.fullmatch(text):
            raise ValueError
        return datetime.fromisoformat(text).replace(tzinfo=_ZONE).astimezone(UTC)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not a time like 2018-08-17 12:15:10") from None


def _happened(latest: datetime) -> Reader:
    def read(text: str) -> datetime:
        moment = _moment(text)
        if moment > latest:
            raise ValueError(f"{text} lies in the future")
        return moment

    return read


def _or_none(reader: Reader) -> Reader:
    return lambda text: reader(text) if text else None


def _amount(text: str) -> int:
    try:
        amount = money.parse(text, CURRENCY)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not an amount like 12.50") from None
    if not 0 <= amount <= _LARGEST_PRICE:
        raise ValueError(f"{text[:40]} is not between 0 and {money.written(_LARGEST_PRICE, CURRENCY)}")
    return amount


def _score(text: str) -> int:
    if text not in ("1", "2", "3", "4", "5"):
        raise ValueError(f"{text[:40]!r} is not a score of 1 to 5")
    return int(text)


def read_sources(directory: Path, now: datetime) -> Sources:
    """Read and check every file; raises `BadInput` naming file, line and column of the first thing that is wrong."""
    if not directory.is_dir():
        raise BadInput(f"{str(directory)!r} is not a folder; it must hold Olist's CSV files", field="DIR")
    happened = _happened(now + timedelta(minutes=1))
    paths = {
        name: _find(directory, name) for name in ("orders", "order_items", "order_reviews", "products", "customers")
    }
    customers = _keyed(
        paths["customers"],
        "customer_id",
        read_rows(paths["customers"], {"customer_id": _identifier, "customer_unique_id": _identifier}, _Customer),
    )
    products = _keyed(
        paths["products"],
        "product_id",
        read_rows(paths["products"], {"product_id": _identifier, "product_category_name": _category}, _Product),
    )
    order_columns: dict[str, Reader] = {
        "order_id": _identifier,
        "customer_id": _reference(customers, paths["customers"]),
        "order_status": _status,
        "order_purchase_timestamp": happened,
        "order_delivered_carrier_date": _or_none(happened),
        "order_delivered_customer_date": _or_none(happened),
        "order_estimated_delivery_date": _moment,
    }
    orders = _keyed(
        paths["orders"], "order_id", _promised(paths["orders"], read_rows(paths["orders"], order_columns, OrderRow))
    )
    if not orders:
        raise BadInput("holds no orders", file=paths["orders"].name)
    item_columns: dict[str, Reader] = {
        "order_id": _reference(orders, paths["orders"]),
        "order_item_id": _identifier,
        "product_id": _reference(products, paths["products"]),
        "seller_id": _identifier,
        "price": _amount,
        "freight_value": _amount,
    }
    review_columns: dict[str, Reader] = {
        "review_id": _identifier,
        "order_id": _reference(orders, paths["orders"]),
        "review_score": _score,
        "review_comment_title": _text,
        "review_comment_message": _text,
        "review_answer_timestamp": happened,
    }
    return Sources(
        list(orders.values()),
        _items(paths["order_items"], read_rows(paths["order_items"], item_columns, ItemRow)),
        _reviews(paths["order_reviews"], read_rows(paths["order_reviews"], review_columns, ReviewRow)),
        {product.id: product.category for product in products.values()},
        {customer.id: customer.person for customer in customers.values()},
    )


def _find(directory: Path, name: str) -> Path:
    """A file under its short name, or under the one Olist publishes it by."""
    published = f"olist_{name}_dataset.csv"
    for candidate in (directory / f"{name}.csv", directory / published):
        if candidate.exists():
            return candidate
    raise BadInput(f"is not in {str(directory)!r}, nor is {published}", file=f"{name}.csv")


def _reference(known: "dict[str, R]", path: Path) -> Reader:
    def read(text: str) -> str:
        if text not in known:
            raise ValueError(f"{text[:_LONGEST_ID]!r} is not in {path.name}")
        return text

    return read


K = TypeVar("K", OrderRow, _Product, _Customer)


def _keyed(path: Path, column: str, rows: Iterable[tuple[int, K]]) -> dict[str, K]:
    keyed: dict[str, K] = {}
    for line, row in rows:
        if row.id in keyed:
            raise BadInput(f"{row.id!r} is given twice", file=path.name, line=line, field=column)
        keyed[row.id] = row
    return keyed


def _promised(path: Path, rows: Iterable[tuple[int, OrderRow]]) -> Iterator[tuple[int, OrderRow]]:
    for line, row in rows:
        if abs(row.promised - row.bought_at) > _LONGEST_PROMISE:
            detail = f"{row.promised:%Y-%m-%d} lies years from the purchase"
            raise BadInput(detail, file=path.name, line=line, field="order_estimated_delivery_date")
        yield line, row


def _items(path: Path, rows: Iterable[tuple[int, ItemRow]]) -> dict[str, list[ItemRow]]:
    items: defaultdict[str, list[ItemRow]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    for line, row in rows:
        if (row.order, row.id) in seen:
            raise BadInput(
                f"order {row.order!r} has item {row.id!r} twice", file=path.name, line=line, field="order_item_id"
            )
        if not row.price + row.freight:
            raise BadInput("price and freight are both nothing", file=path.name, line=line, field="price")
        seen.add((row.order, row.id))
        items[row.order].append(row)
    for found in items.values():
        found.sort(key=lambda row: (len(row.id), row.id))
    return dict(items)


def _reviews(path: Path, rows: Iterable[tuple[int, ReviewRow]]) -> dict[str, list[ReviewRow]]:
    reviews: defaultdict[str, list[ReviewRow]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    for line, row in rows:
        # one review may be of several orders, but an order has it once
        if (row.order, row.id) in seen:
            raise BadInput(
                f"order {row.order!r} has review {row.id!r} twice", file=path.name, line=line, field="review_id"
            )
        seen.add((row.order, row.id))
        reviews[row.order].append(row)
    for found in reviews.values():
        found.sort(key=lambda row: (row.answered_at, row.id))
    return dict(reviews)
