"""Day tiles: one row of running totals per account, kind of event and day.

An account's whole state is one small array of unsigned 32-bit integers. It holds a few *runs*, one for each kind of event that
is counted: a tile per day on which something of that kind happened, oldest first::

    layout | first_day | end of each run | run | run | ...        run:  day t1 t2 ... tk | day t1 t2 ... tk | ...

A tile holds each counter's total up to and including its day, so a window is the difference of two tiles and costs the same for
the busiest store as for a new buyer. Every figure read from it is exact, can be quoted to the person it is about, and old days
can be dropped: the newest tile that lies before every window stays as the base the others are compared with. A late event is
added to its own day and to the totals after it. Kinds are kept apart because their days differ: a buyer orders on twenty days and
disputes on one.

Words are kept small, since small words are stored in one byte (`evenhand.history.stored`). Days are counted from the account's
first one, which is itself a count of days since 1970-01-01 in the market's time zone. Money is kept as what came on that day
alone, in two words, and a window is its sum: it is asked for by few policies, and totals of it would be large for everybody.

The layout is `number << 3 | number of runs`; its number tells how many words a tile of each run has. Empty is an account that
has done nothing yet.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

# The longest window any measure declares holds 365 completed days; the tile that lies right before them is its base. An
# application that arrives late is ruled as of its own day: its windows are whole when it is not later than this.
LATE_DAYS: Final = 31
KEPT_DAYS: Final = 366 + LATE_DAYS
# Totals wrap around like the 32-bit integers they are; differences of them do not notice.
WRAP: Final = 2**32 - 1
# What may be large stands in two words, `low + BASE * high`. So nearly every day's money takes three bytes when stored (low is
# under 2,048, high under 128), and two words hold more than `MOST_SUM`, at which facts end anyway.
BASE: Final = 2_100
RUNS: Final = 7
HEAD: Final = 2


def begin(tiles: "array[int]", layout: int, day: int) -> None:
    """Give an empty state its head, with the day of its first event."""
    runs = layout & RUNS
    tiles.extend([layout, day, *[HEAD + runs] * runs])


def begin_earlier(tiles: "array[int]", steps: Sequence[int], day: int) -> None:
    """Count the days of a state from an earlier one on."""
    earlier = tiles[1] - day
    for run, step in enumerate(steps):
        for place in range(*bounds(tiles, run), step):
            tiles[place] += earlier
    tiles[1] = day


def bounds(tiles: "array[int]", run: int) -> tuple[int, int]:
    """Where a run begins and ends."""
    return tiles[HEAD - 1 + run] if run else HEAD + (tiles[0] & RUNS), tiles[HEAD + run]


def insert(tiles: "array[int]", run: int, place: int, words: "array[int]") -> None:
    """Put words into a run."""
    tiles[place:place] = words
    for head in range(HEAD + run, HEAD + (tiles[0] & RUNS)):
        tiles[head] += len(words)


def remove(tiles: "array[int]", run: int, start: int, end: int) -> None:
    """Take words out of a run."""
    del tiles[start:end]
    for head in range(HEAD + run, HEAD + (tiles[0] & RUNS)):
        tiles[head] -= end - start


def place_for(tiles: "array[int]", run: int, step: int, day: int, daily: Sequence[int]) -> int:
    """Where the tile of a day is, made if need be; 0 for a day so old that no window can reach it any more.

    A new tile has the totals of the one before it, and 0 in the `daily` columns. Tiles that no window can reach, seen from the
    newest day, are dropped.
    """
    start, end = bounds(tiles, run)
    if start == end:
        insert(tiles, run, start, array("I", [day, *[0] * (step - 1)]))
        return start
    newest = end - step
    if tiles[newest] == day:
        return newest
    if day <= tiles[newest] - KEPT_DAYS:
        return 0
    place = newest if tiles[newest] < day else last_until(tiles, start, end, step, day)
    if place and tiles[place] == day:
        return place
    tile = tiles[place : place + step] if place else array("I", bytes(4 * step))
    tile[0] = day
    for column in daily:
        tile[column] = 0
    at = place + step if place else start
    insert(tiles, run, at, tile)
    if at == end and tiles[start] <= day - KEPT_DAYS:  # a new newest day, and there may be some too old
        base = last_until(tiles, start, end + step, step, day - KEPT_DAYS)
        if base > start:
            remove(tiles, run, start, base)
            at -= base - start
    return at


def add(tiles: "array[int]", end: int, step: int, at: int, amount: int) -> None:
    """Add to the total at `at` and to those after it, up to the `end` of its run."""
    for place in range(at, end, step):
        tiles[place] = (tiles[place] + amount) & WRAP


def last_until(tiles: "array[int]", start: int, end: int, step: int, day: int) -> int:
    """Position of a run's newest tile not later than `day`; 0 when there is none."""
    newest = end - step
    if newest >= start and tiles[newest] <= day:
        return newest
    tile = bisect_right(range(start, end, step), day, key=tiles.__getitem__)
    return start + step * (tile - 1) if tile else 0


def summed(tiles: "array[int]", first: int, last: int, step: int, column: int) -> int:
    """What days came to together, from the tile at `first` to the one at `last`, of a column of two words."""
    low, high = first + column, last + column + 1
    return sum(tiles[low:high:step]) + BASE * sum(tiles[low + 1 : high + 1 : step])


def joined(layout: int, first: int, runs: "Sequence[array[int]]") -> "array[int]":
    """A state made of whole runs."""
    tiles: array[int] = array("I")
    begin(tiles, layout, first)
    for number, run in enumerate(runs):
        insert(tiles, number, bounds(tiles, number)[0], run)
    return tiles
