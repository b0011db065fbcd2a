"""Gangs go for the same stores at the same time, and are found by that, whether they share things or not."""

from collections import Counter
from datetime import timedelta

from evenhand.records import Application, Order
from evenhand.simulation import BEGINS, planted, simulate
from evenhand.simulation.agreeing import measure_gangs
from evenhand.simulation.gangs import LASTS, STORES
from evenhand.simulation.marketplace import buyer_id, kinds_of_buyers, store_id


def test_gangs_are_abusers_who_claim_at_their_stores_and_elsewhere_too() -> None:
    truth = planted(60_000, 3)
    kinds = kinds_of_buyers(60_000, 3)
    gangs = [(market, gang) for market, all_of_it in truth.gangs.items() for gang in all_of_it]
    assert {gang.shares for _, gang in gangs} == {True, False}
    chosen: dict[tuple[str, str], list[tuple[int, set[str]]]] = {}
    for market, gang in gangs:
        assert 3 <= len(gang.members) <= 6
        members = frozenset(buyer_id(member) for member in gang.members)
        assert {kinds[market, member] for member in members} == {"abusive"}
        assert (members in truth.rings[market]) is gang.shares
        for member in members:
            chosen[market, member] = [(day, {store_id(store) for store in stores}) for day, stores in gang.chosen]
            assert all(len(stores) == STORES for _, stores in chosen[market, member])
    bought: dict[tuple[str, str], Order] = {}
    filed: Counter[bool] = Counter()
    for event in simulate(60_000, 3):
        if isinstance(event.what, Order):
            bought[event.market, event.what.id] = event.what
        elif isinstance(event.what, Application):
            order = bought[event.market, event.what.order]
            day = ((order.placed_at + timedelta(hours=8)).date() - BEGINS).days
            for begins, stores in chosen.get((event.market, order.buyer), ()):
                if begins <= day < begins + LASTS:
                    filed[order.lines[0].merchant in stores] += 1
    assert filed[True] > 200
    assert filed[False] > 50


def test_disputes_give_gangs_away_and_name_hardly_anybody_else() -> None:
    none, some = measure_gangs(50_000, 22, 0), measure_gangs(50_000, 22, 8)
    assert (none.looks, none.gangs) == (18, 0)
    # chance does as well once in twenty looks, of either kind
    assert none.findings <= 4
    assert some.gangs_found > 0.6 * some.gangs
    assert some.sharing_found > 0.6 * some.sharing
    assert some.gangs_found > some.sharing_found, "also such as nothing links"
    assert some.abusive > 0.9 * some.buyers
    assert some.in_gangs > 0.5 * some.buyers
