"""Promises about a policy that is one table, by boxes: for tables too large to be laid over a grid.

A row says what the ruling is, so what is left of a promise's condition where the row fires is a condition on facts alone. It is
written as alternatives of tests of single facts; each is the row's box, made smaller. The promise is broken exactly where earlier
rows leave something of one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from evenhand.policy.proof.boxes import Boxes
from evenhand.policy.proof.covering import Covering
from evenhand.policy.proof.limits import Deadline, Undecided
from evenhand.policy.proof.table_diff import no_row, only_table, row_env, settled
from evenhand.policy.regions import Region
from evenhand.policy.tree import And, Compare, Const, Expr, In, Model, Not, Or, Rank, Read, Rule, names_read
from evenhand.policy.types import BOOLEAN

_MOST_ALTERNATIVES: Final = 64
# fact -> tests of it that all hold
Clause = Mapping[str, tuple[Expr, ...]]


def broken_within(model: Model, when: Expr, then: Expr | None, deadline: Deadline) -> dict[str, Region] | None:
    """A box of facts, by name, in which `when` is true and `then` is not; None proves that there is none.

    Raises `Undecided` where the policy is more than one table of facts, or its conditions relate facts with each other.
    """
    table = only_table(model)
    names = tuple(dict.fromkeys((*(_fact(operand) for operand in table.inputs), *_facts(model, when, then))))
    operands = tuple(Read(model.facts[name], name) for name in names)
    rules: list[Rule] = []
    owners: list[int] = []
    bad: list[Rule] = []
    # what rows say -> what is left of the promise's conditions
    left: dict[tuple[Expr, ...], list[Clause]] = {}
    for place, rule in enumerate((*table.rules, no_row(table))):
        tests = dict(zip((_fact(operand) for operand in table.inputs), rule.tests, strict=True))
        rules.append(replace(rule, tests=tuple(tests.get(name) for name in names), outputs=()))
        if rule.outputs not in left:
            left[rule.outputs] = _left_of(when, then, row_env(table, rule))
        for clause in left[rule.outputs]:
            made = tuple(_joined(tests.get(name), clause.get(name, ())) for name in names)
            bad.append(Rule(rule.number, rule.line, made, ()))
            owners.append(place)
    if not bad:
        return None  # no row, nor the want of one, says anything that breaks it
    joint = replace(table, hit="F", headers=names, inputs=operands, outputs=(), rules=(*rules, *bad))
    boxes = Boxes(joint, model.outputs)
    if not boxes.exact:
        raise Undecided("its columns depend on one another")
    if table.hit == "U" and any(max(pair) < len(table.rules) for pair in boxes.overlaps(deadline)):
        raise Undecided(f"rows of {table.name} contradict each other")
    covering = Covering(boxes, deadline)
    for one in np.flatnonzero(boxes.owners >= len(rules)).tolist():
        box = boxes.box(one)
        earlier = np.flatnonzero(boxes.owners < owners[int(boxes.owners[one]) - len(rules)])
        for part in covering.uncovered(box, boxes.meeting(box, earlier)):
            return {name: where for name, (_, where) in zip(names, boxes.sides(part), strict=True)}
    return None


def _left_of(when: Expr, then: Expr | None, env: Mapping[str, Expr]) -> list[Clause]:
    conditions = [_alternatives(settled(when, env), True, True)]
    if then is not None:
        conditions.append(_alternatives(settled(then, env), False, False))
    return _both(conditions)


def _fact(operand: Expr) -> str:
    if not isinstance(operand, Read):
        raise Undecided("it calculates with facts before it compares")
    return operand.name


def _facts(model: Model, *exprs: Expr | None) -> list[str]:
    return [name for expr in exprs if expr is not None for name in names_read(expr) if name not in model.outputs]


def _joined(test: Expr | None, more: tuple[Expr, ...]) -> Expr | None:
    tests = (*(() if test is None else (test,)), *more)
    return None if not tests else tests[0] if len(tests) == 1 else And(BOOLEAN, tests)


def _alternatives(expr: Expr, wanted: bool, sure: bool) -> list[Clause]:
    """Where a condition has the wanted value (`sure`), or has it or is null, as alternatives."""
    match expr:
        case Const():
            return [{}] if expr.value is wanted or (expr.value is None and not sure) else []
        case And() | Or():
            parts = [_alternatives(operand, wanted, sure) for operand in expr.operands]
            return (
                _both(parts) if isinstance(expr, And) == wanted else _limited([one for part in parts for one in part])
            )
        case Not():
            return _alternatives(expr.operand, not wanted, sure)
        case In() | Compare():
            operand = expr.left if isinstance(expr, Compare) else expr.operand
            operand = operand.operand if isinstance(operand, Rank) else operand
            if not isinstance(operand, Read) or (isinstance(expr, Compare) and not isinstance(expr.right, Const)):
                raise Undecided("a condition relates facts with each other")
            found: list[Clause] = [{operand.name: (expr if wanted else Not(BOOLEAN, expr),)}]
            if isinstance(expr, Compare) and not sure:
                found.append({operand.name: (In(BOOLEAN, operand, (None,)),)})
            return found
        case _:
            raise Undecided("a condition relates facts with each other")


def _both(parts: Iterable[list[Clause]]) -> list[Clause]:
    """Every combination of one alternative of each part."""
    found: list[Clause] = [{}]
    for part in parts:
        found = _limited(
            [
                {name: (*one.get(name, ()), *other.get(name, ())) for name in (*one, *other)}
                for one in found
                for other in part
            ]
        )
    return found


def _limited(clauses: list[Clause]) -> list[Clause]:
    if len(clauses) > _MOST_ALTERNATIVES:
        raise Undecided("a condition has too many alternatives")
    return clauses
