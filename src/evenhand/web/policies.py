"""Publishing over HTTP: what rules a market, and from when on."""

import asyncio
from datetime import date
from typing import Annotated, Any, Final

from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from evenhand.desk import Desk
from evenhand.policy import Policy, PolicyError
from evenhand.publishing import Publication, checked, publications, publish, withdraw
from evenhand.store import Database
from evenhand.web.keys import once
from evenhand.web.problems import Refused, existing
from evenhand.web.taking import MARKDOWN, TakesMarkdown, content, transaction

Market = Annotated[str, PathParameter(description="The market's id.")]
By = Annotated[str, QueryParameter(name="by", max_length=120, description="Who does it, as the list will say.")]
_VIA: Final = "HTTP API"


def routes(desk: Desk, database: Database) -> list[HTTPRouteHandler]:
    """The handlers of a market's publications."""

    @get("/v1/markets/{market:str}/policies", summary="What rules a market", tags=["policies"])
    async def published(market: Market) -> list[Publication]:
        """Every version published for the market, in the order it rules, with its state: past, in force, scheduled, withdrawn."""
        async with transaction(database) as connection:
            return await publications(connection, known(desk, market), desk.now())

    @post(
        "/v1/markets/{market:str}/policies",
        summary="Publish a policy version",
        tags=["policies"],
        operation_class=TakesMarkdown,
        status_code=201,
    )
    async def publish_one(
        request: "Request[Any, Any, Any]",
        market: Market,
        effective: Annotated[
            date | None,
            QueryParameter(
                description="First day it rules, in the market's time zone; the document's own unless told."
            ),
        ] = None,
        by: By = _VIA,
    ) -> Response[Publication]:
        """The document must pass its check. Days that have begun are not published over; a published version never changes, and
        can be withdrawn until it takes effect. The same again is answered by 200."""
        known(desk, market)
        raw = await content(request, MARKDOWN)
        policy = await asyncio.to_thread(_read, raw)
        async with transaction(database) as connection:

            async def make() -> tuple[Publication, bool]:
                before = await publications(connection, market, desk.now())
                done = await publish(connection, market, policy, effective=effective, by=by, now=desk.now())
                return done, done not in before

            done, is_new = await once(connection, request, make, tuple[Publication, bool])
        await desk.refresh()
        return Response(done, status_code=201 if is_new else 200)

    @delete(
        "/v1/markets/{market:str}/policies/{name:str}/{version:str}",
        summary="Withdraw a scheduled version",
        tags=["policies"],
        status_code=200,
    )
    async def withdraw_one(
        market: Market,
        name: Annotated[str, PathParameter(description="The policy's name.")],
        version: Annotated[str, PathParameter(description="The version.")],
        by: By = _VIA,
    ) -> Publication:
        """Only until it takes effect; the version before it rules on."""
        known(desk, market)
        async with existing(), transaction(database) as connection:
            done = await withdraw(connection, market, name, version, by=by, now=desk.now())
        await desk.refresh()
        return done

    return [published, publish_one, withdraw_one]


def known(desk: Desk, market: str) -> str:
    """The market's id; raises `Refused` (404) when there is none such."""
    if market not in desk.markets:
        raise Refused("not-found", f"there is no market {market[:120]!r}", field="market")
    return market


def _read(raw: bytes) -> Policy:
    """A document that passes its check; raises `Refused` or `BadInput`."""
    try:
        policy = Policy.parse(raw.decode())
        checked(policy)
    except UnicodeDecodeError as error:
        raise Refused("bad-input", f"the document is not UTF-8 (byte {error.start})") from None
    except PolicyError as error:
        raise Refused("bad-input", str(error)) from None
    return policy
