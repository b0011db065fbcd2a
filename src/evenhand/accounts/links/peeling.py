"""Groups that act together, found by peeling the graph of disputes.

Rows are buyers, columns are stores, an edge is a buyer who disputed with a store. A ring of abusers is a block of rows and
columns with unusually many edges inside. FRAUDAR (Hooi et al., KDD 2016) scores a block S by

    f(S) = (sum of its nodes' suspicion + sum of the edges inside) / (number of its nodes)

where an edge into column j counts 1/ln(d_j + 5), d_j being the column's degree. Complaints about a store that everybody complains
about count little, so honest edges added as camouflage do not hide a block: they make no other edge count less. Taking away the
node that contributes least, over and over, passes a block at least half as dense as the densest there is (Charikar 2000).

Taken literally that is a million steps of a queue. But peeling passes exactly through every *t-core*, the largest set of nodes
that each contribute at least t; and a set with density r only gets denser while nodes below r leave. So whole layers are
taken away at once, with arrays, and only the core at the best density seen is peeled node by node: the answer is the same, node
for node.

Weights are integers (2^-20ths), so sums are exact and the answer depends on no order of adding.
"""

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenhand.accounts.links.grouping import Ints

Floats = NDArray[np.float64]

# What a weight of 1 is.
UNIT: Final = 1 << 20
# FRAUDAR's constant: a column of one edge counts 1/ln(6), not infinitely much.
_SMOOTHING: Final = 5
# Layers are tried at thresholds that grow by a twentieth.
_STEP: Final = 20
# A core with more edges than this is not peeled node by node: no ring is so large, and the core itself is at least 1/2.1 as dense
# as the densest block.
GREEDY_EDGES: Final = 200_000


@dataclass(frozen=True, slots=True)
class Block:
    """A dense part of the graph."""

    rows: Ints
    columns: Ints
    density: float


@dataclass(slots=True)
class Graph:
    """A bipartite graph, each edge once from either side; nodes are the rows, then the columns."""

    rows: int
    columns: int
    # per edge: its ends, and its weight in units
    row: Ints
    column: Ints
    weight: Ints
    # per node, in units
    suspicion: Ints

    @classmethod
    def of(cls, row: Ints, column: Ints, times: Ints, suspicion: Floats | None = None) -> "Graph":
        """The graph of (row, column) pairs, each given once, with how many `times` it happened.

        An edge counts log2(1 + times)/ln(d_j + 5). `suspicion` is per row, in the same measure; none is 0.
        """
        rows, columns = int(row.max(initial=-1)) + 1, int(column.max(initial=-1)) + 1
        degree = np.bincount(column, minlength=columns)
        weight = np.log2(1.0 + times) / np.log(degree + _SMOOTHING)[column]
        prior = np.zeros(rows + columns, dtype=np.int64)
        if suspicion is not None:
            prior[:rows] = np.rint(suspicion[:rows] * UNIT)
        return cls(rows, columns, row, column, np.rint(weight * UNIT).astype(np.int64), prior)

    def without(self, block: Block) -> "Graph":
        """The graph without the edges inside a block."""
        in_rows, in_columns = np.zeros(self.rows, dtype=np.bool_), np.zeros(self.columns, dtype=np.bool_)
        in_rows[block.rows], in_columns[block.columns] = True, True
        kept = ~(in_rows[self.row] & in_columns[self.column])
        return Graph(self.rows, self.columns, self.row[kept], self.column[kept], self.weight[kept], self.suspicion)

    def shuffled(self, generator: np.random.Generator) -> "Graph":
        """The same rows and columns with the same degrees, but edges dealt at random: what chance alone makes."""
        places = generator.permutation(len(self.row))
        # a pair that is dealt twice is one edge
        _, kept = np.unique(self.row * self.columns + self.column[places], return_index=True)
        places = places[kept]
        return Graph(self.rows, self.columns, self.row[kept], self.column[places], self.weight[places], self.suspicion)


class _Peel:
    """The graph while layers are taken away: what is alive, and what each node contributes to it."""

    def __init__(self, graph: Graph) -> None:
        nodes = graph.rows + graph.columns
        ends = np.concatenate([graph.row, graph.column + graph.rows])
        order = np.argsort(ends, kind="stable")
        self.neighbour = np.concatenate([graph.column + graph.rows, graph.row])[order]
        self.weight = np.concatenate([graph.weight, graph.weight])[order]
        self.begin = np.searchsorted(ends[order], np.arange(nodes + 1))
        self.suspicion = graph.suspicion
        edges = np.concatenate([[0], np.cumsum(self.weight)])
        self.whole = graph.suspicion + edges[self.begin[1:]] - edges[self.begin[:-1]]
        self.fresh()

    def fresh(self) -> None:
        """Everything is there again; nodes that contribute nothing are in no block."""
        self.gives = self.whole.copy()
        self.alive = self.gives > 0

    def total(self) -> tuple[int, int]:
        """What the block that is alive holds, in units, and its count of nodes; its density is one over the other."""
        held = int(self.gives[self.alive].sum() + self.suspicion[self.alive].sum()) // 2
        return held, int(np.count_nonzero(self.alive))

    def drop_below(self, least: int) -> None:
        """Take away every node that contributes less than `least`, and those that do once they are gone: leaves the core."""
        leaving = np.flatnonzero(self.alive & (self.gives < least))
        while len(leaving):
            self.alive[leaving] = False
            count = self.begin[leaving + 1] - self.begin[leaving]
            edges = np.repeat(self.begin[leaving] - np.cumsum(count) + count, count) + np.arange(int(count.sum()))
            touched = self.neighbour[edges]
            lost, touched = self.weight[edges][self.alive[touched]], touched[self.alive[touched]]
            np.subtract.at(self.gives, touched, lost)
            touched = np.unique(touched)
            leaving = touched[self.gives[touched] < least]


def densest(graph: Graph) -> Block:
    """The densest block that peeling passes; of equally dense ones the smallest. Empty for a graph without weight."""
    peel = _Peel(graph)
    best, size = peel.total()
    threshold = 0
    nodes = size
    held = best
    while nodes:
        if held * size > best * nodes:
            best, size = held, nodes
        threshold = max(-(-held // nodes), threshold + threshold // _STEP + 1)
        peel.drop_below(threshold)
        held, nodes = peel.total()
    if not size:
        return Block(np.empty(0, np.int64), np.empty(0, np.int64), 0.0)
    peel.fresh()
    peel.drop_below(-(-best // size))
    inside, density = _peeled(peel)
    return Block(inside[inside < graph.rows], inside[inside >= graph.rows] - graph.rows, density / UNIT)


def _peeled(peel: _Peel) -> tuple[Ints, float]:
    """Peel what is alive node by node; the densest set that was passed."""
    held, size = peel.total()
    nodes = np.flatnonzero(peel.alive)
    count = peel.begin[nodes + 1] - peel.begin[nodes]
    if int(count.sum()) > 2 * GREEDY_EDGES:
        return nodes, held / size
    gives: dict[int, int] = dict(zip(nodes.tolist(), peel.gives[nodes].tolist(), strict=True))
    queue = [(given, node) for node, given in gives.items()]
    heapify(queue)
    gone: list[int] = []
    best, best_size = held, size
    while queue:
        given, node = heappop(queue)
        if gives.get(node) != given:  # it has changed since it was queued, or is gone
            continue
        del gives[node]
        gone.append(node)
        held, size = held - given, size - 1
        for edge in range(int(peel.begin[node]), int(peel.begin[node + 1])):
            other = int(peel.neighbour[edge])
            if other in gives:
                gives[other] -= int(peel.weight[edge])
                heappush(queue, (gives[other], other))
        if size and held * best_size >= best * size:
            best, best_size = held, size
    return np.sort(np.array(gone[len(gone) - best_size :], dtype=np.int64)), best / best_size


def blocks(
    graph: Graph, *, least_rows: int = 3, most_rows: int = 500, most: int = 20, shuffles: int = 19, seed: int = 1
) -> tuple[list[Block], float]:
    """Dense blocks, densest first as a rule, and the density they had to exceed.

    A block counts when it is denser than the densest of every one of `shuffles` graphs with the same degrees and edges dealt at
    random (19 of them: chance does as well once in twenty times). After each the edges inside it are taken out. Blocks with fewer
    rows than `least_rows` are no group, with more than `most_rows` they are the market itself; both are passed over.
    """
    generator = np.random.default_rng(seed)
    chance = max((densest(graph.shuffled(generator)).density for _ in range(shuffles)), default=0.0)
    found: list[Block] = []
    for _ in range(most):
        block = densest(graph)
        if block.density <= chance or not len(block.rows):
            break
        if least_rows <= len(block.rows) <= most_rows:
            found.append(block)
        graph = graph.without(block)
    return found, chance
