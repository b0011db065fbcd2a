"""Links over HTTP, for the marketplace's own people: who a buyer is linked with, why, and who acts together.

None of it is for merchants: it says which buyers live or pay together, and a finding is evidence for a person, not a verdict.
"""

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from evenhand.accounts.links.explaining import Explained, Links, explain, links_of
from evenhand.accounts.links.findings import Finding, Verdict, findings, judge, look
from evenhand.desk import Desk
from evenhand.profiles import moment_of
from evenhand.records import decode_as
from evenhand.store import Database
from evenhand.web.accounts import At, IdInQuery, meant
from evenhand.web.asgi import JSON
from evenhand.web.keys import once
from evenhand.web.lookup import Lookup
from evenhand.web.policies import known
from evenhand.web.problems import Refused, existing
from evenhand.web.taking import content, takes, transaction

Account = Annotated[str, PathParameter(max_length=120, description="The buyer, by the marketplace's id.")]
InMarket = Annotated[str, QueryParameter(description="Its market.")]


class Judgement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person's verdict on a finding, given once."""

    verdict: Verdict
    by: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    note: Annotated[str, msgspec.Meta(max_length=4000)] | None = None


class Looked(msgspec.Struct, frozen=True):
    """What looking for rings found."""

    # findings that were not known before
    new: int
    findings: list[Finding]


def routes(desk: Desk, database: Database, lookup: Lookup) -> list[HTTPRouteHandler]:
    """The handlers."""

    @get("/v1/accounts/{account:str}/links", summary="Who a buyer is linked with", tags=["accounts"])
    async def links(account: Account, market: InMarket, named: IdInQuery = None) -> Links:
        """Its ring: each account with the path that links it, the kinds of what they share and by how many it is used. What is
        used by too many (`hub`) links nobody. The things themselves are known to nobody: only keyed hashes are kept."""
        return await links_shown(desk, lookup, market, meant(account, named))

    @get("/v1/accounts/{account:str}/links/{other:str}", summary="Why two buyers are linked", tags=["accounts"])
    async def path(
        account: Account,
        other: Annotated[str, PathParameter(max_length=120, description="The other buyer.")],
        market: InMarket,
        named: IdInQuery = None,
        other_named: Annotated[
            str | None, QueryParameter(name="other_id", max_length=120, description="The same for the other buyer.")
        ] = None,
    ) -> Explained:
        """The path that links them; where there is none, what the two share without being linked by it."""
        known(desk, market)
        account, other = meant(account, named), meant(other, other_named, "other_id")
        for field, name in (("account", account), ("other", other)):
            if "\0" in name:
                raise Refused("not-found", "no id holds a NUL character", field=field)
        async with existing(), lookup.reading() as connection:
            return await explain(connection, market, account, other)

    @get("/v1/ring-findings", summary="Groups that act together", tags=["accounts"])
    async def found(
        market: Annotated[str | None, QueryParameter(description="Only of this market.")] = None,
        judged: Annotated[bool, QueryParameter(description="Those with a verdict too.")] = False,
    ) -> list[Finding]:
        """Buyers who dispute with the same stores more than chance explains, densest first: evidence for a person."""
        if market is not None:
            known(desk, market)
        async with lookup.reading() as connection:
            return await findings(connection, market, judged=judged)

    @post("/v1/markets/{market:str}/ring-findings", summary="Look for rings", tags=["accounts"], status_code=200)
    async def search(
        market: Annotated[str, PathParameter(max_length=120, description="The market's id.")], at: At = None
    ) -> Looked:
        """Looks through the disputes of the market's last 90 days, or of the 90 days before the end of `at`.

        A finding labels nobody and no ruling reads it.
        """
        known(desk, market)
        async with transaction(database) as connection:
            now = desk.now()
            until, _ = await moment_of(connection, desk.markets[market], at, now)
            new = await look(connection, market, now, until=until)
            return Looked(new, await findings(connection, market))

    @post(
        "/v1/ring-findings/{number:int}/judge",
        summary="Judge a finding",
        tags=["accounts"],
        operation_class=takes("Judgement"),
        status_code=200,
    )
    async def judged(
        request: "Request[Any, Any, Any]",
        number: Annotated[int, PathParameter(ge=1, le=2**31 - 1, description="The finding's number.")],
    ) -> Judgement:
        """A person's verdict, once. It labels nobody: whoever confirms it looks at the cases and decides what follows."""
        asked = decode_as(await content(request, JSON), Judgement)
        async with existing(), transaction(database) as connection:

            async def make() -> Judgement:
                await judge(connection, number, asked.verdict, by=asked.by, now=desk.now(), note=asked.note)
                return asked

            return await once(connection, request, make, Judgement)

    return [links, path, found, search, judged]


async def links_shown(desk: Desk, lookup: Lookup, market: str, account: str) -> Links:
    """Who a buyer is linked with; raises `Refused` (404) when there is none such."""
    known(desk, market)
    if "\0" in account:
        raise Refused("not-found", "no id holds a NUL character", field="account")
    async with existing(), lookup.reading() as connection:
        return await links_of(connection, market, account)
