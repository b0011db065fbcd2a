"""What no row covers: gaps of a table, and whether earlier rows leave anything of a later one.

A box is halved where that leaves the fewest rows on both sides, until a half is covered by one row whole, or meets no row at all:
then it is a gap. Tables made by people or grown as decision trees come apart in about as many halvings as they have rows; for
others the number of halvings is bounded, and an answer that would need more is `Undecided`. A gap that is found is stretched as
far as no row is in the way, so that it reads like a row of the table.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenhand.policy.proof.boxes import Box, Boxes
from evenhand.policy.proof.limits import Deadline, Undecided

Array = NDArray[Any]
MOST_HALVINGS: Final = 400_000


class Covering:
    """Finds what the boxes of a table leave uncovered."""

    def __init__(self, boxes: Boxes, deadline: Deadline) -> None:
        self._boxes = boxes
        self._deadline = deadline
        self._halvings = 0
        count = boxes.lows.shape[1]
        # keeps the columns apart when all of them are searched at once
        self._apart = (np.arange(count, dtype=np.int64) << 32)[None, :]

    def gaps(self, most: int, within: Box | None = None) -> tuple[list[Box], bool]:
        """The first so many gaps of the table, stretched, and whether there may be more; among all inputs unless told."""
        boxes = self._boxes
        within = within or boxes.whole
        everything = np.arange(len(boxes.owners))
        found: list[Box] = []
        more = False
        for gap in self.uncovered(within, boxes.meeting(within, everything)):
            if any(inside(gap, known) for known in found):
                continue
            if len(found) == most:
                more = True
                break
            found.append(self.stretched(gap, everything, within))
        return found, more

    def hidden(self, place: int) -> bool:
        """Whether the rows before one (a place in the table) cover all of it."""
        boxes = self._boxes
        earlier = np.flatnonzero(boxes.owners < place)
        for one in np.flatnonzero(boxes.owners == place).tolist():
            box = boxes.box(one)
            if next(islice(self.uncovered(box, boxes.meeting(box, earlier)), 1), None) is not None:
                return False
        return True

    def uncovered(self, box: Box, rows: Array) -> Iterator[Box]:
        """Parts of a box that none of some boxes, all of which meet it, covers."""
        stack = [(box, rows)]
        boxes = self._boxes
        while stack:
            box, rows = stack.pop()
            if not len(rows):
                yield box
                continue
            masks, lows, highs = boxes.masks[rows], boxes.lows[rows], boxes.highs[rows]
            open_bits = (box.masks & ~masks) != 0
            open_ranges = (lows > box.lows) | (highs < box.highs)
            if not (open_bits.any(1) | open_ranges.any(1)).all():
                continue
            self._halvings += 1
            if self._halvings > MOST_HALVINGS:
                raise Undecided("its rows intertwine too much")
            if not self._halvings % 256:
                self._deadline.keep()
            stack += list(self._halved(box, rows, masks, lows, highs, open_bits))

    def _halved(
        self, box: Box, rows: Array, masks: Array, lows: Array, highs: Array, open_bits: Array
    ) -> list[tuple[Box, Array]]:
        best = None
        cost = np.inf
        for dimension in np.flatnonzero(open_bits.any(0)).tolist():
            side = masks[:, dimension] & box.masks[dimension]
            for mask in np.unique(side).tolist():
                rest = int(box.masks[dimension]) & ~mask
                if not rest:
                    continue
                left = np.count_nonzero(side & np.uint64(mask))
                right = np.count_nonzero(side & np.uint64(rest))
                if left * left + right * right < cost:
                    cost, best = left * left + right * right, (True, dimension, mask)
        if lows.shape[1]:
            found = self._range_cut(box, lows, highs)
            if found is not None and found[0] < cost:
                best = (False, found[1], found[2])
        assert best is not None
        bits, dimension, at = best
        if bits:
            side = masks[:, dimension]
            one, other = np.uint64(at), box.masks[dimension] & ~np.uint64(at)
            first, second = box.masks.copy(), box.masks.copy()
            first[dimension], second[dimension] = one, other
            return [
                (replace(box, masks=second), rows[(side & other) != 0]),
                (replace(box, masks=first), rows[(side & one) != 0]),
            ]
        below, above = box.highs.copy(), box.lows.copy()
        below[dimension], above[dimension] = at - 1, at
        return [
            (replace(box, lows=above), rows[highs[:, dimension] >= at]),
            (replace(box, highs=below), rows[lows[:, dimension] < at]),
        ]

    def _range_cut(self, box: Box, lows: Array, highs: Array) -> tuple[float, int, int] | None:
        """The cut (column, atom) of a range that leaves the fewest rows on both sides, with its cost."""
        count = len(lows)
        # cut where a row begins or ends; before anything, after everything is no cut
        edges = np.sort(np.concatenate((lows, highs + 1)), 0)
        valid = (edges > box.lows) & (edges <= box.highs)
        if not valid.any():
            return None
        starts = np.sort(lows, 0)
        stops = np.sort(highs, 0)
        shift = np.arange(lows.shape[1])[None, :] * count
        keys = (edges + self._apart).ravel("F")
        left = np.searchsorted((starts + self._apart).ravel("F"), keys).reshape(edges.shape, order="F") - shift
        right = count - (
            np.searchsorted((stops + self._apart).ravel("F"), keys).reshape(edges.shape, order="F") - shift
        )
        costs = np.where(valid, left * left + right * right, np.iinfo(np.int64).max)
        place = int(np.argmin(costs))
        row, dimension = divmod(place, lows.shape[1])
        return float(costs[row, dimension]), dimension, int(edges[row, dimension])

    def stretched(self, gap: Box, rows: Array, whole: Box) -> Box:
        """The gap, stretched along one column after the other until a row is in the way."""
        boxes = self._boxes
        masks, lows, highs = gap.masks.copy(), gap.lows.copy(), gap.highs.copy()
        bits_meet = (boxes.masks[rows] & masks) != 0
        ranges_meet = (boxes.lows[rows] <= highs) & (boxes.highs[rows] >= lows)
        # how many columns keep a row out; the last to do so must stay
        misses = (~bits_meet).sum(1) + (~ranges_meet).sum(1)
        for dimension in range(len(masks)):
            near = rows[(misses - ~bits_meet[:, dimension]) == 0]
            taken = int(np.bitwise_or.reduce(boxes.masks[near, dimension])) if len(near) else 0
            masks[dimension] = np.uint64(int(whole.masks[dimension]) & ~taken)
            meet = (boxes.masks[rows, dimension] & masks[dimension]) != 0
            misses = misses - ~bits_meet[:, dimension] + ~meet
            bits_meet[:, dimension] = meet
        for dimension in range(len(lows)):
            near = rows[(misses - ~ranges_meet[:, dimension]) == 0]
            below = boxes.highs[near, dimension][boxes.highs[near, dimension] < lows[dimension]]
            above = boxes.lows[near, dimension][boxes.lows[near, dimension] > highs[dimension]]
            lows[dimension] = below.max() + 1 if len(below) else whole.lows[dimension]
            highs[dimension] = above.min() - 1 if len(above) else whole.highs[dimension]
            meet = (boxes.lows[rows, dimension] <= highs[dimension]) & (boxes.highs[rows, dimension] >= lows[dimension])
            misses = misses - ~ranges_meet[:, dimension] + ~meet
            ranges_meet[:, dimension] = meet
        return Box(masks, lows, highs)


def inside(small: Box, large: Box) -> bool:
    """Whether a box lies in another."""
    return bool(
        ((small.masks & ~large.masks) == 0).all()
        and (small.lows >= large.lows).all()
        and (small.highs <= large.highs).all()
    )
