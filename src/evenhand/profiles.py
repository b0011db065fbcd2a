"""An account as it may be shown to the person it is about: every fact, every score with its points, and what would raise it.

Nothing here scores anything. A scorecard is asked as rulings ask it, its tables say which rows matched, and its own cells are the
explanation. What would raise a score is found by asking again with one figure changed.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import msgspec

from evenhand.accounts.labels import LabelShown, labels_in
from evenhand.accounts.scores import ABUSE, EXPERIENCE, INTEGRITY
from evenhand.accounts.state import AccountKind, Connection
from evenhand.errors import UnknownThing
from evenhand.history import BUYER, MERCHANT
from evenhand.markets import MarketDesk
from evenhand.policy import Because, Policy
from evenhand.policy.row import Row, compile_row
from evenhand.policy.tracing import compile_trace
from evenhand.policy.tree import Formula, Table
from evenhand.store import Queries
from evenhand.vocabulary import FACTS

_sql: Final = Queries.load("profiles")
_ANY: Final = "-"
# Figures of which less is better.
_BETTER_LOW: Final = ("abuse.score",)
# A review brings its points.
_GOES_WITH: Final = {"history.merchant_reviews_365d": "history.merchant_review_points_365d"}
_PLACES: Final = {name: place for place, name in enumerate(FACTS)}
# Of each kind of account: its scorecards with the outcome that is shown, the figure that a change is measured by.
_CARDS: Final[Mapping[str, tuple[tuple[Policy, str, str], ...]]] = {
    "buyer": (
        (INTEGRITY, "buyer.integrity_score", "buyer.integrity"),
        (ABUSE, "abuse.score", "abuse.frequent_refund_only"),
    ),
    "merchant": ((EXPERIENCE, "merchant.experience_score", "merchant.high_quality"),),
}


class FactShown(msgspec.Struct, frozen=True):
    """A fact of the account's history."""

    name: str
    label: Because
    value: Any
    # money (minor units of the market's currency), days, or nothing: a count or a rate
    unit: str


class Band(msgspec.Struct, frozen=True):
    """A condition of a scorecard and the points it gives."""

    condition: str
    points: Any


class Part(msgspec.Struct, frozen=True):
    """What one input of a scorecard's table gives: the condition that was met, and those that give more."""

    input: str
    label: Because
    value: Any
    condition: str
    points: Any
    better: list[Band]


class Computed(msgspec.Struct, frozen=True):
    """A formula of the scorecard, as it is written, with its value."""

    name: str
    formula: str
    value: Any


class Raise(msgspec.Struct, frozen=True):
    """One figure that would be different, and the score then."""

    fact: str
    label: Because
    now: Any
    then: Any
    score: Any


class ScoreShown(msgspec.Struct, frozen=True):
    """A score with everything that made it."""

    name: str
    value: Any
    # what follows from it, by name: buyer.integrity
    follows: dict[str, Any]
    scorecard: str
    version: str
    title: str
    parts: list[Part]
    formulas: list[Computed]
    raised_by: list[Raise]


class AccountShown(msgspec.Struct, frozen=True):
    """An account as it stands at a moment."""

    id: str
    kind: str
    market: str
    currency: str
    as_of: datetime
    facts: list[FactShown]
    scores: list[ScoreShown]
    # every label it has or had, warnings among them
    labels: list[LabelShown]


async def profile(
    connection: Connection, market: MarketDesk, account: str, kind: AccountKind, now: datetime
) -> AccountShown:
    """An account as of now; raises `UnknownThing` when the market knows none such."""
    row = await connection.fetchrow(_sql.account, market.number, kind, account)
    if row is None:
        raise UnknownThing(f"market {market.market.id} knows no {kind} {account[:120]!r}", field="account")
    tally = BUYER if kind == "buyer" else MERCHANT
    history = tally.facts(tally.unpack(row["tiles"]), market.day(now), tally.names)
    labels = await labels_in(connection, [market.number], account=account)
    names = sorted(history, key=lambda name: _PLACES[f"history.{name}"])
    return AccountShown(
        account,
        kind,
        market.market.id,
        market.currency,
        now,
        [
            FactShown(f"history.{name}", _label(f"history.{name}"), history[name], FACTS[f"history.{name}"].unit)
            for name in names
        ],
        [_score(card, figure, status, history) for card, figure, status in _CARDS[kind]],
        [label for label in labels if label.kind == kind],
    )


@lru_cache(maxsize=64)
def _compiled(card: Policy) -> tuple[Row, Any]:
    row = compile_row(card.model)
    return row, compile_trace(card.model, row)


def _facts(card: Policy, history: Mapping[str, Any]) -> dict[str, Any]:
    """The facts a card reads, nested; what is not known of an account by itself is null."""
    facts: dict[str, Any] = {"history": dict(history)}
    for name in card.model.read:
        group, _, field = name.partition(".")
        if group != "history":
            facts.setdefault(group, {})[field] = None
        else:
            facts["history"].setdefault(field, 0)  # a ring of its own is none
    return facts


def _score(card: Policy, figure: str, status: str, history: Mapping[str, Any]) -> ScoreShown:
    facts = _facts(card, history)
    row, trace = _compiled(card)
    outputs = card.decide(facts)
    steps = trace(facts, row.decide(facts))
    grids = {grid.heading: grid for grid in card.document.tables}
    sign = -1 if figure in _BETTER_LOW else 1
    parts: list[Part] = []
    formulas: list[Computed] = []
    for step, traced in zip(card.model.steps, steps, strict=True):
        if isinstance(step, Formula):
            formulas.append(Computed(step.output.name, step.text, outputs[step.output.name]))
        elif step.hit == "C+":
            parts += _parts(step, grids[step.name].rows, set(traced.rows), {**_flat(facts), **outputs}, sign)
    follows = {name: value for name, value in outputs.items() if "." in name and name != figure}
    return ScoreShown(
        figure, outputs[figure], {status: outputs.get(status), **follows}, card.name, card.version, card.title, parts, formulas,
        _raises(card, figure, facts, outputs[figure]),
    )  # fmt: skip


def _parts(table: Table, rows: Any, matched: set[int], values: Mapping[str, Any], sign: int) -> list[Part]:
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
        value = values.get(name) if len(columns) == 1 else None
        better = [Band(condition, gives) for _, condition, gives in bands if sign * gives > sign * points]
        if sign * points < 0:
            better.append(Band("none of these", Decimal(0)))
        parts.append(
            Part(name, _label(name), value, " or ".join(band[1] for band in met), points, better if columns else [])
        )
    return parts


def _raises(card: Policy, figure: str, facts: dict[str, Any], now: Any) -> list[Raise]:
    """Figures of the history that would make the score better if they were a little (a tenth, at least one) different."""
    found: list[Raise] = []
    sign = -1 if figure in _BETTER_LOW else 1
    for name in card.model.read:
        group, _, field = name.partition(".")
        value = facts.get(group, {}).get(field)
        if (
            name in _GOES_WITH.values()
            or group != "history"
            or not isinstance(value, int)
            or isinstance(value, bool)
            or now is None
        ):
            continue
        step = max(1, value // 10)
        for then in (value + step, value - step):
            if then < 0:
                continue
            changed = {**facts["history"], field: then}
            other = _GOES_WITH.get(name, "").removeprefix("history.")
            if other in changed:  # reviews that are added are the best there are, those that go are the worst
                changed[other] = max(0, changed[other] + (5 if then > value else 1) * (then - value))
            score = card.decide({**facts, "history": changed})[figure]
            if score is not None and sign * score > sign * now:
                found.append(Raise(name, _label(name), value, then, score))
    return sorted(found, key=lambda one: one.score, reverse=sign > 0)


def _label(name: str) -> Because:
    fact = FACTS.get(name)
    if fact is not None:
        return Because(fact.en, fact.zh)
    return Because(name.replace("_", " ") or "where everybody starts", name.replace("_", " ") or "起始分")


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{group}.{name}": value for group, inner in facts.items() for name, value in inner.items()}
