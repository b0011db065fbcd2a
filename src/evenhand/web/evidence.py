"""Evidence over HTTP: files in, copies out, what was shown in a case, and fresh photographs asked for.

What is given out is a stranger's file. It is a copy without metadata, named by its id, offered for download, and no browser may
take it for something that acts: its type is fixed and not guessed at, and a policy lets nothing in it run or load. The sealed
original is not given out here.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPIMediaType, Operation, Reference, RequestBody, Schema
from litestar.params import PathParameter, QueryParameter

from evenhand.accounts.state import Connection
from evenhand.desk import Desk
from evenhand.errors import StoreError
from evenhand.evidence import fresh
from evenhand.evidence.content import LARGEST_FILE, TAKEN
from evenhand.evidence.custody import CaseEvidence, Custody, Evidence, party_of, shown_in
from evenhand.evidence.fresh import PhotoRequest
from evenhand.records import decode_as
from evenhand.store import CUT_OFF, Database
from evenhand.web.asgi import JSON
from evenhand.web.keys import once
from evenhand.web.policies import Market, known
from evenhand.web.problems import Refused, existing
from evenhand.web.taking import content, transaction

_log: Final = logging.getLogger(__name__)
# How the copies of each kind are given out: images are copied as JPEG.
_TYPES: Final = {
    "text": ("text/plain", "txt"),
    "pdf": ("application/pdf", "pdf"),
    "tracking": (JSON, "json"),
}
_JPEG: Final = ("image/jpeg", "jpg")
MOST_UPLOADS: Final = 32
_UPLOAD_SECONDS: Final = 60

EvidenceId = Annotated[str, PathParameter(max_length=120, description="From the answer to the upload.")]
CaseNumber = Annotated[str, PathParameter(max_length=40, description="The case's number.")]


class AskPhoto(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asking for a fresh photograph."""

    # the person who asks
    asked_by: str
    # within how many hours it must come
    hours: int = 72


class CheckPhoto(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person saw on the photograph that answers."""

    evidence: str
    shows_code: bool
    # the person who looked
    checked_by: str
    note: str = ""


class EvidenceOfCase(msgspec.Struct, frozen=True):
    """Everything that was shown in a case, and the fresh photographs asked for."""

    shown: list[CaseEvidence]
    photo_requests: list[PhotoRequest]


@dataclass
class TakesFile(Operation):
    """An operation whose body is a file."""

    def __post_init__(self) -> None:
        schema = Schema(type="string", format="binary", description=f"{TAKEN}; at most {LARGEST_FILE:,} bytes.")  # pyright: ignore[reportArgumentType]
        self.request_body = RequestBody({"application/octet-stream": OpenAPIMediaType(schema)}, required=True)


@dataclass
class TakesAskPhoto(Operation):
    """An operation whose body asks for a photograph."""

    def __post_init__(self) -> None:
        self.request_body = _record("AskPhoto")


@dataclass
class TakesCheckPhoto(Operation):
    """An operation whose body is what a person saw."""

    def __post_init__(self) -> None:
        self.request_body = _record("CheckPhoto")


def _record(name: str) -> RequestBody:
    return RequestBody({JSON: OpenAPIMediaType(Reference(f"#/components/schemas/{name}"))}, required=True)


def routes(desk: Desk, database: Database, custody: Custody) -> list[HTTPRouteHandler]:
    """The handlers of evidence."""
    door = _Door()

    @post(
        "/v1/markets/{market:str}/evidence",
        summary="Upload evidence",
        tags=["evidence"],
        operation_class=TakesFile,
        status_code=201,
        request_max_body_size=LARGEST_FILE,
    )
    async def upload(
        request: "Request[Any, Any, Any]",
        market: Market,
        party: Annotated[
            str, QueryParameter(description="Who shows it: buyer, merchant, platform or inspector.")
        ] = "buyer",
        case: Annotated[
            int | None, QueryParameter(ge=1, le=2**63 - 1, description="A case of the market it is added to.")
        ] = None,
    ) -> Evidence:
        """The body is the file, whatever its `Content-Type`: it is taken for what its content is. The `id` of the answer is what
        an application's `evidence` refers to; `alike` is what was shown before and is the same file or the same photograph."""
        number = desk.markets[known(desk, market)].number
        by = party_of(party)
        headers = dict(request.scope["headers"])
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise Refused("unsupported-media-type", "bodies are taken uncompressed")
        async with door.open(), _reachable():
            data = await _file(request)

            def kept_once(connection: Connection, keep: Callable[[], Awaitable[str]]) -> Awaitable[str]:
                return once(connection, request, keep, str)

            return await custody.take(number, by, data, desk.now(), case=case, once=kept_once)

    @get("/v1/evidence/{evidence:str}", summary="The copy of evidence", tags=["evidence"], media_type="image/jpeg")
    async def copy(
        evidence: EvidenceId,
        by: Annotated[
            str, QueryParameter(max_length=120, description="Who looks at it, for the custody log.")
        ] = "holder of the API key",
    ) -> Response[bytes]:
        """Without anything but what is to be seen: of an image, a JPEG of its pixels. Offered for download. That it was looked
        at stands in the custody log."""
        async with _reachable(), existing():
            kind, data = await custody.copy_of(evidence, by, desk.now())
        media_type, ending = _TYPES.get(kind, _JPEG)
        return Response(
            data,
            media_type=media_type,
            headers={
                "x-content-type-options": "nosniff",
                "content-disposition": f'attachment; filename="{evidence}.{ending}"',
                "content-security-policy": "sandbox; default-src 'none'",
                "cross-origin-resource-policy": "same-origin",
                "cache-control": "private, no-store",
            },
        )

    @get("/v1/evidence/{evidence:str}/about", summary="What is known of evidence", tags=["evidence"])
    async def about(evidence: EvidenceId) -> Evidence:
        """Its kind and size, its hashes, and what is the same file or the same photograph, with the cases that was shown in."""
        async with _reachable(), existing():
            return await custody.describe(evidence)

    @get("/v1/cases/{case:str}/evidence", summary="Evidence of a case", tags=["evidence"])
    async def of_case(case: CaseNumber) -> EvidenceOfCase:
        """What was shown in it, each with the other cases in which it or its like had been shown by then."""
        async with existing(), transaction(database) as connection:
            number = _number(case, "case")
            return EvidenceOfCase(await shown_in(connection, number), await fresh.requests(connection, number))

    @post(
        "/v1/cases/{case:str}/photo-requests",
        summary="Ask for a fresh photograph",
        tags=["evidence"],
        operation_class=TakesAskPhoto,
        status_code=201,
    )
    async def ask_photo(request: "Request[Any, Any, Any]", case: CaseNumber) -> PhotoRequest:
        """The photograph must show the `code` of the answer, written by hand beside the goods. A person looks whether it does."""
        asked = decode_as(await content(request, JSON), AskPhoto)
        async with existing(), transaction(database) as connection:

            def make() -> Awaitable[PhotoRequest]:
                return fresh.ask(connection, _number(case, "case"), asked.asked_by, asked.hours, desk.now())

            return await once(connection, request, make, PhotoRequest)

    @post(
        "/v1/photo-requests/{number:str}/check",
        summary="Say what a fresh photograph shows",
        tags=["evidence"],
        operation_class=TakesCheckPhoto,
        status_code=201,
    )
    async def check_photo(
        request: "Request[Any, Any, Any]",
        number: Annotated[str, PathParameter(max_length=40, description="The request's number.")],
    ) -> PhotoRequest:
        """A person's word, once per request. The photograph must be an image that the buyer showed in this case, or in none yet,
        after it was asked for and in time; one that has answered another request, even as the same file under another id, answers
        no other."""
        seen = decode_as(await content(request, JSON), CheckPhoto)
        async with transaction(database) as connection:

            def make() -> Awaitable[PhotoRequest]:
                return fresh.check(
                    connection,
                    _number(number, "request"),
                    seen.evidence,
                    seen.checked_by,
                    desk.now(),
                    shows_code=seen.shows_code,
                    note=seen.note,
                )

            return await once(connection, request, make, PhotoRequest)

    return [upload, copy, about, of_case, ask_photo, check_photo]


class _Door:
    """Lets in so many files at a time: each is held in memory until it was looked at."""

    def __init__(self) -> None:
        self._inside = 0

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        if self._inside >= MOST_UPLOADS:
            raise Refused("busy", f"{MOST_UPLOADS} files are being taken in already; nothing was written")
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1


async def _file(request: "Request[Any, Any, Any]") -> bytes:
    """The whole body; raises `Refused` when it is too slow."""
    try:
        async with asyncio.timeout(_UPLOAD_SECONDS):
            return await request.body()
    except TimeoutError:
        raise Refused("too-slow", f"the file did not arrive within {_UPLOAD_SECONDS} s") from None


@asynccontextmanager
async def _reachable() -> AsyncGenerator[None]:
    """Raises `StoreError` when the database is away, `Refused` when the vault is."""
    try:
        yield
    except StoreError as error:
        _log.error("%s", error)
        raise Refused("store-away", "the place where evidence is kept does not answer; send the same again") from None
    except CUT_OFF as error:
        raise StoreError(f"the database does not answer: {error}") from error


def _number(text: str, field: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Refused("not-found", f"there is no {field} {text[:40]!r}", field=field)
    return int(text)
