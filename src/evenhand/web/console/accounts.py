"""The page of an account: what is known of it."""

from datetime import date
from typing import Any
from urllib.parse import parse_qsl

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from evenhand.accounts.labels import standing
from evenhand.accounts.points import NONE_OF_THESE
from evenhand.desk import Desk
from evenhand.errors import BadInput
from evenhand.web.accounts import account_shown, meant
from evenhand.web.console.links import KINDS, picture
from evenhand.web.console.render import AnyRequest, page, reader_of
from evenhand.web.guard import Guard
from evenhand.web.links import links_shown
from evenhand.web.lookup import Lookup


def _day(text: str | None) -> date | None:
    """The day asked for; raises `BadInput` for what is none."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadInput(f"{(text or '')[:40]!r} is not a date like 2025-03-24", field="at") from None


def pages(desk: Desk, lookup: Lookup, guard: Guard) -> list[HTTPRouteHandler]:
    """The handlers of these pages."""

    def common() -> dict[str, Any]:
        synthetic = any(market.synthetic for market in desk.markets.values())
        return {"signed_in": guard.asks_for_key, "synthetic": synthetic, "markets": desk.markets}

    @get("/accounts/{kind:str}/{account:str}")
    async def account(request: AnyRequest, kind: FromPath[str], account: FromPath[str]) -> Response[str]:
        asked = dict(parse_qsl(request.scope["query_string"].decode("latin-1"), max_num_fields=20))
        account = meant(account, asked.get("id"))
        shown = await account_shown(
            desk,
            lookup,
            asked.get("market", ""),
            account,
            "merchant" if kind == "merchant" else "buyer",
            _day(asked.get("at")),
        )
        links = await links_shown(desk, lookup, shown.market, account) if kind == "buyer" else None
        return page(
            "account.html",
            reader_of(request),
            account=shown,
            asked_at=asked.get("at"),
            asked_id=asked.get("id"),
            standing=standing,
            none_of_these=NONE_OF_THESE,
            links=links,
            dots=picture(links) if links else [],
            link_kinds=KINDS,
            zone=desk.markets[shown.market].market.time_zone,
            **common(),
        )

    return [account]
