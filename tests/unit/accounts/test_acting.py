"""Who acts together is found in noise and behind camouflage; who only claims often, or shares a phone with somebody, is not."""

import numpy as np
import pytest

from evenhand.accounts.links.acting import Disputes, Group, acting_together, rings_by_number

# buyer, store, fortnight
Filed = tuple[int, int, int]
RING, ROBBED = range(600, 606), range(40, 44)


def market(seed: int, honest: int = 600, loud: int = 30, stores: int = 80) -> list[Filed]:
    """Honest buyers with some disputes over seven fortnights, mostly with bad stores, and loud ones who claim everywhere."""
    generator = np.random.default_rng(seed)
    found: list[Filed] = []
    for buyer in range(honest):
        often = int(generator.integers(4, 12)) if buyer < loud else int(generator.integers(1, 4))
        of_bad = 0.0 if buyer < loud else 0.6
        for _ in range(often):
            bad = generator.random() < of_bad
            found.append((buyer, int(generator.integers(0, 12 if bad else stores)), int(generator.integers(0, 7))))
    return found


def by_agreement(camouflage: int = 0) -> list[Filed]:
    """A ring that goes for four stores within four weeks, and claims elsewhere as well."""
    generator = np.random.default_rng(9)
    aimed = [(buyer, store, 3 + (buyer + store) % 2) for buyer in RING for store in ROBBED]
    return aimed + [
        (buyer, int(generator.integers(0, 80)), int(generator.integers(0, 7)))
        for buyer in RING
        for _ in range(camouflage)
    ]


def found_in(filed: list[Filed], together: dict[int, int] | None = None) -> list[Group]:
    rows, times = np.unique(np.array(filed, dtype=np.int64), axis=0, return_counts=True)
    ring = np.array([(together or {}).get(buyer, 0) for buyer in rows[:, 0].tolist()], dtype=np.int64)
    return acting_together(Disputes(rows[:, 0], rows[:, 1], rows[:, 2], times), rings_by_number(rows[:, 0], ring))


@pytest.mark.parametrize("camouflage", [0, 4, 12])
def test_a_ring_is_found_whatever_else_it_disputes(camouflage: int) -> None:
    (one,) = found_in(market(1) + by_agreement(camouflage))
    assert one.buyers.tolist() == list(RING)
    assert set(one.stores.tolist()) == set(ROBBED)
    assert one.density > one.chance > 0


def test_two_rings_are_found_one_after_the_other() -> None:
    second = [(buyer, store, 0) for buyer in range(700, 705) for store in range(60, 65)]
    found = found_in(market(1) + by_agreement() + second)
    assert {frozenset(one.buyers.tolist()) for one in found} == {frozenset(RING), frozenset(range(700, 705))}


def test_those_who_claim_often_but_not_together_are_no_ring() -> None:
    assert [one for seed in range(2, 6) for one in found_in(market(seed))] == []


def test_where_hardly_anybody_disputes_twice_a_ring_is_found_among_those_who_dispute_once() -> None:
    once = [(buyer, buyer % 30, buyer % 7) for buyer in range(200)]
    assert found_in(once) == []
    assert [one.buyers.tolist() for one in found_in(once + by_agreement())] == [list(RING)]


@pytest.mark.parametrize("seed", [4, 5, 8, 10])
def test_a_stores_bad_week_and_orders_of_many_parts_are_no_ring(seed: int) -> None:
    once = [(buyer, buyer % 60, buyer % 7) for buyer in range(300)]
    bad_week = [(buyer, 70, 3) for buyer in range(300, 340)]
    # one complaint for each part of an order, some of whose parts come from another store
    draw = np.random.default_rng(seed)
    parts = [
        (400 + buyer, int(store), week)
        for buyer in range(60)
        for week in draw.integers(0, 7, 1).tolist()
        for store in draw.integers(0, 60, 1 + (buyer % 8 == 0))
        for _ in range(int(draw.integers(2, 9)))
    ]
    assert found_in(once + bad_week) == []
    assert found_in(once + parts) == []


def test_the_same_stores_at_other_times_are_no_ring() -> None:
    apart = [(buyer, store, (buyer + 2 * store) % 7) for buyer, store, _ in by_agreement()]
    assert found_in(market(1) + apart) == []


def test_of_linked_accounts_those_who_act_together_are_told_from_those_who_do_not() -> None:
    # two go for four stores: in the market two are no group
    aimed = [(buyer, store, 3) for buyer in (601, 602) for store in ROBBED]
    # one had a phone before them, another one lives with them
    beside = [(105, store, store % 7) for store in (50, 51, 52, 53)] + [(107, 54, 1)]
    filed = market(1) + aimed + beside
    assert found_in(filed) == []
    (one,) = found_in(filed, dict.fromkeys((105, 107, 601, 602), 1))
    assert one.buyers.tolist() == [601, 602]
    assert one.stores.tolist() == list(ROBBED)
    # linked buyers who do not act together are no finding
    assert found_in(market(1) + beside, dict.fromkeys((105, 107, 109, 111), 1)) == []


def test_nothing_is_found_in_nothing() -> None:
    nothing = np.empty(0, dtype=np.int64)
    assert acting_together(Disputes(nothing, nothing, nothing, nothing), nothing) == []
    assert found_in([(0, 0, 0), (1, 0, 0)]) == []
