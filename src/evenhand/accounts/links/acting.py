"""Who acts together: buyers who dispute with the same stores in the same weeks more than chance explains.

What is peeled (`peeling`) is made here from the disputes of some months:

- A column is a store in four weeks, with the next beginning two weeks later: a group that goes for a store goes for it at once,
  while honest buyers of a bad store come all the year.
- Only buyers who disputed with `LEAST_STORES` stores count: who did so once or twice shows no pattern, and chance that mixes
  them with those who claim all the time would call the latter a group. Where hardly anybody did, all have to be compared.
- Chance is the same disputes with their stores dealt anew among those of the same fortnight: everybody disputes as often as
  before and when they did, and so is every store disputed with. A block counts when it is denser than the densest block of each
  of `DEALS` such deals: chance does as well once in twenty times. Two stores are the least: at one it is a store's bad week.

It is asked twice. *Within rings*: of accounts that are linked, which act together? So a ring of links is refined to those of it
who do the same, and the first owner of a used phone is left out. Few could be taken for one another there, so little suffices.
And *in the market*: who acts together though nothing links them?

After each block its disputes are taken out, and what is left is peeled again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from evenhand.accounts.links.grouping import Bools, Ints
from evenhand.accounts.links.peeling import OFF, ORDERS, Block, Graph, densest

# Days in the unit of time, and for how many units a column lasts.
FORTNIGHT: Final = 14
SPAN: Final = 2
LEAST_STORES: Final = 3
# With fewer of them, or a smaller part (one in so many) of the buyers who dispute, those of fewer stores are taken in.
LEAST_COMPARED, LEAST_PART = 20, 20
DEALS: Final = 19
# A block with fewer buyers is no group, one with more is the market itself. Of linked buyers two are a group.
LEAST_BUYERS, LEAST_LINKED, MOST_BUYERS = 3, 2, 500
# Many buyers at one store are a store that had a bad week.
LEAST_SHARED: Final = 2
# So many blocks are looked for, either way.
MOST: Final = 40
_RANDOM_BITS: Final = 40


@dataclass(frozen=True, slots=True)
class Disputes:
    """Who disputed with whom, when and how often; one row per buyer, store and fortnight. All are numbers from 0 on."""

    buyer: Ints
    store: Ints
    fortnight: Ints
    times: Ints

    def some(self, rows: Bools) -> "Disputes":
        """Only these rows."""
        return Disputes(self.buyer[rows], self.store[rows], self.fortnight[rows], self.times[rows])

    def of_many_stores(self) -> "Disputes":
        """Those of buyers who disputed with `LEAST_STORES` stores and more; of fewer stores, where such buyers are too few."""
        pairs = np.unique(self.buyer * _count(self.store) + self.store)
        stores = np.bincount(pairs // _count(self.store), minlength=_count(self.buyer))
        wanted = max(LEAST_COMPARED, np.count_nonzero(stores) // LEAST_PART)
        least = next((one for one in range(LEAST_STORES, 1, -1) if np.count_nonzero(stores >= one) >= wanted), 1)
        return self.some(stores[self.buyer] >= least)

    def dealt(self, generator: np.random.Generator) -> "Disputes":
        """The same, with the stores dealt anew among the rows of each fortnight.

        Who disputed several times with one store at once, about the parts of one order for instance, still does.
        """
        dealt = np.empty_like(self.store)
        mixed = (self.fortnight << _RANDOM_BITS) + generator.integers(0, 1 << _RANDOM_BITS, len(self.store))
        dealt[np.argsort(self.fortnight, kind="stable")] = self.store[np.argsort(mixed)]
        # what came to the same buyer and store is one row
        stores, fortnights = _count(self.store), _count(self.fortnight)
        rows, place = np.unique((self.buyer * stores + dealt) * fortnights + self.fortnight, return_inverse=True)
        times = np.bincount(place, self.times).astype(np.int64)
        return Disputes(rows // (stores * fortnights), rows // fortnights % stores, rows % fortnights, times)


@dataclass(frozen=True, slots=True)
class Group:
    """Buyers who act together, and the stores they dispute with."""

    buyers: Ints
    stores: Ints
    # what peeling measured, and the most that chance made
    density: float
    chance: float


class _Graph:
    """Disputes as a graph; with the ring of each buyer (0 for none) only those of linked buyers, every ring with columns of its
    own, so that it is a part by itself."""

    def __init__(self, disputes: Disputes, ring: Ints | None) -> None:
        self._off, self._orders = (OFF, ORDERS) if ring is None else (0, (0,))
        fortnights = _count(disputes.fortnight) + SPAN
        # a dispute lies in the span that begins with its fortnight, and in those begun shortly before
        self._row = disputes.buyer
        self._places = [disputes.store * fortnights + disputes.fortnight + SPAN - shift for shift in range(SPAN)]
        most = _count(disputes.store) * fortnights + SPAN
        edges, edge = np.unique(np.concatenate([self._row * most + one for one in self._places]), return_inverse=True)
        times = np.bincount(edge, np.tile(disputes.times, SPAN)).astype(np.int64)
        row, place = edges // most, edges % most
        degree = np.bincount(place, minlength=most)
        if ring is not None:
            inside = ring[row] > 0
            row, place, times = row[inside], place[inside], times[inside]
            self._places = [ring[self._row] * most + one for one in self._places]
            place = ring[row] * most + place
        self._columns, column = np.unique(place, return_inverse=True)
        self.graph = Graph.of(row, column, times, degree[self._columns % most])

    def densest(self) -> Block:
        """The densest block."""
        return densest(self.graph, self._off, self._orders)

    def rows_in(self, block: Block) -> Bools:
        """The rows of the disputes that lie in a block."""
        columns = self._columns[block.columns]
        return np.isin(self._row, block.rows) & np.any([np.isin(place, columns) for place in self._places], axis=0)


def acting_together(disputes: Disputes, ring: Ints, stage: Callable[[str], None] = lambda _: None) -> list[Group]:
    """The groups in the market, then those within rings that are no part of one of these.

    `ring` is the ring of each buyer, 0 for one who is linked with none of the others. `stage` is told what is being done.
    """
    many = disputes.of_many_stores()
    if not len(many.buyer):
        return []
    stage(f"Dealing {len(many.buyer):,} disputes at random")
    generator = np.random.default_rng(1)
    deals = [many.dealt(generator) for _ in range(DEALS)]
    stage("Peeling the rings of linked buyers, and the same disputes dealt at random")
    within = _groups(many, deals, ring, LEAST_LINKED)
    stage(f"Peeling {len(many.buyer):,} disputes, and as many dealt at random")
    found = _groups(many, deals, None, LEAST_BUYERS)
    return [*found, *(group for group in within if not any(np.isin(group.buyers, one.buyers).all() for one in found))]


def _groups(many: Disputes, deals: Iterable[Disputes], ring: Ints | None, least: int) -> list[Group]:
    chance = max(_Graph(deal, ring).densest().density for deal in deals)
    found: list[Group] = []
    for _ in range(MOST):
        graph = _Graph(many, ring)
        block = graph.densest()
        if block.density <= chance:
            break
        rows = graph.rows_in(block)
        inside = many.some(rows)
        stores = np.unique(inside.store)
        if least <= len(block.rows) <= MOST_BUYERS and len(stores) >= LEAST_SHARED:
            found.append(Group(block.rows, stores, block.density, chance))
        many = many.some(~rows)
    return found


def rings_by_number(buyer: Ints, ring: Ints) -> Ints:
    """The ring of each buyer for whom another one is in it, from 1 on, else 0; given are buyer and ring (or 0) of disputes."""
    ring_of = np.zeros(_count(buyer), dtype=np.int64)
    ring_of[buyer] = ring
    _, place, sizes = np.unique(ring_of, return_inverse=True, return_counts=True)
    return np.where((sizes[place] > 1) & (ring_of > 0), place + 1, 0)


def _count(numbers: Ints) -> int:
    return int(numbers.max(initial=-1)) + 1
