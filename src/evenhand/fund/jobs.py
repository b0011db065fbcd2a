"""What a server does for the fund beside answering: payouts, where a gateway is configured, and telling of low budgets."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg

from evenhand.fund.budgets import watch
from evenhand.fund.gateways import configured
from evenhand.fund.payouts import Payer


@asynccontextmanager
async def fund_jobs(
    pool: asyncpg.Pool, clock: Callable[[], datetime], settings: Mapping[str, str]
) -> AsyncGenerator[list[Callable[[], Awaitable[int]]]]:
    """The jobs, each of which does what is due and says how much that was; raises `BadInput` for a gateway of no use."""

    async def tell_of_budgets() -> int:
        async with pool.acquire() as connection, connection.transaction():
            return await watch(connection, clock())

    gateways = configured(settings)
    payer = Payer(pool, gateways, clock=clock)
    try:
        yield [tell_of_budgets, *([payer.tick] if gateways else [])]
    finally:
        await payer.close()
