"""Tiles as they were stored before kinds of events had runs of their own: one tile of all counters per day.

    first_day | day t1 t2 ... tk | day t1 t2 ... tk | ...

They are read into runs, and stored as such when the account is next written.
"""

from array import array
from collections.abc import Mapping, Sequence
from typing import Final

from evenhand.history.tiles import SHIFT, joined

_COUNTERS: Final = {
    "buyer": ("orders", "applications", "refund_only", "counterfeit_claims", "declined"),
    "merchant": (
        "orders", "deliveries", "late_deliveries", "reviews", "review_points", "disputes", "disputes_lost",
    ),
}  # fmt: skip


def is_dense(words: "array[int]") -> bool:
    """Whether tiles were stored that way: their first word is a day and nothing else."""
    return words[0] >> SHIFT == 0


def runs_of(
    words: "array[int]", owner: str, run_of: Mapping[str, int], column_of: Mapping[str, int], steps: Sequence[int]
) -> "array[int]":
    """Read them; counters that did not exist begin at 0."""
    names = _COUNTERS[owner]
    runs = [array("I") for _ in steps]
    for place in range(1, len(words), len(names) + 1):
        for number, (run, step) in enumerate(zip(runs, steps, strict=True)):
            tile = array("I", [words[place], *[0] * (step - 1)])
            for offset, name in enumerate(names, start=1):
                if run_of[name] == number:
                    tile[column_of[name]] = words[place + offset]
            if tile[1:] != (run[-step + 1 :] if run else array("I", [0] * (step - 1))):
                run.extend(tile)
    return joined(words[0], runs, steps)
