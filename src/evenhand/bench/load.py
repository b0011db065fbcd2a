"""A load generator light enough not to be what is measured: prepared requests over keep-alive connections.

Responses are read only as far as the status and the Content-Length, so that the generator takes a small part of the processor
it shares with the server.
"""

import asyncio
from collections.abc import Iterator
from time import perf_counter
from typing import cast


class Client(asyncio.Protocol):
    """One keep-alive connection that sends the next request as soon as the last is answered."""

    def __init__(self, requests: Iterator[bytes], done: asyncio.Future[None], latencies: list[float]) -> None:
        self._requests = requests
        self._done = done
        self._latencies = latencies
        self._buffer = b""
        self._sent_at = 0.0
        # answers by status code
        self.statuses: dict[int, int] = {}
        self.first_failure = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head_end = self._buffer.find(b"\r\n\r\n")
            if head_end < 0:
                return
            head = self._buffer[:head_end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 : head.find(b"\r\n", at) if head.find(b"\r\n", at) > 0 else None])
            if len(self._buffer) < head_end + 4 + length:
                return
            self._latencies.append(perf_counter() - self._sent_at)
            status = int(head[9:12])
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if status >= 300 and not self.first_failure:
                self.first_failure = self._buffer[:2000]
            self._buffer = self._buffer[head_end + 4 + length :]
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(ConnectionError("the server closed the connection"))

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            if not self._done.done():
                self._done.set_result(None)
            self._transport.close()
            return
        self._sent_at = perf_counter()
        self._transport.write(request)


def request(path: str, body: bytes, port: int) -> bytes:
    """A whole POST request of a JSON body."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def drive(requests: Iterator[bytes], port: int, clients: int, seconds: float | None) -> tuple[float, list[float]]:
    """Send requests from `clients` connections until they are used up or the time is over.

    Returns the seconds it took and the latency of every answer, in seconds. Raises `RuntimeError` with the first answer that was
    not a success.
    """
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    started = perf_counter()

    def timed() -> Iterator[bytes]:
        for one in requests:
            if seconds is not None and perf_counter() - started > seconds:
                return
            yield one

    shared = timed()
    futures = [loop.create_future() for _ in range(clients)]
    opened = [
        await loop.create_connection(lambda done=done: Client(shared, done, latencies), "127.0.0.1", port)
        for done in futures
    ]
    await asyncio.gather(*futures)
    took = perf_counter() - started
    for _, client in opened:
        if client.first_failure:
            raise RuntimeError(f"the server refused: {client.first_failure.decode(errors='replace')}")
    return took, latencies
