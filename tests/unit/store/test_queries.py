"""Named queries in `.sql` files."""

from pathlib import Path

import pytest

from evenhand.store import Queries, queries

GOOD = """-- name: first
-- What it is for,
-- in two lines.
select 1 -- a remark
where true;

-- name: second
-- Another.
select $1::int
"""


def test_a_query_is_its_text_without_name_description_and_semicolon() -> None:
    assert queries.parse(GOOD, "good.sql") == {"first": "select 1 -- a remark\nwhere true", "second": "select $1::int"}


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("select 1", "begins with something else"),
        ("-- name: a\nselect 1", "a has no description"),
        ("-- name: a\n-- Described.\n", "a has no SQL"),
        ("-- name: not good\n-- Described.\nselect 1", "'not good' is not a name"),
        ("-- name: _parse\n-- Described.\nselect 1", "'_parse' is not a name"),
        ("-- name: a\n-- One.\nselect 1\n-- name: a\n-- Two.\nselect 2", "two queries are named 'a'"),
    ],
)
def test_a_careless_file_is_refused_with_the_place(source: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        queries.parse(source, "careless.sql")


def test_every_shipped_file_loads_and_a_wrong_name_is_told_with_the_right_ones() -> None:
    files = sorted((Path(queries.__file__).parent / "sql").glob("*.sql"))
    assert files
    for file in files:
        loaded = Queries.load(file.stem)
        with pytest.raises(AttributeError, match=rf"{file.name} has no query named 'nothing'; it has "):
            _ = loaded.nothing
