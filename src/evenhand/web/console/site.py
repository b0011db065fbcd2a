"""The pages of the console."""

from collections.abc import Mapping
from datetime import date
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import parse_qsl

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from evenhand.desk import Desk
from evenhand.errors import BadInput
from evenhand.fund.budgets import budgets
from evenhand.fund.debts import owed
from evenhand.fund.payouts import payouts, tallies
from evenhand.fund.statement import statements
from evenhand.markets import MarketDesk
from evenhand.policy.page import body
from evenhand.web.api import chosen
from evenhand.web.console import casework, overview
from evenhand.web.console.causes import cause_name
from evenhand.web.console.document import as_html
from evenhand.web.console.figures import Bookkeeper
from evenhand.web.console.render import HEADERS, STATIC, AnyRequest, page, reader_of
from evenhand.web.console.why import explain
from evenhand.web.guard import COOKIE, SESSION_SECONDS, Guard
from evenhand.web.lookup import Lookup, Wanted, in_order
from evenhand.web.problems import KINDS, Problem, Refused

_PER_PAGE: Final = 50
_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
Asked = dict[str, str]


def console(desk: Desk, lookup: Lookup, guard: Guard) -> list[HTTPRouteHandler]:
    """The handlers of all pages."""
    keeper = Bookkeeper(lookup)

    def show(
        request: AnyRequest, template: str, *, headers: Mapping[str, str] | None = None, **values: Any
    ) -> Response[str]:
        common = {"signed_in": guard.asks_for_key, "synthetic": _synthetic(desk.markets)}
        return page(template, reader_of(request), headers=headers, **common, **values)

    @get("/")
    async def front(request: AnyRequest) -> Response[str]:
        asked = _asked(request)
        market, since, until = asked.get("market"), _day(asked, "from"), _day(asked, "to")
        numbers = lookup.market_numbers(market)
        in_order(since, until)
        shown = [desk.markets[market]] if market else list(desk.markets.values())
        figures = await keeper.figures(numbers, since, until)
        changes = {
            (one.effective, f"{one.policy.name} {one.policy.version}") for found in shown for one in found.versions
        }
        view = overview.view(figures, shown, sorted(changes), since, until, reader_of(request))
        return show(
            request, "overview.html", markets=desk.markets, market=market, since=since, until=until, view=view
        )  # fmt: skip

    @get("/cases")
    async def cases(request: AnyRequest) -> Response[str]:
        asked = _asked(request)
        wanted = _wanted(asked)
        found = await lookup.cases(wanted, _PER_PAGE + 1)
        target = request.headers.get("hx-target") if "hx-history-restore-request" not in request.headers else None
        template = {"found": "_found.html", "more": "_rows.html"}.get(target or "", "cases.html")
        every = await lookup.policies() if template == "cases.html" else []
        return show(
            request,
            template,
            cases=found[:_PER_PAGE],
            after=found[_PER_PAGE - 1].case if len(found) > _PER_PAGE else None,
            wanted=wanted,
            markets=desk.markets,
            policies=[one for one in every if one.model.ruling],
            cause_name=cause_name,
        )

    @get("/cases/{number:str}")
    async def case(request: AnyRequest, number: FromPath[str]) -> Response[str]:
        before = _asked(request).get("before", "")
        until = int(before) if before.isascii() and before.isdigit() and len(before) < 10 else casework.NO_EVENT
        shown = await casework.life(lookup, number, casework.name_of(request), before=until)
        found = shown["found"]
        tables = explain(found.policy, found.ruling, found.facts, reader_of(request).lang)
        now = lookup.casework.clock()
        return show(request, "case.html", tables=tables, facts=_flat(found.facts), now=now, **shown)

    @get("/policies")
    async def policies(request: AnyRequest) -> Response[str]:
        versions = sorted(await lookup.policies(), key=lambda one: (one.name, one.effective))
        return show(request, "policies.html", versions=versions, markets=desk.markets)

    @get("/policies/{name:str}")
    async def policy(request: AnyRequest, name: FromPath[str]) -> Response[str]:
        every = await lookup.policies()
        found = chosen(every, name, _asked(request).get("version"))
        versions = sorted((one for one in every if one.name == name), key=lambda one: one.effective)
        original = _asked(request).get("text") == "original"
        worded = reader_of(request).lang == "zh" and not original
        return show(
            request, "policy.html", policy=found, body=body(found) if worded else as_html(found.source),
            original=original, versions=versions, markets=desk.markets,
        )  # fmt: skip

    @get("/fund")
    async def fund(request: AnyRequest) -> Response[str]:
        asked = _asked(request)
        since, until = _day(asked, "from"), _day(asked, "to")
        in_order(since, until)
        state = asked.get("state")
        async with lookup.reading() as connection:
            found = await statements(connection, since=since, until=until)
            limits = await budgets(connection, desk.now())
            paying = await tallies(connection)
            sent = await payouts(connection, state=state) if paying else []
            owing = await owed(connection)
        figures = await keeper.figures(lookup.market_numbers(None), since, until)
        charts = {
            one.market: overview.fund_chart(figures, desk.markets[one.market], reader_of(request)) for one in found
        }
        return show(
            request, "fund.html", statements=found, charts=charts, budgets=limits, tallies=paying, payouts=sent, state=state,
            debts=owing, markets=desk.markets, since=since, until=until,
        )  # fmt: skip

    @get("/problems")
    async def problems(request: AnyRequest) -> Response[str]:
        return show(request, "problems.html", kinds=KINDS.values())

    @get("/problems/{name:str}")
    async def problem(request: AnyRequest, name: FromPath[str]) -> Response[str]:
        if name not in KINDS:
            raise Refused("not-found", f"there is no problem {name[:60]!r}")
        return show(request, "problems.html", kinds=[KINDS[name]])

    @get("/sign-in")
    async def sign_in_form(request: AnyRequest) -> Response[str]:
        return show(request, "sign_in.html", next=_inside(_asked(request).get("next", "/")), wrong=False)

    @post("/sign-in")
    async def sign_in(request: AnyRequest) -> Response[str]:
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), max_num_fields=10))
        there = _inside(form.get("next", "/"))
        session = guard.sign_in(form.get("key", ""))
        if session is None:
            answer = show(request, "sign_in.html", next=there, wrong=True)
            answer.status_code = 401
            return answer
        answer = Response("", status_code=303, headers={**HEADERS, "location": there}, media_type="text/plain")
        secure = request.scope["scheme"] == "https"
        answer.set_cookie(
            COOKIE, session, max_age=SESSION_SECONDS, httponly=True, samesite="lax", secure=secure, path="/"
        )
        return answer

    @post("/sign-out")
    async def sign_out() -> Response[str]:
        answer = Response("", status_code=303, headers={**HEADERS, "location": "/sign-in"}, media_type="text/plain")
        answer.delete_cookie(COOKIE)
        return answer

    mine = casework.pages(lookup, guard)
    return [
        front,
        cases,
        case,
        policies,
        policy,
        fund,
        problems,
        problem,
        sign_in_form,
        sign_in,
        sign_out,
        static,
        *mine,
    ]


@get("/static/{name:path}")
async def static(name: FromPath[str]) -> Response[bytes]:
    """A file of the console's; its address changes with it, so it may be kept for good."""
    path = PurePosixPath(str(name).lstrip("/"))
    file = STATIC / path
    if ".." in path.parts or path.suffix not in _TYPES or not file.is_file():
        raise Refused("not-found", "there is no such file")
    return Response(
        file.read_bytes(),
        headers={
            "content-type": _TYPES[path.suffix],
            "cache-control": "public, max-age=31536000, immutable",
            "x-content-type-options": "nosniff",
        },
    )


def error_page(request: AnyRequest, problem: Problem) -> Response[str]:
    """A problem, for somebody who looks at it in a browser."""
    kind = KINDS.get(problem.type.removeprefix("/problems/"), KINDS["internal"])
    return page(
        "error.html", reader_of(request), status=problem.status, problem=problem, kind=kind, signed_in=False,
        synthetic=False,
    )  # fmt: skip


def _query(request: AnyRequest) -> str:
    return request.scope["query_string"].decode("latin-1")


def _asked(request: AnyRequest) -> Asked:
    """The parameters of the address; empty ones were left out by whoever filled in the form."""
    pairs = parse_qsl(_query(request), max_num_fields=50, errors="replace")
    return {name: value.strip() for name, value in pairs if value.strip()}


def _wanted(asked: Asked) -> Wanted:
    after = asked.get("after", "")
    name, _, version = asked.get("policy", "").partition("@")
    return Wanted(
        asked.get("market"),
        asked.get("outcome"),
        name or None,
        version or None,
        _day(asked, "from"),
        _day(asked, "to"),
        asked.get("q", "")[:120] or None,
        int(after) if after.isascii() and after.isdigit() and len(after) <= 18 else None,
        asked.get("cause", "")[:200] or None,
    )


def _day(asked: Asked, name: FromPath[str]) -> date | None:
    text = asked.get(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text[:40]!r} is not a date like 2025-03-24", field=name) from None


def _inside(there: str) -> str:
    """Somewhere on this site, whatever was asked for."""
    return there if there.startswith("/") and not there.startswith(("//", "/\\")) and there.isprintable() else "/"


def _flat(facts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Facts by group, with their whole names."""
    return {
        group: {f"{group}.{name}": value for name, value in inner.items()}
        for group, inner in facts.items()
        if isinstance(inner, dict)
    }


def _synthetic(markets: Mapping[str, MarketDesk]) -> bool:
    return any(market.synthetic for market in markets.values())
