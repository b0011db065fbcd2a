"""Whatever a policy says, its compilers agree: the row function, the columns of every engine, and a plain reference.

Policies are random documents with every hit policy and type; facts lean to nulls and boundaries. Every counterexample that was
ever found is kept as a document in `counterexamples/` and runs each time.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import duckdb
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from evenhand.policy import Policy, PolicyError, shipped
from evenhand.policy.row import Row, compile_row
from evenhand.policy.types import Value
from evenhand.policy.values import trusted
from tests.strategies.engines import held, kinds, table, wanted
from tests.strategies.policies import document, facts
from tests.strategies.reference import Answer, answer

COUNTEREXAMPLES = sorted((Path(__file__).parent / "counterexamples").glob("*.md"))
# What may rightly be refused in a random document; anything else is a mistake of the language or of the generator.
REFUSED = ("more than 64 bits hold", "is never anything but null", "this interval is empty")

# facts, and what the reference makes of them
Said = tuple[Mapping[str, Value], Answer]


def compiled(source: str) -> Policy | None:
    """A policy, or None where the document is rightly refused."""
    try:
        return Policy.parse(source)
    except PolicyError as error:
        if all(any(text in fault.message for text in REFUSED) for fault in error.faults):
            return None
        raise AssertionError(source) from error


def drawn(seed: int, count: int, each: int) -> Iterator[tuple[Policy, list[dict[str, Value]]]]:
    """The counterexamples, the shipped policies and scorecards, and random policies; each with facts."""
    rng = random.Random(seed)
    fixed = [Policy.parse(path.read_text("utf-8"), path.name) for path in COUNTEREXAMPLES]
    for policy in (*fixed, *shipped(), *scorecards()):
        yield policy, facts(rng, policy.model, 3 * each)
    found = 0
    while found < count:
        policy = compiled(document(rng))
        if policy is not None:
            found += 1
            yield policy, facts(rng, policy.model, each)


def scorecards() -> list[Policy]:
    folder = Path(__file__).parents[2] / "src/evenhand/accounts/scorecards"
    return [Policy.parse(path.read_text("utf-8"), path.name) for path in sorted(folder.glob("*.md"))]


def check_row(policy: Policy, compiled_row: Row, row: Mapping[str, Value], said: Answer) -> None:
    """The row function against the reference: ruling, rows and outputs."""
    found = compiled_row.decide(as_nested(policy, row))
    ruling = {name: found[place] for name, place in compiled_row.parts.items()}
    outputs = {name: found[place] for name, place in compiled_row.outputs.items()}
    rows = {name: found[place] for name, place in compiled_row.hits.items()}
    rows = {name: hit if isinstance(hit, list) else [hit] if hit else [] for name, hit in rows.items()}
    where = f"{row}\n{policy.source}\n{policy.row_source}"
    assert exactly(ruling) == exactly(said.ruling), where
    assert exactly(outputs) == exactly(said.outputs), where
    assert rows == said.rows, where


def as_nested(policy: Policy, row: Mapping[str, Value]) -> dict[str, Any]:
    """Facts as the row function reads them."""
    nested: dict[str, Any] = {}
    for name, value in row.items():
        *groups, leaf = name.split(".")
        place = nested
        for group in groups:
            place = place.setdefault(group, {})
        place[leaf] = trusted(policy.model.facts[name], value)
    return nested


def check_pickers(policy: Policy, rows: Sequence[Mapping[str, Value]]) -> None:
    """All outputs picked at once, and the last alone, against the row function, told which facts are never null there."""
    known = [name for name in policy.model.facts if all(row.get(name) is not None for row in rows)]
    names = list(policy.model.outputs)
    pick, last = policy.picker(*names, known=known), policy.picker(names[-1], known=known)
    for row in rows:
        nested = as_nested(policy, row)
        said = exactly(policy.decide(nested))
        assert exactly(dict(zip(names, pick(nested), strict=True))) == said, f"{row}\n{policy.source}"
        assert repr(last(nested)[0]) == said[names[-1]], f"{row}\n{policy.source}"


def exactly(values: Mapping[str, Any]) -> dict[str, str]:
    """So that True is not 1."""
    return {name: repr(value) for name, value in values.items()}


def check_columns(policy: Policy, query: str, found: Sequence[Mapping[str, Any]], said: Sequence[Said]) -> None:
    """An engine's answer, row by row in the order of the facts, against the reference."""
    types = kinds(policy)
    assert len(found) == len(said)
    for one, (row, answered) in zip(found, said, strict=True):
        should = wanted(policy, answered)
        got = {name: held(types[name], one[name]) for name in should}
        assert exactly(got) == exactly(should), f"{row}\n{policy.source}\n{query}"


def queries(policy: Policy, dialect: str, rows: Sequence[Mapping[str, Value]]) -> tuple[str, str]:
    """The SELECT list at work, and the whole query."""
    source = f"WITH facts AS (SELECT * FROM {table(policy.model, rows, dialect)})"
    return (
        f"{source} SELECT id, {policy.sql(dialect)} FROM facts ORDER BY id",
        f"{source} SELECT * FROM ({policy.query(dialect, 'facts', ['id'])}) AS t ORDER BY id",
    )


def on_duckdb(connection: duckdb.DuckDBPyConnection, policy: Policy, query: str) -> list[dict[str, Any]]:
    moments = [name for name, kind in kinds(policy).items() if kind.kind == "datetime"]
    if moments:  # DuckDB hands out moments with a zone only where pytz is installed
        plain = ", ".join(
            f'CAST("{name}" AS TIMESTAMP{"[]" if kinds(policy)[name].many else ""}) AS "{name}"' for name in moments
        )
        query = f"SELECT * REPLACE ({plain}) FROM ({query}) ORDER BY id"
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET threads = 1")
        yield connection


@given(st.randoms(use_true_random=False))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_row_function_and_duckdb_agree_with_the_reference(duck: duckdb.DuckDBPyConnection, rng: Random) -> None:
    policy = compiled(document(rng))
    if policy is None:
        reject()
    rows = facts(rng, policy.model, 12)
    check_all(duck, policy, rows)


def test_every_counterexample_and_shipped_policy(duck: duckdb.DuckDBPyConnection) -> None:
    for policy, rows in drawn(1, 60, 30):
        check_all(duck, policy, rows)


def check_all(duck: duckdb.DuckDBPyConnection, policy: Policy, rows: list[dict[str, Value]]) -> None:
    function = compile_row(policy.model)
    said = answers(policy, rows)
    for row, answered in said:
        check_row(policy, function, row, answered)
    check_pickers(policy, rows)
    # of documents that never read null, as cards never do of what is counted
    check_pickers(policy, [row for row in rows if None not in row.values()])
    for query in queries(policy, "duckdb", rows):
        check_columns(policy, query, on_duckdb(duck, policy, query), said)


def answers(policy: Policy, rows: list[dict[str, Value]]) -> list[Said]:
    return [(row, answer(policy.model, row)) for row in rows]


async def test_postgresql_agrees_with_the_reference(database_url: str) -> None:
    connection = await asyncpg.connect(database_url, timeout=30, server_settings={"jit": "off"})
    try:
        for policy, rows in drawn(2, 80, 25):
            said = answers(policy, rows)
            for query in queries(policy, "postgres", rows):
                check_columns(policy, query, [dict(one) for one in await connection.fetch(query)], said)
    finally:
        await connection.close()
