"""How fast a store answers: counted in its history when it first answers a case by its deadline, or lets a deadline pass.

Only what the policy gave a deadline for counts, and only the time that the market's calendar counts: nights, holidays and pauses
are nobody's. What a buyer writes or files neither shortens nor lengthens it, so no buyer can make a store look slow.
"""

from datetime import timedelta
from typing import Final

from evenhand.accounts import state as accounts
from evenhand.accounts.arrivals import note
from evenhand.accounts.state import Connection
from evenhand.cases.machine import Hand
from evenhand.cases.model import Case, Event, Ground
from evenhand.casework.loading import Loaded
from evenhand.history import MERCHANT
from evenhand.store import Queries

_sql: Final = Queries.load("cases")
_ANSWERS: Final = ("message", "offer", "decline", "accept")
_TALKING: Final = ("opened", "negotiating")
# What a missed deadline counts, in percent of the time given.
MISSED: Final = 500


def answer_of(case: Case, ground: Ground, event: Event) -> dict[str, str | int] | None:
    """What an event in a case says of how the store answers; None for one that says nothing. Pure.

    `used` is the part of the time given that was taken, in whole percent rounded up, or `MISSED`.
    """
    if case.turn != "merchant" or case.state not in _TALKING:
        return None
    if event.action == "silence":
        return {"late": "true", "used": MISSED}
    if event.role != "merchant" or event.action not in _ANSWERS or not ground.hours:
        return None
    if case.left is not None:
        left = timedelta(seconds=case.left)
    elif case.due is not None:
        left = ground.settings.calendar.between(event.at, case.due, ground.zone)
    else:
        return None
    given = timedelta(hours=ground.hours)
    return {"late": "false", "used": min(100, max(0, -(100 * (left - given) // given)))}


async def note_answers(connection: Connection, loaded: Loaded, hand: Hand) -> None:
    """Fold what a hand says of the store's answer into the store's history, inside the caller's transaction."""
    first = hand.events[0] if hand.events else None
    said = answer_of(loaded.case, loaded.ground, first) if first else None
    if first is None or said is None:
        return
    if said["late"] == "false" and await connection.fetchval(_sql.has_spoken, loaded.ground.no, first.no):
        return
    held = await accounts.lock(connection, [loaded.merchant])
    day = loaded.market.day(first.at)
    MERCHANT.fold(held[loaded.merchant].tiles, day, "answer", said)
    await note(connection, loaded.ground.no, day, "answer", said)
    await accounts.save(connection, held)
