"""Accounts over HTTP, for the marketplace that holds the key; and how many applications were intercepted, by cause.

Ids are the marketplace's, and some are no part of an address: `a/b`, `..`. Those come in the query, `/v1/accounts/-?id=a%2Fb`; so
do those of orders and merchants elsewhere.
"""

from datetime import date
from typing import Annotated, Final

import msgspec
from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from evenhand.accounts.state import AccountKind
from evenhand.desk import Desk
from evenhand.errors import BadInput
from evenhand.interceptions import daily
from evenhand.profiles import AccountShown, profile_at
from evenhand.web.api import From, To
from evenhand.web.lookup import Lookup, in_order
from evenhand.web.policies import known
from evenhand.web.problems import Refused, existing

# What stands in an address for an id that comes in the query.
ELSEWHERE: Final = "-"
IdInQuery = Annotated[
    str | None,
    QueryParameter(
        name="id",
        max_length=120,
        description="An id that no address can hold, such as a/b or ..; the address has - for it.",
    ),
]
At = Annotated[
    date | None,
    QueryParameter(
        description="As of the end of this day in the market's time zone; else now, and of a synthetic market its last event."
    ),
]
_json: Final = msgspec.json.Encoder(decimal_format="number")


class Interception(msgspec.Struct, frozen=True):
    """Applications intercepted in one market on one day for one cause."""

    market: str
    day: date
    # the sign of abuse that the row which refused goes by (malicious_label, watched_label, reused_evidence, empty_parcel,
    # frequent_counterfeit_claims, frequent_refund_only, abuse_score), else the code of the reason the person was told
    cause: str
    applications: int
    # minor units of the market's currency
    asked: int
    currency: str
    # how many of them a later decision, on appeal, turned over
    overturned: int


def routes(desk: Desk, lookup: Lookup) -> list[HTTPRouteHandler]:
    """The handlers of accounts."""

    @get("/v1/accounts/{account:str}", summary="An account", tags=["accounts"])
    async def account(
        account: Annotated[str, PathParameter(max_length=120, description="The marketplace's id.")],
        market: Annotated[str, QueryParameter(description="Its market.")],
        kind: Annotated[AccountKind, QueryParameter(description="buyer or merchant.")] = "buyer",
        named: IdInQuery = None,
        at: At = None,
    ) -> Response[AccountShown]:
        """Each fact, each score with its points and what would raise it, labels. Facts and texts in both languages.

        As of a day, or of now; of a synthetic market, whose history ended long ago, as of its last event (`at_last_event`).
        """
        shown = _json.encode(await account_shown(desk, lookup, market, meant(account, named), kind, at))
        return Response(shown, media_type=MediaType.JSON)  # pyright: ignore[reportReturnType] - numbers stay exact

    @get("/v1/interceptions", summary="Interceptions per day", tags=["accounts"])
    async def interceptions(
        market: Annotated[str | None, QueryParameter(description="Only of this market.")] = None,
        since: From = None,
        until: To = None,
    ) -> list[Interception]:
        """How many applications were declined, by market, day of the market's time zone, and cause: what the person was told."""
        return await intercepted(lookup, market, since, until)

    return [account, interceptions]


def meant(account: str, named: str | None, field: str = "id") -> str:
    """The id that is asked for: the address's, or the query's in its place. Raises `BadInput` where both are given."""
    if named is None:
        return account
    if account != ELSEWHERE:
        raise BadInput(
            f"stands for an id that the address cannot hold, and the address has {ELSEWHERE} for it", field=field
        )
    return named


def plain(text: str) -> str:
    """An id of the address, which PostgreSQL must be able to hold; raises `Refused` (404) for one with a NUL character."""
    if "\0" in text:
        raise Refused("not-found", "no id holds a NUL character")
    return text


async def account_shown(
    desk: Desk, lookup: Lookup, market: str, account: str, kind: AccountKind, at: date | None
) -> AccountShown:
    """An account as of a day, or now (of a synthetic market, its last event); raises `Refused` (404) when there is none such."""
    found = desk.markets[known(desk, market)]
    if "\0" in account:
        raise Refused("not-found", "no id holds a NUL character", field="account")
    async with existing(), lookup.reading() as connection:
        return await profile_at(connection, found, account, kind, at, desk.now())


async def intercepted(lookup: Lookup, market: str | None, since: date | None, until: date | None) -> list[Interception]:
    """Interceptions of one market or all between two days, both included."""
    numbers = lookup.market_numbers(market)
    in_order(since, until)
    async with lookup.reading() as connection:
        found = await daily(connection, numbers, since, until)
    return [
        Interception(one.market, one.day, one.cause, one.applications, one.asked, one.currency, one.overturned)
        for one in found
    ]
