"""Serving: the socket, the signals, and a clean end."""

import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Generator
from typing import Final

import uvicorn

from evenhand.desk import Desk
from evenhand.errors import BadInput, EvenhandError
from evenhand.store import Database
from evenhand.web.app import Site
from evenhand.web.guard import is_loopback
from evenhand.web.protocol import Protocol

_BACKLOG: Final = 2048
# How long requests may take to finish once the server is asked to stop.
_GRACE_SECONDS: Final = 10


async def serve(
    desk: Desk,
    database: Database,
    host: str,
    port: int,
    *,
    api_key: str | None = None,
    ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is told the address once connections are taken.

    Raises `BadInput` when the address cannot be listened on, or may not be without an API key.
    """
    if not api_key and not is_loopback(host):
        raise BadInput(
            f"listening on {host} opens this server to others: set EVENHAND_API_KEY, which every request must then bring, "
            "or listen on 127.0.0.1",
            field="--host",
        )
    if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
        raise BadInput("a key is made of visible ASCII characters", field="EVENHAND_API_KEY")
    with _listening(host, port) as listener:
        name = f"[{host}]" if ":" in host else host
        url = f"http://{name}:{listener.getsockname()[1]}"
        site = Site(desk, database, api_key=api_key)
        config = uvicorn.Config(
            site,
            http=Protocol,
            lifespan="off",
            ws="none",
            access_log=False,
            # nothing here asks for the client's address or scheme, so no header is believed about them
            proxy_headers=False,
            log_level="warning",
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        await _Server(config, lambda: ready(url), site.end_streams).serve([listener])
        await site.drain()


class _Server(uvicorn.Server):
    """Tells when it is ready; ends quietly on SIGTERM, so that what is open can be closed."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._ending = ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # What was loaded so far stays: the collector need not walk it again and again under load. A batch makes thousands of
        # objects and hardly any cycle, so it need not look after every few hundred either.
        gc.collect()
        gc.freeze()
        gc.set_threshold(200_000, 20, 50)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ending()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if signal.SIGINT in self._captured_signals:
            raise KeyboardInterrupt


def _listening(host: str, port: int) -> socket.socket:
    """A listening socket; raises `BadInput` with what to do."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise BadInput(
            f"cannot listen on {host}:{port} ({error.strerror or error}); choose another port with --port",
            field="--port",
        ) from None
    except (UnicodeError, OverflowError) as error:
        raise EvenhandError(f"{host}:{port} is no address: {error}") from None
    listener.setblocking(False)
    return listener
