"""Diff: what it says differs differs, what it does not say is the same, and sameness is a proof."""

from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.bench.tables import document as generated
from evenhand.errors import BadInput
from evenhand.policy import Policy, Ruling, shipped
from evenhand.policy.lowering import Lowering
from evenhand.policy.parser import parse_test
from evenhand.policy.proof.diff import PARTS, Change, Diff
from evenhand.policy.proof.interpret import evaluate
from evenhand.policy.proof.limits import Deadline
from evenhand.policy.proof.table_diff import table_regions
from evenhand.policy.proof.words import flat, outside
from evenhand.policy.tree import Const, Read
from tests.strategies.policies import facts as some_facts
from tests.unit.policy.proof.documents import policy, ruling
from tests.unit.policy.proof.tables import NAMES, drawn, nested, points

VERSIONS = [(before, after) for before, after in pairwise(shipped()) if before.name == after.name]


def said(answer: Ruling) -> tuple[Any, ...]:
    return tuple(getattr(answer, part) for part in PARTS)


def holds(change: Change, made: Policy, facts: dict[str, Any]) -> bool:
    """Whether facts lie in a region, read as an input row of a table would be."""
    kinds = made.model.facts
    lowering = Lowering(kinds)
    known = dict.fromkeys(kinds) | flat(kinds, facts)
    assert change.where is not None
    for name, cell in change.where.items():
        test = lowering.test(parse_test(cell), Read(kinds[name], name))
        if test is not None and evaluate(test, known) is not True:
            return False
    return True


def check_regions(found: Diff, before: Policy, after: Policy, tried: list[dict[str, Any]]) -> int:
    """Every application lies in a region exactly when it is ruled differently; returns how many do."""
    assert found.complete
    inside = 0
    for facts in tried:
        differs = said(before.rule(facts)) != said(after.rule(facts))
        assert any(holds(change, before, facts) for change in found.changes) == differs, facts
        inside += differs
    return inside


@pytest.mark.parametrize(("before", "after"), VERSIONS, ids=lambda made: f"{made.name}@{made.version}")
def test_regions_of_shipped_versions_hold_what_changed_and_nothing_else(before: Policy, after: Policy) -> None:
    found = before.diff(after)
    assert not found.same
    assert found.provers == ("grid", "z3")
    rng = Random(7)
    model = before.model
    names = dict.fromkeys((*before.model.read, *after.model.read))
    drawn_facts = (*some_facts(rng, model, 150), *some_facts(rng, after.model, 150))
    tried = [outside(model.facts, {name: one.get(name) for name in names}) for one in drawn_facts]
    assert check_regions(found, before, after, tried) >= 10


@pytest.mark.parametrize("made", shipped(), ids=lambda made: f"{made.name}@{made.version}")
def test_a_policy_is_proven_to_be_the_same_as_itself(made: Policy) -> None:
    found = made.diff(Policy.parse(made.source, made.file), reasons=True)
    assert (found.same, found.complete, found.changes, found.provers) == (True, True, (), ("grid", "z3"))


@pytest.mark.parametrize(("before", "after"), VERSIONS, ids=lambda made: f"{made.name}@{made.version}")
def test_examples_are_ruled_as_they_say(before: Policy, after: Policy) -> None:
    for change in before.diff(after).changes:
        for made, told in ((before, change.before), (after, change.after)):
            answer = made.rule(change.example)
            assert (answer.outcome, answer.payer, answer.rule) == (told.outcome, told.payer, told.rule)
            assert told.amount == ("application.amount" if answer.amount else 0)
        assert said(before.rule(change.example)) != said(after.rule(change.example))
        assert holds(change, before, change.example)


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_random_tables_differ_exactly_in_the_regions(rng: Random) -> None:
    before, after = drawn(rng, rng.choice("UFA")).policy(), drawn(rng, rng.choice("UFA")).policy()
    found, back = before.diff(after), after.diff(before)
    tried = [nested(point) for point in points()]
    changed = check_regions(found, before, after, tried)
    assert found.same == back.same == (changed == 0)
    assert check_regions(back, after, before, tried) == changed


@given(st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_boxes_of_two_tables_differ_exactly_in_their_regions(rng: Random) -> None:
    """As the test above, by the prover that large tables are compared with."""
    before, after = drawn(rng, "F").policy(), drawn(rng, "F").policy()
    rulings = (before.model.ruling, after.model.ruling)
    parts = ("outcome", "payer")
    regions, more = table_regions(before.model, after.model, rulings, parts, Deadline(60))
    assert not more
    for point in points():
        ruled = [[getattr(made.rule(nested(point)), part) for part in parts] for made in (before, after)]
        values: dict[str, Any] = dict(zip(NAMES, point, strict=True))
        holding = [one for one in regions if all(values[name] in side for name, side in one.sides.items())]
        assert bool(holding) == (ruled[0] != ruled[1])
        for one in holding:
            assert [
                [term.value for term in said if isinstance(term, Const)] for said in (one.before, one.after)
            ] == ruled


def test_two_versions_of_a_large_table_are_compared_by_boxes() -> None:
    source = generated(300, seed=3)
    before = Policy.parse(source)
    lines = source.split("\n")
    place = next(index for index, line in enumerate(lines) if line.startswith("| 7 |"))
    lines[place] = lines[place].rsplit("|", 4)[0] + "| decline | null | synthetic |"
    found = before.diff(Policy.parse("\n".join(lines)), seconds=120)
    assert (found.complete, found.provers) == (True, ("boxes", "z3"))
    assert {(change.before.rule, change.after.rule, change.after.outcome) for change in found.changes} == {
        ("Ruling/7", "Ruling/7", "decline")
    }
    assert before.diff(Policy.parse(source), seconds=120).same


def test_tables_written_in_another_way_are_proven_the_same() -> None:
    before = ruling("- | - | >= 4.80 | negotiate\n- | - | - | decline")
    after = policy("""
## High
| F | merchant.experience_score | → high |
|---|---------------------------|--------|
| 1 | [4.80..5.00]              | true   |
| 2 | -                         | false  |
## Ruling
| U | high  | → outcome |
|---|-------|-----------|
| 1 | false | decline   |
| 2 | true  | negotiate |
""")
    assert before.diff(after).same


def test_an_edge_that_moved_is_one_region() -> None:
    before = ruling("- | - | >= 4.80 | negotiate\n- | - | - | decline")
    after = ruling("- | - | >= 4.50 | negotiate\n- | - | - | decline")
    (change,) = before.diff(after).changes
    assert change.where == {"merchant.experience_score": "[4.50..4.80)"}
    assert (change.before.outcome, change.after.outcome) == ("decline", "negotiate")
    assert change.example["merchant"]["experience_score"] == Decimal("4.60")


def test_reasons_count_when_asked() -> None:
    body = "## Ruling\n| F | application.stage | → outcome | → because |\n|---|---|---|---|\n| 1 | - | decline | {} |\n"
    reasons = "## Reasons\n| code | en | zh |\n|---|---|---|\n| one | One. | 一。 |\n| two | Two. | 二。 |\n"
    before, after = policy(body.format("one") + reasons), policy(body.format("two") + reasons)
    assert before.diff(after).same
    (change,) = before.diff(after, reasons=True).changes
    assert (change.before.because, change.after.because) == ("one", "two")


def test_amounts_differ_as_formulas() -> None:
    body = (
        "## Ruling\n| F | application.remedy | → outcome | → amount |\n|---|---|---|---|\n| 1 | - | subsidise | {} |\n"
    )
    before = policy(body.format("application.amount"))
    half, same = policy(body.format("application.amount / 2")), policy(body.format("application.amount * 2 / 2"))
    (change,) = before.diff(half).changes
    assert (change.before.amount, change.after.amount) == ("application.amount", "application.amount / 2")
    assert before.rule(change.example).amount != half.rule(change.example).amount
    assert before.diff(same).same


def test_where_figures_are_calculated_z3_lists_the_changes() -> None:
    body = (
        "## Ruling\n| F | application.amount - order.amount | → outcome |\n|---|---|---|\n"
        "| 1 | > {} | decline |\n| 2 | - | negotiate |\n"
    )
    before, after = policy(body.format(100)), policy(body.format(200))
    found = before.diff(after)
    assert (found.same, found.provers) == (False, ("z3",))
    (change,) = found.changes
    assert change.where is None
    assert (change.before.outcome, change.after.outcome) == ("decline", "negotiate")
    assert said(before.rule(change.example)) != said(after.rule(change.example))
    assert before.diff(policy(body.format(100))).same


def test_a_history_is_counted_by_what_changes() -> None:
    before = ruling("- | - | >= 4.80 | negotiate\n- | - | - | subsidise")
    after = ruling("- | - | >= 4.50 | negotiate\n- | - | - | subsidise")
    history = [
        {"application": {"amount": 100 * n}, "merchant": {"experience_score": Decimal(n) / 10}} for n in range(40, 51)
    ]
    found = before.diff(after, history=history).history
    assert found is not None
    assert (found.applications, found.touched) == (11, 3)
    (moved,) = found.changes
    assert (moved.before, moved.after) == ("subsidise, platform pays", "negotiate")
    assert (moved.applications, moved.claimed) == (3, 4500 + 4600 + 4700)
    assert (moved.paid_before, moved.paid_after) == ({"platform": 13_800}, {})


def test_a_broken_line_of_a_history_is_named() -> None:
    made = ruling("- | - | - | decline")
    with pytest.raises(BadInput, match=r"line 2: application\.amount"):
        made.diff(made, history=[{}, {"application": {"amount": "much"}}])


def test_scorecards_have_no_rulings_to_compare() -> None:
    card = policy("## Score\n```feel\nbuyer.integrity_score = 600\n```\n")
    with pytest.raises(BadInput, match="decides no outcome"):
        card.diff(card)
