"""An account as it may be shown to the person it is about: every fact, every score with its points, and what would raise it.

Nothing here scores anything. A scorecard is asked as rulings ask it, its tables say which rows matched, and its own cells are the
explanation. What would raise a score is found by asking again with one figure changed.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec

from evenhand.accounts.abuse.card import read_card
from evenhand.accounts.abuse.document import document
from evenhand.accounts.labels import LabelShown, labels_in
from evenhand.accounts.points import Computed, Part, explained, label
from evenhand.accounts.scores import OUTPUTS, Card, completed
from evenhand.accounts.state import AccountKind, Connection
from evenhand.errors import BadInput, UnknownThing
from evenhand.history import BUYER, MERCHANT
from evenhand.markets import MarketDesk
from evenhand.policy import Because, Policy
from evenhand.store import Queries
from evenhand.vocabulary import FACTS

_sql: Final = Queries.load("profiles")
# Figures of which less is better.
_BETTER_LOW: Final = ("abuse.score",)
# A review brings its points, an answer the time it took, an order its day and its amount: with what of that at best, and at
# worst; None is what one brings on the average.
_GOES_WITH: Final[Mapping[str, tuple[tuple[str, int | None, int | None], ...]]] = {
    "history.merchant_reviews_365d": (("merchant_review_points_365d", 5, 1),),
    "history.merchant_answers_365d": (("merchant_answer_time_365d", 0, 500),),
    "history.buyer_orders_365d": (("buyer_order_days_365d", 1, 1), ("buyer_order_amount_365d", None, None)),
}
# how that is said, of more (1) and of fewer (-1)
_HOW: Final[Mapping[tuple[str, int], Because]] = {
    ("history.merchant_reviews_365d", 1): Because("each of the new ones with 5 points", "新增评价均为5分"),
    ("history.merchant_reviews_365d", -1): Because(
        "if those that go were the worst, with 1 point", "减少的为1分评价时"
    ),
    ("history.merchant_answers_365d", 1): Because("each of the new ones at once", "新增答复均为即时答复"),
    ("history.merchant_answers_365d", -1): Because("if those that go were deadlines missed", "减少的为逾期未答复时"),
    ("history.buyer_orders_365d", 1): Because(
        "each of the new ones on a day of its own, of the usual amount", "新增订单每天一笔，金额与平时相当"
    ),
}
# How far up what would make a score better is looked for: so many times the figure, and so much besides.
_TIMES, _BESIDES = 4, 100
_AS_IT_IS: Final = Because("", "")
_BROUGHT: Final = {f"history.{one[0]}": name for name, brought in _GOES_WITH.items() for one in brought}
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
    # that moment is the last event of a synthetic market, for want of a day that was asked for
    at_last_event: bool
    facts: list[FactShown]
    scores: list[ScoreShown]
    # every label it has or had, warnings among them
    labels: list[LabelShown]


async def moment_of(
    connection: Connection, market: MarketDesk, at: date | None, now: datetime
) -> tuple[datetime, bool]:
    """As of when a market is looked at, and whether that is its last event because it is synthetic and no day was asked for.

    With `at` the end of that day in the market's time zone, of today now; without it now, but of a synthetic market its last
    event, for its history ended long ago. Raises `BadInput` for a day to come.
    """
    if at is None:
        last = await connection.fetchval(_sql.last_event, market.number) if market.synthetic else None
        return (now, False) if last is None or last >= now else (last, True)
    today = now.astimezone(market.zone).date()
    if at > today:
        raise BadInput(f"{at} is yet to come: it is {today} in market {market.market.id}", field="at")
    if at == today:
        return now, False
    return datetime.combine(at + timedelta(days=1), time.min, market.zone).astimezone(UTC) - timedelta(seconds=1), False


async def profile_at(
    connection: Connection, market: MarketDesk, account: str, kind: AccountKind, at: date | None, now: datetime
) -> AccountShown:
    """An account as it stood at the end of a day, or unless told as it stands (`moment_of`)."""
    moment, is_last = await moment_of(connection, market, at, now)
    return msgspec.structs.replace(await profile(connection, market, account, kind, moment), at_last_event=is_last)


async def profile(
    connection: Connection, market: MarketDesk, account: str, kind: AccountKind, now: datetime
) -> AccountShown:
    """An account as of a moment; raises `UnknownThing` when the market knows none such."""
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
        False,
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
        found.formulas, what_raises(card, figure, facts, outputs[figure]), figure in _BETTER_LOW,
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


def what_raises(card: Policy, figure: str, facts: dict[str, Any], now: Any) -> list[Raise]:
    """Figures of the history that would make the score better if they were different.

    Each with what a tenth more or less of it (at least one) gives, or else with the first change that gives anything; and no
    more of a change than it takes for that.
    """
    found: list[Raise] = []
    sign = -1 if figure in _BETTER_LOW else 1
    for name in card.model.read:
        group, _, field = name.partition(".")
        value = facts.get(group, {}).get(field)
        if (
            _BROUGHT.get(name) in card.model.read
            or group != "history"
            or not isinstance(value, int)
            or isinstance(value, bool)
            or now is None
        ):
            continue

        def score(then: int, name: str = name, value: int = value) -> Any:
            return card.decide({**facts, "history": _changed(facts["history"], name, value, then)})[figure]

        for way in (1, -1):
            then = _enough(value, way, now, sign, score)
            if then is not None:
                how = _HOW.get((name, way), _AS_IT_IS)
                found.append(Raise(name, label(name), value, then, score(then), how))
    return sorted(found, key=lambda one: one.score, reverse=sign > 0)


def _enough(value: int, way: int, now: Any, sign: int, score: Callable[[int], Any]) -> int | None:
    """The least change of a value (up with a `way` of 1, down with -1) that gives what a tenth does, or anything at all."""

    def betters(step: int, than: Any) -> bool:
        found = score(value + way * step)
        return found is not None and sign * found > sign * than

    most = value if way < 0 else _TIMES * value + _BESIDES
    step = max(1, value // 10)
    short = 0
    while step <= most and not betters(step, now):
        short, step = step, min(2 * step, most) if step < most else most + 1
    if step > most:
        return None
    given = score(value + way * step)
    while (
        step - short > 1
    ):  # where a score does not always go one way, the change that is found is still one that gives it
        between = (short + step) // 2
        reached = score(value + way * between)
        short, step = (short, between) if reached is not None and sign * reached >= sign * given else (between, step)
    return value + way * step


def _changed(history: Mapping[str, Any], name: str, value: int, then: int) -> dict[str, Any]:
    """A history with one figure changed, and with what comes or goes with it: what comes is at best, what goes at worst."""
    changed = {**history, name.removeprefix("history."): then}
    more = then - value
    for other, best, worst in _GOES_WITH.get(name, ()):
        if changed.get(other) is not None:
            each = best if more > 0 else worst
            changed[other] = max(
                0, changed[other] + more * (each if each is not None else changed[other] // max(1, value))
            )
    return changed
