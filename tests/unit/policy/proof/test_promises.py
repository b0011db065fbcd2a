"""Promises: how they are read, proven by both provers, and refuted by an application that anybody can rule."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.policy import Policy, PolicyError
from evenhand.policy.lowering import Lowering
from evenhand.policy.parser import parse_expression
from evenhand.policy.proof.interpret import evaluate
from evenhand.policy.proof.limits import Deadline, Undecided
from evenhand.policy.proof.promises import DEFAULT_ORDER, grounded, read_promises
from evenhand.policy.proof.proving import Provers, Verdict
from evenhand.policy.proof.table_proof import broken_within
from evenhand.policy.proof.words import outside
from evenhand.vocabulary import OUTCOMES
from tests.unit.policy.proof.documents import policy, ruling
from tests.unit.policy.proof.tables import NAMES, OUTPUTS, drawn, nested, points

ROWS = """
"received" | "good", "excellent" | -       | subsidise
"received" | -                   | >= 4.80 | negotiate
-          | -                   | -       | merchant_decides
"""


def verdict(made: Policy, place: int = 0) -> Verdict:
    promises = read_promises(made.document, made.model)
    return Provers(made.model, promises, Deadline(60)).verdict(place)


def promised(text: str, rows: str = ROWS, more: str = "") -> Verdict:
    return verdict(ruling(rows, f"{more}\n## Promises\n- {text}\n"))


@pytest.mark.parametrize(
    "text",
    [
        "never `payer = merchant`",
        'never payer = "merchant"',
        'when `outcome = subsidise` then `buyer.integrity >= "good" and application.stage = "received"`',
        'when application.stage in ("unshipped", "in_transit", null) then outcome = merchant_decides',
        "as `buyer.integrity` rises, the buyer is never worse off",
        "as `application.amount` rises, `amount` never falls",
        "never `amount > application.amount`",
        'never `not(payer in ("platform", "none"))`.',
    ],
)
def test_promises_that_are_kept_are_proven(text: str) -> None:
    found = promised(text)
    assert found.status == "proven"
    assert "z3" in found.provers


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        (
            "never `payer = platform`",
            {"application": {"stage": "received", "amount": 8000}, "buyer": {"integrity": "good"}},
        ),
        (
            "never `outcome = negotiate`",
            {"application": {"stage": "received", "amount": 8000}, "merchant": {"experience_score": Decimal("4.8")}},
        ),
        (
            "when `merchant.experience_score >= 4.5` then `outcome != negotiate`",
            {"application": {"stage": "received", "amount": 8000}, "merchant": {"experience_score": Decimal("4.8")}},
        ),
        (
            "never `amount >= 9000`",
            {"application": {"stage": "received", "amount": 9000}, "buyer": {"integrity": "good"}},
        ),
    ],
)
def test_a_broken_promise_is_shown_by_the_plainest_application(text: str, facts: dict[str, object]) -> None:
    found = promised(text)
    assert found.status == "refuted"
    assert found.facts is not None
    assert outside(ruling(ROWS).model.facts, found.facts) == facts


def test_a_rise_that_harms_is_shown_by_the_two_applications_next_to_the_edge() -> None:
    rows = """
    - | - | [4.00..4.50) | return_and_refund
    - | - | >= 4.50      | decline
    - | - | -            | decline
    """
    found = promised("as `merchant.experience_score` rises, the buyer is never worse off", rows)
    assert found.status == "refuted"
    assert found.facts is not None
    assert found.raised is not None
    name = "merchant.experience_score"
    assert (found.facts[name], found.raised[name]) == (449, 450)
    assert found.facts | {name: None} == found.raised | {name: None}


def test_never_rises_is_the_other_direction() -> None:
    text = "as `merchant.experience_score` rises, `amount` never {}"
    assert promised(text.format("falls"), "- | - | < 3.00 | subsidise\n- | - | - | decline").status == "refuted"
    assert (
        promised(
            text.format("rises"), "- | - | < 3.00 | subsidise\n- | - | null | subsidise\n- | - | - | decline"
        ).status
        == "proven"
    )


def test_null_is_not_compared() -> None:
    """An account without integrity neither rises nor falls."""
    rows = "- | null | - | subsidise\n- | - | - | decline"
    assert promised("as `buyer.integrity` rises, the buyer is never worse off", rows).status == "proven"


def test_a_document_may_order_outcomes_itself() -> None:
    rows = '- | "excellent" | - | decline\n- | - | - | subsidise'
    text = "as `buyer.integrity` rises, the buyer is never worse off"
    order = "## Order\n- subsidise < decline < merchant_decides = negotiate < review < return_and_refund < refund_by_merchant\n"
    assert promised(text, rows).status == "refuted"
    assert promised(text, rows, order).status == "proven"


def test_the_default_order_holds_every_outcome_once() -> None:
    assert sorted(outcome for group in DEFAULT_ORDER for outcome in group) == sorted(OUTCOMES)


def test_calculated_figures_are_proven_by_z3_alone() -> None:
    body = """
## Half
```feel
amount = application.amount / 2
```
## Ruling
| F | application.amount | → outcome |
|---|--------------------|-----------|
| 1 | > 100              | subsidise |
| 2 | -                  | decline   |
## Promises
- when `outcome = subsidise` then `2 * amount >= application.amount`
- when `outcome = subsidise` then `2 * amount = application.amount`
"""
    made = policy(body)
    assert verdict(made, 0).provers == ("z3",)
    assert verdict(made, 0).status == "proven"
    odd = verdict(made, 1)
    assert odd.status == "refuted"
    assert odd.facts is not None
    asked = odd.facts["application.amount"]
    assert isinstance(asked, int)
    assert asked % 2 == 1


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ('never `buyer.integrety = "good"`', "did you mean buyer.integrity?", 10),
        ("when `payer = merchant` then `outcom = decline`", "did you mean outcome?", 33),
        ("always `payer = none`", "a promise is `never <condition>`", 3),
        ("as `order.category` rises, the buyer is never worse off", "does not rise", 7),
        ("as `outcome` rises, `amount` never falls", "is an output of 'Ruling'", 7),
        ("as `application.amount` rises, `outcome` never falls", "the buyer is never worse off", 35),
        ("never `application.amount`", "expected a condition", 10),
        ("never `payer = `", "ends too early", 17),
        ('never `payer = "marchant"`', "did you mean merchant?", 16),
    ],
)
def test_what_is_wrong_with_a_promise_is_told_with_its_place(text: str, message: str, column: int) -> None:
    made = ruling(ROWS, f"\n## Promises\n- {text}\n")
    with pytest.raises(PolicyError) as error:
        read_promises(made.document, made.model)
    (fault,) = error.value.faults
    assert message in fault.message
    assert made.source.split("\n")[fault.line - 1] == f"- {text}"
    assert fault.column == column


def test_all_that_is_wrong_with_promises_and_order_is_told_at_once() -> None:
    made = ruling(ROWS, "\n## Order\n- decline < reviw\n\n## Promises\n- never x\n- never y = 1\n")
    with pytest.raises(PolicyError) as error:
        read_promises(made.document, made.model)
    told = str(error.value)
    for text in ("did you mean review?", "the order lacks", "no fact or output x", "no fact or output y"):
        assert text in told


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_both_provers_agree_with_trying_everything(rng: Random) -> None:
    made = drawn(rng, rng.choice(["U", "F", "A"]))
    level, hue, says = rng.randint(0, 4), rng.choice(["red", "green", "blue"]), rng.choice(OUTPUTS[:3])
    promises = (
        f"never `outcome = {says} and s.level > {level}`",
        f'when `s.hue >= "{hue}"` then `outcome != {says}`',
        "as `s.level` rises, the buyer is never worse off",
        "as `s.hue` rises, the buyer is never worse off",
    )
    document = made.policy("\n## Promises\n" + "\n".join(f"- {text}" for text in promises))
    outcomes = {point: document.rule(nested(point)).outcome for point in points()}
    hues = ("red", "green", "blue")
    goodness = {outcome: place for place, group in enumerate(DEFAULT_ORDER) for outcome in group}

    def harmed(axis: int, order: tuple[object, ...]) -> bool:
        pairs = [(low, high) for place, low in enumerate(order) for high in order[place + 1 :]]
        return any(
            goodness[outcomes[(*point[:axis], high, *point[axis + 1 :])]] < goodness[outcome]
            for point, outcome in outcomes.items()
            for low, high in pairs
            if point[axis] == low and point[axis] is not None and not isinstance(point[axis], bool)
        )

    broken = (
        any(o == says and p[0] is not None and int(str(p[0])) > level for p, o in outcomes.items()),
        any(o == says and p[1] in hues[hues.index(hue) :] for p, o in outcomes.items()),
        harmed(0, (0, 1, 2, 3, 4)),
        harmed(1, hues),
    )
    provers = Provers(document.model, read_promises(document.document, document.model), Deadline(60))
    for place, expected in enumerate(broken):
        found = provers.verdict(place)
        assert found.provers == ("grid", "z3")
        assert found.status == ("refuted" if expected else "proven"), (promises[place], document.source)


@given(st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_boxes_of_one_table_agree_with_trying_everything(rng: Random) -> None:
    """The prover of large tables, on small ones."""
    made = drawn(rng, rng.choice(["F", "F", "U"]))
    level, hue, says = rng.randint(0, 4), rng.choice(["red", "green", "blue"]), rng.choice(OUTPUTS[:3])
    conditions = (
        (f"outcome = {says} and (s.level > {level} or s.flag = true)", None),
        (f'not(s.hue >= "{hue}") or s.level = null', f"outcome != {says}"),
        (f'outcome in ("{says}", "review")', f'not(s.level < {level} and s.hue in ("red", null))'),
    )
    document = made.policy()
    lowering = Lowering({**document.model.facts, "outcome": document.model.ruling["outcome"].type})
    for when, then in conditions:
        exprs = [lowering.condition(parse_expression(text)) if text else None for text in (when, then)]
        first, second = (grounded(expr, document.model) if expr is not None else None for expr in exprs)
        assert first is not None
        broken: list[tuple[object, ...]] = []
        for point in points():
            env = dict(zip(NAMES, point, strict=True)) | {"outcome": document.rule(nested(point)).outcome}
            holds = [evaluate(expr, env) is True if expr is not None else False for expr in exprs]
            broken += [point] if holds[0] and not holds[1] else []
        contradicts = made.hit == "U" and any(len(made.matching(point)) > 1 for point in points())
        try:
            found = broken_within(document.model, first, second, Deadline(60))
        except Undecided:
            assert contradicts
            continue
        assert (found is None) == (not broken), (when, then, document.source)
        if found is not None:
            inside = [p for p in points() if all(v in found[n] for n, v in zip(NAMES, p, strict=True))]  # type: ignore[operator]
            assert inside
            assert set(inside) <= set(broken)


def test_names_of_the_drawn_tables_are_facts() -> None:
    """So that the tests above cannot pass by comparing nothing."""
    made = drawn(Random(1), "F").policy()
    assert set(NAMES) <= set(made.model.facts)
