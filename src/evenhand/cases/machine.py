"""The machine: from a case and an action to events, and from events back to the case. Pure: no store, no clock of its own.

An action is decided in two steps. Deciding looks at the case and its ground and answers with events, or raises what is wrong.
Folding applies an event to the case and knows nothing else, so the state can be made again from the events at any time. No
event is made that the table of moves does not hold.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from evenhand.cases.model import Case, Decision, Event, Ground, Offer, Party, Role, Said, Who
from evenhand.cases.table import find, roles_of, states_of
from evenhand.errors import BadInput, Conflict, NotAllowed
from evenhand.money import written
from evenhand.naming import person

_UNTIL: Final = "%Y-%m-%d %H:%M %Z"
# What a decision would break of what the policy promises, in the policy's words; None when it keeps all.
Broken = Callable[[Decision], str | None]


class Hand:
    """One action on a case in the making: events are added, and the case moves along with them."""

    def __init__(
        self,
        case: Case,
        ground: Ground,
        who: Who | None,
        now: datetime,
        *,
        role: Role | None = None,
        broken: Broken = lambda _: None,
    ) -> None:
        """`who` is None for the clock and the panel, whose `role` is given then; `broken` knows the policy's promises."""
        self.case = case
        self.ground = ground
        self.now = now
        self._broken = broken
        self.role: Role = who.role if who else role or "clock"
        self.name = who.id if who else ""
        self.events: list[Event] = []

    @property
    def party(self) -> Party:
        """The side that acts; only asked where a party does."""
        assert self.role in ("buyer", "merchant")
        return self.role

    def add(self, action: str, *, by_clock: bool = False, role: Role | None = None, **said: Any) -> None:
        """Let something happen; raises `Conflict` when the case's state does not allow it, `NotAllowed` for the role.

        `by_clock` is what follows by itself; `role` is for what the platform does in a party's stead.
        """
        role = "clock" if by_clock else role or self.role
        move = find(self.case.state, action, role)
        if move is None:
            raise refusal(self.case, action, role)
        name = self.name if role == self.role else ""
        event = Event(self.case.version + 1, self.now, action, role, name, move.to or self.case.state, Said(**said))
        self.case = fold(self.case, event)
        self.events.append(event)

    def after(self, hours: float) -> datetime:
        """The deadline that lies so many counting hours ahead."""
        return self.ground.settings.calendar.after(self.now, timedelta(hours=hours), self.ground.zone)

    def deadline(self, hours: float | None, *, ends: datetime | None = None) -> dict[str, Any]:
        """What an event says of the next deadline; a clock that was stopped stays stopped, with that time left."""
        if hours is None:
            return {"due": None}
        due = self.after(hours)
        if ends is not None:
            due = min(due, max(ends, self.now))
        if self.case.left is not None:
            left = self.ground.settings.calendar.between(self.now, due, self.ground.zone)
            return {"due": None, "left": left.total_seconds()}
        return {"due": due}

    def broken(self, decision: Decision) -> str | None:
        """The promise of the policy that a decision would break; None where it may be made.

        One that grants nothing may always be made, since somebody must be able to find a claim unfounded; and so may one that
        charges the merchant no more than it has accepted or has paid.
        """
        if decision.outcome == "decline":
            return None
        case = self.case
        agreed = case.decision if case.decision is not None and case.decision.source == "agreement" else None
        accepted = max(agreed.amount if agreed else 0, case.paid.of_merchant)
        if decision.payer == "merchant" and decision.amount <= accepted:
            return None
        return self._broken(decision)

    def money(self, amount: int) -> str:
        return written(amount, self.ground.currency)

    def local(self, moment: datetime) -> str:
        """A moment on the market's clock, for an error."""
        return f"{moment.astimezone(self.ground.zone):{_UNTIL}}"

    def within_line(self, amount: int, field: str = "amount") -> None:
        """Raises `BadInput` when that is more than what is left of the order line."""
        if amount > self.ground.line_left:
            left = self.money(self.ground.line_left)
            raise BadInput(f"{self.money(amount)} is more than the {left} that is left of the order line", field=field)


def refusal(case: Case, action: str, role: Role, called: str = "") -> Conflict | NotAllowed:
    """Why an action is not possible now; `called` is what it is called where it is asked for."""
    called = called or action
    states = states_of(action, role)
    if not states:
        return NotAllowed(f"{called} is for the {' or the '.join(roles_of(action))}, not the {role}", field="by.role")
    where = ", ".join(states)
    return Conflict(f"the case is {case.state} now, and {called} is possible only when it is {where}", field="action")


def check_who(ground: Ground, who: Who) -> None:
    """Raises `NotAllowed` when somebody acts on a case that is not theirs, `BadInput` for a name that shows nobody."""
    if who.role not in ("buyer", "merchant"):
        person(who.id, "by.id")
    own = {"buyer": ground.buyer, "merchant": ground.merchant}.get(who.role, who.id)
    if own != who.id:
        raise NotAllowed(f"{who.role} {who.id!r} is not a party of case {ground.no}", field="by.id")


def fold(case: Case, event: Event) -> Case:
    """The case after an event; raises `AssertionError` for one that could not have happened."""
    move = find(case.state, event.action, event.role)
    assert move is not None, f"{event.action} by {event.role} in state {case.state} is not in the table"
    assert event.no == case.version + 1, f"event {event.no} does not follow {case.version}"
    said = event.said
    assert event.state == (move.to or case.state), f"{event.action} does not lead from {case.state} to {event.state}"
    changes: dict[str, Any] = {"state": event.state, "version": event.no}
    for name in ("due", "turn", "left", "todo"):
        value = getattr(said, name)
        if value is not UNSET:
            changes[name] = value
    for name in ("ends", "wanted_by"):
        value = getattr(said, name)
        if value is not None:
            changes[name] = value
    changes |= _by_action(case, event)
    return replace(case, **changes)


def _by_action(case: Case, event: Event) -> dict[str, Any]:
    said = event.said
    match event.action:
        case "message" | "evidence":
            return {"thread": case.thread + 1}
        case "offer":
            assert said.offer is not None
            before = [_answered(one, said.offer) for one in case.offers]
            return {"offers": (*before, said.offer), "thread": case.thread + 1}
        case "accept":
            return {"offers": _marked(case.offers, said.answers, "accepted"), "decision": said.decision}
        case "decline":
            refused = case.refused or (event.role == "merchant" and said.answers is None)
            return {"offers": _marked(case.offers, said.answers, "declined"), "refused": refused}
        case "escalate" | "release" | "hang" | "convene":
            return {"holder": None, "panel": False}
        case "claim":
            return {"holder": event.who}
        case "draw":
            return {"panel": True}
        case "inspect":
            return {"inspection": "ordered"}
        case "inspected":
            return {"inspection": said.finding}
        case "propose":
            return {"draft": said.decision, "holder": None}
        case "object":
            return {"draft": None, "holder": None}
        case "rule":
            assert said.decision is not None
            return {
                "draft": None, "holder": None, "panel": False, "decision": said.decision,
                "deciders": (*case.deciders, *said.decision.by),
            }  # fmt: skip
        case "pay":
            paid = case.paid
            if said.payer == "platform":
                return {"paid": replace(paid, by_platform=paid.by_platform + said.amount)}
            return {"paid": replace(paid, by_merchant=paid.by_merchant + said.amount)}
        case "compensate":
            return {"paid": replace(case.paid, compensated=case.paid.compensated + said.amount)}
        case "charge":
            return {"paid": replace(case.paid, charged=case.paid.charged + said.amount)}
        case "recover":
            return {"paid": replace(case.paid, recovered=case.paid.recovered + said.amount)}
        case "close" | "withdraw":
            return {"ended": said.ended, "ended_at": event.at, "due": None, "turn": None, "left": None, "todo": ()}
        case "appeal":
            return {
                "appealed": (*case.appealed, event.role), "ended": None, "ended_at": None, "holder": None,
                "inspection": None, "offers": tuple(one for one in case.offers if one.state != "open"),
            }  # fmt: skip
        case _:
            return {}


def _answered(before: Offer, offer: Offer) -> Offer:
    """What a new offer makes of an earlier one."""
    if before.state != "open":
        return before
    if before.by == offer.by:
        return replace(before, state="replaced")
    return replace(before, state="countered") if before.no == offer.answers else before


def _marked(offers: Iterable[Offer], no: int | None, state: str) -> tuple[Offer, ...]:
    return tuple(replace(one, state=state) if one.no == no else one for one in offers)


def fold_all(case: Case, events: Iterable[Event]) -> Case:
    """The case after all of its events, from the one its ruling opened."""
    for event in events:
        case = fold(case, event)
    return case
