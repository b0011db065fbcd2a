"""Where webhooks may be sent: to public addresses, over HTTPS.

Whoever can set a webhook could otherwise make this server ask for what only it can reach: its own ports, the machines of its
network, the metadata service of its cloud. A name is resolved when a connection is opened, every address it has is looked at,
and the connection goes to exactly the address that was looked at: a name that changes in between (DNS rebinding) gains nothing.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import BoundedSemaphore, Thread
from typing import Any, Final, cast
from urllib.parse import SplitResult, urlsplit

import httpcore

from evenhand.errors import BadInput, EvenhandError

ALLOW_VARIABLE: Final = "EVENHAND_WEBHOOK_ALLOW_PRIVATE"
_LONGEST: Final = 2000
_SCHEMES: Final = {"https": 443, "http": 80}
# Public by their numbers, but not by what answers there, or they only wrap another address.
_REFUSED: Final = tuple(
    ip_network(text)
    for text in (
        "168.63.129.16/32",  # Azure's wire server
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata service
        "192.88.99.0/24",  # 6to4 relays
        "2002::/16",  # 6to4
        "2001::/32",  # Teredo
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",
        "::/96",  # IPv4 as IPv6, the old way
        "fec0::/10",  # site-local, as it once was
    )
)
# A name whose servers do not answer in so long has no address for now.
LOOKUP_SECONDS: Final = 2.0
# Lookups under way at a time, those that nobody waits for any more among them.
_free: Final = BoundedSemaphore(64)
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class Refused(EvenhandError):
    """An address that webhooks are not sent to."""


def private_allowed() -> bool:
    """Whether private addresses and plain HTTP are allowed: for tests and closed networks."""
    return os.environ.get(ALLOW_VARIABLE) == "1"


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, and of one machine."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found.is_global and not found.is_multicast and not _in(found, _REFUSED)


def _in(address: IPv4Address | IPv6Address, networks: Iterable[object]) -> bool:
    return any(address in network for network in networks)  # pyright: ignore[reportOperatorIssue]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of a name, as the system resolves it (which also reads 2130706433 and 0x7f.1).

    The system's lookup cannot be broken off and may take minutes. It has a thread of its own, which the end of the program does
    not wait for, as it would for the event loop's threads.
    """
    if not _free.acquire(blocking=False):
        raise OSError("too many names are being looked up")
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Any]] = loop.create_future()

    def tell(error: Exception | None, addresses: list[Any]) -> None:
        if found.done():
            return
        if error is None:
            found.set_result(addresses)
        else:
            found.set_exception(error)

    def ask() -> None:
        error: Exception | None = None
        addresses: list[Any] = []
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as problem:
            error = problem
        finally:
            _free.release()
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, error, addresses)

    Thread(target=ask, name="lookup", daemon=True).start()
    return list(dict.fromkeys(str(one[4][0]) for one in await found))


async def look_up(host: str, port: int, *, allow_private: bool, resolver: Resolve = resolve) -> Sequence[str]:
    """The addresses of a name. Raises `Refused` when one of them is not public, `OSError` when there are none in time."""
    try:
        async with asyncio.timeout(LOOKUP_SECONDS):
            addresses = await resolver(host, port)
    except TimeoutError:
        raise OSError(f"no address within {LOOKUP_SECONDS:g} s") from None
    if not addresses:
        raise OSError(f"{host} has no address")
    private = [one for one in addresses if not is_public(one)]
    if private and not allow_private:
        which = "" if host == private[0] else f" {private[0]}, which is"
        raise Refused(f"{host} is{which} not a public address")
    return addresses


async def check_url(url: str, *, allow_private: bool, resolver: Resolve = resolve) -> str:
    """A URL that a webhook may have. Raises `BadInput` naming what is wrong; a name that has no address yet is fine."""
    parts = _split(url)
    port = parts.port or _SCHEMES[parts.scheme]
    if parts.scheme != "https" and not allow_private:
        raise BadInput(f"events are sent over HTTPS only, not {parts.scheme}", field="url")
    try:
        await look_up(parts.hostname or "", port, allow_private=allow_private, resolver=resolver)
    except Refused as error:
        raise BadInput(f"{error}: webhooks go to the public internet", field="url") from None
    except (OSError, UnicodeError):
        pass
    return url


def _split(url: str) -> SplitResult:
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise BadInput(f"a URL is up to {_LONGEST:,} visible ASCII characters", field="url")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadInput(f"{url[:120]!r} is not a URL like https://example.com/events", field="url") from None
    if parts.scheme not in _SCHEMES or not parts.hostname or port == 0:
        raise BadInput(f"{url[:120]!r} is not a URL like https://example.com/events", field="url")
    if parts.username is not None or parts.password is not None:
        raise BadInput("a URL with a user name or password is not taken: the signature says who sends", field="url")
    if parts.fragment:
        raise BadInput("a URL with a fragment (#) is not taken", field="url")
    return parts


class Pinned(httpcore.AsyncNetworkBackend):
    """Opens connections to addresses that were looked at."""

    def __init__(self, *, allow_private: bool, resolver: Resolve = resolve) -> None:
        self._allow_private = allow_private
        self._resolver = resolver
        self._network = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await look_up(host, port, allow_private=self._allow_private, resolver=self._resolver)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved: {error}") from error
        problem: Exception | None = None
        for address in addresses[:4]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError as error:
                problem = error
        assert problem is not None
        raise problem

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
