"""What the inputs of scorecards are called."""

import re
from decimal import Decimal

import pytest

from evenhand.accounts.abuse.why import abuse_reasons
from evenhand.accounts.points import label
from evenhand.accounts.saying import condition, fact_value, figure
from evenhand.accounts.scores import ABUSE


@pytest.mark.parametrize(
    "name", ["refund_only_lent", "history.buyer_orders_365d", "refund_only_lent and history.buyer_orders_365d"]
)
def test_inputs_have_names_in_both_languages_also_those_asked_together(name: str) -> None:
    said = label(name)
    assert "_" not in said.en + said.zh
    assert "history." not in said.en
    assert re.search("[a-z]", said.zh) is None


def test_a_reason_about_two_figures_gives_both() -> None:
    (said,) = abuse_reasons({"history": {"buyer_refund_only_365d": 0, "buyer_orders_365d": 23}}, ABUSE, None)
    share, orders = label("refund_only_lent"), label("custom_365d")
    assert said.en == f"{share.en}: 0.0303, {orders.en}: 23 (under 0.05 and at least 10: -20 points)"
    assert said.zh == f"{share.zh}：0.0303，{orders.zh}：23（低于0.05且不低于10，-20分）"


@pytest.mark.parametrize(
    ("text", "en", "zh"),
    [
        ('"exchange", "refund_only"', "exchange, refund only", "换货, 仅退款"),
        ("< 0.05 and >= 10", "< 0.05 and >= 10", "< 0.05 且 >= 10"),
        ("true", "yes", "是"),
        ("not(null)", "not(unknown)", "非(未知)"),
    ],
)
def test_conditions_have_words_and_no_codes(text: str, en: str, zh: str) -> None:
    assert (condition(text, "en"), condition(text, "zh")) == (en, zh)


def test_figures_have_all_the_places_their_facts_promise() -> None:
    assert fact_value("merchant.experience_score", Decimal("4.6"), "CNY", "en") == "4.60"
    assert fact_value("abuse.score", Decimal("0.03"), "CNY", "zh") == "0.030"
    assert fact_value("abuse.frequent_refund_only", False, "CNY", "en") == "no"
    assert figure([Decimal("0.0300"), 12], "zh") == "0.03、12"
