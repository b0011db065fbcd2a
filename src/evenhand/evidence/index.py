"""All fingerprints in memory, searched by looking at every one: exact, and fast enough.

Hashes lie in four columns of 64-bit words. A search goes through them in blocks that stay in the processor's cache: XOR and bit
count over three words first, which nearly nothing unrelated passes, the fourth word only for what did. Nothing near is missed, as
the distance over three words is never more than over four. Blocks are shared out over the cores; numpy lets them run together.

Two pictures are near when the whole of one is near the whole or a window of the other, in any of the eight orientations.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evenhand.evidence.pdq import WINDOWS, Fingerprint, Words

# Differing bits, of 256, up to which two pictures are looked at closer. Unrelated ones pass once in some 20,000 pairs, a crop of
# 10 % or a border of 5 % in 98 of 100 (`evenhand bench evidence`).
MOST_DISTANCE: Final = 80
_BLOCK: Final = 1 << 15
_CORES: Final = os.cpu_count() or 1
_pool: Final = ThreadPoolExecutor(_CORES, thread_name_prefix="evidence")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A picture in the index that may be the one asked about."""

    number: int
    distance: int
    # how the one asked about was turned (see `pdq.orientations`)
    orientation: int
    # the window of the one in the index, or of the one asked about, that was near the other's whole; None: whole to whole
    window: int | None
    # the window is the asking picture's
    of_asking: bool


class Hashes:
    """A growing table of 256-bit hashes."""

    def __init__(self) -> None:
        self._columns: list[NDArray[np.uint64]] = [np.empty(1024, np.uint64) for _ in range(4)]
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, words: Words) -> None:
        """Append (n, 4) hashes."""
        needed = self._count + len(words)
        if needed > len(self._columns[0]):
            room = max(needed, len(self._columns[0]) * 3 // 2)
            self._columns = [
                np.concatenate([c[: self._count], np.empty(room - self._count, np.uint64)]) for c in self._columns
            ]
        for column, values in zip(self._columns, words.T, strict=True):
            column[self._count : needed] = values
        self._count = needed

    def near(
        self, asked: Words, most: int, first: int = 0
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Every hash from place `first` on within `most` bits of one of (n, 4) `asked`: (which asked, place, distance)."""
        columns, count = self._columns, self._count
        share = -(-(count - first) // _CORES)
        if share <= _BLOCK:
            found = [_scan(columns, asked, most, first, count)]
        else:
            starts = range(first, count, share)
            tasks = [_pool.submit(_scan, columns, asked, most, at, min(at + share, count)) for at in starts]
            found = [task.result() for task in tasks]
        parts = [part for one in found for part in one]
        if not parts:
            nothing = np.empty(0, np.intp)
            return nothing, nothing, nothing
        which, places, distances = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return which, places, distances


def _scan(
    columns: list[NDArray[np.uint64]], asked: Words, most: int, start: int, stop: int
) -> list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]]:
    found: list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]] = []
    bits = np.empty(_BLOCK, np.uint64)
    # over three words a distance is at most 192, and fits
    counted, summed = np.empty(_BLOCK, np.uint8), np.empty(_BLOCK, np.uint8)
    for first in range(start, stop, _BLOCK):
        last = min(first + _BLOCK, stop)
        size = last - first
        for which, query in enumerate(asked):
            np.bitwise_xor(columns[0][first:last], query[0], out=bits[:size])
            np.bitwise_count(bits[:size], out=summed[:size])
            for word in (1, 2):
                np.bitwise_xor(columns[word][first:last], query[word], out=bits[:size])
                np.bitwise_count(bits[:size], out=counted[:size])
                np.add(summed[:size], counted[:size], out=summed[:size])
            passed = np.flatnonzero(summed[:size] <= most)
            if passed.size:
                places = passed + first
                distances = summed[passed].astype(np.intp) + np.bitwise_count(columns[3][places] ^ query[3])
                near = distances <= most
                if near.any():
                    found.append((np.full(int(near.sum()), which), places[near], distances[near]))
    return found


class Index:
    """Fingerprints by their number, in the order they were added."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._wholes = Hashes()
        self._windows = Hashes()

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, numbers: Sequence[int], wholes: Words, windows: Words) -> None:
        """Append n fingerprints: their numbers, (n, 4) and (n * 9, 4) hashes."""
        self._wholes.add(wholes)
        self._windows.add(windows)
        self._numbers += numbers

    def near(self, asking: Sequence[Fingerprint], most: int = MOST_DISTANCE, *, first: int = 0) -> list[Candidate]:
        """The pictures from place `first` on that are near one of the orientations asked, each once, nearest first."""
        grid = len(WINDOWS)
        wholes = np.stack([one.whole for one in asking])
        windows = np.concatenate([one.windows for one in asking])
        best: dict[int, Candidate] = {}

        def keep(place: int, distance: int, orientation: int, window: int | None, *, of_asking: bool = False) -> None:
            if place not in best or distance < best[place].distance:
                best[place] = Candidate(self._numbers[place], distance, orientation, window, of_asking)

        for which, place, distance in zip(*self._wholes.near(wholes, most, first), strict=True):
            keep(int(place), int(distance), int(which), None)
        for which, place, distance in zip(*self._windows.near(wholes, most, first * grid), strict=True):
            keep(int(place) // grid, int(distance), int(which), int(place) % grid)
        for which, place, distance in zip(*self._wholes.near(windows, most, first), strict=True):
            keep(int(place), int(distance), int(which) // grid, int(which) % grid, of_asking=True)
        return sorted(best.values(), key=lambda one: (one.distance, one.number))
