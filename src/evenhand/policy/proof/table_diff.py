"""The difference of two policies that are one table each, by boxes: for tables too large to be laid over a grid.

Where row i of one fires and row j of the other, both match and no row before them does; a box more at the end of each table
stands for no row at all. So the regions of the difference are what earlier rows leave of the boxes that two rows with different
rulings share.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evenhand.policy.proof.boxes import Boxes
from evenhand.policy.proof.cover import MOST_BOXES
from evenhand.policy.proof.covering import Covering
from evenhand.policy.proof.interpret import evaluate
from evenhand.policy.proof.limits import Deadline, Undecided
from evenhand.policy.regions import Region
from evenhand.policy.tree import Const, Expr, If, Model, Read, Rule, Table, children, names_read, rebuilt


@dataclass(frozen=True, slots=True)
class Shared:
    """A region that two rows rule differently: its sides, and both rulings by part."""

    sides: dict[str, Region]
    before: list[Expr]
    after: list[Expr]


def table_regions(
    before: Model,
    after: Model,
    rulings: tuple[Mapping[str, Expr], Mapping[str, Expr]],
    parts: tuple[str, ...],
    deadline: Deadline,
) -> tuple[list[Shared], bool]:
    """The regions, and whether there are more; raises `Undecided` where the policies are more than one table of facts each."""
    first, second = only_table(before), only_table(after)
    joint = _joint(first, second)
    boxes = Boxes(joint, {**before.outputs, **after.outputs})
    if not boxes.exact:
        raise Undecided("its columns depend on one another")
    split = len(first.rules) + 1
    for table in (first, second):
        if table.hit == "U" and next(Boxes(table).overlaps(deadline), None) is not None:
            raise Undecided(f"rows of {table.name} contradict each other")
    said = [
        [[settled(ruling[part], row_env(table, rule)) for part in parts] for rule in (*table.rules, no_row(table))]
        for table, ruling in zip((first, second), rulings, strict=True)
    ]
    covering = Covering(boxes, deadline)
    found: list[Shared] = []
    for one, other in _pairs(boxes, split, deadline):
        left, right = int(boxes.owners[one]), int(boxes.owners[other])
        if _values(said[0][left]) == _values(said[1][right - split]):
            continue
        shared = boxes.meet(one, other)
        rows = np.flatnonzero((boxes.owners < left) | ((boxes.owners >= split) & (boxes.owners < right)))
        rows = boxes.meeting(shared, rows)
        taken: list[Any] = []
        for part in covering.uncovered(shared, rows):
            whole = covering.stretched(part, rows, shared)
            if any(
                np.array_equal(whole.lows, known.lows) and np.array_equal(whole.masks, known.masks) for known in taken
            ):
                continue
            taken.append(whole)
            if len(found) == MOST_BOXES:
                return found, True
            possible = boxes.sides(boxes.whole)
            sides = {
                column.operand.name: where
                for (column, where), (_, every) in zip(boxes.sides(whole), possible, strict=True)
                if isinstance(column.operand, Read) and where != every
            }
            found.append(Shared(sides, said[0][left], said[1][right - split]))
    return found, False


def _values(said: list[Expr]) -> list[Any]:
    """What a row says, whatever the types of its constants are called."""
    return [(type(one.value), one.value) if isinstance(one, Const) else one for one in said]


def only_table(model: Model) -> Table:
    """The one table of a policy; raises `Undecided` where there is more."""
    (step, *rest) = model.steps
    if rest or not isinstance(step, Table) or step.hit not in ("U", "F", "P"):
        raise Undecided("it is more than one table")
    return step


def _joint(first: Table, second: Table) -> Table:
    """Both tables over the columns of both, each with a last row for no row."""
    operands = tuple(dict.fromkeys((*first.inputs, *second.inputs)))
    rules: list[Rule] = []
    for table in (first, second):
        if len(set(table.inputs)) < len(table.inputs):
            raise Undecided(f"two columns of {table.name} read the same")
        for rule in (*table.rules, no_row(table)):
            tests = dict(zip(table.inputs, rule.tests, strict=True))
            rules.append(Rule(rule.number, rule.line, tuple(tests.get(operand) for operand in operands), ()))
    return Table("both tables", "F", 1, tuple(str(operand) for operand in operands), operands, (), tuple(rules))


def _pairs(boxes: Boxes, split: int, deadline: Deadline) -> Iterator[tuple[int, int]]:
    """Boxes of the first table with each of the second that they meet."""
    others = np.flatnonzero(boxes.owners >= split)
    for one in np.flatnonzero(boxes.owners < split).tolist():
        deadline.keep()
        for other in boxes.meeting(boxes.box(one), others).tolist():
            yield one, other


def no_row(table: Table) -> Rule:
    """What stands for no row of a table: it matches everything and says null."""
    return Rule(0, 0, (None,) * len(table.inputs), tuple(Const(output.type, None) for output in table.outputs))


def row_env(table: Table, rule: Rule) -> dict[str, Expr]:
    """Output -> what a row says."""
    return {output.name: value for output, value in zip(table.outputs, rule.outputs, strict=True)}


def settled(expr: Expr, env: Mapping[str, Expr]) -> Expr:
    """An expression with outputs put in, and worked out as far as no fact plays a part."""
    if isinstance(expr, Read):
        return env.get(expr.name, expr)
    if not children(expr):
        return expr
    if isinstance(expr, If):
        condition = settled(expr.condition, env)
        if isinstance(condition, Const):
            return settled(expr.then if condition.value is True else expr.otherwise, env)
    built = rebuilt(expr, [settled(child, env) for child in children(expr)])
    return built if any(True for _ in names_read(built)) else Const(expr.type, evaluate(built, {}))
