"""What changes when one scorecard takes the place of another: whose score rises or falls and by how much, whose status changes.

Each output is compared as a function of what it reads: facts, figures that both documents work out alike (a share of orders by
the same formula), and other outputs, which are compared by themselves. Where no such function differs, no score does. Over these
the cards are laid on one grid; cells are marked by whether the output rises, falls, becomes known or unknown, or which value
takes the place of which, and covered by boxes. Z3 then looks for a difference outside all of them. "No difference" is a proof.

Where the grid cannot be laid (a score that is weighed out of figures), Z3 says whether there is a difference, and the greatest
there can be each way; examples are then found by trying.

Regions may ask for figures and outputs together that no history brings about. A region that provably no facts lie in is left out.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from evenhand.errors import BadInput
from evenhand.policy.proof.cover import Patch, patches
from evenhand.policy.proof.grid import Array, Grid
from evenhand.policy.proof.limits import Deadline, Disagreement, Undecided, Watch
from evenhand.policy.proof.score_examples import Examples, Way, way_of
from evenhand.policy.proof.score_parts import Part, compared, parts_of
from evenhand.policy.proof.smt import Encoding
from evenhand.policy.proof.smt_script import Script
from evenhand.policy.proof.smt_text import integer, same
from evenhand.policy.proof.solver import Solver
from evenhand.policy.proof.view import View
from evenhand.policy.proof.words import cell
from evenhand.policy.regions import Region
from evenhand.policy.tree import Const, Formula, Read
from evenhand.policy.types import Type
from evenhand.policy.values import outward
from evenhand.vocabulary import FACTS

if TYPE_CHECKING:
    from evenhand.policy.policy import Policy

SECONDS: Final = 30.0
# A question about the greatest change is asked of Z3 for so long.
_BOUND_SECONDS: Final = 3.0
_DECIMALS: Final = re.compile(r"\d+\.\d+")


class Shift(msgspec.Struct, frozen=True):
    """A region in which an output is another."""

    output: str
    # "rises", "falls", "becomes known", "becomes unknown", or "changes" from one value to another
    way: str
    # fact, figure or output -> input cell, as a decision table would write it; None where only examples are known
    where: dict[str, str] | None
    # after less before, least and greatest in the region; null for what cannot be subtracted, or is not known
    least: Any
    most: Any
    # what both cards give the example, of every output that is compared; null with it
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    # nested facts in the region; null where none were found
    example: dict[str, Any] | None


class Rewritten(msgspec.Struct, frozen=True):
    """A formula that both cards have and that is another."""

    name: str
    before: str
    after: str


class ScoreDiff(msgspec.Struct, frozen=True):
    """The difference of two scorecards."""

    before: str
    after: str
    # what is compared: scores, statuses, signs
    outputs: tuple[str, ...]
    # proven: no facts whatever are scored differently
    same: bool
    changes: tuple[Shift, ...]
    # whether the regions hold everything that is scored differently
    complete: bool
    # who proved it: "grid", "z3"
    provers: tuple[str, ...]
    formulas: tuple[Rewritten, ...]
    seconds: float


def score_diff(before: "Policy", after: "Policy", seconds: float = SECONDS) -> ScoreDiff:
    """Compare two scorecards. Raises `BadInput` when they give nothing to compare, `Undecided` when no prover has an answer."""
    watch, deadline = Watch(), Deadline(seconds)
    for policy in (before, after):
        if policy.model.ruling:
            raise BadInput(f"{policy.name} rules applications and is no scorecard", field="policy")
    outputs = compared(before.model, after.model)
    examples = Examples(before.model, after.model, outputs)
    changes: list[Shift] = []
    provers: list[set[str]] = []
    undecided: list[str] = []
    complete = True
    for part in parts_of(before.model, after.model, outputs):
        comparison = _Comparison(part, examples, deadline)
        try:
            found, whole = comparison.shifts()
        except Undecided as error:
            undecided.append(f"{part.name}: {error}")
            found, whole = comparison.tried(), False
        changes += found
        complete &= whole
        provers.append(comparison.provers)
    if undecided and not changes:
        raise Undecided("; ".join(undecided))
    by = set[str].intersection(*provers) if provers else set[str]()
    formulas = {step.name: step.text for step in before.model.steps if isinstance(step, Formula)}
    return ScoreDiff(
        f"{before.name}@{before.version}",
        f"{after.name}@{after.version}",
        tuple(outputs),
        complete and not changes,
        tuple(changes),
        complete,
        tuple(sorted(by)),
        tuple(
            Rewritten(step.name, formulas[step.name], step.text)
            for step in after.model.steps
            if isinstance(step, Formula) and formulas.get(step.name, step.text) != step.text
        ),
        round(watch.seconds, 3),
    )


class _Comparison:
    """One output in both cards."""

    def __init__(self, part: Part, examples: Examples, deadline: Deadline) -> None:
        self._part = part
        self._examples = examples
        self._deadline = deadline
        self._names = tuple(part.kinds)
        self.provers: set[str] = set()

    def shifts(self) -> tuple[list[Shift], bool]:
        """Where the output is another, and whether that is everywhere it is."""
        try:
            found = self._by_grid()
        except Undecided:
            return self._by_z3()
        self.provers.add("grid")
        if self._outside([patch for patch, _, _, _ in found]) is not None:
            raise Disagreement(f"the difference of {self._part.name}")
        self.provers.add("z3")
        told = [self._told(way, patch.sides, least, most) for patch, way, least, most in found]
        return [one for one in told if one is not None], True

    def tried(self) -> list[Shift]:
        """Examples found by trying, one each way."""
        return [
            one
            for way in self._examples.ways(self._part.name)
            if (one := self._told(way, None, None, None)) is not None
        ]

    # the grid

    def _by_grid(self) -> list[tuple[Patch, Way, int | None, int | None]]:
        grid = Grid(self._part.kinds, self._names, self._deadline)

        def scored() -> list[Array]:
            return [
                View(grid, model).outputs[self._part.name]
                if self._part.name in model.outputs
                else np.full((1,) * len(self._names), grid.null, np.int32)
                for model in self._part.models
            ]

        first, second = grid.solve(scored)
        shape = np.broadcast_shapes(first.shape, second.shape)
        grid.where(np.zeros(shape, np.bool_), 0, np.zeros((1,) * len(shape), np.int8))  # for its size
        pairs = np.broadcast_to(first, shape).astype(np.int64) * len(grid.terms) + second
        keys, places = np.unique(pairs, return_inverse=True)
        ways: dict[Way | None, int] = {None: 0}
        marks, moves = np.zeros(len(keys), np.int32), np.zeros(len(keys), np.int64)
        for at, key in enumerate(keys.tolist()):
            if key // len(grid.terms) == key % len(grid.terms):
                continue  # the same formula, whatever it is of
            left, right = grid.constant(key // len(grid.terms)), grid.constant(key % len(grid.terms))
            way = way_of(self._part.type, left, right)
            marks[at] = ways.setdefault(way, len(ways))
            moves[at] = right - left if way is not None and way[0] in ("rises", "falls") else 0
        said = list(ways)
        marked, moved = marks[places].reshape(shape), moves[places].reshape(shape)
        found, more = patches(grid, marked)
        if more:
            raise Undecided("it differs in too many regions")
        regions: list[tuple[Patch, Way, int | None, int | None]] = []
        for patch in found:
            way = said[patch.mark]
            assert way is not None
            inside: Array = marked == patch.mark
            for name, side in patch.sides.items():
                inside = inside & grid.along(name, lambda one, side=side: (one.region & ~side).empty)
            counted = way[0] in ("rises", "falls")
            least, most = (int(moved[inside].min()), int(moved[inside].max())) if counted else (None, None)
            regions.append((patch, way, least, most))
        return regions

    # Z3

    @cached_property
    def _script(self) -> Script:
        return Script()

    @cached_property
    def _encodings(self) -> list[Encoding]:
        marks = ("before: ", "after: ")
        return [Encoding(self._script, model, mark) for model, mark in zip(self._part.models, marks, strict=True)]

    @cached_property
    def _terms(self) -> list[Any]:
        null = Const(self._part.type, None)
        return [
            encoding.term(Read(self._part.type, self._part.name) if self._part.name in model.outputs else null)
            for encoding, model in zip(self._encodings, self._part.models, strict=True)
        ]

    @cached_property
    def _solver(self) -> Solver:
        return Solver(self._script, self._deadline)

    def _holds(self, condition: str, most: float | None = None) -> Mapping[str, Any] | None:
        return self._solver.find(condition, dict(self._part.kinds), self._deadline.left if most is None else most)

    def _outside(self, known: list[Patch]) -> Mapping[str, Any] | None:
        """Facts and figures outside some regions for which the output is another."""
        encoding, kinds = self._encodings[0], self._part.kinds
        within = [
            ["true", *(encoding.inside(Read(kinds[name], name), side) for name, side in patch.sides.items())]
            for patch in known
        ]
        others = " ".join(f"(not (and {' '.join(one)}))" for one in within)
        return self._holds(f"(and true (not {same(*self._terms)}) {others})")

    def _by_z3(self) -> tuple[list[Shift], bool]:
        """Whether there is a difference, and the greatest each way."""
        if self._outside([]) is None:
            self.provers.add("z3")
            return [], True
        self.provers.add("z3")
        first, second = self._terms
        known = f"(not {first.null}) (not {second.null})"
        shifts: list[Shift] = []
        for way in self._examples.ways(self._part.name):
            least = most = None
            if way[0] in ("rises", "falls"):
                step = f"(- {second.value} {first.value})" if way[0] == "rises" else f"(- {first.value} {second.value})"
                greatest = self._greatest(lambda size, step=step: f"(and {known} (>= {step} {integer(size)}))")
                if greatest is not None:
                    least, most = (1, greatest) if way[0] == "rises" else (-greatest, -1)
            told = self._told(way, None, least, most)
            shifts += [told] if told is not None else []
        if not shifts:
            raise Undecided("Z3 found figures that are scored differently, and no facts that bring them about")
        return shifts, False

    def _greatest(self, question: Callable[[int], str]) -> int | None:
        """The greatest size for which there are facts; None where that is not found in time."""
        low, high = 0, max(1, self._part.type.high - self._part.type.low)
        try:
            while low < high:
                middle = (low + high + 1) // 2
                if self._holds(question(middle), _BOUND_SECONDS) is None:
                    high = middle - 1
                else:
                    low = middle
        except Undecided:
            return None
        return low or None

    # what is told

    def _told(self, way: Way, sides: Mapping[str, Region] | None, least: int | None, most: int | None) -> Shift | None:
        """A region with its example; None where provably no facts lie in it."""
        name, kind = self._part.name, self._part.type
        found = self._examples.find(name, way, sides or {}, self._deadline)
        if found is None:
            return None
        scored = [found.before, found.after] if found.facts is not None else [None, None]
        return Shift(
            name,
            way[0],
            None if sides is None else {one: _written(one, side) for one, side in sides.items()},
            None if least is None else outward(_difference(kind), least),
            None if most is None else outward(_difference(kind), most),
            scored[0],
            scored[1],
            found.facts,
        )


def _written(name: str, where: Region) -> str:
    """A region as a cell; figures without the decimals that only computing gives them."""
    text = cell(where)
    return text if name in FACTS else _DECIMALS.sub(lambda found: found[0].rstrip("0").rstrip("."), text)


def _difference(kind: Type) -> Type:
    """The type of a difference of two values."""
    return replace(kind, low=kind.low - kind.high, high=kind.high - kind.low, unit="")
