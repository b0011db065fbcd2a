"""Policies as SQL: what a user writes around them, and what is said of mistakes. `tests/property` holds them to their meaning."""

from decimal import Decimal

import duckdb
import pytest

from evenhand.errors import BadInput
from evenhand.policy import Policy

HEAD = "---\npolicy: test\nversion: 1\neffective: 2025-01-01\n---\n"
FACTS = """
CREATE TABLE facts (
    id INTEGER, "application.remedy" TEXT, "application.stage" TEXT, "application.reason" TEXT,
    "application.amount" INTEGER, "buyer.integrity" TEXT, outcome TEXT
);
INSERT INTO facts VALUES
    (1, 'refund_only', 'received', 'quality', 8000, 'good', 'of another column'),
    (2, 'refund_only', 'received', 'quality', 8000, 'poor', NULL),
    (3, NULL, NULL, NULL, NULL, NULL, NULL);
"""


@pytest.fixture
def facts() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(FACTS)
    return connection


def test_a_select_list_stands_beside_other_columns_and_reads_none_but_the_facts(
    facts: duckdb.DuckDBPyConnection,
) -> None:
    policy = Policy.load("1688@2025-03")
    found = facts.execute(f"SELECT id, {policy.sql('duckdb')} FROM facts ORDER BY id")
    assert [column[0] for column in found.description or ()] == [
        "id",
        *("outcome", "payer", "amount", "return_required", "respond_within_hours", "because", "rule"),
        "quality_dispute",
    ]
    assert [row[:5] for row in found.fetchall()] == [
        (1, "subsidise", "platform", 8000, False),
        (2, "merchant_decides", "none", 0, False),
        (3, "merchant_decides", "none", 0, False),
    ]


def test_a_query_keeps_columns_of_the_table(facts: duckdb.DuckDBPyConnection) -> None:
    query = Policy.load("1688@2025-03").query("duckdb", "facts AS f", ["id", "application.amount"])
    found = facts.execute(f'SELECT id, "application.amount", rule FROM ({query}) ORDER BY id').fetchall()
    assert found == [(1, 8000, "Ruling/1"), (2, 8000, "Ruling/2"), (3, None, "Ruling/6")]


def test_decimals_come_in_as_decimals_or_doubles_and_go_out_exactly() -> None:
    policy = Policy.parse(f"{HEAD}## Half\n```feel\nhalf = merchant.experience_score / 2\n```\n")
    for kind in ("DECIMAL(3, 2)", "DOUBLE"):
        source = f'(SELECT CAST(4.35 AS {kind}) AS "merchant.experience_score")'
        (found,) = duckdb.connect().execute(f"SELECT {policy.sql('duckdb')} FROM {source}").fetchall()
        assert found == (Decimal("2.175000"),)


def test_an_unknown_dialect_is_told_with_those_there_are() -> None:
    with pytest.raises(BadInput, match=r"'postgre' is no SQL dialect of ours \(did you mean postgres\?\); there are"):
        Policy.load("1688").sql("postgre")


def test_outputs_that_differ_in_case_alone_are_refused() -> None:
    policy = Policy.parse(f"{HEAD}## F\n```feel\nscore = 1\nScore = 2\n```\n")
    with pytest.raises(BadInput, match="SQL does not tell the outputs score and Score apart"):
        policy.sql("duckdb")


@pytest.mark.parametrize("hit", ["F", "U"])
@pytest.mark.parametrize("rows", [29, 30, 62, 130])
def test_large_tables_are_looked_up_in_sets_of_rows(rows: int, hit: str) -> None:
    # around the sizes at which one set of bits, then a wide one, then one of several is full
    source = "\n".join(
        f"| {row} | {'-' if row % 7 else f'[{row}..{row + 40}]'} | {f'>= {row}' if row % 3 else f'<= {row}'} | {row} |"
        for row in range(1, rows + 1)
    )
    head = f"| {hit} | application.evidence_count | application.days_since_receipt | → score |\n|---|---|---|---|\n"
    policy = Policy.parse(f"{HEAD}## Score\n{head}{source}\n")
    values = [None, *range(0, 200, 3)]
    listed = ", ".join(f"({'NULL' if one is None else one})" for one in values)
    facts = f"""(SELECT l.v AS "application.evidence_count", r.v AS "application.days_since_receipt"
        FROM (VALUES {listed}) AS l(v), (VALUES {listed}) AS r(v))"""
    query = policy.query("duckdb", facts, ["application.evidence_count", "application.days_since_receipt"])
    found = duckdb.connect().execute(query).fetchall()
    assert len(found) == len(values) ** 2
    for count, days, score in found:
        assert policy.decide({"application": {"evidence_count": count, "days_since_receipt": days}}) == {"score": score}
