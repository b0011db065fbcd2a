"""Cases in the store: the row that says where a case stands, and the events that brought it there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from evenhand.accounts.state import Connection
from evenhand.cases.model import Case, Event, Said
from evenhand.cases.settings import DEFAULT, Settings, read
from evenhand.cases.wording import BODY, DIGEST, Wording, kept
from evenhand.store import Queries

sql: Final = Queries.load("cases")
_json: Final = msgspec.json.Encoder()
_case: Final = msgspec.json.Decoder(Case)
_said: Final = msgspec.json.Decoder(Said)

# The columns of a case's row when it is opened with its ruling.
COLUMNS: Final = ("no", "market", "state", "due_at", "first_due", "wanted_by", "stake")


class InboxCase(msgspec.Struct, frozen=True):
    """A case that waits for a person, in short."""

    case: str
    market: str
    # the application's id, as sent
    id: str
    state: str
    # by when a ruling is wanted, and until when it is held, by whom
    wanted_by: datetime | None
    held_until: datetime | None
    holder: str | None
    # what is at stake, minor units
    stake: int
    currency: str
    remedy: str
    reason: str
    applied_at: datetime
    version: int
    # it was appealed; a ruling is proposed and waits for a second person; an inspection is under way; a panel votes
    appealed: bool
    proposed: bool
    inspection: bool
    panel: bool


def event_of(row: Any) -> Event:
    """An event as stored."""
    return Event(row["no"], row["at"], row["action"], row["role"], row["who"], row["state"], _said.decode(row["said"]))


def case_of(stands: str | None) -> Case | None:
    """A case as stored; None when nothing has happened in it since its ruling."""
    return _case.decode(stands) if stands else None


async def append(connection: Connection, no: int, events: Sequence[Event], key: str | None, digest: bytes) -> None:
    """Append what happened; the first event carries the client's key."""
    rows = [
        (
            one.no, one.at, one.action, one.role, one.who, one.state, _json.encode(one.said).decode(),
            key if place == 0 else None, digest if place == 0 and key else None,
        )
        for place, one in enumerate(events)
    ]  # fmt: skip
    await connection.execute(sql.append, no, *[list(column) for column in zip(*rows, strict=True)])


async def save(connection: Connection, no: int, case: Case) -> None:
    stands = _json.encode(case).decode()
    await connection.execute(sql.save_file, no, case.state, case.version, case.due, case.wanted_by, case.holder, stands)


async def read_settings(connection: Connection) -> dict[int, Settings]:
    """How markets handle their cases, by market number; only those that have set anything."""
    return {row["market"]: read(row["settings"]) for row in await connection.fetch(sql.settings)}


class KeptSettings(NamedTuple):
    """A market's settings, with who set them and when, and how often they were set."""

    settings: Settings
    set_by: str | None
    set_at: datetime | None
    version: int


async def settings_of(connection: Connection, market: int) -> KeptSettings:
    """A market's settings as they are now."""
    row = await connection.fetchrow(sql.settings_of, market)
    if row is None:
        return KeptSettings(DEFAULT, None, None, 0)
    return KeptSettings(read(row["settings"]), row["set_by"], row["set_at"], row["version"])


async def as_of(connection: Connection, market: int, moment: datetime) -> tuple[Settings, Wording]:
    """How a market handled its cases, and what statements were worded in, at a moment."""
    row = await connection.fetchrow(sql.as_of, market, moment)
    assert row is not None
    return read(row["settings"]), kept(row["wording"])


async def keep_wording(connection: Connection, now: datetime) -> None:
    """Let what is ruled from now on be told in this software's words, also when newer software is asked."""
    await connection.execute(sql.keep_wording, DIGEST, BODY, now)


async def set_settings(connection: Connection, market: int, settings: Settings, by: str, now: datetime) -> None:
    await connection.execute(sql.set_settings, market, _json.encode(settings).decode(), by, now)


async def events_of(connection: Connection, no: int, after: int, limit: int) -> list[Event]:
    """What happened in a case after an event, in order."""
    return [event_of(row) for row in await connection.fetch(sql.events, no, after, limit)]


async def newest_events(connection: Connection, no: int, before: int, limit: int) -> list[Event]:
    """The last things that happened in a case before an event, in order."""
    return [event_of(row) for row in reversed(await connection.fetch(sql.newest_events, no, before, limit))]


async def waiting(connection: Connection, markets: Sequence[int], now: datetime) -> tuple[int, int, int]:
    """How many cases wait for a person, are late, are held."""
    row = await connection.fetchrow(sql.waiting, markets, now)
    assert row is not None
    return row["waiting"], row["late"], row["held"]


async def inbox(
    connection: Connection, markets: Sequence[int], holder: str | None, limit: int, offset: int = 0
) -> list[InboxCase]:
    """Cases that wait for a person: by when they are wanted, then by what is at stake."""
    return [_waiting(row) for row in await connection.fetch(sql.inbox, markets, holder, limit, offset)]


def _waiting(row: Any) -> InboxCase:
    case = case_of(row["stands"])
    return InboxCase(
        case=str(row["no"]),
        market=row["market"],
        id=row["id"],
        state=row["state"],
        wanted_by=row["wanted_by"],
        held_until=row["due_at"],
        holder=row["holder"],
        stake=row["stake"],
        currency=row["currency"],
        remedy=row["remedy"],
        reason=row["reason"],
        applied_at=row["applied_at"],
        version=row["version"],
        appealed=case is not None and bool(case.appealed),
        proposed=case is not None and case.draft is not None,
        inspection=case is not None and case.inspection == "ordered",
        panel=case is not None and case.panel,
    )
