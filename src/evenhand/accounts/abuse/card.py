"""A points card: whole points for the band each fact lies in, added up, and a table from points to probability.

That is all there is to it, so a score can be explained without approximation: the reasons *are* the points. What is not known
gives none. The card is an immutable record, kept as JSON and named by the hash of it; `Scorer` compiles it into lookups for
the live path, `document` writes it as a scorecard that people read, and both give the same score for every application.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from hashlib import sha256
from itertools import pairwise
from operator import ge, le
from typing import Annotated, Any, Final

import msgspec

from evenhand.accounts.abuse.evidence import EVIDENCE, NUMBERS, ONLY_DOWN, Direction, as_word, value_of
from evenhand.errors import BadInput
from evenhand.money import written
from evenhand.vocabulary import FACTS, word

_THOUSANDTHS: Final = tuple(Decimal(number).scaleb(-3) for number in range(1001))
_WAYS: Final = {"up": "up", "down": "down", "either": "one way"}
_json: Final = msgspec.json.Encoder(decimal_format="number")
Probability = Annotated[int, msgspec.Meta(ge=0, le=1000)]


class NumberPoints(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Points by the band a number lies in: the first band ends before `cuts[0]`, the second begins there, and so on."""

    fact: str
    direction: Direction
    cuts: tuple[Decimal, ...]
    # one more than cuts
    points: tuple[int, ...]

    def of(self, value: Any) -> int:
        return 0 if value is None else self.points[bisect_right(self.cuts, value)]


class ChoicePoints(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Points by value; values that are not named give none. Booleans are "true" and "false"."""

    fact: str
    points: dict[str, int]

    def of(self, value: Any) -> int:
        return self.points.get(as_word(value), 0)


class Uncertain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Points, both included, where the conformal set is not a single answer; below them it says honest, above them abusive.

    Where it always is one, `last` is one less than `first`.
    """

    first: int
    last: int


class Trained(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a card was learned from."""

    # in words: whose history, and whether it is synthetic
    source: str
    # days of the applications it was fitted and calibrated on, both included
    first: date
    last: date
    # how many, and how many of them were labelled abusive
    applications: int
    abusive: int


class Costs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a mistake costs, in any one unit."""

    # an honest buyer is refused
    wronged: Annotated[float, msgspec.Meta(gt=0)]
    # an abusive claim is paid
    robbed: Annotated[float, msgspec.Meta(gt=0)]

    def __post_init__(self) -> None:
        # a whole number is written like any other, so that a card read again has the same hash
        for name in ("wronged", "robbed"):
            msgspec.structs.force_setattr(self, name, float(getattr(self, name)))

    @property
    def threshold(self) -> int:
        """The least probability, in thousandths, at which refusing is the cheaper mistake: wronged / (wronged + robbed)."""
        return min(1000, -int(-1000 * self.wronged // (self.wronged + self.robbed)))


class Reason(msgspec.Struct, frozen=True):
    """What one fact contributed to a score."""

    # the fact's name and the band it lies in
    code: str
    points: int
    en: str
    zh: str


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """A learned score."""

    trained: Trained
    numbers: tuple[NumberPoints, ...]
    choices: tuple[ChoicePoints, ...]
    # probabilities in thousandths by the sum of points: the first below `steps[0]`, the second from there, and so on
    steps: tuple[int, ...]
    probabilities: tuple[Probability, ...]
    costs: Costs
    # how often, at most, the conformal set misses the answer: for honest and for abusive claims each
    miscoverage: float
    uncertain: Uncertain

    @cached_property
    def json(self) -> bytes:
        """The card as it is kept."""
        return msgspec.json.format(_json.encode(self), indent=1)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the card, in hexadecimal."""
        return sha256(self.json).hexdigest()

    @property
    def version(self) -> str:
        """Names the card: the last day it was learned from, and the beginning of its hash. `abuse.model` of a ruling."""
        return f"{self.trained.last}-{self.hash[:8]}"

    @property
    def parts(self) -> tuple[NumberPoints | ChoicePoints, ...]:
        return (*self.numbers, *self.choices)


def read_card(raw: bytes | str, file: str = "card.json") -> Card:
    """Read a card; raises `BadInput` naming what is wrong with it."""
    try:
        card = msgspec.json.decode(raw, type=Card)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"is no card of ours: {error}", field=file) from None
    for part in card.parts:
        if part.fact not in EVIDENCE:
            raise BadInput(f"{part.fact!r} is not a fact that a card may read", field=file)
    for part in card.choices:
        if part.fact in ONLY_DOWN and max(part.points.values(), default=0) > 0:
            raise BadInput(f"{part.fact}: it may lower the score, and never raise it", field=file)
    bands = [(part.fact, part.cuts, part.points) for part in card.numbers] + [("steps", card.steps, card.probabilities)]
    for name, cuts, values in bands:
        if len(values) != len(cuts) + 1 or any(a >= b for a, b in pairwise(cuts)):
            raise BadInput(f"{name}: cuts rise, and there is one band more than cuts", field=file)
    # sums of what goes one way, put through a table that rises: so every fact moves the score the way it is declared
    ways: list[tuple[str, Direction, Sequence[int]]] = []
    ways.append(("probabilities", "up", card.probabilities))
    ways.extend((part.fact, NUMBERS.get(part.fact, "either"), part.points) for part in card.numbers)
    for name, direction, values in ways:
        rises, falls = (all(way(a, b) for a, b in pairwise(values)) for way in (le, ge))
        if not {"up": rises, "down": falls, "either": rises or falls}[direction]:
            raise BadInput(f"{name}: its bands must go {_WAYS[direction]}", field=file)
    return card


class Scorer:
    """A card compiled to lookups, for facts as the live path builds them: every fact it reads is there, of the right type."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self.version = card.version
        # `history.*` facts it reads, without the prefix
        self.history = frozenset(
            part.fact.removeprefix("history.") for part in card.parts if part.fact.startswith("history.")
        )
        self._numbers = [(*part.fact.split("."), _plain(part.cuts), part.points) for part in card.numbers]
        self._choices = [
            (*part.fact.split("."), {_value(part.fact, value): points for value, points in part.points.items()})
            for part in card.choices
        ]
        self._steps = card.steps
        self._scores = [_THOUSANDTHS[one] for one in card.probabilities]
        self._first, self._last = card.uncertain.first, card.uncertain.last
        self._threshold = _THOUSANDTHS[card.costs.threshold]

    def points(self, facts: Mapping[str, Mapping[str, Any]]) -> int:
        """The sum of points."""
        total = 0
        for group, name, cuts, points in self._numbers:
            value = facts[group][name]
            if value is not None:
                total += points[bisect_right(cuts, value)]
        for group, name, known in self._choices:
            total += known.get(facts[group][name], 0)
        return total

    def score(self, facts: Mapping[str, dict[str, Any]]) -> None:
        """Fill in `abuse.score`, `abuse.uncertain`, `abuse.threshold` and `abuse.model`."""
        total, abuse = self.points(facts), facts["abuse"]
        abuse["score"] = self._scores[bisect_right(self._steps, total)]
        abuse["uncertain"] = self._first <= total <= self._last
        abuse["threshold"] = self._threshold
        abuse["model"] = self.version


@lru_cache(maxsize=64)
def scorer(raw: str) -> Scorer:
    """The scorer of a kept card; the same card is compiled once."""
    return Scorer(read_card(raw))


def complete(facts: Mapping[str, Any], card: Card) -> dict[str, dict[str, Any]]:
    """Facts with everything the card reads: what is missing is made of what is there, or None."""
    whole: dict[str, dict[str, Any]] = {group: dict(values or {}) for group, values in facts.items()}
    for group in ("abuse", "application", "history", "merchant"):
        whole.setdefault(group, {})
    for part in card.parts:
        group, _, leaf = part.fact.partition(".")
        whole[group][leaf] = value_of(facts, part.fact)
    return whole


def reasons(card: Card, facts: Mapping[str, Any], most: int = 4, currency: str | None = None) -> list[Reason]:
    """What contributed to a score, the greatest part first: all that raised it before what lowered it, at most so many.

    Amounts are written in the `currency` of the claim; without one they are in minor units and say so, for a card has none.
    """
    found: list[Reason] = []
    for part in card.parts:
        value = value_of(facts, part.fact)
        points = part.of(value)
        if points:
            fact = FACTS[part.fact]
            is_money = fact.unit == "money"
            band_en, band_zh, code = _band(part, value, currency if is_money else None)
            shown_en = shown_zh = written(value, currency) if is_money and currency else ""
            shown_en, shown_zh = shown_en or word(value, "en"), shown_zh or word(value, "zh")
            same_en = "" if band_en == shown_en else f"{band_en}: "
            same_zh = "" if band_zh == shown_zh else f"{band_zh}，"
            unit_en, unit_zh = (" minor units", "（最小货币单位）") if is_money and not currency else ("", "")
            en = f"{fact.en}: {shown_en}{unit_en} ({same_en}{points:+d} points)"
            zh = f"{fact.zh}：{shown_zh}{unit_zh}（{same_zh}{points:+d}分）"
            found.append(Reason(f"{part.fact} {code}", points, en, zh))
    return sorted(found, key=lambda one: (one.points < 0, -abs(one.points)))[:most]


def _band(part: NumberPoints | ChoicePoints, value: Any, currency: str | None) -> tuple[str, str, str]:
    """The band a value lies in, for people in both languages and as a code."""

    def said(cut: Decimal) -> str:
        return written(int(cut), currency) if currency else str(cut)

    if isinstance(part, ChoicePoints):
        return word(value, "en"), word(value, "zh"), f"= {as_word(value)}"
    place = bisect_right(part.cuts, value)
    if place == 0:
        return f"below {said(part.cuts[0])}", f"低于{said(part.cuts[0])}", f"< {part.cuts[0]}"
    if place == len(part.cuts):
        return f"{said(part.cuts[-1])} and more", f"{said(part.cuts[-1])}及以上", f">= {part.cuts[-1]}"
    low, high = part.cuts[place - 1], part.cuts[place]
    return f"from {said(low)} to below {said(high)}", f"{said(low)}至{said(high)}以下", f"[{low}..{high})"


def _plain(cuts: Sequence[Decimal]) -> list[Decimal | int]:
    """Whole cuts as integers, which compare faster."""
    return [int(cut) if cut == cut.to_integral_value() else cut for cut in cuts]


def _value(fact: str, text: str) -> Any:
    """A value of a choice as facts hold it."""
    return text == "true" if FACTS[fact].kind == "boolean" else text
