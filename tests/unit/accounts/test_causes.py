"""The cause of an interception is the one the person was told, under any policy."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from evenhand.accounts.causes import cause
from evenhand.policy import Policy

HEAD = "---\npolicy: ours\nversion: 1\neffective: 2026-01-01\ncurrency: CNY\n---\n# Ours\n"
REASONS = """
## Reasons
| code      | en         | zh   |
|-----------|------------|------|
| ours.why  | Refused.   | 拒绝。 |
| ours.else | Not.       | 不。  |
"""


def facts(label: str = "none", **abuse: Any) -> dict[str, Any]:
    application = {"remedy": "refund_only", "stage": "received", "reason": "quality", "amount": 8000}
    return {"application": application, "buyer": {"label": label}, "abuse": abuse}


def told(policy: Policy, given: dict[str, Any]) -> str:
    ruling = policy.rule(given)
    assert ruling.outcome == "decline"
    return cause(policy, ruling.trace)


@pytest.mark.parametrize(
    ("abuse", "named"),
    [
        ({"frequent_refund_only": True, "frequent_counterfeit_claims": True}, "frequent_refund_only"),
        ({"empty_parcel": True, "reused_evidence": True}, "empty_parcel"),
        ({"frequent_counterfeit_claims": True}, "frequent_counterfeit_claims"),
        ({"reused_evidence": True}, "reused_evidence"),
    ],
)
def test_taobao_s_cause_is_the_behaviour_its_reason_speaks_of_whatever_else_stands(
    abuse: dict[str, Any], named: str
) -> None:
    # a label that this policy never reads is no cause
    assert told(Policy.load("taobao"), facts("malicious", **abuse)) == named


def test_pinduoduo_s_cause_is_the_label_whatever_signs_stand() -> None:
    assert told(Policy.load("pinduoduo"), facts("malicious", reused_evidence=True)) == "malicious_label"


def test_a_score_at_its_threshold_is_a_cause() -> None:
    guide = Path("docs/how-to/train-the-abuse-score.md").read_text("utf-8")
    found = re.search(r"````markdown careful.md\n(.*?)````", guide, re.DOTALL)
    assert found is not None
    given = facts(score=Decimal("0.95"), threshold=Decimal("0.91"), uncertain=False, reused_evidence=True)
    assert told(Policy.parse(found[1]), given) == "abuse_score"


RULING = "## Ruling\n| F | {inputs} | → outcome | → because |\n|---|{line}|---|---|\n{rows}"


def ours(inputs: str, *rows: str, before: str = "") -> Policy:
    lines = "".join(f"| {number} | {row} |\n" for number, row in enumerate(rows, start=1))
    dashes = "|".join("---" for _ in inputs.split("|"))
    return Policy.parse(HEAD + before + RULING.format(inputs=inputs, line=dashes, rows=lines) + REASONS)


@pytest.mark.parametrize(
    ("policy", "given", "named"),
    [
        (ours("application.reason", '"quality" | decline | ours.why'), facts("malicious", reused_evidence=True), "ours.why"),
        (ours("buyer.label", 'not("none") | decline | ours.why'), facts("watched"), "watched_label"),
        # a test that a sign does not stand is no cause
        (
            ours("abuse.reused_evidence | application.reason", 'false | "quality" | decline | ours.why'),
            facts(reused_evidence=False), "ours.why",
        ),
        # both are needed: the behaviour is named
        (
            ours("abuse.score | abuse.empty_parcel", ">= 0.5 | true | decline | ours.why"),
            facts(score=Decimal("0.9"), empty_parcel=True), "empty_parcel",
        ),
        (ours("application.reason", '"quality" | decline | null'), facts(), "other"),
        # by way of a formula
        (
            ours(
                "bad", "true | decline | ours.why",
                before="## Weighing\n```feel\nbad = abuse.score > 0.5 or abuse.empty_parcel\n```\n",
            ),
            facts(score=Decimal("0.2"), empty_parcel=True), "empty_parcel",
        ),
        # by way of the row of another table that matched, not of those that did not
        (
            ours(
                "bad", "true | decline | ours.why",
                before="## Signs\n| F | abuse.reused_evidence | application.reason | → bad |\n|---|---|---|---|\n"
                '| 1 | - | "quality" | true |\n| 2 | true | - | true |\n',
            ),
            facts(reused_evidence=True), "ours.why",
        ),
        # by way of the rows of a table that adds up points
        (
            ours(
                "points", ">= 50 | decline | ours.why",
                before="## Card\n| C+ | abuse.empty_parcel | application.reason | → points |\n|---|---|---|---|\n"
                '| 1 | - | "quality" | 30 |\n| 2 | true | - | 40 |\n',
            ),
            facts(empty_parcel=True), "empty_parcel",
        ),
    ],
)  # fmt: skip
def test_under_a_policy_of_ones_own_it_is_the_sign_its_row_goes_by_or_its_reason_s_code(
    policy: Policy, given: dict[str, Any], named: str
) -> None:
    assert told(policy, given) == named
