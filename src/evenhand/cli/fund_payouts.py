"""`evenhand fund payouts ... | payment | sandbox | reconcile`."""

import asyncio
import os
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from evenhand.accounts.state import Connection
from evenhand.cli.fund import say, within
from evenhand.cli.options import answer, chatter, day, days, user
from evenhand.desk import utc_now
from evenhand.errors import BadInput
from evenhand.fund.budgets import known_market
from evenhand.fund.by_hand import Moved
from evenhand.fund.differences import currency_of, settle
from evenhand.fund.gateways import server
from evenhand.fund.gateways.notices import SECRETS
from evenhand.fund.ledger import cause_word
from evenhand.fund.payouts import Payout, payouts, refer, retry, start, stop
from evenhand.fund.reconcile import Difference, read_report, reconcile
from evenhand.money import parse, written

_SHOWN = 50
_TOLD = 200


def run_start(
    market: str, gateway: str, since: str | None, by: str | None, *, data: Path | None, database: str | None
) -> None:
    first = day(since, "--since")

    async def work(connection: Connection) -> int:
        return await start(connection, market, gateway, since=first, by=by or user(), now=utc_now())

    made = within(data, database, work)
    answer.print(
        f"What the fund of {market} grants buyers is paid through {gateway} from now on; {made:,} payouts are due now.",
        markup=False,
        soft_wrap=True,
    )


def run_stop(market: str, *, data: Path | None, database: str | None) -> None:
    async def work(connection: Connection) -> None:
        await stop(connection, market)

    within(data, database, work)
    answer.print(f"No more payouts are made for {market}; those there are go on.", markup=False, soft_wrap=True)


def run_list(market: str | None, state: str | None, *, data: Path | None, database: str | None, as_json: bool) -> None:
    async def work(connection: Connection) -> list[Payout]:
        return await payouts(connection, market=market, state=state, limit=_SHOWN)

    found = within(data, database, work)
    if as_json:
        say({"payouts": found})
        return
    if not found:
        answer.print("There are no such payouts.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("payout", "market", "case", "buyer", "amount", "state", "due", "problem"):
        table.add_column(name, justify="right" if name in ("payout", "case", "amount") else "left")
    for one in found:
        due = f"{one.due_at:%Y-%m-%d %H:%M}Z" if one.due_at else ""
        table.add_row(
            str(one.no),
            one.market,
            one.case,
            one.buyer,
            written(one.amount, one.currency),
            one.state,
            due,
            one.problem or "",
        )
    answer.print(table)


def run_retry(number: int, *, data: Path | None, database: str | None) -> None:
    async def work(connection: Connection) -> None:
        await retry(connection, number, utc_now())

    within(data, database, work)
    answer.print(f"Payout {number} is due again, under a new key.")


def run_settle(
    number: int,
    paid: str,
    note: str,
    by: str | None,
    against_gateway: bool,
    *,
    data: Path | None,
    database: str | None,
    as_json: bool,
) -> None:
    async def work(connection: Connection) -> list[Moved]:
        currency = await currency_of(connection, number)
        try:
            units = parse(paid, currency)
        except ValueError as error:
            raise BadInput(str(error), field="--paid") from None
        return await settle(
            connection, number, units, by=by or user(), note=note, now=utc_now(), against_gateway=against_gateway
        )

    moved = within(data, database, work)
    if as_json:
        say({"moved": moved})
        return
    for one in moved:
        amount = written(one.amount, one.currency)
        answer.print(f"Transfer {one.transfer}: {cause_word(one.cause, 'en')}, {amount}.", markup=False, soft_wrap=True)


def run_payment(market: str, order: str, reference: str, *, data: Path | None, database: str | None) -> None:
    async def work(connection: Connection) -> None:
        await refer(connection, market, order, reference, utc_now())

    within(data, database, work)
    answer.print(f"The gateway knows the payment of order {order} as {reference}.", markup=False, soft_wrap=True)


def run_sandbox(host: str, port: int, notify: str | None) -> None:
    """Serve the sandbox gateway until interrupted."""
    secret = os.environ.get(SECRETS["sandbox"])
    if notify and not secret:
        raise BadInput(f"what is told is signed: set {SECRETS['sandbox']} to a secret like whsec_...", field="--notify")

    def ready(url: str) -> None:
        chatter.print(f"Sandbox gateway at {url}: it pays nobody  (Ctrl-C stops it)", markup=False)
        chatter.print(f"  EVENHAND_SANDBOX_URL={url} evenhand serve", markup=False, soft_wrap=True)

    try:
        asyncio.run(server.run(host, port, ready, (notify, secret) if notify and secret else None))
    except OSError as error:
        raise BadInput(f"cannot listen on {host}:{port} ({error.strerror or error})", field="--port") from None


def run_reconcile(
    report: Path,
    gateway: str,
    market: str | None,
    since: str | None,
    until: str | None,
    *,
    data: Path | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Compare; exit code 1 when there are differences."""
    first, last = days(since, until)
    if (first or last) and market is None:
        raise BadInput("days are those of a market: name one with --market", field="--market")
    lines = read_report(report)

    async def work(connection: Connection) -> tuple[int, list[Difference]]:
        begins = ends = None
        if market is not None:
            zone = ZoneInfo((await known_market(connection, market))["time_zone"])
            begins = datetime.combine(first, time.min, zone) if first else None
            ends = datetime.combine(last + timedelta(days=1), time.min, zone) if last else None
        return await reconcile(connection, lines, gateway, market=market, since=begins, until=ends)

    compared, found = within(data, database, work)
    if as_json:
        say({"compared": compared, "reported": len(lines), "differences": found})
    else:
        answer.print(
            f"{compared:,} payouts here, {len(lines):,} lines in the report: {len(found) or 'no'} differences.",
            markup=False,
        )
        if found:
            answer.print(_table(found[:_TOLD]))
        if len(found) > _TOLD:
            answer.print(f"... and {len(found) - _TOLD:,} more; --json prints all of them.")
    if found:
        raise typer.Exit(1)


def _table(found: list[Difference]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("difference", "payout", "case", "here", "there", "line", "key"):
        table.add_column(name, overflow="fold")
    for one in found:
        payout, case, line = (str(value or "") for value in (one.payout, one.case, one.line))
        table.add_row(one.kind, payout, case, one.here, one.there, line, one.key)
    return table
