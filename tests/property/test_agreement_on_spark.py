"""Spark gives what the reference gives, of policies and of histories.

Runs where PySpark (`evenhand[spark]`) and Java are; CI always has them.
"""

import os
import random
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from evenhand.history.batch import point_in_time
from evenhand.policy import Policy
from tests.property.test_agreement import answers, check_columns, drawn, queries
from tests.property.test_history import NAMED, load, stream
from tests.strategies.engines import kinds

_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    if not os.environ.get("CI"):
        if shutil.which("java") is None:
            pytest.skip("Spark needs Java: scripts/java")
        pytest.importorskip("pyspark", reason="scripts/uv sync --extra spark")
    session = __import__("pyspark.sql", fromlist=["SparkSession"]).SparkSession
    builder = session.builder.master("local[2]").appName("evenhand")
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        # compiling and planning again would take longer than these few rows
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.adaptive.enabled": "false",
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    started = builder.getOrCreate()
    yield started
    started.stop()


def test_spark_agrees_with_the_reference(spark: Any) -> None:
    for place, (policy, rows) in enumerate(drawn(3, 15, 15)):
        # either form in turn: planning a query takes Spark longer than running it
        query = queries(policy, "spark", rows)[place % 2]
        check_columns(policy, query, on_spark(spark, policy, query), answers(policy, rows))


def test_spark_counts_the_same_histories(spark: Any, tmp_path: Path) -> None:
    """Every measure and rate of a buyer and of a pair, some events late and out of order; stores' are made by the same means.

    One window: planning is most of the time it takes.
    """
    facts = [
        name for name in NAMED if name.endswith(("_90d", "_days_known")) and not name.startswith("history.merchant_")
    ]
    facts.append("history.merchant_lost_rate_365d")
    with duckdb.connect() as connection:
        load(connection, stream(random.Random(9).choice, 300, 4, late=True))
        for name in ("events", "asks"):
            path = str(tmp_path / f"{name}.parquet")
            connection.execute(f"copy (from {name}) to '{path}'")
            spark.read.parquet(path).createOrReplaceTempView(name)
        found = spark.sql(f"select * from ({point_in_time(facts, dialect='spark')}) order by ask").collect()
        wanted = connection.execute(f"select * from ({point_in_time(facts)}) order by ask").fetchall()
    assert len(wanted) > 60
    assert [tuple(row) for row in found] == wanted


def on_spark(spark: Any, policy: Policy, query: str) -> list[dict[str, Any]]:
    frame = spark.sql(query)
    moments = [name for name, kind in kinds(policy).items() if kind.kind == "datetime"]
    for name in moments:  # PySpark cannot hand out the first day of the year 1
        many = kinds(policy)[name].many
        seconds = f"transform(`{name}`, x -> unix_seconds(x))" if many else f"unix_seconds(`{name}`)"
        frame = frame.selectExpr(*(f"{seconds} AS `{name}`" if one == name else f"`{one}`" for one in frame.columns))
    return [
        {name: _moment(value) if name in moments else value for name, value in row.asDict().items()}
        for row in frame.collect()
    ]


def _moment(value: Any) -> Any:
    match value:
        case list():
            return [_moment(one) for one in value]
        case int():
            return _MOMENT + timedelta(seconds=value)
        case _:
            return value
