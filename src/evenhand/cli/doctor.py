"""`evenhand doctor`: what is stored, checked against what it was made from, and what this machine reads of photographs."""

import asyncio
from pathlib import Path

import msgspec
import typer

from evenhand.casework import Casework, check_all
from evenhand.cli.options import chatter
from evenhand.desk import Desk
from evenhand.errors import BadInput
from evenhand.evidence.capture import ANCHORS_VARIABLE, open_reader
from evenhand.store import open_database


class Checked(msgspec.Struct):
    """What `--json` prints."""

    # cases that have moved since their ruling
    cases: int
    # what is wrong with them, one line each
    problems: list[str]
    # how capture credentials of photographs are read, or why they are not; and whether that is because something is wrong
    capture_credentials: str
    capture_credentials_fail: bool


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
        typer.echo(f"Capture credentials of photographs: {checked.capture_credentials}.")
    if checked.problems or checked.capture_credentials_fail:
        raise typer.Exit(1)


async def _check(data: Path | None, database: str | None) -> Checked:
    async with open_database(database, data) as store:
        desk = await Desk.open(store)
        try:
            problems: list[str] = []
            cases, _ = await check_all(Casework(desk, store, clock=desk.clock), problems.append)
            return Checked(cases, problems, *await asyncio.to_thread(_cameras))
        finally:
            await desk.close()


def _cameras() -> tuple[str, bool]:
    """How capture credentials are read, in words, and whether something is wrong with that."""
    try:
        reader = open_reader()
        if reader is None:
            return f"not read, since {ANCHORS_VARIABLE} names no list of trusted signers", False
        return reader.check(), False
    except BadInput as error:
        return f"not read: {error}", True
