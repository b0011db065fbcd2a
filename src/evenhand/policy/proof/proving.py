"""Proves promises, each by two provers where both can, or refutes them by an application that the row function confirms.

The grid tries every combination of classes; Z3 searches for a combination that breaks the promise. Both are exact, so one answer
is enough: where only one of them has one (figures are calculated, or there are too many combinations), it stands alone. Where
both have one they must agree, and a refutation stands only if ruling its example shows the promise broken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np

from evenhand.policy.proof.classes import Class
from evenhand.policy.proof.grid import Array, Grid
from evenhand.policy.proof.judge import Judge
from evenhand.policy.proof.limits import Deadline, Disagreement, Undecided, Watch
from evenhand.policy.proof.plain import Facts, plain, simplest
from evenhand.policy.proof.promises import Promise
from evenhand.policy.proof.samples import samples
from evenhand.policy.proof.smt import Encoding
from evenhand.policy.proof.smt_script import Script
from evenhand.policy.proof.solver import Solver
from evenhand.policy.proof.table_proof import broken_within
from evenhand.policy.proof.view import View
from evenhand.policy.regions import Region
from evenhand.policy.tree import Expr, Model
from evenhand.policy.types import Type, Value

AMOUNT: Final = "application.amount"
# Seconds that Z3 gets for a promise that the grid has decided already.
_SECOND_OPINION: Final = 2.0
# No question gets more than this share of the time that remains.
_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a promise."""

    promise: Promise
    status: Literal["proven", "refuted", "undecided"]
    seconds: float
    # who decided it: "grid" or "boxes", "z3"
    provers: tuple[str, ...]
    # facts (as held inside) that break it; of "as ... rises", the application with less of the fact
    facts: Facts | None = None
    # ... and the one with more
    raised: Facts | None = None
    # why it is undecided
    why: str = ""


class Provers:
    """Both provers over one model, made when they are needed."""

    def __init__(
        self, model: Model, promises: tuple[Promise, ...], deadline: Deadline, examples: Sequence[Facts] = ()
    ) -> None:
        self.model = model
        self._examples = examples
        self.deadline = deadline
        questions: dict[str, Expr] = {}
        for place, promise in enumerate(promises):
            for role, expr in (("when", promise.when), ("then", promise.then), ("figure", promise.figure)):
                if expr is not None:
                    questions[f"{place} {role}"] = expr
        self._promises = promises
        self.judge = Judge(model, questions)
        self._script = Script()
        # why the policy cannot be laid over a grid, once that is known
        self._no_grid = ""

    @cached_property
    def encoding(self) -> Encoding:
        return Encoding(self._script, self.model)

    @cached_property
    def solver(self) -> Solver:
        return Solver(self._script, self.deadline)

    @cached_property
    def fired(self) -> dict[str, set[int]]:
        """Table -> numbers of rows that some sample makes decide."""
        found: dict[str, set[int]] = {}
        for facts in samples(self.model, self.judge.names, self._examples):
            for table, hit in self.judge.rows(facts).items():
                found.setdefault(table, set()).update([hit] if isinstance(hit, int) else hit)
        return found

    @property
    def patience(self) -> float:
        """Seconds for one question, so that one hard question leaves time for the others."""
        return self.deadline.left * _SHARE

    @property
    def kinds(self) -> dict[str, Type]:
        return {name: self.model.facts[name] for name in self.judge.names}

    def verdict(self, place: int) -> Verdict:
        """Decide one of the promises."""
        promise = self._promises[place]
        watch = Watch()
        found: dict[str, tuple[Facts, Facts | None] | None] = {}
        reasons: list[str] = []
        for name, prove in (("grid", self._by_grid), ("boxes", self._by_boxes), ("z3", self._by_z3)):
            if name == "boxes" and found:
                continue  # they are for what makes no grid
            try:
                most = min(_SECOND_OPINION, self.patience) if found else self.patience
                found[name] = prove(place, most)
            except Undecided as error:
                reasons.append(str(error))
        provers = tuple(found)
        if not found:
            return Verdict(promise, "undecided", watch.seconds, (), why="; ".join(dict.fromkeys(reasons)))
        examples = [example for example in found.values() if example is not None]
        if not examples:
            return Verdict(promise, "proven", watch.seconds, provers)
        for facts, raised in examples:
            if self._broken(place, facts, raised):
                if len(examples) < len(found):
                    raise Disagreement(f"the promise {promise.text!r}")
                plainest = self._simplest(place, facts, raised)
                return Verdict(promise, "refuted", watch.seconds, provers, *plainest)
        why = "; ".join(reasons) or "an example was found that ruling it does not confirm"
        return Verdict(promise, "undecided", watch.seconds, (), why=why)

    # the grid

    def _by_grid(self, place: int, _: float) -> tuple[Facts, Facts | None] | None:
        promise = self._promises[place]
        grid, view = self._grid
        if promise.kind == "rises":
            return self._rising_by_grid(promise, grid, view)

        def broken() -> Array:
            assert promise.when is not None
            bad = grid.truth(promise.when, self._outputs()) == 1
            return bad if promise.then is None else grid.both(bad, grid.truth(promise.then, self._outputs()) != 1)

        bad = grid.solve(broken)
        cell = first_true(bad)
        return None if cell is None else (cell_facts(grid, cell), None)

    def _by_boxes(self, place: int, _: float) -> tuple[Facts, Facts | None] | None:
        promise = self._promises[place]
        if promise.when is None:
            raise Undecided("it compares two applications")
        found = broken_within(self.model, promise.when, promise.then, self.deadline)
        if found is None:
            return None
        facts = {name: plain(name, kind) for name, kind in self.kinds.items()}
        return facts | {name: nearest(where, facts[name]) for name, where in found.items()}, None

    @cached_property
    def _grid(self) -> tuple[Grid, list[View]]:
        grid = Grid(self.model.facts, self.judge.names, self.deadline)
        return grid, []

    def _outputs(self) -> Mapping[str, Array]:
        """Outputs over the grid as its classes are now."""
        grid, views = self._grid
        if self._no_grid:
            raise Undecided(self._no_grid)
        if not views or views[0].stamp != grid.stamp:
            try:
                views[:] = [View(grid, self.model)]
            except Undecided as error:
                # whatever the promise: the policy itself cannot be laid over a grid
                self._no_grid = str(error)
                raise
        return views[0].outputs

    def _rising_by_grid(self, promise: Promise, grid: Grid, _: list[View]) -> tuple[Facts, Facts | None] | None:
        figure = promise.figure
        assert figure is not None

        def figures() -> tuple[Array, Array]:
            numbers = grid.values(figure, self._outputs())
            found = np.unique(numbers)
            values = {int(one): grid.constant(int(one)) for one in found}
            known = np.isin(numbers, [one for one, value in values.items() if value is not None])
            lookup = np.zeros(len(grid.terms), np.int64)
            for one, value in values.items():
                lookup[one] = value if value is not None else 0
            return lookup[numbers], known

        values, known = grid.solve(figures)
        axis = grid.names.index(promise.fact)
        if values.shape[axis] == 1:
            return None
        places = [ends(one, self.model.facts[promise.fact]) for one in grid.classes_of(promise.fact)]
        values, known = np.moveaxis(values, axis, 0), np.moveaxis(known, axis, 0)
        for low, low_ends in enumerate(places):
            for high, high_ends in enumerate(places):
                if low == high or low_ends is None or high_ends is None or low_ends[0] >= high_ends[1]:
                    continue
                falls = values[high] < values[low] if promise.falls else values[high] > values[low]
                place = first_true(falls & known[low] & known[high])
                if place is not None:
                    whole = [*place[:axis], low, *place[axis:]]
                    facts = cell_facts(grid, tuple(whole))
                    kind = self.model.facts[promise.fact]
                    return (
                        facts | {promise.fact: ranked(kind, low_ends[0])},
                        facts | {promise.fact: ranked(kind, high_ends[1])},
                    )
        return None

    # Z3

    def _by_z3(self, place: int, most: float) -> tuple[Facts, Facts | None] | None:
        promise = self._promises[place]
        encoding = self.encoding
        kinds = self.kinds
        if promise.kind != "rises":
            assert promise.when is not None
            bad = encoding.holds(promise.when)
            if promise.then is not None:
                bad = f"(and {bad} (not {encoding.holds(promise.then)}))"
            found = self.solver.find(bad, kinds, most)
            if found is not None and not self._broken(place, found, None) and (known := self._script.mentioned(kinds)):
                # Z3 cannot know the inside of a string that is not mentioned: one that is may do as well
                found = self.solver.find(f"(and {bad} {known})", kinds, most) or found
            return None if found is None else (found, None)
        assert promise.figure is not None
        fact = promise.fact
        more = Encoding(self._script, self.model, f"{fact} risen: ", frozenset((fact,)), encoding)
        figure, risen = encoding.term(promise.figure), more.term(promise.figure)
        low, high = encoding.fact(fact), more.fact(fact)
        kind = self.model.facts[fact]
        worse = "<" if promise.falls else ">"
        bad = [f"(not {term.null})" for term in (figure, risen, low, high)]
        bad += [f"({worse} {risen.value} {figure.value})", self._below(kind, low.value, high.value)]
        found = self.solver.find(f"(and {' '.join(bad)})", kinds | {f"{fact}'": kind}, most)
        if found is None:
            return None
        raised = {name: value for name, value in found.items() if name in kinds} | {fact: found[f"{fact}'"]}
        return {name: found[name] for name in kinds}, raised

    def _below(self, kind: Type, low: str, high: str) -> str:
        if not kind.values:
            return f"(< {low} {high})"
        numbers = [self._script.string(value) for value in kind.values]
        pairs = [f"(and (= {low} {a}) (= {high} {b}))" for place, a in enumerate(numbers) for b in numbers[place + 1 :]]
        return f"(or false {' '.join(pairs)})"

    # confirming

    def _broken(self, place: int, facts: Facts, raised: Facts | None) -> bool:
        promise = self._promises[place]
        answer = self.judge.answer(facts)
        if promise.kind != "rises":
            broken = answer[f"{place} when"] is True
            return broken and (promise.then is None or answer[f"{place} then"] is not True)
        assert raised is not None
        kind = self.model.facts[promise.fact]
        low, high = rank(kind, facts[promise.fact]), rank(kind, raised[promise.fact])
        if low is None or high is None or low >= high:
            return False
        figure, risen = answer[f"{place} figure"], self.judge.answer(raised)[f"{place} figure"]
        if figure is None or risen is None:
            return False
        return risen < figure if promise.falls else risen > figure

    def _simplest(self, place: int, facts: Facts, raised: Facts | None) -> tuple[Facts, Facts | None]:
        promise = self._promises[place]
        kinds = self.kinds
        if raised is None:
            return simplest(facts, kinds, lambda tried: self._broken(place, tried, None), (AMOUNT,)), None
        fact = promise.fact
        high = raised[fact]

        def shows(tried: Facts) -> bool:
            return self._broken(place, tried, tried | {fact: high})

        found = simplest(facts, kinds, shows, (AMOUNT, fact))
        # the smallest rise that shows it
        more = found | {fact: high}
        kind = kinds[fact]
        least, most = rank(kind, found[fact]), rank(kind, high)
        assert least is not None
        assert most is not None
        while most - least > 1:
            middle = (least + most) // 2
            if self._broken(place, found, found | {fact: ranked(kind, middle)}):
                most, more = middle, found | {fact: ranked(kind, middle)}
            else:
                low = found | {fact: ranked(kind, middle)}
                if self._broken(place, low, more):
                    found = low
                least = middle
        return found, more


def rank(kind: Type, value: Value) -> int | None:
    """The place of a value in the order of its kind."""
    if value is None:
        return None
    return kind.values.index(str(value)) if kind.values else int(value)


def ranked(kind: Type, place: int) -> Value:
    return kind.values[place] if kind.values else place


def ends(one: Class, kind: Type) -> tuple[int, int] | None:
    """The least and the greatest place of a class's values in their order; None where it holds only null."""
    if kind.values:
        places = sorted(kind.values.index(str(value)) for value in one.region.values)
        return (places[0], places[-1]) if places else None
    return (one.region.intervals[0][0], one.region.intervals[-1][1]) if one.region.intervals else None


def first_true(found: Array) -> tuple[int, ...] | None:
    """The first cell where a condition holds."""
    flat = int(np.argmax(found))
    if not found.flat[flat]:
        return None
    return tuple(int(one) for one in np.unravel_index(flat, found.shape))


def cell_facts(grid: Grid, place: tuple[int, ...]) -> Facts:
    """Facts of a cell; an axis that plays no part there gives its plainest value."""
    facts: Facts = {}
    for axis, name in enumerate(grid.names):
        options = grid.classes_of(name)
        kind = grid.facts[name]
        wanted = plain(name, kind)
        index = place[axis]
        facts[name] = nearest(options[index].region, wanted) if index < len(options) else wanted
    return facts


def nearest(where: Region, wanted: Value) -> Value:
    """The value of a region that is nearest to a wanted one."""
    if wanted in where:
        return wanted
    if where.intervals and isinstance(wanted, int):
        ends_ = [end for interval in where.intervals for end in interval]
        return min(ends_, key=lambda end: abs(end - wanted))
    if where.intervals:
        return where.intervals[0][0]
    if where.others:
        number = 0
        while (text := f"other{number or ''}") in where.values:
            number += 1
        return text
    for value in where.type.values or (False, True):
        if value in where.values:
            return value
    return sorted(where.values, key=str)[0] if where.values else None
