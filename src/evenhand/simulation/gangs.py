"""Who claims from the same stores by agreement in the synthetic marketplace. Pure.

Paid tutorials name stores where refunds come easily. A *gang* follows them: it picks four stores, and within four weeks each of
its members places some orders there, in order to claim; sixty days after it began it picks four others. Beside that its members
go on ordering, and claiming, wherever they like, as all abusers do: that is their camouflage.

Half of the rings that share things (`sharing`) do so, and all abusers who share nothing, three to six together. So there are
gangs that links find too, gangs that only the disputes can give away, and rings that only links can find.

The draws come from a generator of their own. Orders by agreement take the place of others of that day, so there are as many.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from evenhand.simulation.sharing import in_groups

STORES: Final = 4
# Days from one choice of stores to the next, and for how many of them the gang is at it.
EVERY: Final = 60
LASTS: Final = 28
# Orders that each member places there meanwhile, one at each store.
AIMED: Final = 4


@dataclass(frozen=True, slots=True)
class Gang:
    """Buyers who claim from the same stores by agreement."""

    # places of buyers
    members: tuple[int, ...]
    # whether it is one of the rings that share things
    shares: bool
    # the day each choice of stores holds from, and places of the stores
    chosen: tuple[tuple[int, tuple[int, ...]], ...]


def gangs(abusive: Sequence[int], rings: Sequence[Sequence[int]], stores: int, days: int, random: Random) -> list[Gang]:
    """The gangs of a market with so many stores, over so many days; `abusive` and `rings` are places of buyers."""
    ringed = {member for ring in rings for member in ring}
    groups = [(ring, True) for ring in rings if random.randrange(2)]
    groups += [(group, False) for group in in_groups([one for one in abusive if one not in ringed], random)]
    made: list[Gang] = []
    for members, shares in groups:
        begins = range(random.randrange(EVERY), days, EVERY)
        chosen = tuple((day, tuple(random.sample(range(stores), min(STORES, stores)))) for day in begins)
        made.append(Gang(tuple(members), shares, chosen))
    return made


def agreed_orders(made: Iterable[Gang], aimed: int, random: Random) -> dict[int, list[tuple[int, int]]]:
    """What gangs order by agreement: (buyer, store) by day. Each member orders `aimed` times while a choice of stores lasts, from
    one of them after the other."""
    orders: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for gang in made:
        for begins, stores in gang.chosen:
            for member in gang.members:
                for number, day in enumerate(random.sample(range(begins, begins + LASTS), aimed)):
                    orders[day].append((member, stores[number % len(stores)]))
    return orders
