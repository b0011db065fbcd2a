"""Boxes against the truth: small tables whose every input is tried, and Z3's answer to the same questions."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.bench.tables import model_of, table
from evenhand.policy import Policy
from evenhand.policy.proof.boxes import Box, Boxes
from evenhand.policy.proof.covering import Covering
from evenhand.policy.proof.limits import Deadline, Undecided
from evenhand.policy.proof.smt import Encoding
from evenhand.policy.proof.smt_script import Script
from evenhand.policy.proof.solver import Solver
from evenhand.policy.tree import Table
from tests.unit.policy.proof.tables import OUTPUTS, Drawn, drawn, points

ANY = st.randoms(use_true_random=False)


def boxes_of(made: Drawn) -> Boxes:
    (step,) = made.policy().model.steps
    assert isinstance(step, Table)
    return Boxes(step)


def inside(boxes: Boxes, box: Box, point: tuple[object, ...]) -> bool:
    return all(_in(where, value) for (_, where), value in zip(boxes.sides(box), point, strict=True))


def _in(where: object, value: object) -> bool:
    return value in where  # type: ignore[operator]


@given(ANY)
@settings(max_examples=150, deadline=None)
def test_gaps_are_all_the_inputs_no_row_matches(rng: Random) -> None:
    made = drawn(rng, "U")
    boxes = boxes_of(made)
    gaps, more = Covering(boxes, Deadline(60)).gaps(1000)
    assert not more
    for point in points():
        covered = any(inside(boxes, gap, point) for gap in gaps)
        assert covered == (not made.matching(point)), point


@given(ANY)
@settings(max_examples=150, deadline=None)
def test_overlaps_are_all_pairs_that_match_together(rng: Random) -> None:
    made = drawn(rng, "U")
    boxes = boxes_of(made)
    expected = {
        (left, right)
        for point in points()
        for left in made.matching(point)
        for right in made.matching(point)
        if left < right
    }
    found = {(left + 1, right + 1) for left, right in boxes.overlaps(Deadline(60))}
    assert found == expected
    for left, right in found:
        shared = boxes.shared(left - 1, right - 1)
        assert shared is not None
        assert any(inside(boxes, shared, point) and {left, right} <= set(made.matching(point)) for point in points())


@given(ANY)
@settings(max_examples=150, deadline=None)
def test_hidden_rows_are_those_that_are_never_first(rng: Random) -> None:
    made = drawn(rng, "F", most=8)
    covering = Covering(boxes_of(made), Deadline(60))
    firsts = {matching[0] for point in points() if (matching := made.matching(point))}
    hidden = {number for number in range(1, len(made.rows) + 1) if covering.hidden(number - 1)}
    assert hidden == set(range(1, len(made.rows) + 1)) - firsts


@given(ANY)
@settings(max_examples=100, deadline=None)
@pytest.mark.parametrize("column", [0, 1])
def test_falling_pairs_are_all_that_break_the_order(column: int, rng: Random) -> None:
    made = drawn(rng, "U", most=5)
    boxes = boxes_of(made)
    figures = np.array([OUTPUTS.index(says) for _, says in made.rows])
    order = {value: place for place, value in enumerate((0, 1, 2, 3, 4) if column == 0 else ("red", "green", "blue"))}
    expected: set[tuple[int, int]] = set()
    for low in points():
        for value, place in order.items():
            if low[column] is None or place <= order[low[column]]:  # type: ignore[index]
                continue
            high = (*low[:column], value, *low[column + 1 :])
            expected |= {
                (less, more)
                for less in made.matching(low)
                for more in made.matching(high)
                if less != more and figures[less - 1] > figures[more - 1]
            }
    found = {(less + 1, more + 1) for less, more in boxes.falling(column, figures, Deadline(60))}
    assert found == expected


@pytest.mark.parametrize("columns", [7, 15])
@pytest.mark.parametrize("noisy", [0.0, 0.1])
def test_both_provers_say_the_same_of_grown_tables(columns: int, noisy: float) -> None:
    made = table(columns, 60, noisy, seed=columns)
    boxes = Boxes(made)
    overlaps = next(boxes.overlaps(Deadline(60)), None) is not None
    gaps, _ = Covering(boxes, Deadline(60)).gaps(5, boxes.known)
    model = model_of(made)
    script = Script()
    encoding = Encoding(script, model)
    solver = Solver(script, Deadline(60))
    known = [f"(not {encoding.fact(name).null})" for name in model.facts]
    nowhere = [f"(not {match})" for match in encoding.matches[made.name]]
    kinds = dict(model.facts)
    assert (solver.find(encoding.blocked[made.name], kinds, 60) is not None) == overlaps == (noisy > 0)
    assert (solver.find(f"(and {' '.join([*known, *nowhere])})", kinds, 60) is not None) == bool(gaps) == (noisy > 0)


def test_enumeration_stops_and_says_so() -> None:
    boxes = Boxes(table(7, 200, 0.1, seed=3))
    gaps, more = Covering(boxes, Deadline(60)).gaps(3)
    assert (len(gaps), more) == (3, True)


def test_time_that_is_over_is_undecided() -> None:
    boxes = Boxes(table(7, 500, 0.0, seed=3))
    with pytest.raises(Undecided, match="time limit"):
        list(boxes.overlaps(Deadline(0)))


def test_columns_with_many_cuts_and_with_few_give_the_same() -> None:
    """The same rows once as bits, once as ranges: 3 values and null, or 200 of them."""
    few = Drawn(
        "U", tuple(((frozenset((level,)), frozenset(("red",)), frozenset((True,))), "decline") for level in (0, 2))
    )
    assert boxes_of(few).columns[0].bits
    assert not list(boxes_of(few).overlaps(Deadline(60)))
    rows = "\n".join(f"| {n} | [{n * 10}..{n * 10 + 10}] | decline |" for n in range(1, 101))
    source = (
        "---\npolicy: many\nversion: 1\neffective: 2025-01-01\n---\n# Many\n## Ruling\n"
        f"| U | application.amount | → outcome |\n|---|---|---|\n{rows}\n"
    )
    (step,) = Policy.parse(source).model.steps
    assert isinstance(step, Table)
    boxes = Boxes(step)
    assert not boxes.columns[0].bits
    assert list(boxes.overlaps(Deadline(60))) == [(n, n + 1) for n in range(99)]
    gaps, _ = Covering(boxes, Deadline(60)).gaps(10, boxes.known)
    found = {boxes.sides(gap)[0][1].intervals for gap in gaps}
    assert found == {((1, 9),), ((1011, 9_000_000_000),)}
