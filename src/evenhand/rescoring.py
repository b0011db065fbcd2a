"""A past ruling scored again: the facts stored with it, by the very scorecards it names.

Scores stand in the facts of a ruling, so nothing is needed to reproduce it. To see that they are what the scorecards make of the
history, or what others would have made of it, the scores are taken out and drawn again.
"""

from typing import Any, Final, NamedTuple

import msgspec

from evenhand.accounts.abuse.card import Reason, Scorer, scorer
from evenhand.accounts.abuse.why import abuse_reasons
from evenhand.accounts.scores import CARDS, OUTPUTS, PACKAGE, Scorecards, scorecards
from evenhand.accounts.state import Connection
from evenhand.booking import parsed
from evenhand.errors import UnknownThing
from evenhand.policy.types import of_fact
from evenhand.policy.values import nested
from evenhand.store import Queries
from evenhand.vocabulary import FACTS

Facts = dict[str, dict[str, Any]]
_sql: Final = Queries.load("publishing")
_abuse: Final = Queries.load("abuse")
_json: Final = msgspec.json.Encoder(decimal_format="number")
_SCORES: Final = (
    *(name for role in CARDS for name in OUTPUTS[role]),
    "abuse.uncertain",
    "abuse.threshold",
    "abuse.model",
)
_TYPES: Final = {name: of_fact(fact) for name, fact in FACTS.items()}


class _Abuse(msgspec.Struct, frozen=True):
    model: str | None = None


class _Model(msgspec.Struct, frozen=True):
    """Of a ruling's facts, which learned score was used."""

    abuse: _Abuse = _Abuse()


_model: Final = msgspec.json.Decoder(_Model)


class CardUsed(msgspec.Struct, frozen=True):
    """A scorecard that scored a ruling."""

    # integrity, experience or abuse
    role: str
    policy: str
    version: str
    # of the document's text
    hash: str


class Rescored(msgspec.Struct, frozen=True):
    """The facts of a ruling, scored again."""

    cards: list[CardUsed]
    facts: Facts


def rescore(stored: Facts, cards: Scorecards, learned: Scorer | None) -> Facts:
    """The facts of a ruling (as decoded from JSON) with the scores that these scorecards, and a learned score, make of them."""
    needed = {name for card in cards.by_role.values() for name in card.model.read}
    needed |= {part.fact for part in learned.card.parts} if learned else set()
    facts = nested(stored, _TYPES, tuple(needed | set(_SCORES)))
    # not every card says these
    facts["abuse"].update(uncertain=None, threshold=None, model=None)
    cards.score(facts)
    if learned:
        learned.score(facts)
    again = {group: dict(values) for group, values in stored.items()}
    for name in _SCORES:
        group, _, leaf = name.partition(".")
        again[group][leaf] = facts[group][leaf]
    abuse = again["abuse"]
    # rulings from before persons were asked have no such fact; who becomes unsure now would have found a place, for all we know
    if "person_available" in abuse:
        is_unsure = learned is not None and abuse["uncertain"]
        abuse["person_available"] = stored["abuse"]["person_available"] is not False if is_unsure else None
    return msgspec.json.decode(_json.encode(again))


class Scored(NamedTuple):
    """What scored a ruling."""

    # empty where it is from before this was kept: only the package's were there
    cards: list[CardUsed]
    documents: Scorecards
    learned: Scorer | None

    def abuse_reasons(self, stored: Facts, currency: str | None = None) -> list[Reason]:
        """Why its `abuse.score` is what it is; `stored` are its facts, as decoded from JSON, amounts in that currency."""
        learned = self.learned.card if self.learned else None
        return abuse_reasons(stored, self.documents.by_role["abuse"], learned, currency=currency)


async def scored_by(connection: Connection, number: int | None, facts: str) -> Scored:
    """What scored a ruling, by the number of the scorecards it names and its facts, as stored."""
    used = [] if number is None else await connection.fetch(_sql.scored_by, number)
    sources = {one["role"]: parsed(one["source"]) for one in used}
    documents = scorecards(*(sources[role] for role in CARDS)) if sources else PACKAGE
    model = _model.decode(facts).abuse.model
    kept = await connection.fetchrow(_abuse.model, model) if model else None
    found = [CardUsed(one["role"], one["policy"], one["version"], one["hash"]) for one in used]
    return Scored(found, documents, scorer(kept["card"]) if kept else None)


async def rescored(connection: Connection, case: int) -> Rescored:
    """A ruling scored again by what it names; raises `UnknownThing` where there is none, or it names nothing."""
    row = await connection.fetchrow(_sql.scored_case, case)
    if row is None or row["scorecards"] is None:
        what = (
            f"there is no case {case}" if row is None else f"case {case} is from before rulings named their scorecards"
        )
        raise UnknownThing(what, field="case")
    scored = await scored_by(connection, row["scorecards"], row["facts"])
    stored: Facts = msgspec.json.decode(row["facts"])
    return Rescored(scored.cards, rescore(stored, scored.documents, scored.learned))
