"""Cases in the store: the row that says where a case stands, and the events that brought it there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from evenhand.accounts.state import Connection
from evenhand.cases.model import Case, Event, Said
from evenhand.cases.settings import DEFAULT, Settings, read
from evenhand.store import Queries

_sql: Final = Queries.load("cases")
_json: Final = msgspec.json.Encoder()
_case: Final = msgspec.json.Decoder(Case)
_said: Final = msgspec.json.Decoder(Said)

# The columns of a case's row when it is opened with its ruling.
COLUMNS: Final = ("no", "market", "state", "due_at", "first_due", "wanted_by", "stake")


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
    await connection.execute(_sql.append, no, *[list(column) for column in zip(*rows, strict=True)])


async def save(connection: Connection, no: int, case: Case) -> None:
    stands = _json.encode(case).decode()
    await connection.execute(
        _sql.save_file, no, case.state, case.version, case.due, case.wanted_by, case.holder, stands
    )


async def read_settings(connection: Connection) -> dict[int, Settings]:
    """How markets handle their cases, by market number; only those that have set anything."""
    return {row["market"]: read(row["settings"]) for row in await connection.fetch(_sql.settings)}


async def settings_of(connection: Connection, market: int) -> tuple[Settings, str | None, datetime | None]:
    """A market's settings, with who set them and when."""
    row = await connection.fetchrow(_sql.settings_of, market)
    return (read(row["settings"]), row["set_by"], row["set_at"]) if row else (DEFAULT, None, None)


async def set_settings(connection: Connection, market: int, settings: Settings, by: str, now: datetime) -> None:
    await connection.execute(_sql.set_settings, market, _json.encode(settings).decode(), by, now)
