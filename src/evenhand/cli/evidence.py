"""`evenhand evidence`: take a file in, look at what is known of one, take the sealed original out."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec
from rich.table import Table

from evenhand.cli.options import answer, chatter, user
from evenhand.errors import BadInput, UnknownThing
from evenhand.evidence.capture import CaptureReader, open_reader
from evenhand.evidence.content import LARGEST_FILE
from evenhand.evidence.custody import Custody, Evidence, party_of
from evenhand.evidence.vault import open_vault
from evenhand.store import Database, Queries, open_database

T = TypeVar("T")
_desk = Queries.load("desk")


def add(file: Path, market: str, party: str, *, data: Path | None, database: str | None, as_json: bool) -> None:
    by = party_of(party)
    content = _read(file)

    async def take(store: Database, custody: Custody) -> Evidence:
        numbers = {row["id"]: row["no"] for row in await store.pool.fetch(_desk.markets)}
        if market not in numbers:
            raise UnknownThing(
                f"there is no market {market!r}; there are {', '.join(sorted(numbers)) or 'none'}", field="--market"
            )
        try:
            return await custody.take(numbers[market], by, content, datetime.now(UTC))
        except BadInput as error:
            raise BadInput(error.detail, field=error.field, file=str(file)) from None

    _print(_with(take, data, database, open_reader()), as_json=as_json)


def show(
    name: str, original: Path | None, *, by: str | None, data: Path | None, database: str | None, as_json: bool
) -> None:
    async def find(_: Database, custody: Custody) -> tuple[Evidence, bytes | None]:
        known = await custody.describe(name)
        return known, await custody.original_of(name, by or user(), datetime.now(UTC)) if original else None

    known, sealed = _with(find, data, database)
    if original and sealed is not None:
        try:
            with original.open("xb") as file:
                file.write(sealed)
        except OSError as error:
            raise BadInput(f"cannot write {original}: {error.strerror or error}", field="--original") from None
        chatter.print(f"the sealed original is in {original}", markup=False)
    _print(known, as_json=as_json)


def _with(
    work: Callable[[Database, Custody], Awaitable[T]],
    data: Path | None,
    database: str | None,
    cameras: CaptureReader | None = None,
) -> T:
    async def run() -> T:
        async with open_database(database, data) as store:
            return await work(store, Custody(store, open_vault(None, store.files / "evidence"), cameras))

    return asyncio.run(run())


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(LARGEST_FILE + 1)
    except OSError as error:
        raise BadInput(f"cannot read {file}: {error.strerror or error}") from None


def _print(known: Evidence, *, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode(known).decode())  # noqa: T201
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    size = f", {known.width:,} x {known.height:,} pixels" if known.width and known.height else ""
    table.add_row("evidence", known.id)
    table.add_row("market", known.market)
    table.add_row("shown by", known.party)
    table.add_row("file", f"{known.kind}{size}, {known.bytes:,} bytes")
    table.add_row("received", known.received_at.isoformat(timespec="seconds"))
    if known.removed_at is not None:
        why = "its time was over" if known.removed_why == "retention" else "a person was erased"
        table.add_row("removed", f"{known.removed_at.isoformat(timespec='seconds')}: {why}")
    if known.sha256 and known.copy_sha256:
        table.add_row("SHA-256", known.sha256)
        table.add_row("of the copy", known.copy_sha256)
    if said := known.credential:
        clock = "a trusted time stamp" if said.time_stamped else "the camera's clock"
        taken = f"taken {said.taken_at.isoformat(timespec='seconds')} by {clock}"
        table.add_row("camera", f"{said.camera}, signed by {said.signer}; {taken}")
    for like in known.alike:
        how = "same file" if like.exact else f"same photograph, likeness {like.likeness:.2f}"
        cases = f"; shown in case {', '.join(like.cases)}" if like.cases else "; shown in no case"
        table.add_row("like", f"{like.evidence}: {how}{cases}")
    answer.print(table)
