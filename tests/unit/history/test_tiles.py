"""How an account's state is stored: small, bounded, and readable after the set of counters has grown.

That the facts read from it are right is `tests/property/test_history.py`'s to show.
"""

from array import array

from evenhand.history import BUYER, MERCHANT, PAIR
from evenhand.history.facts import MOST_PAIRS
from evenhand.history.tiles import KEPT_DAYS, joined, pack
from evenhand.measures import BUYER_MEASURES, MEASURES

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
    facts = MERCHANT.facts(tiles, 20_401, MERCHANT.names)
    assert facts["merchant_review_points_365d"] == 3
    assert facts["merchant_order_amount_365d"] == 18_000_000_000


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


def test_an_ordinary_buyer_takes_a_few_hundred_bytes() -> None:
    tiles = array("I")
    for day in range(20_000, 20_360, 30):
        BUYER.fold(tiles, day, "order", ORDER)
    BUYER.fold(tiles, 20_350, "ruled", FILED)
    PAIR.fold(tiles, 7, 20_350, "ruled", FILED)
    assert len(pack(tiles)) < 400


def test_a_state_from_before_a_counter_existed_is_widened() -> None:
    tiles = array("I")
    BUYER.fold(tiles, 20_000, "order", ORDER)
    BUYER.fold(tiles, 20_003, "order", ORDER)
    steps = BUYER.steps
    older = [2, *steps[1:]]  # when orders were the only counter of their run
    runs = [array("I", [20_000, 1, 20_003, 2]), *(array("I") for _ in steps[1:])]
    read = BUYER.unpack(pack(joined(20_000, runs, older)))
    assert BUYER.facts(read, 20_003)["buyer_orders_90d"] == 2
    BUYER.fold(read, 20_004, "order", ORDER)
    facts = BUYER.facts(read, 20_004, BUYER.names)
    assert (facts["buyer_orders_90d"], facts["buyer_order_amount_90d"]) == (3, 100)


def test_a_state_from_before_there_were_runs_is_read() -> None:
    """First day, then per day: orders, applications, refund-only, counterfeit claims, declined."""
    dense = array("I", [20_000, 20_000, 1, 0, 0, 0, 0, 20_005, 2, 1, 1, 0, 1])
    tiles = BUYER.unpack(pack(dense))
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
