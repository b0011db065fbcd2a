"""`Idempotency-Key`: a key belongs to the request it first came with, and under it nothing is done twice.

Orders, applications, actions on cases and whatever else is taken once by an id of its own do no harm when they are repeated, and
their answers can be made again. What a key adds there is the promise to notice a *different* request under the same key
(`Keys.check`): for that a digest of the request is enough, stored before anything else happens. A crash in between leaves a key
that the same request may still use.

What is done anew each time it is asked (money paid in, a secret changed) goes through `once`: the key, what is done and the
answer are written in one transaction, so either all of it is there or nothing. The same request at the same time waits for the
first, and whoever repeats it is given the first answer. A request that is refused leaves no key, so it may be mended and sent
again.
"""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import blake2b
from typing import Any, Final, TypeVar

import asyncpg
import msgspec
from litestar import Request

from evenhand.accounts.state import Connection
from evenhand.errors import EvenhandError, StoreError
from evenhand.store import CUT_OFF, Database, Queries
from evenhand.web.asgi import Headers
from evenhand.web.batcher import Batcher
from evenhand.web.problems import Refused

_sql: Final = Queries.load("web")
_LONGEST: Final = 255
# key, digest of the request it came with
Use = tuple[str, bytes]
T = TypeVar("T")


class Keys:
    """Remembers keys, a batch of them at a time."""

    def __init__(self, database: Database) -> None:
        self._pool = database.pool
        self._batcher: Batcher[Use, bool] = Batcher(self._remember)

    async def check(self, headers: Headers, path: str, body: bytes) -> None:
        """Raises `Refused` when the request's key came before with another request; `StoreError` when nobody can tell."""
        if b"idempotency-key" not in headers:
            return
        use = _use_of(headers, path, body)
        (same,) = await self._batcher.submit([use])
        if isinstance(same, EvenhandError):
            raise same
        if not same:
            raise _reused(use[0])

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


async def once(
    connection: Connection, request: "Request[Any, Any, Any]", make: Callable[[], Awaitable[T]], kind: type[T]
) -> T:
    """What `make` makes in the caller's transaction, which must hold nothing yet; under a key, what it made the first time.

    `kind` is the type of it, as JSON can hold it. Raises `Refused` when the key came before with another request, and whatever
    `make` raises: then, as the transaction is given up, nothing is kept.
    """
    headers: Headers = dict(request.scope["headers"])
    if b"idempotency-key" not in headers:
        return await make()
    key, digest = _use_of(headers, f"{request.url.path}?{request.url.query}", await request.body())
    await connection.execute(_sql.forget_old)
    (row,) = await connection.fetch(_sql.hold_key, key, digest)
    if row["digest"] != digest:
        raise _reused(key)
    if row["answer"] is not None:
        return msgspec.json.decode(row["answer"], type=kind)
    made = await make()
    await connection.execute(_sql.keep_answer, key, msgspec.json.encode(made).decode())
    return made


def _use_of(headers: Headers, path: str, body: bytes) -> Use:
    """A request's key with a digest of it; raises `Refused` for what is no key."""
    key = headers[b"idempotency-key"].decode("latin-1").strip()
    if not 0 < len(key) <= _LONGEST or not key.isprintable():
        raise Refused("bad-input", f"a key has 1 to {_LONGEST} visible characters", field="Idempotency-Key")
    kind = headers.get(b"content-type", b"")
    return key, blake2b(kind + b"\n" + path.encode() + b"\n" + body, digest_size=16).digest()


def _reused(key: str) -> Refused:
    return Refused(
        "idempotency-key-reused", f"the key {key!r} came before with another request", field="Idempotency-Key"
    )
