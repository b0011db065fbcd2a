"""`evenhand fund budget set | list`."""

from datetime import date
from pathlib import Path

from rich.table import Table

from evenhand.accounts.state import Connection
from evenhand.cli.fund import minor_units, say, within
from evenhand.cli.options import answer, day, user
from evenhand.desk import utc_now
from evenhand.fund.budgets import Budget, budgets, set_budget
from evenhand.money import written


def run_set(
    market: str,
    amount: str | None,
    period: str,
    since: str | None,
    until: str | None,
    alert: int,
    by: str | None,
    *,
    data: Path | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Set a budget, or lift it where no amount is given."""
    first, last = day(since, "--from"), day(until, "--to")

    async def work(connection: Connection) -> list[Budget]:
        units = await minor_units(connection, market, amount, "AMOUNT") if amount is not None else None
        await set_budget(
            connection, market, units, period=period, first_day=first, last_day=last, alert_percent=alert, by=by or user(),
            now=utc_now(),
        )  # fmt: skip
        return await budgets(connection, utc_now(), market)

    _print(within(data, database, work), as_json, market)


def run_list(market: str | None, *, data: Path | None, database: str | None, as_json: bool) -> None:
    async def work(connection: Connection) -> list[Budget]:
        return await budgets(connection, utc_now(), market)

    _print(within(data, database, work), as_json, market)


def _print(found: list[Budget], as_json: bool, market: str | None) -> None:
    if as_json:
        say({"budgets": found})
        return
    if not found:
        where = f"market {market}" if market else "any market"
        answer.print(f"No budget counts in {where} today: its fund grants without a limit.", markup=False)
        return
    table = Table(box=None, pad_edge=False)
    for name in ("market", "period", "days"):
        table.add_column(name)
    for name in ("budget", "granted", "left", "%"):
        table.add_column(name, justify="right")
    table.add_column("")
    for one in found:
        share = f"{one.spent * 100 // one.amount}" if one.amount else "100"
        table.add_row(
            one.market, one.period, _days(one.first_day, one.last_day), written(one.amount, one.currency),
            written(one.spent, one.currency), written(one.left, one.currency), share, "" if one.state == "ok" else one.state,
            style=None if one.state == "ok" else "bold",
        )  # fmt: skip
    answer.print(table)


def _days(first: date, last: date) -> str:
    return f"{first} to {last}"
