"""Pages about webhooks: where events are sent, what became of every delivery, sending again.

A form that changes a webhook carries the version it was made for, so that nobody deletes what has been changed since.
"""

from typing import Any, Final
from urllib.parse import parse_qsl

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from evenhand.errors import BadInput, Conflict
from evenhand.events import deliveries, webhooks
from evenhand.events.deliveries import STATES, Attempt
from evenhand.events.types import GROUPS
from evenhand.events.webhooks import Change, NewWebhook, Rotation, Webhook
from evenhand.web.console.render import HEADERS, AnyRequest, page, reader_of
from evenhand.web.guard import Guard
from evenhand.web.problems import Refused
from evenhand.web.webhooks import Hooks

_PER_PAGE: Final = 50
_VIA: Final = "console"


def pages(hooks: Hooks, guard: Guard) -> list[HTTPRouteHandler]:
    """The handlers of these pages."""

    def common() -> dict[str, Any]:
        synthetic = any(market.synthetic for market in hooks.desk.markets.values())
        return {"signed_in": guard.asks_for_key, "synthetic": synthetic, "markets": hooks.desk.markets}

    async def whole(
        request: AnyRequest, form: dict[str, str] | None = None, wrong: BadInput | Conflict | None = None
    ) -> Response[str]:
        async with hooks.work() as connection:
            found = await webhooks.every(connection, hooks.desk.now())
        return page(
            "webhooks.html", reader_of(request), status=400 if wrong else 200, webhooks=found, form=form or {},
            wrong=wrong, groups=GROUPS, **common(),
        )  # fmt: skip

    async def single(
        request: AnyRequest, name: str, *, made: Webhook | None = None, tried: Attempt | None = None
    ) -> Response[str]:
        asked = dict(parse_qsl(request.scope["query_string"].decode("latin-1")))
        state = asked.get("state") if asked.get("state") in STATES else None
        text = asked.get("before", "")
        before = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
        async with hooks.work() as connection:
            webhook = await webhooks.get(connection, name, hooks.desk.now())
            found = await deliveries.deliveries(
                connection, name, state=state, before=before or None, limit=_PER_PAGE + 1
            )
        return page(
            "webhook.html", reader_of(request), webhook=webhook, secret=made.secret if made else None, tried=tried,
            deliveries=found[:_PER_PAGE], before=found[_PER_PAGE - 1].event if len(found) > _PER_PAGE else None,
            state=state, states=STATES, **common(),
        )  # fmt: skip

    @get("/webhooks")
    async def every(request: AnyRequest) -> Response[str]:
        return await whole(request)

    @post("/webhooks")
    async def add(request: AnyRequest) -> Response[str]:
        pairs = await _form(request)
        form = dict(pairs)
        types = [f"{group}.*" for name, group in pairs if name == "type"]
        market = form.get("market", "")
        new = NewWebhook(form.get("url", "").strip(), types, [market] if market else [], form.get("note", "").strip())
        try:
            made, _ = await hooks.add(new, request)
        except (BadInput, Conflict) as error:
            return await whole(request, form | {group: "on" for name, group in pairs if name == "type"}, error)
        return await single(request, made.id, made=made)

    @get("/webhooks/{name:str}")
    async def one(request: AnyRequest, name: FromPath[str]) -> Response[str]:
        return await single(request, name)

    @post("/webhooks/{name:str}/{action:str}")
    async def act(request: AnyRequest, name: FromPath[str], action: FromPath[str]) -> Response[str]:
        form, now = dict(await _form(request)), hooks.desk.now()
        read = form.get("version", "")
        expected = int(read) if read.isascii() and read.isdigit() and len(read) <= 9 else None
        match action:
            case "test":
                return await single(request, name, tried=await hooks.test(name))
            case "rotate":
                async with hooks.work() as connection:
                    made = await webhooks.rotate(connection, name, Rotation(), now, expected=expected)
                return await single(request, name, made=made)
            case "enable" | "disable":
                await hooks.change(name, Change(enabled=action == "enable"), _VIA, expected)
            case "resend":
                event = form.get("event", "")
                async with hooks.work() as connection:
                    if event.isascii() and event.isdigit() and len(event) <= 18:
                        await deliveries.resend(connection, name, int(event), now)
                    else:
                        await deliveries.resend_dead(connection, name, now)
            case "delete":
                async with hooks.work() as connection:
                    await webhooks.delete(connection, name, expected=expected)
                return _there("/webhooks")
            case _:
                raise Refused("not-found", f"there is no action {action[:40]!r}")
        return _there(f"/webhooks/{name}")

    return [every, add, one, act]


async def _form(request: AnyRequest) -> list[tuple[str, str]]:
    return parse_qsl((await request.body()).decode("utf-8", "replace"), max_num_fields=50)


def _there(path: str) -> Response[str]:
    return Response("", status_code=303, headers={**HEADERS, "location": path}, media_type="text/plain")
