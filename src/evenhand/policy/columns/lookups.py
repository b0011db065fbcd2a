"""The row that decides, found by looking it up: for engines that work on whole vectors, where a lookup costs less than a branch.

The tests of all tables cut the values of an operand into *classes* that no test tells apart: a score below 4.00, from 4.00, from
4.50, and null. Each operand is classed once, by a number from 1. A small table is then one list of rows, read at the place
that the classes of its operands make together. For a larger one each class of each operand stands for a set of rows that
it may belong to, as bits; the sets of all operands together leave the rows that match, and the lowest bit is the first of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Final

from sqlglot import exp

from evenhand.policy.columns import sql
from evenhand.policy.columns.expressions import Expressions
from evenhand.policy.columns.sql import Sql
from evenhand.policy.regions import Region
from evenhand.policy.sides import disjoint, sides
from evenhand.policy.tree import Const, Expr, In, Model, Read, Table
from evenhand.policy.types import Type, Value

# the longest list that is read at one place
_CELLS: Final = 512
# Rows of a set that fits an INTEGER, a BIGINT (the sign is left alone), and of a table that is looked up at all: beyond, the sets
# are so many that conditions one after another, each over what the ones before left, are no slower.
_SMALL_SET: Final = 30
_SET: Final = 62
_ROWS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of an operand: `points` has a value of each, in the order of their numbers."""

    points: tuple[Value, ...]
    # of integers: where each class but the first begins; of strings and booleans: the values that are a class of their own
    cuts: tuple[Value, ...]


def classes(kind: Type, regions: Iterable[Region]) -> Classes:
    """The coarsest classes that none of the regions cuts."""
    regions = tuple(dict.fromkeys(regions))
    if kind.counted:
        ends = {end for one in regions for low, high in one.intervals for end in (low, high + 1)}
        cuts = tuple(sorted(ends - {kind.low, kind.high + 1}))
        return Classes((kind.low, *cuts, None), cuts)
    if kind.kind == "boolean":
        apart = any((False in one) != (None in one) for one in regions)
        return Classes((True, False, None), (True, False)) if apart else Classes((True, None), (True,))
    if kind.values:
        return Classes((*kind.values, None), kind.values)
    named = tuple(sorted({str(value) for one in regions for value in one.values}))
    # longer than every value named, so none of them
    other = "".join(named) + "?"
    apart = any((other in one) != (None in one) for one in regions)
    return Classes((*named, other, None) if apart else (*named, None), named)


class Lookups(Expressions):
    """Adds the number of the row that decides to expressions."""

    def _gather(self, model: Model) -> None:
        """Collect what the tests of all tables tell apart."""
        regions: dict[Expr, list[Region]] = {}
        for step in model.steps:
            if isinstance(step, Table):
                for rule in step.rules:
                    for operand, where in sides(rule)[0].items():
                        regions.setdefault(operand, []).append(where)
        self._classes = {operand: classes(operand.type, found) for operand, found in regions.items()}
        self._class_columns: dict[Expr, str] = {}

    def _looked_up(self, table: Table) -> Sql | None:
        """The number of the row that decides, as `_deciding` gives it; None where it is better found otherwise."""
        if len(table.rules) > _ROWS:
            return None
        found = [sides(rule) for rule in table.rules]
        regions, odd = [one for one, _ in found], [one for _, one in found]
        operands = list(dict.fromkeys(operand for side in regions for operand in side))
        if sum(len(side) for side in regions) <= 2 * len(operands) and (table.hit != "U" or disjoint(table.rules)):
            return None
        if not any(odd) and prod(len(self._points(operand)) for operand in operands) <= _CELLS:
            return self._by_cell(table, operands, regions)
        return self._by_sets(table, operands, regions, odd)

    def _by_cell(self, table: Table, operands: Sequence[Expr], sides: Sequence[dict[Expr, Region]]) -> Sql:
        """One list of rows, the classes of the first operand counting fastest."""
        none = len(table.rules) + 1
        rows: list[int] = []
        for cell in product(*(self._points(operand) for operand in reversed(operands))):
            at = dict(zip(operands, reversed(cell), strict=True))
            hits = [
                rule.number
                for rule, side in zip(table.rules, sides, strict=True)
                if all(at[operand] in where for operand, where in side.items())
            ]
            rows.append(none if not hits or (table.hit == "U" and len(hits) > 1) else hits[0])
        place: Sql = sql.number(1)
        step = 1
        parts: list[Sql] = []
        for operand in operands:
            code = self._class(operand)
            parts.append(sql.binary(exp.Mul, code, sql.number(step)) if step > 1 else code)
            step *= len(self._points(operand))
        if not parts:
            return sql.number(rows[0])
        before = 0
        step = 1
        for operand in operands[:-1]:
            step *= len(self._points(operand))
            before += step
        place = sql.joined(exp.Add, parts, sql.number(0))
        return _at(rows, sql.binary(exp.Sub, place, sql.number(before)) if before else place)

    def _by_sets(
        self,
        table: Table,
        operands: Sequence[Expr],
        sides: Sequence[dict[Expr, Region]],
        odd: Sequence[Sequence[Expr]],
    ) -> Sql:
        """Sets of rows as bits, as many sets as the rows need; one bit more, always left, says that no row matched."""
        none = len(table.rules) + 1
        size = none if none <= _SMALL_SET else _SET
        wide = none > _SMALL_SET
        sets: list[Sql] = []
        for start in range(0, none, size):
            places = range(start, min(start + size, none))
            full = (1 << len(places)) - 1
            parts: list[Sql] = []
            for operand in operands:
                masks = [
                    sum(
                        1 << bit
                        for bit, place in enumerate(places)
                        if place == none - 1 or operand not in sides[place] or point in sides[place][operand]
                    )
                    for point in self._points(operand)
                ]
                if any(mask != full for mask in masks):
                    parts.append(_at(masks, self._class(operand), wide))
            tests: dict[Expr, int] = {}
            for bit, place in enumerate(places):
                for test in odd[place] if place < none - 1 else ():
                    tests[test] = tests.get(test, 0) | 1 << bit
            for test, bits in tests.items():
                branch = (self._true(test), _number(full, wide))
                parts.append(sql.case([branch], _number(full & ~bits, wide)))
            left = sql.joined(exp.BitwiseAnd, parts, _number(full, wide))
            sets.append(sql.stepped(self._layers.bind("left", left)))
        found = _lowest(sets[-1])
        if len(sets) > 1:
            branches = [(sql.binary(exp.NEQ, one, sql.number(0)), _lowest(one)) for one in sets[:-1]]
            shifted = [
                (condition, sql.binary(exp.Add, place, sql.number(size * number)) if number else place)
                for number, (condition, place) in enumerate(branches)
            ]
            found = sql.case(shifted, sql.binary(exp.Add, found, sql.number(size * (len(sets) - 1))))
        if table.hit == "U":
            count = sql.joined(
                exp.Add, [sql.cast(sql.call("BIT_COUNT", one.copy()), "int") for one in sets], sql.number(0)
            )
            # the bit that is always left, and one row
            found = sql.case([(sql.binary(exp.LTE, count, sql.number(2)), found)], sql.number(none))
        order = [rule.number for rule in table.rules]
        return found if order == sorted(order) else _at([*order, none], found)

    def _member(self, expr: In, holds: bool) -> Sql:
        operand, kind = expr.operand, expr.operand.type
        by_row = isinstance(operand, Read) and operand.name in self._by_row
        if not self._dialect.vectors or by_row or not kind.values or kind.many or operand not in self._classes:
            return super()._member(expr, holds)
        numbers = [number for number, value in enumerate(self._classes[operand].points, 1) if value in expr.values]
        member = self._dialect.numbered(self._class(operand), numbers, len(kind.values) + 1)
        return member if holds else sql.negation(member)

    def _points(self, operand: Expr) -> Sequence[Value]:
        """A value of each class of an operand."""
        if isinstance(operand, Read) and operand.name in self._by_row:
            table, place = self._made(operand.name)
            given = {rule.number: rule.outputs[place] for rule in table.rules}
            values = [given[number] for number in sorted(given)]
            return [*(value.value if isinstance(value, Const) else None for value in values), None]
        return self._classes[operand].points

    def _class(self, operand: Expr) -> Sql:
        """The number of an operand's class, from 1; null for a choice that is none of its values."""
        if isinstance(operand, Read) and operand.name in self._by_row:
            # an output whose values are written out is known by the row that gave it
            return sql.stepped(self._by_row[operand.name])
        if operand not in self._class_columns:
            name = f"{operand.name} class" if isinstance(operand, Read) else "class"
            self._class_columns[operand] = self._layers.bind(name, self._classed(operand))
        return sql.stepped(self._class_columns[operand])

    def _classed(self, operand: Expr) -> Sql:
        found = self._classes[operand]
        value = self._atom(operand)
        last = sql.number(len(found.points))
        if operand.type.counted:
            return _between(value, found.cuts, 1, last)
        if operand.type.kind == "boolean":
            branches = [
                (sql.one_of(value.copy(), (cut,)), sql.number(place)) for place, cut in enumerate(found.cuts, 1)
            ]
            return sql.case(branches, last)
        if operand.type.values:
            # a function, which DuckDB asks once for each entry of a column's dictionary
            listed = [sql.literal(one) for one in found.points]
            return sql.call("LIST_POSITION", exp.Array(expressions=listed), value)
        others = sql.number(len(found.cuts) + 1)
        if len(found.points) - len(found.cuts) > 1:
            others = _known(value.copy(), others, last)
        branches = [(sql.one_of(value.copy(), (cut,)), sql.number(place)) for place, cut in enumerate(found.cuts, 1)]
        return sql.case(branches, others) if branches else others


def _between(value: Sql, cuts: Sequence[Value], first: int, null: Sql | None) -> Sql:
    """The number of the class that a value falls into; null passes every comparison and comes last."""
    if not cuts:
        found = sql.number(first)
        return found if null is None else _known(value, found, null)
    half = len(cuts) // 2
    below = sql.binary(exp.LT, value, sql.literal(cuts[half]))
    left = _between(value.copy(), cuts[:half], first, None)
    return sql.case([(below, left)], _between(value.copy(), cuts[half + 1 :], first + half + 1, null))


def _known(value: Sql, known: Sql, null: Sql) -> Sql:
    return sql.case([(sql.is_null(value), null)], known)


def _lowest(left: Sql) -> Sql:
    """The place of the lowest bit, from 1: what subtracting one turns over."""
    less = sql.binary(exp.Sub, left.copy(), sql.number(1))
    # counts of bits are the smallest integers: places in later sets are beyond them
    return sql.cast(sql.call("BIT_COUNT", sql.call("XOR", left.copy(), less)), "int")


def _at(numbers: Sequence[int], place: Sql, wide: bool = False) -> Sql:
    """The number at a place, from 1."""
    listed: Sql = exp.Array(expressions=[sql.number(one) for one in numbers])
    listed = sql.cast(listed, f"array<{'bigint' if wide else 'int'}>")
    return exp.Bracket(this=exp.Paren(this=listed), expressions=[place], offset=1)


def _number(value: int, wide: bool) -> Sql:
    return sql.cast(sql.number(value), "bigint") if wide else sql.number(value)
