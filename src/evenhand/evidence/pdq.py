"""PDQ: 256 bits that stay nearly the same when a picture is resized, recompressed or made brighter.

Meta's published hash (github.com/facebook/ThreatExchange, pdq): luminance, a Jarosz filter down to 64 x 64, the 16 x 16 lowest
frequencies of a cosine transform, one bit each for above or below their median. Distance is the count of differing bits:
unrelated pictures lie near 128, and Meta calls 31 or less a match. Computed by Meta's own code (`pdqhash`).

The whole-image hash does not survive a crop: 5 % cut away costs about 60 bits, 10 % about 100, as unrelated pictures do. So a
picture also has the hashes of a grid of nine windows of 92 % of its sides, and a crop of one picture is found as near to a window
of the other. A turned or mirrored picture is found because the one that asks is hashed in its eight orientations.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pdqhash
from numpy.typing import NDArray
from PIL import Image

from evenhand.evidence.images import grey, squeezed

Words = NDArray[np.uint64]

# Hashes are made of a square of this many pixels a side, windows of it are cut out of that.
_SIDE: Final = 128
THUMBNAIL: Final = 64
# Below this PDQ's quality (0-100: how much there is to see) pictures are too plain to be told apart.
LEAST_QUALITY: Final = 50
ORIENTATIONS: Final = 8

# left, top and size of each window, as shares of the side
WINDOWS: Final = tuple((x, y, 0.92) for x in (0.0, 0.04, 0.08) for y in (0.0, 0.04, 0.08))


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a picture is compared by."""

    # (4,): the 256 bits of the whole
    whole: Words
    # (9, 4): of each of `WINDOWS`
    windows: Words
    # (64, 64): the picture, squeezed, in grey
    thumbnail: NDArray[np.uint8]
    # 0-100
    quality: int


def fingerprint(image: Image.Image) -> Fingerprint:
    """The fingerprint of an upright RGB image."""
    return _of(np.asarray(squeezed(image, _SIDE)), grey(image, THUMBNAIL))


def orientations(image: Image.Image) -> list[Fingerprint]:
    """Fingerprints of the eight ways to turn and mirror an image: by quarter turns, then the same of its mirror image."""
    square, thumbnail = np.asarray(squeezed(image, _SIDE)), grey(image, THUMBNAIL)
    return [
        _of(np.rot90(one, turns), np.rot90(small, turns))
        for one, small in ((square, thumbnail), (square[:, ::-1], thumbnail[:, ::-1]))
        for turns in range(4)
    ]


def distance(left: Words, right: Words) -> int:
    """How many of 256 bits differ."""
    return int(np.bitwise_count(left ^ right).sum())


def packed(words: Words) -> bytes:
    """Hashes as bytes, 32 each, to be stored."""
    return words.astype("<u8").tobytes()


def unpacked(data: bytes) -> Words:
    """(n, 4) hashes of stored bytes."""
    return np.frombuffer(data, "<u8").astype(np.uint64).reshape(-1, 4)


def _of(square: NDArray[np.uint8], thumbnail: NDArray[np.uint8]) -> Fingerprint:
    whole, quality = _hash(square)
    windows: list[Words] = []
    for left, top, size in WINDOWS:
        x, y, side = round(left * _SIDE), round(top * _SIDE), round(size * _SIDE)
        windows.append(_hash(square[y : y + side, x : x + side])[0])
    return Fingerprint(whole, np.stack(windows), np.ascontiguousarray(thumbnail), quality)


def _hash(pixels: NDArray[np.uint8]) -> tuple[Words, int]:
    bits, quality = pdqhash.compute(np.ascontiguousarray(pixels))
    return np.packbits(np.asarray(bits, np.uint8)).view(np.uint64), int(quality)
