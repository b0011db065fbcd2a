"""Custody: taking evidence in, sealing it, comparing it with all there is, and giving it out again.

Everything that costs time happens here, when evidence comes: it is examined, its original and its copy are sealed in the vault,
and what it is like is written down. A ruling later only looks that up. Additions are made one at a time, so that of two pictures
that come at once the later sees the earlier; most of the search is done before, and only what came meanwhile is searched then.
Whoever has evidence in hand is written down with it (`log`).
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

import asyncpg
import msgspec
import numpy as np

from evenhand.errors import BadInput, UnknownThing
from evenhand.evidence.capture import CaptureReader
from evenhand.evidence.credential import CaptureCredential
from evenhand.evidence.examine import Examined, examine
from evenhand.evidence.index import Candidate, Index
from evenhand.evidence.likeness import LEAST_LIKENESS
from evenhand.evidence.log import note
from evenhand.evidence.matching import MOST_CANDIDATES, compare
from evenhand.evidence.pdq import THUMBNAIL, packed, unpacked
from evenhand.evidence.reuse import Asked, show_in_case
from evenhand.evidence.vault import Vault
from evenhand.store import Database, Queries

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
Party = Literal["buyer", "merchant", "platform", "inspector"]

_sql: Final = Queries.load("evidence")
# Images are large when they are unpacked: so many are looked at together.
_AT_ONCE: Final = 2
_PAGE: Final = 20_000
# A picture that many show has many likes; so many are written down, and told.
MOST_ALIKE: Final = 100


class Alike(msgspec.Struct, frozen=True):
    """Other evidence that is the same file, or shows the same photograph."""

    evidence: str
    # byte for byte
    exact: bool
    # differing bits of 256 of the nearest hashes; null where only the bytes were compared
    distance: int | None
    # correlation of the details, -1 to 1; null where only the bytes were compared
    likeness: float | None
    # numbers of the cases in which it was shown
    cases: list[str]


class Evidence(msgspec.Struct, frozen=True):
    """A piece of evidence, sealed."""

    # what an application's `evidence` refers to
    id: str
    market: str
    party: str
    kind: str
    # of the original
    bytes: int
    # of the sealed original and of the copy that is given out, in hexadecimal; null once a person was erased with it
    sha256: str | None
    copy_sha256: str | None
    # of an image, in pixels, as stored in the file
    width: int | None
    height: int | None
    # an image with more than one is animated; only the first is looked at
    frames: int | None
    # how much there is to see, 0 to 100; below 50 a picture is compared by its bytes only
    quality: int | None
    received_at: datetime
    # what it is like, the likest first
    alike: list[Alike]
    # what the camera that took it says; null says nothing about it
    credential: CaptureCredential | None = None
    # when its file was removed, and why: retention or erasure
    removed_at: datetime | None = None
    removed_why: str | None = None


class CaseEvidence(msgspec.Struct, frozen=True):
    """Evidence that was shown in a case."""

    evidence: str
    party: str
    kind: str
    received_at: datetime
    shown_at: datetime
    # numbers of the other cases in which it, or its like, had been shown by then
    seen_in: list[str]
    # what the camera that took it says, and whether that counted for the buyer when it was shown; null and false say nothing
    credential: CaptureCredential | None = None
    credential_counts: bool = False
    # when its file was removed, and why: retention or erasure
    removed_at: datetime | None = None
    removed_why: str | None = None


class _Match(NamedTuple):
    earlier: int
    exact: bool
    distance: int | None
    likeness: float | None


class Custody:
    """Keeps the evidence of one database."""

    def __init__(self, database: Database, vault: Vault, cameras: CaptureReader | None = None) -> None:
        """`cameras` reads capture credentials; without it none is read."""
        self._pool = database.pool
        self._vault = vault
        self._cameras = cameras
        self._index = Index()
        # number of the last evidence in the index
        self._last = 0
        self._indexing = asyncio.Lock()
        self._examining = asyncio.Semaphore(_AT_ONCE)

    async def take(
        self,
        market: int,
        party: Party,
        data: bytes,
        now: datetime,
        *,
        case: int | None = None,
        once: Callable[[Connection, Callable[[], Awaitable[str]]], Awaitable[str]] = lambda _, keep: keep(),
    ) -> Evidence:
        """Take a file in for a market (its number), and add it to one of its cases where one is named.

        `once` is asked, in the transaction that writes it down, whether to keep it or to name what was kept before.
        Raises `BadInput` when the file is not taken, `UnknownThing` for a case the market has not, `StoreError` when it cannot be
        sealed; nothing is written down then.
        """
        async with self._examining:
            line = await self._line_of(market, case) if case is not None else None
            found, credential = await asyncio.to_thread(self._examine, data)
            sealed = await self._vault.put(data)
            copied = await self._vault.put(found.picture.copy) if found.picture else sealed
            known, matches = await self._matches(found, 0)

            async def keep() -> str:
                name = f"ev_{secrets.token_hex(16)}"
                await connection.execute(_sql.one_at_a_time)
                # the same file may have been removed from the vault since it was put there
                for digest, content in ((sealed, data), (copied, found.picture.copy if found.picture else data)):
                    if not await self._vault.holds(digest):
                        await self._vault.put(content)
                later = (await self._matches(found, known))[1]
                same = [
                    _Match(row["no"], True, None, None) for row in await connection.fetch(_sql.same, sealed, MOST_ALIKE)
                ]
                number = await connection.fetchval(
                    _sql.add, *_row(name, market, party, data, sealed, copied, found, now)
                )
                if credential is not None:
                    await connection.execute(_sql.add_credential, number, *msgspec.structs.astuple(credential))
                await note(connection, [number], "received", party, now)
                await _write_alike(connection, number, [*matches, *later], same)
                if line is not None and case is not None:
                    await show_in_case(connection, case, Asked(0, market, line, now, (name,)))
                return name

            async with self._pool.acquire() as connection, connection.transaction():
                name = await once(connection, keep)
        return await self.describe(name)

    async def describe(self, name: str) -> Evidence:
        """What is known of a piece of evidence; raises `UnknownThing`."""
        async with self._pool.acquire() as connection:
            row = await _one(connection, name)
            alike = await connection.fetch(_sql.alike, row["no"], MOST_ALIKE)
            camera = await connection.fetchrow(_sql.credential, row["no"])
        return Evidence(
            row["id"],
            row["market"],
            row["party"],
            row["kind"],
            row["bytes"],
            row["sealed"] and row["sealed"].hex(),
            row["copied"] and row["copied"].hex(),
            row["width"],
            row["height"],
            row["frames"],
            row["quality"],
            row["received_at"],
            [
                Alike(
                    one["id"],
                    one["exact"],
                    one["distance"],
                    None if one["likeness"] is None else round(one["likeness"], 3),
                    [str(case) for case in one["cases"]],
                )
                for one in alike
            ],
            CaptureCredential(*camera) if camera else None,
            row["removed_at"],
            row["removed_why"],
        )

    async def copy_of(self, name: str, by: str, now: datetime) -> tuple[str, bytes]:
        """The kind of a piece of evidence and the copy that may be shown, to be looked at by somebody.

        Raises `UnknownThing`, also for what was removed, and `StoreError`.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            row = _there(await _one(connection, name))
            await note(connection, [row["no"]], "looked_at", by, now)
        return row["kind"], await self._vault.get(row["copied"])

    async def original_of(self, name: str, by: str, now: datetime) -> bytes:
        """The file as it came, for those who keep the evidence; raises as `copy_of`."""
        async with self._pool.acquire() as connection, connection.transaction():
            row = _there(await _one(connection, name))
            await note(connection, [row["no"]], "original_taken", by, now)
        return await self._vault.get(row["sealed"])

    def _examine(self, data: bytes) -> tuple[Examined, CaptureCredential | None]:
        found = examine(data)
        return found, self._cameras.read(data, found.kind) if self._cameras else None

    async def _line_of(self, market: int, case: int) -> int:
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(_sql.line_of_case, case)
        if row is None or row["market"] != market:
            raise UnknownThing(f"the market has no case {case}", field="case")
        return row["line"]

    async def _matches(self, found: Examined, first: int) -> tuple[int, list[_Match]]:
        """Evidence from place `first` of the index on that shows the same photograph, and how far the index goes by now."""
        if not found.asking:
            return first, []
        async with self._pool.acquire() as connection:
            async with self._indexing:
                await self._catch_up(connection)
                until = len(self._index)
                near = await asyncio.to_thread(self._index.near, found.asking, first=first)
            near = near[:MOST_CANDIDATES]
            rows = await connection.fetch(_sql.thumbnails, [one.number for one in near]) if near else ()
        thumbnails = {row["no"]: row["thumbnail"] for row in rows}
        return until, await asyncio.to_thread(_checked, found, near, thumbnails)

    async def _catch_up(self, connection: Connection) -> None:
        """Read what was added since, by this process or another."""
        while rows := await connection.fetch(_sql.fingerprints, self._last, _PAGE):
            wholes = unpacked(b"".join(row["pdq"] for row in rows))
            windows = unpacked(b"".join(row["windows"] for row in rows))
            self._index.add([row["no"] for row in rows], wholes, windows)
            self._last = rows[-1]["no"]


def _checked(found: Examined, near: Sequence[Candidate], thumbnails: dict[int, bytes]) -> list[_Match]:
    """Candidates that show the same photograph. One whose evidence has gone meanwhile is passed over."""
    matches: list[_Match] = []
    for candidate in near:
        if candidate.number in thumbnails:
            small = np.frombuffer(thumbnails[candidate.number], np.uint8).reshape(THUMBNAIL, THUMBNAIL)
            likely = compare(small, found.asking, candidate)
            if likely >= LEAST_LIKENESS:
                matches.append(_Match(candidate.number, False, candidate.distance, min(likely, 1.0)))
    return matches


def _row(
    name: str, market: int, party: Party, data: bytes, sealed: bytes, copied: bytes, found: Examined, now: datetime
) -> tuple[object, ...]:
    picture = found.picture
    size = (picture.width, picture.height, picture.frames) if picture else (None, None, None)
    prints: tuple[bytes | None, ...] = (None, None, None)
    if found.asking:
        itself = found.asking[0]
        prints = (packed(itself.whole), packed(itself.windows), itself.thumbnail.tobytes())
    return (name, market, party, found.kind, len(data), sealed, copied, *size, found.quality, *prints, now)


async def _write_alike(connection: Connection, number: int, matches: list[_Match], same: list[_Match]) -> None:
    """Write down what evidence is like, the same files first, each once."""
    by_sight = {one.earlier: one for one in matches}
    every = {one.earlier: by_sight.get(one.earlier, one)._replace(exact=True) for one in same}
    for one in sorted(matches, key=lambda match: -(match.likeness or 0)):
        every.setdefault(one.earlier, one)
    rows = list(every.values())[:MOST_ALIKE]
    if rows:
        await connection.execute(_sql.add_alike, number, *(list(column) for column in zip(*rows, strict=True)))


async def shown_in(connection: Connection, case: int) -> list[CaseEvidence]:
    """The uploaded evidence that was shown in a case, oldest first; raises `UnknownThing` when there is no such case."""
    if await connection.fetchrow(_sql.line_of_case, case) is None:
        raise UnknownThing(f"there is no case {case}", field="case")
    return [
        CaseEvidence(
            row["id"],
            row["party"],
            row["kind"],
            row["received_at"],
            row["at"],
            [str(one) for one in row["seen_in"]],
            CaptureCredential(*(row[name] for name in CaptureCredential.__struct_fields__))
            if row["taken_at"]
            else None,
            row["credential"],
            row["removed_at"],
            row["removed_why"],
        )
        for row in await connection.fetch(_sql.of_case, case)
    ]


async def _one(connection: Connection, name: str) -> asyncpg.Record:
    row = await connection.fetchrow(_sql.one, name) if "\0" not in name else None
    if row is None:
        raise UnknownThing(f"there is no evidence {name[:60]!r}", field="id")
    return row


def _there(row: asyncpg.Record) -> asyncpg.Record:
    if row["removed_at"] is not None:
        why = "its time was over" if row["removed_why"] == "retention" else "the person was erased"
        raise UnknownThing(f"the file of {row['id']} was removed on {row['removed_at']:%Y-%m-%d}: {why}", field="id")
    return row


def party_of(text: str) -> Party:
    """Read who shows the evidence; raises `BadInput`."""
    for party in ("buyer", "merchant", "platform", "inspector"):
        if text == party:
            return party
    raise BadInput("is one of buyer, merchant, platform, inspector", field="party")
