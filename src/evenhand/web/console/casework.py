"""Pages of the people who work on cases: the inbox, what happened in a case, and the forms to act on it.

Whoever looks is the marketplace's staff. Who somebody is they say themselves until there is sign-in: the name is kept in a
cookie and goes into every event. A form carries the version of the case it was made for, so that nobody acts on what has
changed since.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from evenhand import panels
from evenhand.accounts.abuse.people import uncertain_today
from evenhand.accounts.state import Connection
from evenhand.cases import keeping
from evenhand.cases.actions import ACTIONS
from evenhand.cases.adjudication import RULABLE
from evenhand.cases.grounds import FOR_PEOPLE, GROUNDS
from evenhand.cases.model import Case
from evenhand.cases.statement import StatementOfReasons
from evenhand.cases.table import find
from evenhand.errors import BadInput, Conflict, NotAllowed
from evenhand.evidence import fresh
from evenhand.evidence.content import IMAGES
from evenhand.evidence.custody import shown_in
from evenhand.evidence.retention import keeping_of
from evenhand.money import parse
from evenhand.records import bad_input
from evenhand.web.cases import case_number
from evenhand.web.console.chinese import told
from evenhand.web.console.render import HEADERS, AnyRequest, page, reader_of
from evenhand.web.guard import Guard
from evenhand.web.lookup import Lookup, standing
from evenhand.web.problems import Refused

_NAME_COOKIE: Final = "adjudicator"
Form = list[tuple[str, str]]
_YEAR: Final = 365 * 24 * 3600
_PER_PAGE: Final = 50
# What is shown of a thread at a time.
_EVENTS: Final = 200
NO_EVENT: Final = 2**31 - 1
# What staff may do here, in the order it is offered, with what the machine calls it.
_STAFF: Final = {
    "claim": "claim",
    "rule": "rule",
    "confirm": "rule",
    "object": "object",
    "convene": "convene",
    "inspect": "inspect",
    "inspected": "inspected",
    "release": "release",
    "messages": "message",
    "pause": "pause",
    "resume": "resume",
}
FINDINGS: Final = ("as_described", "defective", "not_as_described", "counterfeit", "inconclusive")


def pages(lookup: Lookup, guard: Guard) -> list[HTTPRouteHandler]:
    """The handlers of these pages."""
    work = lookup.casework

    def common() -> dict[str, Any]:
        synthetic = any(market.synthetic for market in lookup.desk.markets.values())
        return {"signed_in": guard.asks_for_key, "synthetic": synthetic, "now": work.clock()}

    @get("/inbox")
    async def inbox(request: AnyRequest) -> Response[str]:
        asked = dict(parse_qsl(request.scope["query_string"].decode("latin-1")))
        market = asked.get("market") or None
        offset = int(asked["offset"]) if asked.get("offset", "").isascii() and asked.get("offset", "").isdigit() else 0
        markets = lookup.market_numbers(market)
        async with lookup.reading() as connection:
            counts = await keeping.waiting(connection, markets, work.clock())
            found = await keeping.inbox(connection, markets, None, _PER_PAGE + 1, min(offset, 100_000))
            uncertain = await uncertain_today(connection, markets, work.clock())
        return page(
            "inbox.html", reader_of(request), counts=counts, cases=found[:_PER_PAGE], more=len(found) > _PER_PAGE,
            offset=offset, markets=lookup.desk.markets, market=market, me=name_of(request), uncertain=uncertain, **common(),
        )  # fmt: skip

    @get("/cases/{number:str}/statement")
    async def statement(request: AnyRequest, number: FromPath[str]) -> Response[str]:
        asked = dict(parse_qsl(request.scope["query_string"].decode("latin-1")))
        reader = reader_of(request)
        for field, known in (("party", ("", "buyer", "merchant")), ("lang", ("", "en", "zh"))):
            if asked.get(field, "") not in known:
                raise BadInput(f"{asked[field][:40]!r} is none of {', '.join(known[1:])}", field=field)
        party = "merchant" if asked.get("party") == "merchant" else "buyer"
        text = asked.get("decision", "")
        if text and not (text.isascii() and text.isdigit() and len(text) <= 9):
            raise BadInput(f"{text[:40]!r} is not the number of an event that decided, or 0", field="decision")
        decision = int(text) if text else None
        try:
            raw, _ = await work.statement(case_number(number), party, reader.lang, decision)
        except BadInput as error:
            raise Refused("not-found", error.detail, field=error.field) from None
        shown = msgspec.json.decode(raw, type=StatementOfReasons)
        zone = (await lookup.case(number)).time_zone
        return page("statement.html", reader, told=shown, zone=zone, **common())

    @post("/cases/{number:str}/act/{action:str}")
    async def act(request: AnyRequest, number: FromPath[str], action: FromPath[str]) -> Response[str]:
        form = parse_qsl((await request.body()).decode("utf-8", "replace"), max_num_fields=60, keep_blank_values=False)
        me, said = form_value(form, "me") or name_of(request), ""
        refused: BadInput | Conflict | NotAllowed | None = None
        try:
            if action not in _STAFF and action not in _PHOTOS:
                raise Refused("not-found", f"there is no action {action[:40]!r}")
            if not me:
                raise BadInput("say who you are", field="me")
            found = await lookup.case(number)
            if action in _PHOTOS:
                async with work.pool.acquire() as connection, connection.transaction():
                    await _PHOTOS[action](connection, case_number(number), me, form, work.clock())
            else:
                fields = _fields(action, form, found.case.application.currency)
                try:
                    by = {"role": "adjudicator", "id": me}
                    body = msgspec.convert({"by": by, **fields}, ACTIONS[action][0], strict=False)
                except msgspec.ValidationError as error:
                    raise bad_input(error) from None
                version = form_value(form, "version")
                await work.act(case_number(number), body, expected=int(version) if version.isdigit() else None)
        except (BadInput, Conflict, NotAllowed) as error:
            refused, said = error, told(error, reader_of(request).lang)
        if "hx-request" in request.headers:
            # a decision stands at the head of the page too
            whole = {"hx-refresh": "true"} if action in ("rule", "confirm") and not refused else None
            shown = await life(lookup, number, me, said)
            answer = page("_life.html", reader_of(request), headers=whole, **shown, **common())
        elif refused:
            raise refused
        else:
            answer = Response(
                "", status_code=303, headers={**HEADERS, "location": f"/cases/{number}#life"}, media_type="text/plain"
            )
        if me:
            remember(answer, me)
        return answer

    return [inbox, statement, act]


async def _ask_photo(connection: Connection, case: int, me: str, form: Form, now: datetime) -> None:
    hours = form_value(form, "hours")
    await fresh.ask(connection, case, me, int(hours) if hours.isascii() and hours.isdigit() else 0, now)


async def _check_photo(connection: Connection, case: int, me: str, form: Form, now: datetime) -> None:
    asked = {one.request for one in await fresh.requests(connection, case)}
    request, shows = form_value(form, "request"), form_value(form, "shows_code") == "yes"
    if request not in asked:
        raise BadInput("is no request of this case", field="request")
    evidence, note = form_value(form, "evidence"), form_value(form, "note")
    await fresh.check(connection, int(request), evidence, me, now, shows_code=shows, note=note)


# What staff does about photographs, which is no move of the case.
_PHOTOS: Final = {"ask-photo": _ask_photo, "check-photo": _check_photo}


async def life(lookup: Lookup, number: str, me: str, said: str = "", before: int = NO_EVENT) -> dict[str, Any]:
    """What the part of a case's page about its life shows: of its events, the last before one."""
    found = await lookup.case(number)
    async with lookup.reading() as connection:
        events = await keeping.newest_events(connection, case_number(number), before, _EVENTS)
        panel = await panels.latest(connection, case_number(number))
        photos = await fresh.requests(connection, case_number(number))
        pieces = await shown_in(connection, case_number(number))
        kept = await keeping_of(connection, case_number(number))
    case = found.life
    return {
        "panel": panel, "photos": photos, "pieces": pieces, "images": IMAGES,
        "vouched": [one for one in pieces if one.credential], "earlier": events[0].no if events and events[0].no > 1 else None,
        "later": bool(events) and events[-1].no < case.version,
        "case": found.case, "found": found, "life": case, "events": events, "me": me, "said": said,
        "possible": _possible(case, me), "grounds": {code: GROUNDS[code] for code in FOR_PEOPLE}, "rulable": RULABLE,
        "findings": FINDINGS, "kept": kept, "stands": standing(case.decision),
        "all_grounds": GROUNDS,
    }  # fmt: skip


def _possible(case: Case, me: str) -> list[str]:
    """What staff can do in a case now."""
    actions = [action for action, move in _STAFF.items() if find(case.state, move, "adjudicator")]
    mine = case.holder == me and bool(me)
    hidden: set[str] = set()
    if case.state == "under_review" and not mine:
        hidden |= {"rule", "confirm", "object", "release"}
    if case.panel:
        hidden |= {"claim", "rule", "confirm", "object", "release"}
    if case.panel or case.appealed or case.draft or (case.state == "under_review" and not mine):
        hidden.add("convene")
    if mine:
        hidden.add("claim")
    hidden |= {"rule"} if case.draft else {"confirm", "object"}
    hidden |= {"inspect", "rule", "confirm", "convene"} if case.inspection == "ordered" else {"inspected"}
    hidden |= {"pause"} if case.due is None else set()
    hidden |= {"resume"} if case.left is None else {"pause"}
    return [action for action in actions if action not in hidden]


def remember(answer: Response[str], me: str) -> None:
    """Keep who it was for the next form."""
    answer.set_cookie(_NAME_COOKIE, quote(me[:120]), max_age=_YEAR, samesite="lax", httponly=True, path="/")


def name_of(request: AnyRequest) -> str:
    """Who looks, as said before."""
    return unquote(request.cookies.get(_NAME_COOKIE, ""))[:120]


def form_value(form: Form, name: str) -> str:
    """The first value of a field, without spaces around it."""
    return next((value.strip() for key, value in form if key == name), "")


def _fields(action: str, form: Form, currency: str) -> Mapping[str, Any]:
    """The fields of an action from a form."""
    fields: dict[str, Any] = {
        name: form_value(form, name) for name in ("text", "why", "note", "outcome", "finding") if form_value(form, name)
    }
    if action == "rule":
        fields["grounds"] = [value for key, value in form if key == "grounds"]
        amount = form_value(form, "amount")
        if amount and fields.get("outcome") != "decline":
            try:
                fields |= {"amount": parse(amount.replace(",", ""), currency), "currency": currency}
            except ValueError as error:
                raise BadInput(str(error), field="amount") from None
    return fields
