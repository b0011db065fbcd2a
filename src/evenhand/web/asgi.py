"""ASGI in the few words that are used here: headers in, a body in within bounds, an answer out."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import msgspec

from evenhand.web.problems import CONTENT_TYPE, Problem, Refused, headers_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
Headers = dict[bytes, bytes]

JSON: Final = "application/json"
LARGEST_BODY: Final = 16 * 1024 * 1024
# A body that trickles in slower than this is given up.
_BODY_SECONDS: Final = 60
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class Gone(Exception):
    """The client closed the connection before the request was complete."""


def check_address(scope: Scope) -> None:
    """Raises `Refused` for an address whose bytes are not UTF-8: it would name another thing, with U+FFFD in its name."""
    query: bytes = scope["query_string"]
    if "\ufffd" not in scope["path"] and b"%" not in query:
        return
    for part in (scope.get("raw_path") or b"", query):
        try:
            unquote_to_bytes(part).decode()
        except UnicodeDecodeError as wrong:
            byte = wrong.object[wrong.start]
            raise Refused("bad-input", f"this address is not UTF-8: it holds byte 0x{byte:02x}") from None


async def body_of(headers: Headers, receive: Receive) -> bytes:
    """The whole body; raises `Refused` when it is too large or too slow, `Gone` when the client went away."""
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > LARGEST_BODY:
        raise _too_large()
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        return message.get("body", b"")
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            return await _rest_of(message, receive)
    except TimeoutError:
        raise Refused("too-slow", f"the body did not arrive within {_BODY_SECONDS} s") from None


async def _rest_of(message: MutableMapping[str, Any], receive: Receive) -> bytes:
    body = bytearray()
    while True:
        if message["type"] != "http.request":
            raise Gone
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise _too_large()
        if not message.get("more_body"):
            return bytes(body)
        message = await receive()


def _too_large() -> Refused:
    return Refused("too-large", f"a body may hold {LARGEST_BODY:,} bytes; send it in several requests")


async def answer(
    send: Send, status: int, content_type: str, body: bytes, headers: Mapping[str, str] | None = None
) -> None:
    """Send a whole answer."""
    lines = [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body))]
    if headers:
        lines += [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def answer_problem(send: Send, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
    await answer(send, problem.status, CONTENT_TYPE, _encode(problem), {**headers_of(problem), **(headers or {})})
