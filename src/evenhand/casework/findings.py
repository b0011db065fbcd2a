"""What persons find that a buyer sent back: counted in its history for each case whose decision in force rests on it.

The count lies on the day of that decision. A later one takes it back, and counts anew if it finds the same: so a finding that is
turned over on appeal is gone from every window, and one that is upheld is counted once.
"""

from evenhand.accounts import state as accounts
from evenhand.accounts.arrivals import has_found, has_kept, note
from evenhand.accounts.state import Connection
from evenhand.cases.grounds import RETURN_EMPTY
from evenhand.cases.machine import Hand
from evenhand.casework.loading import Loaded
from evenhand.history import BUYER


async def note_findings(connection: Connection, loaded: Loaded, hand: Hand) -> None:
    """Fold what a hand's ruling found, and no longer finds, into the buyer's history, inside the caller's transaction."""
    decided = [event.said.decision for event in hand.events if event.action == "rule" and event.said.decision]
    if not decided:
        return
    told = ((loaded.case.decision, -1), (decided[-1], 1))
    found = [(one, weight) for one, weight in told if one and RETURN_EMPTY in one.grounds]
    if not found:
        return
    held = await accounts.lock(connection, [loaded.buyer])
    for decision, weight in found:
        # only what is in the history can be taken back from it
        if weight < 0 and not await has_found(connection, loaded.ground.no):
            continue
        day = loaded.market.day(decision.at)
        if weight > 0 or await has_kept(connection, loaded.buyer, decision.at):
            BUYER.fold(held[loaded.buyer].tiles, day, "finding", {}, weight)
        await note(connection, loaded.ground.no, day, "finding", {}, weight)
    await accounts.save(connection, held)
