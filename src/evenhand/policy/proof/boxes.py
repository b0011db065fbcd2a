"""A decision table as axis-aligned boxes: each row is the set of inputs for which its tests hold, one side per column.

A column's values are cut into atoms (`classes.atoms`), numbered in their order with null first. A side is a set of atoms: 64 bits
where a column has few atoms, a range of their numbers where it has many; a side that is no range makes several boxes of its row.
What many rows have in common then comes from whole arrays at a time (`covering.py` finds what no row covers).

Boxes speak of the columns only. Where columns depend on one another (two read one fact, or an output of another table), an
answer "there is none" holds, and an example must still be confirmed: `exact` tells. A cell that is no set of values of its column
makes no box, and the table says so (`Undecided`).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenhand.policy.proof.classes import OTHER, atoms, probe
from evenhand.policy.proof.limits import Deadline, Undecided
from evenhand.policy.regions import Region, region
from evenhand.policy.tree import Expr, Read, Rule, Table
from evenhand.policy.types import Type

Array = NDArray[Any]
_BITS: Final = 62
# A row may fall into so many boxes.
_MOST_BOXES: Final = 512
_CHUNK: Final = 512


@dataclass(frozen=True, slots=True)
class Column:
    """An input column: what it reads, its atoms in order, and where its sides stand in the arrays."""

    operand: Expr
    atoms: tuple[Region, ...]
    # sides are bits of `masks`, else ranges in `lows` and `highs`
    bits: bool
    index: int
    # of integers: where each atom but null's begins
    starts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Box:
    """A set of inputs: bits and ranges of atoms, by column."""

    masks: Array
    lows: Array
    highs: Array


class Boxes:
    """The boxes of a table, in the order of its rows; `outputs` are names that are no facts."""

    def __init__(self, table: Table, outputs: Collection[str] = ()) -> None:
        self.table = table
        self._outputs = outputs
        regions = _regions(table)
        self.columns = _columns(table, regions)
        masks: list[list[int]] = []
        lows: list[list[int]] = []
        highs: list[list[int]] = []
        owners: list[int] = []
        # rows (as places in `table.rules`) with a side that holds nothing
        self.empty: list[int] = []
        seen: dict[tuple[int, Region | None], int | list[tuple[int, int]]] = {}
        for place in range(len(table.rules)):
            ranges: list[list[tuple[int, int]]] = []
            bits: list[int] = []
            for column, where in zip(self.columns, regions[place], strict=True):
                key = (id(column), where)
                side = seen.get(key)
                if side is None:
                    side = seen[key] = _side(column, where)
                if isinstance(side, int):
                    bits.append(side)
                else:
                    ranges.append(side)
            if not all(bits) or not all(ranges):
                self.empty.append(place)
                continue
            if prod(len(side) for side in ranges) > _MOST_BOXES:
                raise Undecided(f"row {table.rules[place].number} of {table.name} lists too many separate values")
            for chosen in product(*ranges):
                masks.append(bits)
                lows.append([low for low, _ in chosen])
                highs.append([high for _, high in chosen])
                owners.append(place)
        few = sum(column.bits for column in self.columns)
        self.masks: Array = np.array(masks, np.uint64).reshape(len(masks), few)
        self.lows: Array = np.array(lows, np.int32).reshape(len(lows), len(self.columns) - few)
        self.highs: Array = np.array(highs, np.int32).reshape(len(highs), len(self.columns) - few)
        # box -> place of its row
        self.owners: Array = np.array(owners, np.int32)

    @cached_property
    def exact(self) -> bool:
        """Whether every combination of values of the columns can occur: each reads a fact, and no two the same."""
        names = [column.operand.name if isinstance(column.operand, Read) else "" for column in self.columns]
        facts = [name for name in names if name and name not in self._outputs]
        return len(set(facts)) == len(names)

    @property
    def whole(self) -> Box:
        """All inputs there are."""
        few = [column for column in self.columns if column.bits]
        many = [column for column in self.columns if not column.bits]
        return Box(
            np.array([(1 << len(column.atoms)) - 1 for column in few], np.uint64),
            np.zeros(len(many), np.int32),
            np.array([len(column.atoms) - 1 for column in many], np.int32),
        )

    @property
    def known(self) -> Box:
        """All inputs in which no column is null."""
        whole = self.whole
        return Box(whole.masks & ~np.uint64(1), whole.lows + 1, whole.highs)

    def box(self, place: int) -> Box:
        return Box(self.masks[place], self.lows[place], self.highs[place])

    def sides(self, box: Box) -> list[tuple[Column, Region]]:
        """A box as regions of its columns."""
        found: list[tuple[Column, Region]] = []
        for column in self.columns:
            if column.bits:
                mask = int(box.masks[column.index])
                kept = [atom for bit, atom in enumerate(column.atoms) if mask >> bit & 1]
            else:
                kept = list(column.atoms[int(box.lows[column.index]) : int(box.highs[column.index]) + 1])
            found.append((column, union(column.operand.type, kept)))
        return found

    def meeting(self, box: Box, among: Array) -> Array:
        """Those of some boxes that share an input with a box."""
        hit = ((self.masks[among] & box.masks) != 0).all(1)
        hit &= ((self.lows[among] <= box.highs) & (self.highs[among] >= box.lows)).all(1)
        return among[hit]

    def overlaps(self, deadline: Deadline) -> Iterator[tuple[int, int]]:
        """Pairs of rows (places) that match a common input, the earlier one first."""
        count = len(self.owners)
        order = np.arange(count)
        for start in range(0, count, _CHUNK):
            deadline.keep()
            rows = order[start : start + _CHUNK]
            meet = rows[:, None] < order[None, :]
            for dimension in range(self.masks.shape[1]):
                side = self.masks[:, dimension]
                meet &= (side[rows, None] & side[None, :]) != 0
            for dimension in range(self.lows.shape[1]):
                low, high = self.lows[:, dimension], self.highs[:, dimension]
                meet &= low[rows, None] <= high[None, :]
                meet &= high[rows, None] >= low[None, :]
            left, right = np.nonzero(meet)
            pairs = np.stack((self.owners[rows[left]], self.owners[right]), 1)
            for one, other in dict.fromkeys(map(tuple, pairs.tolist())):
                if one != other:
                    yield one, other

    def shared(self, left: int, right: int) -> Box | None:
        """The inputs that two rows have in common, of their first boxes that meet."""
        for one in np.flatnonzero(self.owners == left).tolist():
            for other in self.meeting(self.box(one), np.flatnonzero(self.owners == right)).tolist():
                return self.meet(one, other)
        return None

    def meet(self, one: int, other: int) -> Box:
        """What two boxes that meet have in common."""
        return Box(
            self.masks[one] & self.masks[other],
            np.maximum(self.lows[one], self.lows[other]),
            np.minimum(self.highs[one], self.highs[other]),
        )

    def falling(self, column: int, figures: Array, deadline: Deadline) -> Iterator[tuple[int, int]]:
        """Pairs of rows, (less, more), for which a figure falls as the column's value rises and all else is equal.

        `figures` holds each row's figure. Exact where no two rows overlap: then these are all pairs that break the order.
        """
        side = self.columns[column]
        least, most, known = self._ends(side)
        count = len(self.owners)
        everything = np.arange(count)
        by_box = figures[self.owners]
        for start in range(0, count, _CHUNK):
            deadline.keep()
            rows = everything[start : start + _CHUNK]
            meet = (by_box[rows, None] > by_box[None, :]) & (least[rows, None] < most[None, :])
            meet &= known[rows, None] & known[None, :]
            for dimension in range(self.masks.shape[1]):
                if not (side.bits and side.index == dimension):
                    values = self.masks[:, dimension]
                    meet &= (values[rows, None] & values[None, :]) != 0
            for dimension in range(self.lows.shape[1]):
                if side.bits or side.index != dimension:
                    low, high = self.lows[:, dimension], self.highs[:, dimension]
                    meet &= (low[rows, None] <= high[None, :]) & (high[rows, None] >= low[None, :])
            left, right = np.nonzero(meet)
            pairs = zip(self.owners[rows[left]].tolist(), self.owners[right].tolist(), strict=True)
            yield from dict.fromkeys(pair for pair in pairs if pair[0] != pair[1])

    def _ends(self, side: Column) -> tuple[Array, Array, Array]:
        """Of each box the least and the greatest value of a side in its order, and whether it holds any but null."""
        if side.bits:
            masks = [int(mask) >> 1 for mask in self.masks[:, side.index]]
            first = np.array([(mask & -mask).bit_length() for mask in masks])
            last = np.array([mask.bit_length() for mask in masks])
        else:
            first, last = np.maximum(self.lows[:, side.index], 1), self.highs[:, side.index]
        # an atom of numbers holds many; one of an ordered choice is its own place
        lows = np.array(
            [0, *(atom.intervals[0][0] if atom.intervals else place for place, atom in enumerate(side.atoms[1:]))]
        )
        highs = np.array(
            [0, *(atom.intervals[0][1] if atom.intervals else place for place, atom in enumerate(side.atoms[1:]))]
        )
        return lows[first], highs[last], last > 0


def _regions(table: Table) -> list[list[Region | None]]:
    """The region of every cell; None for `-`."""
    known: dict[tuple[int, Expr], Region] = {}
    found: list[list[Region | None]] = []
    for rule in table.rules:
        row: list[Region | None] = []
        for place, (test, operand) in enumerate(zip(rule.tests, table.inputs, strict=True)):
            if test is None:
                row.append(None)
                continue
            where = known.get((place, test))
            if where is None:
                where = region(test, operand)
                if where is None:
                    raise Undecided(_unfit(table, rule, place))
                known[place, test] = where
            row.append(where)
        found.append(row)
    return found


def _unfit(table: Table, rule: Rule, place: int) -> str:
    return f"row {rule.number} of {table.name} compares {table.headers[place]} with something that is not fixed"


def _columns(table: Table, regions: list[list[Region | None]]) -> tuple[Column, ...]:
    found: list[Column] = []
    few = many = 0
    for place, operand in enumerate(table.inputs):
        cuts = list(dict.fromkeys(where for row in regions if (where := row[place]) is not None))
        made = atoms(operand.type, cuts)
        ordered = (made[-1], *made[:-1])  # null first
        bits = len(ordered) <= _BITS
        starts = tuple(atom.intervals[0][0] for atom in made[:-1]) if operand.type.counted else ()
        found.append(Column(operand, ordered, bits, few if bits else many, starts))
        few, many = few + bits, many + (not bits)
    return tuple(found)


def _side(column: Column, where: Region | None) -> int | list[tuple[int, int]]:
    """The atoms of a region: bits, or ranges of their numbers."""
    if where is None:
        ranges = [(0, len(column.atoms) - 1)]
    elif column.operand.type.counted:
        # atom n + 1 begins at starts[n]; null's is 0
        ranges = [
            (bisect_left(column.starts, low) + 1, bisect_right(column.starts, high)) for low, high in where.intervals
        ]
        if where.null:
            ranges = [(0, ranges[0][1]), *ranges[1:]] if ranges and ranges[0][0] == 1 else [(0, 0), *ranges]
    else:
        inside = [_holds(where, atom) for atom in column.atoms]
        edges = np.flatnonzero(np.diff(np.array([False, *inside, False], np.int8)))
        ranges = [(int(low), int(high) - 1) for low, high in zip(edges[::2], edges[1::2], strict=True)]
    return sum((1 << high + 1) - (1 << low) for low, high in ranges) if column.bits else ranges


def _holds(where: Region, atom: Region) -> bool:
    value = probe(atom)
    return where.others if value is OTHER else value in where


def union(kind: Type, parts: list[Region]) -> Region:
    """All that lies in one of the parts, which are atoms of one column."""
    found = Region(kind, any(part.null for part in parts))
    if kind.counted:
        merged: list[tuple[int, int]] = []
        for low, high in sorted(interval for part in parts for interval in part.intervals):
            if merged and low == merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], high)
            else:
                merged.append((low, high))
        return Region(kind, found.null, tuple(merged))
    for part in parts:
        found = found | part
    return found


def first(found: Iterator[tuple[int, int]], most: int) -> tuple[list[tuple[int, int]], bool]:
    """The first so many, and whether there are more."""
    kept = list(islice(found, most + 1))
    return kept[:most], len(kept) > most
