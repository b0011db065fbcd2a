"""What can be read over HTTP: cases, markets, policies, the fund, and how the server is."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from evenhand.accounts.abuse.people import UncertainToday, uncertain_today
from evenhand.desk import Desk
from evenhand.errors import StoreError
from evenhand.fund.statement import Statement, statements
from evenhand.interceptions import InterceptedToday, today
from evenhand.policy import Policy
from evenhand.web import metrics
from evenhand.web.lookup import Lookup, Wanted, in_order
from evenhand.web.problems import Refused
from evenhand.web.shapes import Case, CasePage

From = Annotated[
    date | None, QueryParameter(name="from", description="First day, in the market's time zone: 2025-03-24.")
]
To = Annotated[date | None, QueryParameter(name="to", description="Last day, included.")]
_MOST: Final = 500
# Whoever gathers figures waits for no database.
_SCRAPE_SECONDS: Final = 2


class MarketShown(msgspec.Struct, frozen=True):
    """One platform or country site, and the policy it follows."""

    id: str
    name: str
    # nothing in it is real
    synthetic: bool
    currency: str
    # IANA name
    time_zone: str
    policy: str
    # a version that rules whatever the date; null follows the effective dates
    pinned: str | None


class PolicyShown(msgspec.Struct, frozen=True):
    """One version of a policy."""

    name: str
    version: str
    title: str
    # first day it rules, in the market's time zone
    effective: date
    # which moment picks the version: application or order
    anchor: str
    currency: str | None
    # of the document's text
    hash: str


class PolicyText(PolicyShown, frozen=True, kw_only=True):
    """One version of a policy with its document."""

    # Markdown, word for word
    source: str


class Health(msgspec.Struct, frozen=True):
    """How the server is."""

    status: str


def routes(desk: Desk, lookup: Lookup, counters: metrics.Metrics) -> list[HTTPRouteHandler]:
    """The handlers of all that is read."""

    @get("/v1/cases/{case:str}", summary="One case", tags=["cases"])
    async def one_case(
        case: Annotated[str, PathParameter(description="The case's number, from the ruling's `case`.")],
    ) -> Response[Case]:
        """What was filed, how it was ruled and why (in both languages), the facts that were read, what was paid, and where it
        stands. The ETag is what `If-Match` of an action takes."""
        found = (await lookup.case(case)).case
        return Response(found, headers={"etag": f'"{found.version}"'})

    @get("/v1/cases", summary="Cases", tags=["cases"])
    async def cases(
        market: Annotated[str | None, QueryParameter(description="Only of this market.")] = None,
        outcome: Annotated[str | None, QueryParameter(description="Only with this outcome.")] = None,
        policy: Annotated[str | None, QueryParameter(description="Only ruled by this policy.")] = None,
        version: Annotated[str | None, QueryParameter(description="Only ruled by this version of a policy.")] = None,
        since: From = None,
        until: To = None,
        q: Annotated[
            str | None,
            QueryParameter(max_length=120, description="Beginning of an application's id, or a case number."),
        ] = None,
        after: Annotated[
            int | None, QueryParameter(ge=1, le=2**63 - 1, description="Only cases ruled before this one.")
        ] = None,
        cause: Annotated[
            str | None,
            QueryParameter(
                max_length=200, description="Only intercepted for this cause, as /v1/interceptions names it."
            ),
        ] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=_MOST, description="How many at most.")] = 50,
    ) -> CasePage:
        """The newest ruling comes first. `next` is the address of those after: following it misses nothing, repeats nothing."""
        wanted = Wanted(market, outcome, policy, version, since, until, q, after, cause)
        found = await lookup.cases(wanted, limit + 1)
        return CasePage(found[:limit], _next(wanted, limit, found[limit - 1].case) if len(found) > limit else None)

    @get("/v1/markets", summary="Markets", tags=["markets"])
    async def markets() -> list[MarketShown]:
        """Every market, with the policy it follows."""
        return [
            MarketShown(m.id, m.name, found.synthetic, m.currency, m.time_zone, m.policy, m.pinned)
            for found in desk.markets.values()
            for m in (found.market,)
        ]

    @get("/v1/policies", summary="Policies", tags=["policies"])
    async def policies() -> list[PolicyShown]:
        """Every version of every policy that may rule here."""
        return [_shown(policy) for policy in await lookup.policies()]

    @get("/v1/policies/{name:str}", summary="A policy", tags=["policies"])
    async def policy(
        name: Annotated[str, PathParameter(description="Its name.")],
        version: Annotated[str | None, QueryParameter(description="One version; the newest unless told.")] = None,
        at: Annotated[date | None, QueryParameter(description="The version in force on that day.")] = None,
    ) -> PolicyText:
        """The document itself: prose for people, and the tables that run."""
        return _text(chosen(await lookup.policies(), name, version, at))

    @get("/v1/fund/statements", summary="Fund statements", tags=["fund"])
    async def fund_statements(
        market: Annotated[str | None, QueryParameter(description="Only of this market.")] = None,
        since: From = None,
        until: To = None,
    ) -> list[Statement]:
        """What each market's fund stood at, what moved by cause, what it stands at: minor units of its currency."""
        lookup.market_numbers(market)
        in_order(since, until)
        async with lookup.reading() as connection:
            return await statements(connection, market=market, since=since, until=until)

    @get("/healthz", summary="Whether the server runs", tags=["operation"])
    async def healthz() -> Health:
        """Answers as long as the process does; asks nothing else."""
        return Health("ok")

    @get("/readyz", summary="Whether the server can rule", tags=["operation"])
    async def readyz() -> Health:
        """Answers `ok` when the database answers, else 503."""
        await lookup.well()
        return Health("ok")

    @get("/metrics", summary="Figures for Prometheus", tags=["operation"], media_type="text/plain")
    async def figures() -> Response[bytes]:
        """Rulings by market and outcome, batch sizes, latencies, in Prometheus' text format."""
        uncertain: list[UncertainToday] = []
        intercepted: list[InterceptedToday] = []
        learned = [market.number for market in desk.markets.values() if market.abuse]
        # what this server counted is worth telling without a database
        with suppress(StoreError, Refused, TimeoutError):
            async with asyncio.timeout(_SCRAPE_SECONDS), lookup.reading() as connection:
                intercepted = await today(connection, desk.now())
                if learned:
                    uncertain = await uncertain_today(connection, learned, desk.now())
        return Response(counters.text(uncertain, intercepted), headers={"content-type": metrics.CONTENT_TYPE})

    return [one_case, cases, markets, policies, policy, fund_statements, healthz, readyz, figures]


def chosen(policies: Sequence[Policy], name: str, version: str | None = None, at: date | None = None) -> Policy:
    """The version asked for, else the newest; raises `Refused` (404) when there is none."""
    named = sorted((policy for policy in policies if policy.name == name), key=lambda policy: policy.effective)
    if not named:
        raise Refused("not-found", f"there is no policy {name[:60]!r}", field="name")
    found = [policy for policy in named if version in (None, policy.version) and (at is None or policy.effective <= at)]
    if not found:
        asked = f"version {version[:60]!r}" if version else f"version in force on {at}"
        raise Refused("not-found", f"policy {name} has no {asked}", field="version" if version else "at")
    return found[-1]


def _next(wanted: Wanted, limit: int, last: str) -> str:
    asked: dict[str, Any] = {
        "market": wanted.market,
        "outcome": wanted.outcome,
        "policy": wanted.policy,
        "version": wanted.version,
        "from": wanted.since,
        "to": wanted.until,
        "q": wanted.text,
        "cause": wanted.cause,
        "limit": limit,
        "after": last,
    }
    return "/v1/cases?" + urlencode({name: value for name, value in asked.items() if value is not None})


def _shown(policy: Policy) -> PolicyShown:
    return PolicyShown(
        policy.name, policy.version, policy.title, policy.effective, policy.anchor, policy.currency, policy.hash
    )


def _text(policy: Policy) -> PolicyText:
    return PolicyText(
        policy.name,
        policy.version,
        policy.title,
        policy.effective,
        policy.anchor,
        policy.currency,
        policy.hash,
        source=policy.source,
    )
