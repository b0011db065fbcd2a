"""Webhooks: where events are sent, which of them, and by which secret they are signed."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, Final

import msgspec

from evenhand.errors import BadInput, Conflict, OutOfDate, UnknownThing
from evenhand.events.outbox import Connection, Event, emit
from evenhand.events.signing import new_secret
from evenhand.events.types import shown_types, wanted_types
from evenhand.store import Queries

_sql: Final = Queries.load("webhooks")
MOST: Final = 100
# How long the secret before a rotation signs too, unless told, and at most.
OVERLAP_HOURS: Final = 24
_MOST_HOURS: Final = 24 * 30

Types = Annotated[list[Annotated[str, msgspec.Meta(max_length=80)]], msgspec.Meta(max_length=50)]
Markets = Annotated[list[Annotated[str, msgspec.Meta(max_length=40)]], msgspec.Meta(max_length=500)]
Note = Annotated[str, msgspec.Meta(max_length=200)]


class NewWebhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A webhook to be: where events are to be sent, and which."""

    # HTTPS, on the public internet
    url: str
    # `evenhand.ruling.issued`, `evenhand.case.*`; none is every one
    types: Types = []
    # ids of markets; none is every one
    markets: Markets = []
    note: Note = ""
    # a name of your own, so that sending the same again does not make a second one
    id: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9_-]{0,39}$")] | None = None


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be different about a webhook; what is left out stays."""

    url: str | None = None
    types: Types | None = None
    markets: Markets | None = None
    note: Note | None = None
    # send to it, or not
    enabled: bool | None = None


class Rotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change of secrets."""

    # how long messages are signed by the old secret too
    overlap_hours: Annotated[int, msgspec.Meta(ge=0, le=_MOST_HOURS)] = OVERLAP_HOURS


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """Where events are sent, and how it goes."""

    id: str
    url: str
    types: list[str]
    markets: list[str]
    note: str
    created_at: datetime
    enabled: bool
    disabled_at: datetime | None
    # why: by whom, or because nothing got through
    disabled_why: str | None
    # since when nothing has got through
    failing_since: datetime | None
    # deliveries that wait, and those that were given up and can be sent again
    waiting: int
    dead: int
    # when the oldest of those that wait began to, and when something last got through
    oldest_waiting: datetime | None
    last_delivered: datetime | None
    # events in the log that were not looked at yet for it
    behind: int
    # until when messages are signed by the secret before too
    old_secret_until: datetime | None
    # how often it was changed: what If-Match takes
    version: int
    # only in the answer to who makes the webhook or rotates the secret
    secret: str | msgspec.UnsetType = msgspec.UNSET


def check(new: NewWebhook | Change, known_markets: Sequence[str]) -> None:
    """What needs no looking up: raises `BadInput` naming what is wrong."""
    _check_text(new.note or "", "note")
    wanted_types(new.types or [])
    _markets(new.markets or [], known_markets)


async def add(
    connection: Connection, new: NewWebhook, known_markets: Sequence[str], now: datetime
) -> tuple[Webhook, bool]:
    """Make a webhook; it gets what happens from now on. Says whether it is new: the same id and choices again change nothing.

    The URL must have been checked. Raises `BadInput` naming what is wrong, `Conflict` where the id has other choices.
    """
    _check_text(new.note, "note")
    types, markets = wanted_types(new.types), _markets(new.markets, known_markets)
    name = new.id or f"wh_{secrets.token_hex(8)}"
    secret = new_secret()
    if (await connection.fetchval(_sql.count) or 0) >= MOST:
        raise Conflict(f"there are {MOST} webhooks already: delete one first")
    if await connection.fetchval(_sql.add, name, new.url, new.note, types, markets, secret, now) is not None:
        return msgspec.structs.replace(await get(connection, name, now), secret=secret), True
    found = await get(connection, name, now)
    if (found.url, found.types, found.markets, found.note) != (new.url, shown_types(types), markets, new.note):
        raise Conflict(f"there is a webhook {name!r} with other settings: change it, or choose another id", field="id")
    return found, False


async def every(connection: Connection, now: datetime) -> list[Webhook]:
    return [_shown(row, now) for row in await connection.fetch(_sql.webhooks, None)]


async def get(connection: Connection, name: str, now: datetime) -> Webhook:
    """The webhook of an id; raises `UnknownThing`."""
    row = await connection.fetchrow(_sql.webhooks, name)
    if row is None:
        raise _unknown(name)
    return _shown(row, now)


async def change(
    connection: Connection,
    name: str,
    wanted: Change,
    known_markets: Sequence[str],
    now: datetime,
    *,
    by: str,
    expected: int | None = None,
) -> Webhook:
    """Change a webhook, inside the caller's transaction; a new URL must have been checked. Raises `OutOfDate` when it is not at
    the `expected` version any more."""
    row = await _lock(connection, name, expected)
    types = row["types"] if wanted.types is None else wanted_types(wanted.types)
    markets = row["markets"] if wanted.markets is None else _markets(wanted.markets, known_markets)
    note = row["note"] if wanted.note is None else wanted.note
    _check_text(note, "note")
    await connection.execute(_sql.change, row["no"], wanted.url or row["url"], note, types, markets)
    if wanted.enabled is True and row["disabled_at"] is not None:
        await connection.execute(_sql.enable, row["no"], now)
    if wanted.enabled is False:
        await disable(connection, row["no"], now, f"by {by}")
    return await get(connection, name, now)


async def disable(connection: Connection, number: int, now: datetime, why: str) -> None:
    """Stop sending to a webhook, and tell of it; one that is disabled stays as it is."""
    name = await connection.fetchval(_sql.disable, number, now, why)
    if name is not None:
        await emit(connection, [Event("webhook.disabled", None, None, now, {"webhook": name, "why": why})])


async def rotate(
    connection: Connection, name: str, wanted: Rotation, now: datetime, *, expected: int | None = None
) -> Webhook:
    """Give a webhook a new secret, which is in the answer; for a while messages are signed by both."""
    row = await _lock(connection, name, expected)
    secret = new_secret()
    await connection.execute(_sql.rotate, row["no"], secret, now + timedelta(hours=wanted.overlap_hours))
    return msgspec.structs.replace(await get(connection, name, now), secret=secret)


async def delete(connection: Connection, name: str, *, expected: int | None = None) -> None:
    """Forget a webhook with everything on its way; raises `UnknownThing`."""
    await _lock(connection, name, expected)
    if await connection.fetchval(_sql.delete, name) is None:
        raise _unknown(name)


def secrets_of(row: Any, now: datetime) -> list[str]:
    """The secrets that sign now, the newest first."""
    if row["old_secret"] is not None and now < row["old_until"]:
        return [row["secret"], row["old_secret"]]
    return [row["secret"]]


def mark_of(secret: str) -> str:
    """What tells a secret from others and does not lead to it."""
    return sha256(secret.encode()).hexdigest()


async def marked(connection: Connection, name: str, mark: str, now: datetime) -> str | None:
    """The secret of that mark, while the webhook's messages are signed by it; None when the webhook is gone or has others."""
    row = await connection.fetchrow(_sql.webhook, name)
    return next((one for one in secrets_of(row, now) if mark_of(one) == mark), None) if row is not None else None


async def stored(connection: Connection, name: str) -> Any:
    """The stored row of a webhook; raises `UnknownThing`."""
    row = await connection.fetchrow(_sql.webhook, name)
    if row is None:
        raise _unknown(name)
    return row


async def _lock(connection: Connection, name: str, expected: int | None) -> Any:
    row = await connection.fetchrow(_sql.lock, name)
    if row is None:
        raise _unknown(name)
    if expected is not None and expected != row["version"]:
        raise OutOfDate(
            f"the webhook is at version {row['version']}, not {expected}: read it again, and decide again",
            field="If-Match",
        )
    return row


def _unknown(name: str) -> UnknownThing:
    return UnknownThing(f"there is no webhook {name[:60]!r}", field="webhook")


def _markets(asked: Sequence[str], known: Sequence[str]) -> list[str]:
    for place, market in enumerate(asked):
        if market not in known:
            raise BadInput(f"there is no market {market!r}", field=f"markets[{place}]")
    return list(dict.fromkeys(asked))


def _check_text(text: str, field: str) -> None:
    if not text.isprintable():
        raise BadInput("holds a character that cannot be printed", field=field)


def _shown(row: Any, now: datetime) -> Webhook:
    overlaps = row["old_until"] is not None and now < row["old_until"]
    return Webhook(
        id=row["id"],
        url=row["url"],
        types=shown_types(row["types"]),
        markets=row["markets"],
        note=row["note"],
        created_at=row["created_at"],
        enabled=row["disabled_at"] is None,
        disabled_at=row["disabled_at"],
        disabled_why=row["disabled_why"],
        failing_since=row["failing_since"],
        waiting=row["waiting"],
        dead=row["dead"],
        oldest_waiting=row["oldest"],
        last_delivered=row["last_at"],
        behind=row["behind"],
        old_secret_until=row["old_until"] if overlaps else None,
        version=row["version"],
    )
