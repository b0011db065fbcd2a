"""Opening the database: a PostgreSQL that is given by its URL, or the embedded one."""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
from platformdirs import user_data_path

from evenhand.errors import StoreError
from evenhand.store.embedded import Embedded, use_embedded
from evenhand.store.migrate import migrate

URL_VARIABLE: Final = "EVENHAND_DATABASE_URL"
OLDEST_SERVER: Final = 14
_HOW_TO_GIVE: Final = f"correct --database or {URL_VARIABLE}, or leave both out to use the embedded PostgreSQL"
# How long one attempt to connect may take, and how long an embedded server may take to come (back).
_CONNECT_SECONDS: Final = 10
_PATIENCE_SECONDS: Final = 60
_POOL_SIZE: Final = 10
_TRIES: Final = 5
# What is raised when the database goes away: nothing is wrong with what was asked, and it can be asked again.
CUT_OFF: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the driver, when the connection goes in the middle of a reply
)

Connect = Callable[..., Awaitable[asyncpg.Connection]]


@dataclass(frozen=True, slots=True)
class Database:
    """An open, migrated database."""

    url: str
    pool: asyncpg.Pool
    # opens one more connection, with the same patience and the same words when it fails; for a pool of one's own
    connect: Connect
    # the directory of files that belong to it
    files: Path


@asynccontextmanager
async def open_database(url: str | None = None, data_dir: Path | None = None) -> AsyncGenerator[Database]:
    """Open and migrate the database at `url` (or `EVENHAND_DATABASE_URL`), else an embedded one below `data_dir`.

    Without `data_dir` the embedded database lives in the user's data directory. Raises `StoreError` with what to do.
    """
    url = url or os.environ.get(URL_VARIABLE)
    directory = data_dir or user_data_path("evenhand", appauthor=False)
    async with AsyncExitStack() as stack:
        if url:
            connect = _given(url)
        else:
            server = await stack.enter_async_context(use_embedded(directory))
            url = await server.url()
            connect = _embedded(server)
        await _prepare(connect)
        pool = await asyncpg.create_pool(url, connect=connect, min_size=1, max_size=_POOL_SIZE)
        stack.push_async_callback(_close, pool)
        yield Database(url, pool, connect, directory)


async def _prepare(connect: Connect) -> None:
    """Check and migrate; what was cut off in the middle is done again, since migrations are whole or not at all."""
    for tries_left in reversed(range(_TRIES)):
        connection = await connect()
        try:
            _check_version(connection)
            await migrate(connection)
            break
        except asyncpg.InsufficientPrivilegeError as error:
            raise StoreError(
                f"the database user may not do what Evenhand needs: {error}; grant it, or {_HOW_TO_GIVE}"
            ) from error
        except CUT_OFF as error:
            if not tries_left:
                raise StoreError(f"the database goes away while it is being opened: {error}") from error
        finally:
            await connection.close()


def _check_version(connection: asyncpg.Connection) -> None:
    version = connection.get_server_version()
    if version.major < OLDEST_SERVER:
        raise StoreError(
            f"this is PostgreSQL {version.major}; Evenhand needs {OLDEST_SERVER} or later: upgrade it, or {_HOW_TO_GIVE}"
        )


async def _close(pool: asyncpg.Pool) -> None:
    try:
        await asyncio.wait_for(pool.close(), timeout=_CONNECT_SECONDS)
    except TimeoutError:
        pool.terminate()


def _given(url: str) -> Connect:
    """Connect to a server of somebody else's: what is wrong is said at once."""
    where = _place(url)

    async def connect(*_: Any, **options: Any) -> asyncpg.Connection:
        try:
            return await _connect(url, **options)
        except (ValueError, asyncpg.InterfaceError) as error:
            raise StoreError(f"the database URL is wrong: {error}; {_HOW_TO_GIVE}") from error
        except TimeoutError as error:
            raise StoreError(
                f"PostgreSQL at {where} does not answer within {_CONNECT_SECONDS} s; start it, or {_HOW_TO_GIVE}"
            ) from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise StoreError(f"no PostgreSQL answers at {where} ({reason}); start it, or {_HOW_TO_GIVE}") from error
        except asyncpg.PostgresError as error:
            raise StoreError(f"PostgreSQL at {where} refuses: {error}; {_HOW_TO_GIVE}") from error

    return connect


def _embedded(server: Embedded) -> Connect:
    """Connect to the embedded server: when it has gone or is just coming up, see to it that it runs, and wait."""

    async def connect(*_: Any, **options: Any) -> asyncpg.Connection:
        deadline = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while True:
            try:
                return await _connect(await server.url(), **options)
            except CUT_OFF as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise StoreError(f"the embedded PostgreSQL does not answer ({error}); see {server.log}") from error
                server.forget()
                await asyncio.sleep(0.1)

    return connect


async def _connect(url: str, **options: Any) -> asyncpg.Connection:
    # Tables grow from nothing to millions of rows while a connection lives: a plan made for an empty one must not be kept.
    settings = {"application_name": "evenhand", "timezone": "UTC", "plan_cache_mode": "force_custom_plan"}
    return await asyncpg.connect(url, timeout=_CONNECT_SECONDS, server_settings=settings, **options)


def _place(url: str) -> str:
    """Host and port of a URL, without the password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "localhost", parts.port or 5432
    except ValueError:
        return "the given URL"
    return f"{host}:{port}"
