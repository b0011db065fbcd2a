"""Adding an event to an account's tiles: a plan, written as Python source.

It is done twice for every ruling, so it is unrolled: for each run, find the tile of the day, then one line per counter. Nearly
always that tile is the newest; what comes late is added to the totals after it too.
"""

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from evenhand.history import tiles as day_tiles
from evenhand.vocabulary import MOST_SUM

Fields = Mapping[str, str | int]
# tiles of an account, the day of the event, its fields, and 1 or, to take it back, -1
Adder = Callable[["array[int]", int, Fields, int], None]


class Column(NamedTuple):
    """Where a measure is kept, and what an event adds to it."""

    # 0 where it is the days of the tiles themselves
    at: int
    adds: str
    # what came on the day alone, in two words
    daily: bool
    # column of the measure whose days are counted; 0 where events are
    days_of: int


class Added(NamedTuple):
    """What an event adds to in one run."""

    run: int
    # words per tile
    step: int
    # its words that hold what came on the day alone
    daily: tuple[int, ...]
    # columns that count days, each with the column whose days they count; columns that count events; columns that sum
    days: list[tuple[int, int]]
    once: list[int]
    sums: list[Column]


# Days are told from the count before it is added to.
_RUN: Final = """
    start = {start}
    end = tiles[{head}]
    place = end - {step}
    if place < start or tiles[place] != day:
        place = place_for(tiles, {run}, {step}, day, {daily})
        end = tiles[{head}]
    if place:
        after = place + {step}
{days}
{sums}
        if after == end:
            {newest}
        else:
            {late}
"""
_DAY: Final = """\
        if tiles[place + {of}] == (tiles[place - {step} + {of}] if place > start else 0):
            add(tiles, end, {step}, place + {at}, 1)"""
# A day's sum ends where facts do, and does not go below nothing.
_DAILY: Final = f"""\
        total = tiles[place + {{low}}] + {day_tiles.BASE} * tiles[place + {{high}}] + weight * fields[{{adds!r}}]
        if not 0 <= total <= {MOST_SUM}:
            total = {MOST_SUM} if total > 0 else 0
        tiles[place + {{high}}], tiles[place + {{low}}] = divmod(total, {day_tiles.BASE})"""


def compile_adder(plan: Sequence[Added]) -> Adder:
    """A function that adds an event as planned."""
    runs = [
        _RUN.format(
            start=f"tiles[{1 + one.run}]" if one.run else f"{day_tiles.HEAD} + (tiles[0] & {day_tiles.RUNS})",
            head=day_tiles.HEAD + one.run,
            step=one.step,
            run=one.run,
            daily=one.daily,
            days="\n".join(_DAY.format(of=of, at=at, step=one.step) for at, of in one.days),
            sums="\n".join(
                _DAILY.format(low=sum_.at, high=sum_.at + 1, adds=sum_.adds) for sum_ in one.sums if sum_.daily
            ),
            newest="\n            ".join([_total(at, amount) for at, amount in _totals(one)]) or "pass",
            late="\n            ".join([_late(at, one.step, amount) for at, amount in _totals(one)]) or "pass",
        )
        for one in plan
    ]
    source = f"def add_event(tiles, day, fields, weight):\n    day -= tiles[1]\n{''.join(runs)}\n"
    space: dict[str, Any] = {"place_for": day_tiles.place_for, "add": day_tiles.add}
    # nothing but the names and numbers of our own declarations
    exec(compile(source, "<adder>", "exec"), space)  # noqa: S102
    return space["add_event"]


def _totals(one: Added) -> list[tuple[int, str]]:
    """Columns of totals, each with what is added."""
    sums = [(column.at, f"weight * fields[{column.adds!r}]") for column in one.sums if not column.daily]
    return [*((at, "weight") for at in one.once), *sums]


def _total(at: int, amount: str) -> str:
    return f"tiles[place + {at}] = (tiles[place + {at}] + {amount}) & {day_tiles.WRAP}"


def _late(at: int, step: int, amount: str) -> str:
    return f"add(tiles, end, {step}, place + {at}, {amount})"
