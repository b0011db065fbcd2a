"""Day tiles: one row of counters per account and day.

An account's whole state is one small array of unsigned 32-bit integers: the first day it was seen, then one tile per day on
which something happened, oldest first::

    first_day | day c1 c2 ... ck | day c1 c2 ... ck | ...

A day is a count of days since 1970-01-01 in the market's time zone. A tile is never averaged or decayed, so every figure read
from it can be quoted to the person it is about, and old days can be dropped. A late event lands in the tile of its own day.
"""

import sys
from array import array
from bisect import bisect_left, bisect_right
from typing import Final

# The longest window any measure declares, and so how many days of tiles an account needs.
KEPT_DAYS: Final = 365


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
    """
    if not tiles:
        tiles.append(day)
    elif day < tiles[0]:
        tiles[0] = day
    step = width + 1
    size = len(tiles)
    if size == 1 or tiles[size - step] < day:
        tiles.append(day)
        tiles.extend([0] * width)
        position = size
        oldest = day - KEPT_DAYS
        if size > 1 and tiles[1] <= oldest:
            keep = first_after(tiles, width, oldest)
            del tiles[1:keep]
            position -= keep - 1
    elif tiles[size - step] == day:
        position = size - step
    else:
        position = 1 + step * bisect_left(range(1, size, step), day, key=tiles.__getitem__)
        if tiles[position] != day:
            if day <= tiles[size - step] - KEPT_DAYS:
                return
            tiles[position:position] = array("I", [day, *[0] * width])
    tiles[position + 1 + column] += amount


def first_after(tiles: "array[int]", width: int, day: int) -> int:
    """Position of the first tile whose day is later than `day` (the array's length when there is none)."""
    step = width + 1
    return 1 + step * bisect_right(range(1, len(tiles), step), day, key=tiles.__getitem__)
