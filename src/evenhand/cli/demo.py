"""`evenhand demo`: a synthetic marketplace through the live path, what came of it, and the console to look at it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from time import monotonic

import msgspec
from rich.table import Table

from evenhand.cli.options import answer, chatter, progress
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
        desk = await Desk.open(store)
        try:
            found, made, regimes = await _make(store, desk, orders, seed)
            summary = _summed(seed, found, made, regimes, monotonic() - begun)
            if as_json:
                print(msgspec.json.encode(summary).decode(), flush=True)  # noqa: T201
            else:
                _print(summary)
            if serve:
                await serve_desk(desk, store, "127.0.0.1", port)
            elif not as_json:
                answer.print(f"Look at every case in the console: {_serve_command(data, database)}", markup=False)
        finally:
            await desk.close()


async def _make(store: Database, desk: Desk, orders: int, seed: int) -> tuple[bool, int, list[Regime]]:
    """Have the marketplace in the database; whether it was there, how many orders it has, and what came of them."""
    async with alone(store) as connection:
        found = await already_there(connection, orders, seed)
        if not found:
            with progress() as bar:
                task = bar.add_task("Ruling synthetic applications", total=applications_of(orders))
                try:
                    await make(connection, desk, orders, seed, lambda count: bar.advance(task, count))
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
    titles = _titles(summary.by_policy)
    columns = {title: regime.outcomes for title, regime in zip(titles, summary.by_policy, strict=True)}
    answer.print(outcomes_table("How they were ruled", columns))
    answer.print()
    answer.print(_money_table(titles, summary.by_policy))
    answer.print()
    intercepted = summary.outcomes["decline"]
    answer.print(f"{intercepted:,} applications were intercepted. {fund_line(summary.fund)}", markup=False)
    pace = "" if summary.found else f" in {summary.seconds:.1f} s"
    answer.print(
        f"{summary.applications:,} applications about {summary.orders:,} orders ruled and booked{pace}; all synthetic.",
        style="bold",
    )


def _titles(regimes: Sequence[Regime]) -> list[str]:
    """A name for each policy version, under its market: the first was in force before the change, the others since a day."""
    titles: list[str] = []
    for _, versions in groupby(regimes, key=lambda regime: regime.market):
        for index, regime in enumerate(versions):
            name = regime.name.removesuffix(" (synthetic)")
            titles.append(f"{name}\n{f'{regime.effective:%b %Y}' if index else 'before'}")
    return titles


def _money_table(titles: Sequence[str], regimes: Sequence[Regime]) -> Table:
    table = Table(
        title="Who paid", title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim"
    )
    table.add_column("")
    for name in ("applications", "intercepted", "merchants paid", "the platform paid"):
        table.add_column(name, justify="right")
    for title, regime in zip(titles, regimes, strict=True):
        declined = regime.outcomes["decline"]
        table.add_row(
            title.replace("\n", ", "),
            f"{regime.applications:,}",
            f"{declined:,} ({declined / regime.applications:.0%})" if declined else "-",
            written(regime.paid_by_merchants, regime.currency) if regime.paid_by_merchants else "-",
            written(regime.paid_by_platform, regime.currency) if regime.paid_by_platform else "-",
        )
    return table


def _serve_command(data: Path | None, database: str | None) -> str:
    if database:
        return "evenhand serve, with the same database"
    return f"evenhand serve --data {data}" if data else "evenhand serve"
