"""A load generator light enough not to be what is measured: prepared requests over keep-alive connections.

Responses are read only as far as the status, the Content-Length and how many rulings of a kind they hold, so that the generator
takes a small part of the processor it shares with the server.
"""

import asyncio
from collections.abc import Iterator
from time import perf_counter
from typing import cast


class Client(asyncio.Protocol):
    """One keep-alive connection that sends the next request as soon as the last is answered."""

    def __init__(
        self, requests: Iterator[bytes], done: asyncio.Future[None], latencies: list[float], counted: bytes
    ) -> None:
        self._requests = requests
        self._done = done
        self._latencies = latencies
        self._counted = counted
        self._parts: list[bytes] = []
        # bytes of the answer that have come, and that it has in all once its head is known
        self._come = 0
        self._length: int | None = None
        self._sent_at = 0.0
        # how often the answers held what is counted
        self.count = 0
        self.first_failure = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        self._come += len(data)
        if self._length is None:
            head, end, _ = b"".join(self._parts).partition(b"\r\n\r\n")
            if not end:
                return
            self._length = len(head) + 4 + int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if self._come < self._length:
            return
        self._latencies.append(perf_counter() - self._sent_at)
        answer = b"".join(self._parts)
        if int(answer[9:12]) >= 300 and not self.first_failure:
            self.first_failure = answer[:2000]
        self.count += answer.count(self._counted)
        self._parts, self._come, self._length = [], 0, None
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


async def drive(
    requests: Iterator[bytes], port: int, clients: int, seconds: float | None, counted: bytes = b"\r\n\r\n"
) -> tuple[float, list[float], int]:
    """Send requests from `clients` connections until they are used up or the time is over.

    Returns the seconds it took, the latency of every answer, in seconds, and how often the answers held the bytes that are
    `counted`. Raises `RuntimeError` with the first answer that was not a success.
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
        await loop.create_connection(lambda done=done: Client(shared, done, latencies, counted), "127.0.0.1", port)
        for done in futures
    ]
    await asyncio.gather(*futures)
    took = perf_counter() - started
    for _, client in opened:
        if client.first_failure:
            raise RuntimeError(f"the server refused: {client.first_failure.decode(errors='replace')}")
    return took, latencies, sum(client.count for _, client in opened)
