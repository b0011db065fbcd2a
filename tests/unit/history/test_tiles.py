"""How an account's state is stored: small, bounded, and readable after the set of counters has grown.

That the facts read from it are right is `tests/property/test_history.py`'s to show.
"""

from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.errors import StoreError
from evenhand.history import BUYER, MERCHANT, PAIR, Tally
from evenhand.history.facts import LAYOUTS, MOST_PAIRS
from evenhand.history.stored import ORDINARY, pack
from evenhand.history.tiles import KEPT_DAYS, joined
from evenhand.measures import BUYER_MEASURES, MEASURES, RATES
from evenhand.vocabulary import MOST_SUM

ORDER = {"amount": 100}
FILED = {
    "remedy": "refund_only", "stage": "received", "reason": "counterfeit", "amount": 80, "outcome": "decline", "source": "policy",
}  # fmt: skip


def test_an_account_that_has_done_nothing_takes_no_room() -> None:
    assert pack(array("I")) == b""
    facts = BUYER.facts(array("I"), 20_000, BUYER.names)
    assert facts["buyer_orders_90d"] == 0
    assert facts["buyer_application_rate_90d"] is None


def test_a_day_before_the_kept_ones_knows_only_since_when() -> None:
    tiles = array("I")
    BUYER.fold(tiles, 20_000, "order", ORDER)
    BUYER.fold(tiles, 19_000, "order", ORDER)
    facts = BUYER.facts(tiles, 19_500)
    assert facts.pop("buyer_days_known") == 500
    assert set(facts.values()) == {0}


def test_totals_may_wrap_around_and_sums_go_beyond_32_bits() -> None:
    tiles = array("I")
    MERCHANT.fold(tiles, 20_000, "review", {"score": 2**32 - 1})
    MERCHANT.fold(tiles, 20_400, "review", {"score": 3})
    MERCHANT.fold(tiles, 20_400, "order", {"amount": 9_000_000_000})
    MERCHANT.fold(tiles, 20_401, "order", {"amount": 9_000_000_000})
    facts = MERCHANT.facts(MERCHANT.unpack(pack(tiles)), 20_401, MERCHANT.names)
    assert facts["merchant_review_points_365d"] == 3
    assert facts["merchant_order_amount_365d"] == 18_000_000_000


def test_a_sum_ends_where_facts_do() -> None:
    tiles = array("I")
    for _ in range(3):
        MERCHANT.fold(tiles, 20_000, "order", {"amount": MOST_SUM - 1})
    MERCHANT.fold(tiles, 20_001, "order", {"amount": 5})
    tiles = MERCHANT.unpack(pack(tiles))
    assert MERCHANT.facts(tiles, 20_001, MERCHANT.names)["merchant_order_amount_90d"] == MOST_SUM
    assert MERCHANT.facts(tiles, 20_366, MERCHANT.names)["merchant_order_amount_365d"] == 5


def test_a_day_before_the_first_moves_the_beginning_and_nothing_else() -> None:
    tiles = array("I")
    BUYER.fold(tiles, 20_100, "order", ORDER)
    BUYER.fold(tiles, 20_110, "ruled", FILED)
    PAIR.fold(tiles, 7, 20_110, "ruled", FILED)
    before = BUYER.facts(tiles, 20_150, BUYER.names) | PAIR.facts(tiles, 7, 20_150, PAIR.names)
    BUYER.fold(tiles, 20_050, "order", {"amount": 11})
    after = BUYER.facts(tiles, 20_150, BUYER.names) | PAIR.facts(tiles, 7, 20_150, PAIR.names)
    changed = {name: (before[name], after[name]) for name in after if before[name] != after[name]}
    assert changed["buyer_days_known"] == (50, 100)
    assert changed["buyer_orders_180d"] == (1, 2)
    assert changed["buyer_order_amount_365d"] == (100, 111)
    assert "buyer_orders_90d" not in changed
    assert not [
        name
        for name in changed
        if "order" not in name
        and name
        not in (
            "buyer_days_known",
            "buyer_application_rate_365d",
            "buyer_refund_only_rate_365d",
            "buyer_asked_amount_rate_365d",
        )
    ]


def test_storage_is_bounded_by_the_longest_window() -> None:
    tiles = array("I")
    for day in range(10_000, 14_000):
        BUYER.fold(tiles, day, "order", ORDER)
        BUYER.fold(tiles, day, "ruled", FILED)
        for merchant in range(day, day + 5):
            PAIR.fold(tiles, merchant, day, "ruled", FILED)
        BUYER.fold(tiles, day - 900, "order", ORDER)  # far too late
    assert len(tiles) <= 5 + (1 + KEPT_DAYS) * sum(BUYER.layout.steps) + MOST_PAIRS * PAIR.layout.steps[0]
    facts = BUYER.facts(tiles, 13_999, BUYER.names)
    assert facts["buyer_orders_365d"] == 366  # 365 completed days and today
    assert facts["buyer_days_known"] == 4_899


def test_an_ordinary_buyer_takes_a_hundred_bytes() -> None:
    tiles = array("I")
    for day in range(20_000, 20_360, 30):
        BUYER.fold(tiles, day, "order", {"amount": 12_345})
    BUYER.fold(tiles, 20_350, "ruled", FILED)
    PAIR.fold(tiles, 7, 20_350, "ruled", FILED)
    assert len(pack(tiles)) < 110


@st.composite
def states(draw: st.DrawFn) -> "array[int]":
    """Any words at all in whole tiles, from small to beyond what the code can tell."""
    word = st.one_of(
        st.integers(0, 130), st.integers(0, 2**16 - 1), st.integers(0xD7F0, 0xE010), st.integers(0, 2**32 - 1)
    )
    first = draw(st.one_of(st.integers(19_000, 21_000), st.integers(0, 2**24 - 1)))
    runs = [array("I", draw(st.lists(word, max_size=6 * step))) for step in BUYER.steps]
    for run, step in zip(runs, BUYER.steps, strict=True):
        del run[len(run) - len(run) % step :]
    return joined((len(LAYOUTS["buyer"]) - 1) << 3 | len(BUYER.steps), first, runs)


@given(tiles=states())
def test_any_state_is_read_as_it_was_written(tiles: "array[int]") -> None:
    assert BUYER.unpack(pack(tiles)) == tiles


def test_a_busy_store_is_read_as_it_was_written() -> None:
    tiles = array("I")
    for day in range(20_000, 20_390):
        for kind in ("order", "delivery", "review", "ruled", "answer"):
            MERCHANT.fold(tiles, day, kind, {**FILED, "score": 5, "late": "true", "used": 500})
    assert len(tiles) > ORDINARY
    assert MERCHANT.unpack(pack(tiles)) == tiles


@given(tiles=states(), data=st.data())
def test_a_state_that_was_cut_off_is_refused(tiles: "array[int]", data: st.DataObject) -> None:
    stored = pack(tiles)
    cut = data.draw(st.integers(1, len(stored) - 1))
    with pytest.raises(StoreError, match=r"^the history of account 17 in the database is broken \(.+\): bring it back"):
        BUYER.unpack(stored[:cut], 17)


@settings(max_examples=300)
@given(
    stored=st.one_of(
        st.binary(),
        st.lists(st.integers(0, 40), min_size=3).map(lambda some: array("I", [20_000 + (23 << 24), *some]).tobytes()),
    )
)
def test_whatever_bytes_are_stored_are_a_state_or_refused(stored: bytes) -> None:
    for tally in (BUYER, MERCHANT):
        try:
            tiles = tally.unpack(stored)
        except StoreError:
            continue
        assert tally.unpack(pack(tiles)) == tiles


def test_a_state_of_a_newer_version_is_refused() -> None:
    tiles = joined(len(LAYOUTS["buyer"]) << 3 | 3, 20_000, [array("I"), array("I"), array("I")])
    with pytest.raises(StoreError, match="newer version"):
        BUYER.unpack(pack(tiles))


def test_the_layout_that_is_declared_is_the_last_one_named() -> None:
    """A measure that is appended makes a layout: states are stored with its number."""
    for tally in (BUYER, MERCHANT):
        assert LAYOUTS[tally.owner][-1] == tally.steps
        assert len(LAYOUTS[tally.owner]) <= 16


def test_a_state_from_before_a_counter_existed_is_widened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LAYOUTS, "buyer", ((4, 5, 5), *LAYOUTS["buyer"]))
    now = Tally("buyer", BUYER_MEASURES, RATES)
    runs = [array("I", [0, 1, 100, 0, 3, 2, 50, 0]), array("I", [3, 1, 1, 0, 1]), array("I", [3, 7, 0, 1, 1])]
    read = now.unpack(pack(joined(3, 20_000, runs)))
    now.fold(read, 20_004, "ruled", FILED)
    facts = now.facts(read, 20_004, now.names)
    assert (facts["buyer_orders_90d"], facts["buyer_order_amount_90d"]) == (2, 150)
    assert (facts["buyer_applications_90d"], facts["buyer_declined_90d"], facts["buyer_asked_amount_90d"]) == (2, 2, 80)
    assert PAIR.facts(read, 7, 20_004, PAIR.names)["pair_applications_90d"] == 1


def former(first: int, steps: Sequence[int], *runs: Sequence[int]) -> bytes:
    """A state as it was stored when days and totals stood in it as they are, 32 bits a word."""
    head, end = [first + (sum(steps) << 24), len(runs)], 2 + len(runs)
    for step, run in zip(steps, runs, strict=True):
        end += len(run)
        head.append((step << 24) + end)
    return array("I", [*head, *(word for run in runs for word in run)]).tobytes()


def test_a_state_with_totals_of_money_is_read() -> None:
    orders = [20_000, 1, 2**32 - 1, 0, 1, 20_005, 3, 99, 1, 2]
    filed = [20_005, 2, 1, 0, 1, 0, 2, 0, 0, 80, 0, 1, 0, 0]
    tiles = BUYER.unpack(former(20_000, (5, 14, 4), orders, filed, [4_321, 20_005, 2, 1]))
    facts = BUYER.facts(tiles, 20_010, BUYER.names) | PAIR.facts(tiles, 4_321, 20_010, PAIR.names)
    assert facts["buyer_days_known"] == 10
    assert (facts["buyer_orders_90d"], facts["buyer_order_days_90d"], facts["buyer_order_amount_90d"]) == (
        3,
        2,
        2**32 + 99,
    )
    assert (facts["buyer_applications_7d"], facts["buyer_asked_amount_90d"], facts["buyer_quality_claims_90d"]) == (
        2,
        80,
        2,
    )
    assert (facts["pair_applications_30d"], facts["pair_refund_only_90d"]) == (2, 1)
    assert BUYER.facts(tiles, 20_094, BUYER.names)["buyer_order_amount_90d"] == 100


def test_a_state_with_totals_from_before_a_counter_existed_is_widened() -> None:
    """When orders were the only counter of their run."""
    read = BUYER.unpack(former(20_000, (2, 14, 4), [20_000, 1, 20_003, 2], [], []))
    assert BUYER.facts(read, 20_003)["buyer_orders_90d"] == 2
    BUYER.fold(read, 20_004, "order", ORDER)
    facts = BUYER.facts(read, 20_004, BUYER.names)
    assert (facts["buyer_orders_90d"], facts["buyer_order_amount_90d"]) == (3, 100)


def test_a_state_from_before_there_were_runs_is_read() -> None:
    """First day, then per day: orders, applications, refund-only, counterfeit claims, declined."""
    dense = array("I", [20_000, 20_000, 1, 0, 0, 0, 0, 20_005, 2, 1, 1, 0, 1])
    tiles = BUYER.unpack(dense.tobytes())
    facts = BUYER.facts(tiles, 20_010)
    assert facts["buyer_days_known"] == 10
    assert facts["buyer_orders_90d"] == 2
    assert (facts["buyer_applications_90d"], facts["buyer_refund_only_90d"], facts["buyer_declined_90d"]) == (1, 1, 1)
    assert facts["buyer_counterfeit_claims_90d"] == 0
    BUYER.fold(tiles, 20_010, "ruled", FILED)
    assert BUYER.facts(BUYER.unpack(pack(tiles)), 20_010)["buyer_applications_90d"] == 2


def test_the_columns_of_what_was_stored_stay_where_they_are() -> None:
    """Tiles in databases are laid out by this order: a new measure goes to the end of its kind of event."""
    orders = [measure.name for measure in BUYER_MEASURES if measure.of == "order"]
    assert orders[:3] == ["orders", "order_amount", "order_days"]
    columns = {name: column.at for name, column in BUYER.layout.column.items()}
    assert (columns["applications"], columns["declined"]) == (1, 4)
    columns = {name: column.at for name, column in MERCHANT.layout.column.items()}
    assert (columns["disputes"], columns["disputes_lost"]) == (1, 2)


def test_every_days_measure_follows_one_that_is_counted_alike() -> None:
    """The fold tells a day by the count it is of, which must be there already and count the same events."""
    for measure in MEASURES:
        if measure.days_of:
            (base,) = [one for one in MEASURES if (one.owner, one.name) == (measure.owner, measure.days_of)]
            assert (base.of, base.where, base.adds) == (measure.of, measure.where, "")
            assert MEASURES.index(base) < MEASURES.index(measure)
