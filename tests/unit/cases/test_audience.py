"""A merchant hears the same of a ruling whatever is known of the buyer, as far as the ruling itself is the same."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from evenhand.cases.audience import heard, unmarked
from evenhand.policy import Policy, Ruling, shipped
from evenhand.vocabulary import LABELS, REASONS, REMEDIES, STAGES

NAMED = ("pinduoduo@2025-01", "taobao@2024-08", "1688@2025-03", "china@2025-07")
TRAITS: dict[str, tuple[dict[str, Any], ...]] = {
    "buyer": tuple({"label": label, "integrity": "good"} for label in LABELS),
    "abuse": (
        {"frequent_refund_only": False, "empty_parcel": False},
        {"frequent_refund_only": True, "empty_parcel": None},
        {"frequent_refund_only": False, "empty_parcel": True, "score": 0.9},
    ),
}


def situations() -> Iterator[dict[str, Any]]:
    """Everything a merchant sees of an application."""
    for remedy, stage, reason, good in product(REMEDIES, STAGES, REASONS, (True, False)):
        yield {
            "application": {
                "remedy": remedy, "stage": stage, "reason": reason, "amount": 8000, "days_since_receipt": 3,
                "evidence_count": 1,
            },
            "order": {"amount": 9000, "category": "toys"},
            "merchant": {"high_quality": good, "experience_score": 4.9 if good else 4.2, "rule": "none"},
            "fund": {"available": True},
        }  # fmt: skip


def result(ruling: Ruling) -> tuple[Any, ...]:
    return (ruling.outcome, ruling.payer, ruling.return_required, ruling.amount, ruling.respond_within_hours)


def told(ruling: Ruling | None) -> tuple[str, ...]:
    return () if ruling is None else (ruling.rule, ruling.because.en, ruling.because.zh)


@pytest.mark.parametrize("name", NAMED)
def test_what_a_merchant_hears_does_not_depend_on_who_the_buyer_is(name: str) -> None:
    policy = Policy.load(name)
    for seen in situations():
        by_result: dict[Any, set[Any]] = defaultdict(set)
        for buyer, abuse in product(TRAITS["buyer"], TRAITS["abuse"]):
            facts = {**seen, "buyer": buyer, "abuse": abuse}
            ruling = policy.rule(facts, "CNY")
            by_result[result(ruling)].add(told(heard(ruling, policy.rule(unmarked(facts), "CNY"))))
        assert all(len(texts) == 1 for texts in by_result.values()), (seen, by_result)


def test_where_the_label_changes_nothing_the_reason_stays_specific() -> None:
    policy, facts = Policy.load("pinduoduo@2025-01"), next(situations())
    facts["application"] |= {"remedy": "refund_only", "stage": "unshipped"}
    facts |= {"buyer": {"label": "malicious"}, "merchant": {"high_quality": True}}
    ruling = policy.rule(facts, "CNY")
    assert "label is malicious" in ruling.because.en
    told = heard(ruling, policy.rule(unmarked(facts), "CNY"))
    assert told is not None
    assert told.because.en.startswith("This is a high-quality merchant")
    assert told.rule != ruling.rule


def test_every_shipped_policy_can_be_asked_of_an_unmarked_buyer() -> None:
    for policy in shipped():
        for seen in situations():
            policy.rule(unmarked({**seen, "buyer": {"label": "malicious"}, "abuse": {"score": 0.5}}), "CNY")
