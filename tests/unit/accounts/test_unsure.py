"""What becomes of a ruling on a claim that the learned score does not know: a person looks where it would have been settled."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.accounts.abuse.unsure import UNSURE, within_sight
from evenhand.cases.audience import heard, unmarked
from evenhand.fund.empty import within_budget
from evenhand.policy import Policy, Ruling, shipped
from evenhand.vocabulary import LABELS, MERCHANT_RULES, REASONS, REMEDIES, STAGES

POLICIES = {f"{one.name}@{one.version}": one for one in shipped()}
HANDED_OVER = ("review", "none", False, 0, None, None)
CAREFUL = """---
policy: careful
version: 1
effective: 2020-01-01
---
# Its own word

## Ruling
| F | abuse.uncertain | → outcome | → payer  |
|---|-----------------|-----------|----------|
| 1 | true            | decline   | none     |
| 2 | -               | subsidise | platform |
"""
applications = st.fixed_dictionaries(
    {
        "remedy": st.sampled_from(REMEDIES),
        "stage": st.sampled_from(STAGES),
        "reason": st.sampled_from(REASONS),
        "amount": st.just(8_000),
        "days_since_receipt": st.sampled_from([None, 3, 60]),
    }
)
claims = st.fixed_dictionaries(
    {
        "application": applications,
        "order": st.fixed_dictionaries({"amount": st.just(9_000), "category": st.sampled_from(["toys", "fresh"])}),
        "buyer": st.fixed_dictionaries(
            {"label": st.sampled_from(LABELS), "integrity": st.sampled_from([None, "poor", "good"])}
        ),
        "merchant": st.fixed_dictionaries(
            {
                "rule": st.sampled_from(MERCHANT_RULES),
                "high_quality": st.booleans(),
                "experience_score": st.sampled_from([None, 3.5, 4.9]),
            }
        ),
        "fund": st.fixed_dictionaries({"available": st.sampled_from([None, True, False])}),
    }
)


def rule(policy: Policy, facts: dict[str, Any]) -> tuple[Ruling, Ruling]:
    """As the document and the budget have it, and as it stands in the end."""
    written = within_budget(policy.rule(facts, "CNY"), facts, "CNY")
    return written, within_sight(written, facts, policy.model.read)


def result(ruling: Ruling) -> tuple[Any, ...]:
    return (
        ruling.outcome, ruling.payer, ruling.return_required, ruling.amount, ruling.respond_within_hours, ruling.on_silence,
    )  # fmt: skip


@given(
    st.sampled_from(sorted(POLICIES)),
    claims,
    st.sampled_from(
        [
            {},
            {"uncertain": True},
            {"uncertain": False, "person_available": None},
            {"uncertain": True, "person_available": False},
        ]
    ),
)
def test_where_no_person_is_asked_the_ruling_stays(name: str, facts: dict[str, Any], abuse: dict[str, Any]) -> None:
    written, final = rule(POLICIES[name], {**facts, "abuse": abuse})
    assert final is written


@given(st.sampled_from(sorted(POLICIES)), claims)
def test_where_one_is_asked_only_what_would_settle_the_money_is_handed_over(name: str, facts: dict[str, Any]) -> None:
    written, final = rule(POLICIES[name], {**facts, "abuse": {"uncertain": True, "person_available": True}})
    if final is written:
        safe = facts["application"]["stage"] == "unshipped" or facts["merchant"]["rule"] == "refund_without_return"
        assert written.outcome not in ("subsidise", "refund_by_merchant", "decline") or safe
        assert written.outcome != "decline"
    else:
        assert written.outcome in ("subsidise", "refund_by_merchant", "decline")
        assert (result(final), final.because) == (HANDED_OVER, UNSURE)
        assert (final.rule, final.trace, final.policy, final.version) == (
            written.rule, written.trace, written.policy, written.version,
        )  # fmt: skip


def claim(**application: Any) -> dict[str, Any]:
    return {
        "application": {"remedy": "refund_only", "stage": "received", "reason": "quality", "amount": 8_000}
        | application,
        "buyer": {"integrity": "good", "label": "none"},
        "merchant": {"rule": "none", "high_quality": False},
        "abuse": {"uncertain": True, "person_available": True},
        "fund": {"available": None},
    }


def test_each_outcome_that_settles_goes_to_a_person() -> None:
    for name, label, was in (
        ("1688@2025-03", "none", "subsidise"),
        ("pinduoduo@2025-01", "none", "refund_by_merchant"),
        ("pinduoduo@2025-01", "malicious", "decline"),
    ):
        facts = claim()
        facts["buyer"]["label"] = label
        written, final = rule(POLICIES[name], facts)
        assert written.outcome == was
        assert result(final) == HANDED_OVER


def test_a_refund_of_goods_that_never_left_stays() -> None:
    written, final = rule(POLICIES["1688@2024-08"], claim(stage="unshipped"))
    assert written.outcome == "refund_by_merchant"
    assert final is written


@pytest.mark.parametrize(
    ("own", "share", "stays"),
    [("refund_without_return", 1, True), ("partial_refund", 2, True), ("partial_refund", 1, False), ("none", 1, False)],
)
def test_what_the_merchants_own_rule_grants_stays(own: str, share: int, stays: bool) -> None:
    source = CAREFUL.replace(
        "| F | abuse.uncertain | → outcome | → payer  |", "| F | → outcome | → payer | → amount |", 1
    )
    source = (
        source[: source.index("|---|")]
        + "|---|---|---|---|\n| 1 | refund_by_merchant | merchant | application.amount / "
    )
    facts = claim()
    facts["merchant"]["rule"] = own
    written, final = rule(Policy.parse(source + f"{share} |\n"), facts)
    assert written.outcome == "refund_by_merchant"
    assert (final is written) is stays


def test_a_document_that_reads_the_fact_has_the_first_word() -> None:
    for fact in ("abuse.uncertain", "abuse.person_available"):
        written, final = rule(Policy.parse(CAREFUL.replace("abuse.uncertain", fact)), claim())
        assert (written.outcome, final.outcome) == ("decline", "decline")


def test_an_empty_budget_goes_first_and_its_reason_is_told() -> None:
    facts = claim()
    facts["fund"]["available"] = False
    written, final = rule(POLICIES["1688@2025-03"], facts)
    assert final is written
    assert "budget" in final.because.en


def test_the_reason_names_neither_a_score_nor_abuse() -> None:
    for word in ("abus", "score", "fraud", "buyer", "suspic", "滥用", "评分", "异常", "买家", "欺诈"):
        assert word not in UNSURE.en.lower() + UNSURE.zh


def test_a_merchant_hears_the_same_whatever_made_a_person_look() -> None:
    """What the score made of the buyer is the buyer's alone: no reason and no row of its own tells of it."""
    policy = POLICIES["1688@2025-03"]
    for stage, reason in product(("received",), ("quality", "damaged")):
        facts = claim(stage=stage, reason=reason)
        _, otherwise = rule(policy, unmarked(facts))
        assert otherwise.outcome == "subsidise"
        assert heard(rule(policy, facts)[1], otherwise) is None
