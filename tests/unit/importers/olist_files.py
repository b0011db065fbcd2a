"""A small synthetic folder in the shape of Olist's files, for tests to bend."""

import csv
from pathlib import Path

HEADERS: dict[str, list[str]] = {
    "orders": [
        "order_id",
        "customer_id",
        "order_status",
        "order_purchase_timestamp",
        "order_approved_at",
        "order_delivered_carrier_date",
        "order_delivered_customer_date",
        "order_estimated_delivery_date",
    ],
    "order_items": [
        "order_id",
        "order_item_id",
        "product_id",
        "seller_id",
        "shipping_limit_date",
        "price",
        "freight_value",
    ],
    "order_reviews": [
        "review_id",
        "order_id",
        "review_score",
        "review_comment_title",
        "review_comment_message",
        "review_creation_date",
        "review_answer_timestamp",
    ],
    "products": ["product_id", "product_category_name"],
    "customers": ["customer_id", "customer_unique_id"],
}

Rows = dict[str, list[list[str]]]


def order(
    number: int, *, status: str = "delivered", bought: str, shipped: str = "", delivered: str = "", due: str
) -> list[str]:
    """A row of orders.csv."""
    return [f"order{number}", f"customer{number}", status, bought, "", shipped, delivered, due]


def item(
    number: int, line: int = 1, *, seller: str = "seller1", price: str = "99.9", freight: str = "8.77"
) -> list[str]:
    """A row of order_items.csv."""
    return [f"order{number}", str(line), "product1", seller, "2018-01-01 00:00:00", price, freight]


def review(number: int, score: int, answered: str, message: str = "", *, title: str = "", id: str = "") -> list[str]:  # noqa: A002
    """A row of order_reviews.csv."""
    return [
        id or f"review{number}",
        f"order{number}",
        str(score),
        title,
        message,
        answered[:10] + " 00:00:00",
        answered,
    ]


def write(directory: Path, rows: Rows) -> Path:
    """The files, with a product and as many customers as there are orders, unless given."""
    customers = [[row[1], f"person{row[1].removeprefix('customer')}"] for row in rows["orders"]]
    filled: Rows = {
        "order_items": [],
        "order_reviews": [],
        "products": [["product1", "brinquedos"]],
        "customers": customers,
    }
    for name, content in (filled | rows).items():
        with (directory / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([HEADERS[name], *content])
    return directory
