"""The densest block that peeling finds is the one plain peeling finds, whatever is taken off for chance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.accounts.links import peeling
from evenhand.accounts.links.peeling import OFF, UNIT, Block, Graph, densest

Pairs = dict[tuple[int, int], int]


def graph_of(pairs: Pairs) -> Graph:
    row, column = (np.array(ends, dtype=np.int64) for ends in zip(*sorted(pairs), strict=True))
    return Graph.of(row, column, np.array([pairs[pair] for pair in sorted(pairs)], dtype=np.int64))


def plainly(graph: Graph, off: int) -> tuple[set[int], float]:
    """The greedy, literally: always take the node away that gives least; the densest set on the way, and its density in units."""
    edges = list(zip(graph.row.tolist(), (graph.column + graph.rows).tolist(), graph.weight.tolist(), strict=True))
    nodes = set(range(graph.rows + graph.columns))
    degree = {node: sum(w for a, b, w in edges if node in (a, b)) for node in nodes}
    whole = sum(graph.weight.tolist())

    def held(alive: set[int]) -> int:
        rows, columns = ([degree[node] for node in alive if (node < graph.rows) is side] for side in (True, False))
        inside = sum(w for a, b, w in edges if a in alive and b in alive)
        return 10 * whole * inside - off * sum(rows) * sum(columns)

    alive = {node for node in nodes if degree[node]}
    best: tuple[set[int], int, int] = (set(), 0, 1)
    while alive:
        if held(alive) * best[2] >= best[1] * len(alive):
            best = (set(alive), held(alive), len(alive))
        alive.remove(min(alive, key=lambda node: (held(alive) - held(alive - {node}), node)))
    return best[0], best[1] / best[2] / (10 * whole)


def nodes_of(graph: Graph, block: Block) -> set[int]:
    return {*block.rows.tolist(), *(block.columns + graph.rows).tolist()}


pairs = st.dictionaries(st.tuples(st.integers(0, 8), st.integers(0, 5)), st.integers(1, 20), min_size=1, max_size=30)


@settings(max_examples=200, deadline=None)
@given(pairs, st.sampled_from([0, 5, OFF, 10]))
def test_whole_numbers_and_arrays_find_what_plain_peeling_finds(edges: Pairs, off: int) -> None:
    graph = graph_of(edges)
    nodes, density = plainly(graph, off)
    block = densest(graph, off, (off,))
    assert block.density == pytest.approx(density / UNIT)
    assert nodes_of(graph, block) == (nodes if density else set())


def crowd(buyers: int, stores: int, seed: int = 3) -> Pairs:
    """Buyers with one to three disputes each, most with the stores that have most customers."""
    generator = np.random.default_rng(seed)
    found: Pairs = {}
    for buyer in range(buyers):
        for store in np.minimum(generator.pareto(1.0, int(generator.integers(1, 4))) * 12, stores - 1).astype(int):
            found[buyer, int(store)] = found.get((buyer, int(store)), 0) + 1
    return found


def test_a_large_graph_peeled_by_fifths_gives_up_the_same_block(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = {(buyer, store): 1 for buyer in range(3_000, 3_010) for store in range(100, 106)}
    graph = graph_of(crowd(3_000, 300) | ring)
    by_fifths = densest(graph)
    assert set(by_fifths.rows.tolist()) == set(range(3_000, 3_010))
    monkeypatch.setattr(peeling, "EXACT", 10_000)
    assert nodes_of(graph, densest(graph)) == nodes_of(graph, by_fifths)


def test_who_claims_everywhere_is_dense_and_agrees_on_nothing() -> None:
    evenly = {(buyer, (buyer * step) % 300): 1 for buyer in range(3_000) for step in (7, 11)}
    generator = np.random.default_rng(5)
    everywhere = {
        (buyer, store): 1 for buyer in range(3_000, 3_020) for store in generator.permutation(300)[:40].tolist()
    }
    ring = {(buyer, store): 1 for buyer in range(4_000, 4_010) for store in range(100, 106)}
    graph = graph_of(evenly | everywhere | ring)
    # FRAUDAR's own measure takes the loud, ours the ring
    assert set(densest(graph, 0, (0,)).rows.tolist()) >= set(range(3_000, 3_020))
    assert set(densest(graph).rows.tolist()) == set(range(4_000, 4_010))


def test_a_graph_without_edges_has_no_block() -> None:
    nothing = np.empty(0, dtype=np.int64)
    block = densest(Graph.of(nothing, nothing, nothing))
    assert (len(block.rows), len(block.columns), block.density) == (0, 0, 0.0)
