"""`evenhand demo`: a synthetic marketplace through the live path, what came of it, and the console to look at it."""

import asyncio
from collections import Counter
from itertools import groupby
from pathlib import Path
from time import monotonic

import msgspec
from rich.table import Table

from evenhand.cli.options import answer, chatter, number_of, progress
from evenhand.cli.serve import serve_desk
from evenhand.cli.summary import fund_line, outcomes_table
from evenhand.desk import Desk
from evenhand.money import written
from evenhand.simulation import applications_of
from evenhand.simulation.making import Regime, alone, already_there, counted, make
from evenhand.store import Database, open_database
from evenhand.vocabulary import OUTCOMES


class Summary(msgspec.Struct):
    """What `--json` prints; money in minor units."""

    synthetic: bool
    seed: int
    # whether this very marketplace was found, so that nothing had to be made
    found: bool
    orders: int
    applications: int
    claimed: int
    outcomes: dict[str, int]
    # currency -> paid by the platform
    fund: dict[str, int]
    by_policy: list[Regime]
    seconds: float


def run(
    orders: int, seed: int, *, serve: bool, port: int, data: Path | None, database: str | None, as_json: bool
) -> None:
    asyncio.run(_run(orders, seed, serve=serve, port=port, data=data, database=database, as_json=as_json))


async def _run(
    orders: int, seed: int, *, serve: bool, port: int, data: Path | None, database: str | None, as_json: bool
) -> None:
    begun = monotonic()
    async with open_database(database, data) as store:
        found, made, regimes = await _make(store, orders, seed)
        summary = _summed(seed, found, made, regimes, monotonic() - begun)
        if as_json:
            print(msgspec.json.encode(summary).decode(), flush=True)  # noqa: T201
        else:
            _print(summary)
        if serve:
            desk = await Desk.open(store)
            try:
                await serve_desk(desk, store, "127.0.0.1", port)
            finally:
                await desk.close()
        elif not as_json:
            answer.print(f"Look at every case in the console: {_serve_command(data, database)}", markup=False)


async def _make(store: Database, orders: int, seed: int) -> tuple[bool, int, list[Regime]]:
    """Have the marketplace in the database; whether it was there, how many orders it has, and what came of them."""
    async with alone(store) as connection:
        found = await already_there(connection, orders, seed)
        if not found:
            with progress() as bar:
                task = bar.add_task("Ruling synthetic applications", total=applications_of(orders))
                try:
                    await make(connection, store, orders, seed, lambda count: bar.advance(task, count))
                except asyncio.CancelledError:
                    chatter.print("Stopped half-way; the next `evenhand demo` begins anew.", markup=False)
                    raise
        return found, *await counted(connection)


def _summed(seed: int, found: bool, orders: int, regimes: list[Regime], seconds: float) -> Summary:
    outcomes: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
    fund: Counter[str] = Counter()
    for regime in regimes:
        outcomes.update(regime.outcomes)
        fund[regime.currency] += regime.paid_by_platform
    applications = sum(regime.applications for regime in regimes)
    claimed = sum(regime.claimed for regime in regimes)
    return Summary(
        True, seed, found, orders, applications, claimed, dict(outcomes), dict(fund), regimes, round(seconds, 1)
    )


def _print(summary: Summary) -> None:
    if summary.found:
        answer.print(
            f"This database holds the synthetic marketplace of seed {summary.seed} already: nothing was made again."
        )
    answer.print()
    for _, regimes in groupby(summary.by_policy, key=lambda regime: regime.market):
        answer.print(_market_table(list(regimes)))
        answer.print()
    answer.print(
        f"{summary.outcomes['decline']:,} applications were intercepted. {fund_line(summary.fund)}", markup=False
    )
    pace = "" if summary.found else f" in {summary.seconds:.1f} s"
    answer.print(
        f"{number_of(summary.applications, 'application')} about {number_of(summary.orders, 'order')} ruled and booked{pace}; "
        "all synthetic.",
        style="bold",
    )


def _market_table(regimes: list[Regime]) -> Table:
    """How a market's applications were ruled and who paid, by the policy version in force: before its change and after."""
    names = ["before", *(f"from {regime.effective:%d %b %Y}" for regime in regimes[1:])]
    table = outcomes_table(
        regimes[0].name, {name: regime.outcomes for name, regime in zip(names, regimes, strict=True)}
    )
    table.add_row()
    table.add_row("applications", *(f"{regime.applications:,}" for regime in regimes))
    currency = regimes[0].currency
    table.add_row(f"merchants paid, {currency}", *(_paid(regime.paid_by_merchants, currency) for regime in regimes))
    table.add_row(f"the platform paid, {currency}", *(_paid(regime.paid_by_platform, currency) for regime in regimes))
    return table


def _paid(amount: int, currency: str) -> str:
    return written(amount, currency).removesuffix(f" {currency}") if amount else "-"


def _serve_command(data: Path | None, database: str | None) -> str:
    if database:
        return "evenhand serve, with the same database"
    return f"evenhand serve --data {data}" if data else "evenhand serve"
