"""The order in which things arrived, kept so that histories can be computed again as each ruling saw them.

Orders, deliveries, reviews and bookings are numbered in their own rows, from one sequence, while the accounts they change are
held. What happens in a case may count too, a person's ruling, what it found, and a store's answer: those few are noted here,
where they are folded. `history.sql` tells it all as one table of events, in the shape that `evenhand.history.batch` reads.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from evenhand.accounts.state import Connection
from evenhand.store import Queries

_sql: Final = Queries.load("history")


async def note(
    connection: Connection,
    case: int,
    day: int,
    kind: Literal["ruling", "answer", "finding"],
    fields: Mapping[str, str | int],
    weight: int = 1,
) -> None:
    """Note what a case adds to histories on a day, inside the caller's transaction, while the accounts are held."""
    late = fields["late"] == "true" if "late" in fields else None
    told = (fields.get("outcome"), fields.get("source"), late, fields.get("used"))
    await connection.execute(_sql.note_count, case, day, kind, weight, *told)


async def has_kept(connection: Connection, account: int, since: datetime) -> bool:
    """Whether an account's history still holds what was counted at a moment: it was not erased since."""
    return not await connection.fetchval(_sql.erased_since, account, since)


async def has_found(connection: Connection, case: int) -> bool:
    """Whether a finding of a case is counted; what was found before findings were counted is not."""
    return bool(await connection.fetchval(_sql.is_found, case))
