"""Pages about links, for the marketplace's own people: the ring of a buyer as a picture, and groups that act together."""

from math import cos, pi, sin
from typing import Final
from urllib.parse import parse_qsl, quote

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from evenhand.accounts.links.explaining import Links
from evenhand.accounts.links.findings import Verdict, findings, judge
from evenhand.desk import Desk
from evenhand.errors import BadInput, Conflict, UnknownThing
from evenhand.store import Database
from evenhand.web.console.casework import NAME_COOKIE, form_value, name_of
from evenhand.web.console.render import HEADERS, AnyRequest, address, page, reader_of
from evenhand.web.guard import Guard
from evenhand.web.lookup import Lookup
from evenhand.web.policies import known
from evenhand.web.problems import Refused
from evenhand.web.taking import transaction

KINDS: Final = {
    "address": ("address", "地址"),
    "device": ("device", "设备"),
    "payment": ("payment instrument", "支付方式"),
    "phone": ("phone", "电话"),
}
_DRAWN: Final = 24
_YEAR: Final = 365 * 24 * 3600
_VERDICTS: Final[dict[str, Verdict]] = {"confirmed": "confirmed", "dismissed": "dismissed"}


class Dot(msgspec.Struct, frozen=True):
    """An account in the picture of a ring."""

    account: str
    x: int
    y: int
    # steps from the account in the middle
    steps: int
    # where the line to it begins, and what stands for it: the kinds that are shared
    from_x: int = 0
    from_y: int = 0
    kinds: tuple[str, ...] = ()


def picture(links: Links) -> list[Dot]:
    """A ring as dots around the account it is looked at from, nearer ones nearer; that account is the first. Empty without one.

    Accounts of one distance stand on a circle; each is joined to the one that leads to it.
    """
    shown = links.ring[:_DRAWN]
    if not shown:
        return []
    middle = Dot(links.account, 0, 0, 0)
    dots = {links.account: middle}
    depth = max(len(one.path) for one in shown)
    for steps in range(1, depth + 1):
        # those that hang together stand together
        level = sorted((one for one in shown if len(one.path) == steps), key=lambda one: one.path[-1].before)
        for place, one in enumerate(level):
            angle = 2 * pi * (place + (steps - 1) / 2) / len(level) - pi / 2
            before, last = dots.get(one.path[-1].before, middle), one.path[-1]
            kinds = tuple(dict.fromkeys(shared.kind for shared in last.shared if not shared.hub))
            dots[one.account] = Dot(
                one.account, round(290 * steps / depth * cos(angle)), round(150 * steps / depth * sin(angle)), steps,
                before.x, before.y, kinds,
            )  # fmt: skip
    return list(dots.values())


def pages(desk: Desk, database: Database, lookup: Lookup, guard: Guard) -> list[HTTPRouteHandler]:
    """The handlers of these pages."""

    @get("/rings")
    async def rings(request: AnyRequest) -> Response[str]:
        asked = dict(parse_qsl(request.scope["query_string"].decode("latin-1"), max_num_fields=20))
        market = asked.get("market") or None
        if market is not None:
            known(desk, market)
        async with lookup.reading() as connection:
            found = await findings(connection, market, judged=True)
        return page(
            "rings.html", reader_of(request), findings=found, market=market, markets=desk.markets, me=name_of(request),
            signed_in=guard.asks_for_key, synthetic=any(one.synthetic for one in desk.markets.values()),
        )  # fmt: skip

    @post("/rings/{number:int}/judge")
    async def judged(request: AnyRequest, number: FromPath[int]) -> Response[str]:
        form = parse_qsl((await request.body()).decode("utf-8", "replace"), max_num_fields=20)
        me, said, note = form_value(form, "me"), form_value(form, "verdict"), form_value(form, "note")
        if said not in _VERDICTS:
            raise Refused("bad-input", "is confirmed or dismissed", field="verdict")
        try:
            async with transaction(database) as connection:
                await judge(connection, number, _VERDICTS[said], by=me[:120], now=desk.now(), note=note[:4000] or None)
        except UnknownThing as error:
            raise Refused("not-found", error.detail, field=error.field) from None
        except (BadInput, Conflict) as error:
            raise Refused("conflict", error.detail) from None
        where = address("/rings", market=form_value(form, "market"))
        answer = Response(
            "", status_code=303, headers={**HEADERS, "location": f"{where}#ring-{number}"}, media_type="text/plain"
        )
        answer.set_cookie(NAME_COOKIE, quote(me[:120]), max_age=_YEAR, samesite="lax", httponly=True, path="/")
        return answer

    return [rings, judged]
