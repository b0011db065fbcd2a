"""Accounts as the store holds them: find or open them, lock and load their state, save it."""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import asyncpg

from evenhand.history.tiles import pack, unpack
from evenhand.store import Queries

AccountKind = Literal["buyer", "merchant"]
# market number, kind, id given by the marketplace
AccountKey = tuple[int, AccountKind, str]
Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

_sql: Final = Queries.load("accounts")


@dataclass(slots=True)
class Account:
    """The state of one account while a batch works on it."""

    tiles: "array[int]"
    # (label, from, until), as set; empty for nearly everybody
    labels: list[tuple[str, datetime, datetime]]

    def label(self, at: datetime) -> str:
        """The gravest label in effect at a moment: none, watched or malicious."""
        active = {label for label, starts, expires in self.labels if starts <= at < expires}
        return "malicious" if "malicious" in active else "watched" if active else "none"


async def find_or_open(connection: Connection, keys: Iterable[AccountKey]) -> dict[AccountKey, int]:
    """Numbers of the accounts, opening those that are new."""
    wanted = sorted(set(keys))
    columns = [list(column) for column in zip(*wanted, strict=True)] or [[], [], []]
    found = {(row[1], row[2], row[3]): row[0] for row in await connection.fetch(_sql.find, *columns)}
    missing = [key for key in wanted if key not in found]
    if missing:
        columns = [list(column) for column in zip(*missing, strict=True)]
        await connection.execute(_sql.open, *columns)
        found |= {(row[1], row[2], row[3]): row[0] for row in await connection.fetch(_sql.find, *columns)}
    return found


async def lock(connection: Connection, numbers: Iterable[int]) -> dict[int, Account]:
    """Load accounts and hold them until the transaction ends."""
    rows = await connection.fetch(_sql.lock, sorted(set(numbers)))
    return {row[0]: Account(unpack(row[1]), row[2] or []) for row in rows}


async def save(connection: Connection, accounts: Mapping[int, Account]) -> None:
    """Write back the history of locked accounts."""
    await connection.execute(_sql.save, list(accounts), [pack(account.tiles) for account in accounts.values()])
