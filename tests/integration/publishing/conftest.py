"""Two markets on either side of the world, and documents to publish in them."""

from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime

import pytest

from evenhand.desk import Desk
from evenhand.policy import Policy
from evenhand.publishing import Publication, publish, withdraw
from evenhand.records import Market
from evenhand.store import Database

# 12:00 in Shanghai, 20:00 of the day before in Los Angeles
NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
SHANGHAI = Market("shop", "A synthetic shop", "1688", "CNY", "Asia/Shanghai")
ANGELES = Market("west", "A synthetic shop in the west", "taobao", "USD", "America/Los_Angeles")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(database: Database, clock: Clock) -> AsyncGenerator[Desk]:
    desk = await Desk.open(database, clock=clock)
    await desk.add_market(SHANGHAI, synthetic=True)
    await desk.add_market(ANGELES, synthetic=True)
    yield desk
    await desk.close()


def document(version: str, *, outcome: str = "review", policy: str = "own", anchor: str = "application") -> Policy:
    """A policy that answers every application alike."""
    return Policy.parse(
        f"""---
policy: {policy}
version: {version}
effective: 2026-04-01
anchor: {anchor}
---
# A policy of one row

## Ruling
| F | application.remedy | → outcome | → payer | → because |
|---|--------------------|-----------|---------|-----------|
| 1 | -                  | {outcome} | none    | all.alike |

## Reasons
| code      | en                                | zh             |
|-----------|-----------------------------------|----------------|
| all.alike | Every application is ruled alike. | 所有申请一律如此处理。 |
"""
    )


class Publisher:
    """Publishes and withdraws as the doors do, each time in a transaction of its own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._pool = database.pool
        self._clock = clock

    async def publish(
        self, policy: Policy, effective: date | None = None, market: str = "shop", by: str = "a person"
    ) -> Publication:
        async with self._pool.acquire() as connection, connection.transaction():
            return await publish(connection, market, policy, effective=effective, by=by, now=self._clock())

    async def withdraw(self, name: str, version: str | None = None, market: str = "shop") -> Publication:
        async with self._pool.acquire() as connection, connection.transaction():
            return await withdraw(connection, market, name, version, by="a person", now=self._clock())


@pytest.fixture
def publisher(desk: Desk, database: Database, clock: Clock) -> Publisher:
    return Publisher(database, clock)
