"""What a file is, by its content: never by its name or by the type somebody claims for it.

A short list is taken: photographs and screenshots (JPEG, PNG, WebP, HEIC, GIF), plain text, PDF, and tracking events as JSON. All
else is refused by its own name where it can be told, and above all what can act when it is opened (SVG, HTML) or hides its size
(archives). Pure.
"""

from typing import Annotated, Final, Literal

import msgspec

from evenhand.errors import BadInput
from evenhand.records import Moment, bad_input

Kind = Literal["jpeg", "png", "webp", "heic", "gif", "text", "pdf", "tracking"]

LARGEST_FILE: Final = 12 * 1024 * 1024
LARGEST_TEXT: Final = 64 * 1024
IMAGES: Final[frozenset[Kind]] = frozenset({"jpeg", "png", "webp", "heic", "gif"})
TAKEN: Final = "JPEG, PNG, WebP, HEIC or GIF images, plain text, PDF, or tracking events as JSON"

_Words = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class TrackingEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that happened to a parcel."""

    at: Moment
    # in the carrier's words or code
    status: _Words
    place: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Tracking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a carrier says about a parcel."""

    carrier: _Words
    number: _Words
    events: Annotated[list[TrackingEvent], msgspec.Meta(min_length=1, max_length=500)]


_tracking: Final = msgspec.json.Decoder(Tracking)

# The brands of ISO base media files that are HEIC photographs.
_HEIC: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"})
# What is refused by its own name: how it begins, what it is.
_REFUSED: Final = (
    (b"PK\x03\x04", "a ZIP archive (or an office document, which is one)"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"BM", "a BMP image: save it as PNG"),
    (b"II*\x00", "a TIFF image: save it as PNG"),
    (b"MM\x00*", "a TIFF image: save it as PNG"),
)


def kind_of(data: bytes) -> Kind:
    """What a file is; raises `BadInput` when it is nothing that is taken, saying what it seems to be."""
    if not data:
        raise BadInput("the file is empty")
    if len(data) > LARGEST_FILE:
        raise BadInput(f"the file holds {len(data):,} bytes; evidence may hold {LARGEST_FILE:,}")
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    if data.startswith(b"%PDF-"):
        return "pdf"
    if data[4:8] == b"ftyp":
        if data[8:12] in _HEIC:
            return "heic"
        raise BadInput(f"this is a video, or an image of a kind that is not taken; send {TAKEN}")
    return _written(data)


def _written(data: bytes) -> Kind:
    """Tell text from what only looks like it."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = None
    if text is None or any(character < " " and character not in "\t\n\r\f" for character in text) or "\x7f" in text:
        for beginning, name in _REFUSED:
            if data.startswith(beginning):
                raise BadInput(f"this is {name}; send {TAKEN}")
        raise BadInput(f"this is no kind of file that is taken (it begins with {data[:8].hex(' ')}); send {TAKEN}")
    start = text.lstrip()
    if not start:
        raise BadInput("the file holds only blanks")
    if start.startswith("<"):
        what = "an SVG image" if "<svg" in start[:4096].lower() else "HTML or XML"
        raise BadInput(f"this is {what}, which can act when it is opened; send {TAKEN}")
    if len(data) > LARGEST_TEXT:
        raise BadInput(f"the text holds {len(data):,} bytes; a text may hold {LARGEST_TEXT:,}")
    if start.startswith("{"):
        _check_tracking(data)
        return "tracking"
    return "text"


def _check_tracking(data: bytes) -> None:
    try:
        _tracking.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except msgspec.ValidationError as error:
        raise bad_input(error) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadInput(
            f"this begins like JSON and is none ({error}); tracking events are "
            '{"carrier": "...", "number": "...", "events": [{"at": "...", "status": "..."}]}'
        ) from None
