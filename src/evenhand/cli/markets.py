"""`evenhand market add | list`."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec

from evenhand.cli.options import answer, listing, print_listing
from evenhand.desk import Desk
from evenhand.errors import BadInput
from evenhand.markets import MarketDesk
from evenhand.records import Market, decode_as
from evenhand.store import open_database


def run_add(values: Mapping[str, str], *, data: Path | None, database: str | None, as_json: bool) -> None:
    async def work() -> bool:
        async with open_database(database, data) as store:
            desk = await Desk.open(store)
            try:
                known = market.id in desk.markets
                await desk.add_market(market)
                return not known
            finally:
                await desk.close()

    try:
        market = decode_as(msgspec.json.encode(values), Market)
        is_new = asyncio.run(work())
    except BadInput as error:
        error.field = "ID" if error.field == "id" else f"--{error.field.replace('_', '-')}"
        raise
    if as_json:
        print(msgspec.json.encode({"market": market, "new": is_new}).decode())  # noqa: T201
        return
    follows = f"{market.policy}@{market.pinned}" if market.pinned else f"{market.policy}, by its dates"
    did = "is open" if is_new else "was open already"
    answer.print(f"Market {market.id} {did}: {follows}, {market.currency}, {market.time_zone}.", markup=False)


def show(*, data: Path | None, database: str | None, as_json: bool) -> None:
    async def work() -> list[tuple[MarketDesk, str]]:
        async with open_database(database, data) as store:
            desk = await Desk.open(store)
            try:
                return [(found, _rules(found, desk)) for found in desk.markets.values()]
            finally:
                await desk.close()

    found = asyncio.run(work())
    if as_json:
        listed = [
            msgspec.to_builtins(one.market) | {"synthetic": one.synthetic, "rules_today": rules or None}
            for one, rules in found
        ]
        print(msgspec.json.encode({"markets": listed}).decode())  # noqa: T201
        return
    if not found:
        answer.print("There are no markets yet: `evenhand market add` opens one, `evenhand demo` makes some.")
        return
    table = listing(
        ("id", "name", "policy", "rules today", "currency", "time zone"),
        whole=("id", "policy", "rules today", "currency", "time zone"),
    )
    for one, rules in found:
        market = one.market
        name = f"{market.name} (synthetic)" if one.synthetic and "synthetic" not in market.name else market.name
        follows = f"{market.policy}, pinned" if market.pinned else market.policy
        table.add_row(market.id, name, follows, rules or "-", market.currency, market.time_zone)
    print_listing(table)


def _rules(found: MarketDesk, desk: Desk) -> str:
    """Which version rules an application filed now; empty when none does yet."""
    today = found.day(desk.now())
    try:
        _, policy = found.policy(today, today)
    except BadInput:
        return ""
    return f"{policy.name}@{policy.version}"
