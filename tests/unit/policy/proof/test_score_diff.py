"""Whose scores another version of a scorecard changes: regions are exact, examples are scored so, no difference is a proof."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.accounts.scores import ABUSE, EXPERIENCE, INTEGRITY, SCORECARDS
from evenhand.errors import BadInput
from evenhand.policy import Policy
from evenhand.policy.lowering import Lowering
from evenhand.policy.parser import parse_test
from evenhand.policy.proof.interpret import evaluate
from evenhand.policy.proof.score_diff import Shift, score_diff
from evenhand.policy.proof.words import flat
from evenhand.policy.tree import Read
from evenhand.policy.values import nested


def changed(card: Policy, *changes: tuple[str, str]) -> Policy:
    source = card.source.replace(f"version: {card.version}", "version: next")
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    return Policy.parse(source)


def scored(card: Policy, facts: dict[str, Any]) -> dict[str, Any]:
    return card.decide(nested(facts, card.model.facts, card.model.read))


@pytest.mark.parametrize("card", SCORECARDS, ids=lambda card: card.name)
def test_a_scorecard_is_proven_to_be_the_same_as_itself(card: Policy) -> None:
    found = score_diff(card, Policy.parse(card.source))
    assert (found.same, found.complete, found.changes, found.provers) == (True, True, (), ("grid", "z3"))


def test_what_is_written_otherwise_and_means_the_same_is_proven_to() -> None:
    other = changed(
        INTEGRITY,
        ("max(0, min(1000, points))", "min(1000, max(points, 0))"),
        ("| [0.25..0.40)      | -                 | -              | -200     |", "| >= 0.25 | - | - | -200 |"),
        ("| -400     |", "| -200 |"),
    )
    found = score_diff(INTEGRITY, other)
    assert found.same
    assert [one.name for one in found.formulas] == ["buyer.integrity_score"]


def test_a_band_that_costs_more_is_a_region_with_the_difference() -> None:
    found = score_diff(INTEGRITY, changed(INTEGRITY, ("| -40      |", "| -70 |")))
    assert (found.same, found.complete) == (False, True)
    (shift,) = found.changes
    assert (shift.output, shift.way, shift.least, shift.most) == ("buyer.integrity_score", "falls", -30, -30)
    assert shift.where == {"refund_only_share": "[0.15..0.25)"}
    assert shift.example is not None


def test_another_threshold_of_a_status_is_told_by_the_score() -> None:
    found = score_diff(INTEGRITY, changed(INTEGRITY, (">= 800", ">= 780"), ("[600..800)", "[600..780)")))
    (shift,) = found.changes
    assert (shift.output, shift.where) == ("buyer.integrity", {"buyer.integrity_score": "[780..799]"})
    assert shift.before
    assert shift.after
    assert (shift.before["buyer.integrity"], shift.after["buyer.integrity"]) == ("good", "excellent")
    assert shift.before["buyer.integrity_score"] == shift.after["buyer.integrity_score"]


def test_other_weights_are_bounded_each_way() -> None:
    weights = (
        ("quality_weight = 0.45", "quality_weight = 0.40"),
        ("logistics_weight = 0.25", "logistics_weight = 0.30"),
    )
    found = score_diff(EXPERIENCE, changed(EXPERIENCE, *weights))
    assert not found.same
    assert {(one.way, str(one.least), str(one.most)) for one in found.changes} == {
        ("falls", "-0.25", "-0.01"),
        ("rises", "0.01", "0.25"),
    }
    assert [(one.name, one.before, one.after) for one in found.formulas] == [
        ("logistics_weight", "0.25", "0.30"),
        ("quality_weight", "0.45", "0.40"),
    ]


@pytest.mark.parametrize(
    ("card", "change"),
    [
        (INTEGRITY, ("| -40      |", "| 40 |")),
        (INTEGRITY, ("+ 1) / (custom + 10)", "+ 1) / (custom + 5)")),
        (EXPERIENCE, ("| >= 50 ", "| >= 80 ")),
        (ABUSE, ("0.888", "0.899")),
    ],
)
def test_examples_are_scored_as_they_say(card: Policy, change: tuple[str, str]) -> None:
    other = changed(card, change)
    found = score_diff(card, other)
    assert found.changes
    for shift in found.changes:
        assert shift.example is not None
        before, after = scored(card, shift.example), scored(other, shift.example)
        assert {name: before[name] for name in found.outputs} == shift.before
        assert {name: after[name] for name in found.outputs} == shift.after
        assert before[shift.output] != after[shift.output]


CARD = """---
policy: drawn
version: 1
effective: 2026-01-01
---
# A card

## Points
| C+ | history.buyer_orders_365d | history.buyer_days_known | \u2192 points |
|----|---------------------------|--------------------------|----------|
| 1  | -                         | -                        | {}       |
| 2  | >= {}                     | -                        | {}       |
| 3  | -                         | < {}                     | {}       |
| 4  | < {}                      | >= {}                    | {}       |

## Score
```feel
buyer.integrity_score = max(0, min(1000, points))
```
"""


def drawn(rng: Random) -> Policy:
    edge, points = (lambda: rng.randint(0, 6)), (lambda: rng.choice((-600, -100, 0, 50, 700)))
    return Policy.parse(CARD.format(points(), edge(), points(), edge(), points(), edge(), edge(), points()))


@given(st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_random_cards_differ_exactly_in_the_regions_and_by_so_much(rng: Random) -> None:
    before, after = drawn(rng), drawn(rng)
    found = score_diff(before, after)
    assert found.complete
    differ = 0
    for orders in (*range(8), None):
        for days in (*range(8), None):
            facts = {"history": {"buyer_orders_365d": orders, "buyer_days_known": days}}
            first, second = (scored(card, facts)["buyer.integrity_score"] for card in (before, after))
            regions = [one for one in found.changes if lies_in(one, before, facts)]
            differ += first != second
            assert bool(regions) == (first != second), facts
            assert all(one.least <= second - first <= one.most for one in regions)
    assert found.same == (differ == 0)


def lies_in(shift: Shift, card: Policy, facts: dict[str, Any]) -> bool:
    kinds = card.model.facts
    known = dict.fromkeys(kinds) | flat(kinds, facts)
    tests = [
        Lowering(kinds).test(parse_test(cell), Read(kinds[name], name)) for name, cell in (shift.where or {}).items()
    ]
    return all(test is None or evaluate(test, known) is True for test in tests)


def test_what_cannot_be_compared_is_told() -> None:
    with pytest.raises(BadInput, match="integrity and experience give no figure that both give"):
        score_diff(INTEGRITY, EXPERIENCE)
    with pytest.raises(BadInput, match="1688 rules applications and is no scorecard"):
        score_diff(INTEGRITY, Policy.load("1688@2025-03"))
