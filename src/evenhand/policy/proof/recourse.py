"""Recourse: what would have to be different, among the facts a person can change, for a better ruling.

The grid's classes say which values matter; of each the one nearest to the person's own is tried, in every combination. Facts that
follow from an account's history are among them, told apart: nobody changes them today. An answer is kept when no other asks for
less and gives as much. What happened (the reason, the stage) is no recourse: to say something else would be a lie (`exploit.py`).
"""

from collections.abc import Mapping
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from evenhand.errors import BadInput
from evenhand.policy.errors import suggestion
from evenhand.policy.proof.grid import Grid
from evenhand.policy.proof.judge import Judge
from evenhand.policy.proof.limits import Deadline, Disagreement, Undecided
from evenhand.policy.proof.plain import Facts
from evenhand.policy.proof.promises import outcome_order
from evenhand.policy.proof.proving import nearest, rank
from evenhand.policy.proof.samples import samples
from evenhand.policy.proof.view import View
from evenhand.policy.proof.words import flat, outside
from evenhand.policy.reasons import said
from evenhand.policy.ruling import Because
from evenhand.policy.types import Type, Value
from evenhand.policy.values import nested, outward
from evenhand.vocabulary import FACTS, Lang, word

if TYPE_CHECKING:
    from evenhand.policy.policy import Policy

SECONDS: Final = 10.0
# What a buyer can change, and which way: another remedy, less money, more evidence.
_NOW: Final[Mapping[str, Literal["any", "up", "down"]]] = {
    "application.remedy": "any",
    "application.amount": "down",
    "application.evidence_count": "up",
}
# What an account's history makes of itself in time.
_IN_TIME: Final = (
    "buyer.integrity",
    "buyer.integrity_score",
    "buyer.label",
    "abuse.score",
    "abuse.frequent_refund_only",
)
_MOST_TRIED: Final = 50_000
_MOST_SHOWN: Final = 5


class Step(msgspec.Struct, frozen=True):
    """One fact that would be different."""

    fact: str
    now: Any
    needed: Any
    # whether the person can change it today; otherwise it "would have to be"
    today: bool


class Way(msgspec.Struct, frozen=True):
    """A way to a better ruling."""

    steps: tuple[Step, ...]
    outcome: str
    amount: int
    # in words
    says: Because


class Recourse(msgspec.Struct, frozen=True):
    """The ruling as it is, and the nearest better ones; none when nothing that can be changed helps."""

    outcome: str
    amount: int
    rule: str
    ways: tuple[Way, ...]


def recourse(
    policy: "Policy", facts: Mapping[str, Any], changeable: tuple[str, ...] | None = None, seconds: float = SECONDS
) -> Recourse:
    """Find the nearest better rulings for nested facts.

    `changeable` names the facts that may differ; unless told, those a buyer can change today and those its history makes.
    Raises `BadInput` for facts that are wrong.
    """
    return _Search(policy, facts, changeable, seconds).answer()


class _Search:
    def __init__(
        self, policy: "Policy", facts: Mapping[str, Any], changeable: tuple[str, ...] | None, seconds: float
    ) -> None:
        model = policy.model
        self._policy = policy
        self._given = policy.rule(facts)
        known = nested(facts, model.facts, ())
        self._judge = Judge(model, {f"ruling {part}": expr for part, expr in model.ruling.items()})
        self._facts: Facts = dict.fromkeys(self._judge.names) | flat(model.facts, known)
        wanted = changeable if changeable is not None else (*_NOW, *_IN_TIME)
        for name in changeable or ():
            if name not in model.facts:
                raise BadInput(f"there is no fact {name}{suggestion(name, model.facts)}", field="changeable")
        self._changeable = [name for name in self._judge.names if name in wanted]
        self._order = outcome_order(policy.document, [])
        self._deadline = Deadline(seconds)

    def answer(self) -> Recourse:
        given = self._given
        pools = self._pools()
        worth = self._worth(given.outcome, given.amount)
        better: list[tuple[tuple[int, ...], Facts, str, int]] = []
        if prod(len(pool) for pool in pools.values()) > _MOST_TRIED:
            raise Undecided("there are too many combinations of facts that can be changed")
        for values in product(*pools.values()):
            changed = dict(zip(pools, values, strict=True))
            outcome, amount = self._ruled(self._facts | changed)
            if self._worth(outcome, amount) > worth:
                steps = {name: value for name, value in changed.items() if value != self._facts[name]}
                better.append((self._effort(steps), steps, outcome, amount))
        better.sort(key=lambda one: one[0])
        kept: list[tuple[Facts, str, int]] = []
        for _, steps, outcome, amount in better:
            gain = self._worth(outcome, amount)
            if not any(known.keys() <= steps.keys() and self._worth(what, much) >= gain for known, what, much in kept):
                kept.append((steps, outcome, amount))
        ways = tuple(self._way(*one) for one in kept[:_MOST_SHOWN])
        return Recourse(given.outcome, given.amount, given.rule, ways)

    def _pools(self) -> dict[str, list[Value]]:
        """For each fact the values worth trying, its own first: of each class the nearest."""
        model = self._policy.model
        grid = Grid(model.facts, self._judge.names, self._deadline)
        try:
            grid.solve(lambda: [View(grid, model).part(part) for part in model.ruling])
            options = {
                name: [nearest(one.region, self._facts[name]) for one in grid.classes_of(name)]
                for name in self._changeable
            }
        except Undecided:
            # figures are calculated: the values that the document mentions are tried
            tried = list(samples(model, self._judge.names, ()))
            options = {name: list(dict.fromkeys(one.get(name) for one in tried)) for name in self._changeable}
        return {
            name: list(dict.fromkeys((self._facts[name], *(one for one in values if self._reachable(name, one)))))
            for name, values in options.items()
        }

    def _reachable(self, name: str, value: Value) -> bool:
        now = self._facts[name]
        way = _NOW.get(name, "any")
        if value is None or way == "any":
            return value is not None
        least, most = rank(self._policy.model.facts[name], now), rank(self._policy.model.facts[name], value)
        return least is None or (most is not None and (most > least if way == "up" else most < least))

    def _ruled(self, facts: Facts) -> tuple[str, int]:
        answer = self._judge.answer(facts)
        return answer["ruling outcome"], answer["ruling amount"]

    def _worth(self, outcome: str, amount: int) -> tuple[int, int]:
        return self._order.get(outcome, 0), amount

    def _effort(self, steps: Facts) -> tuple[int, ...]:
        """What nobody changes today counts most, then the number of steps, then how far they go."""
        later = sum(name not in _NOW for name in steps)
        far = 0
        for name, value in steps.items():
            least, most = (
                rank(self._policy.model.facts[name], one) if self._counts(name) else None
                for one in (self._facts[name], value)
            )
            far += abs(most - least) if least is not None and most is not None else 1
        return later, len(steps), far

    def _counts(self, name: str) -> bool:
        kind = self._policy.model.facts[name]
        return kind.counted or kind.ordered

    def _way(self, steps: Facts, outcome: str, amount: int) -> Way:
        model = self._policy.model
        # as anybody would ask the policy itself
        ruling = self._policy.rule(outside(model.facts, self._facts | steps))
        if (ruling.outcome, ruling.amount) != (outcome, amount):
            raise Disagreement("a recourse")
        told = tuple(
            Step(name, outward(model.facts[name], self._facts[name]), outward(model.facts[name], value), name in _NOW)
            for name, value in steps.items()
        )
        return Way(
            told,
            outcome,
            amount,
            Because(self._words(steps, outcome, amount, "en"), self._words(steps, outcome, amount, "zh")),
        )

    def _words(self, steps: Facts, outcome: str, amount: int, lang: Lang) -> str:
        model = self._policy.model
        money = said(model.facts["application.amount"], amount, self._policy.currency, lang)
        parts = [
            _step(name, model.facts[name], self._facts[name], value, self._policy.currency, lang)
            for name, value in steps.items()
        ]
        result = word(outcome, lang)
        if lang == "en":
            sentence = f'{" and ".join(parts)}: then the ruling is "{result}"' + (f", {money}." if amount else ".")
            return sentence[0].upper() + sentence[1:]
        return f"{'，且'.join(parts)}：则裁决为“{result}”" + (f"，{money}。" if amount else "。")


def _step(name: str, kind: Type, now: Value, needed: Value, currency: str | None, lang: Lang) -> str:
    fact = FACTS.get(name)
    title = (fact.en if lang == "en" else fact.zh) if fact is not None else name
    new, old = (said(kind, outward(kind, value), currency, lang) for value in (needed, now))
    today = name in _NOW
    if lang == "en":
        return f"make the {title} {new} (it is {old})" if today else f"the {title} would have to be {new} (it is {old})"
    return f"将{title}改为{new}（现为{old}）" if today else f"{title}须为{new}（现为{old}）"
