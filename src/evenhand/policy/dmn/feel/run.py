"""One evaluation: the work it may do, and the moment it was told."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from typing import Final

from evenhand.policy.dmn.feel.errors import LimitReached

MAX_STEPS: Final = 5_000_000
MAX_CALLS: Final = 500
MAX_TEXT: Final = 1_000_000
# frames for MAX_CALLS calls of expressions of ordinary depth; what needs more meets RecursionError, and is told so
_FRAMES: Final = 12_000


class Run:
    """Counts the work of one evaluation; every loop, call and bulk operation charges it."""

    __slots__ = ("depth", "now", "steps")

    def __init__(self, now: datetime | None = None) -> None:
        self.steps = 0
        self.depth = 0
        # what `now()` and `today()` answer; the core has no clock of its own
        self.now = now

    def charge(self, steps: int = 1) -> None:
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise LimitReached(f"the evaluation takes more than {MAX_STEPS:,} steps")

    def enter(self) -> None:
        self.charge()
        self.depth += 1
        if self.depth > MAX_CALLS:
            raise LimitReached(
                f"functions call one another more than {MAX_CALLS} deep; is there a recursion without end?"
            )

    def leave(self) -> None:
        self.depth -= 1


_lock: Final = Lock()
_active = 0
_before = 0


@contextmanager
def deep_stack() -> Generator[None]:
    """Let Python recurse as deep as FEEL may, while any evaluation is under way (in any thread)."""
    global _active, _before  # noqa: PLW0603 (the recursion limit is itself one number of the process)
    with _lock:
        if _active == 0:
            _before = sys.getrecursionlimit()
            sys.setrecursionlimit(max(_before, _FRAMES))
        _active += 1
    try:
        yield
    except RecursionError as error:
        raise LimitReached("the expression or a value in it is nested too deeply") from error
    finally:
        with _lock:
            _active -= 1
            if _active == 0:
                sys.setrecursionlimit(_before)
