"""A whole policy over a grid of classes: what it rules for every combination of facts there can be, exactly and at once.

Each fact is an axis, each class of its values a place on it (`classes.py`). A condition is an array over the axes it depends on,
and so is an output; numpy's broadcasting combines them. An array holds numbers of *terms*: constants, or expressions over facts
that are the same for a whole cell, such as half of `application.amount`. Cuts are found while evaluating: a test that a class
straddles becomes a cut, and the evaluation starts again with finer classes.

Tests that relate several facts make no grid: that is said (`Undecided`), and left to Z3.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from evenhand.policy.proof.calculated import calculated, strict
from evenhand.policy.proof.classes import Class, classes
from evenhand.policy.proof.interpret import evaluate, gathered
from evenhand.policy.proof.limits import Deadline, Undecided
from evenhand.policy.regions import Region, finite, region
from evenhand.policy.tree import (
    And,
    Compare,
    Const,
    Equal,
    Expr,
    Gathered,
    If,
    In,
    Not,
    Or,
    Read,
    children,
    names_read,
    rebuilt,
)
from evenhand.policy.types import BOOLEAN, NULL, Type, Value

# Cells an array may have, terms a policy may make of its facts, and combinations of values a test may be enumerated over.
MOST_CELLS: Final = 6_000_000
_MOST_TERMS: Final = 20_000
_MOST_COMBINATIONS: Final = 4_000
Array = NDArray[Any]
Term = Expr | tuple[int, ...]
T = TypeVar("T")


class Grid:
    """Axes, one for each fact, and the terms that arrays over them hold."""

    def __init__(self, facts: Mapping[str, Type], names: Sequence[str], deadline: Deadline) -> None:
        self.facts = facts
        # the axes, in order
        self.names = tuple(names)
        self.deadline = deadline
        self._places = {name: place for place, name in enumerate(self.names)}
        self._cuts: dict[str, dict[Region, int]] = {name: {} for name in self.names}
        self._classes: dict[str, tuple[Class, ...]] = {}
        self._stale: set[str] = set(self.names)
        # counts how often the classes changed: arrays of different stamps do not fit
        self.stamp = 0
        self.terms: list[Term] = []
        self._numbers: dict[Any, int] = {}
        self.null = self.number(Const(NULL, None))
        self._true = self.number(Const(BOOLEAN, True))
        self._false = self.number(Const(BOOLEAN, False))

    def solve(self, work: Callable[[], T]) -> T:
        """Do the work again and again, until it asks for no finer classes."""
        while True:
            for name in self._stale:
                self._classes[name] = classes(self.facts[name], list(self._cuts[name]))
            self.stamp += bool(self._stale)
            self._stale.clear()
            found = work()
            if not self._stale:
                return found
            self.deadline.keep()

    def classes_of(self, name: str) -> tuple[Class, ...]:
        return self._classes[name]

    # terms

    def number(self, term: Term) -> int:
        """The number of a term; equal constants have one, whatever their types."""
        key = (type(term.value), term.value) if isinstance(term, Const) else term
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.terms)
            self.terms.append(term)
            if found > _MOST_TERMS:
                raise Undecided("it combines its facts in too many ways")
        return found

    def constant(self, number: int) -> Any:
        """The value of a constant term; raises `Undecided` for an expression over facts."""
        term = self.terms[number]
        if not isinstance(term, Const):
            raise Undecided("it compares figures that are calculated from facts")
        return term.value

    # arrays

    def _one(self, number: int) -> Array:
        return np.full((1,) * len(self.names), number, np.int32)

    def _sized(self, *arrays: Array) -> None:
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
        if prod(shape) > MOST_CELLS:
            raise Undecided(f"its facts combine into more than {MOST_CELLS:,} cases")

    def where(self, condition: Array, then: Array | int, otherwise: Array) -> Array:
        chosen = np.asarray(then, otherwise.dtype)
        self._sized(condition, chosen, otherwise)
        return np.where(condition, chosen, otherwise)

    def both(self, left: Array, right: Array) -> Array:
        self._sized(left, right)
        return left & right

    def along(self, name: str, inside: Callable[[Class], bool]) -> Array:
        """A condition on one fact as an array."""
        found = np.array([inside(one) for one in self._classes[name]], np.bool_)
        shape = [1] * len(self.names)
        shape[self._places[name]] = len(found)
        return found.reshape(shape)

    def within(self, name: str, where: Region) -> Array:
        """Where a fact lies in a region; a new region becomes a cut."""
        cuts = self._cuts[name]
        if where not in cuts:
            cuts[where] = len(cuts)
            self._stale.add(name)
        place = cuts[where]
        return self.along(name, lambda one: place < len(one.inside) and one.inside[place])

    # expressions

    def values(self, expr: Expr, outputs: Mapping[str, Array]) -> Array:
        """The term of an expression in every cell."""
        match expr:
            case Const():
                return self._one(self.number(expr))
            case Read():
                return outputs[expr.name] if expr.name in outputs else self._one(self.number(expr))
            case If():
                then, otherwise = self.values(expr.then, outputs), self.values(expr.otherwise, outputs)
                return self.where(self.truth(expr.condition, outputs) == 1, then, otherwise)
            case Gathered():
                return self.mapped(outputs[expr.name], lambda term: self._gathered(expr, term))
            case Compare() | In() | Equal() | And() | Or() | Not():
                truth = self.truth(expr, outputs)
                return self.where(
                    truth == 1,
                    self._one(self._true),
                    self.where(truth == 0, self._one(self._false), self._one(self.null)),
                )
            case _:
                return self._combined(expr, outputs, lambda built: self.number(self.folded(built)))

    def folded(self, expr: Expr) -> Expr:
        """An expression over terms; a constant where none of them depends on a fact, or one is null."""
        if any(isinstance(child, Const) and child.value is None for child in children(expr)):
            return Const(expr.type, None)
        return expr if any(True for _ in names_read(expr)) else Const(expr.type, evaluate(expr, {}))

    def _gathered(self, expr: Gathered, term: Term) -> int:
        assert isinstance(term, tuple)
        return self.number(Const(expr.type, gathered(expr.operator, [self.constant(one) for one in term])))

    def mapped(self, numbers: Array, change: Callable[[Term], int]) -> Array:
        """Each term replaced by the number that it is changed to."""
        found, places = np.unique(numbers, return_inverse=True)
        changed = np.array([change(self.terms[int(one)]) for one in found], np.int32)
        return changed[places].reshape(numbers.shape)

    def _combined(self, expr: Expr, outputs: Mapping[str, Array], build: Callable[[Expr], int]) -> Array:
        """Put each combination of the operands' terms into the expression; `build` says what number that makes."""
        operands = [self.values(child, outputs) for child in children(expr)]
        return self._per_combination(operands, lambda terms: self._one(build(rebuilt(expr, terms))))

    def _per_combination(self, operands: list[Array], build: Callable[[list[Expr]], Array]) -> Array:
        def expressions(numbers: Sequence[int]) -> list[Expr]:
            return [term for number in numbers if not isinstance(term := self.terms[number], tuple)]

        if all(operand.size == 1 for operand in operands):
            return build(expressions([int(operand.flat[0]) for operand in operands]))
        self._sized(*operands)
        keys = np.zeros((1,) * len(self.names), np.int64)
        for operand in operands:
            keys = keys * len(self.terms) + operand
        count = len(self.terms)
        found: Array | None = None
        for key in np.unique(keys):
            numbers: list[int] = []
            rest = int(key)
            for _ in operands:
                rest, number = divmod(rest, count)
                numbers.insert(0, number)
            built = build(expressions(numbers))
            found = built if found is None else self.where(keys == key, built, found)
        assert found is not None
        return found

    # conditions: 1 true, 0 false, -1 null

    def truth(self, expr: Expr, outputs: Mapping[str, Array]) -> Array:
        """Whether a condition holds in every cell: 1 true, 0 false, -1 null."""
        match expr:
            case And() | Or():
                parts = [self.truth(operand, outputs) for operand in expr.operands]
                decisive = int(isinstance(expr, Or))
                found = parts[0]
                for part in parts[1:]:
                    self._sized(found, part)
                    known = (found == decisive) | (part == decisive)
                    null = (found == -1) | (part == -1)
                    found = np.where(known, decisive, np.where(null, -1, 1 - decisive)).astype(np.int8)
                return found
            case Not():
                found = self.truth(expr.operand, outputs)
                return np.where(found == -1, -1, 1 - found).astype(np.int8)
            case In() if expr.operand.type.many:
                wanted = self.number(Const(expr.operand.type, expr.values[0]))
                lists = self.values(expr.operand, outputs)
                return self.mapped(lists, lambda term: int(self._among(wanted, term))).astype(np.int8)
            case Const() | Read() | If():
                numbers = self.values(expr, outputs)
                return self._per_combination([numbers], lambda terms: self._leaf(terms[0]))
            case _:
                operands = [self.values(child, outputs) for child in children(expr)]
                return self._per_combination(operands, lambda terms: self._leaf(rebuilt(expr, terms)))

    def _among(self, wanted: int, term: Term) -> bool:
        assert isinstance(term, tuple)
        if wanted in term:
            return True
        for number in term:
            self.constant(number)
        return False

    def _leaf(self, test: Expr) -> Array:
        """A test whose operands are terms."""
        names = list(dict.fromkeys(names_read(test)))
        if not names:
            holds = evaluate(test, {})
            return np.full((1,) * len(self.names), -1 if holds is None else int(holds), np.int8)
        if len(names) == 1:
            operand = Read(self.facts[names[0]], names[0])
            yes, no = region(test, operand), region(Not(BOOLEAN, test), operand)
            found = (yes, no) if yes is not None and no is not None else calculated(test, names[0], operand.type)
            if found is not None:
                return self._answers(self.within(names[0], found[0]), self.within(names[0], found[1]))
        if isinstance(test, In) and test.values == (None,) and strict(test.operand):
            null: Array = np.zeros((1,) * len(self.names), np.bool_)
            for name in names:
                null = null | self.within(name, Region(self.facts[name], True))
            return self._answers(null, ~null)
        return self._enumerated(test, names)

    def _answers(self, yes: Array, no: Array) -> Array:
        return np.where(yes, 1, np.where(no, 0, -1)).astype(np.int8)

    def _enumerated(self, test: Expr, names: Sequence[str]) -> Array:
        """A test of facts that have few values, by trying them all."""
        domains: list[list[Value]] = []
        for name in names:
            domain = finite(self.facts[name])
            if domain is None:
                raise Undecided(
                    f"it calculates with {names[0]} before it compares"
                    if len(names) == 1
                    else f"it compares {' with '.join(names)}"
                )
            domains.append([*sorted(domain, key=str), None])
        if prod(len(domain) for domain in domains) > _MOST_COMBINATIONS:
            raise Undecided(f"it compares {' with '.join(names)}")
        single = {
            (name, value): self.within(
                name, Region(self.facts[name], value is None, values=frozenset(() if value is None else (value,)))
            )
            for name, domain in zip(names, domains, strict=True)
            for value in domain
        }
        found = np.full((1,) * len(self.names), -1, np.int8)
        for values in product(*domains):
            holds = evaluate(test, dict(zip(names, values, strict=True)))
            if holds is None:
                continue
            cell: Array = np.ones((1,) * len(self.names), np.bool_)
            for name, value in zip(names, values, strict=True):
                cell = self.both(cell, single[name, value])
            found = self.where(cell, int(holds), found)
        return found
