"""Events for those who come and get them: the log in pages, and as a stream of server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Stream

from evenhand.desk import Desk
from evenhand.errors import BadInput, EvenhandError
from evenhand.events import log
from evenhand.events.cloud import CloudEvent, encoded
from evenhand.events.outbox import give_places
from evenhand.events.types import wanted_types
from evenhand.store import Database
from evenhand.web.problems import Refused
from evenhand.web.taking import transaction

_MOST: Final = 500
_MOST_STREAMS: Final = 100
# How often the log is looked at for a stream, and how often a stream that has nothing to say shows that it is there.
_LOOK_SECONDS: Final = 1.0
_BEAT_SECONDS: Final = 15.0
_RETRY_MS: Final = 2000

After = Annotated[int | None, QueryParameter(ge=0, le=2**63 - 1, description="Only events after the one of this `id`.")]
Types = Annotated[
    str | None,
    QueryParameter(
        max_length=2000, description="Only of these types, with commas: evenhand.ruling.issued,evenhand.case.*"
    ),
]
OfMarket = Annotated[str | None, QueryParameter(description="Only of this market.")]


class EventPage(msgspec.Struct, frozen=True):
    """Some events, the oldest first."""

    events: list[CloudEvent]
    # address of what comes after, now or later
    next: str
    # whether there is more to read right now; a page may hold fewer events than asked for, or none, although there is
    more: bool


class Streams:
    """The streams of one server."""

    def __init__(self) -> None:
        self.open = 0
        self.ending = asyncio.Event()

    def end(self) -> None:
        """Let all streams end, so that the server can."""
        self.ending.set()


def routes(desk: Desk, database: Database, streams: Streams) -> list[HTTPRouteHandler]:
    """The handlers of the log."""

    async def read(after: int | None, limit: int, types: Sequence[str], only: Sequence[int] | None) -> log.Page:
        async with transaction(database) as connection:
            await give_places(connection)
        async with transaction(database) as connection:
            if after is None:
                after = (await log.bounds(connection)).forgotten
            try:
                return await log.read(connection, after, limit, types=types, only=only)
            except log.Gone as error:
                raise Refused("gone", str(error), field="after") from None

    @get("/v1/events", summary="Events", tags=["events"])
    async def events(
        after: After = None,
        types: Types = None,
        market: OfMarket = None,
        limit: Annotated[int, QueryParameter(ge=1, le=_MOST, description="How many at most.")] = 100,
    ) -> EventPage:
        """What happened, as CloudEvents, in an order that never changes; from the oldest that is kept unless told. Following
        `next`, now and later, misses nothing and repeats nothing."""
        kept, only = _choice(desk, types, market)
        page = await read(after, limit, kept, only)
        asked: dict[str, Any] = {"types": types, "market": market, "limit": limit, "after": page.reached}
        there = "/v1/events?" + urlencode({name: value for name, value in asked.items() if value is not None})
        return EventPage([one.event for one in page.events], there, page.more)

    @get("/v1/events/stream", summary="Events as they happen", tags=["events"], media_type="text/event-stream")
    async def stream(
        request: "Request[Any, Any, Any]", after: After = None, types: Types = None, market: OfMarket = None
    ) -> Stream:
        """Server-sent events; each has the event's `id` and type, and a CloudEvent as data. It begins with what happens from now
        on, or after `Last-Event-ID` (a browser sends it by itself when it comes back) or `after`."""
        kept, only = _choice(desk, types, market)
        start = _last_seen(request, after)
        if start is None:
            async with transaction(database) as connection:
                await give_places(connection)
                start = (await log.bounds(connection)).last
        if streams.open >= _MOST_STREAMS:
            raise Refused("busy", f"{_MOST_STREAMS} streams are open already")
        # what is wrong with the place is answered by a problem; once a stream has begun it can only end
        first = await read(start, _MOST, kept, only)

        async def told() -> AsyncGenerator[bytes]:
            streams.open += 1
            try:
                yield b"retry: %d\n\n" % _RETRY_MS
                page, quiet = first, 0.0
                while not streams.ending.is_set():
                    for one in page.events:
                        yield _written(one.event)
                    quiet = 0.0 if page.events else quiet + _LOOK_SECONDS
                    if not page.more:
                        with suppress(TimeoutError):
                            await asyncio.wait_for(streams.ending.wait(), _LOOK_SECONDS)
                    if quiet >= _BEAT_SECONDS:
                        # nothing to dispatch, yet whoever comes back goes on from here
                        yield b": still here\nid: %d\n\n" % page.reached
                        quiet = 0.0
                    page = await read(page.reached, _MOST, kept, only)
            except EvenhandError:
                return  # the database is away: whoever listens comes back
            finally:
                streams.open -= 1

        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return Stream(told(), media_type="text/event-stream", headers=headers)

    return [events, stream]


def _choice(desk: Desk, types: str | None, market: str | None) -> tuple[list[str], list[int] | None]:
    """Which events are wanted; raises `BadInput` naming the parameter."""
    kept = wanted_types([one for one in (types or "").split(",") if one.strip()])
    if market is None:
        return kept, None
    if market not in desk.markets:
        raise BadInput(f"there is no market {market[:120]!r}", field="market")
    return kept, [desk.markets[market].number]


def _last_seen(request: "Request[Any, Any, Any]", after: int | None) -> int | None:
    header = request.headers.get("last-event-id")
    if not header:
        return after
    if not (header.isascii() and header.isdigit() and len(header) <= 18):
        raise BadInput(f"{header[:40]!r} is no id of an event", field="Last-Event-ID")
    return int(header)


def _written(event: CloudEvent) -> bytes:
    """JSON holds no line breaks, so it is one line of data."""
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (event.id.encode(), event.type.encode(), encoded(event))
