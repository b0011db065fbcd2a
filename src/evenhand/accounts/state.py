"""Accounts as the store holds them: find or open them, load their state, save it."""

from array import array
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final, Literal

import asyncpg
import asyncpg.pool
import msgspec

from evenhand.history import BUYER, MERCHANT
from evenhand.history.stored import pack
from evenhand.store import Queries

AccountKind = Literal["buyer", "merchant"]
# market number, kind, id given by the marketplace
AccountKey = tuple[int, AccountKind, str]
Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
# a label, from when, until when
Label = tuple[str, datetime, datetime]

_sql: Final = Queries.load("accounts")
_json: Final = msgspec.json.Encoder().encode


class Stale(Exception):
    """Somebody else wrote an account after it was read: read again, rule again."""


class Account(msgspec.Struct, gc=False):
    """The history of one account while a batch works on it."""

    # of the row that was read
    version: int
    tiles: "array[int]"


def label_at(labels: Collection[Label] | None, moment: datetime) -> str:
    """The gravest label in effect at a moment: none, watched or malicious."""
    active = {label for label, starts, expires in labels or () if starts <= moment < expires}
    return "malicious" if "malicious" in active else "watched" if active else "none"


async def find_or_open(connection: Connection, keys: Iterable[AccountKey]) -> dict[AccountKey, int]:
    """Numbers of the accounts, opening those that are new."""
    wanted = sorted(set(keys))
    found = await _find(connection, wanted)
    missing = [key for key in wanted if key not in found]
    if missing:
        await connection.execute(_sql.open, *_columns(missing))
        found |= await _find(connection, missing)
    return found


async def _find(connection: Connection, keys: Collection[AccountKey]) -> dict[AccountKey, int]:
    return {(row[1], row[2], row[3]): row[0] for row in await connection.fetch(_sql.find, *_columns(keys))}


def _columns(keys: Collection[AccountKey]) -> list[list[object]]:
    return [[key[place] for key in keys] for place in range(3)]


async def lock(connection: Connection, numbers: Iterable[int]) -> dict[int, Account]:
    """Load accounts and hold them until the transaction ends."""
    rows = await connection.fetch(_sql.lock, sorted(set(numbers)))
    return {row[0]: Account(row[1], (BUYER if row[3] == "buyer" else MERCHANT).unpack(row[2], row[0])) for row in rows}


async def save(connection: Connection, accounts: Mapping[int, Account]) -> None:
    """Write the accounts back; raises `Stale` when one of them was written by somebody else since it was read."""
    if not accounts:
        return
    numbers, versions = list(accounts), [account.version for account in accounts.values()]
    tiles = [pack(account.tiles) for account in accounts.values()]
    done = await connection.execute(_sql.save, _json(numbers).decode(), _json(versions).decode(), tiles)
    if done != f"UPDATE {len(accounts)}":
        raise Stale
