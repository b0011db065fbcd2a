"""A file is what its content is; what is not taken is refused with a word on what it seems to be."""

import gzip
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.errors import BadInput
from evenhand.evidence.content import LARGEST_FILE, LARGEST_TEXT, kind_of

from .pictures import noise, saved

TRACKING = b'{"carrier": "SF", "number": "1", "events": [{"at": "2026-02-01T08:00:00+08:00", "status": "signed"}]}'


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("photo.jpg", b"\0" * 1_000_000)
    return target.getvalue()


@pytest.mark.parametrize(("form", "kind"), [("JPEG", "jpeg"), ("PNG", "png"), ("WEBP", "webp"), ("GIF", "gif")])
def test_images_are_known_by_their_beginning(form: str, kind: str) -> None:
    assert kind_of(saved(noise(1, 16), form)) == kind


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n...", "pdf"),
        ("包裹是空的。".encode(), "text"),
        (b"\xef\xbb\xbfwith a byte order mark\r\n", "text"),
        (b"[photo] it is broken", "text"),
        (TRACKING, "tracking"),
        (b"\xef\xbb\xbf" + TRACKING, "tracking"),
    ],
)
def test_what_else_is_taken(data: bytes, kind: str) -> None:
    assert kind_of(data) == kind


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b" \n\t ", "blanks"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "SVG"),
        (b'\xef\xbb\xbf\n<?xml version="1.0"?><svg onload="alert(1)"/>', "SVG"),
        (b"<!doctype html><script>alert(1)</script>", "HTML"),
        (zipped(), "ZIP"),
        (gzip.compress(b"\0" * 100_000), "gzip"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "7z"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "video"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "not taken"),
        (b"MZ\x90\0\3\0", "program"),
        (b"II*\0\x08\0\0\0", "TIFF"),
        (b"\xff\xfe\x00h\x00i", "no kind of file"),
        (b"text with a NUL \0 in it", "no kind of file"),
        (b"text \x1b[31m that paints a terminal", "no kind of file"),
        (b"x" * (LARGEST_TEXT + 1), "a text may hold 65,536"),
        (b"\xff\xd8\xff" + b"\0" * LARGEST_FILE, "12,582,912"),
    ],
)
def test_what_is_refused_is_named(data: bytes, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        kind_of(data)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (TRACKING.replace(b"+08:00", b""), "events[0].at"),
        (TRACKING.replace(b'"status": "signed"', b'"status": 5'), "events[0].status"),
        (b'{"carrier": "SF", "number": "1", "events": []}', "events"),
        (TRACKING.replace(b'"number": "1", ', b""), "number"),
        (b'{"carrier": ', ""),
        (b'{"a":' * 100_00 + b"1" + b"}" * 100_00, "a"),
    ],
)
def test_tracking_events_that_are_wrong_name_the_place(data: bytes, field: str) -> None:
    with pytest.raises(BadInput) as raised:
        kind_of(data)
    assert raised.value.field == field


@given(st.binary(max_size=300))
def test_any_bytes_are_a_kind_or_bad_input(data: bytes) -> None:
    try:
        said = kind_of(data)
    except BadInput as error:
        said = str(error)
    assert said
    assert said not in ("text", "tracking") or b"\0" not in data
