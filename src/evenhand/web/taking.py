"""What handlers that change something share: a transaction, a body that was checked, and OpenAPI's words for it."""

import asyncio
import re
from codecs import BOM_UTF8
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import asyncpg.pool
from litestar import Request
from litestar.openapi.spec import OpenAPIMediaType, Operation, Reference, RequestBody, Schema

from evenhand.errors import BadInput, StoreError
from evenhand.store import CUT_OFF, Database
from evenhand.web.asgi import JSON, LARGEST_BODY
from evenhand.web.keys import Keys
from evenhand.web.problems import Refused

MARKDOWN: Final = "text/markdown"
_ETAG: Final = re.compile(r'(?:W/)?"(\d{1,9})"')
# How long one may wait for the database, and for others who publish.
_SECONDS: Final = 20


@asynccontextmanager
async def transaction(database: Database) -> AsyncGenerator[asyncpg.pool.PoolConnectionProxy]:
    """A connection in a transaction; raises `StoreError` when the database is away."""
    async with reaching(), database.pool.acquire() as connection, connection.transaction():
        yield connection


@asynccontextmanager
async def reaching() -> AsyncGenerator[None]:
    """Whatever is done with the database in it: raises `StoreError` when it is away."""
    try:
        async with asyncio.timeout(_SECONDS):
            yield
    except TimeoutError:
        raise StoreError(f"the database did not answer within {_SECONDS} s") from None
    except CUT_OFF as error:
        raise StoreError(f"the database does not answer: {error}") from error


async def content(request: "Request[Any, Any, Any]", content_type: str) -> bytes:
    """The request's body; raises `Refused` when it is of another type or too large."""
    headers = dict(request.scope["headers"])
    media = headers.get(b"content-type", b"").split(b";", 1)[0].strip().lower().decode("latin-1")
    if media != content_type:
        raise Refused("unsupported-media-type", f"send {content_type}, not {media or 'a body without Content-Type'}")
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise Refused("unsupported-media-type", "bodies are taken uncompressed")
    raw = await request.body()
    if len(raw) > LARGEST_BODY:
        raise Refused("too-large", f"a body may hold {LARGEST_BODY:,} bytes")
    return raw.removeprefix(BOM_UTF8)


async def body(request: "Request[Any, Any, Any]", keys: Keys, content_type: str) -> bytes:
    """The body of a request that does no harm when it is repeated; raises `Refused` also when its key belongs to another."""
    raw = await content(request, content_type)
    await keys.check(dict(request.scope["headers"]), f"{request.url.path}?{request.url.query}", await request.body())
    return raw


@dataclass
class TakesMarkdown(Operation):
    """An operation whose body is a policy document."""

    def __post_init__(self) -> None:
        schema = Schema(type="string", description="A policy document: Markdown with decision tables.")  # pyright: ignore[reportArgumentType]
        self.request_body = RequestBody({MARKDOWN: OpenAPIMediaType(schema)}, required=True)


def takes(name: str) -> type[Operation]:
    """An operation whose body is the record of that name."""

    @dataclass
    class Takes(Operation):
        def __post_init__(self) -> None:
            schema = Reference(f"#/components/schemas/{name}")
            self.request_body = RequestBody({JSON: OpenAPIMediaType(schema)}, required=True)

    return Takes


@dataclass
class TakesRule(Operation):
    """An operation whose body is a merchant's rule."""

    def __post_init__(self) -> None:
        schema = Reference("#/components/schemas/MerchantRule")
        self.request_body = RequestBody({JSON: OpenAPIMediaType(schema)}, required=True)


def expected(headers: Any) -> int | None:
    """The version `If-Match` asks for; raises `BadInput` for what is no ETag given here."""
    given = headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    match = _ETAG.fullmatch(given.strip())
    if match is None:
        raise BadInput('is the ETag as it was read, like "3"', field="If-Match")
    return int(match[1])
