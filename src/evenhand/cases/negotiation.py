"""Buyer and merchant between themselves: messages, offers, acceptance, refusal, and what silence leads to."""

from datetime import timedelta
from typing import Any, Final

from evenhand.cases.machine import Hand
from evenhand.cases.model import MONEY_OFFERS, Decision, Offer, OfferKind, Party
from evenhand.cases.settling import agree, bound, carry_out, pay_due, square
from evenhand.errors import BadInput, Conflict, NotAllowed

_OTHER: Final[dict[Party, Party]] = {"buyer": "merchant", "merchant": "buyer"}
# What accepting the application itself comes to, by the remedy it asks for.
_ASKED_FOR: Final[dict[str, OfferKind]] = {
    "refund_only": "refund",
    "return_and_refund": "return_and_refund",
    "exchange": "exchange",
}
_MOST_OFFERS: Final = 100
_TALKING: Final = ("opened", "negotiating")


def message(hand: Hand, text: str) -> None:
    room(hand)
    if hand.case.state in _TALKING and hand.role in ("buyer", "merchant"):
        hand.add("message", text=text, **_answered(hand))
    else:
        hand.add("message", text=text)


def evidence(hand: Hand, references: tuple[str, ...], text: str) -> None:
    room(hand)
    if not references and not text:
        raise BadInput("name evidence, or describe it in a text", field="evidence")
    hand.add("evidence", evidence=references, text=text)


def offer(
    hand: Hand,
    kind: OfferKind,
    amount: int | None,
    currency: str | None,
    hours: int | None,
    answers: int | None,
    note: str,
) -> None:
    """Propose something; `amount` is for offers of money, and of a full refund what was asked unless told."""
    room(hand)
    ground, settings = hand.ground, hand.ground.settings
    if len(hand.case.offers) >= _MOST_OFFERS:
        raise Conflict(f"a case takes {_MOST_OFFERS} offers; accept one, or escalate", field="kind")
    if currency is not None and currency != ground.currency:
        raise BadInput(f"this market trades in {ground.currency}, not {currency}", field="currency")
    worth = _amount(hand, kind, amount)
    if kind == "retention":
        if hand.role != "merchant":
            raise NotAllowed("a retention offer is the merchant's", field="by.role")
        most = ground.line_paid * settings.retention_share // 100
        if worth > most:
            share = f"{settings.retention_share} % of the order line, {hand.money(most)}"
            raise BadInput(f"a retention offer is at most {share}", field="amount")
        if hours not in (None, settings.retention_hours):
            raise BadInput(f"a retention offer is open for {settings.retention_hours} hours", field="hours")
        hours = settings.retention_hours
    if hours is not None and hours > settings.longest_offer_hours and kind != "retention":
        raise BadInput(f"an offer is open for {settings.longest_offer_hours} hours at most", field="hours")
    if answers is not None:
        _open_offer(hand, answers)
    expires = hand.now + timedelta(hours=hours or settings.offer_hours)
    made = Offer(len(hand.case.offers) + 1, kind, hand.party, worth, expires, answers, note)
    hand.add("offer", offer=made, answers=answers, **_answered(hand))


def _amount(hand: Hand, kind: OfferKind, amount: int | None) -> int:
    if kind not in MONEY_OFFERS:
        if amount:
            raise BadInput(f"an offer of {kind} pays nothing", field="amount")
        return 0
    if amount is None:
        if kind not in ("refund", "return_and_refund"):
            raise BadInput("is required", field="amount")
        amount = min(hand.ground.asked, hand.ground.line_left)
    if kind == "refund" and amount < min(hand.ground.asked, hand.ground.line_left):
        raise BadInput(
            f"a full refund is the {hand.money(hand.ground.asked)} asked; offer partial_refund", field="amount"
        )
    hand.within_line(amount)
    if amount <= 0:
        raise BadInput("nothing is left of the order line", field="amount")
    return amount


def accept(hand: Hand, number: int | None) -> None:
    """Accept an open offer of the other side; the merchant may also accept the application as it was filed."""
    if number is not None:
        taken = _open_offer(hand, number)
        kind, amount = taken.kind, taken.amount
    elif hand.role == "merchant":
        kind = _ASKED_FOR[hand.ground.remedy]
        amount = min(hand.ground.asked, hand.ground.line_left) if kind in MONEY_OFFERS else 0
        if kind in MONEY_OFFERS and not amount:
            raise Conflict("nothing is left of the order line", field="offer")
    else:
        raise BadInput("say which offer is accepted", field="offer")
    hand.within_line(amount, "offer")
    decision = Decision(
        kind, "merchant" if amount else "none", amount, "agreement", hand.now,
        return_required=kind in ("return_and_refund", "exchange"), by=(hand.name,),
    )  # fmt: skip
    hand.add("accept", answers=number, decision=decision, due=None, turn=None, left=None)
    agree(hand, kind, amount)


def decline(hand: Hand, number: int | None, why: str) -> None:
    """Refuse an offer; the merchant may refuse the application itself."""
    if number is not None:
        _open_offer(hand, number)
    elif hand.role != "merchant":
        raise BadInput("say which offer is declined", field="offer")
    hand.add("decline", answers=number, text=why, **_answered(hand))
    if number is None and hand.ground.outcome == "merchant_decides":
        # the decision was the merchant's, and this is it; the buyer may appeal
        hand.add("close", by_clock=True, ended="refused")


def escalate(hand: Hand, why: str) -> None:
    """Ask for a person. The merchant first has the time the policy gives it, and what is left to it stays with it."""
    if hand.case.state in _TALKING and hand.role == "buyer":
        if hand.ground.outcome == "merchant_decides":
            raise Conflict("under this policy the merchant decides; its decision can be appealed", field="action")
        if not hand.case.refused and not _refused_last(hand):
            until = f" until {hand.local(hand.case.due)}" if hand.case.due and hand.case.turn == "merchant" else ""
            raise Conflict(f"the merchant has time to answer{until}; then the case is escalated", field="action")
    to_person(hand, "escalate", text=why)


def to_person(hand: Hand, action: str, *, by_clock: bool = False, **said: Any) -> None:
    """The case goes to a person, or to a panel where the market has one: the clock draws it at once."""
    settings = hand.ground.settings
    due = hand.now if settings.adjudication == "panel" and not hand.case.appealed and action != "hang" else None
    wanted = hand.after(settings.review_hours)
    hand.add(action, by_clock=by_clock, due=due, turn=None, left=None, wanted_by=wanted, **said)


def withdraw(hand: Hand, why: str) -> None:
    """The buyer takes the application back, as long as nobody has decided it."""
    if hand.case.appealed:
        raise Conflict("an appeal is decided and cannot be ended by one side", field="action")
    hand.add("withdraw", text=why, ended="withdrawn", due=None, turn=None)


def silence(hand: Hand) -> None:
    """Nobody answered in time: what follows is the policy's word, or lies in what was agreed."""
    case, ground = hand.case, hand.ground
    hand.add("silence", text=case.turn or "", due=None, turn=None)
    if case.turn == "buyer" and not _return_is_looked_into(hand):
        if case.state == "settling" and case.appealed[-1:] == ("merchant",):
            # the merchant won its goods back, and they did not come
            square(hand, "none", 0)
        hand.add("close", ended="expired")
    elif case.state == "settling":
        if case.todo == ("receive",) and bound(hand):
            hand.add("receive", role="platform", todo=())
            pay_due(hand)
        else:
            to_person(hand, "escalate")
    elif ground.silence == "close":
        hand.add("close", ended="expired")
    elif not (ground.silence == "accept" and case.state == "opened" and _consent(hand)):
        to_person(hand, "escalate")


def _return_is_looked_into(hand: Hand) -> bool:
    """Whether the policy has a person look at a return that it ruled and that was not sent in time."""
    decision = hand.case.decision
    by_policy = decision is not None and decision.source == "policy"
    return hand.case.state == "settling" and by_policy and hand.ground.silence == "escalate"


def _consent(hand: Hand) -> bool:
    """The policy takes a merchant's silence for consent: that is a ruling, and it names the merchant.

    Whether it may be made: not where the same policy promises that it never is.
    """
    ground, kind = hand.ground, _ASKED_FOR[hand.ground.remedy]
    amount = min(ground.asked, ground.line_left) if kind in MONEY_OFFERS else 0
    outcome = "refund_by_merchant" if kind == "refund" else "return_and_refund"
    decision = Decision(
        outcome, "merchant", amount, "silence", hand.now, return_required=kind != "refund", grounds=("silence.accepts",)
    )
    if hand.broken(decision):
        return False
    hand.add("rule", decision=decision)
    if kind == "exchange":
        agree(hand, kind, 0)
    else:
        carry_out(hand, decision)
    return True


def room(hand: Hand) -> None:
    """Raises `Conflict` when the thread is as long as the market lets it be."""
    longest = hand.ground.settings.longest_thread
    if hand.case.thread >= longest:
        raise Conflict(f"a case takes {longest} messages, offers and pieces of evidence, and has them", field="action")


def _refused_last(hand: Hand) -> bool:
    """Whether the merchant has turned an offer of the buyer down."""
    return any(one.by == "buyer" and one.state == "declined" for one in hand.case.offers)


def _open_offer(hand: Hand, number: int) -> Offer:
    """An open offer of the other side; raises what is wrong with it."""
    found = next((one for one in hand.case.offers if one.no == number), None)
    if found is None:
        raise BadInput(f"the case has no offer {number}", field="offer")
    if found.by == hand.role:
        raise Conflict(f"offer {number} is the {found.by}'s own", field="offer")
    if found.state != "open":
        raise Conflict(f"offer {number} is not open any more: it was {found.state}", field="offer")
    if not found.is_open(hand.now):
        raise Conflict(f"offer {number} expired at {hand.local(found.expires)}", field="offer")
    return found


def _answered(hand: Hand) -> dict[str, Any]:
    """What an answer does to the deadline: the side that was awaited has answered, and the other one is."""
    case, ground = hand.case, hand.ground
    ends = case.ends or hand.after(ground.settings.longest_talk_hours)
    if case.turn not in (None, hand.role):
        return {"ends": ends}
    awaited = _OTHER[hand.party]
    # a merchant whom the policy gives no deadline decides in its own time
    if awaited == "merchant" and ground.hours is None and ground.outcome == "merchant_decides":
        return {"ends": ends, "turn": awaited, "due": None}
    hours = ground.hours if awaited == "merchant" and ground.hours else ground.settings.talk_hours
    return {"ends": ends, "turn": awaited, **hand.deadline(hours, ends=ends)}
