"""Planted rings are found, households are no gangs, and whoever only uses the same building or locker is linked with nobody."""

from collections import Counter
from random import Random

import pytest

from evenhand.accounts.links.grouping import ADDRESS, CAPS, PHONE
from evenhand.records import Order
from evenhand.simulation import planted, simulate
from evenhand.simulation.finding import grouped, measure_links, pairs_of
from evenhand.simulation.sharing import share_out


def test_the_rings_are_found_and_nobody_is_linked_with_a_mere_neighbour() -> None:
    measured = measure_links(100_000, 2)
    # but for the careful one
    assert (measured.rings, measured.rings_found) == (9, 8)
    assert 0.9 < measured.recall < 1
    # used phones and stolen cards link people who have nothing to do with each other: a link is no proof
    assert 0.7 < measured.precision < 0.9
    assert 0.5 < measured.precision_of_large_rings < 0.9
    # a quarter of all buyers use the building or the locker: none is linked by that
    assert measured.beside_hubs > 1_000
    assert measured.hub_pairs > 50_000
    assert measured.hub_pairs_linked == 0


@pytest.mark.parametrize("seed", range(5))
def test_each_way_a_ring_gives_itself_away_is_found_and_each_hub_is_none(seed: int) -> None:
    abusive = [number % 20 == 0 for number in range(600)]
    sharing = share_out(abusive, Random(seed))
    assert {frozenset(kind for kind in used if len(used[kind]) > 1) for used in sharing.used} >= {frozenset({"device"})}
    assert len(sharing.rings) >= 3
    assert all(3 <= len(ring) <= 6 and all(abusive[one] for one in ring) for ring in sharing.rings)
    assert len(sharing.office) > CAPS[ADDRESS]
    assert len(sharing.locker) > CAPS[PHONE]
    used = {str(place): one for place, one in enumerate(sharing.used)}
    found = pairs_of(grouped(used))
    for number, ring in enumerate(sharing.rings, start=1):
        careful = number % 4 == 0
        assert (pairs_of([frozenset(str(one) for one in ring)]) <= found) is not careful
    assert pairs_of(frozenset(str(one) for one in home) for home in sharing.households) <= found
    # it is the cap that keeps neighbours apart: below it an address with a phone links
    few = {str(place): used[str(place)] for place in sharing.locker[: CAPS[PHONE]]}
    assert len(grouped(few)) == 1


def test_what_is_used_comes_once_and_is_called_synthetic() -> None:
    named: Counter[tuple[str, str]] = Counter()
    buyers: set[tuple[str, str]] = set()
    for event in simulate(1_500, 2):
        if isinstance(event.what, Order):
            buyers.add((event.market, event.what.buyer))
            if event.what.attributes:
                named[event.market, event.what.buyer] += 1
                used = event.what.attributes
                assert all(value.startswith("synthetic ") for value in (*used.address, *used.phone, *used.device))
    assert named == dict.fromkeys(buyers, 1)
    assert {market for market, _ in buyers} == set(planted(1_500, 2).rings)
