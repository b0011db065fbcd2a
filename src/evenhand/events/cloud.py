"""An event as the outside reads it: CloudEvents 1.0 in JSON."""

from datetime import datetime
from typing import Any, Final, Literal

import msgspec

PREFIX: Final = "evenhand."
CONTENT_TYPE: Final = "application/cloudevents+json"
_json: Final = msgspec.json.Encoder(decimal_format="number")


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event. Sent or read again it is the same, `id` included: keep the ids you have seen, and drop what comes twice."""

    specversion: Literal["1.0"] = "1.0"
    # place in the log, so it grows; together with `source` it names the event
    id: str
    # the market's address, or that of the API
    source: str
    # `evenhand.ruling.issued`, `evenhand.case.escalated` ...
    type: str
    # the case's number; not there where an event is about no case
    subject: str | msgspec.UnsetType = msgspec.UNSET
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    # what the type says: amounts are integers in minor units, with the currency beside
    data: dict[str, Any]


def cloud_event(
    event_id: str, kind: str, market: str | None, case_no: int | None, at: datetime, data: dict[str, Any]
) -> CloudEvent:
    """An event of ours (`kind` is `ruling.issued`) as a CloudEvent."""
    return CloudEvent(
        id=event_id,
        source=f"/v1/markets/{market}" if market else "/v1",
        type=PREFIX + kind,
        subject=msgspec.UNSET if case_no is None else str(case_no),
        time=at,
        data=data,
    )


def encoded(event: CloudEvent) -> bytes:
    """The event's bytes; the same event has the same bytes."""
    return _json.encode(event)
