"""Recourse and exploits: what would help, what a lie wins, each confirmed by ruling it."""

from decimal import Decimal
from typing import Any

import pytest

from evenhand.errors import BadInput
from evenhand.policy import Policy, shipped
from evenhand.policy.proof.exploit import CLAIMED, WINNING, costs
from tests.unit.policy.proof.documents import ruling


def facts(**more: Any) -> dict[str, Any]:
    application = {"remedy": "refund_only", "stage": "received", "reason": "quality", "amount": 8000}
    return {"application": application, **more}


def test_integrity_would_have_to_be_good_in_both_languages() -> None:
    found = Policy.load("1688@2025-03").recourse(facts(buyer={"integrity": "fair"}))
    assert (found.outcome, found.rule) == ("merchant_decides", "Ruling/2")
    (way,) = found.ways
    assert [(step.fact, step.now, step.needed, step.today) for step in way.steps] == [
        ("buyer.integrity", "fair", "good", False)
    ]
    assert (way.outcome, way.amount) == ("subsidise", 8000)
    assert way.says.en == (
        'The account integrity would have to be good (it is fair): then the ruling is "subsidised by the platform", 80.00 CNY.'
    )
    assert way.says.zh == "账号诚信状态须为良好（现为一般）：则裁决为“平台补贴”，80.00 CNY。"


def test_another_remedy_is_the_way_for_a_malicious_label_before_losing_it() -> None:
    given = facts(buyer={"label": "malicious"}, merchant={"high_quality": False})
    found = Policy.load("pinduoduo@2025-01").recourse(given)
    assert found.outcome == "decline"
    assert [step.fact for way in found.ways for step in way.steps] == ["application.remedy", "buyer.label"]
    assert [way.steps[0].today for way in found.ways] == [True, False]


def test_the_nearest_value_is_told() -> None:
    made = ruling(
        ">= 3 | <= 5000 | subsidise\n- | - | decline", inputs="application.evidence_count | application.amount"
    )
    (way,) = made.recourse({"application": {"evidence_count": 1, "amount": 8000}}).ways
    needed = {step.fact: step.needed for step in way.steps}
    assert needed == {"application.evidence_count": 3, "application.amount": 5000}
    assert "make the amount asked 50.00 CNY (it is 80.00 CNY)" in way.says.en.lower().replace("cny", "CNY")


def test_evidence_cannot_be_taken_back_and_more_money_is_no_recourse() -> None:
    made = ruling(
        "0 | - | subsidise\n- | >= 9000 | subsidise\n- | - | decline",
        inputs="application.evidence_count | application.amount",
    )
    assert made.recourse({"application": {"evidence_count": 1, "amount": 8000}}).ways == ()


def test_only_what_may_differ_differs() -> None:
    made = Policy.load("1688@2025-03")
    given = facts(buyer={"integrity": "fair"})
    assert made.recourse(given, ("application.remedy",)).ways == ()
    with pytest.raises(BadInput, match=r"did you mean buyer\.integrity"):
        made.recourse(given, ("buyer.integrit",))


@pytest.mark.parametrize("made", shipped(), ids=lambda made: f"{made.name}@{made.version}")
def test_every_way_brings_what_it_says(made: Policy) -> None:
    given = facts(
        buyer={"integrity": "poor", "label": "malicious"},
        merchant={"experience_score": Decimal("4.50"), "high_quality": False, "rule": "none"},
        abuse={"frequent_refund_only": True},
    )
    for way in made.recourse(given).ways:
        changed = {group: dict(inner) for group, inner in given.items()}
        for step in way.steps:
            group, _, name = step.fact.partition(".")
            changed.setdefault(group, {})[name] = step.needed
        answer = made.rule(changed)
        assert (answer.outcome, answer.amount) == (way.outcome, way.amount)


def test_a_wrong_reason_wins_1688s_subsidy() -> None:
    made = Policy.load("1688@2025-03")
    lies = made.exploits()
    assert [lie.facts for lie in lies] == [
        ("application.reason",),
        ("application.stage",),
        ("application.reason", "application.stage"),
    ]
    assert {lie.payer for lie in lies} == {"platform"}
    assert lies[0].circumstances == ({"application.stage": '"received"', "buyer.integrity": '"good", "excellent"'},)
    (cost,) = costs(lies, 0.01, 100_000, 8_000)
    assert (cost.payer, cost.applications, cost.amount) == ("platform", 1_000, 8_000_000)


@pytest.mark.parametrize("name", ["amazon", "china@2025-07"])
def test_where_only_the_merchants_rule_pays_no_lie_wins(name: str) -> None:
    assert Policy.load(name).exploits() == ()


@pytest.mark.parametrize("made", shipped(), ids=lambda made: f"{made.name}@{made.version}")
def test_every_lie_is_a_lie_and_wins(made: Policy) -> None:
    for lie in made.exploits():
        honest, told = made.rule(lie.honest), made.rule(lie.told)
        assert honest.outcome not in WINNING
        assert told.outcome in WINNING
        assert told.payer == lie.payer
        assert not told.return_required
        assert set(lie.facts) <= set(CLAIMED)
        for group in set(lie.honest) | set(lie.told):
            names = set(lie.honest.get(group, {})) | set(lie.told.get(group, {}))
            changed = {f"{group}.{name}" for name in names if lie.honest[group].get(name) != lie.told[group].get(name)}
            assert changed <= {*lie.facts, "application.remedy"}


def test_what_cannot_be_laid_over_a_grid_is_told() -> None:
    made = ruling("> 0 | decline\n- | subsidise", inputs="application.amount - order.amount")
    with pytest.raises(BadInput, match="it compares application"):
        made.exploits()
