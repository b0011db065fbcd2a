"""When what did not get through is sent again: soon at first, then ever more rarely, for three days in all."""

from datetime import timedelta
from typing import Final
from zlib import crc32

# How long after each failure; the last one is three days after the first sending.
WAITS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=20),
)
# A receiver may ask for more time (`Retry-After`), up to this much.
_MOST_ASKED: Final = timedelta(hours=1)
# What would come at once is spread over so much more of the wait.
_SPREAD: Final = 0.05


def wait_after(failures: int, delivery: int, asked: timedelta | None = None) -> timedelta | None:
    """How long to wait after so many failures of a delivery; None when it is given up.

    Deliveries that failed together are spread a little, each by an amount of its own, so that they do not come back together.
    """
    if failures > len(WAITS):
        return None
    wait = WAITS[failures - 1]
    spread = crc32(b"%d.%d" % (delivery, failures)) / 2**32 * _SPREAD
    wait += wait * spread
    return max(wait, min(asked, _MOST_ASKED)) if asked else wait
