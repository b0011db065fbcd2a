"""Custody over HTTP: who had evidence in hand, how long it is kept, legal holds."""

from collections.abc import Awaitable
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from evenhand.cases.keeping import settings_of
from evenhand.desk import Desk
from evenhand.errors import UnknownThing
from evenhand.evidence import holds
from evenhand.evidence.holds import Hold
from evenhand.evidence.log import CustodyLog, custody_of
from evenhand.evidence.retention import Keeping, Retention, keeping_of, retention, set_retention
from evenhand.records import decode_as
from evenhand.store import Database, Queries
from evenhand.web.asgi import JSON
from evenhand.web.cases import case_number
from evenhand.web.evidence import CaseNumber, EvidenceId
from evenhand.web.keys import Keys, once
from evenhand.web.policies import Market, known
from evenhand.web.problems import existing
from evenhand.web.taking import body, content, takes, transaction

_cases = Queries.load("cases")
Who = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]


class PlaceHold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person places a case under legal hold, or lifts its hold."""

    by: Who
    why: Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]


class SetRetention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a market keeps evidence."""

    by: Who
    # after the last case it was shown in has ended; null: as long as a closed case can be appealed
    months: Annotated[int, msgspec.Meta(ge=1, le=240)] | None = None


def routes(desk: Desk, database: Database) -> list[HTTPRouteHandler]:
    """The handlers."""
    keys = Keys(database)

    @get("/v1/evidence/{evidence:str}/custody", summary="The custody log of evidence", tags=["evidence"])
    async def log(evidence: EvidenceId) -> CustodyLog:
        """Who took it in, looked at it, took the original out or removed it; and whether the log is unbroken."""
        async with existing(), transaction(database) as connection:
            return await custody_of(connection, evidence)

    @get("/v1/markets/{market:str}/evidence-retention", summary="How long evidence is kept", tags=["evidence"])
    async def kept(market: Market) -> Retention:
        """In months after the last case it was shown in has ended."""
        number = desk.markets[known(desk, market)].number
        async with transaction(database) as connection:
            return (await retention(connection, [number]))[number]

    @put(
        "/v1/markets/{market:str}/evidence-retention",
        summary="Keep evidence so long",
        tags=["evidence"],
        operation_class=takes("SetRetention"),
    )
    async def keep(request: "Request[Any, Any, Any]", market: Market) -> Retention:
        """From now on, for what is kept already too. Not shorter than a closed case can be appealed."""
        number = desk.markets[known(desk, market)].number
        asked = decode_as(await body(request, keys, JSON), SetRetention)
        async with transaction(database) as connection:
            settings = (await settings_of(connection, number))[0]
            await set_retention(connection, number, asked.months, settings, by=asked.by, now=desk.now())
            return (await retention(connection, [number]))[number]

    @get("/v1/cases/{case:str}/evidence-keeping", summary="What becomes of a case's evidence", tags=["evidence"])
    async def keeping(case: CaseNumber) -> Keeping:
        """Until when it is kept, and whether the case is under legal hold."""
        number = case_number(case)
        async with existing(), transaction(database) as connection:
            if await connection.fetchval(_cases.exists, number) is None:
                raise UnknownThing(f"there is no case {number}", field="case")
            return await keeping_of(connection, number)

    @post(
        "/v1/cases/{case:str}/legal-hold",
        summary="Place a case under legal hold",
        tags=["evidence"],
        operation_class=takes("PlaceHold"),
        status_code=201,
    )
    async def hold(request: "Request[Any, Any, Any]", case: CaseNumber) -> Hold:
        """From now on nothing shown in it is removed and none of its parties is erased. Held already: a conflict."""
        asked = decode_as(await content(request, JSON), PlaceHold)
        async with existing(), transaction(database) as connection:

            def make() -> Awaitable[Hold]:
                return holds.place(connection, case_number(case), by=asked.by, why=asked.why, now=desk.now())

            return await once(connection, request, make, Hold)

    @post(
        "/v1/cases/{case:str}/legal-hold/lift",
        summary="Lift a legal hold",
        tags=["evidence"],
        operation_class=takes("PlaceHold"),
        status_code=200,
    )
    async def lift(request: "Request[Any, Any, Any]", case: CaseNumber) -> Hold:
        """Retention and erasure go on; that the case was held stays written down."""
        asked = decode_as(await content(request, JSON), PlaceHold)
        async with existing(), transaction(database) as connection:

            def make() -> Awaitable[Hold]:
                return holds.lift(connection, case_number(case), by=asked.by, why=asked.why, now=desk.now())

            return await once(connection, request, make, Hold)

    @get("/v1/legal-holds", summary="Legal holds that stand", tags=["evidence"])
    async def standing(
        market: Annotated[str | None, QueryParameter(description="Only of this market.")] = None,
    ) -> list[Hold]:
        """The newest first, at most 500."""
        names = [market] if market is not None else list(desk.markets)
        numbers = [desk.markets[known(desk, name)].number for name in names]
        async with transaction(database) as connection:
            return await holds.standing(connection, numbers)

    return [log, kept, keep, keeping, hold, lift, standing]
