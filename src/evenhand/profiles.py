"""An account as it may be shown to the person it is about: every fact, every score with its points, and what would raise it.

Nothing here scores anything. A scorecard is asked as rulings ask it, its tables say which rows matched, and its own cells are the
explanation. What would raise a score is found by asking again with one figure changed.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from evenhand.accounts.abuse.card import read_card
from evenhand.accounts.abuse.document import document
from evenhand.accounts.labels import LabelShown, labels_in
from evenhand.accounts.points import Computed, Part, explained, label
from evenhand.accounts.scores import OUTPUTS, Card, completed
from evenhand.accounts.state import AccountKind, Connection
from evenhand.errors import UnknownThing
from evenhand.history import BUYER, MERCHANT
from evenhand.markets import MarketDesk
from evenhand.policy import Because, Policy
from evenhand.store import Queries
from evenhand.vocabulary import FACTS

_sql: Final = Queries.load("profiles")
# Figures of which less is better.
_BETTER_LOW: Final = ("abuse.score",)
# A review brings its points, an answer the time it took: with what of that at best, and at worst.
_GOES_WITH: Final = {
    "history.merchant_reviews_365d": ("merchant_review_points_365d", 5, 1),
    "history.merchant_answers_365d": ("merchant_answer_time_365d", 0, 500),
}
# how that is said, of more and of fewer
_HOW: Final = {
    "history.merchant_reviews_365d": (
        Because("each of the new ones with 5 points", "新增评价均为5分"),
        Because("if those that go were the worst, with 1 point", "减少的为1分评价时"),
    ),
    "history.merchant_answers_365d": (
        Because("each of the new ones at once", "新增答复均为即时答复"),
        Because("if those that go were deadlines missed", "减少的为逾期未答复时"),
    ),
}
_AS_IT_IS: Final = Because("", "")
_BROUGHT: Final = {f"history.{other}" for other, _, _ in _GOES_WITH.values()}
_PLACES: Final = {name: place for place, name in enumerate(FACTS)}
# Of each kind of account: its scorecards with the outcome that is shown, the figure that a change is measured by.
_CARDS: Final[Mapping[str, tuple[tuple[Card, str, str], ...]]] = {
    "buyer": (
        ("integrity", "buyer.integrity_score", "buyer.integrity"),
        ("abuse", "abuse.score", "abuse.frequent_refund_only"),
    ),
    "merchant": (("experience", "merchant.experience_score", "merchant.high_quality"),),
}


class FactShown(msgspec.Struct, frozen=True):
    """A fact of the account's history."""

    name: str
    label: Because
    value: Any
    # money (minor units of the market's currency), days, or nothing: a count or a rate
    unit: str


class Raise(msgspec.Struct, frozen=True):
    """One figure that would be different, and the score then."""

    fact: str
    label: Because
    now: Any
    then: Any
    score: Any
    # what comes or goes with it, where that is not all the same; empty elsewhere
    how: Because


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
    # the smaller the better, as with a probability of abuse
    less_is_better: bool


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
    day = market.day(now)
    history = tally.facts(tally.unpack(row["tiles"], row["no"]), day, tally.names)
    cards = market.scoring(day).cards.by_role
    labels = await labels_in(connection, [market.number], account=account)
    names = sorted(history, key=lambda name: _PLACES[f"history.{name}"])
    return AccountShown(
        account,
        kind,
        market.market.id,
        market.currency,
        now,
        [
            FactShown(f"history.{name}", label(f"history.{name}"), history[name], FACTS[f"history.{name}"].unit)
            for name in names
        ],
        [
            _learned_score(market.abuse.card.json, cards[role], history)
            if role == "abuse" and market.abuse
            else _score(cards[role], figure, status, history)
            for role, figure, status in _CARDS[kind]
        ],
        [one for one in labels if one.kind == kind],
    )


def _score(card: Policy, figure: str, status: str, history: Mapping[str, Any]) -> ScoreShown:
    facts = completed(card, history)
    found = explained(card, facts, -1 if figure in _BETTER_LOW else 1)
    outputs = found.outputs
    follows = {name: value for name, value in outputs.items() if "." in name and name != figure}
    return ScoreShown(
        figure, outputs[figure], {status: outputs.get(status), **follows}, card.name, card.version, card.title, found.parts,
        found.formulas, _raises(card, figure, facts, outputs[figure]), figure in _BETTER_LOW,
    )  # fmt: skip


def _learned_score(learned: bytes, documented: Policy, history: Mapping[str, Any]) -> ScoreShown:
    """The score of abuse by the card that was learned, which rules; its signs are the documented card's all the same."""
    shown = _score(_document_of(learned), "abuse.score", "abuse.uncertain", history)
    signs = documented.decide(completed(documented, history))
    follows = {name: signs[name] for name in OUTPUTS["abuse"] if name != "abuse.score"}
    return msgspec.structs.replace(shown, follows={**shown.follows, **follows})


@lru_cache(maxsize=16)
def _document_of(learned: bytes) -> Policy:
    return Policy.parse(document(read_card(learned)), "card.md")


def _raises(card: Policy, figure: str, facts: dict[str, Any], now: Any) -> list[Raise]:
    """Figures of the history that would make the score better if they were a little (a tenth, at least one) different."""
    found: list[Raise] = []
    sign = -1 if figure in _BETTER_LOW else 1
    for name in card.model.read:
        group, _, field = name.partition(".")
        value = facts.get(group, {}).get(field)
        if (
            name in _BROUGHT
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
            other, best, worst = _GOES_WITH.get(name, ("", 0, 0))
            if other in changed:  # what is added is the best there is, what goes is the worst
                changed[other] = max(0, changed[other] + (best if then > value else worst) * (then - value))
            score = card.decide({**facts, "history": changed})[figure]
            if score is not None and sign * score > sign * now:
                how = _HOW[name][then < value] if other in changed else _AS_IT_IS
                found.append(Raise(name, label(name), value, then, score, how))
    return sorted(found, key=lambda one: one.score, reverse=sign > 0)
