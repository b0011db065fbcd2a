"""Erasing a person: what identifies it goes, what happened stays true.

The account keeps its number and loses its name: orders, applications, rulings and transfers refer to it by the number and stay as
they are, so every ruling can still be reproduced and the ledger still sums to zero, about somebody whom nobody can name. Dropped
are the day tiles, what links the account to others (keyed hashes of addresses, devices, payment instruments, phones), cases noted
against it, and the comments and evidence references of its applications. That somebody was erased is written down.
"""

import secrets
from datetime import datetime
from typing import Final

from evenhand.accounts.links.keeping import forget
from evenhand.accounts.state import AccountKind, Connection
from evenhand.errors import BadInput, UnknownThing
from evenhand.store import Queries

_sql: Final = Queries.load("erasure")


async def erase(connection: Connection, market: str, kind: AccountKind, account: str, *, by: str, now: datetime) -> str:
    """Erase an account, inside the caller's transaction; returns what it is called from now on.

    Raises `UnknownThing` when the market knows none such.
    """
    if not by.strip():
        raise BadInput("say who does it", field="by")
    row = await connection.fetchrow(_sql.hold, market, kind, account)
    if row is None:
        raise UnknownThing(f"market {market[:60]!r} knows no {kind} {account[:120]!r}", field="account")
    pseudonym = f"erased-{secrets.token_hex(8)}"
    await connection.execute(_sql.allow)
    await forget(connection, row["no"], row["market"])
    await connection.execute(_sql.forget, row["no"], pseudonym)
    if kind == "buyer":
        await connection.execute(_sql.forget_comments, row["no"])
        await connection.execute(_sql.forget_signs, row["no"])
    await connection.execute(_sql.note, row["no"], pseudonym, by, now)
    return pseudonym
