"""A whole policy over a grid of classes: what it rules for every combination of facts there can be, exactly and at once.

Each fact is an axis, each class of its values a place on it (`classes.py`). A condition is an array over the axes it depends on,
and so is an output; numpy's broadcasting combines them. An array holds numbers of *terms*: constants, or expressions over facts
that are the same for a whole cell, such as half of `application.amount`. Cuts are found while evaluating: a test that a class
straddles becomes a cut, and the evaluation starts again with finer classes.

Tests that relate several facts make no grid: that is said (`Undecided`), and left to Z3.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
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
    Arith,
    Compare,
    Const,
    Equal,
    Expr,
    Extreme,
    Formula,
    Gathered,
    If,
    In,
    Model,
    Not,
    Or,
    Quotient,
    Read,
    Table,
    TextTest,
    children,
    names_read,
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


class View:
    """One policy over a grid: the array of every output, and of the row that decided each table of one result."""

    def __init__(self, grid: Grid, model: Model) -> None:
        self.grid = grid
        self.model = model
        self.stamp = grid.stamp
        self.outputs: dict[str, Array] = {}
        # table -> number of the row that fired, 0 where none did; of tables of one result only
        self.rows: dict[str, Array] = {}
        for step in model.steps:
            grid.deadline.keep()
            if isinstance(step, Formula):
                self.outputs[step.name] = grid.values(step.value, self.outputs)
            else:
                self._table(step)

    def part(self, name: str) -> Array:
        """A part of the ruling."""
        return self.grid.values(self.model.ruling[name], self.outputs)

    def _matches(self, table: Table) -> list[Array]:
        grid = self.grid
        found: list[Array] = []
        for rule in table.rules:
            match = np.ones((1,) * len(grid.names), np.bool_)
            for test in rule.tests:
                if test is not None:
                    match = grid.both(match, grid.truth(test, self.outputs) == 1)
            found.append(match)
        return found

    def _table(self, table: Table) -> None:
        grid = self.grid
        matches = self._matches(table)
        columns = [
            [grid.values(rule.outputs[place], self.outputs) for rule in table.rules]
            for place in range(len(table.outputs))
        ]
        if table.hit not in ("U", "A", "P", "F"):
            for output, values in zip(table.outputs, columns, strict=True):
                self.outputs[output.name] = self._collected(table, matches, values, output.type)
            return
        nothing = np.full((1,) * len(grid.names), grid.null, np.int32)
        rows: Array = np.zeros((1,) * len(grid.names), np.int32)
        found = [nothing] * len(columns)
        count: Array = np.zeros((1,) * len(grid.names), np.int16)
        for place in range(len(matches) - 1, -1, -1):
            match = matches[place]
            rows = grid.where(match, table.rules[place].number, rows)
            found = [grid.where(match, values[place], one) for values, one in zip(columns, found, strict=True)]
            if table.hit == "U":
                count = count + match
        if table.hit == "U":
            blocked: Array = count > 1
        elif table.hit == "A":
            blocked = self._clash(matches, columns, found)
        else:
            blocked = np.zeros((1,) * len(grid.names), np.bool_)
        self.rows[table.name] = grid.where(blocked, 0, rows)
        for output, one in zip(table.outputs, found, strict=True):
            self.outputs[output.name] = grid.where(blocked, nothing, one)

    def _clash(self, matches: list[Array], columns: list[list[Array]], firsts: list[Array]) -> Array:
        """Where a row of a table with hit policy A says something else than the first that matches."""
        grid = self.grid
        clash: Array = np.zeros((1,) * len(grid.names), np.bool_)
        for values, first in zip(columns, firsts, strict=True):
            for match, value in zip(matches, values, strict=True):
                grid.where(match, value, first)  # for its size
                different = match & (value != first)
                for number in np.unique(np.where(different, value, grid.null)).tolist():
                    grid.constant(number)
                for number in np.unique(np.where(different, first, grid.null)).tolist():
                    grid.constant(number)
                clash = clash | different
        return clash

    def _collected(self, table: Table, matches: list[Array], values: list[Array], kind: Type) -> Array:
        grid = self.grid
        lists: Array = np.full((1,) * len(grid.names), grid.number(()), np.int32)
        for match, value in zip(matches, values, strict=True):
            numbers = np.unique(value)
            for number in numbers.tolist():
                longer = grid.mapped(lists, lambda term, n=number: grid.number((*_list(term), n)))
                lists = grid.where(match if len(numbers) == 1 else match & (value == number), longer, lists)
        figure = {"C+": "sum", "C<": "min", "C>": "max", "C#": "count"}.get(table.hit)
        if figure is None:
            return lists

        def figured(term: Term) -> int:
            content = [grid.terms[one] for one in _list(term)]
            if (
                figure == "sum"
                and content
                and all(
                    (isinstance(one, Const) and one.value is not None) or not isinstance(one, Const | tuple)
                    for one in content
                )
            ):
                total: Expr = Const(kind, 0)
                for one in content:
                    assert not isinstance(one, tuple)
                    total = grid.folded(Arith(kind, "+", total, one))
                return grid.number(total)
            return grid.number(Const(kind, gathered(figure, [grid.constant(one) for one in _list(term)])))

        return grid.mapped(lists, figured)


def _list(term: Term) -> tuple[int, ...]:
    assert isinstance(term, tuple)
    return term


def rebuilt(expr: Expr, operands: Sequence[Expr]) -> Expr:
    """An expression with other operands; constants take the types of those they replace."""
    kept = [
        Const(child.type, operand.value) if isinstance(operand, Const) else operand
        for child, operand in zip(children(expr), operands, strict=True)
    ]
    match expr:
        case Const() | Read() | Gathered():
            return expr
        case If():
            return If(expr.type, kept[0], kept[1], kept[2])
        case And() | Or() | Extreme():
            return replace(expr, operands=tuple(kept))
        case Arith() | Quotient() | Compare() | Equal() | TextTest():
            return replace(expr, left=kept[0], right=kept[1])
        case _:
            return replace(expr, operand=kept[0])
