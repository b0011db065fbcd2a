"""`evenhand policy rescore`."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import typer
from rich.table import Table

from evenhand.accounts.scores import CARDS, checked_card, role_of
from evenhand.cli.options import answer, number_of, progress
from evenhand.errors import BadInput
from evenhand.labelling import numbers
from evenhand.money import written
from evenhand.policy import Policy
from evenhand.publishing import load_markets
from evenhand.scorecard_replay import Moved, Replay, replay, rulings_of
from evenhand.store import open_database
from evenhand.vocabulary import word


def run(name: str, market: str, *, data: Path | None, database: str | None, as_json: bool) -> None:
    """Print what a scorecard would have made of a market's rulings; exits 1 where an outcome would be another."""
    card = Policy.load(name)
    role = role_of(card)
    if role in ("ruling", "labelling"):
        raise BadInput(f"{card.name} is for {role}: a scorecard of {', '.join(CARDS)} is asked for", field="CARD")
    checked_card(card, role)

    async def work() -> Replay:
        async with open_database(database, data) as store, store.pool.acquire() as connection:
            numbers(await load_markets(connection), market)
            with progress() as bar:
                task = bar.add_task("Scoring again", total=await rulings_of(connection, market))
                return await replay(connection, market, card, role, lambda count: bar.advance(task, count))

    found = asyncio.run(work())
    if as_json:
        print(msgspec.json.encode(found).decode())  # noqa: T201
    else:
        _print(found)
    if any(one.before != one.after for one in found.outcomes):
        raise typer.Exit(1)


def _print(found: Replay) -> None:
    answer.print(
        f"{found.scorecard}@{found.version} over {number_of(found.rulings, 'ruling')} of market {found.market}",
        markup=False,
        style="bold",
    )
    if found.left_out:
        answer.print(
            f"{number_of(found.left_out, 'ruling')} left out: not given {', '.join(found.not_given)}",
            markup=False,
            soft_wrap=True,
        )
    if not found.rulings:
        return
    answer.print(f"{found.figure}: on average {_said(found.mean_before)}, then {_said(found.mean_after)}", markup=False)
    _table(found.status, found.statuses)
    _table("outcome", found.outcomes)
    before, after = (written(one, found.currency) for one in (found.granted_before, found.granted_after))
    answer.print(f"Granted: {before}, then {after}", markup=False)
    if not found.examples:
        answer.print("No ruling would have another outcome.")
    else:
        answer.print(f"Other outcomes, for example in cases {', '.join(found.examples)}", markup=False)


def _table(title: str, moved: list[Moved]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(title)
    table.add_column("then")
    table.add_column("rulings", justify="right")
    for one in moved:
        style = None if one.before == one.after else "bold"
        table.add_row(_said(one.before), _said(one.after), f"{one.rulings:,}", style=style)
    answer.print(table)


def _said(value: Any) -> str:
    return f"{value:,.2f}" if isinstance(value, float) else word(value, "en")
