"""Pages about accounts: what is known of one, and how many applications were intercepted for which cause."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from evenhand.accounts.labels import standing
from evenhand.accounts.points import NONE_OF_THESE
from evenhand.desk import Desk
from evenhand.web.accounts import Interception, account_shown, meant
from evenhand.web.console.links import KINDS, picture
from evenhand.web.console.render import AnyRequest, page, reader_of
from evenhand.web.guard import Guard
from evenhand.web.links import links_shown
from evenhand.web.lookup import Lookup

# What each cause is called, in English and Chinese.
CAUSES: Final = {
    "malicious_label": ("malicious label", "恶意标签"),
    "reused_evidence": ("reused evidence", "重复使用凭证"),
    "empty_parcel": ("empty parcel sent back", "退回空包裹"),
    "frequent_counterfeit_claims": ("frequent counterfeit claims", "频繁投诉假货"),
    "frequent_refund_only": ("unusually frequent refund-only", "异常高频仅退款"),
    "other": ("other", "其他"),
}


def by_cause(found: Sequence[Interception]) -> list[tuple[tuple[str, str], int]]:
    """How many were intercepted for each cause: (English, Chinese) and the count, the most frequent first."""
    counts: dict[str, int] = {}
    for one in found:
        counts[one.cause] = counts.get(one.cause, 0) + one.applications
    return [(CAUSES[cause], count) for cause, count in sorted(counts.items(), key=lambda pair: -pair[1])]


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
            desk, lookup, asked.get("market", ""), account, "merchant" if kind == "merchant" else "buyer"
        )
        links = await links_shown(desk, lookup, shown.market, account) if kind == "buyer" else None
        return page(
            "account.html",
            reader_of(request),
            account=shown,
            standing=standing,
            none_of_these=NONE_OF_THESE,
            links=links,
            dots=picture(links) if links else [],
            link_kinds=KINDS,
            zone=desk.markets[shown.market].market.time_zone,
            **common(),
        )

    return [account]
