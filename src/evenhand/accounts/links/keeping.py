"""Keep what accounts use, and who is linked by it, with every order.

What is new in a batch of orders is written in the batch's own transaction, so a link is there as soon as the order that makes it.
An order that brings nothing new costs two reads, one without attributes nothing. The rest stays small because new links can
only be among the holders of what is new, never more than the cap of each: their holdings are grouped by the rules of `grouping`,
and their rings joined, the smaller taking the larger one's name.

Only when an attribute becomes a hub, or an account gets too many values of a kind, may links end. Then the rings it touches are
grouped anew, whole. Either way the rings are those `grouping.rings` gives for everything held, whatever the order it came in. One
transaction at a time links accounts of a market, so each sees what was linked before it.

The secret of the hashes is `EVENHAND_LINK_KEY`, or one made when it is first needed and kept in the database.
"""

import os
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from evenhand.accounts.links.grouping import ADDRESS, CAPS, KINDS, MOST_VALUES, PHONE, rings, rings_of_keys
from evenhand.accounts.links.hashing import fingerprint, hashed
from evenhand.accounts.links.paths import Holding, arrays
from evenhand.accounts.state import Account, AccountKey, Connection, find_or_open
from evenhand.errors import StoreError
from evenhand.history import BUYER
from evenhand.records import Attributes
from evenhand.store import Queries

KEY_VARIABLE: Final = "EVENHAND_LINK_KEY"
# A ring is read up to so many accounts, the newest: rulings take no longer however many a ring has.
MOST_READ: Final = 100
_SHORTEST_KEY: Final = 16
# Our locks among the advisory locks of a database: "link".
_LOCK: Final = 0x6C696E6B

# Of these kinds an attribute links only together with one of the other.
_TOGETHER: Final = {ADDRESS: PHONE, PHONE: ADDRESS}

_sql: Final = Queries.load("links")


@dataclass(frozen=True, slots=True)
class Sighting:
    """An account used something."""

    account: AccountKey
    # place in KINDS
    kind: int
    attribute: bytes


async def unseen(connection: Connection, used: Iterable[tuple[AccountKey, Attributes]]) -> list[Sighting]:
    """What of this is new, inside the caller's transaction.

    When anything is, the transaction is from here on the only one that links accounts of these markets. So call it before any
    account is locked: whoever comes later waits without holding what this one may need.
    """
    values = [
        (account, kind, value)
        for account, attributes in used
        for kind, name in enumerate(KINDS)
        for value in getattr(attributes, name)
    ]
    if not values:
        return []
    key = await secret(connection)
    sightings = [
        Sighting(account, kind, attribute)
        for account, kind, value in values
        if (attribute := hashed(key, account[0], kind, value))
    ]
    attributes, markets = [one.attribute for one in sightings], [one.account[0] for one in sightings]
    rows = await connection.fetch(_sql.unseen, attributes, markets, [one.account[2] for one in sightings])
    new = [sightings[row["i"] - 1] for row in rows]
    if new:
        await connection.execute(_sql.alone, _LOCK, sorted({one.account[0] for one in new}))
    return new


async def see(connection: Connection, sightings: Sequence[Sighting], now: datetime) -> None:
    """Keep what `unseen` found to be new, and link the accounts by it."""
    if not sightings:
        return
    numbers = await find_or_open(connection, [one.account for one in sightings])
    rows = sorted({(one.attribute, numbers[one.account], one.kind) for one in sightings})
    columns = [list(column) for column in zip(*rows, strict=True)]
    new = [(row[0], row[1], row[2]) for row in await connection.fetch(_sql.hold, *columns, now)]
    if new:
        await _link(connection, new, {one.attribute: one.account[0] for one in sightings})


async def _link(connection: Connection, new: Sequence[tuple[bytes, int, int]], markets: Mapping[bytes, int]) -> None:
    """Join the rings that new holdings (attribute, account, kind) link; take apart those that became too widely shared."""
    kind_of = {attribute: kind for attribute, _, kind in new}
    near: set[int] = set()
    loosened = await _overfull(connection, new)
    hubs: list[bytes] = []
    for row in await connection.fetch(_sql.holders, list(kind_of)):
        attribute, holders = row["attribute"], row["accounts"]
        kind = kind_of[attribute]
        if len(holders) > CAPS[kind]:
            hubs.append(attribute)
            loosened.update(holders)
        elif len(holders) > 1 and kind not in _TOGETHER:
            near.update(holders)
    if hubs:
        await connection.execute(_sql.add_hubs, hubs, [markets[attribute] for attribute in hubs])
    paired = [(attribute, account, _TOGETHER[kind]) for attribute, account, kind in new if kind in _TOGETHER]
    if paired:
        columns = [list(column) for column in zip(*paired, strict=True)]
        near |= {row["account"] for row in await connection.fetch(_sql.holding_both, *columns, MOST_VALUES + 1)}
    if near or loosened:
        await _regroup(connection, near, loosened)


async def _overfull(connection: Connection, new: Sequence[tuple[bytes, int, int]]) -> set[int]:
    """Accounts that only now hold too many values of a kind."""
    added: dict[tuple[int, int], int] = {}
    for _, account, kind in new:
        added[account, kind] = added.get((account, kind), 0) + 1
    accounts, kinds = [place[0] for place in added], [place[1] for place in added]
    most = MOST_VALUES + max(added.values())
    return {
        row["account"]
        for row in await connection.fetch(_sql.values_of, accounts, kinds, most + 1)
        if row["values"] > MOST_VALUES >= row["values"] - added[row["account"], row["kind"]]
    }


async def _regroup(connection: Connection, near: Collection[int], loosened: Collection[int]) -> None:
    """Join what is linked among the accounts `near`, and group the rings of `loosened` accounts anew."""
    broken = {row["ring"] for row in await connection.fetch(_sql.rings_of, list(loosened))}
    freed = {row["account"] for row in await connection.fetch(_sql.members, list(broken))} if broken else set[int]()
    around = sorted({*near, *freed})
    linked = rings(**arrays(await holdings(connection, around)))
    before = {row["account"]: row["ring"] for row in await connection.fetch(_sql.rings_of, around)}
    before = {account: ring for account, ring in before.items() if ring not in broken}
    sizes = {row["ring"]: row["size"] for row in await connection.fetch(_sql.sizes, list(set(before.values())))}
    renamed, joined = joining(linked, before, sizes)
    if broken:
        await connection.execute(_sql.dissolve, list(broken))
    if renamed:
        await connection.execute(_sql.rename, list(renamed), list(renamed.values()))
    if joined:
        await connection.execute(_sql.join_ring, list(joined), list(joined.values()))


def joining(
    linked: Mapping[int, int], before: Mapping[int, int], sizes: Mapping[int, int]
) -> tuple[dict[int, int], dict[int, int]]:
    """What new links do to rings: old names to new ones, and new accounts to their rings.

    `linked` is the group of each account among those looked at, `before` the ring of each that is in one already, `sizes` how
    large those rings are. The largest ring keeps its name; a new one is named by its least account.
    """
    accounts = [*linked, *(account for account in before if account in linked)]
    # groups and rings are both named by accounts: even keys are groups, odd ones rings
    keys = [2 * linked[account] for account in linked] + [
        2 * before[account] + 1 for account in before if account in linked
    ]
    whole = rings_of_keys(np.array(accounts, dtype=np.int64), np.array(keys, dtype=np.int64))
    parts: dict[int, set[int]] = {}
    for account, group in whole.items():
        parts.setdefault(group, set())
        if account in before:
            parts[group].add(before[account])
    names = {group: max(met, key=lambda ring: (sizes[ring], -ring)) if met else group for group, met in parts.items()}
    renamed = {ring: names[group] for group, met in parts.items() for ring in met if ring != names[group]}
    joined = {account: names[group] for account, group in whole.items() if account not in before}
    return renamed, joined


async def holdings(connection: Connection, accounts: Iterable[int]) -> list[Holding]:
    """What accounts hold, as far as it may link them."""
    rows = await connection.fetch(_sql.holdings, list(accounts), list(CAPS), MOST_VALUES + 1)
    return [(row[0], row[1], row[2], row[3]) for row in rows]


async def read_rings(connection: Connection, buyers: Collection[int]) -> dict[int, dict[int, Account]]:
    """The accounts linked with each of these buyers that is linked with any: their histories as they stand, by account."""
    found: dict[int, dict[int, Account]] = {}
    if buyers:
        for among, account, version, tiles in await connection.fetch(_sql.states, list(buyers), MOST_READ):
            ring = found.setdefault(among[0], {})
            ring[account] = Account(version, BUYER.unpack(tiles, account))
            for buyer in among:
                found[buyer] = ring
    return found


async def alone(connection: Connection, market: str) -> None:
    """Be the only one who links accounts of a market (its id) until the transaction ends; before any account is locked."""
    await connection.execute(_sql.alone_in, _LOCK, market)


async def forget(connection: Connection, account: int, market: int) -> None:
    """Erase what a person's account has used, and its part in rings and findings, inside the caller's transaction.

    `account` and `market` are numbers of the store. Those it was linked with stay linked as far as others link them.
    """
    await connection.execute(_sql.alone, _LOCK, [market])
    await connection.execute(_sql.forget_holdings, account)
    await _regroup(connection, (), [account])


async def secret(connection: Connection) -> bytes:
    """The secret the hashes are made with; raises `StoreError` when the one that is given is not the one they were made with."""
    given = os.environ.get(KEY_VARIABLE, "").encode()
    if given and len(given) < _SHORTEST_KEY:
        raise StoreError(f"{KEY_VARIABLE} is shorter than {_SHORTEST_KEY} bytes; give a long random text")
    row = await connection.fetchrow(_sql.key)
    if row is None:
        key = given or secrets.token_bytes(32)
        await connection.execute(_sql.keep_key, None if given else key, fingerprint(key))
        row = await connection.fetchrow(_sql.key)
        assert row is not None
    key = given or row["key"]
    if key is None:
        raise StoreError(
            f"what accounts share was hashed with a key kept outside this database: set {KEY_VARIABLE} to it"
        )
    if fingerprint(key) != row["fingerprint"]:
        raise StoreError(
            f"{KEY_VARIABLE} is not the key this database was begun with: set it to that one, or not at all"
        )
    return key
