"""What changes when one policy takes the place of another: the applications that are ruled differently, in few readable regions.

Both policies are laid over one grid; cells that are ruled differently are marked by the pair of rulings, and covered by boxes. Z3
then answers the same question: whether there is an application outside all the regions that is ruled differently, or, where no
region was found, any at all. "No difference" is a proof. Where the grid cannot be laid (facts are compared with each other, or
there are too many combinations) and the policies are not one table each, whose boxes can be compared, Z3 lists the changes one by
one, each with an example, without saying where else they happen.
Amounts that are calculated are compared as formulas: in a region where nothing else differs, some applications may get the same.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from evenhand.errors import BadInput
from evenhand.policy.document import ARROWS
from evenhand.policy.proof.cover import Patch, patches
from evenhand.policy.proof.diff_history import PARTS, History, over
from evenhand.policy.proof.grid import Array, Grid
from evenhand.policy.proof.judge import Judge
from evenhand.policy.proof.limits import Deadline, Disagreement, Undecided, Watch
from evenhand.policy.proof.plain import Facts, plain, simplest
from evenhand.policy.proof.proving import AMOUNT, nearest
from evenhand.policy.proof.smt import Encoding
from evenhand.policy.proof.smt_script import Script
from evenhand.policy.proof.smt_text import same
from evenhand.policy.proof.solver import Solver
from evenhand.policy.proof.table_diff import table_regions
from evenhand.policy.proof.view import View
from evenhand.policy.proof.words import cell, expression, outside
from evenhand.policy.regions import Region, everything
from evenhand.policy.tree import Const, Read, Table
from evenhand.policy.types import NULL, Type

if TYPE_CHECKING:
    from evenhand.policy.policy import Policy

SECONDS: Final = 30.0
# Changes that Z3 lists one by one.
_MOST_LISTED: Final = 40


class Ruled(msgspec.Struct, frozen=True):
    """How a policy rules a region; an amount may be a formula of facts."""

    outcome: str
    payer: str
    amount: int | str
    return_required: bool
    respond_within_hours: int | str | None
    # the example's row, and its reason code
    rule: str
    because: str | None
    on_silence: str | None = None


class Change(msgspec.Struct, frozen=True):
    """A region of facts that two policies rule differently."""

    # fact -> input cell, as a decision table would write it; facts that do not matter are left out. None where the region is
    # not known, and there is only the example
    where: dict[str, str] | None
    before: Ruled
    after: Ruled
    # nested facts of an application in it, as `evenhand decide` takes them; ruled by both policies
    example: dict[str, Any]


class Diff(msgspec.Struct, frozen=True):
    """The difference of two policies."""

    before: str
    after: str
    # proven: no application is ruled differently
    same: bool
    changes: tuple[Change, ...]
    # whether the regions hold every application that is ruled differently
    complete: bool
    # who proved it: "grid" or "boxes", "z3"
    provers: tuple[str, ...]
    seconds: float
    history: History | None = None


def diff(
    before: "Policy",
    after: "Policy",
    seconds: float = SECONDS,
    *,
    reasons: bool = False,
    history: Iterable[Mapping[str, Any]] | None = None,
) -> Diff:
    """Compare two policies; with `reasons`, reason codes count as well.

    Raises `BadInput` when they cannot be compared, `Undecided` when no prover has an answer in time.
    """
    return _Comparison(before, after, seconds, reasons).diff(history)


class _Comparison:
    def __init__(self, before: "Policy", after: "Policy", seconds: float, reasons: bool) -> None:
        self._watch = Watch()
        for policy in (before, after):
            if not policy.model.ruling:
                raise BadInput(f"{policy.name} decides no outcome, so there are no rulings to compare", field="policy")
        self._policies = (before, after)
        self._parts = (*PARTS, "because") if reasons else PARTS
        self._deadline = Deadline(seconds)
        self._facts = _common_facts(before, after)
        # what a policy says nothing of is null
        self._rulings = [
            {part: policy.model.ruling.get(part, Const(NULL, None)) for part in (*PARTS, "because")}
            for policy in self._policies
        ]
        self._judges = [
            Judge(policy.model, {f"ruling {part}": expr for part, expr in ruling.items()})
            for policy, ruling in zip(self._policies, self._rulings, strict=True)
        ]
        self._names = tuple(dict.fromkeys(name for judge in self._judges for name in judge.names))
        self._kinds = {name: self._facts[name] for name in self._names}
        self._script = Script()

    def diff(self, history: Iterable[Mapping[str, Any]] | None) -> Diff:
        provers: list[str] = []
        undecided: list[str] = []
        changes: list[Change] = []
        complete = False
        found: list[tuple[Patch, Change]] = []
        for name, look in (("grid", self._by_grid), ("boxes", self._by_boxes)):
            try:
                found, more = look()
                changes, complete = [change for _, change in found], not more
                provers.append(name)
                break
            except Undecided as error:
                undecided.append(str(error))
        try:
            if not provers:
                changes, complete = self._listed()
            elif complete and self._find([patch for patch, _ in found]) is not None:
                raise Disagreement("the difference")
            provers.append("z3")
        except Undecided as error:
            undecided.append(str(error))
        if not provers:
            raise Undecided("; ".join(dict.fromkeys(undecided)))
        before, after = self._policies
        return Diff(
            f"{before.name}@{before.version}",
            f"{after.name}@{after.version}",
            complete and not changes,
            tuple(changes),
            complete,
            tuple(provers),
            round(self._watch.seconds, 3),
            over(self._policies, history) if history is not None else None,
        )

    # the grid

    def _by_grid(self) -> tuple[list[tuple[Patch, Change]], bool]:
        grid = Grid(self._facts, self._names, self._deadline)

        def ruled() -> list[list[Array]]:
            views = [View(grid, policy.model) for policy in self._policies]
            return [
                [grid.values(ruling[part], view.outputs) for part in self._parts]
                for view, ruling in zip(views, self._rulings, strict=True)
            ]

        rulings = grid.solve(ruled)
        shape = np.broadcast_shapes(*(array.shape for parts in rulings for array in parts))
        grid.where(np.zeros(shape, np.bool_), 0, np.zeros((1,) * len(shape), np.int8))  # for its size
        marks = self._marks(grid, rulings, shape)
        found, more = patches(grid, marks)
        found.sort(key=lambda patch: any(side == Region(side.type, True) for side in patch.sides.values()))
        kept: list[tuple[Patch, Change]] = []
        for patch in found:
            at = tuple(int(one) for one in np.unravel_index(int(np.argmax(marks == patch.mark)), shape))
            terms = [[grid.terms[int(np.broadcast_to(array, shape)[at])] for array in parts] for parts in rulings]
            change = self._change(patch, terms)
            if change is not None:
                kept.append((patch, change))
        return kept, more

    def _by_boxes(self) -> tuple[list[tuple[Patch, Change]], bool]:
        """Of two large tables: see `table_diff.py`."""
        before, after = self._policies
        rulings = (self._rulings[0], self._rulings[1])
        regions, more = table_regions(before.model, after.model, rulings, self._parts, self._deadline)
        kept: list[tuple[Patch, Change]] = []
        for region in regions:
            cell = {name: region.sides.get(name, everything(self._kinds[name])) for name in self._names}
            patch = Patch(1, region.sides, cell)
            change = self._change(patch, [region.before, region.after])
            if change is not None:
                kept.append((patch, change))
        return kept, more

    def _marks(self, grid: Grid, rulings: list[list[Array]], shape: tuple[int, ...]) -> Array:
        """A number for each pair of rulings, 0 where both are the same."""
        different = np.zeros(shape, np.bool_)
        for left, right in zip(*rulings, strict=True):
            different |= left != right
        amount = self._parts.index("amount")
        parts = [array for ruling in rulings for place, array in enumerate(ruling) if place != amount]
        alike = _numbered(parts, shape, len(grid.terms))
        marks = np.where(different, _numbered([alike, *(ruling[amount] for ruling in rulings)], shape, 1 << 31) + 1, 0)
        axis = grid.names.index(AMOUNT)
        unknown = [
            place for place, one in enumerate(grid.classes_of(AMOUNT)) if one.region == Region(one.region.type, True)
        ]
        if shape[axis] > 1 and unknown:
            # where the amount asked is not known none is granted: that alone makes no region of its own
            marks, alike = np.moveaxis(marks, axis, 0), np.moveaxis(alike, axis, 0)
            null, other = unknown[0], int(unknown[0] == 0)
            marks[null] = np.where((alike[null] == alike[other]) & (marks[null] > 0), marks[other], marks[null])
            marks = np.moveaxis(marks, 0, axis)
        return marks

    def _change(self, patch: Patch, terms: list[list[Any]]) -> Change | None:
        """A region with its example; None where what differs in form is the same in value."""
        facts: Facts = {name: nearest(where, plain(name, self._kinds[name])) for name, where in patch.cell.items()}

        def shows(tried: Facts) -> bool:
            return all(tried[name] in where for name, where in patch.sides.items()) and self._differs(tried)

        if not shows(facts):
            inside = " ".join(self._inside(patch, self._encodings[0]))
            searched = self._solver.find(f"(and {self._different()} {inside})", self._kinds, self._deadline.left)
            if searched is None:
                return None
            facts = searched
            if not shows(facts):
                raise Undecided("an example was found that ruling it does not confirm")
        kept = (AMOUNT, *(name for name in self._names if name in patch.sides))
        facts = simplest(facts, self._kinds, shows, kept)
        where = {name: cell(side) for name, side in patch.sides.items()}
        return self._told(where, facts, terms)

    def _told(self, where: dict[str, str] | None, facts: Facts, terms: list[list[Any]] | None) -> Change:
        ruled: list[Ruled] = []
        for place, (policy, judge) in enumerate(zip(self._policies, self._judges, strict=True)):
            answer = judge.answer(facts)
            values: dict[str, Any] = {part: answer[f"ruling {part}"] for part in (*PARTS, "because")}
            if terms is not None:
                for part, term in zip(self._parts, terms[place], strict=True):
                    if not isinstance(term, Const):
                        values[part] = _written(policy, judge, facts, part) or expression(term)
            deciding = policy.model.deciding
            rule = f"{deciding.name}/{judge.rows(facts)[deciding.name]}" if deciding is not None else "formula/1"
            ruled.append(Ruled(rule=rule, **values))
        return Change(where, ruled[0], ruled[1], outside(self._facts, facts))

    def _differs(self, facts: Facts) -> bool:
        first, second = (judge.answer(facts) for judge in self._judges)
        return any(first[f"ruling {part}"] != second[f"ruling {part}"] for part in self._parts)

    # Z3

    @cached_property
    def _encodings(self) -> list[Encoding]:
        marks = ("before: ", "after: ")
        return [Encoding(self._script, one.model, mark) for one, mark in zip(self._policies, marks, strict=True)]

    @cached_property
    def _solver(self) -> Solver:
        return Solver(self._script, self._deadline)

    def _different(self) -> str:
        terms = [
            [encoding.term(ruling[part]) for part in self._parts]
            for encoding, ruling in zip(self._encodings, self._rulings, strict=True)
        ]
        return f"(or {' '.join(f'(not {same(first, second)})' for first, second in zip(*terms, strict=True))})"

    def _inside(self, patch: Patch, encoding: Encoding) -> list[str]:
        return ["true", *(encoding.inside(Read(self._facts[name], name), side) for name, side in patch.sides.items())]

    def _find(self, known: list[Patch]) -> Facts | None:
        """An application ruled differently outside some regions."""
        encoding = self._encodings[0]
        outside_all = [f"(not (and {' '.join(self._inside(patch, encoding))}))" for patch in known]
        question = f"(and {' '.join([self._different(), *outside_all])})"
        found = self._solver.find(question, self._kinds, self._deadline.left)
        return found if found is not None and self._differs(found) else None

    def _listed(self) -> tuple[list[Change], bool]:
        """Changes one by one: each pair of rulings once."""
        changes: list[Change] = []
        known: list[str] = ["true"]
        while len(changes) < _MOST_LISTED:
            question = f"(and {self._different()} {' '.join(known)})"
            facts = self._solver.find(question, self._kinds, self._deadline.left)
            if facts is None:
                return changes, not changes
            if not self._differs(facts):
                raise Undecided("an example was found that ruling it does not confirm")
            rulings = [self._constants(judge, facts) for judge in self._judges]

            def shows(tried: Facts, rulings: list[Any] = rulings) -> bool:
                return self._differs(tried) and rulings == [self._constants(judge, tried) for judge in self._judges]

            changes.append(self._told(None, simplest(facts, self._kinds, shows, (AMOUNT,)), None))
            alike: list[str] = []
            for encoding, ruling, values in zip(self._encodings, self._rulings, rulings, strict=True):
                alike += [encoding.equals(ruling[part], value) for part, value in values.items()]
            known.append(f"(not (and true {' '.join(alike)}))")
        return changes, False

    def _constants(self, judge: Judge, facts: Facts) -> dict[str, Any]:
        answer = judge.answer(facts)
        return {part: answer[f"ruling {part}"] for part in self._parts if part != "amount"}


def _written(policy: "Policy", judge: Judge, facts: Facts, part: str) -> str:
    """A calculated part of a ruling as the row that gave it is written; empty where no single cell did."""
    if part not in policy.model.outputs:
        return ""
    step, _ = policy.model.outputs[part]
    if not isinstance(step, Table):
        return step.text.partition("=")[2].strip()
    hit = judge.rows(facts)[step.name]
    for grid in policy.document.tables:
        for place, cell_ in enumerate(grid.header):
            name = cell_.text.removeprefix("→").removeprefix("->").partition(":")[0].strip()
            if (
                grid.heading == step.name
                and cell_.text.startswith(ARROWS)
                and name == part
                and isinstance(hit, int)
                and hit
            ):
                return grid.rows[hit - 1][place].text
    return ""


def _numbered(arrays: list[Array], shape: tuple[int, ...], most: int) -> Array:
    """One number, from 0, for each combination of values."""
    keys = np.zeros(shape, np.int64)
    for array in arrays:
        _, places = np.unique(keys * most + array, return_inverse=True)
        keys = places.reshape(shape)
    return keys


def _common_facts(before: "Policy", after: "Policy") -> dict[str, Type]:
    facts = dict(before.model.facts)
    for name, kind in after.model.facts.items():
        if facts.setdefault(name, kind) != kind:
            raise BadInput(f"the two policies declare the fact {name} with different types", field="policy")
    return facts
