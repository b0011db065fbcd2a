"""`evenhand webhooks`: where events are sent. A server that runs on the same database does the sending."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import typer

from evenhand.accounts.state import Connection
from evenhand.cli.options import answer, chatter, listing, print_listing, user
from evenhand.desk import utc_now
from evenhand.events import deliveries, log, webhooks
from evenhand.events.addresses import check_url, private_allowed
from evenhand.events.courier import send, trial
from evenhand.events.deliveries import Delivery
from evenhand.events.outbox import give_places
from evenhand.events.sender import Sender, Sent
from evenhand.events.webhooks import Change, NewWebhook, Rotation, Webhook
from evenhand.records import decode_as
from evenhand.store import open_database

T = TypeVar("T")


def run_add(values: Mapping[str, Any], *, data: Path | None, database: str | None, as_json: bool) -> None:
    new = decode_as(msgspec.json.encode(values), NewWebhook)

    async def work(connection: Connection) -> tuple[Webhook, bool]:
        markets = list((await log.market_ids(connection)).values())
        webhooks.check(new, markets)
        await check_url(new.url, allow_private=private_allowed())
        await give_places(connection)
        return await webhooks.add(connection, new, markets, utc_now())

    made, is_new = _run(data, database, work)
    if as_json:
        _print(made)
        return
    if not is_new:
        answer.print(f"Webhook {made.id} was there already.", markup=False)
        return
    answer.print(f"Webhook {made.id} gets what happens from now on. Its secret, shown only now:", markup=False)
    answer.print(str(made.secret), markup=False, soft_wrap=True)


def show(*, data: Path | None, database: str | None, as_json: bool) -> None:
    async def work(connection: Connection) -> list[Webhook]:
        return await webhooks.every(connection, utc_now())

    found = _run(data, database, work)
    if as_json:
        _print({"webhooks": found})
        return
    if not found:
        answer.print("There are no webhooks yet: `evenhand webhooks add URL` makes one.")
        return
    table = listing(
        ("id", "url", "events", "markets", "state", "waiting", "dead", "last delivered"),
        whole=("id",),
        right=("waiting", "dead"),
    )
    for one in found:
        state = "enabled" if one.enabled else f"disabled: {one.disabled_why}"
        state = f"failing since {one.failing_since:%Y-%m-%d %H:%M}" if one.enabled and one.failing_since else state
        last = f"{one.last_delivered:%Y-%m-%d %H:%M:%S}" if one.last_delivered else "-"
        events, markets = ", ".join(one.types) or "all", ", ".join(one.markets) or "all"
        table.add_row(one.id, one.url, events, markets, state, f"{one.waiting:,}", f"{one.dead:,}", last)
    print_listing(table)


def show_deliveries(
    name: str, state: str | None, limit: int, *, data: Path | None, database: str | None, as_json: bool
) -> None:
    async def work(connection: Connection) -> list[Delivery]:
        return await deliveries.deliveries(connection, name, state=state, limit=limit)

    found = _run(data, database, work)
    if as_json:
        _print({"deliveries": found})
        return
    table = listing(("event", "type", "case", "state", "sendings", "last answer", "next"), whole=("event", "case"))
    for one in found:
        last = "-" if one.last is None else f"{one.last.status or one.last.error} in {one.last.took_ms} ms"
        due = f"{one.due_at:%Y-%m-%d %H:%M:%S}" if one.due_at else "-"
        table.add_row(one.event, one.type, one.case or "-", one.state, str(one.attempts), last, due)
    print_listing(table)


def run_test(name: str, *, data: Path | None, database: str | None, as_json: bool) -> None:
    async def work(connection: Connection) -> Sent:
        row, now = await webhooks.stored(connection, name), utc_now()
        async with Sender(allow_private=private_allowed()) as sender:
            return await send(sender, row, trial(name, now), now)

    sent = _run(data, database, work)
    said = sent.answer.decode("utf-8", "replace")
    if as_json:
        _print({"status": sent.status, "error": sent.error, "took_ms": sent.took_ms, "answer": said})
    elif sent.arrived:
        answer.print(f"Arrived: {sent.status} in {sent.took_ms} ms.", markup=False)
    else:
        why = sent.error or f"answered by {sent.status}"
        chatter.print(f"evenhand: the test event did not arrive: {why}", markup=False, soft_wrap=True)
    if not sent.arrived:
        raise typer.Exit(1)


def run_rotate(name: str, hours: int, *, data: Path | None, database: str | None, as_json: bool) -> None:
    async def work(connection: Connection) -> Webhook:
        return await webhooks.rotate(connection, name, Rotation(hours), utc_now())

    changed = _run(data, database, work)
    if as_json:
        _print(changed)
        return
    both = f"Messages are signed by the old secret too until {changed.old_secret_until:%Y-%m-%d %H:%M UTC}."
    answer.print(f"The new secret of webhook {name}, shown only now:", markup=False)
    answer.print(str(changed.secret), markup=False, soft_wrap=True)
    answer.print(both if changed.old_secret_until else "The old one is of no use any more.", markup=False)


def run_resend(name: str, event: int | None, *, data: Path | None, database: str | None, as_json: bool) -> None:
    async def work(connection: Connection) -> int:
        if event is None:
            return await deliveries.resend_dead(connection, name, utc_now())
        await deliveries.resend(connection, name, event, utc_now())
        return 1

    count = _run(data, database, work)
    if as_json:
        _print({"resent": count})
        return
    answer.print(f"{count:,} to be sent again by the server.", markup=False)


def run_enable(
    name: str, by: str | None, *, enabled: bool, data: Path | None, database: str | None, as_json: bool
) -> None:
    async def work(connection: Connection) -> Webhook:
        return await webhooks.change(connection, name, Change(enabled=enabled), [], utc_now(), by=by or user())

    changed = _run(data, database, work)
    if as_json:
        _print(changed)
        return
    answer.print(f"Webhook {name} is {'enabled' if enabled else 'disabled'}; {changed.waiting:,} wait.", markup=False)


def run_delete(name: str, *, data: Path | None, database: str | None) -> None:
    async def work(connection: Connection) -> None:
        await webhooks.delete(connection, name)

    _run(data, database, work)
    answer.print(f"Webhook {name} is gone.", markup=False)


def _run(data: Path | None, database: str | None, work: Callable[[Connection], Awaitable[T]]) -> T:
    async def run() -> T:
        async with open_database(database, data) as store, store.pool.acquire() as connection, connection.transaction():
            return await work(connection)

    return asyncio.run(run())


def _print(value: Any) -> None:
    print(msgspec.json.encode(value).decode())  # noqa: T201
