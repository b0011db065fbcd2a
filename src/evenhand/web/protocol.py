"""HTTP itself, where uvicorn leaves something open: what is no HTTP is answered by a problem too, heads are bounded, and a small
answer leaves whole.
"""

import asyncio
from typing import Any, Final, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from evenhand.web.problems import CONTENT_TYPE, Problem, problem

# The request line and the headers together.
LARGEST_HEAD: Final = 64 * 1024
_LINES: Final = {400: "400 Bad Request", 431: "431 Request Header Fields Too Large"}


class Together:
    """A transport that sends what is written in one turn of the loop by one system call.

    uvicorn writes the head and the body of an answer one after the other: for a small answer that is twice the work.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._send)
        self._held.append(data)

    def close(self) -> None:
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._held:
            held, self._held = self._held, []
            # the client may have gone meanwhile
            if not self._transport.is_closing():
                self._transport.write(b"".join(held))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Protocol(HttpToolsProtocol):
    """One connection."""

    # whether a head is arriving, and how much of it has
    _in_head = False
    _head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self.transport = cast("asyncio.Transport", Together(transport))

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head += len(data)
            if self._head > LARGEST_HEAD:
                self._refuse(problem("too-large", f"a head may hold {LARGEST_HEAD:,} bytes", status=431))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._head = 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(problem("bad-input", "this is not an HTTP request"))

    def _refuse(self, said: Problem) -> None:
        if self.transport.is_closing():
            return
        body = msgspec.json.encode(said)
        head = (
            f"HTTP/1.1 {_LINES[said.status]}\r\ncontent-type: {CONTENT_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
