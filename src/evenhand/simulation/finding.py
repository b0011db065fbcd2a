"""How well the links find who was planted together in the synthetic marketplace, and whom they leave alone. Pure."""

from collections.abc import Iterable
from itertools import combinations

import msgspec
import numpy as np

from evenhand.accounts.links.grouping import KINDS, members, rings
from evenhand.records import Order
from evenhand.simulation.marketplace import MARKETS, Planted, planted, simulate
from evenhand.simulation.sharing import HUBS

Pairs = set[tuple[str, str]]
# what each buyer uses, by kind
Used = dict[str, dict[str, list[str]]]


class LinksMeasured(msgspec.Struct, frozen=True):
    """Linked pairs of buyers against the truth, over all markets."""

    orders: int
    seed: int
    # that ordered anything, and of them those who use a hub
    buyers: int
    beside_hubs: int
    # rings of abusers that were planted, and those found whole
    rings: int
    rings_found: int
    # pairs of buyers in one planted ring, and those of them that were linked
    ring_pairs: int
    ring_pairs_found: int
    # pairs that were linked, and those of them that are in one ring or one household
    linked_pairs: int
    together: int
    # pairs who use the same hub, and linked pairs that would not be if there were no hubs
    hub_pairs: int
    hub_pairs_linked: int
    # buyers in found rings of three and more, and those of them that abuse
    in_large_rings: int
    abusive_in_large_rings: int

    @property
    def recall(self) -> float:
        """Of the pairs planted in rings, the share that is linked."""
        return self.ring_pairs_found / max(self.ring_pairs, 1)

    @property
    def precision(self) -> float:
        """Of the linked pairs, the share that was planted together."""
        return self.together / max(self.linked_pairs, 1)

    @property
    def precision_of_large_rings(self) -> float:
        """Of the buyers in rings of three and more, the share that abuses."""
        return self.abusive_in_large_rings / max(self.in_large_rings, 1)


def measure_links(orders: int, seed: int) -> LinksMeasured:
    """Group what the marketplace's orders say was used, and compare with what was planted."""
    truth = planted(orders, seed)
    used: dict[str, Used] = {market.id: {} for market in MARKETS}
    known: dict[str, set[str]] = {market.id: set() for market in MARKETS}
    for event in simulate(orders, seed):
        if isinstance(event.what, Order):
            known[event.market].add(event.what.buyer)
            if event.what.attributes:
                used[event.market][event.what.buyer] = msgspec.to_builtins(event.what.attributes)
    counts = [_compare(market, known[market], used[market], truth) for market in used]
    return LinksMeasured(orders, seed, *(sum(column) for column in zip(*counts, strict=True)))


def grouped(used: Used) -> list[frozenset[str]]:
    """The rings among buyers by what each uses, by kind."""
    buyers = list(used)
    rows = [
        (place, kind, f"{kind} {value}")
        for place, buyer in enumerate(buyers)
        for kind, name in enumerate(KINDS)
        for value in used[buyer].get(name, ())
    ]
    if not rows:
        return []
    _, attributes = np.unique([row[2] for row in rows], return_inverse=True)
    accounts, kinds = (np.array([row[column] for row in rows], dtype=np.int64) for column in (0, 1))
    return [frozenset(buyers[one] for one in ring) for ring in members(rings(accounts, kinds, attributes)).values()]


def pairs_of(groups: Iterable[frozenset[str]]) -> Pairs:
    """Every two of one group."""
    return {pair for group in groups for pair in combinations(sorted(group), 2)}


def _compare(market: str, buyers: set[str], used: Used, truth: Planted) -> tuple[int, ...]:
    found = grouped(used)
    rings_there = [ring & buyers for ring in truth.rings[market]]
    rings_there = [ring for ring in rings_there if len(ring) > 1]
    in_rings, at_home = pairs_of(rings_there), pairs_of(truth.households[market])
    linked = pairs_of(found)
    hubs = (truth.office[market] | truth.locker[market]) & buyers
    beside = pairs_of([truth.office[market] & buyers]) | pairs_of([truth.locker[market] & buyers])
    own = {
        buyer: {kind: [value for value in values if value not in HUBS] for kind, values in kinds.items()}
        for buyer, kinds in used.items()
    }
    large = {buyer for ring in found if len(ring) > 2 for buyer in ring}
    abusive = {buyer for ring in rings_there for buyer in ring}
    return (
        len(buyers),
        len(hubs),
        len(rings_there),
        sum(any(ring <= group for group in found) for ring in rings_there),
        len(in_rings),
        len(in_rings & linked),
        len(linked),
        len(linked & (in_rings | at_home)),
        len(beside),
        len(linked - pairs_of(grouped(own))),
        len(large),
        len(large & abusive),
    )
