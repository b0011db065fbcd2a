"""Applications worth trying before anything is searched for: the document's own examples, and mixtures of the values it mentions.

What they show is shown; what they do not show proves nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from evenhand.policy.proof.plain import Facts, plain
from evenhand.policy.tree import Compare, Const, Expr, In, Model, Rank, Read, children, expressions
from evenhand.policy.types import Type, Value

_MIXTURES: Final = 400
_SEED: Final = 1


def samples(model: Model, names: Sequence[str], examples: Sequence[Facts]) -> Iterator[Facts]:
    """Facts to try; the same every time."""
    yield from examples
    pools = {name: [plain(name, model.facts[name]), None] for name in names}
    for step in model.steps:
        for expr in expressions(step):
            for name, value in _mentioned(expr):
                if name in pools:
                    pools[name] += [one for one in _around(model.facts[name], value) if one not in pools[name]]
    random = np.random.default_rng(_SEED)
    bases: list[Mapping[str, Value]] = [*examples, {name: pool[0] for name, pool in pools.items()}]
    for _ in range(_MIXTURES):
        facts = dict(bases[int(random.integers(len(bases)))])
        for name, pool in pools.items():
            if random.random() < 0.5:
                facts[name] = pool[int(random.integers(len(pool)))]
        yield facts


def _mentioned(expr: Expr) -> Iterator[tuple[str, Value]]:
    """Facts and the constants they are compared with."""
    if isinstance(expr, Compare) and isinstance(expr.right, Const):
        operand = expr.left.operand if isinstance(expr.left, Rank) else expr.left
        if isinstance(operand, Read) and isinstance(expr.right.value, int):
            yield operand.name, operand.type.values[expr.right.value] if operand.type.values else expr.right.value
    elif isinstance(expr, In) and isinstance(expr.operand, Read):
        for value in expr.values:
            yield expr.operand.name, value
    for child in children(expr):
        yield from _mentioned(child)


def _around(kind: Type, value: Value) -> list[Value]:
    if kind.values:
        return list(kind.values)
    if isinstance(value, int) and kind.counted:
        return [one for one in (value - 1, value, value + 1) if kind.low <= one <= kind.high]
    return [True, False] if kind.kind == "boolean" else [value]
