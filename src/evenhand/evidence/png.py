"""How much of its pixels a PNG holds: decoders show what is missing as black, and say nothing. Pure."""

import zlib
from collections.abc import Iterator
from struct import unpack_from
from typing import Final

_SIGNATURE: Final = 8
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Adam7: first column and row of each pass, and the steps between its columns and rows (PNG specification, 8.1)
_PASSES: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_PIECE: Final = 1 << 20


def share_of_pixels(data: bytes) -> float:
    """The part of the pixels of a PNG, one that a decoder takes, which is there: 0 to 1, by the bytes of its rows."""
    width, height, depth, colour, _, _, interlaced = unpack_from(">IIBBBBB", data, _header(data))
    bits = depth * _CHANNELS[colour]
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    sizes = [(-(-(width - x) // across), -(-(height - y) // down)) for x, y, across, down in passes]
    # each row is a byte that names its filter, and its pixels
    needed = sum(rows * (1 + -(-columns * bits // 8)) for columns, rows in sizes if columns > 0 and rows > 0)
    unpacker, there = zlib.decompressobj(), 0
    try:
        for chunk in _pixel_chunks(data):
            packed = chunk
            while packed and there < needed:
                there += len(unpacker.decompress(packed, _PIECE))
                packed = unpacker.unconsumed_tail
    except zlib.error:
        return 1.0  # a stream that is broken is the decoder's to refuse
    return min(there / needed, 1.0)


def _header(data: bytes) -> int:
    """Where the header's content begins: of several before the pixels, decoders take the last."""
    place, found = _SIGNATURE, _SIGNATURE + 8
    while place + 8 <= len(data):
        length, name = unpack_from(">I4s", data, place)
        if name == b"IDAT":
            break
        if name == b"IHDR":
            found = place + 8
        place += length + 12
    return found


def _pixel_chunks(data: bytes) -> Iterator[bytes]:
    """The data of the first run of IDAT chunks: decoders read no other."""
    place, begun = _SIGNATURE, False
    while place + 8 <= len(data):
        length, name = unpack_from(">I4s", data, place)
        if name == b"IDAT":
            begun = True
            yield data[place + 8 : place + 8 + length]
        elif begun:
            return
        place += length + 12
