"""Batches form while the one before is at work: a single request joins, and waits for company a few milliseconds at most.

What is submitted stays together and keeps its order. One item that makes a whole batch fail unexpectedly fails alone: the batch
is halved until it is found.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Final, Generic, TypeVar

from evenhand.errors import EvenhandError, StoreError

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Entry = tuple[Sequence[Item], asyncio.Future[list[Answer | EvenhandError]]]

_log: Final = logging.getLogger(__name__)
# One transaction writes so many items; larger submissions are booked in parts.
LARGEST: Final = 500
# How long a batch may take before its items are answered "not now".
_PATIENCE_SECONDS: Final = 30


class Busy(Exception):
    """More is waiting than is taken on."""


class Batcher(Generic[Item, Answer]):
    """Collects items and works on them in batches.

    `work` answers a batch item by item; `in_flight` batches may be at work at once, and `full` more that are as large as a batch
    may be (small ones had better wait and grow); `waiting` items may stand in the queue; `linger` is how long (seconds) the first
    item waits for others; `observe` is told size and seconds of every batch.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | EvenhandError]]],
        *,
        in_flight: int = 1,
        full: int = 0,
        waiting: int = 50_000,
        linger: float = 0.0,
        observe: Callable[[int, float], None] = lambda size, seconds: None,
    ) -> None:
        self._work = work
        self._in_flight = in_flight
        self._full = full
        self._limit = waiting
        self._linger = linger
        self._observe = observe
        self._queue: deque[Entry[Item, Answer]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._called = False
        # items in the queue
        self.waiting = 0

    async def submit(self, items: Sequence[Item]) -> list[Answer | EvenhandError]:
        """Answers for the items, in order; raises `Busy`, and has done nothing then, when the queue is full."""
        if self.waiting + len(items) > self._limit:
            raise Busy
        loop = asyncio.get_running_loop()
        parts = [items] if len(items) <= LARGEST else [items[at : at + LARGEST] for at in range(0, len(items), LARGEST)]
        answers: list[asyncio.Future[list[Answer | EvenhandError]]] = []
        for part in parts:
            future: asyncio.Future[list[Answer | EvenhandError]] = loop.create_future()
            self._queue.append((part, future))
            answers.append(future)
        self.waiting += len(items)
        if not self._called and self._may_begin():
            self._called = True
            loop.call_later(self._linger, self._begin)
        if len(answers) == 1:
            return await answers[0]
        return [answer for future in answers for answer in await future]

    async def drain(self) -> None:
        """Wait until everything submitted is answered."""
        while self._running or self._queue:
            await asyncio.gather(*self._running)
            await asyncio.sleep(0)

    def _may_begin(self) -> bool:
        places = self._in_flight + (self._full if self.waiting >= LARGEST else 0)
        return len(self._running) < places

    def _begin(self) -> None:
        self._called = False
        while self._queue and self._may_begin():
            entries: list[Entry[Item, Answer]] = []
            size = 0
            while self._queue and (not entries or size + len(self._queue[0][0]) <= LARGEST):
                entry = self._queue.popleft()
                entries.append(entry)
                size += len(entry[0])
            self.waiting -= size
            task = asyncio.create_task(self._run(entries))
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._begin()

    async def _run(self, entries: list[Entry[Item, Answer]]) -> None:
        items = [item for part, _ in entries for item in part]
        started = perf_counter()
        answers = await self._answers(items)
        self._observe(len(items), perf_counter() - started)
        at = 0
        for part, future in entries:
            # whoever asked may have gone
            if not future.done():
                future.set_result(answers[at : at + len(part)])
            at += len(part)

    async def _answers(self, items: Sequence[Item]) -> list[Answer | EvenhandError]:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return list(await self._work(items))
        except TimeoutError:
            return [StoreError(f"the batch was not done within {_PATIENCE_SECONDS} s")] * len(items)
        except EvenhandError as error:
            _log.warning("a batch of %d failed: %s", len(items), error)
            return [error] * len(items)
        except Exception as error:
            if len(items) == 1:
                _log.exception("an item failed")
                return [EvenhandError(f"unexpected: {error!r}")]
            half = len(items) // 2
            return [*await self._answers(items[:half]), *await self._answers(items[half:])]
