"""Every pair of rows that breaks a promise about a rising fact: an example shows that it is broken, pairs where to mend it."""

from itertools import islice
from typing import Final

import numpy as np

from evenhand.policy.proof.boxes import Boxes
from evenhand.policy.proof.interpret import evaluate
from evenhand.policy.proof.limits import Deadline, Undecided
from evenhand.policy.proof.promises import Promise
from evenhand.policy.tree import Const, Model, Read, Table, names_read

MOST: Final = 20


def breaking_pairs(model: Model, promise: Promise, deadline: Deadline) -> list[tuple[int, int]]:
    """Numbers of rows (with less, with more of the fact) of the one table that decides the figure.

    Empty where rows do not tell it: the table is none of hit policy U whose rows say constants over facts alone.
    """
    assert promise.figure is not None
    tables = {model.outputs[name][0] for name in names_read(promise.figure) if name in model.outputs}
    if len(tables) != 1:
        return []
    (table,) = tables
    if not isinstance(table, Table) or table.hit != "U":
        return []
    try:
        boxes = Boxes(table, model.outputs)
        columns = [column.operand.name if isinstance(column.operand, Read) else "" for column in boxes.columns]
        if not boxes.exact or promise.fact not in columns:
            return []
        figures: list[int | None] = []
        for rule in table.rules:
            said = {output.name: value for output, value in zip(table.outputs, rule.outputs, strict=True)}
            if not all(isinstance(said[name], Const) for name in names_read(promise.figure) if name in said):
                return []
            env = {name: value.value for name, value in said.items() if isinstance(value, Const)}
            if any(name not in env for name in names_read(promise.figure)):
                return []
            figures.append(evaluate(promise.figure, env))
        sign = 1 if promise.falls else -1
        values = np.array([sign * figure if figure is not None else 0 for figure in figures], np.int64)
        pairs = boxes.falling(columns.index(promise.fact), values, deadline)
        known = ((less, more) for less, more in pairs if figures[less] is not None and figures[more] is not None)
        return [(table.rules[less].number, table.rules[more].number) for less, more in islice(known, MOST)]
    except Undecided:
        return []
