"""Labels over HTTP: for the marketplace that holds the key. No address tells a merchant, or anybody else, of a buyer's label."""

from collections.abc import Awaitable
from datetime import datetime, timedelta
from types import NoneType
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from evenhand.accounts.labels import (
    LONGEST,
    Confirm,
    Label,
    LabelShown,
    Proposal,
    appeal,
    decide_appeal,
    decide_proposal,
    end_label,
    labels_in,
    proposals_in,
    reason_of,
    set_label,
)
from evenhand.accounts.state import AccountKind
from evenhand.desk import Desk
from evenhand.errors import BadInput
from evenhand.labelling import configure
from evenhand.markets import CLOCK_SKEW
from evenhand.policy import Because, PolicyError
from evenhand.records import SAYS_SOMETHING, Id, Moment, decode_as
from evenhand.store import Database
from evenhand.web.asgi import JSON
from evenhand.web.keys import Keys, once
from evenhand.web.policies import Market, known
from evenhand.web.problems import Refused, existing
from evenhand.web.taking import body, content, takes, transaction

Number = Annotated[int, PathParameter(ge=1, le=2**63 - 1, description="Its number.")]
Who = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4000, pattern=SAYS_SOMETHING)]
_MOST = 500


class NewLabel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A label that a person sets, with the cases it rests on."""

    account: Id
    label: Label
    # what it is for, as the person is told, in the language of the market
    cause: Text
    days: Annotated[int, msgspec.Meta(ge=1, le=366)]
    by: Who
    # numbers of cases of this very account
    cases: Annotated[
        list[Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,18}$")]], msgspec.Meta(min_length=1, max_length=200)
    ]
    kind: AccountKind = "buyer"
    # null means now
    starts_at: Moment | None = None


class LabelSet(msgspec.Struct, frozen=True):
    """The label that was set."""

    label: int
    # what the person is told: the cause, what the market's rules make of the label, its end, and how to appeal
    reason: Because


class Ending(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person takes a label away."""

    by: Who
    why: Text


class Appeal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the person on whom a label is says against it."""

    says: Text


class AppealFiled(msgspec.Struct, frozen=True):
    """The appeal that waits for a person now."""

    appeal: int


class AppealDecision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person decided of an appeal, and why."""

    verdict: Literal["lifted", "upheld"]
    by: Who
    note: Text


class ProposalDecision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person decided of a proposed label."""

    verdict: Literal["confirmed", "dismissed"]
    by: Who
    note: str | None = None


class ProposalDecided(msgspec.Struct, frozen=True):
    """The label a confirmed proposal became; null for one that was dismissed."""

    label: int | None


class LabellingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a market labels."""

    # from which label on a person confirms what the document proposes
    confirm: Confirm
    by: Who
    # a labelling document, word for word; null is the package's
    document: Annotated[str, msgspec.Meta(max_length=1_000_000)] | None = None


class LabelList(msgspec.Struct, frozen=True):
    """Labels, the newest first, and proposals that wait for a person, the oldest first."""

    labels: list[LabelShown]
    proposals: list[Proposal]


def routes(desk: Desk, database: Database) -> list[HTTPRouteHandler]:
    """The handlers of labels."""
    keys = Keys(database)

    @get("/v1/markets/{market:str}/labels", summary="Labels", tags=["accounts"])
    async def listed(
        market: Market,
        account: Annotated[str | None, QueryParameter(max_length=120, description="Only of this account.")] = None,
        active: Annotated[bool, QueryParameter(description="Only those in effect.")] = False,
        limit: Annotated[int, QueryParameter(ge=1, le=_MOST, description="How many at most.")] = 100,
    ) -> LabelList:
        """With what each rests on, what the person was told, and whether it is appealed; proposals beside."""
        numbers = [desk.markets[known(desk, market)].number]
        at: datetime | None = desk.now() if active else None
        async with transaction(database) as connection:
            labels = await labels_in(connection, numbers, account=account, at=at, limit=limit)
            return LabelList(labels, await proposals_in(connection, numbers, limit))

    @post(
        "/v1/markets/{market:str}/labels",
        summary="Label an account",
        tags=["accounts"],
        operation_class=takes("NewLabel"),
        status_code=201,
    )
    async def label(request: "Request[Any, Any, Any]", market: Market) -> LabelSet:
        """A person's judgement, resting on cases of the account itself. It ends by itself, and can be appealed."""
        known(desk, market)
        new = decode_as(await content(request, JSON), NewLabel)
        now = desk.now()
        async with transaction(database) as connection:

            async def make() -> int:
                starts = new.starts_at or now
                if not now - CLOCK_SKEW <= starts <= now + LONGEST:
                    raise BadInput(f"a label starts now or within {LONGEST.days} days", field="starts_at")
                return await set_label(
                    connection, market, new.kind, new.account, new.label,
                    cause=new.cause, set_by=new.by, starts_at=starts, expires_at=starts + timedelta(days=new.days),
                    cases=[int(case) for case in new.cases],
                )  # fmt: skip

            number = await once(connection, request, make, int)
            return LabelSet(number, await reason_of(connection, number))

    @put(
        "/v1/markets/{market:str}/labelling",
        summary="Set how a market labels",
        tags=["accounts"],
        operation_class=takes("LabellingSettings"),
    )
    async def settings(request: "Request[Any, Any, Any]", market: Market) -> Response[None]:
        """Which document labels, and from which label on a person confirms. Counts from now on."""
        asked = decode_as(await body(request, keys, JSON), LabellingSettings)
        found = desk.markets[known(desk, market)]
        async with transaction(database) as connection:
            try:
                await configure(connection, found, asked.confirm, asked.document, by=asked.by, now=desk.now())
            except PolicyError as error:
                raise Refused("bad-input", str(error), field="document") from None
        return Response(None, status_code=204)

    @post(
        "/v1/labels/{label:int}/end", summary="Take a label away", tags=["accounts"], operation_class=takes("Ending"),
        status_code=204,
    )  # fmt: skip
    async def end(request: "Request[Any, Any, Any]", label: Number) -> None:
        """From now on no ruling sees it."""
        asked = decode_as(await content(request, JSON), Ending)
        async with existing(), transaction(database) as connection:

            def make() -> Awaitable[None]:
                return end_label(connection, label, by=asked.by, why=asked.why, now=desk.now())

            await once(connection, request, make, NoneType)

    @post(
        "/v1/labels/{label:int}/appeal", summary="Appeal against a label", tags=["accounts"], operation_class=takes("Appeal"),
        status_code=201,
    )  # fmt: skip
    async def contest(request: "Request[Any, Any, Any]", label: Number) -> AppealFiled:
        """A person who did not set the label decides on it."""
        asked = decode_as(await content(request, JSON), Appeal)
        async with existing(), transaction(database) as connection:

            def make() -> Awaitable[int]:
                return appeal(connection, label, says=asked.says, now=desk.now())

            return AppealFiled(await once(connection, request, make, int))

    @post(
        "/v1/label-appeals/{number:int}/decide", summary="Decide on an appeal", tags=["accounts"],
        operation_class=takes("AppealDecision"), status_code=204,
    )  # fmt: skip
    async def decide_one(request: "Request[Any, Any, Any]", number: Number) -> None:
        """Lifted ends the label at once."""
        asked = decode_as(await content(request, JSON), AppealDecision)
        async with existing(), transaction(database) as connection:

            def make() -> Awaitable[None]:
                return decide_appeal(connection, number, asked.verdict, by=asked.by, note=asked.note, now=desk.now())

            await once(connection, request, make, NoneType)

    @post(
        "/v1/label-proposals/{number:int}/decide", summary="Confirm or dismiss a proposed label", tags=["accounts"],
        operation_class=takes("ProposalDecision"), status_code=200,
    )  # fmt: skip
    async def decide_two(request: "Request[Any, Any, Any]", number: Number) -> ProposalDecided:
        """A confirmed label counts from now."""
        asked = decode_as(await content(request, JSON), ProposalDecision)
        async with existing(), transaction(database) as connection:

            async def make() -> ProposalDecided:
                return ProposalDecided(
                    await decide_proposal(
                        connection, number, asked.verdict, by=asked.by, note=asked.note, now=desk.now()
                    )
                )

            return await once(connection, request, make, ProposalDecided)

    return [listed, label, settings, end, contest, decide_one, decide_two]
