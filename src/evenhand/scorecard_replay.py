"""A changed scorecard over what was ruled: which scores it would move, and which rulings.

Every ruling keeps the history it was scored on. So a card can be asked again about each, the policy that ruled is asked again
with the new scores, and nothing else differs. What a card reads and a ruling was not given (`history.*` facts are kept where
somebody read them) is not guessed: such rulings are left out, and counted.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from evenhand.accounts.abuse.card import Scorer
from evenhand.accounts.scores import CARDS, Card, Scorecards, scorecards
from evenhand.accounts.state import Connection
from evenhand.booking import reproduce
from evenhand.policy import Policy
from evenhand.rescoring import Facts, rescore, scored_by
from evenhand.store import Queries

_sql: Final = Queries.load("publishing")
_json: Final = msgspec.json.Encoder(decimal_format="number")
_BATCH: Final = 1000
_MOST_EXAMPLES: Final = 5
# Of each role: the figure, and what follows from it.
_SHOWN: Final[Mapping[Card, tuple[str, str]]] = {
    "integrity": ("buyer.integrity_score", "buyer.integrity"),
    "experience": ("merchant.experience_score", "merchant.high_quality"),
    "abuse": ("abuse.score", "abuse.frequent_refund_only"),
}


class Moved(msgspec.Struct, frozen=True):
    """How many rulings go from one value to another; the same value where nothing changes."""

    before: Any
    after: Any
    rulings: int


class Replay(msgspec.Struct, frozen=True):
    """What a scorecard would have made of a market's rulings."""

    market: str
    currency: str
    role: str
    scorecard: str
    version: str
    # rulings that were scored again, and those that were not given what the card reads
    rulings: int
    left_out: int
    # facts that those were not given
    not_given: list[str]
    # the figure's name, its mean before and after; null where no ruling has one
    figure: str
    mean_before: float | None
    mean_after: float | None
    # what follows from it, and the outcomes
    status: str
    statuses: list[Moved]
    outcomes: list[Moved]
    # what the rulings grant, minor units
    granted_before: int
    granted_after: int
    # cases whose outcome would be another
    examples: list[str]


async def replay(
    connection: Connection,
    market: str,
    card: Policy,
    role: Card,
    advance: Callable[[int], None] = lambda _: None,
) -> Replay:
    """Score a market's rulings again with a card; `advance` hears how many more were looked at. Raises `UnknownThing`."""
    place = await connection.fetchrow(_sql.market, market)
    assert place is not None, "the caller knows the market"
    currency = str(await connection.fetchval(_sql.currency, market))
    figure, status = _SHOWN[role]
    statuses, outcomes = Counter[tuple[Any, Any]](), Counter[tuple[Any, Any]]()
    before, after = list[float](), list[float]()
    granted, not_given, examples = [0, 0], set[str](), list[str]()
    left_out = last = 0
    known: dict[tuple[int | None, str | None], tuple[Scorecards, Scorer | None]] = {}
    while rows := await connection.fetch(_sql.to_rescore, place["no"], last, _BATCH):
        for row in rows:
            stored: Facts = msgspec.json.decode(row["facts"])
            missing = [name for name in card.model.read if _is_missing(stored, name)]
            if missing:
                left_out += 1
                not_given.update(missing)
                continue
            key = row["scorecards"], stored["abuse"].get("model")
            if key not in known:
                scored = await scored_by(connection, row["scorecards"], row["facts"])
                cards = [card if one == role else scored.documents.by_role[one] for one in CARDS]
                known[key] = scorecards(*cards), scored.learned
            again = rescore(stored, *known[key])
            ruling = reproduce(row["source"], _json.encode(again).decode(), currency)
            statuses[_value(stored, status), _value(again, status)] += 1
            outcomes[row["outcome"], ruling.outcome] += 1
            for figures, facts in ((before, stored), (after, again)):
                if (value := _value(facts, figure)) is not None:
                    figures.append(value)
            granted[0] += row["amount"]
            granted[1] += ruling.amount
            if ruling.outcome != row["outcome"] and len(examples) < _MOST_EXAMPLES:
                examples.append(str(row["no"]))
        last = rows[-1]["no"]
        advance(len(rows))
    return Replay(
        market, currency, role, card.name, card.version, outcomes.total(), left_out, sorted(not_given), figure, _mean(before),
        _mean(after), status, _moved(statuses), _moved(outcomes), granted[0], granted[1], examples,
    )  # fmt: skip


async def rulings_of(connection: Connection, market: str) -> int:
    """How many rulings a market has."""
    found = await connection.fetchval(_sql.count_rulings, market)
    return int(found or 0)


def _is_missing(stored: Facts, name: str) -> bool:
    group, _, leaf = name.partition(".")
    return group == "history" and leaf not in stored["history"]


def _value(facts: Facts, name: str) -> Any:
    group, _, leaf = name.partition(".")
    return facts[group][leaf]


def _mean(figures: list[float]) -> float | None:
    return round(sum(figures) / len(figures), 4) if figures else None


def _moved(counts: Counter[tuple[Any, Any]]) -> list[Moved]:
    """The most frequent first."""
    return [Moved(*pair, count) for pair, count in counts.most_common()]
