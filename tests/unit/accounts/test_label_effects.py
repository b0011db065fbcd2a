"""What the person on whom a label is is told of its effect is what the market's rules make of it."""

from datetime import date

import pytest

from evenhand.accounts.label_effects import Effect, Stretch, effect_of, told
from evenhand.policy import Policy, shipped

OURS = """---
policy: ours
version: 1
effective: 2026-01-01
currency: CNY
---
# Ours
## Ruling
| F | application.remedy | buyer.label | → outcome | → payer |
|---|--------------------|-------------|-----------|---------|
{rows}"""


def ours(*rows: tuple[str, str, str]) -> str:
    lines = [
        f"| {number} | {remedy} | {label} | {outcome} | {'merchant' if outcome == 'refund_by_merchant' else 'none'} |\n"
        for number, (remedy, label, outcome) in enumerate((*rows, ("-", "-", "merchant_decides")), start=1)
    ]
    return OURS.replace("{rows}", "".join(lines))


@pytest.mark.parametrize("policy", shipped(), ids=lambda policy: f"{policy.name}-{policy.version}")
def test_of_the_package_only_pinduoduo_of_2025_minds_a_label_and_only_a_malicious_one(policy: Policy) -> None:
    stops = (policy.name, policy.version) == ("pinduoduo", "2025-01")
    assert effect_of(policy.source, "malicious") == Effect(stops, stops, True)
    assert not effect_of(policy.source, "watched").counts


@pytest.mark.parametrize(
    ("rows", "effect"),
    [
        ([('"refund_only"', '"malicious"', "decline")], Effect(True, True, True)),
        ([('"refund_only"', '"malicious"', "review")], Effect(True, True, True)),
        ([("-", '"malicious"', "decline")], Effect(True, True, False)),
        ([('"exchange"', 'not("none")', "review"), ("-", "-", "refund_by_merchant")], Effect(True, False, True)),
        ([('"refund_only"', '"watched"', "review"), ("-", "-", "refund_by_merchant")], Effect(False, False, True)),
    ],
)  # fmt: skip
def test_what_a_document_of_ones_own_makes_of_a_label_is_seen(rows: list[tuple[str, str, str]], effect: Effect) -> None:
    assert effect_of(ours(*rows), "malicious") == effect


def test_the_sentence_says_what_the_rules_make_of_it_and_when_that_changes() -> None:
    nothing = Stretch(None, "taobao 2024-08", Effect(False, False, True))
    stops = Stretch(date(2026, 5, 1), "ours 1", Effect(True, True, True))
    alone = told("buyer", "malicious", [nothing])
    assert alone.en == (
        "Under the rules in force (taobao 2024-08) this label changes nothing about how your applications are decided."
    )
    assert alone.zh == "按现行规则（taobao 2024-08），该标签不影响您的申请处理。"
    both = told("buyer", "malicious", [nothing, nothing._replace(since=date(2026, 4, 1)), stops])
    assert both.en == (
        f"{alone.en} From 2026-05-01 on, under the rules of then (ours 1), your account gets no refund without a return while "
        "the label lasts. You can still return goods and be refunded."
    )
    assert both.zh.startswith(alone.zh + "自2026年5月1日起，按届时的规则（ours 1），")
    hard = told("buyer", "malicious", [stops._replace(since=None, effect=Effect(True, False, False))])
    assert "taken into account" in hard.en
    assert "return" not in hard.en


def test_a_store_is_not_told_what_holds_for_buyers() -> None:
    stops = Stretch(None, "ours 1", Effect(True, True, True))
    said = told("merchant", "malicious", [stops])
    assert "No rule reads it" in said.en
    assert "refund" not in said.en
    assert "仅退款" not in said.zh
