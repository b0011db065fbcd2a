"""Erasing a person over HTTP, for the marketplace that holds the key."""

from typing import Annotated, Any

import msgspec
from litestar import Request, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from evenhand.accounts.state import AccountKind
from evenhand.desk import Desk
from evenhand.erasure import Erased, erase_person
from evenhand.evidence.vault import Vault
from evenhand.records import decode_as
from evenhand.store import Database
from evenhand.web.accounts import IdInQuery, meant
from evenhand.web.asgi import JSON
from evenhand.web.keys import Keys
from evenhand.web.policies import known
from evenhand.web.problems import Refused, existing
from evenhand.web.taking import body, reaching, takes


class Erase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A privacy request, as it is carried out."""

    market: str
    # the person who carries it out
    by: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    kind: AccountKind = "buyer"
    # why the person is erased although a case is open, money is on its way, or a label is in effect
    despite: Annotated[str, msgspec.Meta(max_length=4000)] = ""


def routes(desk: Desk, database: Database, vault: Vault) -> list[HTTPRouteHandler]:
    """The handler."""
    keys = Keys(database)

    @post(
        "/v1/accounts/{account:str}/erase",
        summary="Erase a person",
        tags=["accounts"],
        operation_class=takes("Erase"),
        status_code=200,
    )
    async def erase(
        request: "Request[Any, Any, Any]",
        account: Annotated[str, PathParameter(max_length=120, description="The marketplace's id.")],
        named: IdInQuery = None,
    ) -> Erased:
        """After a privacy request. The name, the history, links, and whatever the person wrote or showed go; orders, rulings and
        the ledger stay, under a pseudonym. The answer says what was erased, what was kept and on which ground. Sent again, it
        does nothing and says so (`repeated`). A case under legal hold is a conflict; so is an open case, money on its way, or a
        label in effect, unless `despite` says why."""
        asked = decode_as(await body(request, keys, JSON), Erase)
        known(desk, asked.market)
        account = meant(account, named)
        if "\0" in account:
            raise Refused("not-found", "no id holds a NUL character", field="account")
        async with existing(), reaching():
            return await erase_person(
                database.pool, vault, asked.market, asked.kind, account, by=asked.by, now=desk.now(), despite=asked.despite
            )  # fmt: skip

    return [erase]
