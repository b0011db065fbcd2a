"""The provers mean what the row function means.

Every application that is drawn lies in a cell of the grid that says what ruling says, and Z3 finds no other answer for it. Random
policies hold every hit policy and type; what a prover leaves undecided it must say.
"""

from collections.abc import Mapping
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evenhand.policy import Policy, PolicyError, shipped
from evenhand.policy.proof.grid import Array, Grid
from evenhand.policy.proof.interpret import evaluate
from evenhand.policy.proof.judge import Judge
from evenhand.policy.proof.limits import Deadline, Undecided
from evenhand.policy.proof.smt import Encoding
from evenhand.policy.proof.smt_script import Script
from evenhand.policy.proof.solver import Solver
from evenhand.policy.proof.view import View
from evenhand.policy.tree import Expr, Model, Read
from evenhand.policy.types import Value
from tests.strategies.policies import document, facts

ANY = st.randoms(use_true_random=False)


def judge_of(model: Model) -> Judge:
    return Judge(model, {f"ruling {part}": expr for part, expr in model.ruling.items()})


def compiled(rng: Random) -> Policy | None:
    try:
        return Policy.parse(document(rng))
    except PolicyError:
        return None


def check_grid(policy: Policy, rows: list[dict[str, Value]]) -> bool:
    """Whether the policy could be laid over a grid; asserts that the grid is right."""
    model = policy.model
    judge = judge_of(model)
    grid = Grid(model.facts, judge.names, Deadline(20))

    def everything() -> dict[str, Array]:
        view = View(grid, model)
        return {**view.outputs, **{f"ruling {part}": view.part(part) for part in model.ruling}}

    try:
        arrays = grid.solve(everything)
    except Undecided:
        return False
    for row in rows:
        whole = {name: row.get(name) for name in grid.names}
        answer = judge.answer(whole)
        cell: list[int] = []
        for name in grid.names:
            (place,) = [place for place, one in enumerate(grid.classes_of(name)) if whole[name] in one.region]
            cell.append(place)
        for name, array in arrays.items():
            term = grid.terms[
                int(array[tuple(0 if size == 1 else one for one, size in zip(cell, array.shape, strict=True))])
            ]
            said = (
                [_value(grid.terms[one], whole) for one in term] if isinstance(term, tuple) else evaluate(term, whole)
            )
            assert repr(said) == repr(answer[name]), f"{name} of {whole}\n{policy.source}"
    return True


def _value(term: Any, whole: Mapping[str, Value]) -> Any:
    return evaluate(term, whole)


def check_z3(policy: Policy, rows: list[dict[str, Value]]) -> None:
    """No other answer than the row function's is possible for these facts, and that one is."""
    model = policy.model
    judge = judge_of(model)
    script = Script()
    encoding = Encoding(script, model)
    solver = Solver(script, Deadline(60))
    kinds = dict(model.facts)
    questions: dict[str, Expr] = {f"ruling {part}": expr for part, expr in model.ruling.items()}
    questions |= {name: Read(output.type, name) for name, (_, output) in model.outputs.items() if not output.type.many}
    for row in rows:
        whole = {name: row.get(name) for name in judge.names}
        answer = judge.answer(whole)
        given_facts = [encoding.equals(Read(model.facts[name], name), value) for name, value in whole.items()]
        told = [encoding.equals(expr, answer[name]) for name, expr in questions.items()]
        try:
            fixed = " ".join(given_facts)
            assert solver.find(f"(and true {fixed})", kinds, 10) is not None, policy.source
            other = solver.find(f"(and true {fixed} (not (and true {' '.join(told)})))", kinds, 10)
        except Undecided:
            continue
        assert other is None, f"{whole}\n{policy.source}"


@given(ANY)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_grid_and_z3_agree_with_the_row_function(rng: Random) -> None:
    policy = compiled(rng)
    if policy is not None:
        check_grid(policy, facts(rng, policy.model, 8))
        check_z3(policy, facts(rng, policy.model, 3))


def test_grids_are_laid_over_many_random_policies_and_all_shipped_ones() -> None:
    """So that the test above is not about policies that are all left to Z3."""
    rng = Random(3)
    assert all(check_grid(policy, facts(rng, policy.model, 60)) for policy in shipped())
    made = [policy for _ in range(120) if (policy := compiled(rng)) is not None]
    laid = sum(check_grid(policy, facts(rng, policy.model, 8)) for policy in made)
    assert laid >= len(made) // 8


def test_z3_agrees_on_every_shipped_policy() -> None:
    rng = Random(4)
    for policy in shipped():
        check_z3(policy, facts(rng, policy.model, 6))
