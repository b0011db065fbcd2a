"""What would make a score better is true, and is as little as it takes."""

from typing import Any

from evenhand.accounts.scores import EXPERIENCE, INTEGRITY, completed
from evenhand.history import BUYER, MERCHANT
from evenhand.policy import Policy
from evenhand.profiles import Raise, what_raises

NOTHING: dict[str, int] = dict.fromkeys((*BUYER.names, *MERCHANT.names), 0)


def raises(card: Policy, figure: str, **history: int) -> tuple[Any, dict[tuple[str, bool], Raise]]:
    """The score, and what would raise it by the figure and whether more of it does."""
    facts = completed(card, NOTHING | history)
    score = card.decide(facts)[figure]
    found = what_raises(card, figure, facts, score)
    assert all(one.score > score for one in found)
    return score, {(one.fact, one.then > one.now): one for one in found}


def test_a_buyer_known_for_long_needs_no_more_days_than_to_the_next_band() -> None:
    score, found = raises(
        INTEGRITY, "buyer.integrity_score", buyer_days_known=1026, buyer_orders_365d=9, buyer_order_days_365d=9
    )
    longer = found["history.buyer_days_known", True]
    assert (score, longer.then, longer.score) == (710, 1095, 770)


def test_whoever_is_far_from_the_next_band_is_told_the_way_too() -> None:
    score, found = raises(
        INTEGRITY,
        "buyer.integrity_score",
        buyer_days_known=400,
        buyer_orders_365d=30,
        buyer_order_days_365d=30,
        buyer_order_amount_365d=300_000,
        buyer_refund_only_365d=29,
        buyer_refund_only_amount_365d=150_000,
        buyer_declined_365d=8,
    )
    assert score == 130
    fewer, orders = found["history.buyer_refund_only_365d", False], found["history.buyer_orders_365d", True]
    assert (fewer.then, fewer.score) == (14, 330)  # 15 of 40 is below 0.40
    assert (orders.then, orders.score) == (44, 280)  # 8 declined of 54 are below 0.15
    assert orders.how.en.startswith("each of the new ones on a day of its own")


def test_a_store_without_reviews_is_told_which_ones_would_help() -> None:
    score, found = raises(EXPERIENCE, "merchant.experience_score")
    first = found["history.merchant_reviews_365d", True]
    assert (str(score), first.then, str(first.score), first.how.zh) == ("4.60", 1, "4.61", "新增评价均为5分")
