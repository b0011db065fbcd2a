"""Tiles as former versions stored them, in words of 32 bits. They are read into what they are now, and stored as such when the
account is next written.

First, one tile of all counters per day (*dense*)::

    first_day | day t1 t2 ... tk | day t1 t2 ... tk | ...

then runs like those of now, but with days since 1970, and totals of money too, in 64 bits::

    first_day + (words of one tile of each run << 24) | number of runs | (words per tile << 24) + end, for each run | run | ...
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from evenhand.history.tiles import BASE, WRAP, joined
from evenhand.measures import BUYER_MEASURES, MERCHANT_MEASURES, Measure
from evenhand.vocabulary import MOST_SUM

_SHIFT: Final = 24
_LOW: Final = 2**_SHIFT - 1
# what is less is a layout, not a day
_DAYS: Final = 128
_DENSE: Final = {
    "buyer": ("orders", "applications", "refund_only", "counterfeit_claims", "declined"),
    "merchant": (
        "orders", "deliveries", "late_deliveries", "reviews", "review_points", "disputes", "disputes_lost",
    ),
}  # fmt: skip
# a day, and the totals of measures, as far as they are told
_Tile = tuple[int, Mapping[str, int]]


def is_former(words: "array[int]") -> bool:
    """Whether tiles were stored by a former version."""
    return words[0] >= _DAYS


def converted(
    words: "array[int]",
    owner: str,
    layout: int,
    steps: Sequence[int],
    run_of: Mapping[str, int],
    column_of: Mapping[str, tuple[int, bool]],
) -> "array[int]":
    """Read them into what they are now; counters that did not exist begin at 0.

    `run_of` and `column_of` say of each measure its run and its column, and whether that is of two words by day. Raises
    ValueError, IndexError or OverflowError when they are broken.
    """
    first = words[0] & _LOW
    runs: list[array[int]] = []
    for run, step in enumerate(steps):
        made = array("I")
        if owner == "buyer" and run == len(steps) - 1:
            made.extend(word for tile in _pairs(words, run, first, step) for word in tile)
        else:
            names = [name for name, number in run_of.items() if number == run]
            tiles = _dense(words, owner, names) if not words[0] >> _SHIFT else _tiles(words, owner, run, names)
            before: Mapping[str, int] = {}
            for day, totals in tiles:
                tile = [day - first, *[0] * (step - 1)]
                for name, total in totals.items():
                    at, daily = column_of[name]
                    if daily:
                        tile[at + 1], tile[at] = divmod(min(max(0, total - before.get(name, 0)), MOST_SUM), BASE)
                    elif at:
                        tile[at] = total
                made.extend(tile)
                before = totals
        runs.append(made)
    return joined(layout, first, runs)


def _dense(words: "array[int]", owner: str, names: Sequence[str]) -> Iterator[_Tile]:
    """Those of a dense state in which something rose."""
    counters = _DENSE[owner]
    before = dict.fromkeys(names, 0)
    for place in range(1, len(words), len(counters) + 1):
        tile = dict(zip(counters, words[place + 1 : place + 1 + len(counters)], strict=True))
        totals = {name: tile.get(name, 0) for name in names}
        if totals != before:
            yield words[place], totals
            before = totals


def _tiles(words: "array[int]", owner: str, run: int, names: Sequence[str]) -> Iterator[_Tile]:
    measures = {one.name: one for one in (BUYER_MEASURES if owner == "buyer" else MERCHANT_MEASURES)}
    for tile in _run(words, run):
        yield tile[0], dict(_totals(tile, [measures[name] for name in names]))


def _totals(tile: "array[int]", measures: Sequence[Measure]) -> Iterator[tuple[str, int]]:
    at = 1
    for one in measures:
        wide = 2 if one.money else 1
        if at + wide <= len(tile):
            yield one.name, tile[at] + (tile[at + 1] << 32) if one.money else tile[at]
        at += wide


def _pairs(words: "array[int]", run: int, first: int, step: int) -> Iterator[list[int]]:
    """What happened with single stores: the day comes first now, the store in two words after it."""
    if words[0] >> _SHIFT:
        for tile in _run(words, run):
            store = tile[0] & WRAP
            read = [tile[1] - first, store % BASE, store // BASE, *tile[2:]]
            yield [*read, *[0] * (step - len(read))]


def _run(words: "array[int]", run: int) -> "Iterator[array[int]]":
    if run >= words[1]:
        return
    start = words[1 + run] & _LOW if run else 2 + words[1]
    step, end = words[2 + run] >> _SHIFT, words[2 + run] & _LOW
    if not 2 + words[1] <= start <= end <= len(words) or not step or (end - start) % step:
        raise ValueError("a run of tiles does not end where it should")
    for place in range(start, end, step):
        yield words[place : place + step]
