"""Who is linked to whom: the rules, the caps, and that arrays give what the definition says."""

from itertools import combinations
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evenhand.accounts.links.grouping import (
    ADDRESS,
    CAPS,
    DEVICE,
    MOST_VALUES,
    PAYMENT,
    PHONE,
    connected,
    members,
    rings,
    strength,
)

# account, kind, value within the kind
Holding = tuple[int, int, int]


def found(holdings: list[Holding]) -> dict[int, int]:
    accounts, kinds, values = (np.array(column, dtype=np.int64) for column in zip(*holdings, strict=True))
    return rings(accounts, kinds, kinds * 1_000_000 + values)


def defined(holdings: list[Holding]) -> set[frozenset[int]]:
    """The rings by definition: every pair of accounts tried against the rules, then joined."""
    held = set(holdings)
    holders: dict[tuple[int, int], set[int]] = {}
    values: dict[tuple[int, int], set[int]] = {}
    for account, kind, value in held:
        holders.setdefault((kind, value), set()).add(account)
        values.setdefault((account, kind), set()).add(value)
    groups = [{account} for account in {row[0] for row in held}]
    for one, other in combinations(sorted({row[0] for row in held}), 2):
        shared = {
            kind
            for (kind, _), who in holders.items()
            if {one, other} <= who
            and len(who) <= CAPS[kind]
            and len(values[one, kind]) <= MOST_VALUES
            and len(values[other, kind]) <= MOST_VALUES
        }
        if shared & {DEVICE, PAYMENT} or {ADDRESS, PHONE} <= shared:
            mine = next(group for group in groups if one in group)
            theirs = next(group for group in groups if other in group)
            if mine is not theirs:
                groups.remove(theirs)
                mine |= theirs
    return {frozenset(group) for group in groups if len(group) > 1}


def partition(ring_of: dict[int, int]) -> set[frozenset[int]]:
    return {frozenset(group) for group in members(ring_of).values()}


holdings = st.lists(st.tuples(st.integers(1, 14), st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=80)


@given(holdings, st.randoms())
def test_rings_are_what_the_rules_say_in_any_order(rows: list[Holding], random: Random) -> None:
    expected = defined(rows)
    assert partition(found(rows)) == expected
    random.shuffle(rows)
    again = found(rows + rows)
    assert partition(again) == expected
    assert all(ring == min(group) for ring, group in members(again).items())


@given(st.integers(1, 60), st.data())
def test_components_are_those_of_a_walk_along_the_edges(nodes: int, data: st.DataObject) -> None:
    edges = data.draw(st.lists(st.tuples(st.integers(0, nodes - 1), st.integers(0, nodes - 1)), max_size=80))
    label = connected(
        nodes, np.array([edge[0] for edge in edges], np.int64), np.array([edge[1] for edge in edges], np.int64)
    )
    near: dict[int, set[int]] = {node: {node} for node in range(nodes)}
    for left, right in edges:
        near[left].add(right)
        near[right].add(left)
    for node in range(nodes):
        seen, waiting = {node}, [node]
        while waiting:
            new = near[waiting.pop()] - seen
            seen |= new
            waiting += new
        assert label[node] == min(seen)


def test_a_long_chain_is_one_component() -> None:
    order = np.random.default_rng(3).permutation(20_000)
    assert not connected(len(order), order[:-1], order[1:]).any()


def test_a_device_or_a_payment_instrument_links_and_an_address_or_a_phone_alone_does_not() -> None:
    assert found([(1, DEVICE, 7), (2, DEVICE, 7), (3, PAYMENT, 7), (4, PAYMENT, 7)]) == {1: 1, 2: 1, 3: 3, 4: 3}
    assert found([(1, ADDRESS, 7), (2, ADDRESS, 7), (3, PHONE, 7), (4, PHONE, 7)]) == {}
    two_addresses = [(account, ADDRESS, value) for account in (1, 2) for value in (7, 8)]
    assert found(two_addresses) == {}
    assert found([(account, kind, 7) for account in (1, 2) for kind in (ADDRESS, PHONE)]) == {1: 1, 2: 1}


def test_an_address_from_one_and_a_phone_from_another_make_no_chain() -> None:
    assert found([(1, ADDRESS, 7), (2, ADDRESS, 7), (2, PHONE, 8), (3, PHONE, 8)]) == {}


def test_a_hub_links_nobody_and_says_nothing() -> None:
    for kind in (DEVICE, PAYMENT):
        at_cap = [(account, kind, 7) for account in range(CAPS[kind])]
        assert len(found(at_cap)) == CAPS[kind]
        assert found([*at_cap, (99, kind, 7)]) == {}
        assert strength(kind, CAPS[kind]) > 0
        assert strength(kind, CAPS[kind] + 1) == 0
    # everybody in the building, and two of them share a phone: still only one kind
    building = [(account, ADDRESS, 7) for account in range(1_000)]
    assert found([*building, (1, PHONE, 5), (2, PHONE, 5)]) == {}


def test_an_account_that_lists_the_values_of_many_is_linked_to_none_of_them() -> None:
    victims = [(account, PAYMENT, account) for account in range(MOST_VALUES + 1)]
    framer = [(9_999, PAYMENT, account) for account in range(MOST_VALUES + 1)]
    assert found(victims + framer) == {}
    assert found(victims[:-1] + framer[:-1])  # as many as one may have
    # by another kind it is linked as anybody is
    assert found([*victims, *framer, (9_999, DEVICE, 1), (3, DEVICE, 1)]) == {3: 3, 9_999: 3}


def test_the_more_share_a_thing_the_less_it_says() -> None:
    assert strength(DEVICE, 2) == 1
    assert strength(DEVICE, 4) == strength(ADDRESS, 2) == 0.5
    assert strength(DEVICE, 1) == 0


def test_nothing_held_links_nobody() -> None:
    nothing = np.empty(0, dtype=np.int64)
    assert rings(nothing, nothing, nothing) == {}
    assert found([(1, DEVICE, 7)]) == {}
