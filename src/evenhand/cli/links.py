"""`evenhand account link | rings | judge-ring`."""

import asyncio
from datetime import date
from pathlib import Path

import msgspec
import typer

from evenhand.accounts.links.explaining import Explained, explain
from evenhand.accounts.links.findings import DAYS, Finding, Verdict, findings, judge, look
from evenhand.accounts.links.paths import Shared
from evenhand.cli.options import answer, chatter, day
from evenhand.desk import utc_now
from evenhand.errors import BadInput
from evenhand.labelling import numbers
from evenhand.profiles import moment_of
from evenhand.publishing import load_markets
from evenhand.store import open_database

_KINDS = {"address": "address", "device": "device", "payment": "payment instrument", "phone": "phone"}
# Ids shown of each side of a finding; --json gives all.
_SHOWN = 6


def link(first: str, second: str, market: str, *, data: Path | None, database: str | None, as_json: bool) -> None:
    """Show the path that links two buyers; exit code 1 when there is none."""

    async def read() -> Explained:
        async with open_database(database, data) as store, store.pool.acquire() as connection:
            return await explain(connection, market, first, second)

    found = asyncio.run(read())
    if as_json:
        print(msgspec.json.encode(found).decode())  # noqa: T201
    elif found.linked:
        answer.print(f"{first} and {second} are linked:", markup=False)
        for step in found.path:
            answer.print(f"  {step.before} - {step.after}: {_said(step.shared)}", markup=False, soft_wrap=True)
    else:
        answer.print(f"{first} and {second} are not linked.", markup=False)
        if found.shared:
            answer.print(f"Both use {_said(found.shared)}: not enough to link anybody.", markup=False, soft_wrap=True)
    if not found.linked:
        raise typer.Exit(1)


def _said(shared: list[Shared]) -> str:
    return ", ".join(
        f"the same {_KINDS[one.kind]} ({f'a hub: more than {one.holders - 1}' if one.hub else one.holders} accounts)"
        for one in shared
    )


def show_rings(
    market: str | None,
    *,
    find: bool,
    at: str | None,
    judged: bool,
    data: Path | None,
    database: str | None,
    as_json: bool,
) -> None:
    """List findings; with `find` look for rings first."""
    if find and market is None:
        raise BadInput("say in which market to look", field="--market")
    if at is not None and not find:
        raise BadInput("says where to look from, and goes with --find", field="--at")
    new, found = asyncio.run(_rings(market, find, day(at, "--at"), judged, data, database))
    if as_json:
        print(msgspec.json.encode({"new": new, "findings": found}).decode())  # noqa: T201
        return
    if not found:
        answer.print("No ring waits for a person." if find else "No ring waits for a person: --find looks for some.")
        return
    for one in found:
        verdict = f"{one.verdict} by {one.reviewed_by}" if one.verdict else "waits for a person"
        answer.print(f"{one.no}  {one.market}, found {one.last_found:%Y-%m-%d}, {verdict}", markup=False)
        for line in (
            f"{len(one.buyers):,} buyers, {one.linked_buyers:,} of them linked by what they share: {_ids(one.buyers)}",
            f"{len(one.merchants):,} stores: {_ids(one.merchants)}",
            f"{one.disputes:,} disputes, {one.refund_only:,} of them refund only",
            f"density {one.density:.2f}, where chance makes {one.chance:.2f}",
        ):
            answer.print(f"   {line}", markup=False, soft_wrap=True)
    answer.print(
        f"Buyers who dispute with the same stores more than chance explains, over {DAYS} days. This is evidence for a person: "
        "look at their cases, then `evenhand account judge-ring NO --confirm` or `--dismiss`.",
        markup=False,
    )


def _ids(ids: list[str]) -> str:
    more = len(ids) - _SHOWN
    return ", ".join(ids[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


async def _rings(
    market: str | None, find: bool, at: date | None, judged: bool, data: Path | None, database: str | None
) -> tuple[int, list[Finding]]:
    async with open_database(database, data) as store, store.pool.acquire() as connection:
        new = 0
        if find and market is not None:
            with chatter.status("Looking for rings") as status:
                markets = await load_markets(connection)
                numbers(markets, market)
                now = utc_now()
                until, _ = await moment_of(connection, markets[market], at, now)
                async with connection.transaction():
                    new = await look(connection, market, now, status.update, until=until)
        return new, await findings(connection, market, judged=judged)


def judge_ring(
    number: int,
    *,
    confirm: bool,
    dismiss: bool,
    by: str,
    note: str | None,
    data: Path | None,
    database: str | None,
) -> None:
    if confirm == dismiss:
        raise BadInput("give one of the two", field="--confirm, --dismiss")
    verdict: Verdict = "confirmed" if confirm else "dismissed"

    async def write() -> None:
        async with open_database(database, data) as store, store.pool.acquire() as connection:
            await judge(connection, number, verdict, by=by, now=utc_now(), note=note)

    asyncio.run(write())
    answer.print(f"Finding {number} is {verdict} by {by}.", markup=False)
