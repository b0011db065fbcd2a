"""The life of a case, as one table: in which states an action may be taken, by whom, where it leads, what follows.

The machine takes no step that is not in it, and the drawing in the documentation is made from it.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from evenhand.cases.model import STATES, Role, State


class Move(NamedTuple):
    """One row."""

    # states in which it may be taken
    at: tuple[State, ...]
    action: str
    by: tuple[Role, ...]
    # the state it leads to; None stays
    to: State | None
    # what follows, for people
    follows: str


_TALKING: Final[tuple[State, ...]] = ("opened", "negotiating")
_WITH_PERSON: Final[tuple[State, ...]] = ("escalated", "under_review")
_ALIVE: Final[tuple[State, ...]] = ("opened", "negotiating", "escalated", "under_review", "settling")
_PARTIES: Final[tuple[Role, ...]] = ("buyer", "merchant")
_STAFF: Final[tuple[Role, ...]] = ("adjudicator", "platform")

MOVES: Final[tuple[Move, ...]] = (
    Move(_TALKING, "message", _PARTIES, "negotiating", "the other side has until its deadline to answer"),
    Move(("escalated", "under_review", "settling"), "message", (*_PARTIES, *_STAFF), None, "it is in the thread"),
    Move(_ALIVE, "evidence", (*_PARTIES, *_STAFF), None, "it is in the thread"),
    Move(_TALKING, "offer", _PARTIES, "negotiating", "it is open until it expires; it replaces the side's offer before"),
    Move(_TALKING, "decline", _PARTIES, "negotiating", "an offer, or the application; the other side's turn"),
    Move(_TALKING, "accept", _PARTIES, "agreed", "the merchant's word lets the merchant pay; carried out at once"),
    Move(_TALKING, "escalate", (*_PARTIES, "clock"), "escalated", "a person or a panel is to rule"),
    Move(("settling",), "escalate", ("merchant", "clock"), "escalated", "what came back, or did not, is in dispute"),
    Move(_ALIVE, "withdraw", ("buyer",), "closed", "nothing is paid"),
    Move(("opened", "negotiating", "settling"), "silence", ("clock",), None, "what the policy says of silence follows"),
    Move((*_TALKING, "settling"), "pause", _STAFF, None, "the deadline stands still"),
    Move((*_TALKING, "settling"), "resume", _STAFF, None, "the deadline goes on with the time that was left"),
    Move(_WITH_PERSON, "claim", ("adjudicator",), "under_review", "one person works on it, for a while"),
    Move(("under_review",), "release", ("adjudicator", "clock"), "escalated", "it is anybody's again"),
    Move(_WITH_PERSON, "inspect", _STAFF, None, "a third party looks at the goods; no ruling before its result"),
    Move(_WITH_PERSON, "inspected", _STAFF, None, "the result is part of the case"),
    Move(("under_review",), "propose", ("adjudicator",), "escalated", "above the market's amount a second person must agree"),
    Move(("under_review",), "object", ("adjudicator",), "escalated", "the second person disagrees; the proposal is gone"),
    Move(("under_review",), "rule", ("adjudicator", "panel"), "ruled", "carried out at once; both parties are told why"),
    Move(_TALKING, "rule", ("clock",), "ruled", "the policy takes the merchant's silence for consent"),
    Move(_WITH_PERSON, "convene", _STAFF, "escalated", "users are to rule it: jurors are drawn at once"),
    Move(("escalated",), "draw", ("clock", "platform"), "under_review", "jurors are drawn and asked to vote"),
    Move(_WITH_PERSON, "hang", ("clock", "platform"), "escalated", "no jurors, or no majority in time: a person rules"),
    Move(("agreed", "ruled", "settling"), "pay", ("clock",), None, "money is booked, once"),
    Move(("ruled", "settling"), "compensate", ("clock",), None, "the fund gives the merchant back what it should not bear"),
    Move(("ruled", "settling"), "charge", ("clock",), None, "the merchant gives the fund back what it has to bear"),
    Move(("ruled", "settling"), "recover", ("clock",), None, "the buyer owes what it should not have had"),
    Move(("agreed", "ruled"), "settle", ("clock",), "settling", "goods go back, or a replacement is sent, first"),
    Move(("settling",), "send_back", ("buyer",), None, "the merchant says whether the goods came"),
    Move(("settling",), "receive", ("merchant", "platform"), None, "the goods came: what was due is paid"),
    Move(("settling",), "replace", ("merchant",), None, "a replacement is on its way"),
    Move((*_TALKING, "agreed", "ruled", "settling"), "close", ("clock",), "closed", "what somebody decided can be appealed"),
    Move(("closed",), "appeal", _PARTIES, "escalated", "another person decides, with the new evidence"),
)  # fmt: skip


def find(state: State, action: str, role: Role) -> Move | None:
    """The row for an action in a state by a role, if there is one."""
    return next((move for move in MOVES if move.action == action and state in move.at and role in move.by), None)


def states_of(action: str, role: Role) -> Sequence[State]:
    """Where somebody in that role may take an action."""
    return [state for state in STATES if find(state, action, role)]


def roles_of(action: str) -> Sequence[Role]:
    """Who may ever take an action."""
    return list(dict.fromkeys(role for move in MOVES if move.action == action for role in move.by))
