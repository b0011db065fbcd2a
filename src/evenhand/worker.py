"""What a server does beside answering: clocks of cases, and whatever else has a due time, in one background task per job.

A job does one piece of work that is due and says how many it did; it is asked again at once while there is more, and after a
short pause when there is none. What is due lies in the database with its time, is taken with `for update skip locked` and done
in one transaction: any number of servers may work, none of them has to survive.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

_log: Final = logging.getLogger(__name__)
# How long to wait when nothing was due, and after a failure.
_PAUSE_SECONDS: Final = 1.0
_FAILED_SECONDS: Final = 5.0
Job = Callable[[], Awaitable[int]]


class Worker:
    """Runs jobs until it is stopped."""

    def __init__(self, jobs: Sequence[Job], *, pause: float = _PAUSE_SECONDS) -> None:
        self._jobs = jobs
        self._pause = pause
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Worker":
        self._tasks = [asyncio.create_task(self._run(job)) for job in self._jobs]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _run(self, job: Job) -> None:
        while True:
            pause = 0.0
            try:
                if not await job():
                    pause = self._pause
            except Exception:
                _log.exception("a job failed; it is tried again")
                pause = _FAILED_SECONDS
            await asyncio.sleep(pause)
