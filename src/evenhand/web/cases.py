"""Actions on cases over HTTP: one address per action, and what is read about the life of a case.

Until there is sign-in the holder of the API key is the marketplace: it names who acts in `by`, and that is checked against the
case's own parties. An `Idempotency-Key` makes an action one that is taken once; `If-Match` with the ETag of the case as it was
read refuses it when the case has moved on since.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import MediaType, Request, Response, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from evenhand import panels
from evenhand.accounts.abuse.people import UncertainToday, uncertain_today
from evenhand.cases import keeping
from evenhand.cases.actions import ACTIONS, Action
from evenhand.cases.keeping import InboxCase
from evenhand.cases.model import Event, Party
from evenhand.cases.settings import Settings
from evenhand.cases.statement import StatementOfReasons
from evenhand.casework import Acted, Casework
from evenhand.panels import PanelShown, Voted
from evenhand.records import Id, decode_as
from evenhand.store import Database
from evenhand.vocabulary import Lang
from evenhand.web.asgi import JSON
from evenhand.web.keys import Keys
from evenhand.web.lookup import Lookup
from evenhand.web.policies import Market, known
from evenhand.web.problems import Refused, existing
from evenhand.web.taking import body, expected, takes, transaction

CaseNumber = Annotated[str, PathParameter(max_length=40, description="The case's number.")]
_MOST: Final = 500


class Timeline(msgspec.Struct, frozen=True):
    """What happened in a case, in order."""

    events: list[Event]
    # address of what came after; null when there is no more
    next: str | None


class Vote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A juror's vote."""

    # the marketplace's id of the juror's buyer account
    juror: Id
    side: Literal["buyer", "merchant"]
    # told to the parties without the juror's name, once the panel is over
    reason: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class Inbox(msgspec.Struct, frozen=True):
    """Cases that wait for a person, the most urgent first."""

    waiting: int
    late: int
    held: int
    cases: list[InboxCase]
    # of markets that use a learned abuse score: the claims of today it is uncertain of, and how many persons can look at a day
    uncertain: list[UncertainToday]


class SettingsShown(msgspec.Struct, frozen=True):
    """How a market handles its cases."""

    settings: Settings
    # null: nothing was set, these are the defaults
    set_by: str | None
    set_at: datetime | None


def routes(database: Database, lookup: Lookup) -> list[HTTPRouteHandler]:
    """The handlers of the life of cases."""
    keys, work = Keys(database), lookup.casework
    acting = [_acting(name, kind, work, keys) for name, (kind, _) in ACTIONS.items()]

    @get("/v1/cases/{case:str}/timeline", summary="What happened in a case", tags=["cases"])
    async def timeline(
        case: CaseNumber,
        after: Annotated[int, QueryParameter(ge=0, le=2**31 - 1, description="Only what came after this event.")] = 0,
        limit: Annotated[int, QueryParameter(ge=1, le=_MOST, description="How many at most.")] = 100,
    ) -> Timeline:
        """Who did what, when and why, and the state it led to. Following `next` misses nothing."""
        number = case_number(case)
        async with lookup.reading() as connection:
            if await connection.fetchval(keeping.sql.exists, number) is None:
                raise Refused("not-found", f"there is no case {case[:40]!r}", field="case")
            found = await keeping.events_of(connection, number, after, limit + 1)
        more = f"/v1/cases/{number}/timeline?after={found[limit - 1].no}&limit={limit}" if len(found) > limit else None
        return Timeline(found[:limit], more)

    @get("/v1/cases/{case:str}/statement", summary="A statement of reasons", tags=["cases"])
    async def statement(
        request: "Request[Any, Any, Any]",
        case: CaseNumber,
        party: Annotated[Party, QueryParameter(description="To whom: buyer or merchant.")],
        lang: Annotated[Lang, QueryParameter(description="en or zh.")] = "en",
        decision: Annotated[
            int | None,
            QueryParameter(
                ge=0,
                le=2**31 - 1,
                description="The event that decided, 0 is the policy's ruling; the latest unless told.",
            ),
        ] = None,
        form: Annotated[
            Literal["json", "text"] | None,
            QueryParameter(name="format", description="json, or text; else as `Accept` asks."),
        ] = None,
    ) -> Response[StatementOfReasons]:
        """What the party was told about a decision, word for word: decision, facts, clause, automated means, redress."""
        async with existing():
            found, text = await work.statement(case_number(case), party, lang, decision)
        plain = form == "text" or (form is None and request.headers.get("accept", "").startswith("text/plain"))
        if plain:
            return Response(text, media_type=MediaType.TEXT)  # pyright: ignore[reportReturnType] - described as the record
        return Response(found, media_type=MediaType.JSON)  # pyright: ignore[reportReturnType] - the record, as it was frozen

    @post(
        "/v1/cases/{case:str}/votes",
        summary="Cast a juror's vote",
        tags=["cases"],
        operation_class=takes("Vote"),
        status_code=200,
    )
    async def vote(request: "Request[Any, Any, Any]", case: CaseNumber) -> Response[Voted]:
        """Secret, and once. The vote that decides ends the panel, and its ruling is carried out. With `If-Match` it counts only
        while the case is as the juror read it."""
        cast = decode_as(await body(request, keys, JSON), Vote)
        read_at = expected(request.headers)
        async with existing():
            done = await work.vote(case_number(case), cast.juror, cast.side == "buyer", cast.reason, expected=read_at)
        return Response(done, status_code=200, headers={"etag": f'"{done.version}"'})

    @get("/v1/cases/{case:str}/panel", summary="The panel of a case", tags=["cases"])
    async def panel(case: CaseNumber) -> PanelShown:
        """How many have voted; for whom, and the reasons without names, only once it is over."""
        async with existing(), lookup.reading() as connection:
            return await panels.shown(connection, case_number(case))

    @get("/v1/inbox", summary="Cases that wait for a person", tags=["cases"])
    async def inbox(
        market: Annotated[str | None, QueryParameter(description="Only of this market.")] = None,
        holder: Annotated[
            str | None, QueryParameter(max_length=120, description="Only those this person holds.")
        ] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=_MOST, description="How many at most.")] = 50,
        offset: Annotated[int, QueryParameter(ge=0, le=100_000, description="How many to pass over.")] = 0,
    ) -> Inbox:
        """By when a ruling is wanted, then by what is at stake."""
        markets = lookup.market_numbers(market)
        async with lookup.reading() as connection:
            counts = await keeping.waiting(connection, markets, work.clock())
            found = await keeping.inbox(connection, markets, holder, limit, offset)
            return Inbox(*counts, found, await uncertain_today(connection, markets, work.clock()))

    @get("/v1/markets/{market:str}/case-settings", summary="How a market handles its cases", tags=["markets"])
    async def settings(market: Market) -> Response[SettingsShown]:
        """Deadlines, the business calendar, who adjudicates, how many uncertain claims persons look at a day, how long one may
        appeal. The ETag is what `If-Match` of a change takes."""
        number = lookup.desk.markets[known(lookup.desk, market)].number
        async with lookup.reading() as connection:
            return _settings_shown(await keeping.settings_of(connection, number))

    @put(
        "/v1/markets/{market:str}/case-settings",
        summary="Set how a market handles its cases",
        tags=["markets"],
        operation_class=takes("Settings"),
    )
    async def set_settings(
        request: "Request[Any, Any, Any]",
        market: Market,
        by: Annotated[str, QueryParameter(min_length=1, max_length=120, description="Who sets it.")],
    ) -> Response[SettingsShown]:
        """The whole of it: what is left out has its default. Deadlines that run already stay as they were set."""
        known(lookup.desk, market)
        given = decode_as(await body(request, keys, JSON), Settings)
        await work.set_settings(market, given, by, expected=expected(request.headers))
        async with transaction(database) as connection:
            return _settings_shown(await keeping.settings_of(connection, lookup.desk.markets[market].number))

    return [*acting, vote, panel, timeline, statement, inbox, settings, set_settings]


def _settings_shown(kept: keeping.KeptSettings) -> Response[SettingsShown]:
    shown = SettingsShown(kept.settings, kept.set_by, kept.set_at)
    return Response(shown, headers={"etag": f'"{kept.version}"'})


def _acting(name: str, kind: type[Action], work: Casework, keys: Keys) -> HTTPRouteHandler:
    """The handler of one action."""

    async def act(request: "Request[Any, Any, Any]", case: CaseNumber) -> Response[Acted]:
        action = decode_as(await body(request, keys, JSON), kind)
        done = await work.act(
            case_number(case), action, key=request.headers.get("idempotency-key"), expected=expected(request.headers)
        )
        return Response(done, status_code=200, headers={"etag": f'"{done.version}"'})

    act.__doc__ = kind.__doc__
    act.__name__ = f"case_{name.replace('-', '_')}"
    summary = (kind.__doc__ or name).split(".")[0].split(";")[0].split(":")[0]
    wrap: Callable[[Any], HTTPRouteHandler] = post(
        f"/v1/cases/{{case:str}}/{name}",
        summary=summary,
        tags=["cases"],
        operation_class=takes(kind.__name__),
        status_code=200,
    )
    return wrap(act)


def case_number(text: str) -> int:
    """A case's number; raises `Refused` (404) for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Refused("not-found", f"there is no case {text[:40]!r}", field="case")
    return int(text)
