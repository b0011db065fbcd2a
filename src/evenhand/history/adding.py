"""Adding an event to an account's tiles: a plan, written as Python source.

It is done twice for every ruling, so it is unrolled: for each run, find the tile of the day, then one line per counter. Nearly
always that tile is the newest; what comes late is added to the totals after it too.
"""

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from evenhand.history import tiles as day_tiles

Fields = Mapping[str, str | int]
# tiles of an account, the day of the event, its fields, and 1 or, to take it back, -1
Adder = Callable[["array[int]", int, Fields, int], None]


class Column(NamedTuple):
    """Where a measure is kept, and what an event adds to it."""

    at: int
    adds: str
    # two words
    wide: bool
    # column of the measure whose days are counted; 0 where events are
    days_of: int


class Added(NamedTuple):
    """What an event adds to in one run."""

    run: int
    # words per tile
    step: int
    # columns that count days, each with the column whose days they count; columns that count events; columns that sum
    days: list[tuple[int, int]]
    once: list[int]
    sums: list[Column]


# Days are told from the count before it is added to.
_RUN: Final = """
    start = {start}
    end = tiles[{head}] & {low}
    place = end - {step}
    if place < start or tiles[place] != day:
        place = place_for(tiles, {run}, {step}, day)
        end = tiles[{head}] & {low}
    if place:
        after = place + {step}
{days}
        if after == end:
            {newest}
        else:
            {late}
"""
_DAY: Final = """\
        if tiles[place + {of}] == (tiles[place - {step} + {of}] if place > start else 0):
            add(tiles, end, {step}, place + {at}, 1)"""


def compile_adder(plan: Sequence[Added]) -> Adder:
    """A function that adds an event as planned."""
    runs = [
        _RUN.format(
            start=f"tiles[{1 + run}] & {day_tiles.LOW}" if run else "2 + tiles[1]",
            head=2 + run,
            low=day_tiles.LOW,
            step=step,
            run=run,
            days="\n".join(_DAY.format(of=of, at=at, step=step) for at, of in days),
            newest="\n            ".join([*map(_count, once), *map(_sum, sums)]) or "pass",
            late="\n            ".join([*(_late(at, step) for at in once), *(_late_sum(one, step) for one in sums)])
            or "pass",
        )
        for run, step, days, once, sums in plan
    ]
    source = f"def add_event(tiles, day, fields, weight):\n{''.join(runs) or '    pass'}\n"
    space: dict[str, Any] = {name: getattr(day_tiles, name) for name in ("place_for", "add", "add_wide")}
    # nothing but the names and numbers of our own declarations
    exec(compile(source, "<adder>", "exec"), space)  # noqa: S102
    return space["add_event"]


def _count(at: int) -> str:
    return f"tiles[place + {at}] = (tiles[place + {at}] + weight) & {day_tiles.WRAP}"


def _late(at: int, step: int) -> str:
    return f"add(tiles, end, {step}, place + {at}, weight)"


def _sum(column: Column) -> str:
    low, high = f"tiles[place + {column.at}]", f"tiles[place + {column.at + 1}]"
    if not column.wide:
        return f"{low} = ({low} + weight * fields[{column.adds!r}]) & {day_tiles.WRAP}"
    total = f"({low} + ({high} << 32) + weight * fields[{column.adds!r}]) & {day_tiles.WRAP_WIDE}"
    return f"total = {total}; {low} = total & {day_tiles.WRAP}; {high} = total >> 32"


def _late_sum(column: Column, step: int) -> str:
    adding = "add_wide" if column.wide else "add"
    return f"{adding}(tiles, end, {step}, place + {column.at}, weight * fields[{column.adds!r}])"
