"""`evenhand policy publish | withdraw | list --market`."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import typer

from evenhand.accounts.abuse.keeping import InUse, in_use
from evenhand.accounts.state import Connection
from evenhand.cli.options import answer, chatter, day, listing, print_listing
from evenhand.desk import Desk, utc_now
from evenhand.errors import BadInput
from evenhand.policy import Policy
from evenhand.publishing import SINCE_EVER, Publication, checked, publications, publish, withdraw
from evenhand.records import Market
from evenhand.store import open_database

T = TypeVar("T")
# What a version does of each role: will, does, did, and to what of the market.
_DOES: Final = {
    "ruling": ("will rule", "rules", "ruled", ""),
    "integrity": ("will score", "scores", "scored", "the integrity of buyers of "),
    "experience": ("will score", "scores", "scored", "the experience of stores of "),
    "abuse": ("will score", "scores", "scored", "the signs of abuse in "),
    "labelling": ("will label", "labels", "labelled", "buyers of "),
}


def run_publish(
    name: str,
    market: str,
    effective: str | None,
    by: str | None,
    *,
    data: Path | None,
    database: str | None,
    as_json: bool,
) -> None:
    policy, first = Policy.load(name), day(effective, "--effective")
    try:
        checked(policy)
    except BadInput as error:
        chatter.print(f"evenhand: not published: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(1) from None

    async def work(connection: Connection) -> Publication:
        return await publish(connection, market, policy, effective=first, by=by or _user(), now=utc_now())

    place, done = asyncio.run(_in_market(market, data, database, work))
    if as_json:
        print(msgspec.json.encode(done).decode())  # noqa: T201
        return
    will, now, did, whom = _DOES[done.role]
    does = {"scheduled": will, "in force": now}.get(done.state, did)
    until = f", until {done.until - timedelta(days=1)}" if done.until else ""
    answer.print(
        f"{done.policy}@{done.version} {does} {whom}market {market} from {done.effective} on ({place.time_zone}){until}.",
        markup=False,
        soft_wrap=True,
    )
    if done.state == "scheduled":
        answer.print(
            f"Until then it can be taken back: evenhand policy withdraw {done.policy}@{done.version} --market {market}",
            markup=False,
            soft_wrap=True,
        )


def run_withdraw(
    name: str, market: str, by: str | None, *, data: Path | None, database: str | None, as_json: bool
) -> None:
    if "/" in name or Path(name).is_file():
        meant = Policy.load(Path(name))
        policy, version = meant.name, meant.version
    else:
        policy, _, version = name.partition("@")

    async def work(connection: Connection) -> Publication:
        return await withdraw(connection, market, policy, version or None, by=by or _user(), now=utc_now())

    _, done = asyncio.run(_in_market(market, data, database, work))
    if as_json:
        print(msgspec.json.encode(done).decode())  # noqa: T201
        return
    answer.print(
        f"{done.policy}@{done.version} is withdrawn: it will not {_DOES[done.role][0].removeprefix('will ')} "
        f"{_DOES[done.role][3]}market {market} from {done.effective} on.",
        markup=False,
        soft_wrap=True,
    )


def show_published(market: str, *, data: Path | None, database: str | None, as_json: bool) -> None:
    async def work(connection: Connection) -> tuple[list[Publication], InUse | None]:
        return await publications(connection, market, utc_now()), await in_use(connection, market)

    place, (found, learned) = asyncio.run(_in_market(market, data, database, work))
    if as_json:
        listed = {
            "market": market,
            "time_zone": place.time_zone,
            "pinned": place.pinned,
            "publications": found,
            "learned": learned,
        }
        print(msgspec.json.encode(listed).decode())  # noqa: T201
        return
    if place.pinned:
        answer.print(f"Market {market} is pinned to {place.policy}@{place.pinned}, whatever the date.", markup=False)
        found = [one for one in found if one.role != "ruling"]
    table = listing(
        ("for", "policy", "version", "from", "until", "state", "published by", "published at"),
        whole=("for", "policy", "version", "from", "until"),
    )
    for one in found:
        state = f"withdrawn by {one.withdrawn_by}" if one.state == "withdrawn" else one.state
        until = (one.until - timedelta(days=1)).isoformat() if one.until else "-"
        by = one.published_by or "with the package"
        at = one.published_at.strftime("%Y-%m-%d %H:%M UTC")
        style = "bold" if one.state == "in force" else "dim" if one.state in ("past", "withdrawn") else None
        first = "-" if one.effective == SINCE_EVER else one.effective.isoformat()
        table.add_row(one.role, one.policy, one.version, first, until, state, by, at, style=style)
    answer.print(f"Market {market} ({place.time_zone})", markup=False)
    print_listing(table)
    if learned:
        answer.print(
            f"The abuse score is that of learned card {learned.version} since {learned.activated_at:%Y-%m-%d %H:%M UTC}, by "
            f"{learned.activated_by}; the scorecard above gives the signs of abuse beside it.",
            markup=False,
            soft_wrap=True,
        )


async def _in_market(
    market: str, data: Path | None, database: str | None, work: Callable[[Connection], Awaitable[T]]
) -> tuple[Market, T]:
    """Do something in one transaction, with what the market is."""
    async with open_database(database, data) as store:
        # brings what the package has, and what follows it, up to date
        desk = await Desk.open(store)
        try:
            async with store.pool.acquire() as connection, connection.transaction():
                done = await work(connection)
        finally:
            await desk.close()
        return desk.markets[market].market, done


def _user() -> str:
    """Whose hands are on the keyboard, as far as the machine knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command line"
