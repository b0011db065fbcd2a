"""Learned scores in the store: kept versions, and which one scores a market's applications.

A card is never changed: rulings name it. A market activates one for the applications that come after, and may go back to an
earlier one, or to the documented scorecard.
"""

from datetime import datetime
from typing import Any, Final

import msgspec

from evenhand.accounts.abuse.card import Card, Scorer, scorer
from evenhand.accounts.abuse.document import document
from evenhand.accounts.state import Connection
from evenhand.errors import UnknownThing
from evenhand.naming import person
from evenhand.store import Queries

_sql: Final = Queries.load("abuse")
_publishing: Final = Queries.load("publishing")


class Kept(msgspec.Struct, frozen=True):
    """A kept version."""

    version: str
    hash: str
    stored_by: str
    stored_at: datetime
    # those that use it now
    markets: list[str]


class InUse(msgspec.Struct, frozen=True):
    """A kept version that scores a market's applications."""

    version: str
    activated_by: str
    activated_at: datetime


async def keep(connection: Connection, card: Card, report: Any, *, by: str, now: datetime) -> None:
    """Store a card with the report on it (anything that becomes JSON, or None); the same again is fine."""
    said = None if report is None else msgspec.json.encode(report).decode()
    values = (card.version, card.hash, card.json.decode(), document(card), said, person(by), now)
    await connection.execute(_sql.store, *values)


async def report_on(connection: Connection, version: str) -> str | None:
    """The report that is kept with a card, as JSON; None where there is none."""
    found = await connection.fetchrow(_sql.model, version)
    return found["report"] if found else None


async def activate(connection: Connection, market: str, version: str | None, *, by: str, now: datetime) -> None:
    """Let a kept version score a market's applications from now on; None goes back to the documented scorecard.

    Inside the caller's transaction. Raises `UnknownThing` for a market or a version there is not.
    """
    await connection.execute(_publishing.next_revision)
    place = await connection.fetchrow(_publishing.market, market)
    if place is None:
        raise UnknownThing(f"there is no market {market[:60]!r}", field="market")
    number = None
    if version is not None:
        kept = await connection.fetchrow(_sql.model, version)
        if kept is None:
            raise UnknownThing(f"no learned score {version[:60]!r} is stored here", field="version")
        number = kept["no"]
    await connection.execute(_sql.activate, place["no"], number, person(by), now)


async def kept(connection: Connection) -> list[Kept]:
    """Every kept version, the newest first."""
    return [Kept(*row) for row in await connection.fetch(_sql.models)]


async def read_scorers(connection: Connection) -> dict[int, Scorer]:
    """What scores the applications of each market that uses a learned score, by the market's number."""
    return {row["no"]: scorer(row["card"]) for row in await connection.fetch(_sql.active)}


async def in_use(connection: Connection, market: str) -> InUse | None:
    """The learned score that a market uses, by its id; None where the documented scorecard scores."""
    row = await connection.fetchrow(_sql.in_use, market)
    return InUse(*row) if row else None
