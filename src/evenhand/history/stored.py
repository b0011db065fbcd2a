"""How an account's tiles are stored: in so few bytes that a hundred million accounts fit.

Nearly every word of a state is small, so it is written in UTF-8's code for integers (RFC 3629: one byte under 128, two under
2,048, three under 65,536, four up to 1,114,111). Python's codecs turn a whole state into it and back at the speed of C, in about
0.2 microseconds for an ordinary account. Four words of an order's day take about six bytes.

Two kinds of states are stored as the words they are, 32 bits each, little end first: those of busy stores, which are few and read
by many rulings, and those with a word that the code cannot tell. What was stored by former versions (`evenhand.history.former`)
is told apart by its fourth byte.
"""

import codecs
import sys
from array import array
from typing import Final

# words up to which a state is written in the code
ORDINARY: Final = 4_096
# called as they are, since looking a codec up by its name takes longer than its work
_TEXT_OF, _WORDS_OF = (
    (codecs.utf_32_le_decode, codecs.utf_32_le_encode)
    if sys.byteorder == "little"
    else (codecs.utf_32_be_decode, codecs.utf_32_be_encode)
)
# The first word, the layout, takes one byte. The second, the first day, takes three or four from this day on (August 1975), so
# that the fourth byte is one that continues a code; in words it is 0, or the small number that former versions had there.
_EARLIEST: Final = 0x800
_CONTINUES: Final = 0x80
# whatever the words are, they are told and read back as they are
_ANY: Final = "surrogatepass"


def pack(tiles: "array[int]") -> bytes:
    """Write tiles for storage."""
    if not tiles:
        return b""
    if len(tiles) <= ORDINARY and tiles[1] >= _EARLIEST:
        try:
            return _TEXT_OF(tiles, _ANY, True)[0].encode("utf-8", _ANY)
        except UnicodeDecodeError:  # a word beyond the code
            pass
    return words(tiles)


def words(tiles: "array[int]") -> bytes:
    """Write tiles as the words they are."""
    if sys.byteorder == "big":  # stored little-endian
        tiles = array("I", tiles)
        tiles.byteswap()
    return tiles.tobytes()


def unpack(stored: bytes) -> "array[int]":
    """Read what is stored, in whatever form; raises ValueError or IndexError when that is broken."""
    if stored[3] >= _CONTINUES:
        return array("I", _WORDS_OF(stored.decode("utf-8", _ANY), _ANY)[0])
    tiles = array("I", stored)
    if sys.byteorder == "big":
        tiles.byteswap()
    return tiles
