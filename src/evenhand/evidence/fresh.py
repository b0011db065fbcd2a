"""A fresh photograph on request: somebody asks for one that shows a code, written by hand beside the goods.

A photograph taken for another case, or made up before, cannot show the code. Whether it does is for a person to say: no program
here looks for it, and none tries to tell made-up pictures from real ones, as published detectors miss most of them. What can be
told without looking is: who showed the photograph, when, in which case, and that it has answered no other request.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
import asyncpg.pool
import msgspec

from evenhand.errors import BadInput, Conflict, UnknownThing
from evenhand.evidence.content import IMAGES
from evenhand.evidence.reuse import Asked, show_in_case
from evenhand.naming import person
from evenhand.store import Queries

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

_sql: Final = Queries.load("evidence")
# Without the letters and digits that hands write alike.
_ALPHABET: Final = "ACDEFGHJKLMNPQRTUVWXY346789"
_LENGTH: Final = 6
_LONGEST: Final = 24 * 30


class PhotoCheck(msgspec.Struct, frozen=True):
    """What a person saw on the photograph that answered."""

    evidence: str
    shows_code: bool
    checked_by: str
    checked_at: datetime
    note: str


class PhotoRequest(msgspec.Struct, frozen=True):
    """A fresh photograph that was asked for."""

    request: str
    case: str
    # to be written by hand and laid beside the goods
    code: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    # null until a person has looked at an answer
    check: PhotoCheck | None
    # photographs shown in the case that the camera itself vouches for, taken after the goods came: this one may not be needed
    vouched: list[str] = []


async def ask(connection: Connection, case: int, asked_by: str, hours: int, now: datetime) -> PhotoRequest:
    """Ask for a fresh photograph in a case, to come within `hours`; raises `BadInput`, `UnknownThing`."""
    asked_by = person(asked_by, "asked_by")
    if not 1 <= hours <= _LONGEST:
        raise BadInput(f"is between 1 and {_LONGEST}", field="hours")
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    try:
        number = await connection.fetchval(_sql.ask_photo, case, code, asked_by, now, now + timedelta(hours=hours))
    except asyncpg.ForeignKeyViolationError:
        raise UnknownThing(f"there is no case {case}", field="case") from None
    return _request(await connection.fetchrow(_sql.photo_request, number))


async def requests(connection: Connection, case: int) -> list[PhotoRequest]:
    """The photographs asked for in a case, oldest first."""
    return [_request(row) for row in await connection.fetch(_sql.photo_requests, case)]


async def check(
    connection: Connection,
    request: int,
    evidence: str,
    checked_by: str,
    now: datetime,
    *,
    shows_code: bool,
    note: str = "",
) -> PhotoRequest:
    """Write down what a person saw on the photograph that answers a request, once.

    A photograph that was shown in no case yet is shown in this one from now on.

    Raises `UnknownThing` for a request or evidence there is not, `BadInput` when the evidence cannot be the answer (no image, not
    the buyer's, another market's or case's, received before it was asked for or after the time was up), `Conflict` when the
    request was looked at before or the photograph has answered another.
    """
    checked_by = person(checked_by, "checked_by")
    if len(note) > 4000 or "\0" in note:
        raise BadInput("is a text of at most 4,000 characters", field="note")
    asked = await connection.fetchrow(_sql.photo_request, request)
    if asked is None:
        raise UnknownThing(f"there is no request {request}", field="request")
    case = asked["case_no"]
    shown = await connection.fetchrow(_sql.answer, evidence, case) if "\0" not in evidence else None
    if shown is None:
        raise UnknownThing(f"there is no evidence {evidence[:60]!r}", field="evidence")
    _check_answer(asked, shown)
    if other := await connection.fetchval(_sql.answered, shown["no"], shown["sealed"], request):
        raise Conflict(f"this photograph has answered request {other} already; ask for another", field="evidence")
    if await connection.fetchval(_sql.check_photo, request, evidence, shows_code, checked_by, now, note) is None:
        raise Conflict(f"request {request} was looked at before", field="request")
    if not shown["here"]:
        of = await connection.fetchrow(_sql.line_of_case, case)
        assert of is not None
        await show_in_case(connection, case, Asked(0, of["market"], of["line"], now, (evidence,)))
    return _request(await connection.fetchrow(_sql.photo_request, request))


def _check_answer(asked: Any, shown: Any) -> None:
    """Raises `BadInput` where the evidence cannot be what was asked for."""
    if shown["kind"] not in IMAGES:
        raise BadInput("is no photograph", field="evidence")
    if shown["market"] != asked["market_id"]:
        raise BadInput("belongs to another market", field="evidence")
    if shown["party"] != "buyer":
        raise BadInput("was not shown by the buyer, of whom it is asked", field="evidence")
    if shown["elsewhere"] and not shown["here"]:
        raise BadInput("was shown in another case", field="evidence")
    if shown["received_at"] < asked["asked_at"]:
        raise BadInput("came before the photograph was asked for", field="evidence")
    if shown["received_at"] > asked["expires_at"]:
        raise BadInput("came after the time for it was up; ask for another", field="evidence")


def _request(row: Any) -> PhotoRequest:
    seen = None
    if row["shows_code"] is not None:
        seen = PhotoCheck(row["evidence"], row["shows_code"], row["checked_by"], row["checked_at"], row["note"])
    return PhotoRequest(
        str(row["no"]), str(row["case_no"]), row["code"], row["asked_by"], row["asked_at"], row["expires_at"], seen,
        row["vouched"],
    )  # fmt: skip
