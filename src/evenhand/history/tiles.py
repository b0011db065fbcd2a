"""Day tiles: one row of running totals per account, kind of event and day.

An account's whole state is one small array of unsigned 32-bit integers. It holds a few *runs*, one for each kind of event that
is counted: a tile per day on which something of that kind happened, oldest first::

    head | run | run | ...          run:  day t1 t2 ... tk | day t1 t2 ... tk | ...

A day is a count of days since 1970-01-01 in the market's time zone. A tile holds each counter's total up to and including its
day, so a window is the difference of two tiles and costs the same for the busiest store as for a new buyer. Every figure read
from it is exact, can be quoted to the person it is about, and old days can be dropped: the newest tile that lies before every
window stays as the base the others are compared with. A late event is added to its own day and to the totals after it. Kinds are
kept apart because their days differ: a buyer orders on twenty days and disputes on one.

The head is `first_day + (words of one tile of each run << 24) | number of runs`, then for each run `words per tile << 24 | end`.
A state that was stored with fewer counters than there are now is widened when it is read. Empty is an account that has done
nothing yet.
"""

import sys
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
WRAP_WIDE: Final = 2**64 - 1
SHIFT: Final = 24
LOW: Final = 2**SHIFT - 1
_HEAD: Final = 2


def unpack(stored: bytes) -> "array[int]":
    """Read tiles as stored."""
    tiles = array("I", stored)
    if sys.byteorder == "big":  # stored little-endian
        tiles.byteswap()
    return tiles


def pack(tiles: "array[int]") -> bytes:
    """Write tiles for storage."""
    if sys.byteorder == "big":
        tiles = array("I", tiles)
        tiles.byteswap()
    return tiles.tobytes()


def begin(tiles: "array[int]", steps: Sequence[int], day: int) -> None:
    """Note the day of an event, and give an empty state its head."""
    if not tiles:
        start = _HEAD + len(steps)
        tiles.extend([day | sum(steps) << SHIFT, len(steps), *(step << SHIFT | start for step in steps)])
    elif day < tiles[0] & LOW:
        tiles[0] = day | sum(steps) << SHIFT


def bounds(tiles: "array[int]", run: int) -> tuple[int, int]:
    """Where a run begins and ends."""
    return tiles[_HEAD - 1 + run] & LOW if run else _HEAD + tiles[1], tiles[_HEAD + run] & LOW


def insert(tiles: "array[int]", run: int, place: int, words: "array[int]") -> None:
    """Put words into a run."""
    tiles[place:place] = words
    for head in range(_HEAD + run, _HEAD + tiles[1]):
        tiles[head] += len(words)


def remove(tiles: "array[int]", run: int, start: int, end: int) -> None:
    """Take words out of a run."""
    del tiles[start:end]
    for head in range(_HEAD + run, _HEAD + tiles[1]):
        tiles[head] -= end - start


def place_for(tiles: "array[int]", run: int, step: int, day: int) -> int:
    """Where the tile of a day is, made if need be; 0 for a day so old that no window can reach it any more.

    Tiles that no window can reach, seen from the newest day, are dropped.
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
    at = place + step if place else start
    insert(tiles, run, at, tile)
    if at == end and tiles[start] <= day - KEPT_DAYS:  # a new newest day, and there may be some too old
        base = last_until(tiles, start, end + step, step, day - KEPT_DAYS)
        if base > start:
            remove(tiles, run, start, base)
            at -= base - start
    return at


def add(tiles: "array[int]", end: int, step: int, at: int, amount: int) -> None:
    """Add to the 32-bit counter at `at` and to the totals after it, up to the `end` of its run."""
    for place in range(at, end, step):
        tiles[place] = (tiles[place] + amount) & WRAP


def add_wide(tiles: "array[int]", end: int, step: int, at: int, amount: int) -> None:
    """The same for a counter of two words, the lower one first."""
    for place in range(at, end, step):
        total = (tiles[place] + (tiles[place + 1] << 32) + amount) & WRAP_WIDE
        tiles[place], tiles[place + 1] = total & WRAP, total >> 32


def last_until(tiles: "array[int]", start: int, end: int, step: int, day: int) -> int:
    """Position of a run's newest tile not later than `day`; 0 when there is none."""
    newest = end - step
    if newest >= start and tiles[newest] <= day:
        return newest
    tile = bisect_right(range(start, end, step), day, key=tiles.__getitem__)
    return start + step * (tile - 1) if tile else 0


def between(tiles: "array[int]", start: int, end: int, column: int, wide: bool) -> int:
    """What a counter rose by from the tile at `start` (0: from nothing) to the one at `end`."""
    if not wide:
        return (tiles[end + column] - (tiles[start + column] if start else 0)) & WRAP
    total = tiles[end + column] + (tiles[end + column + 1] << 32)
    if start:
        total -= tiles[start + column] + (tiles[start + column + 1] << 32)
    return total & WRAP_WIDE


def joined(first: int, runs: "Sequence[array[int]]", steps: Sequence[int]) -> "array[int]":
    """A state made of whole runs."""
    tiles: array[int] = array("I")
    begin(tiles, steps, first)
    for number, run in enumerate(runs):
        insert(tiles, number, bounds(tiles, number)[0], run)
    return tiles


def widened(tiles: "array[int]", steps: Sequence[int]) -> "array[int]":
    """The same state with runs and counters that did not exist yet when it was written, at 0."""
    runs = [array("I") for _ in steps]
    for number in range(tiles[1]):
        old, (start, end) = tiles[_HEAD + number] >> SHIFT, bounds(tiles, number)
        for place in range(start, end, old):
            runs[number] += tiles[place : place + old] + array("I", [0] * (steps[number] - old))
    return joined(tiles[0] & LOW, runs, steps)
