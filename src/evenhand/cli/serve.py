"""`evenhand serve`: the HTTP API and the console."""

import os
from pathlib import Path

import uvloop

from evenhand.casework import Casework
from evenhand.cli.options import chatter
from evenhand.desk import Desk
from evenhand.events.addresses import private_allowed
from evenhand.events.courier import Courier
from evenhand.events.sender import Sender
from evenhand.evidence.retention import Keeper
from evenhand.evidence.vault import open_vault
from evenhand.fund.jobs import fund_jobs
from evenhand.interceptions import name_causes
from evenhand.labelling import Labeller
from evenhand.records import Market
from evenhand.store import Database, open_database
from evenhand.web.server import serve
from evenhand.worker import Worker

# A database without markets gets one per shipped regime, so that the first application can be sent at once.
FIRST_MARKETS = (
    Market("1688", "1688", "1688", "CNY", "Asia/Shanghai"),
    Market("taobao", "Taobao", "taobao", "CNY", "Asia/Shanghai"),
    Market("pinduoduo", "Pinduoduo", "pinduoduo", "CNY", "Asia/Shanghai"),
    Market("china", "China, all platforms", "china", "CNY", "Asia/Shanghai"),
    Market("amazon", "Amazon", "amazon", "USD", "America/Los_Angeles"),
)


def run(host: str, port: int, *, data: Path | None, database: str | None) -> None:
    async def work() -> None:
        async with open_database(database, data) as store:
            desk = await Desk.open(store)
            try:
                if not desk.markets:
                    for market in FIRST_MARKETS:
                        await desk.add_market(market)
                await serve_desk(desk, store, host, port)
            finally:
                await desk.close()

    uvloop.run(work())


async def serve_desk(desk: Desk, store: Database, host: str, port: int) -> None:
    """Serve until interrupted; says where."""

    def ready(url: str) -> None:
        chatter.print(f"Evenhand at {url}  (Ctrl-C stops it)", markup=False)

    labeller = Labeller(store.pool, lambda: desk.markets, desk.clock)
    casework = Casework(desk, store, clock=desk.clock)
    keeper = Keeper(store.pool, open_vault(None, store.files / "evidence"), desk.clock)

    async def causes() -> int:
        return await name_causes(store.pool)

    async with (
        Sender(allow_private=private_allowed()) as sender,
        Courier(store.pool, sender, desk.clock) as courier,
        fund_jobs(store.pool, desk.clock, os.environ) as fund,
        # what has a due time and waits for nobody's request
        Worker([casework.tick, courier.step, courier.tidy, labeller.step, keeper.step, causes, *fund]),
    ):
        await serve(desk, store, host, port, api_key=os.environ.get("EVENHAND_API_KEY") or None, ready=ready)
