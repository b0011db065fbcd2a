"""Legal holds: while a case is held, nothing that was shown in it is removed and none of its parties is erased.

A person places a hold and a person lifts it, each with a name and a reason; both stay written down.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from evenhand.errors import BadInput, Conflict, UnknownThing
from evenhand.evidence.log import Connection
from evenhand.naming import person
from evenhand.store import Queries

_sql: Final = Queries.load("evidence")


class Hold(msgspec.Struct, frozen=True):
    """A case under legal hold, or one that was."""

    case: str
    why: str
    placed_by: str
    placed_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None
    lifted_why: str | None


async def place(connection: Connection, case: int, *, by: str, why: str, now: datetime) -> Hold:
    """Place a case under legal hold, inside the caller's transaction.

    Raises `UnknownThing` when there is no such case, `Conflict` when it is held already, `BadInput` for what is not said.
    """
    by = _check(by, why)
    await connection.execute(_sql.one_at_a_time)
    try:
        placed = await connection.fetchval(_sql.hold, case, why, by, now)
    except asyncpg.ForeignKeyViolationError:
        raise UnknownThing(f"there is no case {case}", field="case") from None
    if placed is None:
        raise Conflict(f"case {case} is under legal hold already", field="case")
    return (await holds_of(connection, case))[0]


async def lift(connection: Connection, case: int, *, by: str, why: str, now: datetime) -> Hold:
    """Lift the hold of a case, inside the caller's transaction; raises `Conflict` when there is none, `BadInput`."""
    by = _check(by, why)
    if await connection.fetchval(_sql.lift, case, by, why, now) is None:
        raise Conflict(f"case {case} is not under legal hold", field="case")
    return (await holds_of(connection, case))[0]


async def holds_of(connection: Connection, case: int) -> list[Hold]:
    """The holds of a case, those that were lifted too, the newest first."""
    return [_hold(row) for row in await connection.fetch(_sql.holds_of_case, case)]


async def standing(connection: Connection, markets: Sequence[int]) -> list[Hold]:
    """Holds that stand in markets (by number), the newest first."""
    return [_hold(row) for row in await connection.fetch(_sql.holds, list(markets))]


def _hold(row: Any) -> Hold:
    return Hold(
        str(row["case_no"]), row["why"], row["placed_by"], row["placed_at"], row["lifted_by"], row["lifted_at"],
        row["lifted_why"],
    )  # fmt: skip


def _check(by: str, why: str) -> str:
    if not why.strip() or len(why) > 4000 or "\0" in why:
        raise BadInput("says why, in 1 to 4,000 characters", field="why")
    return person(by)
