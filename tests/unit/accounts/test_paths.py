"""The path that links two accounts is a real one, as short as can be, and tells kinds only."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from evenhand.accounts.links.grouping import ADDRESS, CAPS, DEVICE, KINDS, PAYMENT, PHONE, rings
from evenhand.accounts.links.paths import Holding, Shared, arrays, path, shared_by


def holdings_of(rows: list[tuple[int, int, int]]) -> list[Holding]:
    held = set(rows)
    counts: dict[tuple[int, int], int] = {}
    for _, kind, value in held:
        counts[kind, value] = counts.get((kind, value), 0) + 1
    return [
        (account, kind, b"%d-%d" % (kind, value), min(counts[kind, value], CAPS[kind] + 1))
        for account, kind, value in sorted(held)
    ]


def test_the_path_names_kinds_and_how_many_share_them() -> None:
    holdings = holdings_of(
        [(1, DEVICE, 5), (2, DEVICE, 5), (2, ADDRESS, 6), (3, ADDRESS, 6), (2, PHONE, 7), (3, PHONE, 7)]
    )
    found = path(holdings, 1, 3)
    assert found is not None
    first, second = found
    assert (first.before, first.after, first.shared, first.strength) == (1, 2, [Shared("device", 2, False)], 1.0)
    assert second.shared == [Shared("address", 2, False), Shared("phone", 2, False)]
    told = msgspec.json.encode(found)
    assert not any(attribute in told for _, _, attribute, _ in holdings)


def test_what_is_shared_without_linking_is_told_apart() -> None:
    building = holdings_of([(account, ADDRESS, 1) for account in range(40)] + [(1, PHONE, 1), (2, PHONE, 1)])
    assert path(building, 1, 2) is None
    assert shared_by(building, 1, 2) == [Shared("address", CAPS[ADDRESS] + 1, True), Shared("phone", 2, False)]


def test_of_equally_short_paths_the_stronger_is_taken() -> None:
    weak = [(account, PAYMENT, 1) for account in (1, 2, 5, 6, 7)] + [(2, PAYMENT, 2), (9, PAYMENT, 2)]
    strong = [(1, DEVICE, 1), (3, DEVICE, 1), (3, DEVICE, 2), (9, DEVICE, 2)]
    found = path(holdings_of(weak + strong), 1, 9)
    assert found is not None
    assert [step.after for step in found] == [3, 9]


def test_an_account_is_linked_to_itself_by_nothing() -> None:
    assert path(holdings_of([(1, DEVICE, 1)]), 1, 1) == []


rows = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=60)


@given(rows, st.integers(1, 12), st.integers(1, 12))
def test_there_is_a_path_exactly_within_a_ring_and_every_step_of_it_is_real(
    given_rows: list[tuple[int, int, int]], start: int, end: int
) -> None:
    holdings = holdings_of(given_rows)
    ring_of = rings(**arrays(holdings))
    found = path(holdings, start, end)
    together = start == end or (start in ring_of and ring_of.get(start) == ring_of.get(end))
    assert (found is not None) == together
    at = start
    for step in found or []:
        assert step.before == at
        assert step.strength > 0
        kinds = {shared.kind for shared in step.shared if not shared.hub}
        for kind in kinds:
            number = KINDS.index(kind)
            assert {row[2] for row in holdings if row[0] == step.before and row[1] == number} & {
                row[2] for row in holdings if row[0] == step.after and row[1] == number
            }
        assert kinds & {"device", "payment"} or kinds >= {"address", "phone"}
        at = step.after
    assert at == end or found is None
    assert len(found or []) < len(ring_of) + 1
