"""How well looking at disputes finds the gangs of the synthetic marketplace that claim from the same stores by agreement. Pure.

Every market is looked at as the live search does it, over 90 days, at the end of each of six such spans. A gang is *at work* in
a span when it went for a choice of stores from beginning to end within it, and three of its members claimed from two of those
stores and more. It is *found* when a finding holds half of those members.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from evenhand.accounts.links.acting import FORTNIGHT, Disputes, acting_together, rings_by_number
from evenhand.accounts.links.findings import DAYS
from evenhand.records import Application, Order
from evenhand.simulation.finding import grouped
from evenhand.simulation.gangs import LASTS, Gang
from evenhand.simulation.marketplace import (
    BEGINS,
    ENDS,
    MARKETS,
    buyer_id,
    day_of,
    kinds_of_buyers,
    planted,
    simulate,
    store_id,
)

# By so many days after the last order by agreement nearly all claims about them are in.
_CLAIMED: Final = 12
_LEAST_MEMBERS, _LEAST_STORES = 3, 2


class _Claim(NamedTuple):
    buyer: str
    store: str
    day: int


class GangsMeasured(msgspec.Struct, frozen=True):
    """Findings about disputes against the truth, over all markets and spans of 90 days."""

    # orders that each member places by agreement in four weeks
    aimed: int
    # markets and spans looked at, and findings there
    looks: int
    findings: int
    # gangs at work, and those found; of them such as also share things
    gangs: int
    gangs_found: int
    sharing: int
    sharing_found: int
    # buyers in findings (of a look), and of them those in gangs, and those who abuse, in a gang or not
    buyers: int
    in_gangs: int
    abusive: int


def measure_gangs(orders: int, seed: int, aimed: int) -> GangsMeasured:
    """Look at the marketplace's disputes where gangs' members place so many orders by agreement; 0 is no gang at work."""
    truth = planted(orders, seed)
    abusive = {who for who, kind in kinds_of_buyers(orders, seed).items() if kind == "abusive"}
    claims, used = _claims(orders, seed, aimed)
    counts: list[tuple[int, ...]] = []
    for market in MARKETS:
        ring_of = {buyer: number for number, ring in enumerate(grouped(used[market.id]), start=1) for buyer in ring}
        for end in range(DAYS, (ENDS - BEGINS).days, DAYS):
            some = [claim for claim in claims[market.id] if end - DAYS <= claim.day < end]
            found = _found(some, ring_of, end - DAYS)
            gangs = list(_at_work(truth.gangs[market.id], some, end)) if aimed else []
            buyers = {buyer for one in found for buyer in one}
            hits = [any(2 * len(members & one) >= len(members) for one in found) for members, _ in gangs]
            counts.append(
                (
                    1,
                    len(found),
                    len(gangs),
                    sum(hits),
                    sum(shares for _, shares in gangs),
                    sum(hit and shares for hit, (_, shares) in zip(hits, gangs, strict=True)),
                    len(buyers),
                    len(buyers & {member for members, _ in gangs for member in members}),
                    sum((market.id, buyer) in abusive for buyer in buyers),
                )
            )
    return GangsMeasured(aimed, *(sum(column) for column in zip(*counts, strict=True)))


def _claims(
    orders: int, seed: int, aimed: int
) -> tuple[defaultdict[str, list[_Claim]], defaultdict[str, dict[str, dict[str, list[str]]]]]:
    """Every application, and what each buyer uses, by market."""
    bought: dict[tuple[str, str], tuple[str, str]] = {}
    claims: defaultdict[str, list[_Claim]] = defaultdict(list)
    used: defaultdict[str, dict[str, dict[str, list[str]]]] = defaultdict(dict)
    for at, market, what in simulate(orders, seed, aimed):
        if isinstance(what, Order):
            bought[market, what.id] = what.buyer, what.lines[0].merchant
            if what.attributes:
                used[market][what.buyer] = msgspec.to_builtins(what.attributes)
        elif isinstance(what, Application):
            claims[market].append(_Claim(*bought[market, what.order], day_of(at)))
    return claims, used


def _found(claims: Sequence[_Claim], ring_of: dict[str, int], begin: int) -> list[frozenset[str]]:
    """The buyers of each finding."""
    buyers, buyer = np.unique([claim.buyer for claim in claims], return_inverse=True)
    _, store = np.unique([claim.store for claim in claims], return_inverse=True)
    times = Counter(
        (int(one), int(other), (claim.day - begin) // FORTNIGHT)
        for one, other, claim in zip(buyer, store, claims, strict=True)
    )
    rows = np.array(sorted(times), dtype=np.int64).reshape(-1, 3)
    often = np.array([times[row] for row in sorted(times)], dtype=np.int64)
    disputes = Disputes(rows[:, 0], rows[:, 1], rows[:, 2], often)
    rings = rings_by_number(rows[:, 0], np.array([ring_of.get(one, 0) for one in buyers[rows[:, 0]]], dtype=np.int64))
    return [frozenset(buyers[group.buyers].tolist()) for group in acting_together(disputes, rings)]


def _at_work(gangs: Sequence[Gang], claims: Sequence[_Claim], end: int) -> Iterator[tuple[frozenset[str], bool]]:
    """The members of each gang who claimed by agreement, and whether they also share things."""
    claimed: defaultdict[str, set[str]] = defaultdict(set)
    for claim in claims:
        claimed[claim.buyer].add(claim.store)
    for gang in gangs:
        for begins, stores in gang.chosen:
            aimed_at = {store_id(store) for store in stores}
            members = {buyer_id(member) for member in gang.members}
            acting = frozenset(one for one in members if len(claimed[one] & aimed_at) >= _LEAST_STORES)
            whole = end - DAYS <= begins and begins + LASTS + _CLAIMED <= end
            if whole and len(acting) >= _LEAST_MEMBERS:
                yield acting, gang.shares
