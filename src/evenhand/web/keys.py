"""`Idempotency-Key`: a key belongs to the request it first came with.

Orders and applications are taken once by their own ids, however often they are sent, so a repeated request does no harm by
itself and its answer can be made again. What a key adds is the promise to notice a *different* request under the same key. For
that a digest of the request is enough, stored before anything else happens: a crash in between leaves a key that the same
request may still use.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import asyncpg

from evenhand.errors import EvenhandError, StoreError
from evenhand.store import CUT_OFF, Database, Queries
from evenhand.web.asgi import Headers
from evenhand.web.batcher import Batcher
from evenhand.web.problems import Refused

_sql: Final = Queries.load("web")
_LONGEST: Final = 255
# key, digest of the request it came with
Use = tuple[str, bytes]


class Keys:
    """Remembers keys, a batch of them at a time."""

    def __init__(self, database: Database) -> None:
        self._pool = database.pool
        self._batcher: Batcher[Use, bool] = Batcher(self._remember)

    async def check(self, headers: Headers, path: str, body: bytes) -> None:
        """Raises `Refused` when the request's key came before with another request; `StoreError` when nobody can tell."""
        raw = headers.get(b"idempotency-key")
        if raw is None:
            return
        key = raw.decode("latin-1").strip()
        if not 0 < len(key) <= _LONGEST or not key.isprintable():
            raise Refused("bad-input", f"a key has 1 to {_LONGEST} visible characters", field="Idempotency-Key")
        digest = blake2b(
            headers.get(b"content-type", b"") + b"\n" + path.encode() + b"\n" + body, digest_size=16
        ).digest()
        (same,) = await self._batcher.submit([(key, digest)])
        if isinstance(same, EvenhandError):
            raise same
        if not same:
            raise Refused(
                "idempotency-key-reused", f"the key {key!r} came before with another request", field="Idempotency-Key"
            )

    async def _remember(self, uses: Sequence[Use]) -> list[bool | EvenhandError]:
        keys, digests = [key for key, _ in uses], [digest for _, digest in uses]
        try:
            async with self._pool.acquire() as connection:
                await connection.execute(_sql.remember_keys, keys, digests)
                rows = await connection.fetch(_sql.keys, keys)
        except (*CUT_OFF, asyncpg.PostgresError) as error:
            raise StoreError(f"the database does not answer: {error}") from error
        known: dict[str, bytes] = {row["key"]: row["digest"] for row in rows}
        return [known.get(key, digest) == digest for key, digest in uses]
