"""`evenhand fund statement`."""

import asyncio
from pathlib import Path

import msgspec
from rich.table import Table

from evenhand.cli.options import answer, day
from evenhand.fund.statement import Statement, statements
from evenhand.money import written
from evenhand.store import open_database


def statement(
    market: str | None, since: str | None, until: str | None, *, data: Path | None, database: str | None, as_json: bool
) -> None:
    found = asyncio.run(_read(market, since, until, data, database))
    if as_json:
        print(msgspec.json.encode({"statements": found}).decode())  # noqa: T201
        return
    if not found:
        answer.print("There are no markets yet: `evenhand demo` makes some.")
    for one in found:
        answer.print(_table(one))
        answer.print()


async def _read(
    market: str | None, since: str | None, until: str | None, data: Path | None, database: str | None
) -> list[Statement]:
    first, last = day(since, "--from"), day(until, "--to")
    async with open_database(database, data) as store, store.pool.acquire() as connection:
        return await statements(connection, market=market, since=first, until=last)


def _table(one: Statement) -> Table:
    period = f"{one.since or 'the beginning'} to {one.until or 'now'}"
    table = Table(
        title=f"Fund of {one.market}{' (synthetic)' if one.synthetic else ''}, {period}",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    table.add_column("", min_width=12)
    table.add_column("transfers", justify="right")
    table.add_column("amount", justify="right", min_width=20)
    table.add_row("opening", "", written(one.opening, one.currency))
    for movement in one.movements:
        table.add_row(movement.cause, f"{movement.transfers:,}", written(movement.amount, one.currency))
    table.add_row("closing", "", written(one.closing, one.currency), style="bold")
    return table
