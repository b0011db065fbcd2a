"""`evenhand fund statement | deposit | withdraw | recover | repaid`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from rich.table import Table

from evenhand.accounts.state import Connection
from evenhand.cli.options import answer, days, user
from evenhand.desk import utc_now
from evenhand.errors import BadInput
from evenhand.fund.budgets import known_market
from evenhand.fund.by_hand import Moved, deposit, recover, repaid
from evenhand.fund.debts import Debt, owed
from evenhand.fund.export import as_beancount, as_csv
from evenhand.fund.ledger import cause_word
from evenhand.fund.statement import DayMovement, Statement, by_day, statements
from evenhand.money import parse, written
from evenhand.store import open_database

_DEBTS: Final = 500

T = TypeVar("T")
FORMATS = ("table", "csv", "beancount")


def within(data: Path | None, database: str | None, work: Callable[[Connection], Awaitable[T]]) -> T:
    """Do something in one transaction of the database."""

    async def run() -> T:
        async with open_database(database, data) as store, store.pool.acquire() as connection, connection.transaction():
            return await work(connection)

    return asyncio.run(run())


def say(value: Any) -> None:
    """Print one JSON object."""
    print(msgspec.json.encode(value).decode())  # noqa: T201


async def minor_units(connection: Connection, market: str, text: str, option: str = "--amount") -> int:
    """An amount as people write it, in minor units of a market's currency; raises `BadInput` naming the option."""
    row = await known_market(connection, market)
    try:
        return parse(text.replace(",", ""), row["currency"])
    except ValueError as error:
        raise BadInput(str(error), field=option) from None


def statement(
    market: str | None,
    since: str | None,
    until: str | None,
    form: str,
    *,
    data: Path | None,
    database: str | None,
    as_json: bool,
) -> None:
    if form not in FORMATS:
        raise BadInput(f"{form!r} is no format of statements; there are {', '.join(FORMATS)}", field="--format")
    first, last = days(since, until)

    async def read(connection: Connection) -> tuple[list[Statement], list[list[DayMovement]]]:
        found = await statements(connection, market=market, since=first, until=last)
        moves = await by_day(connection, market=market, since=first, until=last) if form == "beancount" else []
        return found, moves

    found, moves = within(data, database, read)
    if as_json:
        say({"statements": found})
    elif form == "csv":
        print(as_csv(found), end="")  # noqa: T201
    elif form == "beancount":
        print(as_beancount(found, moves), end="")  # noqa: T201
    else:
        if not found:
            answer.print("There are no markets yet: `evenhand demo` makes some.")
        for one in found:
            period = f"{one.since or 'the beginning'} to {one.until or 'now'}"
            title = f"Fund of {one.market}{' (synthetic)' if one.synthetic else ''}, {period}"
            answer.print(title, style="italic", markup=False, soft_wrap=True)
            answer.print(_table(one))
            answer.print()


def _table(one: Statement) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("", min_width=12)
    table.add_column("transfers", justify="right")
    table.add_column("amount", justify="right", min_width=20)
    table.add_row("opening", "", written(one.opening, one.currency))
    for movement in one.movements:
        table.add_row(movement.cause, f"{movement.transfers:,}", written(movement.amount, one.currency))
    table.add_row("closing", "", written(one.closing, one.currency), style="bold")
    return table


def run_deposit(
    market: str,
    amount: str,
    note: str,
    by: str | None,
    *,
    out: bool,
    data: Path | None,
    database: str | None,
    as_json: bool,
) -> None:
    async def work(connection: Connection) -> list[Moved]:
        units = await minor_units(connection, market, amount)
        if units <= 0:
            raise BadInput("must be more than zero", field="--amount")
        return [await deposit(connection, market, -units if out else units, by=by or user(), note=note, now=utc_now())]

    _print(within(data, database, work), as_json)


def run_recover(
    case: int, amount: str | None, note: str, by: str | None, *, data: Path | None, database: str | None, as_json: bool
) -> None:
    async def work(connection: Connection) -> list[Moved]:
        units = await _of_case(connection, case, amount) if amount else None
        return await recover(connection, case, amount=units, by=by or user(), note=note, now=utc_now())

    _print(within(data, database, work), as_json)


def run_repaid(case: int, note: str, by: str | None, *, data: Path | None, database: str | None, as_json: bool) -> None:
    async def work(connection: Connection) -> list[Moved]:
        return await repaid(connection, case, by=by or user(), note=note, now=utc_now())

    _print(within(data, database, work), as_json)


def run_debts(market: str | None, *, data: Path | None, database: str | None, as_json: bool) -> None:
    """Print what buyers owe, the oldest first."""

    async def work(connection: Connection) -> list[Debt]:
        return await owed(connection, market=market, limit=_DEBTS)

    found = within(data, database, work)
    if as_json:
        say({"debts": found})
        return
    if not found:
        answer.print("Nobody owes anything.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("market", "case", "buyer", "owed", "of", "since"):
        table.add_column(name, justify="right" if name in ("case", "owed", "of") else "left")
    for one in found:
        sums = [written(units, one.currency) for units in (one.owed, one.amount)]
        table.add_row(one.market, one.case, one.buyer, *sums, f"{one.since:%Y-%m-%d}")
    answer.print(table)


async def _of_case(connection: Connection, case: int, amount: str) -> int:
    market = await connection.fetchval(
        "select m.id from application a join market m on m.no = a.market where a.no = $1", case
    )
    if market is None:
        raise BadInput(f"there is no case {case}", field="case")
    return await minor_units(connection, market, amount)


def _print(moved: Sequence[Moved], as_json: bool) -> None:
    if as_json:
        say({"transfers": moved})
        return
    for one in moved:
        text = f"{written(one.amount, one.currency)} {cause_word(one.cause, 'en')} (transfer {one.transfer})"
        if one.unsent:
            text += f"; {written(one.unsent, one.currency)} of it had not been sent, and is not"
        if one.owed:
            text += f"; the buyer owes {written(one.owed, one.currency)}"
        answer.print(text, markup=False, soft_wrap=True)
