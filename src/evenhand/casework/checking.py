"""Cases as they are stored, checked against the events they were made from."""

from collections.abc import Callable
from typing import Final

from evenhand.cases import keeping
from evenhand.cases.machine import fold_all
from evenhand.cases.opening import opened
from evenhand.casework.working import Casework
from evenhand.store import Queries

_sql: Final = Queries.load("cases")


async def check_case(work: Casework, no: int) -> str | None:
    """What is wrong with a case's state as stored, seen from its events; None when it is right."""
    async with (
        work.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        loaded = await work.load(connection, no)
        events = [keeping.event_of(row) for row in await connection.fetch(_sql.all_events, no)]
        file = await connection.fetchrow(_sql.file, no)
    if file is None:
        return None
    try:
        folded = fold_all(opened(loaded.ground), events)
    except AssertionError as error:
        return f"case {no}: its events do not follow from one another: {error}"
    columns = (file["state"], file["version"], file["due_at"], file["wanted_by"], file["holder"])
    if columns != (folded.state, folded.version, folded.due, folded.wanted_by, folded.holder):
        return f"case {no}: the events lead to {folded.state} at version {folded.version}, stored is {columns}"
    if events and folded != loaded.case:
        return f"case {no}: what is stored is not what its {len(events)} events lead to"
    return None


async def check_all(work: Casework, told: Callable[[str], None] = lambda _: None) -> tuple[int, int]:
    """Check every case that has moved; returns how many there are and how many are wrong, each of which is `told`."""
    checked = wrong = after = 0
    while numbers := [row["no"] for row in await work.pool.fetch(_sql.files, after, 500)]:
        for number in numbers:
            checked += 1
            if problem := await check_case(work, number):
                wrong += 1
                told(problem)
        after = numbers[-1]
    return checked, wrong
