"""Webhooks over HTTP: where events are sent, how it goes, and sending again."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, delete, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from evenhand.accounts.state import Connection
from evenhand.desk import Desk
from evenhand.events import deliveries, webhooks
from evenhand.events.addresses import check_url, private_allowed
from evenhand.events.courier import send, trial
from evenhand.events.deliveries import Attempt, Delivery
from evenhand.events.outbox import give_places
from evenhand.events.sender import Sender
from evenhand.events.webhooks import Change, NewWebhook, Rotation, Webhook
from evenhand.records import decode_as
from evenhand.store import Database
from evenhand.web.asgi import JSON
from evenhand.web.keys import Keys, once
from evenhand.web.problems import existing
from evenhand.web.taking import body, content, expected, takes, transaction

Name = Annotated[str, PathParameter(max_length=40, description="The webhook's id.")]
EventId = Annotated[int, PathParameter(ge=1, le=2**63 - 1, description="The event's id.")]
_VIA: Final = "HTTP API"
_MOST: Final = 500


class DeliveryPage(msgspec.Struct, frozen=True):
    """Some deliveries, the latest event first."""

    deliveries: list[Delivery]
    # address of earlier ones; null when there are no more
    next: str | None


class Resent(msgspec.Struct, frozen=True):
    """How many deliveries are sent again."""

    resent: int


class Hooks:
    """What the API and the console do with webhooks."""

    def __init__(self, desk: Desk, database: Database) -> None:
        self.desk = desk
        self._database = database

    @asynccontextmanager
    async def work(self) -> AsyncGenerator[Connection]:
        """A transaction; a webhook or delivery that is not there is answered by 404."""
        async with existing(), transaction(self._database) as connection:
            yield connection

    async def add(self, new: NewWebhook, request: "Request[Any, Any, Any]") -> tuple[Webhook, bool]:
        webhooks.check(new, list(self.desk.markets))
        await check_url(new.url, allow_private=private_allowed())
        async with self.work() as connection:
            await give_places(connection)  # it is to get what happens from now on
        async with self.work() as connection:

            def make() -> Awaitable[tuple[Webhook, bool]]:
                return webhooks.add(connection, new, list(self.desk.markets), self.desk.now())

            return await _once(connection, request, make, self.desk.now())

    async def change(self, name: str, wanted: Change, by: str, expected: int | None = None) -> Webhook:
        webhooks.check(wanted, list(self.desk.markets))
        if wanted.url is not None:
            await check_url(wanted.url, allow_private=private_allowed())
        async with self.work() as connection:
            return await webhooks.change(
                connection, name, wanted, list(self.desk.markets), self.desk.now(), by=by, expected=expected
            )

    async def test(self, name: str) -> Attempt:
        """Send an event that only says that events arrive, now, and see what comes back."""
        async with self.work() as connection:
            row = await webhooks.stored(connection, name)
        now = self.desk.now()
        async with Sender(allow_private=private_allowed()) as sender:
            sent = await send(sender, row, trial(name, now), now)
        answer = sent.answer.decode("utf-8", "replace")
        return Attempt(1, now, sent.status, sent.error, sent.took_ms, answer)


class _Made(msgspec.Struct, frozen=True):
    """A webhook that was made or given a secret, as the answer is kept under a key."""

    webhook: Webhook
    is_new: bool
    # which secret it was given, without the secret
    mark: str | None


async def _once(
    connection: Connection,
    request: "Request[Any, Any, Any]",
    make: Callable[[], Awaitable[tuple[Webhook, bool]]],
    now: datetime,
) -> tuple[Webhook, bool]:
    """What `make` makes, once under a key. The secret is the webhook's own to keep: a repeat is given it from there, while it
    signs."""

    async def keep() -> _Made:
        made, is_new = await make()
        mark = None if made.secret is msgspec.UNSET else webhooks.mark_of(made.secret)
        return _Made(msgspec.structs.replace(made, secret=msgspec.UNSET), is_new, mark)

    kept = await once(connection, request, keep, _Made)
    secret = await webhooks.marked(connection, kept.webhook.id, kept.mark, now) if kept.mark else None
    return msgspec.structs.replace(kept.webhook, secret=secret or msgspec.UNSET), kept.is_new


def _tagged(webhook: Webhook, status: int = 200) -> Response[Webhook]:
    return Response(webhook, status_code=status, headers={"etag": f'"{webhook.version}"'})


def routes(hooks: Hooks, database: Database) -> list[HTTPRouteHandler]:
    """The handlers of webhooks."""
    keys, desk = Keys(database), hooks.desk

    @get("/v1/webhooks", summary="Webhooks", tags=["webhooks"])
    async def every() -> list[Webhook]:
        """Where events are sent, and how it goes."""
        async with hooks.work() as connection:
            return await webhooks.every(connection, desk.now())

    @post(
        "/v1/webhooks",
        summary="Make a webhook",
        tags=["webhooks"],
        operation_class=takes("NewWebhook"),
        status_code=201,
    )
    async def add(request: "Request[Any, Any, Any]") -> Response[Webhook]:
        """It gets what happens from now on. The answer holds the secret its messages are signed by, which is not shown again, but
        to who repeats the request under its `Idempotency-Key` while they are signed by it. The same `id` with the same choices
        again is answered by 200, without the secret."""
        new = decode_as(await content(request, JSON), NewWebhook)
        made, is_new = await hooks.add(new, request)
        return _tagged(made, 201 if is_new else 200)

    @get("/v1/webhooks/{webhook:str}", summary="One webhook", tags=["webhooks"])
    async def one(webhook: Name) -> Response[Webhook]:
        """Where its events go, and how it goes. The ETag is what `If-Match` of a change takes."""
        async with hooks.work() as connection:
            return _tagged(await webhooks.get(connection, webhook, desk.now()))

    @patch(
        "/v1/webhooks/{webhook:str}",
        summary="Change a webhook",
        tags=["webhooks"],
        operation_class=takes("Change"),
    )
    async def change(request: "Request[Any, Any, Any]", webhook: Name) -> Response[Webhook]:
        """What is left out stays. Enabled again, it is sent everything that waited, and what happened since."""
        wanted = decode_as(await body(request, keys, JSON), Change)
        return _tagged(await hooks.change(webhook, wanted, _VIA, expected(request.headers)))

    @delete("/v1/webhooks/{webhook:str}", summary="Delete a webhook", tags=["webhooks"], status_code=204)
    async def remove(request: "Request[Any, Any, Any]", webhook: Name) -> None:
        """With everything that was on its way to it."""
        async with hooks.work() as connection:
            await webhooks.delete(connection, webhook, expected=expected(request.headers))

    @post(
        "/v1/webhooks/{webhook:str}/rotate",
        summary="Change the secret",
        tags=["webhooks"],
        operation_class=takes("Rotation"),
        status_code=200,
    )
    async def rotate(request: "Request[Any, Any, Any]", webhook: Name) -> Response[Webhook]:
        """The answer holds the new secret. For a while messages are signed by both, so receivers can change in their time."""
        wanted = decode_as(await content(request, JSON), Rotation)
        version = expected(request.headers)
        async with hooks.work() as connection:

            async def make() -> tuple[Webhook, bool]:
                return await webhooks.rotate(connection, webhook, wanted, desk.now(), expected=version), True

            changed, _ = await _once(connection, request, make, desk.now())
            return _tagged(changed)

    @post("/v1/webhooks/{webhook:str}/test", summary="Send a test event", tags=["webhooks"], status_code=200)
    async def test(webhook: Name) -> Attempt:
        """Signed like any other, of type evenhand.webhook.test; the answer is what the receiver answered."""
        return await hooks.test(webhook)

    @get("/v1/webhooks/{webhook:str}/deliveries", summary="Deliveries", tags=["webhooks"])
    async def listed(
        webhook: Name,
        in_state: Annotated[
            str | None, QueryParameter(name="state", description="Only waiting, delivered or dead ones.")
        ] = None,
        before: Annotated[int | None, QueryParameter(ge=1, le=2**63 - 1, description="Only of earlier events.")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=_MOST, description="How many at most.")] = 50,
    ) -> DeliveryPage:
        """The latest event first, with what came of the last sending."""
        async with hooks.work() as connection:
            found = await deliveries.deliveries(connection, webhook, state=in_state, before=before, limit=limit + 1)
        there = None
        if len(found) > limit:
            chosen = f"state={in_state}&" if in_state else ""
            there = f"/v1/webhooks/{webhook}/deliveries?{chosen}limit={limit}&before={found[limit - 1].event}"
        return DeliveryPage(found[:limit], there)

    @get("/v1/webhooks/{webhook:str}/deliveries/{event:int}", summary="Sendings of an event", tags=["webhooks"])
    async def sendings(webhook: Name, event: EventId) -> list[Attempt]:
        """Every time the event was sent to the webhook, and what came back."""
        async with hooks.work() as connection:
            return await deliveries.attempts(connection, webhook, event)

    @post(
        "/v1/webhooks/{webhook:str}/deliveries/{event:int}/resend",
        summary="Send an event again",
        tags=["webhooks"],
        status_code=202,
    )
    async def resend(request: "Request[Any, Any, Any]", webhook: Name, event: EventId) -> Resent:
        """Now, and if need be for three days more; whatever became of it before."""
        async with hooks.work() as connection:

            async def make() -> Resent:
                await deliveries.resend(connection, webhook, event, desk.now())
                return Resent(1)

            return await once(connection, request, make, Resent)

    @post(
        "/v1/webhooks/{webhook:str}/resend-dead", summary="Send dead letters again", tags=["webhooks"], status_code=202
    )
    async def resend_dead(request: "Request[Any, Any, Any]", webhook: Name) -> Resent:
        """All that were given up."""
        async with hooks.work() as connection:

            async def make() -> Resent:
                return Resent(await deliveries.resend_dead(connection, webhook, desk.now()))

            return await once(connection, request, make, Resent)

    return [every, add, one, change, remove, rotate, test, listed, sendings, resend, resend_dead]
