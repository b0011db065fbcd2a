"""Pages about links, for the marketplace's own people: the ring of a buyer as a picture, and groups that act together."""

from itertools import count
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from evenhand.accounts.links.explaining import Links
from evenhand.accounts.links.findings import Verdict, findings, judge
from evenhand.desk import Desk
from evenhand.store import Database
from evenhand.web.console.casework import form_value, name_of, remember
from evenhand.web.console.render import HEADERS, AnyRequest, address, page, reader_of
from evenhand.web.guard import Guard
from evenhand.web.lookup import Lookup
from evenhand.web.policies import known
from evenhand.web.problems import Refused, existing
from evenhand.web.taking import transaction

KINDS: Final = {
    "address": ("address", "地址"),
    "device": ("device", "设备"),
    "payment": ("payment instrument", "支付方式"),
    "phone": ("phone", "电话"),
}
_DRAWN: Final = 24
# Pixels: between rows, from one account to the next, and to the left edge.
_ROW, _STEP, _MARGIN = 44, 230, 24
_VERDICTS: Final[dict[str, Verdict]] = {"confirmed": "confirmed", "dismissed": "dismissed"}


class Dot(msgspec.Struct, frozen=True):
    """An account in the picture of a ring, in pixels."""

    account: str
    x: int
    y: int
    # the account that leads to it; none for the one the ring is looked at from
    before: "Dot | None" = None
    # kinds of what the two share
    kinds: tuple[str, ...] = ()


def picture(links: Links) -> list[Dot]:
    """A ring as a tree that grows to the right from the account it is looked at from, which is the first dot. Empty without one.

    Every account hangs from the one that leads to it; a row of its own for each that leads to no other.
    """
    shown = {one.account: one.path[-1] for one in links.ring[:_DRAWN]}
    if not shown:
        return []
    below: dict[str, list[str]] = {}
    for account, last in shown.items():
        below.setdefault(last.before, []).append(account)
    rows: dict[str, float] = {}
    leaves = count()

    def place(account: str) -> float:
        inner = [place(one) for one in below.get(account, ())]
        rows[account] = sum(inner) / len(inner) if inner else next(leaves)
        return rows[account]

    place(links.account)
    dots: dict[str, Dot] = {links.account: Dot(links.account, _MARGIN, round(_ROW * (rows[links.account] + 1)))}
    for account, last in shown.items():
        before = dots[last.before]
        kinds = tuple(dict.fromkeys(shared.kind for shared in last.shared if not shared.hub))
        dots[account] = Dot(account, before.x + _STEP, round(_ROW * (rows[account] + 1)), before, kinds)
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
        async with existing(), transaction(database) as connection:
            await judge(connection, number, _VERDICTS[said], by=me[:120], now=desk.now(), note=note[:4000] or None)
        where = address("/rings", market=form_value(form, "market"))
        answer = Response(
            "", status_code=303, headers={**HEADERS, "location": f"{where}#ring-{number}"}, media_type="text/plain"
        )
        remember(answer, me)
        return answer

    return [rings, judged]
