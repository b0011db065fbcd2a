"""Histories that show how two scorecards differ: found by trying ordinary ones, else by Z3, then made as plain as they can be.

Trying comes first because what shares are made of (a count divided by another) is easily tried and hard to solve for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from evenhand.policy.proof.judge import Judge
from evenhand.policy.proof.limits import Deadline, Undecided
from evenhand.policy.proof.plain import Facts, plain, simplest
from evenhand.policy.proof.proving import nearest
from evenhand.policy.proof.samples import samples
from evenhand.policy.proof.smt import Encoding
from evenhand.policy.proof.smt_script import Script
from evenhand.policy.proof.smt_text import same
from evenhand.policy.proof.solver import Solver
from evenhand.policy.proof.words import outside
from evenhand.policy.regions import Region
from evenhand.policy.tree import Const, Model, Read
from evenhand.policy.types import Type, Value
from evenhand.policy.values import outward

_SEED: Final = 1
_TRIES: Final = 4_000
_SOLVE_SECONDS: Final = 3.0
# Counts that histories are made of.
_COUNTS: Final = (0, 1, 2, 3, 4, 5, 8, 10, 15, 20, 30, 50, 80, 100, 200, 400, 800, 1500, 3000)
# "rises", "falls", "becomes known", "becomes unknown"; or "changes" with both values
Way = tuple[str, Any, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """An example: nested facts, and every output that is compared as both cards give it. `facts` is None where none was found."""

    facts: dict[str, Any] | None
    before: dict[str, Any]
    after: dict[str, Any]


def way_of(kind: Type, before: Value, after: Value) -> Way | None:
    """How a value changes; None where it does not."""
    if before == after:
        return None
    if before is None:
        return "becomes known", None, None
    if after is None:
        return "becomes unknown", None, None
    if kind.counted:
        return "rises" if after > before else "falls", None, None  # pyright: ignore[reportOperatorIssue] - counts
    return "changes", before, after


class Examples:
    """Facts for two cards; `outputs` are the names that are compared."""

    def __init__(self, before: Model, after: Model, outputs: Sequence[str]) -> None:
        self._models = (before, after)
        self._outputs = outputs
        self._judges = [Judge(model, {}) for model in self._models]
        self._kinds: dict[str, Type] = {
            name: model.facts[name] for model in self._models for name in model.read if name in model.facts
        }
        self._types = {name: model.outputs[name][1].type for model in reversed(self._models) for name in model.outputs}
        self._random = np.random.default_rng(_SEED)

    def ways(self, name: str) -> list[Way]:
        """The ways in which an output was seen to change."""
        return list(dict.fromkeys(way for facts in self._tried if (way := self._way(facts, name)) is not None))

    def find(self, name: str, way: Way, sides: Mapping[str, Region], deadline: Deadline) -> Found | None:
        """Facts within some regions of facts, figures and outputs whose output changes so; None when there provably are none."""

        def shows(facts: Facts) -> bool:
            return self._way(facts, name) == way and self._inside(facts, sides)

        found = next((facts for facts in self._candidates(sides) if shows(facts)), None)
        if found is None:
            try:
                found = self._solved(name, sides, deadline)
            except Undecided:
                return Found(None, {}, {})
            if found is None:
                return None
            if not shows(found):
                return Found(None, {}, {})
        facts = simplest(found, self._kinds, shows)
        before, after = self._answers(facts)
        return Found(outside(self._kinds, facts), self._told(before), self._told(after))

    # what facts show

    def _answers(self, facts: Facts) -> list[dict[str, Any]]:
        return [judge.answer(facts) for judge in self._judges]

    def _way(self, facts: Facts, name: str) -> Way | None:
        before, after = (answer.get(name) for answer in self._answers(facts))
        return way_of(self._types[name], before, after)

    def _inside(self, facts: Facts, sides: Mapping[str, Region]) -> bool:
        if not all(facts.get(name) in side for name, side in sides.items() if name not in self._types):
            return False
        answers = self._answers(facts)
        figures = [name for name in sides if name in self._types]
        return all(answer[name] in sides[name] for name in figures for answer in answers if name in answer)

    def _told(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        return {name: outward(self._types[name], answer[name]) for name in self._outputs if name in answer}

    # facts to try

    @cached_property
    def _tried(self) -> list[Facts]:
        """Ordinary histories, and what the cards' own thresholds suggest."""
        names = list(self._kinds)
        found = [
            facts
            for model in self._models
            for facts in samples(model, [name for name in names if name in model.read], [])
        ]
        return [{name: one.get(name) for name in names} for one in found] + [self._drawn({}) for _ in range(_TRIES)]

    def _candidates(self, sides: Mapping[str, Region]) -> Iterator[Facts]:
        yield from self._tried
        given = {name: side for name, side in sides.items() if name in self._kinds and name not in self._types}
        if given:
            for facts in self._tried:
                yield facts | {name: nearest(side, facts.get(name)) for name, side in given.items()}

    def _drawn(self, given: Mapping[str, Value]) -> Facts:
        """A history at random; the same ones every time."""
        facts: Facts = {}
        for name, kind in self._kinds.items():
            if kind.kind == "boolean":
                facts[name] = bool(self._random.random() < 0.3)
            elif kind.values:
                facts[name] = kind.values[int(self._random.integers(len(kind.values)))]
            elif kind.counted:
                facts[name] = min(max(_COUNTS[int(self._random.integers(len(_COUNTS)))], kind.low), kind.high)
            else:
                facts[name] = plain(name, kind)
            if self._random.random() < 0.02:
                facts[name] = None
        return facts | dict(given)

    # Z3

    def _solved(self, name: str, sides: Mapping[str, Region], deadline: Deadline) -> Facts | None:
        script = Script()
        marks = ("before: ", "after: ")
        encodings = [Encoding(script, model, mark) for model, mark in zip(self._models, marks, strict=True)]
        kind = self._types[name]
        terms = [
            encoding.term(Read(kind, name) if name in model.outputs else Const(kind, None))
            for encoding, model in zip(encodings, self._models, strict=True)
        ]
        # an output that both cards give is meant as both give it: where they do not agree, that is a difference of its own
        inside = [
            encoding.inside(Read(self._types.get(one, side.type), one), side)
            for one, side in sides.items()
            for encoding, model in zip(encodings, self._models, strict=True)
            if one in model.outputs or one in self._kinds
        ]
        question = f"(and true (not {same(*terms)}) {' '.join(inside)})"
        return Solver(script, deadline).find(question, self._kinds, _SOLVE_SECONDS)
