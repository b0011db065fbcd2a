"""What an account uses, made unreadable before it is kept: keyed hashes of addresses, devices, payment instruments and phones.

A phone number has eleven digits: whoever holds a table of plain hashes tries them all in a minute. With HMAC-SHA-256 (RFC 2104)
under a secret key, cut to 16 bytes, the table alone says only *equal or not*. Market and kind go into the hash, so what is equal
in two markets, or as two kinds, does not show. Two different values never meet by chance (2^64 values would be needed) and
cannot be made to meet without the key.

What looks different and is the same is written one way first: width and case of letters, spaces, the marks in a phone number.
"""

import hmac
import re
import unicodedata
from typing import Final

from evenhand.accounts.links.grouping import DEVICE, KINDS, PAYMENT, PHONE

HASH_BYTES: Final = 16
_SPACES_AND_MARKS: Final = re.compile(r"[\s,.;:，。；：、\-_/#]+")
_NO_DIGIT: Final = re.compile(r"\D+")


def written_one_way(kind: int, value: str) -> str:
    """The value as it is compared; empty when nothing of it is left."""
    text = unicodedata.normalize("NFKC", value).casefold()
    if kind == PHONE:
        return _NO_DIGIT.sub("", text).lstrip("0")
    if kind in {DEVICE, PAYMENT}:
        return "".join(text.split())
    return _SPACES_AND_MARKS.sub(" ", text).strip()


def hashed(key: bytes, market: int, kind: int, value: str) -> bytes | None:
    """The keyed hash of an attribute, 16 bytes; None when nothing is left of the value."""
    text = written_one_way(kind, value)
    if not text:
        return None
    return hmac.digest(key, f"{market}\0{KINDS[kind]}\0{text}".encode(), "sha256")[:HASH_BYTES]


def fingerprint(key: bytes) -> bytes:
    """What tells whether a key is the one a database's hashes were made with, and nothing else about it."""
    return hmac.digest(key, b"evenhand link key", "sha256")[:8]
