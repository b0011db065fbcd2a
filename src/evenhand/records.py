"""What comes in from a marketplace: orders, refund applications and merchants' own rules, as typed records.

The records check form: types, allowed values, lengths, time zones. What they mean together with what is stored (does the
order exist, is the amount left) is the desk's to check. `decode` turns hostile bytes into a record or one `BadInput` that
names the field.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeVar, cast

import msgspec
from msgspec import inspect

from evenhand.errors import BadInput
from evenhand.vocabulary import MOST_DAYS, MOST_MONEY

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
# A pattern for texts that say something: at least one character that is no space.
SAYS_SOMETHING: Final = r"\S"
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
# Minor units; the ceiling leaves room for sums of a billion such amounts in 64 bits.
Amount = Annotated[int, msgspec.Meta(gt=0, le=MOST_MONEY)]
Stage = Literal["unshipped", "in_transit", "received"]
Reason = Literal[
    "quality",
    "not_as_described",
    "counterfeit",
    "wrong_item",
    "missing_item",
    "damaged",
    "not_received",
    "no_reason",
    "other",
]


class OrderLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of goods in an order, from one merchant."""

    id: Id
    merchant: Id
    # price and freight, in minor units of the order's currency
    amount: Amount
    category: Annotated[str, msgspec.Meta(max_length=120)] = ""


class Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A buyer's review of an order; it counts for every merchant in the order."""

    id: Id
    score: Annotated[int, msgspec.Meta(ge=1, le=5)]
    at: Moment


# What a buyer used, as the marketplace writes it.
Used = Annotated[list[Annotated[str, msgspec.Meta(min_length=1, max_length=200)]], msgspec.Meta(max_length=8)]


class Attributes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a buyer used for an order or an application: other accounts that use the same may be linked with it.

    Only keyed hashes are kept; values are compared without case, width and punctuation. Send what identifies one thing: a
    device's fingerprint, the payment provider's token of a card (never its number), a phone number, a whole address.
    """

    address: Used = []
    device: Used = []
    payment: Used = []
    phone: Used = []


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order as far as it has come.

    Sent again with more filled in (shipped, delivered, reviewed) it moves forward; what was once said cannot be changed.
    """

    id: Id
    buyer: Id
    placed_at: Moment
    currency: Currency
    # an order cancelled before anything was allotted may have no lines
    lines: Annotated[list[OrderLine], msgspec.Meta(max_length=200)]
    promised_at: Moment | None = None
    shipped_at: Moment | None = None
    delivered_at: Moment | None = None
    reviews: Annotated[list[Review], msgspec.Meta(max_length=50)] = []
    # what the buyer used; not a part of the order as it is known, so more may be sent with any repetition
    attributes: Attributes | None = None


class Application(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A refund application: what a buyer files about one order line."""

    id: Id
    order: Id
    line: Id
    remedy: Literal["refund_only", "return_and_refund", "exchange"]
    stage: Stage
    reason: Reason
    # minor units
    amount: Amount
    currency: Currency
    # the moment the buyer filed it; null means now
    applied_at: Moment | None = None
    # references (names, links, hashes) to the evidence the buyer added
    evidence: Annotated[
        list[Annotated[str, msgspec.Meta(min_length=1, max_length=500)]], msgspec.Meta(max_length=20)
    ] = []
    # the buyer's own words
    comment: Annotated[str, msgspec.Meta(max_length=4000)] = ""
    # what the buyer used to file it; not a part of the application, so that it may come with other ones again
    attributes: Attributes | None = None


class MerchantRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a merchant has set for its own shop: which applications it answers in which way.

    A rule matches when everything it asks for holds; what it leaves out it does not ask for. Terms are never changed: a rule
    ends, and another begins.
    """

    # among the merchant's rules, for good
    id: Id
    decision: Literal["refund_without_return", "exchange", "partial_refund"]
    # null only where the request says whose it is
    merchant: Id | None = None
    # what was paid for the order line, both included, in minor units of the market's currency
    price_from: Amount | None = None
    price_to: Amount | None = None
    # of the order line; the empty text matches lines without a category
    categories: Annotated[list[Annotated[str, msgspec.Meta(max_length=120)]], msgspec.Meta(max_length=500)] = []
    reasons: Annotated[list[Reason], msgspec.Meta(max_length=9)] = []
    stages: Annotated[list[Stage], msgspec.Meta(max_length=3)] = []
    # days since receipt, at most; goods not received yet do not match then
    within_days: Annotated[int, msgspec.Meta(ge=0, le=MOST_DAYS)] | None = None
    # null means now
    valid_from: Moment | None = None
    # first moment it no longer holds
    deleted_at: Moment | None = None


class Market(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One platform or country site with its own policy, currency and time zone."""

    id: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9_-]{0,39}$")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=120, pattern=SAYS_SOMETHING)]
    # name of a policy; which version rules follows from the date
    policy: str
    currency: Currency
    # IANA name
    time_zone: str
    # a version that rules whatever the date; null follows the effective dates
    pinned: str | None = None


# How msgspec writes a large bound.
_BOUND: Final = re.compile(r"([<>]=? )(\d{5,})$")

R = TypeVar("R", Order, Application, MerchantRule)
T = TypeVar("T")

ORDER_DECODER = msgspec.json.Decoder(Order)
APPLICATION_DECODER = msgspec.json.Decoder(Application)
_RULE_DECODER = msgspec.json.Decoder(MerchantRule)

_decoders: dict[type, msgspec.json.Decoder[Any]] = {
    Order: ORDER_DECODER,
    Application: APPLICATION_DECODER,
    MerchantRule: _RULE_DECODER,
}


def decode(raw: bytes | msgspec.Raw, kind: type[R]) -> R:
    """Read one record from JSON; raises `BadInput` naming the field that is wrong."""
    return cast("R", _decoded(raw, _decoders[kind]))


def decode_as(raw: bytes, kind: type[T]) -> T:
    """Read any record from JSON, as `decode` does."""
    return cast("T", _decoded(raw, msgspec.json.Decoder(kind)))


def _decoded(raw: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[Any]) -> Any:
    try:
        record = decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise bad_input(error, decoder.type) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(no_json(bytes(raw), error)) from None
    except RecursionError:
        raise BadInput("this JSON is nested too deeply") from None
    # PostgreSQL's text holds every character but NUL; JSON can only write it escaped.
    if b"\\u0000" in bytes(raw):
        for field, text in _strings(msgspec.to_builtins(record)):
            if "\0" in text:
                raise BadInput("holds a NUL character", field=field)
    return record


def no_json(raw: bytes, error: msgspec.DecodeError | UnicodeDecodeError) -> str:
    """What to say of bytes that are no JSON at all."""
    if not raw.strip():
        return "the body is empty"
    try:
        raw.decode()
    except UnicodeDecodeError as wrong:
        # the position in the error of msgspec is that inside of one string
        return f"this is not UTF-8: byte 0x{raw[wrong.start]:02x} at position {wrong.start:,}"
    return f"this is not JSON: {error}"


def bad_input(error: msgspec.ValidationError, kind: type | None = None) -> BadInput:
    """Turn msgspec's message (``Expected `int`, got `str` - at `$.lines[0].amount` ``) into a field and a detail.

    Where `kind`, what was to be read, is told, a choice that there is not comes with those there are.
    """
    detail, _, path = str(error).partition(" - at `$")
    field = path.removesuffix("`").removeprefix(".")
    for opening in ("Object missing required field `", "Object contains unknown field `"):
        if detail.startswith(opening):
            name = detail.removeprefix(opening).removesuffix("`")
            field = f"{field}.{name}" if field else name
            detail = "is required" if "missing" in opening else "is not a field of this record"
    if detail.startswith("Invalid enum value ") and (allowed := _allowed(kind, field)):
        detail += f", not one of {', '.join(allowed)}"
    if detail.startswith("Expected `str` matching regex") and detail.endswith(r"\\S'"):
        detail = "holds spaces only: write something in it"
    detail = _BOUND.sub(lambda bound: f"{bound[1]}{int(bound[2]):,}", detail)
    return BadInput(detail[:1].lower() + detail[1:], field=field)


def _allowed(kind: type | None, field: str) -> list[str]:
    """The choices there are for the field of a record (`lines[0].kind`)."""
    found: inspect.Type | None = inspect.type_info(kind) if kind is not None else None
    for name in field.replace("[", ".[").split("."):
        while isinstance(found, inspect.Metadata):
            found = found.type
        kinds = found.types if isinstance(found, inspect.UnionType) else (found,)
        found = None
        for one in kinds:
            if isinstance(one, inspect.StructType):
                found = next((part.type for part in one.fields if part.encode_name == name), found)
            elif isinstance(one, inspect.ListType) and name.startswith("["):
                found = one.item_type
    kinds = found.types if isinstance(found, inspect.UnionType) else (found,)
    return [str(choice) for one in kinds if isinstance(one, inspect.LiteralType) for choice in one.values]


def _strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Walk every string of plain JSON data with its path."""
    match value:
        case str():
            yield path, value
        case dict():
            for key, inner in cast("dict[str, Any]", value).items():
                yield from _strings(inner, f"{path}.{key}" if path else key)
        case list():
            for index, inner in enumerate(cast("list[Any]", value)):
                yield from _strings(inner, f"{path}[{index}]")
        case _:
            pass
