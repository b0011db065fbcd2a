"""A real PostgreSQL for the tests: one embedded server for the session, a fresh migrated database for each test.

`EVENHAND_TEST_DATABASE_URL` names another server to use instead, as a user that may create databases: that is how the tests
run on the oldest PostgreSQL that Evenhand takes.
"""

import os
import signal
from collections.abc import AsyncGenerator
from itertools import count
from urllib.parse import urlsplit

import asyncpg
import pytest

from evenhand.store import Database, open_database
from evenhand.store.embedded import use_embedded

# A background job is deaf to Ctrl-C, and so would be the commands that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_numbers = count(1)
# several runs of the tests may share a given server
_TEMPLATE = f"evenhand_template_{os.getpid()}"


@pytest.fixture(scope="session")
async def database_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[str]:
    """URL of the session's server; its own database stays empty."""
    given = os.environ.get("EVENHAND_TEST_DATABASE_URL")
    if given:
        yield given
        return
    async with use_embedded(tmp_path_factory.mktemp("server")) as server:
        yield await server.url()


@pytest.fixture(scope="session")
async def template_url(database_url: str) -> AsyncGenerator[str]:
    """URL of a migrated database that nobody stays connected to, so that it can be copied."""
    await _execute(database_url, f"create database {_TEMPLATE}")
    url = _of_database(database_url, _TEMPLATE)
    async with open_database(url):
        pass
    yield url
    await _execute(database_url, f"drop database {_TEMPLATE}")


@pytest.fixture
async def fresh_url(database_url: str, template_url: str) -> AsyncGenerator[str]:
    """URL of an empty, migrated database: for tests that start a process of their own with `--database`."""
    name = f"evenhand_test_{os.getpid()}_{next(_numbers)}"
    await _execute(database_url, f"create database {name} template {_TEMPLATE}")
    yield _of_database(template_url, name)
    await _execute(database_url, f"drop database {name} with (force)")


@pytest.fixture
async def database(fresh_url: str) -> AsyncGenerator[Database]:
    """An empty, migrated database, open."""
    async with open_database(fresh_url) as opened:
        yield opened


def _of_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


async def _execute(url: str, command: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(command)
    finally:
        await connection.close()
