"""`evenhand bench faults`: everything at once goes wrong, and afterwards everything is still right.

A server of its own (`evenhand serve`, embedded PostgreSQL), a sandbox gateway that fails, says nothing, answers twice and late,
pays too little and tells of its payments twice, and a webhook receiver that fails, hangs up and is slow. Clients file
applications and act on cases, appeal and vote, repeat themselves and send things in the wrong order. Meanwhile `kill -9` meets
the server and PostgreSQL's first process, at random moments of a seed, while they start too. Then the clock is moved on until
nothing is under way any more, and what was acknowledged, paid, booked and delivered is compared.
"""

import asyncio
import random
import signal
import tempfile
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
import msgspec
import typer
import uvloop
from rich.console import Console
from rich.table import Table

from evenhand.bench.fault_checks import check, drain
from evenhand.bench.fault_load import MARKETS, Load
from evenhand.bench.fault_world import Receiver, Server, free_port, gateway
from evenhand.bench.machine import machine
from evenhand.cases.settings import Panel, Settings
from evenhand.casework import Casework
from evenhand.desk import Desk, utc_now
from evenhand.errors import EvenhandError
from evenhand.events import webhooks
from evenhand.events.signing import new_secret
from evenhand.events.webhooks import NewWebhook
from evenhand.fund.budgets import set_budget
from evenhand.fund.payouts import start
from evenhand.records import Market, Order, OrderLine
from evenhand.store import open_database

_CLIENTS: Final = 12
_JURORS: Final = 40
# Minor units per kill, about eight grants: the budget is spent before the campaign is over.
_BUDGET_PER_KILL: Final = 40_000
_RULINGS_PER_KILL: Final = 30
_SETTLE_SECONDS: Final = 150
_BACK_SECONDS: Final = 90
_KINDS: Final = ("server", "postgres", "both")
_SHARES: Final = (50, 40, 10)
# One in so many kills does not wait until clients are answered again.
_WHILE_STARTING: Final = 6
_GATEWAY_FAULTS: Final = (
    "refuse", "busy", "error", "error_after", "silent", "silent_before", "hang_up", "garbage", "twice", "twice", "late",
    "late", "late_refusal", "short",
)  # fmt: skip
_chatter: Final = Console(stderr=True, highlight=False)


class Tally(msgspec.Struct):
    """What happened, and what is wrong."""

    machine: str
    seed: int
    seconds: float
    # by kind
    kills: dict[str, int]
    # what clients did and were answered
    requests: dict[str, int]
    rulings: int
    # by state
    payouts: dict[str, int]
    gateway_faults: dict[str, int]
    deliveries: dict[str, int]
    cases: dict[str, int]
    # promises, each with what breaks it
    checks: dict[str, list[str]]

    @property
    def holds(self) -> bool:
        return not any(self.checks.values())


def run(*, kills: int, seed: int, as_json: bool) -> None:
    """Run a campaign and print its tally; ends with 1 when a promise was broken."""
    with tempfile.TemporaryDirectory(prefix="evenhand-faults-") as directory:
        tally = uvloop.run(campaign(Path(directory), kills, seed))
    if as_json:
        typer.echo(msgspec.json.encode(tally).decode())
    else:
        _print(tally)
    if not tally.holds:
        raise typer.Exit(1)


async def campaign(directory: Path, kills: int, seed: int) -> Tally:
    """A whole campaign in an empty directory."""
    began = time.monotonic()
    chance = random.Random(seed)
    receiver = Receiver(chance.getrandbits(32))
    killed: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    port, secret = free_port(), new_secret()
    notices = f"http://127.0.0.1:{port}/v1/gateways/sandbox/notices"
    async with gateway(notices, secret) as pays, receiver.listening() as hears:
        receiver.secret = await _prepare(directory, hears, kills)
        server = Server(directory, port, pays, secret)
        await server.start()
        try:
            await server.ready()
            load = Load(server.url, chance.getrandbits(32))
            working = asyncio.create_task(load.run(_CLIENTS))
            failing = asyncio.create_task(_fail(pays, random.Random(chance.getrandbits(32)), faults))
            for number in range(kills):
                await _kill(server, load, chance, killed)
                if working.done():
                    break
                if (number + 1) % 10 == 0:
                    _chatter.print(f"{number + 1} kills, {len(load.rulings):,} rulings acknowledged")
            # where a machine is slow, kills alone leave little to look at
            while len(load.rulings) < _RULINGS_PER_KILL * kills and not working.done():
                await asyncio.sleep(0.1)
            load.over = True
            await asyncio.wait_for(working, _SETTLE_SECONDS)
            failing.cancel()
            with suppress(asyncio.CancelledError):
                await failing
            receiver.well = True
        finally:
            await server.end(signal.SIGINT)
        async with open_database(data_dir=directory) as store:
            desk = await Desk.open(store)
            try:
                _chatter.print("what is under way is brought to its end")
                left = await drain(desk, store, pays)
                checks = await check(desk, store, load, receiver, pays)
                checks["timers, payouts and deliveries come to an end"] = left
                by_state = "select state, count(*) from {} group by 1 order by 1"
                payouts = {row["state"]: row["count"] for row in await store.pool.fetch(by_state.format("payout"))}
                cases = {row["state"]: row["count"] for row in await store.pool.fetch(by_state.format("case_file"))}
            finally:
                await desk.close()
    deliveries = {"events": len(receiver.seen), **receiver.counts}
    took = round(time.monotonic() - began, 1)
    return Tally(
        machine(), seed, took, dict(killed), dict(load.counts), len(load.rulings), payouts, dict(faults), deliveries, cases,
        checks,
    )  # fmt: skip


async def _prepare(directory: Path, receiver: str, kills: int) -> str:
    """Markets, a budget, payouts, panels with users to sit on them, and a webhook: its secret."""
    async with open_database(data_dir=directory) as store:
        desk = await Desk.open(store)
        try:
            for market in MARKETS:
                await desk.add_market(Market(market, market.title(), market, "CNY", "Asia/Shanghai"))
            casework = Casework(desk, store, clock=utc_now)
            panel = Panel(jurors=3, majority=2, sure=None, days_known=30, orders=1)
            await casework.set_settings("taobao", Settings(adjudication="panel", panel=panel), "bench")
            await desk.take_orders([("taobao", one) for one in _jurors()])
            async with store.pool.acquire() as connection, connection.transaction():
                now = utc_now()
                await set_budget(connection, "1688", _BUDGET_PER_KILL * kills, by="bench", now=now)
                await start(connection, "1688", "sandbox", since=None, by="bench", now=now)
                made, _ = await webhooks.add(connection, NewWebhook(receiver), list(desk.markets), now)
            assert made.secret
            return made.secret
        finally:
            await desk.close()


def _jurors() -> list[Order]:
    """What users have bought who may sit: nobody else is known for so long."""
    placed = utc_now() - timedelta(days=100)
    lines = [OrderLine("1", "m-of-jurors", 1_000, "toys")]
    return [
        Order(f"oj{number}", f"j{number}", placed, "CNY", lines, delivered_at=placed + timedelta(days=2))
        for number in range(_JURORS)
    ]


async def _kill(server: Server, load: Load, chance: random.Random, killed: Counter[str]) -> None:
    """One kill, at a random moment; mostly not before the last one is got over, so that there is something to lose."""
    kind = chance.choices(_KINDS, _SHARES)[0]
    if chance.randrange(_WHILE_STARTING):
        await server.ready()
        answered, deadline = load.counts["answers"], time.monotonic() + _BACK_SECONDS
        while load.counts["answers"] < answered + _CLIENTS:
            if time.monotonic() > deadline:
                raise EvenhandError(f"nothing is answered {_BACK_SECONDS} s after a kill")
            await asyncio.sleep(0.02)
    await asyncio.sleep(chance.uniform(0.05, 1.2))
    if kind != "server":
        # right after another kill there may be none for a moment
        for _ in range(600):
            if server.kill_postgres():
                break
            await asyncio.sleep(0.05)
        else:
            raise EvenhandError("PostgreSQL does not come back")
    if kind != "postgres":
        await server.end(signal.SIGKILL)
        await server.start()
    killed[kind] += 1


async def _fail(url: str, chance: random.Random, faults: Counter[str]) -> None:
    """Let the gateway meet one fault after the other; the first payment is short, so that a person has something to settle."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        kind = "short"
        while True:
            await client.post("/faults", json={"kind": kind})
            faults[kind] += 1
            await asyncio.sleep(chance.uniform(1, 3))
            kind = chance.choice(_GATEWAY_FAULTS)


def _print(tally: Tally) -> None:
    console = Console(highlight=False)
    table = Table(
        title=f"Faults, seed {tally.seed}, {tally.seconds:g} s", title_justify="left", box=None, pad_edge=False
    )
    table.add_column("")
    table.add_column("")
    for name, counts in (
        ("kill -9", tally.kills),
        ("clients", tally.requests),
        (
            "acknowledged",
            {"rulings": tally.rulings}
            | {
                what: tally.requests.get(key, 0)
                for what, key in (("actions", "acted"), ("appeals", "appealed"), ("votes", "voted"))
            },
        ),
        ("payouts", tally.payouts),
        ("gateway faults", tally.gateway_faults),
        ("webhook", tally.deliveries),
        ("cases", tally.cases),
    ):
        table.add_row(name, ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in counts.items()))
    console.print(table)
    for name, problems in tally.checks.items():
        console.print(f"{'BROKEN' if problems else 'holds '}  {name}", markup=False)
        for problem in problems[:10]:
            console.print(f"        {problem}", markup=False)
        if len(problems) > 10:
            console.print(f"        and {len(problems) - 10:,} more")
    console.print(tally.machine)
