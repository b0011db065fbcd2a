"""The log of events, read by place: what comes after a place, of some types and markets.

A row of the outbox is one event, or all the rulings of one booking; those are made here, from what was booked.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from evenhand.errors import EvenhandError
from evenhand.events.cloud import CloudEvent, cloud_event
from evenhand.events.outbox import Connection
from evenhand.events.types import like
from evenhand.store import Queries

_sql: Final = Queries.load("events")
RULED: Final = "ruling.issued"


class Gone(EvenhandError):
    """What came after the place asked for was deleted, because it was too old."""


class Logged(NamedTuple):
    """An event in the log."""

    position: int
    # its row in the outbox
    row: int
    type: str
    case_no: int | None
    event: CloudEvent


class Page(NamedTuple):
    """Some events, in order."""

    events: list[Logged]
    # where to read on: nothing up to here is wanted that is not in the page
    reached: int
    # whether there is more to look at
    more: bool


class Bounds(NamedTuple):
    """What the log holds: places after `forgotten`, up to `last`."""

    last: int
    forgotten: int


async def bounds(connection: Connection) -> Bounds:
    row = await connection.fetchrow(_sql.bounds)
    assert row is not None
    return Bounds(row["last"], row["forgotten"])


async def read(
    connection: Connection,
    after: int,
    limit: int,
    *,
    types: Sequence[str] = (),
    only: Sequence[int] | None = None,
) -> Page:
    """At most `limit` events after a place, of these types and of the markets of these numbers; none named means every one.

    Raises `Gone` when events after that place have been deleted. To see everything that is committed, `give_places` first.
    """
    last, forgotten = await bounds(connection)
    if after < forgotten:
        raise Gone(f"events up to {forgotten} are not kept any more: read on after {forgotten}, or without `after`")
    found: int | None = await connection.fetchval(_sql.reach, after)
    if found is None:
        return Page([], max(after, last), more=False)
    reached = found
    rows = await connection.fetch(_sql.page, after, reached, like(types), only, limit)
    parts: list[Part] = []
    left = limit
    for row in rows:
        part = Part(row, max(after - (row["position"] - row["span"]), 0), left)
        parts.append(part)
        left -= part.take
        if not left:
            reached = part.last
            break
    events = await _events(connection, parts, await market_ids(connection), only)
    return Page(events, reached, more=reached < last)


async def read_at(connection: Connection, places: Sequence[tuple[int, int]]) -> dict[int, Logged]:
    """The events at places, each given as (row of the outbox, place); those that are not kept any more are left out."""
    columns = [list(column) for column in zip(*places, strict=True)]
    rows = await connection.fetch(_sql.at, *columns)
    parts = [Part(row, row["asked"] - row["position"] + row["span"] - 1, 1) for row in rows]
    return {one.position: one for one in await _events(connection, parts, await market_ids(connection), None)}


async def market_ids(connection: Connection) -> dict[int, str]:
    return {row["no"]: row["id"] for row in await connection.fetch(_sql.market_ids)}


class Part:
    """Some of the events that a row of the outbox stands for."""

    def __init__(self, row: Any, skip: int, most: int) -> None:
        self.row = row
        # the place before the row's first
        self.before: int = row["position"] - row["span"]
        self.skip = skip
        self.take = min(row["span"] - skip, most)
        self.last = self.before + skip + self.take


async def _events(
    connection: Connection, parts: Sequence[Part], ids: Mapping[int, str], only: Sequence[int] | None
) -> list[Logged]:
    events: list[Logged] = []
    bookings = [part for part in parts if part.row["batch"] is not None]
    for part in parts:
        row = part.row
        if row["batch"] is None:
            market = ids.get(row["market"]) if row["market"] else None
            said = msgspec.json.decode(row["data"])
            event = cloud_event(str(part.last), row["type"], market, row["case_no"], row["at"], said)
            events.append(Logged(part.last, row["no"], row["type"], row["case_no"], event))
    if bookings:
        rows = [(p.row["batch"], p.row["first_case"], p.row["last_case"], p.before, p.skip, p.take) for p in bookings]
        numbers = {part.row["batch"]: part.row["no"] for part in bookings}
        rulings = await connection.fetch(_sql.rulings, *[list(column) for column in zip(*rows, strict=True)])
        events += [_ruling(one, numbers[one["batch"]]) for one in rulings if only is None or one["market_no"] in only]
    return sorted(events, key=lambda one: one.position)


def _ruling(row: Any, number: int) -> Logged:
    """`ruling.issued`, from the application as it was booked."""
    said = {
        "case": str(row["case_no"]),
        "application": row["id"],
        "order": row["order_id"],
        "line": row["line"],
        "buyer": row["buyer"],
        "merchant": row["merchant"],
        "remedy": row["remedy"],
        "stage": row["stage"],
        "reason": row["reason"],
        "applied_at": row["applied_at"],
        "asked": row["asked"],
        "outcome": row["outcome"],
        "payer": row["payer"],
        "return_required": row["return_required"],
        "amount": row["amount"],
        "currency": row["currency"],
        "respond_within_hours": row["respond_within_hours"],
        "policy": row["policy"],
        "version": row["version"],
        "rule": row["rule"],
        "because": {"en": row["because_en"], "zh": row["because_zh"]},
    }
    event = cloud_event(str(row["position"]), RULED, row["market"], row["case_no"], row["booked_at"], said)
    return Logged(row["position"], number, RULED, row["case_no"], event)
