"""The custody log: who had a piece of evidence in hand, when, to do what. It can be checked by anybody who has it.

Each row carries a SHA-256 of the row before and of what it says itself; the first one covers the evidence's id and the hash
of the sealed file. The database computes it when the row is written (migration 0011) and this module again when the log is
read, so a row that was changed, left out or put in between shows. When a person is erased the file's hash goes and the chain
stays: it is checked from its first row on then.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from json import dumps
from typing import Any, Final, Literal

import asyncpg
import asyncpg.pool
import msgspec

from evenhand.errors import UnknownThing
from evenhand.naming import person
from evenhand.store import Queries

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
Act = Literal["received", "looked_at", "original_taken", "removed", "erased"]

_sql: Final = Queries.load("evidence")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class CustodyEntry(msgspec.Struct, frozen=True):
    """Somebody had evidence in hand."""

    no: int
    at: datetime
    action: Act
    # the party that showed it, or the name somebody gave
    who: str
    note: str
    # hexadecimal
    digest: str


class CustodyLog(msgspec.Struct, frozen=True):
    """Everybody who had a piece of evidence in hand."""

    evidence: str
    # every digest follows from the row before
    unbroken: bool
    entries: list[CustodyEntry]


async def note(
    connection: Connection, evidence: Sequence[int], action: Act, who: str, now: datetime, text: str = ""
) -> None:
    """Write down that somebody had pieces of evidence (by number) in hand; raises `BadInput` for a name that is none."""
    await connection.execute(_sql.note_custody, list(evidence), now, action, person(who), text)


async def custody_of(connection: Connection, name: str) -> CustodyLog:
    """The log of a piece of evidence, checked; raises `UnknownThing`."""
    item = await connection.fetchrow(_sql.one, name) if "\0" not in name else None
    if item is None:
        raise UnknownThing(f"there is no evidence {name[:60]!r}", field="id")
    rows = await connection.fetch(_sql.custody, item["no"])
    entries = [
        CustodyEntry(row["no"], row["at"], row["action"], row["who"], row["note"], row["digest"].hex()) for row in rows
    ]
    return CustodyLog(item["id"], unbroken(item["id"], item["sealed"], rows), entries)


def unbroken(name: str, sealed: bytes | None, rows: Sequence[Any]) -> bool:
    """Whether every row follows from the one before; `sealed` is the file's hash, None when it is not known any more."""
    before = sha256(name.encode() + sealed).digest() if sealed is not None else None
    for number, row in enumerate(rows, start=1):
        said = [row["no"], (row["at"] - _EPOCH) // _MICROSECOND, row["action"], row["who"], row["note"]]
        expected = sha256((before or b"") + dumps(said, ensure_ascii=False).encode()).digest()
        if row["no"] != number or (before is not None and row["digest"] != expected):
            return False
        before = row["digest"]
    return bool(rows)
