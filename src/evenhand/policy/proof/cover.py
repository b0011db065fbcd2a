"""Few large boxes that cover marked cells of a grid: from millions of combinations to a table that people read.

Places of an axis that no cell tells apart are first put together; then boxes are grown from uncovered cells, along one axis after
the other, as far as all cells they take are marked alike. Boxes may overlap where they say the same.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evenhand.policy.proof.boxes import union
from evenhand.policy.proof.grid import Grid
from evenhand.policy.regions import Region, everything

Array = NDArray[Any]
MOST_BOXES: Final = 200


@dataclass(frozen=True, slots=True)
class Patch:
    """A box of cells marked alike: the facts it restricts, each with its values."""

    mark: int
    sides: dict[str, Region]
    # a cell of it, by fact: a region of values that are ruled alike
    cell: dict[str, Region]


def patches(grid: Grid, marks: Array, most: int = MOST_BOXES) -> tuple[list[Patch], bool]:
    """Boxes that cover every cell whose mark is not 0, and whether there are more than so many."""
    marks, groups = _merged(grid, marks)
    found: list[Patch] = []
    open_cells = marks != 0
    while True:
        flat = int(np.argmax(open_cells))
        if not open_cells.flat[flat]:
            return found, False
        if len(found) == most:
            return found, True
        grid.deadline.keep()
        place = tuple(int(one) for one in np.unravel_index(flat, marks.shape))
        axes = list(range(marks.ndim))
        boxes = [
            _grown(marks, place, order) for order in (axes, axes[::-1], sorted(axes, key=lambda a: marks.shape[a]))
        ]
        box = max(boxes, key=lambda one: int(np.count_nonzero(open_cells[np.ix_(*one)])))
        open_cells[np.ix_(*box)] = False
        sides: dict[str, Region] = {}
        cell: dict[str, Region] = {}
        for axis, name in enumerate(grid.names):
            kind = grid.facts[name]
            cell[name] = groups[axis][place[axis]]
            if len(box[axis]) < marks.shape[axis]:
                where = union(kind, [groups[axis][one] for one in box[axis].tolist()])
                if where != everything(kind):
                    sides[name] = where
        found.append(Patch(int(marks[place]), sides, cell))


def _merged(grid: Grid, marks: Array) -> tuple[Array, list[list[Region]]]:
    """The marks with equal slices put together, and what each place of an axis stands for."""
    groups: list[list[Region]] = []
    for axis, name in enumerate(grid.names):
        kind = grid.facts[name]
        regions = [one.region for one in grid.classes_of(name)]
        if marks.shape[axis] == 1:
            groups.append([everything(kind)])
            continue
        members: dict[bytes, list[int]] = {}
        for place, one in enumerate(np.moveaxis(marks, axis, 0)):
            members.setdefault(one.tobytes(), []).append(place)
        marks = np.take(marks, [group[0] for group in members.values()], axis)
        groups.append([union(kind, [regions[one] for one in group]) for group in members.values()])
    return marks, groups


def _grown(marks: Array, place: tuple[int, ...], order: list[int]) -> list[Array]:
    box = [np.array([one]) for one in place]
    mark = marks[place]
    for axis in order:
        box[axis] = np.arange(marks.shape[axis])
        alike = marks[np.ix_(*box)] == mark
        others = tuple(one for one in range(marks.ndim) if one != axis)
        box[axis] = np.flatnonzero(alike.all(others))
    return box
