"""`evenhand market capacity`: how many uncertain claims a day a market's people can look at."""

import asyncio
import getpass
from pathlib import Path
from typing import NamedTuple

import msgspec

from evenhand.accounts.abuse.people import UncertainToday, uncertain_today
from evenhand.cases import keeping
from evenhand.cases.settings import Settings
from evenhand.casework import Casework
from evenhand.cli.options import answer
from evenhand.desk import Desk
from evenhand.errors import BadInput, UnknownThing
from evenhand.markets import MarketDesk
from evenhand.records import decode_as
from evenhand.store import open_database


class _Stands(NamedTuple):
    market: MarketDesk
    # the limit set; null is none
    per_day: int | None
    # null where no learned score is in use, nor was today
    today: UncertainToday | None


def run(
    market: str,
    per_day: int | None,
    *,
    no_limit: bool,
    by: str | None,
    data: Path | None,
    database: str | None,
    as_json: bool,
) -> None:
    if per_day is not None and no_limit:
        raise BadInput("says the contrary of --per-day: give one of them", field="--no-limit")

    async def work() -> _Stands:
        async with open_database(database, data) as store:
            desk = await Desk.open(store)
            try:
                found = desk.markets.get(market)
                if found is None:
                    raise UnknownThing(f"there is no market {market[:60]!r}", field="ID")
                async with store.pool.acquire() as connection:
                    kept = await keeping.settings_of(connection, found.number)
                    if per_day is not None or no_limit:
                        changed = _changed(kept.settings, None if no_limit else per_day)
                        casework = Casework(desk, store, clock=desk.now)
                        await casework.set_settings(market, changed, by or getpass.getuser(), expected=kept.version)
                    now_set = (await keeping.settings_of(connection, found.number)).settings.uncertain_per_day
                    return _Stands(
                        found, now_set, *await uncertain_today(connection, [found.number], desk.now()) or [None]
                    )
            finally:
                await desk.close()

    stands = asyncio.run(work())
    today = stands.today
    if as_json:
        told = {"market": market, "per_day": stands.per_day, "today": today}
        print(msgspec.json.encode(told).decode())  # noqa: T201
        return
    limit = "all of them" if stands.per_day is None else f"{stands.per_day:,} a day"
    answer.print(
        f"Claims of market {market} that its learned abuse score is uncertain of: persons look at {limit}.",
        markup=False,
        soft_wrap=True,
    )
    if stands.market.abuse is None:
        answer.print(
            "It uses no learned score: `evenhand abuse activate` puts one to use.", markup=False, soft_wrap=True
        )
    elif today is not None:
        passed = f"; {today.passed:,} more were ruled by the policy alone" if today.passed else ""
        answer.print(f"Today ({today.day}): {today.taken:,}{passed}.", markup=False, soft_wrap=True)


def _changed(settings: Settings, per_day: int | None) -> Settings:
    """The settings with another limit; raises `BadInput` for one there cannot be."""
    values = msgspec.to_builtins(settings) | {"uncertain_per_day": per_day}
    try:
        return decode_as(msgspec.json.encode(values), Settings)
    except BadInput as error:
        error.field = "--per-day"
        raise
