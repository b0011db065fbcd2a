"""HTTP itself, where uvicorn leaves something open: what is no HTTP is answered by a problem too, and heads are bounded."""

from typing import Final

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from evenhand.web.problems import CONTENT_TYPE, Problem, problem

# The request line and the headers together.
LARGEST_HEAD: Final = 64 * 1024
_LINES: Final = {400: "400 Bad Request", 431: "431 Request Header Fields Too Large"}


class Protocol(HttpToolsProtocol):
    """One connection."""

    # whether a head is arriving, and how much of it has
    _in_head = False
    _head = 0

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
