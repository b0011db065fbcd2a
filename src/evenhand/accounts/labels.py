"""Labels on accounts: watched or malicious, with a cause, a start and an end; never a silent ban."""

from datetime import datetime
from typing import Final, Literal

from evenhand.accounts.state import AccountKind, Connection, find_or_open
from evenhand.errors import BadInput, UnknownThing
from evenhand.events.outbox import Event, emit
from evenhand.store import Queries

_sql: Final = Queries.load("accounts")
_desk: Final = Queries.load("desk")


async def set_label(
    connection: Connection,
    market: str,
    kind: AccountKind,
    account: str,
    label: Literal["watched", "malicious"],
    *,
    cause: str,
    set_by: str,
    starts_at: datetime,
    expires_at: datetime,
) -> None:
    """Label an account, opening it when it is not known yet. Rulings see the label from `starts_at` until `expires_at`."""
    if not cause.strip() or not set_by.strip():
        raise BadInput("a label needs a cause and who set it", field="cause")
    if expires_at <= starts_at:
        raise BadInput("a label must end after it starts", field="expires_at")
    numbers = {row["id"]: row["no"] for row in await connection.fetch(_desk.markets)}
    if market not in numbers:
        raise UnknownThing(f"there is no market {market!r}", field="market")
    key = (numbers[market], kind, account)
    found = await find_or_open(connection, [key])
    await connection.execute(_sql.label, found[key], label, cause, set_by, starts_at, expires_at)
    said = {"account": {"kind": kind, "id": account}, "label": label, "cause": cause, "set_by": set_by}
    said |= {"starts_at": starts_at, "expires_at": expires_at}
    await emit(connection, [Event("label.set", numbers[market], None, starts_at, said)])
