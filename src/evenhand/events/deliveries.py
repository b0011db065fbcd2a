"""Deliveries in the store: events on their way to webhooks, and what came of every sending.

An event that a webhook wants becomes a row that waits. A sender takes rows that are due, and each is due again after a while
unless it says by then what became of it: what a killed sender held is sent again. Rows of one case are taken one after another.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args

import msgspec

from evenhand.errors import BadInput, UnknownThing
from evenhand.events import log, webhooks
from evenhand.events.cloud import PREFIX
from evenhand.events.outbox import Connection
from evenhand.events.schedule import wait_after
from evenhand.events.sender import LIMIT_SECONDS, Sent
from evenhand.events.types import is_wanted
from evenhand.store import Queries

_sql: Final = Queries.load("webhooks")
State = Literal["waiting", "delivered", "dead"]
STATES: Final[tuple[str, ...]] = get_args(State)
# A sender that has not said anything for so long is taken for dead.
LEASE: Final = timedelta(seconds=LIMIT_SECONDS + 5)
# At most so many wait for one webhook; the others stay in the log until then.
_MOST_WAITING: Final = 10_000
_AT_ONCE: Final = 500
# A webhook through which nothing has got for so long is disabled.
GIVE_UP_AFTER: Final = timedelta(days=5)
_GONE: Final = 410


class Attempt(msgspec.Struct, frozen=True):
    """One sending, and what came back."""

    no: int
    at: datetime
    # of the answer; null when there was none, and then `error` says why
    status: int | None
    error: str | None
    took_ms: int
    # its first 1,000 bytes, as text
    answer: str


class Delivery(msgspec.Struct, frozen=True):
    """An event on its way to a webhook, or there."""

    # of the event
    event: str
    type: str
    case: str | None
    state: State
    attempts: int
    # when it is sent next, while it waits
    due_at: datetime | None
    made_at: datetime
    ended_at: datetime | None
    # the last sending
    last: Attempt | None


class Taken(msgspec.Struct, frozen=True):
    """A delivery that somebody is about to send."""

    no: int
    row: int
    position: int
    # which sending this is, and how many there were before somebody had it sent again by hand
    attempt: int
    resent_at: int


async def fill(connection: Connection, webhook: Any, now: datetime) -> int:
    """Let a webhook look on in the log; returns how many deliveries were made."""
    async with connection.transaction():
        reached: int | None = await connection.fetchval(_sql.lock_to_fill, webhook["no"])
        waiting = await connection.fetchval(_sql.waiting, webhook["no"]) or 0
        if reached is None or waiting >= _MOST_WAITING:
            return 0
        only = None
        if webhook["markets"]:
            ids = await log.market_ids(connection)
            only = [number for number, name in ids.items() if name in webhook["markets"]]
        try:
            page = await log.read(connection, reached, _AT_ONCE, types=webhook["types"], only=only)
        except log.Gone:
            # disabled for so long that the log was not kept for it
            page = log.Page([], (await log.bounds(connection)).forgotten, more=True)
        wanted = [one for one in page.events if is_wanted(webhook["types"], one.type)]
        if wanted:
            rows = [(one.row, one.position, one.type, one.case_no) for one in wanted]
            columns = [list(column) for column in zip(*rows, strict=True)]
            await connection.execute(_sql.fill, webhook["no"], *columns, now)
        if page.reached != reached:
            await connection.execute(_sql.reach, webhook["no"], page.reached)
        return len(wanted)


async def take(connection: Connection, webhook: int, limit: int, now: datetime) -> list[Taken]:
    """Take deliveries that are due."""
    rows = await connection.fetch(_sql.take, webhook, now, now + LEASE, limit)
    taken = [Taken(row["no"], row["outbox"], row["position"], row["attempts"], row["resent_at"]) for row in rows]
    return sorted(taken, key=lambda one: one.position)


async def settle(connection: Connection, taken: Taken, sent: Sent, now: datetime) -> None:
    """Write down what became of a sending, inside the caller's transaction."""
    wait = None if sent.arrived else wait_after(taken.attempt - taken.resent_at, taken.no, sent.retry_after)
    state: State = "delivered" if sent.arrived else "dead" if wait is None else "waiting"
    due = now if wait is None else now + wait
    webhook = await connection.fetchval(
        _sql.end, taken.no, taken.attempt, state, due, None if state == "waiting" else now
    )
    if webhook is None:
        return
    await connection.execute(
        _sql.attempt, taken.no, taken.attempt, now, sent.status, sent.error, sent.took_ms, sent.answer
    )
    if sent.arrived:
        await connection.execute(_sql.arrived, webhook)
        return
    since = await connection.fetchval(_sql.failed, webhook, now) or now
    if sent.status == _GONE:
        await webhooks.disable(connection, webhook, now, "the receiver answered 410 Gone")
    elif now - since >= GIVE_UP_AFTER:
        await webhooks.disable(connection, webhook, now, f"nothing has got through for {GIVE_UP_AFTER.days} days")


async def deliveries(
    connection: Connection, name: str, *, state: str | None = None, before: int | None = None, limit: int = 50
) -> list[Delivery]:
    """Deliveries to a webhook, the latest event first. Raises `UnknownThing` for the webhook, `BadInput` for the state."""
    if state is not None and state not in STATES:
        raise BadInput(f"a delivery is {', '.join(STATES)}", field="state")
    row = await webhooks.stored(connection, name)
    return [_shown(one) for one in await connection.fetch(_sql.deliveries, row["no"], state, before, limit)]


async def attempts(connection: Connection, name: str, position: int) -> list[Attempt]:
    """Every sending of an event to a webhook; raises `UnknownThing` when there was none."""
    row = await webhooks.stored(connection, name)
    found = await connection.fetch(_sql.attempts, row["no"], position)
    if not found:
        raise UnknownThing(f"event {position} was not sent to webhook {name}", field="event")
    return [_attempt(one, one["at"]) for one in found]


async def resend(connection: Connection, name: str, position: int, now: datetime) -> None:
    """Send an event again, whatever became of it; raises `UnknownThing` when it was never on its way there."""
    row = await webhooks.stored(connection, name)
    if await connection.fetchval(_sql.resend, row["no"], position, now) is None:
        raise UnknownThing(f"event {position} is no delivery to webhook {name}", field="event")


async def resend_dead(connection: Connection, name: str, now: datetime) -> int:
    """Send all dead letters of a webhook again; returns how many."""
    row = await webhooks.stored(connection, name)
    done: str = await connection.execute(_sql.resend_dead, row["no"], now)
    return int(done.rsplit(" ", 1)[-1])


def of_event(events: Sequence[Taken]) -> list[tuple[int, int]]:
    """Where the events of deliveries are in the log."""
    return [(one.row, one.position) for one in events]


def _shown(row: Any) -> Delivery:
    return Delivery(
        str(row["position"]),
        PREFIX + row["type"],
        None if row["case_no"] is None else str(row["case_no"]),
        row["state"],
        row["attempts"],
        row["due_at"] if row["state"] == "waiting" else None,
        row["made_at"],
        row["ended_at"],
        None if row["sent_at"] is None else _attempt(row, row["sent_at"], row["attempts"]),
    )


def _attempt(row: Any, at: datetime, number: int | None = None) -> Attempt:
    return Attempt(
        number if number is not None else row["no"],
        at,
        row["status"],
        row["error"],
        row["took_ms"],
        row["answer"].decode("utf-8", "replace").replace("\0", ""),
    )
