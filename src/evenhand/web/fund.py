"""The fund over HTTP: budgets, payouts, and money that people move."""

from collections.abc import Awaitable, Mapping
from datetime import date
from types import NoneType
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from evenhand.desk import Desk
from evenhand.fund.budgets import Budget, budgets, set_budget
from evenhand.fund.by_hand import Moved, deposit, recover, repaid
from evenhand.fund.debts import Debt, owed
from evenhand.fund.differences import settle
from evenhand.fund.gateways import notices
from evenhand.fund.payouts import (
    OrderPayment,
    PaidThrough,
    Payout,
    paid_through,
    payment_of,
    payouts,
    refer,
    retry,
    start,
    stop,
)
from evenhand.records import decode_as
from evenhand.store import Database
from evenhand.web.accounts import IdInQuery, meant, plain
from evenhand.web.asgi import JSON, LARGEST_BODY
from evenhand.web.keys import Keys, once
from evenhand.web.policies import Market, known
from evenhand.web.problems import Refused, existing
from evenhand.web.taking import body, content, expected, takes, transaction

CaseNumber = Annotated[int, PathParameter(ge=1, le=2**63 - 1, description="The case's number.")]
OrderId = Annotated[str, PathParameter(max_length=120, description="The order's id.")]
_MOST: Final = 500
_VIA: Final = "HTTP API"


class SetBudget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A budget to be set: what the market's fund may grant per period, from now on."""

    # minor units; null lifts the limit
    amount: int | None
    # month, quarter or custom
    period: str = "month"
    # it counts from the period that holds this day on (today's unless told); for custom, its first day
    first_day: date | None = None
    # of a custom budget only, included
    last_day: date | None = None
    # tell somebody when so much of it is granted
    alert_percent: int = 80
    by: str = _VIA


class MoveMoney(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money moved by a person."""

    # minor units; of a deposit, below zero takes out of the fund; of a recovery, null is all that is left
    amount: int | None = None
    # why
    note: str = ""
    by: str = _VIA


class SettlePayout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a gateway really paid for a payout that differs."""

    # minor units of the payout's currency; 0 is nothing
    paid: int
    # why that is so
    note: str
    by: str = _VIA
    # paid is meant although the gateway said another amount, or although it is more than the payout
    against_gateway: bool = False


class PaymentReference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By what the gateway knows the payment of an order."""

    # such as pi_3MtwBwLkdIwHu7ix28a3tqPa
    reference: str


class PayThrough(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How what a fund grants buyers is paid."""

    # sandbox or stripe; null makes no more payouts
    gateway: str | None
    # also pay what was granted since this day
    since: date | None = None
    by: str = _VIA


class DebtPage(msgspec.Struct, frozen=True):
    """What buyers owe, the oldest first."""

    debts: list[Debt]
    # what to send as `after` to get the rest; null at the end
    next: int | None


class Noticed(msgspec.Struct, frozen=True):
    """A gateway's notice was taken."""

    # there is something to ask it about
    asked: bool


class PayoutPage(msgspec.Struct, frozen=True):
    """Payouts, the newest first."""

    payouts: list[Payout]
    # what to send as `before` to get those after; null at the end
    next: int | None


def _etag(version: int) -> dict[str, str]:
    return {"etag": f'"{version}"'}


def routes(desk: Desk, database: Database, settings: Mapping[str, str]) -> list[HTTPRouteHandler]:
    """The handlers of budgets, payouts and what people move; `settings` is the environment."""
    keys = Keys(database)

    @get("/v1/fund/budgets", summary="Budgets", tags=["fund"])
    async def all_budgets(
        market: Annotated[str | None, QueryParameter(description="Only of this market.")] = None,
    ) -> list[Budget]:
        """The budgets that count today, with what is granted and left."""
        async with transaction(database) as connection:
            return await budgets(connection, desk.now(), known(desk, market) if market else None)

    @post(
        "/v1/markets/{market:str}/budgets",
        summary="Set a budget",
        tags=["fund"],
        operation_class=takes("SetBudget"),
        status_code=201,
    )
    async def set_one(request: "Request[Any, Any, Any]", market: Market) -> list[Budget]:
        """Nothing is granted beyond it; what becomes of an application it does not cover is the policy's word. Answers with the
        budgets that count today."""
        known(desk, market)
        asked = decode_as(await content(request, JSON), SetBudget)
        async with transaction(database) as connection:

            async def make() -> list[Budget]:
                await set_budget(
                    connection, market, asked.amount, period=asked.period, first_day=asked.first_day,
                    last_day=asked.last_day, alert_percent=asked.alert_percent, by=asked.by, now=desk.now(),
                )  # fmt: skip
                return await budgets(connection, desk.now(), market)

            return await once(connection, request, make, list[Budget])

    @post(
        "/v1/markets/{market:str}/deposits",
        summary="Pay into a fund",
        tags=["fund"],
        operation_class=takes("MoveMoney"),
        status_code=201,
    )
    async def pay_in(request: "Request[Any, Any, Any]", market: Market) -> Moved:
        """Records that money was paid into the market's fund, or, with an amount below zero, taken out of it."""
        known(desk, market)
        asked = decode_as(await content(request, JSON), MoveMoney)
        async with transaction(database) as connection:

            def make() -> Awaitable[Moved]:
                return deposit(connection, market, asked.amount or 0, by=asked.by, note=asked.note, now=desk.now())

            return await once(connection, request, make, Moved)

    @post(
        "/v1/cases/{case:int}/recovery",
        summary="Recover from a buyer",
        tags=["fund"],
        operation_class=takes("MoveMoney"),
        status_code=201,
    )
    async def recover_one(request: "Request[Any, Any, Any]", case: CaseNumber) -> list[Moved]:
        """Takes back what the fund granted the buyer of a case, or part of it: again and again until nothing is left. What was
        not sent yet is not sent; the rest the buyer owes."""
        asked = decode_as(await content(request, JSON), MoveMoney)
        async with existing(), transaction(database) as connection:

            def make() -> Awaitable[list[Moved]]:
                return recover(connection, case, amount=asked.amount, by=asked.by, note=asked.note, now=desk.now())

            return await once(connection, request, make, list[Moved])

    @post(
        "/v1/cases/{case:int}/repayment",
        summary="A buyer paid back",
        tags=["fund"],
        operation_class=takes("MoveMoney"),
        status_code=201,
    )
    async def repaid_one(request: "Request[Any, Any, Any]", case: CaseNumber) -> list[Moved]:
        """Records that the buyer has paid back what was recovered in a case."""
        asked = decode_as(await content(request, JSON), MoveMoney)
        async with existing(), transaction(database) as connection:

            def make() -> Awaitable[list[Moved]]:
                return repaid(connection, case, by=asked.by, note=asked.note, now=desk.now())

            return await once(connection, request, make, list[Moved])

    @get("/v1/markets/{market:str}/payouts", summary="How a fund pays", tags=["fund"])
    async def paying(market: Market) -> Response[PaidThrough]:
        """Through which gateway what the market's fund grants is paid. The ETag is what `If-Match` of a change takes."""
        known(desk, market)
        async with transaction(database) as connection:
            found = await paid_through(connection, market)
        return Response(found, headers=_etag(found.version))

    @put(
        "/v1/markets/{market:str}/payouts",
        summary="Pay through a gateway",
        tags=["fund"],
        operation_class=takes("PayThrough"),
        status_code=204,
    )
    async def pay_through(request: "Request[Any, Any, Any]", market: Market) -> Response[None]:
        """What the market's fund grants buyers from now on is paid through this gateway."""
        known(desk, market)
        asked = decode_as(await body(request, keys, JSON), PayThrough)
        read_at = expected(request.headers)
        async with transaction(database) as connection:
            if asked.gateway is None:
                await stop(connection, market, expected=read_at)
            else:
                await start(
                    connection, market, asked.gateway, since=asked.since, by=asked.by, now=desk.now(), expected=read_at
                )
            return Response(None, status_code=204, headers=_etag((await paid_through(connection, market)).version))

    @get("/v1/fund/payouts", summary="Payouts", tags=["fund"])
    async def all_payouts(
        market: Annotated[str | None, QueryParameter(description="Only of this market.")] = None,
        wanted: Annotated[str | None, QueryParameter(name="state", description="Only in this state.")] = None,
        before: Annotated[
            int | None, QueryParameter(ge=1, le=2**63 - 1, description="Only those made before this one.")
        ] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=_MOST, description="How many at most.")] = 50,
    ) -> PayoutPage:
        """Money on its way to buyers, the newest first."""
        async with transaction(database) as connection:
            found = await payouts(
                connection, market=known(desk, market) if market else None, state=wanted, before=before, limit=limit + 1
            )
        return PayoutPage(found[:limit], found[limit - 1].no if len(found) > limit else None)

    @post("/v1/gateways/{gateway:str}/notices", summary="A gateway tells of a payment", tags=["fund"], status_code=200)
    async def noticed(
        request: "Request[Any, Any, Any]",
        gateway: Annotated[str, PathParameter(max_length=40, description="sandbox or stripe.")],
    ) -> Noticed:
        """For the gateway, whose signature is the key: Standard Webhooks, or Stripe's. What became of the payment it is asked;
        notices may come twice, late and in any order."""
        raw = await request.body()
        if len(raw) > LARGEST_BODY:
            raise Refused("too-large", f"a body may hold {LARGEST_BODY:,} bytes")
        async with existing(), transaction(database) as connection:
            notice = notices.read(gateway, request.headers, raw, settings, desk.now())
            return Noticed(await notices.take(connection, gateway, notice, desk.now()))

    @post("/v1/fund/payouts/{payout:int}/retry", summary="Send a refused payout again", tags=["fund"], status_code=202)
    async def retry_one(
        request: "Request[Any, Any, Any]",
        payout: Annotated[int, PathParameter(ge=1, le=2**63 - 1, description="Its number.")],
    ) -> Response[None]:
        """Only one that the gateway refused for good; it is sent under a new key."""
        async with existing(), transaction(database) as connection:

            def make() -> Awaitable[None]:
                return retry(connection, payout, desk.now())

            await once(connection, request, make, NoneType)
        return Response(None, status_code=202)

    @get("/v1/fund/debts", summary="What buyers owe", tags=["fund"])
    async def all_debts(
        market: Annotated[str | None, QueryParameter(description="Only of this market.")] = None,
        after: Annotated[
            int, QueryParameter(ge=0, le=2**63 - 1, description="Only those that came after this one.")
        ] = 0,
        limit: Annotated[int, QueryParameter(ge=1, le=_MOST, description="How many at most.")] = 50,
    ) -> DebtPage:
        """What was taken back from buyers after it had been sent, and is neither paid back nor set off yet: the oldest first."""
        async with transaction(database) as connection:
            asked = known(desk, market) if market else None
            found = await owed(connection, market=asked, after=after, limit=limit + 1)
        return DebtPage(found[:limit], found[limit - 1].no if len(found) > limit else None)

    @post(
        "/v1/fund/payouts/{payout:int}/settlement",
        summary="Settle a payout that differs",
        tags=["fund"],
        operation_class=takes("SettlePayout"),
        status_code=201,
    )
    async def settle_one(
        request: "Request[Any, Any, Any]",
        payout: Annotated[int, PathParameter(ge=1, le=2**63 - 1, description="Its number.")],
    ) -> list[Moved]:
        """Books what the gateway really paid. What is missing is sent in a payout of its own; what is too much the buyer owes.
        Another amount than the gateway named (`gateway_amount`) is refused unless `against_gateway` says that it is meant."""
        asked = decode_as(await content(request, JSON), SettlePayout)
        async with existing(), transaction(database) as connection:

            def make() -> Awaitable[list[Moved]]:
                return settle(
                    connection, payout, asked.paid, by=asked.by, note=asked.note, now=desk.now(),
                    against_gateway=asked.against_gateway,
                )  # fmt: skip

            return await once(connection, request, make, list[Moved])

    @get("/v1/markets/{market:str}/orders/{order:str}/payment", summary="An order's payment", tags=["fund"])
    async def payment(market: Market, order: OrderId, named: IdInQuery = None) -> Response[OrderPayment]:
        """By what the gateway knows it. The ETag is what `If-Match` of a change takes."""
        known(desk, market)
        async with existing(), transaction(database) as connection:
            found = await payment_of(connection, market, plain(meant(order, named)))
        return Response(found, headers=_etag(found.version))

    @put(
        "/v1/markets/{market:str}/orders/{order:str}/payment",
        summary="Name an order's payment",
        tags=["fund"],
        operation_class=takes("PaymentReference"),
        status_code=204,
    )
    async def name_payment(
        request: "Request[Any, Any, Any]", market: Market, order: OrderId, named: IdInQuery = None
    ) -> Response[None]:
        """By what the gateway knows the payment of an order, so that money goes back to where it came from."""
        known(desk, market)
        asked = decode_as(await body(request, keys, JSON), PaymentReference)
        order, read_at = plain(meant(order, named)), expected(request.headers)
        async with existing(), transaction(database) as connection:
            version = await refer(connection, market, order, asked.reference, desk.now(), expected=read_at)
        return Response(None, status_code=204, headers=_etag(version))

    return [
        all_budgets, set_one, pay_in, recover_one, repaid_one, pay_through, all_payouts, all_debts, settle_one, noticed,
        retry_one, paying, payment, name_payment,
    ]  # fmt: skip
