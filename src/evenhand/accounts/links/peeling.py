"""The densest part of a graph of disputes, by peeling.

Rows are buyers, columns are stores (in some weeks), an edge is a buyer who disputed with a store. A group that acts together is a
block of rows and columns with unusually many edges inside. FRAUDAR (Hooi et al., KDD 2016) scores a block S by

    f(S) = (sum of the edges inside) / (number of its nodes)

where an edge into column j counts 1/ln(d_j + 5), d_j being the column's degree, and takes away the node that contributes least,
over and over; the densest set on the way is the answer.

That finds whoever disputes most: people who claim everywhere are dense with all stores, and agree on none. So from the edges
inside we take off what there would be if everybody disputed as much as they do, but where everybody does: of d_i * d_j / m for
each buyer i and store j in the block, m being all edges (Newman's modularity, 2004), `OFF` tenths.

What a node contributes depends on that too, and where much is taken off, nearly nothing tells the nodes of the whole graph apart:
with ten tenths each contributes exactly nothing. So peeling is done in several orders (`ORDERS`), by contributions from which
none, some, or all of it is taken off, and of what they pass the densest counts.

A large graph is peeled a fifth of its nodes at a time (as in Bahmani et al. 2012) until it is small; the rest node by node, on a
dense matrix. Weights are integers (2^-10ths), so sums are exact and the answer depends on no order of adding.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from evenhand.accounts.links.grouping import Bools, Ints

# What a weight of 1 is.
UNIT: Final = 1 << 10
# Tenths of what is expected that are taken off.
OFF: Final = 9
# The same for the orders of peeling: FRAUDAR's, ours, and one between.
ORDERS: Final = (0, 5, 9)
# FRAUDAR's constant: a column of one edge counts 1/ln(6), not infinitely much.
_SMOOTHING: Final = 5
# From so many nodes on they leave one by one.
EXACT: Final = 1_000
# More than any node contributes: up to ten million edges every sum here is below it.
_GONE: Final = 1 << 61


@dataclass(frozen=True, slots=True)
class Block:
    """A dense part of the graph."""

    rows: Ints
    columns: Ints
    density: float


@dataclass(frozen=True, slots=True)
class Graph:
    """A bipartite graph, each edge once."""

    rows: int
    columns: int
    # per edge: its ends, and its weight in units
    row: Ints
    column: Ints
    weight: Ints

    @classmethod
    def of(cls, row: Ints, column: Ints, times: Ints, degree: Ints | None = None) -> "Graph":
        """The graph of (row, column) pairs, each given once, with how many `times` it happened.

        An edge counts log2(1 + times)/ln(d_j + 5). `degree` is d_j per column, where the graph is a part of a larger one.
        """
        rows, columns = int(row.max(initial=-1)) + 1, int(column.max(initial=-1)) + 1
        degree = np.bincount(column, minlength=columns) if degree is None else degree
        weight = np.log2(1.0 + times) / np.log(degree + _SMOOTHING)[column]
        return cls(rows, columns, row, column, np.rint(weight * UNIT).astype(np.int64))


@dataclass(frozen=True, slots=True)
class _Part:
    """What is left of a graph while it is peeled: which nodes, and the edges between them."""

    rows: Bools
    columns: Bools
    row: Ints
    column: Ints
    weight: Ints


class _Peel:
    """How parts of a graph are measured: whole numbers, in units times ten times the weight of all edges."""

    def __init__(self, graph: Graph, off: int) -> None:
        self.off = off
        self.scale = 10 * int(graph.weight.sum())
        # weight of each node's edges in the whole graph
        self.of_row = _sums(graph.row, graph.weight, graph.rows)
        self.of_column = _sums(graph.column, graph.weight, graph.columns)
        self.whole = _Part(self.of_row > 0, self.of_column > 0, graph.row, graph.column, graph.weight)

    def held(self, inside: int, rows: int, columns: int) -> int:
        """What a part holds, by the weight of its edges, of all edges of its rows, and of all of its columns. Its density is that
        over its count of nodes."""
        return self.scale * inside - self.off * rows * columns

    def weights(self, part: _Part) -> tuple[int, int, int]:
        """What `held` takes."""
        rows, columns = self.of_row[part.rows], self.of_column[part.columns]
        return int(part.weight.sum()), int(rows.sum()), int(columns.sum())


def densest(graph: Graph, off: int = OFF, orders: tuple[int, ...] = ORDERS) -> Block:
    """The densest block that peeling passes; of equally dense ones the smallest. Empty for a graph without weight.

    `off` is how many tenths of what is expected are taken off in measuring, `orders` the same for each order of peeling; 0 and
    (0,) are FRAUDAR's.
    """
    peel = _Peel(graph, off)
    best, held, size = peel.whole, 0, 1
    for order in orders:
        for part, now in _passed(peel, order):
            if now * size >= held * _count(part):
                best, held, size = part, now, _count(part)
    density = held / size / (peel.scale * UNIT) if held > 0 else 0.0
    return Block(np.flatnonzero(best.rows & (density > 0)), np.flatnonzero(best.columns & (density > 0)), density)


def _passed(peel: _Peel, order: int) -> Iterator[tuple[_Part, int]]:
    """What peeling passes, and what each holds; of the sets that are left node by node only the densest."""
    part = peel.whole
    while (nodes := _count(part)) > EXACT:
        inside, of_rows, of_columns = peel.weights(part)
        yield part, peel.held(inside, of_rows, of_columns)
        rows = peel.scale * _sums(part.row, part.weight, len(part.rows)) - order * of_columns * peel.of_row
        columns = peel.scale * _sums(part.column, part.weight, len(part.columns)) - order * of_rows * peel.of_column
        given = np.concatenate([rows[part.rows], columns[part.columns]])
        # gone are those that contribute no more than the fifth that contributes least
        most = np.partition(given, nodes // 5)[nodes // 5]
        part = _among(part, part.rows & (rows > most), part.columns & (columns > most))
    if nodes:
        yield _one_by_one(peel, part, order)


def _one_by_one(peel: _Peel, part: _Part, order: int) -> tuple[_Part, int]:
    """Peel a small part node by node: the densest set on the way, and what it holds."""
    rows, columns = np.flatnonzero(part.rows), np.flatnonzero(part.columns)
    matrix = np.zeros((len(rows), len(columns)), dtype=np.int64)
    matrix[np.searchsorted(rows, part.row), np.searchsorted(columns, part.column)] = part.weight
    # of each node: the weight of its edges to what is left, and of all
    left_row, left_column = matrix.sum(axis=1), matrix.sum(axis=0)
    of_row, of_column = peel.of_row[rows], peel.of_column[columns]
    inside, of_rows, of_columns = peel.weights(part)
    best, held, size = 0, peel.held(inside, of_rows, of_columns), len(rows) + len(columns)
    # what is gone contributes more than anything that is there
    row_gone, column_gone = np.zeros(len(rows), np.int64), np.zeros(len(columns), np.int64)
    gone: list[int] = []
    for nodes in range(len(rows) + len(columns) - 1, 0, -1):
        row_gives = peel.scale * left_row - order * of_columns * of_row + row_gone
        column_gives = peel.scale * left_column - order * of_rows * of_column + column_gone
        row, column = _least(row_gives), _least(column_gives)
        # of equal ones a row leaves first
        if column < 0 or (row >= 0 and row_gives[row] <= column_gives[column]):
            gone.append(row)
            inside, of_rows = inside - int(left_row[row]), of_rows - int(of_row[row])
            left_column -= matrix[row]
            row_gone[row] = _GONE
        else:
            gone.append(len(rows) + column)
            inside, of_columns = inside - int(left_column[column]), of_columns - int(of_column[column])
            left_row -= matrix[:, column]
            column_gone[column] = _GONE
        now = peel.held(inside, of_rows, of_columns)
        if now * size >= held * nodes:
            best, held, size = len(gone), now, nodes
    stays = np.ones(len(rows) + len(columns), dtype=np.bool_)
    stays[gone[:best]] = False
    in_rows, in_columns = np.zeros_like(part.rows), np.zeros_like(part.columns)
    in_rows[rows[stays[: len(rows)]]] = True
    in_columns[columns[stays[len(rows) :]]] = True
    return _among(part, in_rows, in_columns), held


def _least(given: Ints) -> int:
    return int(given.argmin()) if len(given) else -1


def _among(part: _Part, rows: Bools, columns: Bools) -> _Part:
    """The part between these nodes."""
    stays = rows[part.row] & columns[part.column]
    return _Part(rows, columns, part.row[stays], part.column[stays], part.weight[stays])


def _count(part: _Part) -> int:
    return int(np.count_nonzero(part.rows) + np.count_nonzero(part.columns))


def _sums(place: Ints, weight: Ints, count: int) -> Ints:
    # sums of whole numbers below 2^53 are exact in floating point too
    return np.bincount(place, weight, count).astype(np.int64)
