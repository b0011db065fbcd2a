"""One message to one receiver, within bounds of time and size, never anywhere else than it was told."""

import asyncio
import time
from datetime import timedelta
from types import TracebackType
from typing import Final, NamedTuple

import httpcore

from evenhand import __version__
from evenhand.events.addresses import Pinned, Refused, Resolve, resolve
from evenhand.events.cloud import CONTENT_TYPE

# A receiver has so long to answer in all; what takes longer should be done after answering.
LIMIT_SECONDS: Final = 10.0
# What is kept of an answer, and how much is read so that the connection can be used again.
KEPT_BYTES: Final = 1000
_READ_BYTES: Final = 16 * 1024
_CONNECTIONS: Final = 100
_AGENT: Final = f"Evenhand/{__version__} (webhooks)"


class Sent(NamedTuple):
    """What came of a sending."""

    # of the answer; None when there was none, and then `error` says why
    status: int | None
    error: str | None
    took_ms: int
    # the first 1,000 bytes
    answer: bytes
    # how long the receiver asks to be left alone
    retry_after: timedelta | None = None

    @property
    def arrived(self) -> bool:
        """Whether the receiver has it: any 2xx. A redirection is not followed and has not arrived."""
        return self.status is not None and 200 <= self.status < 300


class Sender:
    """Keeps connections to receivers open between messages."""

    def __init__(
        self, *, allow_private: bool, resolver: Resolve = resolve, limit_seconds: float = LIMIT_SECONDS
    ) -> None:
        self._limit = limit_seconds
        self._pool = httpcore.AsyncConnectionPool(
            max_connections=_CONNECTIONS,
            keepalive_expiry=30,
            network_backend=Pinned(allow_private=allow_private, resolver=resolver),
        )

    async def __aenter__(self) -> "Sender":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.aclose()

    async def send(self, url: str, headers: dict[str, str], body: bytes) -> Sent:
        """POST a body; whatever goes wrong is in what is returned."""
        began = time.monotonic()
        status: int | None = None
        error: str | None = None
        answer = b""
        retry_after: timedelta | None = None
        try:
            async with asyncio.timeout(self._limit):
                status, answer, retry_after = await self._post(url, headers, body)
        except TimeoutError:
            error = f"no answer within {self._limit:g} s"
        except Refused as refused:
            error = str(refused)
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, OSError) as problem:
            error = f"{_WORDS.get(type(problem), 'the connection failed')}: {problem}".removesuffix(": ")[:300]
        except (httpcore.UnsupportedProtocol, ValueError) as problem:
            error = f"the request cannot be made: {problem}"[:300]
        took = int((time.monotonic() - began) * 1000)
        return Sent(status if error is None else None, error, took, answer, retry_after)

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes, timedelta | None]:
        sent = [*{"content-type": CONTENT_TYPE, "user-agent": _AGENT, "accept": "*/*", **headers}.items()]
        async with self._pool.stream("POST", url, headers=sent, content=body) as response:
            answer = bytearray()
            read = 0
            async for chunk in response.aiter_stream():
                read += len(chunk)
                answer += chunk[: KEPT_BYTES - len(answer)]
                if read > _READ_BYTES:
                    break
            asked = next((value for name, value in response.headers if name.lower() == b"retry-after"), b"")
        seconds = int(asked) if asked.isdigit() and len(asked) < 8 else 0
        return response.status, bytes(answer), timedelta(seconds=seconds) if seconds else None


_WORDS: Final[dict[type[Exception], str]] = {
    httpcore.ConnectError: "no connection",
    httpcore.ConnectTimeout: "no connection in time",
    httpcore.ReadError: "the connection broke",
    httpcore.WriteError: "the connection broke",
    httpcore.RemoteProtocolError: "the answer is not HTTP",
}
