"""A scorecard's points, explained by its own cells: which conditions were met, what each gave, which would give more.

Nothing here scores anything. The card is asked as rulings ask it, and its tables say which rows matched.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import msgspec

from evenhand.accounts.saying import figure
from evenhand.policy import Because, Policy, TraceStep
from evenhand.policy.names import chinese
from evenhand.policy.row import Row, compile_row
from evenhand.policy.tracing import compile_trace
from evenhand.policy.tree import Formula, Table
from evenhand.vocabulary import FACTS, Lang

_ANY: Final = "-"
_NAME: Final = re.compile(r"[a-z_][a-z_0-9]*(?:\.[a-z_0-9]+)?")
_UNNAMED: Final[Mapping[str, str]] = {}
# What the package's cards compute on the way, for people.
_NAMES: Final[dict[str, Because]] = {
    "": Because("where everybody starts", "起始分"),
    "custom": Because("orders that count, at most five a day", "计入的下单数（每天最多5单）"),
    "custom_90d": Because("orders of 90 days that count", "90天内计入的下单数"),
    "custom_365d": Because("orders of 365 days that count", "365天内计入的下单数"),
    "ordered": Because("orders, at most five a day", "下单数（每天最多5单）"),
    "late_share": Because("late deliveries per delivery (lent 20 with one late)", "延迟送达占比（预置20次送达，其中1次延迟）"),
    "dispute_share": Because("disputes per order (lent 50 with two)", "纠纷占订单比例（预置50单，其中2起纠纷）"),
    "lost_share": Because("disputes lost per order (lent 50 with one)", "败诉纠纷占订单比例（预置50单，其中1起败诉）"),
    "time_taken": Because(
        "part of the time to answer that was taken (lent 10 answers at 40 %)", "答复用时占时限比例（预置10次，用时40%）"
    ),
    "refund_only_share": Because("refund-only applications per order (lent ten orders)", "仅退款占下单比例（预置10单）"),
    "counterfeit_share": Because("counterfeit claims per order (lent ten orders)", "假货投诉占下单比例（预置10单）"),
    "declined_share": Because("intercepted applications per order (lent ten orders)", "被拦截申请占下单比例（预置10单）"),
    "refund_only_lent": Because("refund-only applications per order (lent ten orders)", "仅退款占下单比例（预置10单）"),
    "counterfeit_lent": Because("counterfeit claims per order (lent ten orders)", "假货投诉占下单比例（预置10单）"),
}  # fmt: skip


# What gives nothing where every condition of a table takes points.
NONE_OF_THESE: Final = Because("none of these", "不符合任何一项")


class Band(msgspec.Struct, frozen=True):
    """A condition of a scorecard and the points it gives."""

    condition: str
    points: Any


class Part(msgspec.Struct, frozen=True):
    """What one input of a scorecard's table gives: the condition that was met, and those that give more."""

    # names of what is asked together stand with " and " between them; so do its conditions, and `value` is a list of theirs
    input: str
    label: Because
    value: Any
    condition: str
    points: Any
    better: list[Band]


class Computed(msgspec.Struct, frozen=True):
    """A formula of the scorecard, as it is written, with its value."""

    name: str
    label: Because
    formula: str
    value: Any
    # the formula with the figures that it was worked out from, named as people name them
    said: Because


class Explained(msgspec.Struct, frozen=True):
    """Everything that made a score."""

    outputs: dict[str, Any]
    parts: list[Part]
    formulas: list[Computed]


def explained(card: Policy, facts: Mapping[str, Any], sign: int = 1) -> Explained:
    """What a card makes of facts that are complete and of the right types; with a `sign` of -1 fewer points are better."""
    row, trace = _compiled(card)
    outputs = card.decide(facts)
    steps: Sequence[TraceStep] = trace(facts, row.decide(facts))
    grids = {grid.heading: grid for grid in card.document.tables}
    values = {f"{group}.{name}": value for group, inner in facts.items() for name, value in inner.items()} | outputs
    names = card.document.names
    parts: list[Part] = []
    formulas: list[Computed] = []
    for step, traced in zip(card.model.steps, steps, strict=True):
        if isinstance(step, Formula):
            name = step.output.name
            formulas.append(
                Computed(name, label(name, names), step.text, outputs[name], _in_figures(step.text, values, names))
            )
        elif step.hit == "C+":
            parts += _parts(step, grids[step.name].rows, set(traced.rows), values, sign, names)
    return Explained(outputs, parts, formulas)


def label(name: str, names: Mapping[str, str] = _UNNAMED) -> Because:
    """What an input of a scorecard is called, or several that are asked together; `names` are Chinese names of the card's own."""
    if " and " in name:
        several = [label(one, names) for one in name.split(" and ")]
        return Because(" and ".join(one.en for one in several), "、".join(one.zh for one in several))
    fact = FACTS.get(name)
    if fact is not None:
        return Because(fact.en, fact.zh)
    if name in _NAMES and name not in names:
        return _NAMES[name]
    return Because(name.replace("_", " "), chinese(names, name).replace("_", " "))


def _in_figures(formula: str, values: Mapping[str, Any], names: Mapping[str, str]) -> Because:
    """A formula with what it reads called by its label, the value behind it."""

    def said(lang: Lang) -> str:
        def one(match: re.Match[str]) -> str:
            name = match[0]
            if name not in values:  # a function, or a word of FEEL
                return name
            text = label(name, names)
            return (
                f"{text.zh}（{figure(values[name], lang)}）"
                if lang == "zh"
                else f"{text.en} ({figure(values[name], lang)})"
            )

        return _NAME.sub(one, formula)

    return Because(said("en"), said("zh"))


@lru_cache(maxsize=64)
def _compiled(card: Policy) -> tuple[Row, Any]:
    row = compile_row(card.model)
    return row, compile_trace(card.model, row)


def _parts(
    table: Table, rows: Any, matched: set[int], values: Mapping[str, Any], sign: int, names: Mapping[str, str]
) -> list[Part]:
    """Rows of a points table by the input they ask about; a row that asks nothing is where everybody starts."""
    width = len(table.inputs)
    asked: dict[tuple[int, ...], list[tuple[int, str, Decimal]]] = {}
    for number, cells in enumerate(rows, start=1):
        columns = tuple(at for at in range(width) if cells[at + 1].text.strip() != _ANY)
        condition = " and ".join(cells[at + 1].text for at in columns)
        asked.setdefault(columns, []).append((number, condition, Decimal(cells[width + 1].text)))
    parts: list[Part] = []
    for columns, bands in asked.items():
        met = [band for band in bands if band[0] in matched]
        points = sum((band[2] for band in met), Decimal(0))
        name = " and ".join(table.headers[at] for at in columns)
        asked_of = [values.get(table.headers[at]) for at in columns]
        value = asked_of if len(columns) > 1 else asked_of[0] if columns else None
        better = [Band(condition, gives) for _, condition, gives in bands if sign * gives > sign * points]
        if sign * points < 0:
            better.append(Band(NONE_OF_THESE.en, Decimal(0)))
        parts.append(
            Part(
                name, label(name, names), value, " or ".join(band[1] for band in met), points, better if columns else []
            )
        )
    return parts
