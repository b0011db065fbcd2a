"""The courier: from the log to the receivers, at least once, in order within a case, several at a time.

    give places -> let webhooks look on -> take what is due -> send -> write down what came of it

A receiver that is slow or away costs the others nothing: each has some sendings at a time of its own.
"""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final

import asyncpg

from evenhand.events import deliveries, log, webhooks
from evenhand.events.cloud import CloudEvent, cloud_event, encoded
from evenhand.events.outbox import give_places
from evenhand.events.sender import Sender, Sent
from evenhand.events.signing import signed_headers
from evenhand.store import Queries

_log: Final = logging.getLogger(__name__)
_sql: Final = Queries.load("webhooks")
_events: Final = Queries.load("events")
# Sendings at a time, to one receiver and in all.
_PER_WEBHOOK: Final = 8
_IN_ALL: Final = 64
# How long the log and what is shown of deliveries are kept.
KEEP_EVENTS: Final = timedelta(days=30)
KEEP_DELIVERED: Final = timedelta(days=7)
_TIDY_EVERY: Final = timedelta(minutes=10)


class Courier:
    """Sends events of one database; any number of them may work on it."""

    def __init__(self, pool: asyncpg.Pool, sender: Sender, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._sender = sender
        self._clock = clock
        self._under_way: dict[asyncio.Task[None], int] = {}
        self._tidied: datetime | None = None

    async def __aenter__(self) -> "Courier":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.finish()

    async def step(self) -> int:
        """Start sending what is due; returns how much there was to do. Waits a moment when all hands are full."""
        async with self._pool.acquire() as connection:
            await give_places(connection)
            started = 0
            for webhook in await connection.fetch(_sql.at_work):
                started += await deliveries.fill(connection, webhook, self._clock())
                started += await self._start(connection, webhook)
        if not started and self._under_way:
            await asyncio.wait(self._under_way, timeout=1, return_when=asyncio.FIRST_COMPLETED)
            return 1
        return started

    async def finish(self) -> None:
        """Wait until what is being sent has ended, which it does within seconds."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def tidy(self) -> int:
        """Delete what has been kept for long enough; returns whether there is more."""
        now = self._clock()
        if self._tidied is not None and timedelta() <= now - self._tidied < _TIDY_EVERY:
            return 0
        deleted: str = await self._pool.execute(_sql.forget_delivered, now - KEEP_DELIVERED)
        forgotten = await self._pool.fetchval(_events.forget, now - KEEP_EVENTS)
        if deleted == "DELETE 0" and forgotten is None:
            self._tidied = now
            return 0
        return 1

    async def _start(self, connection: Any, webhook: Any) -> int:
        number: int = webhook["no"]
        busy = Counter(self._under_way.values())
        free = min(_PER_WEBHOOK - busy[number], _IN_ALL - busy.total())
        if free <= 0:
            return 0
        taken = await deliveries.take(connection, number, free, self._clock())
        if not taken:
            return 0
        events = await log.read_at(connection, deliveries.of_event(taken))
        for one in taken:
            found = events.get(one.position)
            if found is not None:
                task = asyncio.create_task(self._send(webhook, one, found.event))
                self._under_way[task] = number
                task.add_done_callback(lambda done: self._under_way.pop(done, None))
        return len(taken)

    async def _send(self, webhook: Any, taken: deliveries.Taken, event: CloudEvent) -> None:
        try:
            sent = await send(self._sender, webhook, event, self._clock())
            async with self._pool.acquire() as connection, connection.transaction():
                await deliveries.settle(connection, taken, sent, self._clock())
        except Exception:
            # it is due again when its time is up
            _log.exception("what became of event %s at webhook %s could not be written down", event.id, webhook["id"])


async def send(sender: Sender, webhook: Any, event: CloudEvent, now: datetime) -> Sent:
    """Send one event to a webhook (its stored row), signed."""
    body = encoded(event)
    return await sender.send(
        webhook["url"], signed_headers(webhooks.secrets_of(webhook, now), event.id, now, body), body
    )


def trial(name: str, now: datetime) -> CloudEvent:
    """An event that only says that events arrive; it is in no log, and its id is of no place there."""
    return cloud_event(f"test_{secrets.token_hex(8)}", "webhook.test", None, None, now, {"webhook": name})
