"""A merchant's own rules say what a plain reading of them says, at every boundary."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from evenhand.accounts.rules import compiled, says
from evenhand.records import MerchantRule
from evenhand.vocabulary import REASONS, STAGES

BEGIN = datetime(2024, 8, 1, tzinfo=UTC)
# few values, so that boundaries are met often
moments = st.integers(0, 6).map(lambda hours: BEGIN + timedelta(hours=hours))
prices = st.integers(1, 6)
categories = st.sampled_from(["", "fresh", "toys"])


@st.composite
def rules(draw: st.DrawFn) -> MerchantRule:
    valid_from = draw(moments)
    ended = draw(st.none() | st.integers(0, 4).map(lambda hours: valid_from + timedelta(hours=hours)))
    low = draw(st.none() | prices)
    return MerchantRule(
        "rule",
        draw(st.sampled_from(["refund_without_return", "exchange", "partial_refund"])),
        "store",
        low,
        draw(st.none() | st.integers(low or 1, 6)),
        draw(st.lists(categories, max_size=2)),
        draw(st.lists(st.sampled_from(REASONS[:3]), max_size=2)),
        draw(st.lists(st.sampled_from(STAGES), max_size=2)),
        draw(st.none() | st.integers(0, 3)),
        valid_from,
        ended,
    )


def read_plainly(
    rule: MerchantRule, moment: datetime, paid: int, category: str, reason: str, stage: str, days: int | None
) -> bool:
    """Whether a rule matches, one sentence of its description after the other."""
    assert rule.valid_from is not None
    if moment < rule.valid_from:
        return False
    if rule.deleted_at is not None and moment >= rule.deleted_at:
        return False
    if rule.price_from is not None and paid < rule.price_from:
        return False
    if rule.price_to is not None and paid > rule.price_to:
        return False
    if rule.within_days is not None and (days is None or days > rule.within_days):
        return False
    asked = [(rule.categories, category), (rule.reasons, reason), (rule.stages, stage)]
    return all(value in listed for listed, value in asked if listed)


@given(
    st.lists(rules(), max_size=5),
    moments,
    prices,
    categories,
    st.sampled_from(REASONS[:3]),
    st.sampled_from(STAGES),
    st.none() | st.integers(0, 4),
)
def test_rules_say_what_a_plain_reading_says(
    set_rules: list[MerchantRule],
    moment: datetime,
    paid: int,
    category: str,
    reason: str,
    stage: str,
    days: int | None,
) -> None:
    matching = {rule.decision for rule in set_rules if read_plainly(rule, moment, paid, category, reason, stage, days)}
    best = next((one for one in ("refund_without_return", "exchange", "partial_refund") if one in matching), "none")
    assert says(compiled(set_rules), moment, paid, category, reason, stage, days) == best
