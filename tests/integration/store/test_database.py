"""Opening a database that is given by its URL, and what is said when that fails."""

from urllib.parse import urlsplit

import asyncpg
import pytest

from evenhand.errors import StoreError
from evenhand.store import Database, open_database
from evenhand.store import database as database_module
from evenhand.store.migrate import migrate


async def opening(url: str) -> str:
    """What is said when the database at `url` cannot be opened."""
    with pytest.raises(StoreError) as caught:
        async with open_database(url):
            pass
    message = str(caught.value)
    assert "\n" not in message
    return message


async def test_every_test_gets_an_empty_database_of_its_own(database: Database) -> None:
    assert await database.pool.fetchval("select count(*) from market") == 0
    await database.pool.execute(
        "insert into market (id, name, policy, currency, time_zone) values ('m', 'M', '1688', 'CNY', 'UTC')"
    )


async def test_nothing_of_another_test_is_seen(database: Database) -> None:
    assert await database.pool.fetchval("select count(*) from market") == 0


async def test_the_url_may_come_from_the_environment(fresh_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENHAND_DATABASE_URL", fresh_url)
    async with open_database() as database:
        assert database.url == fresh_url


async def test_sessions_are_in_utc(database: Database) -> None:
    assert await database.pool.fetchval("show timezone") == "UTC"


async def test_nobody_listens_at_the_url() -> None:
    # port 1 is reserved and nothing serves it
    message = await opening("postgresql://somebody:secret@127.0.0.1:1/evenhand")
    assert message.startswith("no PostgreSQL answers at 127.0.0.1:1 (")
    assert "--database" in message
    assert "EVENHAND_DATABASE_URL" in message
    assert "secret" not in message


async def test_the_host_does_not_exist() -> None:
    assert "no PostgreSQL answers at nowhere.invalid:5432" in await opening("postgresql://nowhere.invalid/evenhand")


@pytest.mark.parametrize(
    "url", ["mysql://127.0.0.1/x", "postgresql://127.0.0.1:port/x", "postgresql://[::1/x", "nonsense"]
)
async def test_the_url_is_no_url_of_postgresql(url: str) -> None:
    assert "--database" in await opening(url)


async def test_the_database_or_the_user_does_not_exist(fresh_url: str) -> None:
    assert 'database "missing" does not exist' in await opening(urlsplit(fresh_url)._replace(path="/missing").geturl())
    assert 'role "stranger" does not exist' in await opening(fresh_url.replace("//evenhand@", "//stranger@"))


async def test_the_user_may_not_make_tables(database_url: str, database: Database) -> None:
    await database.pool.execute("create role limited login")
    await database.pool.execute("create database bare")
    try:
        limited = database_url.replace("//evenhand@", "//limited@").replace("/postgres?", "/bare?")
        assert "may not do what Evenhand needs: permission denied for schema public" in await opening(limited)
    finally:
        await database.pool.execute("drop database bare")
        await database.pool.execute("drop role limited")


async def test_a_server_that_is_too_old_is_refused(fresh_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "OLDEST_SERVER", 1000)
    assert "; Evenhand needs 1000 or later: upgrade it, or correct --database" in await opening(fresh_url)


async def test_the_database_was_cut_off_and_the_next_query_works(database: Database, fresh_url: str) -> None:
    name = urlsplit(fresh_url).path.removeprefix("/")
    async with open_database(fresh_url.replace(f"/{name}?", "/postgres?")) as other:
        await other.pool.fetch("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1", name)
    assert await database.pool.fetchval("select count(*) from market") == 0


async def test_opening_that_is_cut_off_begins_again(fresh_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = 0

    async def migrate_over_a_bad_line(connection: asyncpg.Connection) -> int:
        nonlocal cut
        if cut < 2:
            cut += 1
            await connection.execute("select pg_terminate_backend(pg_backend_pid())")
        return await migrate(connection)

    monkeypatch.setattr(database_module, "migrate", migrate_over_a_bad_line)
    async with open_database(fresh_url) as database:
        assert await database.pool.fetchval("select count(*) from market") == 0
    assert cut == 2
