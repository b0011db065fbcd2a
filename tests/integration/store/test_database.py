"""Opening a database."""

from evenhand.store import Database


async def test_every_test_gets_an_empty_database_of_its_own(database: Database) -> None:
    assert await database.pool.fetchval("select count(*) from market") == 0
    await database.pool.execute(
        "insert into market (id, name, policy, currency, time_zone) values ('m', 'M', '1688', 'CNY', 'UTC')"
    )


async def test_nothing_of_another_test_is_seen(database: Database) -> None:
    assert await database.pool.fetchval("select count(*) from market") == 0
