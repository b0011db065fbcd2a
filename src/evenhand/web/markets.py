"""Opening markets over HTTP."""

from typing import Any

from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler

from evenhand.desk import Desk
from evenhand.records import Market, decode_as
from evenhand.store import Database
from evenhand.web.api import MarketShown
from evenhand.web.asgi import JSON
from evenhand.web.keys import Keys
from evenhand.web.taking import body, reaching, takes


def routes(desk: Desk, database: Database) -> list[HTTPRouteHandler]:
    """The handler that opens a market."""
    keys = Keys(database)

    @post("/v1/markets", summary="Open a market", tags=["markets"], operation_class=takes("Market"), status_code=201)
    async def add(request: "Request[Any, Any, Any]") -> Response[MarketShown]:
        """A platform or country site that follows a policy by its dates, or one version for good (`pinned`). The same again is
        answered by 200; the same id with other settings is a conflict."""
        market = decode_as(await body(request, keys, JSON), Market)
        known = market.id in desk.markets
        async with reaching():
            await desk.add_market(market)
        shown = MarketShown(
            market.id, market.name, desk.markets[market.id].synthetic, market.currency, market.time_zone, market.policy,
            market.pinned,
        )  # fmt: skip
        return Response(shown, status_code=200 if known else 201)

    return [add]
