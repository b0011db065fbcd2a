"""Files that are wrong: one error that names file, line and column."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evenhand.errors import BadInput
from evenhand.importers.olist.sources import read_sources

from .olist_files import HEADERS, Rows, item, order, review, write

NOW = datetime(2020, 1, 1, tzinfo=UTC)
ROWS: Rows = {
    "orders": [order(n, bought="2018-03-01 10:00:00", due="2018-03-12 00:00:00") for n in (1, 2)],
    "order_items": [item(1), item(2)],
    "order_reviews": [review(1, 5, "2018-03-11 10:00:00", "duas\nlinhas"), review(2, 5, "2018-03-11 10:00:00")],
}


def refused(directory: Path) -> BadInput:
    with pytest.raises(BadInput) as caught:
        read_sources(directory, NOW)
    assert "\n" not in str(caught.value)
    return caught.value


def test_files_that_are_right_are_read(tmp_path: Path) -> None:
    sources = read_sources(write(tmp_path, ROWS), NOW)
    assert [row.id for row in sources.orders] == ["order1", "order2"]
    assert sources.reviews["order1"][0].message == "duas\nlinhas"


@pytest.mark.parametrize("name", list(HEADERS))
def test_files_may_have_the_names_olist_publishes_them_by(tmp_path: Path, name: str) -> None:
    write(tmp_path, ROWS)
    (tmp_path / f"{name}.csv").rename(tmp_path / f"olist_{name}_dataset.csv")
    assert len(read_sources(tmp_path, NOW).orders) == 2


@pytest.mark.parametrize("name", list(HEADERS))
def test_a_file_that_is_missing(tmp_path: Path, name: str) -> None:
    write(tmp_path, ROWS)
    (tmp_path / f"{name}.csv").unlink()
    error = refused(tmp_path)
    assert error.file == f"{name}.csv"
    assert f"olist_{name}_dataset.csv" in str(error)


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere").field == "DIR"


@pytest.mark.parametrize(
    ("name", "column"), [(name, column) for name, columns in HEADERS.items() for column in columns if column not in (
        "order_approved_at", "shipping_limit_date", "review_creation_date")]
)  # fmt: skip
def test_a_column_that_is_missing(tmp_path: Path, name: str, column: str) -> None:
    path = write(tmp_path, ROWS) / f"{name}.csv"
    path.write_text(path.read_text("utf-8").replace(column, "something_else", 1), "utf-8")
    error = refused(tmp_path)
    assert (error.file, error.line, error.field) == (path.name, 1, column)


@pytest.mark.parametrize(
    ("name", "row", "column", "says"),
    [
        ("orders", order(2, bought="yesterday", due="2018-03-12 00:00:00"), "order_purchase_timestamp", "yesterday"),
        ("orders", order(2, bought="2018-02-30 10:00:00", due="2018-03-12 00:00:00"), "order_purchase_timestamp", "time"),
        ("orders", order(2, bought="2018-03-01", due="2018-03-12 00:00:00"), "order_purchase_timestamp", "2018-03-01"),
        ("orders", order(2, bought="2020-03-01 10:00:00", due="2020-03-12 00:00:00"), "order_purchase_timestamp", "future"),
        ("orders", order(2, bought="1066-03-01 10:00:00", due="2018-03-12 00:00:00"), "order_purchase_timestamp", "1066"),
        ("orders", order(2, bought="", due="2018-03-12 00:00:00"), "order_purchase_timestamp", "time"),
        ("orders", order(2, bought="2018-03-01 10:00:00", due="2081-03-12 00:00:00"), "order_estimated_delivery_date", "2081"),
        ("orders", order(2, bought="2018-03-01 10:00:00", due=""), "order_estimated_delivery_date", "time"),
        ("orders", order(2, bought="2018-03-01 10:00:00", due="2018-03-12 00:00:00", status="lost"), "order_status", "'lost'"),
        ("orders", order(1, bought="2018-03-01 10:00:00", due="2018-03-12 00:00:00"), "order_id", "twice"),
        ("order_items", item(2, price="1e3"), "price", "1e3"),
        ("order_items", item(2, price="-1.00"), "price", "-1.00"),
        ("order_items", item(2, price="1.005"), "price", "1.005"),
        ("order_items", item(2, price="9" * 5000), "price", "999"),
        ("order_items", item(2, freight="nan"), "freight_value", "nan"),
        ("order_items", item(2, price="0", freight="0.00"), "price", "nothing"),
        ("order_items", item(1), "order_item_id", "twice"),
        ("order_items", item(7), "order_id", "order7"),
        ("order_items", item(2, seller=""), "seller_id", "characters"),
        ("order_items", item(2, seller="s" * 101), "seller_id", "101"),
        ("order_items", ["order2", "1", "product7", "seller1", "", "1", "1"], "product_id", "product7"),
        ("order_reviews", review(2, 6, "2018-03-11 10:00:00"), "review_score", "'6'"),
        ("order_reviews", review(7, 1, "2018-03-11 10:00:00"), "order_id", "orders.csv"),
        ("order_reviews", review(1, 5, "2018-03-11 10:00:00"), "review_id", "twice"),
        ("order_reviews", review(2, 5, "2018-03-11 10:00:00", "a\0b"), "review_comment_message", "NUL"),
        ("customers", ["customer1", "someone"], "customer_id", "twice"),
    ],
)  # fmt: skip
def test_a_value_that_is_wrong(tmp_path: Path, name: str, row: list[str], column: str, says: str) -> None:
    rows = ROWS | {"customers": [["customer1", "p1"], ["customer2", "p2"]]}
    error = refused(write(tmp_path, rows | {name: [rows[name][0], row]}))
    # the header is line 1; the first review holds a line break
    assert (error.file, error.line, error.field) == (f"{name}.csv", 4 if name == "order_reviews" else 3, column)
    assert says in str(error)


@pytest.mark.parametrize(
    ("bend", "says"),
    [
        (lambda row: row + b",more", "8 values, the header names 7"),
        (lambda row: row.rpartition(b",")[0], "6 values, the header names 7"),
        (lambda row: row.replace(b"99.9", b"\xff99.9"), "UTF-8"),
        (lambda row: row.replace(b"99.9", b'"99.9'), "never closed"),
        (lambda row: row.replace(b"99.9", b'"99.9"0'), "is not CSV"),
        (lambda row: row.replace(b"99.9", b"9" * 1_000_000), "longer than"),
    ],
)  # fmt: skip
def test_a_row_that_is_broken(tmp_path: Path, bend: Callable[[bytes], bytes], says: str) -> None:
    path = write(tmp_path, ROWS) / "order_items.csv"
    header, first, second = path.read_bytes().splitlines()
    path.write_bytes(b"\r\n".join([header, first, bend(second), b""]))
    error = refused(tmp_path)
    assert (error.file, error.line) == ("order_items.csv", 3)
    assert says in str(error)


def test_an_empty_file(tmp_path: Path) -> None:
    (write(tmp_path, ROWS) / "products.csv").write_text("")
    assert "products.csv" in str(refused(tmp_path))


def test_a_file_with_nothing_but_a_header(tmp_path: Path) -> None:
    assert "no orders" in str(refused(write(tmp_path, ROWS | {"orders": [], "order_items": [], "order_reviews": []})))


def test_the_error_says_where(tmp_path: Path) -> None:
    error = refused(write(tmp_path, ROWS | {"order_items": [item(1), item(2, price="free")]}))
    assert str(error) == "order_items.csv, line 3: price: 'free' is not an amount like 12.50"
