"""Day tiles: one row of running totals per account and day.

An account's whole state is one small array of unsigned 32-bit integers: the first day it was seen, then one tile per day on
which something happened, oldest first::

    first_day | day t1 t2 ... tk | day t1 t2 ... tk | ...

A day is a count of days since 1970-01-01 in the market's time zone. A tile holds each counter's total up to and including its
day, so a window is the difference of two tiles and costs the same for the busiest store as for a new buyer. Every figure read
from it is exact, can be quoted to the person it is about, and old days can be dropped: the newest tile that lies before every
window stays as the base the others are compared with. A late event is added to its own day and to the totals after it.
"""

import sys
from array import array
from bisect import bisect_right
from typing import Final

# The longest window any measure declares holds 365 completed days; the tile that lies right before them is its base.
KEPT_DAYS: Final = 366
# Totals wrap around like the 32-bit integers they are; differences of them do not notice.
WRAP: Final = 2**32 - 1


def unpack(stored: bytes) -> "array[int]":
    """Read an account's tiles as stored; empty bytes are an account that has done nothing yet."""
    tiles = array("I", stored)
    if sys.byteorder == "big":  # stored little-endian
        tiles.byteswap()
    return tiles


def pack(tiles: "array[int]") -> bytes:
    """Write tiles for storage, little-endian."""
    if sys.byteorder == "big":
        tiles = array("I", tiles)
        tiles.byteswap()
    return tiles.tobytes()


def count(tiles: "array[int]", width: int, day: int, column: int, amount: int = 1) -> None:
    """Fold one event into the tiles, in place: add `amount` to a counter of its day.

    `width` is the number of counters per tile. Tiles that no window can reach any more, seen from the newest day, are dropped.
    An event older than the base tile changes no window and is only noted as the first day.
    """
    step = width + 1
    size = len(tiles)
    if not size:
        tiles.append(day)
        tiles.append(day)
        tiles.frombytes(bytes(4 * width))
        tiles[2 + column] = amount
        return
    if tiles[size - step] != day:
        tiles[0] = min(tiles[0], day)
        place = last_until(tiles, width, day)
        if place and tiles[place] == day:
            pass
        elif place == size - step:  # a new newest day starts from the totals of the one before
            tiles.append(day)
            tiles.extend(tiles[size - width : size])
            _drop_unreachable(tiles, width, day - KEPT_DAYS)
        elif not place and day <= tiles[size - step] - KEPT_DAYS:
            return
        else:
            totals = tiles[place + 1 : place + step] if place else array("I", bytes(4 * width))
            after = place + step if place else 1
            tiles[after:after] = array("I", [day]) + totals
    for place in range(len(tiles) - width + column, 0, -step):
        if tiles[place - column - 1] < day:
            break
        tiles[place] = (tiles[place] + amount) & WRAP


def last_until(tiles: "array[int]", width: int, day: int) -> int:
    """Position of the newest tile not later than `day`; 0 when there is none."""
    step = width + 1
    position = len(tiles) - step
    if position > 0 and tiles[position] <= day:
        return position
    tile = bisect_right(range(1, len(tiles), step), day, key=tiles.__getitem__)
    return 1 + step * (tile - 1) if tile else 0


def _drop_unreachable(tiles: "array[int]", width: int, day: int) -> None:
    """Drop tiles older than the newest one not later than `day`."""
    base = last_until(tiles, width, day)
    if base > 1:
        del tiles[1:base]
