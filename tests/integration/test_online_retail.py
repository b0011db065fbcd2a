"""Real history: the accounts of UCI's Online Retail (CC BY 4.0), whose cancelled lines are returns.

The data is not part of the project: `EVENHAND_ONLINE_RETAIL` names its folder, else it is looked for beside the repository. What
an account had ordered and returned by each of its returns is computed three ways: by the fold, by the SQL made from the
declarations, and by a plain count over the lines that knows nothing of either.
"""

import os
from array import array
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from evenhand.history import BUYER
from evenhand.history.batch import point_in_time

FOLDER = Path(
    os.environ.get("EVENHAND_ONLINE_RETAIL") or Path(__file__).parents[3] / "shared" / "data" / "online_retail"
)
LINES = FOLDER / "online_retail_full_no_invoice.parquet"
pytestmark = pytest.mark.skipif(not LINES.exists(), reason=f"there is no Online Retail data in {FOLDER}")

FACTS = (
    "history.buyer_orders_90d", "history.buyer_orders_365d", "history.buyer_applications_30d",
    "history.buyer_applications_365d", "history.buyer_application_days_90d", "history.buyer_asked_amount_365d",
    "history.buyer_application_rate_365d", "history.buyer_days_known",
)  # fmt: skip


@pytest.fixture(scope="module")
def lines() -> Iterator[duckdb.DuckDBPyConnection]:
    """Every line of a known customer, in the order of the file, as an event."""
    with duckdb.connect() as connection:
        connection.execute(f"""
            create table events as
            select row_number() over (order by InvoiceDate, file_row_number) as seq,
                   (InvoiceDate::date - date '1970-01-01')::int as day,
                   case when Quantity < 0 then 'application' else 'order' end as kind,
                   CustomerID::int as buyer, null::int as merchant, 1 as weight,
                   'return_and_refund' as remedy, 'no_reason' as reason, 'received' as stage, 'negotiate' as outcome,
                   'policy' as source, 'false' as late, 0 as score,
                   round(abs(Quantity) * UnitPrice * 100)::bigint as amount
            from read_parquet('{LINES}', file_row_number = true)
            where CustomerID is not null and UnitPrice > 0
        """)
        connection.execute("""
            create view asks as
            select seq as ask, seq, day, buyer, merchant from events where kind = 'application'
        """)
        yield connection


def test_the_data_is_what_it_is_said_to_be(lines: duckdb.DuckDBPyConnection) -> None:
    assert lines.execute("select count(*) from asks").fetchone() == (8_905,)


@pytest.fixture(scope="module")
def plain(lines: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    """Of each return: what its customer had done by then, counted line by line."""
    return lines.execute("""
        select a.seq,
               count(*) filter (where e.kind = 'order' and e.day >= a.day - 90),
               count(*) filter (where e.kind = 'order' and e.day >= a.day - 365),
               count(*) filter (where e.kind = 'application' and e.day >= a.day - 30),
               count(*) filter (where e.kind = 'application' and e.day >= a.day - 365),
               count(distinct e.day) filter (where e.kind = 'application' and e.day >= a.day - 90),
               coalesce(sum(e.amount) filter (where e.kind = 'application' and e.day >= a.day - 365), 0)::bigint,
               min(e.day)
        from asks a left join events e on e.buyer = a.buyer and e.seq < a.seq
        group by a.seq, a.day order by a.seq
    """).fetchall()


def test_the_query_gives_what_a_plain_count_gives(
    lines: duckdb.DuckDBPyConnection, plain: list[tuple[object, ...]]
) -> None:
    found = lines.execute(f"select * from ({point_in_time(FACTS)}) order by ask").fetchall()
    assert [row[:7] for row in found] == [row[:7] for row in plain]
    for row, counted in zip(found, plain, strict=True):
        orders, returns = int(str(counted[2])), int(str(counted[4]))
        rate = None if not orders else min(10_000, (20_000 * returns + orders) // (2 * orders))
        assert (None if row[7] is None else int(row[7] * 10_000)) == rate


def test_the_fold_gives_what_the_query_gives(lines: duckdb.DuckDBPyConnection) -> None:
    found = lines.execute(f"select * from ({point_in_time(FACTS)}) order by ask").fetchall()
    accounts: dict[int, array[int]] = {}
    names = [name.removeprefix("history.") for name in FACTS]
    folded: list[tuple[object, ...]] = []
    for seq, day, kind, buyer, amount in lines.execute(
        "select seq, day, kind, buyer, amount from events order by seq"
    ).fetchall():
        tiles = accounts.setdefault(buyer, array("I"))
        if kind == "application":
            facts = BUYER.facts(tiles, day, names)
            folded.append((seq, *(facts[name] for name in names)))
        fields = {"remedy": "return_and_refund", "reason": "no_reason", "stage": "received", "amount": amount}
        BUYER.fold(tiles, day, kind, fields)
    assert folded == found


def test_the_return_rate_of_every_customer_is_the_shares_of_its_lines(lines: duckdb.DuckDBPyConnection) -> None:
    """At the end of the data, over its last 365 days."""
    (last,) = lines.execute("select max(day) from events").fetchall()[0]
    lines.execute(f"""
        create or replace table ends as
        select row_number() over () as ask, 1000000000 as seq, {last} as day, buyer, null::int as merchant
        from (select distinct buyer from events)
    """)
    query = point_in_time(["history.buyer_application_rate_365d"], asks="ends")
    found = dict(lines.execute(f"select buyer, r.* exclude (ask) from ends join ({query}) r using (ask)").fetchall())
    plain = lines.execute(f"""
        select buyer, count(*) filter (where kind = 'application'), count(*) filter (where kind = 'order')
        from events where day >= {last} - 365 group by buyer
    """).fetchall()
    assert len(plain) > 4_000
    for buyer, returns, orders in plain:
        rate = found[buyer]
        assert (rate is None) == (orders == 0)
        if rate is not None:
            assert abs(float(rate) - min(1.0, returns / orders)) <= 0.00005 + 1e-9
