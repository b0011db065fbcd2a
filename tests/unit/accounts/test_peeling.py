"""The dense block that peeling finds is the one plain peeling finds; planted rings come out of noise and camouflage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.accounts.links.peeling import UNIT, Block, Graph, blocks, densest

Pairs = dict[tuple[int, int], int]


def graph_of(pairs: Pairs, suspicion: list[float] | None = None) -> Graph:
    row, column = (np.array(ends, dtype=np.int64) for ends in zip(*sorted(pairs), strict=True))
    times = np.array([pairs[pair] for pair in sorted(pairs)], dtype=np.int64)
    return Graph.of(row, column, times, None if suspicion is None else np.array(suspicion))


def plainly(graph: Graph) -> tuple[set[int], int, int]:
    """FRAUDAR's greedy, literally: always take the node that gives least away; the densest set on the way, as sum and size."""
    edges = list(zip(graph.row.tolist(), (graph.column + graph.rows).tolist(), graph.weight.tolist(), strict=True))
    prior = graph.suspicion.tolist()

    def gives(node: int, alive: set[int]) -> int:
        return prior[node] + sum(w for a, b, w in edges if node in (a, b) and a in alive and b in alive)

    nodes = set(range(graph.rows + graph.columns))
    alive = {node for node in nodes if gives(node, nodes) > 0}
    best: tuple[set[int], int, int] = (set(), 0, 1)
    while alive:
        held = sum(prior[node] for node in alive) + sum(w for a, b, w in edges if a in alive and b in alive)
        if held * best[2] >= best[1] * len(alive):
            best = (set(alive), held, len(alive))
        alive.remove(min(alive, key=lambda node: (gives(node, alive), node)))
    return best


def nodes_of(graph: Graph, block: Block) -> set[int]:
    return {*block.rows.tolist(), *(block.columns + graph.rows).tolist()}


pairs = st.dictionaries(st.tuples(st.integers(0, 8), st.integers(0, 5)), st.integers(1, 20), min_size=1, max_size=30)


@settings(max_examples=300)
@given(pairs, st.none() | st.lists(st.sampled_from([0.0, 0.1, 0.3]), min_size=9, max_size=9))
def test_layers_and_a_queue_find_what_plain_peeling_finds(edges: Pairs, suspicion: list[float] | None) -> None:
    graph = graph_of(edges, suspicion)
    nodes, held, size = plainly(graph)
    block = densest(graph)
    assert nodes_of(graph, block) == nodes
    assert block.density == pytest.approx(held / size / UNIT)


def market(seed: int, honest: int = 3_000, stores: int = 300) -> Pairs:
    """Honest disputes: a few a buyer, mostly with the stores that have most customers."""
    generator = np.random.default_rng(seed)
    found: Pairs = {}
    for buyer in range(honest):
        for store in np.minimum(generator.pareto(1.0, int(generator.integers(1, 4))) * 12, stores - 1).astype(int):
            found[buyer, int(store)] = found.get((buyer, int(store)), 0) + 1
    return found


RING, ROBBED = set(range(3_000, 3_010)), set(range(100, 106))


def with_ring(edges: Pairs, camouflage: int) -> Pairs:
    generator = np.random.default_rng(8)
    for buyer in RING:
        for store in ROBBED:
            edges[buyer, store] = 2
        for store in generator.integers(0, 12, camouflage):  # the stores everybody complains about
            edges.setdefault((buyer, int(store)), 1)
    return edges


@pytest.mark.parametrize("camouflage", [0, 6, 40])
def test_a_planted_ring_is_found_whatever_else_it_disputes(camouflage: int) -> None:
    found, chance = blocks(graph_of(with_ring(market(1), camouflage)), shuffles=5)
    assert found[0].density > chance
    assert set(found[0].rows.tolist()) == RING
    assert set(found[0].columns.tolist()) >= ROBBED


def test_honest_disputes_hold_no_ring() -> None:
    for seed in range(2, 5):
        assert blocks(graph_of(market(seed)))[0] == []


def test_two_rings_are_found_one_after_the_other() -> None:
    edges = with_ring(market(1), 6)
    second = {(buyer, store): 1 for buyer in range(3_100, 3_120) for store in range(200, 205)}
    found, _ = blocks(graph_of(edges | second), shuffles=5)
    assert {frozenset(block.rows.tolist()) for block in found} == {frozenset(RING), frozenset(range(3_100, 3_120))}


def test_one_quarrelsome_buyer_is_no_ring() -> None:
    edges = market(1) | {(4_000, store): 9 for store in range(300)}
    assert blocks(graph_of(edges), shuffles=5)[0] == []


def test_more_camouflage_never_makes_a_block_less_dense() -> None:
    bare, hidden = (densest(graph_of(with_ring(market(1), camouflage))).density for camouflage in (0, 40))
    assert hidden >= bare


def test_a_graph_without_edges_has_no_block() -> None:
    nothing = np.empty(0, dtype=np.int64)
    graph = Graph.of(nothing, nothing, nothing)
    assert not len(densest(graph).rows)
    assert blocks(graph) == ([], 0.0)
