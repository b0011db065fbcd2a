"""Merchants' own rules over HTTP."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from evenhand.accounts.rule_book import end_rule, rules_of, set_rules
from evenhand.desk import Desk
from evenhand.errors import BadInput, EvenhandError
from evenhand.records import MerchantRule, decode
from evenhand.store import Database
from evenhand.web.accounts import IdInQuery, meant, plain
from evenhand.web.asgi import JSON
from evenhand.web.keys import Keys
from evenhand.web.policies import Market, known
from evenhand.web.problems import existing
from evenhand.web.taking import TakesRule, body, transaction

Merchant = Annotated[str, PathParameter(max_length=120, description="The merchant's id.")]


def routes(desk: Desk, database: Database) -> list[HTTPRouteHandler]:
    """The handlers of a merchant's rules."""
    keys = Keys(database)

    @get("/v1/markets/{market:str}/merchants/{merchant:str}/rules", summary="A merchant's rules", tags=["merchants"])
    async def rules(market: Market, merchant: Merchant, named: IdInQuery = None) -> list[MerchantRule]:
        """In the order they were set, with those that have ended."""
        async with transaction(database) as connection:
            return await rules_of(connection, known(desk, market), plain(meant(merchant, named)))

    @post(
        "/v1/markets/{market:str}/merchants/{merchant:str}/rules",
        summary="Set a rule",
        tags=["merchants"],
        operation_class=TakesRule,
        status_code=201,
    )
    async def set_one(
        request: "Request[Any, Any, Any]", market: Market, merchant: Merchant, named: IdInQuery = None
    ) -> Response[MerchantRule]:
        """What the merchant has set for its own shop; which applications it answers in which way. Terms are never changed: a rule
        ends, and another begins under another id. The same again is answered by 200."""
        known(desk, market)
        rule, merchant = decode(await body(request, keys, JSON), MerchantRule), plain(meant(merchant, named))
        if rule.merchant not in (None, merchant):
            raise BadInput(f"the address names merchant {merchant!r}", field="merchant")
        rule = msgspec.structs.replace(rule, merchant=merchant)
        async with transaction(database) as connection:
            (answer,) = await set_rules(connection, market, [rule], desk.now())
        if isinstance(answer, EvenhandError):
            raise answer
        await desk.refresh()
        return Response(answer.rule, status_code=200 if answer.repeated else 201)

    @delete(
        "/v1/markets/{market:str}/merchants/{merchant:str}/rules/{rule:str}",
        summary="End a rule",
        tags=["merchants"],
        status_code=200,
    )
    async def end_one(
        market: Market,
        merchant: Merchant,
        rule: Annotated[str, PathParameter(max_length=120, description="The rule's id.")],
        named: IdInQuery = None,
        named_rule: Annotated[
            str | None,
            QueryParameter(name="rule", max_length=120, description="The rule's id, where no address can hold it."),
        ] = None,
    ) -> MerchantRule:
        """It ends now, and is kept: it still rules orders placed while it was in force, where the policy is anchored to them."""
        known(desk, market)
        merchant, rule = plain(meant(merchant, named)), plain(meant(rule, named_rule, "rule"))
        async with existing(), transaction(database) as connection:
            ended = await end_rule(connection, market, merchant, rule, desk.now())
        await desk.refresh()
        return ended

    return [rules, set_one, end_one]
