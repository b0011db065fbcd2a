"""Send what is due and be killed before, or right after, the gateway has it: for the tests, which look at what is left."""

import asyncio
import os
import signal
import sys
from datetime import datetime

from evenhand.fund.gateways import Answer, Payment
from evenhand.fund.gateways.sandbox import Sandbox
from evenhand.fund.payouts import Payer
from evenhand.store import open_database


class Deadly(Sandbox):
    """A sandbox at which the payer dies."""

    def __init__(self, url: str, where: str) -> None:
        super().__init__(url)
        self._where = where

    async def pay(self, payment: Payment) -> Answer:
        if self._where == "after sending":
            await super().pay(payment)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


async def main(database: str, url: str, where: str, now: str) -> None:
    async with open_database(database) as store:
        moment = datetime.fromisoformat(now)
        await Payer(store.pool, {"sandbox": Deadly(url, where)}, clock=lambda: moment).tick()


asyncio.run(main(*sys.argv[1:5]))
