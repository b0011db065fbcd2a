"""`evenhand import olist`: real orders and complaints through the live path."""

import asyncio
import time
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.table import Table

from evenhand.cli.options import answer, chatter, progress
from evenhand.cli.summary import fund_line, outcomes_table
from evenhand.desk import Desk, utc_now
from evenhand.errors import BadInput, Conflict
from evenhand.importers.olist.sending import Tally, send
from evenhand.importers.olist.sources import CURRENCY, TIME_ZONE, read_sources
from evenhand.importers.olist.timeline import timeline
from evenhand.money import written
from evenhand.policy import Policy, shipped
from evenhand.records import Market, bad_input
from evenhand.store import open_database
from evenhand.vocabulary import OUTCOMES, REASONS, STAGES, word

_NAME: Final = "Olist"


def import_olist(
    directory: Path, market: str, policy: str, *, data: Path | None, database: str | None, as_json: bool
) -> None:
    """Everything is read and checked before the database is opened."""
    started = time.monotonic()
    ruling = Policy.load(policy)
    place = _market(market, ruling)
    with chatter.status("Reading Olist's files"):
        events = timeline(read_sources(directory, utc_now()))
    tally = asyncio.run(_send(place, ruling, events, data, database))
    seconds = time.monotonic() - started
    if as_json:
        print(msgspec.json.encode(_figures(tally, place, seconds)).decode())  # noqa: T201
    else:
        _print(tally, place, seconds)


def _market(market: str, policy: Policy) -> Market:
    """A market of that id which pins the policy; raises `BadInput` for an id that is none."""
    values = {"id": market, "name": _NAME, "policy": policy.name, "currency": CURRENCY, "time_zone": TIME_ZONE}
    try:
        return msgspec.convert(values | {"pinned": policy.version}, Market)
    except msgspec.ValidationError as error:
        if bad_input(error).field == "id":
            raise BadInput(
                f"{market!r} is not a market's id like olist-2 (small letters, digits, - and _)", field="--market"
            ) from None
        raise bad_input(error) from None


async def _send(place: Market, policy: Policy, events: list[Any], data: Path | None, database: str | None) -> Tally:
    async with open_database(database, data) as store:
        desk = await Desk.open(store)
        try:
            _check_free(desk, place, policy)
            await desk.register(policy)
            await desk.add_market(place)
            with progress() as bar:
                task = bar.add_task(f"Olist's orders, ruled by {policy.name} {policy.version}", total=len(events))
                try:
                    return await send(desk, place.id, events, lambda sent: bar.advance(task, sent))
                except asyncio.CancelledError:
                    chatter.print("Stopped half-way; the same command goes on from here.", markup=False)
                    raise
        finally:
            await desk.close()


def _check_free(desk: Desk, place: Market, policy: Policy) -> None:
    """Refuse to change what is there: a market with other settings, or the text of a policy version that is in use."""
    there = desk.markets.get(place.id)
    if there and there.market != place:
        follows = f"follows policy {there.market.policy} {there.market.pinned or 'by date'}"
        raise Conflict(
            f"market {place.id!r} is there already and {follows}, in {there.currency}; name another with --market"
        )
    known = [*shipped(), *(found.policy for market in desk.markets.values() for found in market.versions)]
    if any((p.name, p.version) == (policy.name, policy.version) and p.hash != policy.hash for p in known):
        raise BadInput(
            f"policy {policy.name} {policy.version} is known with another text; give the document a version of its own",
            field="--policy",
        )


def _figures(tally: Tally, place: Market, seconds: float) -> dict[str, Any]:
    reasons = {reason: {stage: tally.reasons[reason, stage] for stage in STAGES} for reason in REASONS}
    return {
        "market": place.id,
        "policy": place.policy,
        "version": place.pinned,
        "orders": tally.orders,
        "applications": tally.applications,
        "claimed": tally.claimed,
        "reasons": reasons,
        "outcomes": {outcome: tally.outcomes[outcome] for outcome in OUTCOMES},
        "fund": {CURRENCY: tally.subsidised},
        "seconds": round(seconds, 3),
    }


def _print(tally: Tally, place: Market, seconds: float) -> None:
    known = f"{_counted(tally.orders_known, 'order')} and {_counted(tally.applications_known, 'application')}"
    if not (tally.orders or tally.applications):
        answer.print(
            f"Nothing new: market {place.id} has {known} of {_NAME} already.  {seconds:.1f} s",
            markup=False,
            soft_wrap=True,
        )
        return
    answer.print(
        f"{_counted(tally.orders, 'order')} of {_NAME} in market {place.id}; "
        f"{_counted(tally.applications, 'refund application')} "
        f"about {written(tally.claimed, place.currency)}, ruled by {place.policy} {place.pinned}.",
        markup=False,
        soft_wrap=True,
    )
    if tally.orders_known or tally.applications_known:
        answer.print(f"Already there, and not counted here: {known}.", markup=False, soft_wrap=True)
    if tally.applications:
        answer.print()
        answer.print(_reasons_table(tally))
        answer.print()
        answer.print(outcomes_table("Rulings", {"applications": tally.outcomes}))
    answer.print()
    answer.print(f"{fund_line({place.currency: tally.subsidised})}  {seconds:.1f} s", markup=False, soft_wrap=True)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _reasons_table(tally: Tally) -> Table:
    """Reasons down, stages across, with totals."""
    table = Table(
        title="Applications", title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim"
    )
    table.add_column("")
    for stage in STAGES:
        table.add_column(word(stage, "en"), justify="right")
    table.add_column("all", justify="right")
    rows = {word(reason, "en"): [tally.reasons[reason, stage] for stage in STAGES] for reason in REASONS}
    rows = {name: counts for name, counts in rows.items() if any(counts)}
    rows["all"] = [sum(counts) for counts in zip(*rows.values(), strict=True)]
    for name, counts in rows.items():
        cells = [f"{count:,}" if count else "-" for count in (*counts, sum(counts))]
        table.add_row(name, *cells, style="bold" if name == "all" else None)
    return table
