"""`evenhand evidence custody | hold | lift | holds | retention | expire`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import typer
from rich.table import Table

from evenhand.accounts.state import Connection
from evenhand.cases.keeping import settings_of
from evenhand.cli.options import answer, number_of, user
from evenhand.desk import utc_now
from evenhand.errors import BadInput, UnknownThing
from evenhand.evidence import holds
from evenhand.evidence.holds import Hold
from evenhand.evidence.log import CustodyLog, custody_of
from evenhand.evidence.retention import Expired, Retention, expired, remove_expired, retention, set_retention, sweep
from evenhand.evidence.vault import open_vault
from evenhand.store import Database, Queries, open_database

T = TypeVar("T")
_desk = Queries.load("desk")


def show_log(name: str, *, data: Path | None, database: str | None, as_json: bool) -> None:
    async def read(connection: Connection) -> CustodyLog:
        return await custody_of(connection, name)

    log = _with(read, data, database)
    if as_json:
        _json(log)
    else:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for head in ("", "when", "what", "who"):
            table.add_column(head)
        for one in log.entries:
            table.add_row(
                str(one.no), one.at.isoformat(timespec="seconds"), one.action.replace("_", " "), f"{one.who} {one.note}".strip()
            )  # fmt: skip
        answer.print(table)
        answer.print("The log is unbroken." if log.unbroken else "The log was tampered with.")
    if not log.unbroken:
        raise typer.Exit(1)


def hold(case: int, why: str, *, by: str | None, data: Path | None, database: str | None, as_json: bool) -> None:
    async def place(connection: Connection) -> Hold:
        return await holds.place(connection, case, by=by or user(), why=why, now=utc_now())

    _print_holds([_with(place, data, database)], as_json=as_json)


def lift(case: int, why: str, *, by: str | None, data: Path | None, database: str | None, as_json: bool) -> None:
    async def lifted(connection: Connection) -> Hold:
        return await holds.lift(connection, case, by=by or user(), why=why, now=utc_now())

    _print_holds([_with(lifted, data, database)], as_json=as_json)


def show_holds(*, data: Path | None, database: str | None, as_json: bool) -> None:
    async def read(connection: Connection) -> list[Hold]:
        return await holds.standing(connection, list((await _markets(connection)).values()))

    found = _with(read, data, database)
    if as_json:
        _json({"holds": found})
    elif found:
        _print_holds(found, as_json=False)
    else:
        answer.print("No case is under legal hold.")


def show_retention(
    market: str,
    months: int | None,
    *,
    as_appeal: bool,
    by: str | None,
    data: Path | None,
    database: str | None,
    as_json: bool,
) -> None:
    if months is not None and as_appeal:
        raise BadInput("give one of the two", field="--months, --as-appeal")

    async def work(connection: Connection) -> Retention:
        markets = await _markets(connection)
        if market not in markets:
            raise UnknownThing(f"there is no market {market!r}", field="--market")
        number = markets[market]
        if months is not None or as_appeal:
            settings = (await settings_of(connection, number))[0]
            await set_retention(connection, number, months, settings, by=by or user(), now=utc_now())
        return (await retention(connection, [number]))[number]

    found = _with(work, data, database)
    if as_json:
        _json(found)
        return
    why = "as long as a closed case can be appealed" if found.by_default else f"set by {found.set_by}"
    answer.print(
        f"{market} keeps evidence for {number_of(found.months, 'month')} after the last case it was shown in has ended: {why}.",
        markup=False,
        soft_wrap=True,
    )


def expire(*, dry_run: bool, data: Path | None, database: str | None, as_json: bool) -> None:
    async def work(store: Database) -> tuple[list[Expired], int]:
        gone: list[Expired] = []
        while True:
            async with store.pool.acquire() as connection, connection.transaction():
                markets = list((await _markets(connection)).values())
                found = await (expired if dry_run else remove_expired)(connection, markets, utc_now())
            gone += found
            if dry_run or not found:
                break
        return gone, 0 if dry_run else await sweep(store.pool, open_vault(None, store.files / "evidence"))

    async def run() -> tuple[list[Expired], int]:
        async with open_database(database, data) as store:
            return await work(store)

    gone, files = asyncio.run(run())
    if as_json:
        _json({"removed" if not dry_run else "would_go": gone, "files": files})
        return
    for one in gone:
        answer.print(f"{one.evidence}  {one.market}, since {one.since:%Y-%m-%d}", markup=False)
    if dry_run:
        answer.print(
            f"{number_of(len(gone), 'piece')} of evidence would go{' (the first ones)' if len(gone) >= 200 else ''}."
        )
    else:
        answer.print(
            f"{number_of(len(gone), 'piece')} of evidence, {number_of(files, 'file')} removed. Hashes and logs stay."
        )


def _print_holds(found: Sequence[Hold], *, as_json: bool) -> None:
    if as_json:
        _json(found[0])
        return
    for one in found:
        placed = f"case {one.case} held since {one.placed_at:%Y-%m-%d %H:%M %Z} by {one.placed_by}: {one.why}"
        lifted = f"; lifted by {one.lifted_by}: {one.lifted_why}" if one.lifted_by else ""
        answer.print(placed + lifted, markup=False, soft_wrap=True)


async def _markets(connection: Connection) -> dict[str, int]:
    return {row["id"]: row["no"] for row in await connection.fetch(_desk.markets)}


def _with(work: Callable[[Connection], Awaitable[T]], data: Path | None, database: str | None) -> T:
    async def run() -> T:
        async with open_database(database, data) as store, store.pool.acquire() as connection, connection.transaction():
            return await work(connection)

    return asyncio.run(run())


def _json(value: Any) -> None:
    print(msgspec.json.encode(value).decode())  # noqa: T201
