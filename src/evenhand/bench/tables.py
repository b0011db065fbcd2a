"""Synthetic decision tables and documents: grown as decision trees, so that their rows part the space of inputs, then made noisy.

A noisy row has one of its cells changed, as when somebody edits a generated table by hand: that makes gaps and overlaps.
"""

from collections.abc import Mapping
from datetime import date
from random import Random
from typing import Final

from evenhand.policy.tree import And, Compare, Const, Expr, In, Model, Output, Read, Rule, Table
from evenhand.policy.types import BOOLEAN, Type, bounded, choice
from evenhand.vocabulary import REASONS, STAGES

_VALUES: Final = tuple(f"v{number}" for number in range(8))
Side = tuple[int, int] | frozenset[str]


def table(columns: int, rows: int, noisy: float, seed: int, hit: str = "U") -> Table:
    """A table of so many input columns and rows, of which a share is noisy; two thirds of the columns are numbers."""
    random = Random(seed)
    kinds = [bounded("number", 0, 99_999) if place % 3 < 2 else choice(_VALUES) for place in range(columns)]
    whole: list[Side] = [(0, 99_999) if kind.counted else frozenset(kind.values) for kind in kinds]
    leaves = _grown(whole, rows, random)
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


def model_of(made: Table) -> Model:
    """A policy that is this one table."""
    facts = {operand.name: operand.type for operand in made.inputs if isinstance(operand, Read)}
    outputs = {output.name: (made, output) for output in made.outputs}
    day = date(2025, 1, 1)
    return Model(
        "synthetic", "1", day, "application", None, made.name, facts, (made,), outputs, {}, None, {}, tuple(facts)
    )


# The facts that a generated document decides by, and their values.
_FACTS: Final[Mapping[str, Side]] = {
    "application.amount": (1, 100_000),
    "application.days_since_receipt": (0, 60),
    "application.evidence_count": (0, 20),
    "merchant.experience_score": (0, 500),
    "buyer.integrity_score": (0, 1000),
    "application.reason": frozenset(REASONS),
    "application.stage": frozenset(STAGES),
}
_PROMISES: Final = """
- never `outcome = "decline"`
- never `payer = "merchant"`
- when `outcome = "subsidise"` then `payer = "platform"`
- when `outcome = "subsidise"` then `buyer.integrity_score >= 300`
- when `outcome = "negotiate"` then `respond_within_hours = 24`
- when `respond_within_hours = 24` then `outcome = "negotiate"`
- never `amount > application.amount`
- when `return_required = true and application.amount != null` then `amount = application.amount`
- when `payer = "none"` then `outcome != "subsidise"`
- as `application.amount` rises, `respond_within_hours` never falls
"""


def document(rows: int, seed: int) -> str:
    """A policy document of one table with so many rows over seven facts, and ten promises that it keeps."""
    random = Random(seed)
    whole: list[Side] = list(_FACTS.values())
    leaves = _grown(whole, rows - 1, random)
    random.shuffle(leaves)
    head = ["F", *_FACTS, "→ outcome", "→ respond_within_hours", "→ because"]
    lines = [head, ["---"] * len(head)]
    for number, leaf in enumerate(leaves, start=1):
        outcome = random.choice(("negotiate", "merchant_decides", "subsidise", "return_and_refund"))
        score = leaf[list(_FACTS).index("buyer.integrity_score")]
        if outcome == "subsidise" and isinstance(score, tuple) and score[0] < 300:
            outcome = "review"
        cells = [_cell(name, side, every) for (name, every), side in zip(_FACTS.items(), leaf, strict=True)]
        lines.append([str(number), *cells, outcome, "24" if outcome == "negotiate" else "null", "synthetic"])
    lines.append([str(len(leaves) + 1), *("-" for _ in _FACTS), "review", "null", "synthetic"])
    table_text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    front = "---\npolicy: synthetic\nversion: 1\neffective: 2025-01-01\n---\n# Synthetic\n"
    reasons = "| code | en | zh |\n|---|---|---|\n| synthetic | Synthetic. | 合成数据。 |"
    return f"{front}\n## Ruling\n{table_text}\n\n## Reasons\n{reasons}\n\n## Promises\n{_PROMISES}"


def _cell(name: str, side: Side, every: Side) -> str:
    if side == every:
        return "-"
    if isinstance(side, frozenset):
        return ", ".join(f'"{value}"' for value in sorted(side))
    assert isinstance(every, tuple)
    low, high = (f"{end / 100:.2f}" if name == "merchant.experience_score" else str(end) for end in side)
    return f"<= {high}" if side[0] == every[0] else f">= {low}" if side[1] == every[1] else f"[{low}..{high}]"


def _grown(whole: list[Side], rows: int, random: Random) -> list[list[Side]]:
    """The leaves of a decision tree over the whole."""
    leaves = [list(whole)]
    while len(leaves) < rows:
        # the largest of a few, so that the tree is neither even nor a chain
        place = max(random.sample(range(len(leaves)), min(4, len(leaves))), key=lambda one: _size(leaves[one], whole))
        halves = _halved(leaves[place], random)
        if halves:
            leaves[place : place + 1] = halves
    return leaves


def _size(leaf: list[Side], whole: list[Side]) -> float:
    size = 1.0
    for side, every in zip(leaf, whole, strict=True):
        size *= _width(side) / _width(every)
    return size


def _width(side: Side) -> int:
    return side[1] - side[0] + 1 if isinstance(side, tuple) else len(side)


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
