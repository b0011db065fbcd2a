"""Which accounts are linked, by what they share: exact connected components under caps.

An account *holds* attributes: it has used this device, this payment instrument, this address, this phone. Holding the same thing
links two accounts under three rules, chosen so that nobody is punished for a neighbour:

- A device or a payment instrument links by itself: the marketplace sees it being used, it is not copied from a parcel.
- An address or a phone links nobody by itself. Both stand on every parcel, so anybody can have goods sent to a neighbour or
  name somebody's number; only the two together link.
- An attribute held by more accounts than its cap is a *hub* (an office building, a parcel locker, a shop's terminal): it links
  nobody, alone or with another. An account that holds more than `MOST_VALUES` of one kind (a forwarder, a list of victims) is
  linked to nobody by that kind.

Linked accounts form a ring: a connected component of accounts and what they share. The components follow from the set of
holdings alone, whatever the order they came in. An address and a phone held together count as one key, so every key is a star
of its holders, and the whole is linear in the holdings (but for sorting).

Below the cap a link is damped by how many share it: `strength` is 1/log2(holders), halved for an address or a phone, so a thing
that two share says 1 and one that eight share says 1/3. It decides nothing; it orders paths and is shown to people.
"""

from collections.abc import Mapping
from math import log2
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# The order of the kinds is their number in arrays and in the store: append, never reorder.
KINDS: Final = ("address", "device", "payment", "phone")
ADDRESS, DEVICE, PAYMENT, PHONE = range(len(KINDS))
# An attribute held by more accounts than this is a hub.
CAPS: Final[tuple[int, ...]] = (20, 8, 8, 8)
# An account with more different values of one kind than this is not linked by that kind.
MOST_VALUES: Final = 64


def strength(kind: int, holders: int) -> float:
    """How much sharing an attribute says, from 0 to 1, when so many accounts hold it; a hub says nothing."""
    if holders < 2 or holders > CAPS[kind]:
        return 0.0
    return (1.0 if kind in {DEVICE, PAYMENT} else 0.5) / log2(holders)


def link_keys(
    accounts: Ints, kinds: Ints, attributes: Ints, *, hubs: Bools | None = None, caps: tuple[int, ...] = CAPS
) -> tuple[Ints, Ints]:
    """Who holds which linking key: (account, key), one row per holder, every key with two holders or more.

    A holding is one row of the three arrays, repeats allowed: any account number, a place in `KINDS`, any number for the
    attribute (one attribute has one kind). `hubs` marks holdings whose attribute is a hub whatever the rows say, since the rows
    may be a part of all there are.

    A key is a strong attribute or a pair of an address and a phone.
    """
    order = np.lexsort((accounts, attributes))
    accounts, kinds, attributes = accounts[order], kinds[order], attributes[order]
    first = np.ones(len(accounts), dtype=np.bool_)
    first[1:] = (accounts[1:] != accounts[:-1]) | (attributes[1:] != attributes[:-1])
    hubs = np.zeros(len(first), dtype=np.bool_) if hubs is None else hubs[order]
    accounts, kinds, attributes, hubs = accounts[first], kinds[first], attributes[first], hubs[first]

    # the rows are in the order of the attributes: number those, and count their holders
    attribute = np.cumsum(np.diff(attributes, prepend=attributes[:1]) != 0)
    holders = np.bincount(attribute)
    shared = holders[attribute]
    _, value, values = np.unique(accounts * len(KINDS) + kinds, return_inverse=True, return_counts=True)
    counts = (shared > 1) & (shared <= np.array(caps)[kinds]) & ~hubs & (values[value] <= MOST_VALUES)

    strong = counts & ((kinds == DEVICE) | (kinds == PAYMENT))
    pair_account, pair = _pairs(accounts, attribute, counts & (kinds == ADDRESS), counts & (kinds == PHONE))
    holder = np.concatenate([accounts[strong], pair_account])
    key = np.concatenate([attribute[strong], pair + len(holders)])
    _, key, held_by = np.unique(key, return_inverse=True, return_counts=True)
    several = held_by[key] > 1
    return holder[several], key[several]


def _pairs(accounts: Ints, attributes: Ints, left: Bools, right: Bools) -> tuple[Ints, Ints]:
    """Every pair of a left and a right attribute of one account: (account, number of the pair)."""
    by_left = np.flatnonzero(left)[np.argsort(accounts[left], kind="stable")]
    by_right = np.flatnonzero(right)[np.argsort(accounts[right], kind="stable")]
    begin = np.searchsorted(accounts[by_right], accounts[by_left], "left")
    count = np.searchsorted(accounts[by_right], accounts[by_left], "right") - begin
    lefts = np.repeat(by_left, count)
    rights = by_right[np.repeat(begin - np.cumsum(count) + count, count) + np.arange(len(lefts))]
    most = int(attributes.max(initial=0)) + 1
    return accounts[lefts], attributes[lefts] * most + attributes[rights]


def rings(accounts: Ints, kinds: Ints, attributes: Ints, *, hubs: Bools | None = None) -> dict[int, int]:
    """The ring of every linked account, named by the least account in it; accounts that are linked to nobody are left out."""
    holder, key = link_keys(accounts, kinds, attributes, hubs=hubs)
    return rings_of_keys(holder, key)


def rings_of_keys(holder: Ints, key: Ints) -> dict[int, int]:
    """The ring of every holder of the keys that `link_keys` gives."""
    names, place = np.unique(holder, return_inverse=True)
    by_key = np.argsort(key, kind="stable")
    place, key = place[by_key], key[by_key]
    opens = np.flatnonzero(np.diff(key, prepend=-1))
    centre = np.repeat(place[opens], np.diff(opens, append=len(key)))
    ring = names[connected(len(names), centre, place)]
    return dict(zip(names.tolist(), ring.tolist(), strict=True))


def connected(nodes: int, left: Ints, right: Ints) -> Ints:
    """Connected components of the graph with edges left[i] - right[i]: for each node the least node of its component.

    Union-find in rounds over whole arrays: every root hooks onto its least neighbour, then every node jumps to its root
    (Shiloach & Vishkin 1982). A few rounds suffice; each costs one pass over the edges that still cross.
    """
    label = np.arange(nodes, dtype=np.int64)
    while len(left):
        low, high = np.minimum(label[left], label[right]), np.maximum(label[left], label[right])
        crossing = low != high
        left, right = left[crossing], right[crossing]
        np.minimum.at(label, high[crossing], low[crossing])
        while not np.array_equal(label, jumped := label[label]):
            label = jumped
    return label


def members(ring_of: Mapping[int, int]) -> dict[int, list[int]]:
    """Accounts by ring."""
    found: dict[int, list[int]] = {}
    for account, ring in ring_of.items():
        found.setdefault(ring, []).append(account)
    return found
