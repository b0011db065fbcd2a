"""Bodies of records: one object, a JSON array, or NDJSON, with every item either a record or what is wrong with it."""

import re
from codecs import BOM_UTF8
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec

from evenhand.errors import BadInput
from evenhand.records import APPLICATION_DECODER, ORDER_DECODER, Application, Order, decode, no_json
from evenhand.web.problems import Refused

Form = Literal["object", "array", "ndjson"]
R = TypeVar("R", Order, Application)

MOST_ITEMS: Final = 10_000
NDJSON: Final = "application/x-ndjson"
_raw_items: Final = msgspec.json.Decoder(list[msgspec.Raw])
_one: Final[dict[type, msgspec.json.Decoder[Any]]] = {Order: ORDER_DECODER, Application: APPLICATION_DECODER}
_many: Final[dict[type, msgspec.json.Decoder[Any]]] = {
    Order: msgspec.json.Decoder(list[Order]),
    Application: msgspec.json.Decoder(list[Application]),
}
_first: Final = re.compile(rb"[ \t\r\n]*(.?)", re.DOTALL)


@dataclass(slots=True)
class Body(Generic[R]):
    """A body, item by item in its order."""

    form: Form
    items: list[R | BadInput]
    # the line each item came from, for NDJSON
    lines: list[int]

    def line(self, place: int) -> int | None:
        return self.lines[place] if self.lines else None


def read(content_type: bytes | None, body: bytes, kind: type[R]) -> Body[R]:
    """Read a body; raises `Refused` when it is none of the three forms, or holds too many items."""
    media = (content_type or b"").split(b";", 1)[0].strip().lower()
    body = body.removeprefix(BOM_UTF8)
    if media == b"application/json":
        first = _first.match(body)
        if first is not None and first[1] == b"[":
            return Body("array", _array(body, kind), [])
        return Body("object", [_read(body, kind)], [])
    if media in (b"application/x-ndjson", b"application/ndjson", b"application/jsonl"):
        lines = [(number, line) for number, line in enumerate(body.split(b"\n"), start=1) if line.strip()]
        _check_count(len(lines))
        return Body("ndjson", [_read(line, kind) for _, line in lines], [number for number, _ in lines])
    raise Refused(
        "unsupported-media-type",
        f"send application/json or {NDJSON}, not {media.decode('latin-1') or 'a body without Content-Type'}",
    )


def _read(raw: bytes, kind: type[R]) -> R | BadInput:
    """Read one record the fast way; what is wrong, or may be (an escaped NUL), is read again with care."""
    if b"\\u0000" not in raw:
        try:
            return _one[kind].decode(raw)
        except Exception:  # noqa: S110
            pass
    return _read_with_care(raw, kind)


def _read_with_care(raw: bytes | msgspec.Raw, kind: type[R]) -> R | BadInput:
    try:
        return decode(raw, kind)
    except BadInput as error:
        return error


def _array(body: bytes, kind: type[R]) -> list[R | BadInput]:
    if b"\\u0000" not in body:
        try:
            records = _many[kind].decode(body)
        except Exception:  # noqa: S110 - below, item by item
            pass
        else:
            _check_count(len(records))
            return records
    try:
        raws = _raw_items.decode(body)
    except RecursionError:
        raise Refused("bad-input", "this JSON is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused("bad-input", no_json(body, error)) from None
    _check_count(len(raws))
    return [_read_with_care(raw, kind) for raw in raws]


def _check_count(count: int) -> None:
    if count > MOST_ITEMS:
        raise Refused("too-large", f"a request may hold {MOST_ITEMS:,} items, this one holds {count:,}")
