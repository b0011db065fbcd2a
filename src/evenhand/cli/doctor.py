"""`evenhand doctor`: what is stored, checked against what it was made from."""

import asyncio
from pathlib import Path

import msgspec
import typer

from evenhand.casework import Casework, check_all
from evenhand.cli.options import chatter
from evenhand.desk import Desk
from evenhand.store import open_database


class Checked(msgspec.Struct):
    """What `--json` prints."""

    # cases that have moved since their ruling
    cases: int
    # what is wrong, one line each
    problems: list[str]


def run(*, data: Path | None, database: str | None, as_json: bool) -> None:
    checked = asyncio.run(_check(data, database))
    if as_json:
        typer.echo(msgspec.json.encode(checked).decode())
    else:
        for problem in checked.problems:
            chatter.print(problem, markup=False)
        verdict = (
            f"{len(checked.problems)} of them differ" if checked.problems else "every one is what its events lead to"
        )
        typer.echo(f"{checked.cases:,} cases have moved since their ruling; {verdict}.")
    if checked.problems:
        raise typer.Exit(1)


async def _check(data: Path | None, database: str | None) -> Checked:
    async with open_database(database, data) as store:
        desk = await Desk.open(store)
        try:
            problems: list[str] = []
            cases, _ = await check_all(Casework(desk, store, clock=desk.clock), problems.append)
            return Checked(cases, problems)
        finally:
            await desk.close()
