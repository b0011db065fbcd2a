"""Synthetic decision tables: grown as decision trees, so that their rows part the space of inputs, then made noisy.

A noisy row has one of its cells changed, as when somebody edits a generated table by hand: that makes gaps and overlaps.
"""

from random import Random

from evenhand.policy.tree import And, Compare, Const, Expr, In, Output, Read, Rule, Table
from evenhand.policy.types import BOOLEAN, Type, bounded, choice

_VALUES = tuple(f"v{number}" for number in range(8))
Side = tuple[int, int] | frozenset[str]


def table(columns: int, rows: int, noisy: float, seed: int, hit: str = "U") -> Table:
    """A table of so many input columns and rows, of which a share is noisy; two thirds of the columns are numbers."""
    random = Random(seed)
    kinds = [bounded("number", 0, 99_999) if place % 3 < 2 else choice(_VALUES) for place in range(columns)]
    whole: list[Side] = [(0, 99_999) if kind.counted else frozenset(kind.values) for kind in kinds]
    leaves = [whole]
    while len(leaves) < rows:
        # the largest of a few, so that the tree is neither even nor a chain
        place = max(random.sample(range(len(leaves)), min(4, len(leaves))), key=lambda one: _size(leaves[one], kinds))
        leaf = leaves[place]
        halves = _halved(leaf, random)
        if halves:
            leaves[place : place + 1] = halves
    for leaf in random.sample(leaves, int(noisy * rows)):
        column = random.randrange(columns)
        leaf[column] = _side(kinds[column], random)
    random.shuffle(leaves)
    operands = tuple(Read(kind, f"x{place}") for place, kind in enumerate(kinds))
    output = Output("y", choice(("a", "b", "c", "d")))
    rules = tuple(
        Rule(
            number,
            number,
            tuple(_test(operand, side) for operand, side in zip(operands, leaf, strict=True)),
            (Const(output.type, random.choice("abcd")),),
        )
        for number, leaf in enumerate(leaves, start=1)
    )
    return Table(f"{columns} x {rows}", hit, 1, tuple(one.name for one in operands), operands, (output,), rules)


def _size(leaf: list[Side], kinds: list[Type]) -> float:
    size = 1.0
    for side, kind in zip(leaf, kinds, strict=True):
        size *= (side[1] - side[0] + 1) / 100_000 if isinstance(side, tuple) else len(side) / len(kind.values)
    return size


def _halved(leaf: list[Side], random: Random) -> list[list[Side]] | None:
    column = random.randrange(len(leaf))
    side = leaf[column]
    first, second = list(leaf), list(leaf)
    if isinstance(side, tuple):
        low, high = side
        if low == high:
            return None
        cut = random.randint(low + 1, high)
        first[column], second[column] = (low, cut - 1), (cut, high)
    else:
        if len(side) < 2:
            return None
        values = sorted(side)
        random.shuffle(values)
        cut = random.randrange(1, len(values))
        first[column], second[column] = frozenset(values[:cut]), frozenset(values[cut:])
    return [first, second]


def _side(kind: Type, random: Random) -> Side:
    if kind.counted:
        low, high = sorted(random.sample(range(100_000), 2))
        return (low, high)
    return frozenset(random.sample(kind.values, random.randint(1, len(kind.values) - 1)))


def _test(operand: Read, side: Side) -> Expr | None:
    if isinstance(side, frozenset):
        return None if len(side) == len(operand.type.values) else In(BOOLEAN, operand, tuple(sorted(side)))
    low, high = side
    parts: list[Expr] = []
    if low > 0:
        parts.append(Compare(BOOLEAN, ">=", operand, Const(operand.type, low)))
    if high < 99_999:
        parts.append(Compare(BOOLEAN, "<=", operand, Const(operand.type, high)))
    return None if not parts else parts[0] if len(parts) == 1 else And(BOOLEAN, tuple(parts))
