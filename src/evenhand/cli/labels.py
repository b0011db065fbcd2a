"""`evenhand label list | set | end | appeal | decide-appeal | judge | configure`."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Literal, TypeVar, get_args

import msgspec

from evenhand.accounts.labels import (
    Confirm,
    Label,
    LabelShown,
    Proposal,
    appeal,
    decide_appeal,
    decide_proposal,
    end_label,
    labels_in,
    proposals_in,
    reason_of,
    set_label,
    standing,
)
from evenhand.accounts.state import AccountKind, Connection
from evenhand.cli.options import answer, listing, print_listing
from evenhand.desk import utc_now
from evenhand.errors import BadInput
from evenhand.labelling import configure, numbers
from evenhand.policy import Because, Policy
from evenhand.publishing import load_markets
from evenhand.store import open_database

T = TypeVar("T")


def show(
    market: str | None, account: str | None, *, active: bool, data: Path | None, database: str | None, as_json: bool
) -> None:
    async def read(connection: Connection) -> tuple[list[LabelShown], list[Proposal]]:
        found = numbers(await load_markets(connection), market)
        labels = await labels_in(connection, found, account=account, at=utc_now() if active else None)
        return labels, await proposals_in(connection, found)

    labels, proposals = _run(read, data, database)
    if as_json:
        print(msgspec.json.encode({"labels": labels, "proposals": proposals}).decode())  # noqa: T201
        return
    _print_labels(labels)
    for one in proposals:
        answer.print(
            f"Proposal {one.no} waits for a person: {one.label} for {one.days} days on {one.account} of "
            f"{one.market}. {one.reason.en} Cases {', '.join(one.cases)}.",
            markup=False,
            soft_wrap=True,
        )


def _print_labels(labels: Sequence[LabelShown]) -> None:
    if not labels:
        answer.print("There are no labels.")
        return
    table = listing(
        ("no", "market", "account", "label", "from", "until", "set by", "state"),
        whole=("no", "market", "account", "label", "from", "until"),
    )
    now = utc_now()
    for one in labels:
        state: str = standing(one, now)
        if one.ended_by:
            state = f"ended by {one.ended_by}"
        elif one.appeal:
            state += f", appeal {one.appeal} waits"
        elif one.doubted:
            state += ", a case was turned over"
        table.add_row(
            str(one.no), one.market, one.account, one.label, f"{one.starts_at:%Y-%m-%d}",
            f"{one.expires_at:%Y-%m-%d}", one.set_by, state,
        )  # fmt: skip
    print_listing(table)


def run_set(
    account: str,
    market: str,
    kind: str,
    label: str,
    cause: str,
    cases: Sequence[int],
    days: int,
    by: str | None,
    *,
    data: Path | None,
    database: str | None,
) -> None:
    now = utc_now()
    chosen, whose = _one_of(label, Label, "--label"), _one_of(kind, AccountKind, "--kind")

    async def write(connection: Connection) -> tuple[int, Because]:
        number = await set_label(
            connection, market, whose, account, chosen,
            cause=cause, set_by=_by(by), starts_at=now, expires_at=now + timedelta(days=days), cases=cases,
        )  # fmt: skip
        return number, await reason_of(connection, number)

    number, told = _run(write, data, database)
    answer.print(
        f"Label {number} is set: {account} is {label} for {days} days. The person is told:",
        markup=False,
        soft_wrap=True,
    )
    for text in (told.en, told.zh):
        answer.print(f"  {text}", markup=False, soft_wrap=True)


def run_end(number: int, why: str, by: str | None, *, data: Path | None, database: str | None) -> None:
    _run(lambda connection: end_label(connection, number, by=_by(by), why=why, now=utc_now()), data, database)
    answer.print(f"Label {number} has ended.", markup=False)


def run_appeal(number: int, says: str, *, data: Path | None, database: str | None) -> None:
    filed = _run(lambda connection: appeal(connection, number, says=says, now=utc_now()), data, database)
    answer.print(f"Appeal {filed} against label {number} waits for a person.", markup=False)


def run_decide_appeal(
    number: int, note: str, by: str | None, *, lift: bool, uphold: bool, data: Path | None, database: str | None
) -> None:
    if lift == uphold:
        raise BadInput("give one of the two", field="--lift, --uphold")
    verdict: Literal["lifted", "upheld"] = "lifted" if lift else "upheld"
    _run(
        lambda connection: decide_appeal(connection, number, verdict, by=_by(by), note=note, now=utc_now()),
        data,
        database,
    )
    answer.print(f"Appeal {number} is decided: {verdict}.", markup=False)


def run_judge(
    number: int,
    note: str | None,
    by: str | None,
    *,
    confirm: bool,
    dismiss: bool,
    data: Path | None,
    database: str | None,
) -> None:
    if confirm == dismiss:
        raise BadInput("give one of the two", field="--confirm, --dismiss")
    verdict: Literal["confirmed", "dismissed"] = "confirmed" if confirm else "dismissed"

    async def write(connection: Connection) -> tuple[int | None, Because | None]:
        became = await decide_proposal(connection, number, verdict, by=_by(by), note=note, now=utc_now())
        return became, await reason_of(connection, became) if became else None

    became, told = _run(write, data, database)
    said = f" It is label {became}. The person is told:" if became else ""
    answer.print(f"Proposal {number} is {verdict}.{said}", markup=False)
    for text in (told.en, told.zh) if told else ():
        answer.print(f"  {text}", markup=False, soft_wrap=True)


def run_configure(
    market: str, confirm: str, document: Path | None, by: str | None, *, data: Path | None, database: str | None
) -> None:
    chosen = _one_of(confirm, Confirm, "--confirm")
    source = Policy.load(document).source if document else None

    async def write(connection: Connection) -> None:
        markets = await load_markets(connection)
        numbers(markets, market)
        await configure(connection, markets[market], chosen, source, by=_by(by), now=utc_now())

    _run(write, data, database)
    said = "no label waits for a person" if confirm == "never" else f"a person confirms from {confirm} on"
    answer.print(f"Market {market} labels by {document or 'the standard document'}; {said}.", markup=False)


def _run(work: Callable[[Connection], Awaitable[T]], data: Path | None, database: str | None) -> T:
    async def within() -> T:
        async with open_database(database, data) as store, store.pool.acquire() as connection, connection.transaction():
            return await work(connection)

    return asyncio.run(within())


def _one_of(text: str, kinds: "type[T] | object", option: str) -> "T":
    if text not in get_args(kinds):
        raise BadInput(f"{text!r} is none of {', '.join(get_args(kinds))}", field=option)
    return text  # type: ignore[return-value]


def _by(by: str | None) -> str:
    return by or getpass.getuser()
