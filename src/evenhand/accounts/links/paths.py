"""Why two accounts are linked: the shortest path from one to the other through what accounts share.

Each step names what is shared by its kind alone (device, payment instrument, address and phone), never by its value or hash, and
how many accounts share it. Among paths of equally few steps the one whose weakest step is strongest is taken.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from evenhand.accounts.links.grouping import ADDRESS, CAPS, DEVICE, KINDS, PAYMENT, PHONE, link_keys, strength

# account, kind (a place in KINDS), the attribute as it is kept, how many hold it: a hub's are counted to one above the cap
Holding = tuple[int, int, bytes, int]


class Shared(msgspec.Struct, frozen=True):
    """Something two accounts share."""

    kind: str
    # how many accounts hold it; a hub's are not counted further than one above the cap
    holders: int
    # held by too many to mean anything
    hub: bool


class Step(msgspec.Struct, frozen=True):
    """One step of a path: the next account and what it shares with the one before."""

    # account numbers
    before: int
    after: int
    shared: list[Shared]
    # 0 to 1
    strength: float


def arrays(holdings: Sequence[Holding]) -> dict[str, Any]:
    """Holdings as `link_keys` takes them, the attributes numbered."""
    number: dict[bytes, int] = {}
    for _, _, attribute, _ in holdings:
        number.setdefault(attribute, len(number))
    return {
        "accounts": np.array([row[0] for row in holdings], dtype=np.int64),
        "kinds": np.array([row[1] for row in holdings], dtype=np.int64),
        "attributes": np.array([number[row[2]] for row in holdings], dtype=np.int64),
        "hubs": np.array([row[3] > CAPS[row[1]] for row in holdings], dtype=np.bool_),
    }


def path(holdings: Sequence[Holding], start: int, end: int) -> list[Step] | None:
    """The path that links two accounts, empty from an account to itself; None when there is none.

    `holdings` are those of every account that may be on the way, one ring's for instance.
    """
    return paths(holdings, start, end).get(end)


def paths(holdings: Sequence[Holding], start: int, end: int | None = None) -> dict[int, list[Step]]:
    """The path from an account to each it is linked with, the shortest first and of those the strongest; the empty one to itself.

    With `end` no further than that account lies.
    """
    neighbours = _neighbours(holdings)
    holds = _by_account(holdings)
    # per account reached: the steps that led there, and the strength of the weakest
    reached: dict[int, tuple[float, list[Step]]] = {start: (1.0, [])}
    level: Mapping[int, tuple[float, list[Step]]] = reached
    while level and end not in reached:
        found: dict[int, tuple[float, list[Step]]] = {}
        for account in sorted(level):
            weakest, steps = level[account]
            for other in sorted(neighbours.get(account, ())):
                if other in reached:
                    continue
                shared = _in_common(holds[account], holds[other])
                step = Step(account, other, shared, _strength(shared))
                if other not in found or min(weakest, step.strength) > found[other][0]:
                    found[other] = (min(weakest, step.strength), [*steps, step])
        reached |= found
        level = found
    return {account: steps for account, (_, steps) in reached.items()}


def shared_by(holdings: Sequence[Holding], one: int, other: int) -> list[Shared]:
    """What two accounts share, whether it links them or not, in the order of the kinds."""
    holds = _by_account(holdings)
    return _in_common(holds.get(one, {}), holds.get(other, {}))


def _in_common(one: Mapping[bytes, tuple[int, int]], other: Mapping[bytes, tuple[int, int]]) -> list[Shared]:
    both = sorted(one[attribute] for attribute in one.keys() & other.keys())
    return [Shared(KINDS[kind], holders, holders > CAPS[kind]) for kind, holders in both]


def _strength(shared: Iterable[Shared]) -> float:
    """The strongest thing that links by itself, or an address and a phone together."""
    best = dict.fromkeys(range(len(KINDS)), 0.0)
    for one in shared:
        kind = KINDS.index(one.kind)
        best[kind] = max(best[kind], 0.0 if one.hub else strength(kind, one.holders))
    both = best[ADDRESS] + best[PHONE] if best[ADDRESS] and best[PHONE] else 0.0
    return min(1.0, max(best[DEVICE], best[PAYMENT], both))


def _neighbours(holdings: Sequence[Holding]) -> dict[int, set[int]]:
    holder, key = link_keys(**arrays(holdings))
    by_key: dict[int, list[int]] = {}
    for account, number in zip(holder.tolist(), key.tolist(), strict=True):
        by_key.setdefault(number, []).append(account)
    found: dict[int, set[int]] = {}
    for group in by_key.values():
        for account in group:
            found.setdefault(account, set()).update(group)
    return found


def _by_account(holdings: Sequence[Holding]) -> dict[int, dict[bytes, tuple[int, int]]]:
    found: dict[int, dict[bytes, tuple[int, int]]] = {}
    for account, kind, attribute, holders in holdings:
        found.setdefault(account, {})[attribute] = (kind, holders)
    return found
