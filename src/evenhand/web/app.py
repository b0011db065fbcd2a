"""The site: the guard first, then the two hot addresses, then everything else."""

import logging
import os
import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, cast

import asyncpg
import msgspec
from litestar import Litestar, Response, get
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from evenhand.desk import Desk
from evenhand.errors import EvenhandError
from evenhand.evidence.capture import open_reader
from evenhand.evidence.custody import Custody
from evenhand.evidence.vault import open_vault
from evenhand.store import Database
from evenhand.web import (
    accounts,
    api,
    cases,
    custody,
    erasure,
    events,
    evidence,
    fund,
    labels,
    links,
    markets,
    merchants,
    openapi,
    policies,
    webhooks,
)
from evenhand.web.asgi import LARGEST_BODY, App, Headers, Receive, Scope, Send, answer, answer_problem, check_address
from evenhand.web.console import accounts as account_pages
from evenhand.web.console import links as link_pages
from evenhand.web.console import webhooks as webhook_pages
from evenhand.web.console.render import AnyRequest, page, reader_of
from evenhand.web.console.site import console, error_page
from evenhand.web.guard import Elsewhere, Guard
from evenhand.web.lookup import Lookup
from evenhand.web.metrics import Metrics
from evenhand.web.posts import Posts
from evenhand.web.problems import CONTENT_TYPE, Problem, Refused, headers_of, of_error, of_status, problem

_log: Final = logging.getLogger(__name__)
_encode: Final = msgspec.json.Encoder().encode
# What a handler's parameter is called in the address, where the two differ.
_ASKED_AS: Final = {"since": "from", "until": "to"}
# How the framework says that a parameter is missing.
_MISSING: Final = re.compile(r"Missing required \w+ parameter '([^']+)' for path ")


class Site:
    """Everything that is served, as one ASGI application."""

    def __init__(self, desk: Desk, database: Database, *, api_key: str | None = None) -> None:
        metrics = Metrics()
        lookup = Lookup(desk, database)
        self._guard = Guard(api_key)
        self._posts = Posts(desk, database, metrics)
        self._streams = events.Streams()
        hooks = webhooks.Hooks(desk, database)
        vault = open_vault(None, database.files / "evidence")
        pages = [
            *console(desk, lookup, self._guard),
            *webhook_pages.pages(hooks, self._guard),
            *account_pages.pages(desk, lookup, self._guard),
            *link_pages.pages(desk, database, lookup, self._guard),
        ]
        described = [
            *api.routes(desk, lookup, metrics),
            *policies.routes(desk, database),
            *merchants.routes(desk, database),
            *markets.routes(desk, database),
            *events.routes(desk, database, self._streams),
            *webhooks.routes(hooks, database),
            *cases.routes(database, lookup),
            *fund.routes(desk, database, os.environ),
            *labels.routes(desk, database),
            *accounts.routes(desk, lookup),
            *links.routes(desk, database, lookup),
            *erasure.routes(desk, database, vault),
            *evidence.routes(desk, database, Custody(database, vault, open_reader())),
            *custody.routes(desk, database),
        ]
        rest = Litestar(
            [*described, *_descriptions(described), *pages],
            openapi_config=None,
            request_max_body_size=LARGEST_BODY,
            exception_handlers={Exception: _answer_error},
            logging_config=None,
            debug=False,
        )
        self._rest = cast("App", rest)

    def end_streams(self) -> None:
        """Let those who listen for events go, so that the server can end."""
        self._streams.end()

    async def drain(self) -> None:
        """Wait until everything taken on is answered."""
        await self._posts.drain()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers: Headers = dict(scope["headers"])
        try:
            check_address(scope)
            self._guard.check(scope, headers)
        except Refused as refused:
            await answer_problem(send, refused.problem, refused.headers)
        except Elsewhere as elsewhere:
            await answer(send, 303, "text/plain", b"", {"location": str(elsewhere)})
        else:
            if not await self._posts.answers(scope, headers, receive, send):
                # the server leaves the body out of what a HEAD is answered
                asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
                await self._rest(asked, receive, send)


def _descriptions(handlers: Sequence[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """The API's description, for programs and for people."""
    document = cache(lambda: openapi.document(handlers))

    @get("/openapi.json")
    async def described() -> Response[bytes]:
        return Response(_encode(document()), media_type="application/json")

    @get("/docs")
    async def docs(request: AnyRequest) -> Response[str]:
        return page("docs.html", reader_of(request), signed_in=False, synthetic=False, document=document())

    return [described, docs]


def _answer_error(request: AnyRequest, error: Exception) -> Response[Any]:
    headers: dict[str, str] = {}
    match error:
        case Refused():
            said, headers = error.problem, error.headers
        case EvenhandError():
            said = of_error(error)
        case HTTPException():
            said, headers = _of_http(request, error), dict(error.headers or {})
        case asyncpg.CharacterNotInRepertoireError():
            # the database holds no such text, so nothing there is called so
            said = problem("bad-input", "holds a NUL character")
        case _:
            _log.error("a request failed", exc_info=error)
            said = problem("internal", "something went wrong; the server's log says what")
    # somebody looking at a page is answered by a page
    if "text/html" in request.headers.get("accept", "") and not request.scope["path"].startswith("/v1/"):
        return error_page(request, said)
    return Response(
        _encode(said), status_code=said.status, media_type=CONTENT_TYPE, headers={**headers_of(said), **headers}
    )


def _of_http(request: AnyRequest, error: HTTPException) -> Problem:
    """An error of the framework's in our words, naming the parameter where one is wrong."""
    match error.extra:
        case [{"message": str() as message, "key": str() as key}, *_]:
            detail = message[:1].lower() + message[1:]
            return problem("bad-input", detail, field=_ASKED_AS.get(key, key))
        case _:
            pass
    missing = _MISSING.match(error.detail)
    if missing is not None:
        return problem("bad-input", "is required", field=missing[1])
    path: str = request.scope["path"][:120]
    match error.status_code:
        case 404:
            return problem("not-found", f"there is nothing at {path!r}; /docs lists every address of the API")
        case 413:
            limit = request.route_handler.resolve_request_max_body_size()
            return problem("too-large", f"this address takes bodies of at most {limit or LARGEST_BODY:,} bytes")
        case 405:
            allowed = (error.headers or {}).get("allow", "")
            taken = ", ".join(one for one in allowed.split(", ") if one != "OPTIONS")
            return problem("method-not-allowed", f"{path} takes {taken}, not {request.method}")
        case _:
            return of_status(error.status_code, error.detail)
