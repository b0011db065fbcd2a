"""Carrying out what was agreed or ruled: money at once, or goods first and money then."""

from typing import Any, Final

from evenhand.cases.machine import Hand
from evenhand.cases.model import Decision, OfferKind, Step
from evenhand.errors import BadInput, Conflict

_TODO: Final[dict[str, tuple[Step, ...]]] = {
    "return_and_refund": ("return", "receive"),
    "exchange": ("return", "receive", "replace"),
    "resend": ("replace",),
}
_HOURS: Final = {"return": "return_hours", "receive": "receive_hours", "replace": "replace_hours"}


def agree(hand: Hand, kind: OfferKind, amount: int) -> None:
    """Carry out what the parties agreed: the merchant pays by its own acceptance."""
    todo = _TODO.get(kind, ())
    if todo:
        _begin(hand, todo)
    else:
        hand.add("pay", by_clock=True, payer="merchant", amount=amount, cause="agreement")
        hand.add("close", by_clock=True, ended="agreed")


def carry_out(hand: Hand, decision: Decision) -> None:
    """Carry out a ruling: at once, or when the goods are back."""
    if decision.outcome == "return_and_refund":
        _begin(hand, _TODO["return_and_refund"])
        return
    square(hand, decision.payer, decision.amount)
    hand.add("close", by_clock=True, ended="ruled")


def square(hand: Hand, payer: str, amount: int) -> None:
    """Move what is missing until the buyer has had an amount and the payer alone bears it, whoever paid what before.

    Buyer, merchant and fund each move at most once: what the merchant is to bear goes to the buyer as far as that is to have
    more, and to the fund as far as that had paid it; what it should not bear comes from the fund. What the buyer should not have
    had it owes to the fund.
    """
    paid, appeal = hand.case.paid, bool(hand.case.appealed)
    missing = amount - paid.to_buyer
    if missing > 0:
        hand.within_line(missing)
    more = (amount if payer == "merchant" else 0) - paid.of_merchant
    by_merchant = max(0, min(more, missing))
    if by_merchant:
        cause = "appeal_refund" if appeal else "merchant_refund"
        hand.add("pay", by_clock=True, payer="merchant", amount=by_merchant, cause=cause)
    if more > by_merchant:
        hand.add("charge", by_clock=True, payer="merchant", amount=more - by_merchant, cause="charge")
    elif more < 0:
        hand.add("compensate", by_clock=True, payer="platform", amount=-more, cause="compensation")
    by_platform = missing - by_merchant
    if by_platform > 0:
        cause = "appeal_refund" if appeal else "subsidy"
        hand.add("pay", by_clock=True, payer="platform", amount=by_platform, cause=cause)
    # what people took back before is not taken back again
    owed = min(-by_platform, paid.to_buyer - hand.ground.recovered_by_hand)
    if owed > 0:
        hand.add("recover", by_clock=True, amount=owed, cause="recovery")


def send_back(hand: Hand, text: str) -> None:
    _next(hand, "return", "send_back", text)


def receive(hand: Hand, text: str) -> None:
    """The goods came back: what is due for them is paid."""
    if hand.role != "merchant" and not bound(hand):
        raise Conflict(
            "no ruling and no word of its own binds the merchant to pay: it must say so itself", field="by.role"
        )
    _next(hand, "receive", "receive", text)
    if not hand.case.todo:
        pay_due(hand)


def send_replacement(hand: Hand, text: str) -> None:
    _next(hand, "replace", "replace", text)
    hand.add("close", by_clock=True, ended="settled")


def bound(hand: Hand) -> bool:
    """Whether the merchant has to pay once goods are back: a ruling names it, or it agreed."""
    decision = hand.case.decision
    return decision is not None and (decision.source == "agreement" or decision.payer == "merchant")


def pay_due(hand: Hand) -> None:
    """Pay what was to be paid once the goods are back."""
    decision = hand.case.decision
    assert decision is not None
    due = min(decision.amount, hand.ground.line_left + hand.case.paid.to_buyer)
    if decision.payer == "merchant" and decision.source != "agreement":
        square(hand, "merchant", due)
    elif due:
        # no ruling named the merchant: that it took the goods back for a refund is its own acceptance
        hand.add("pay", by_clock=True, payer="merchant", amount=due, cause="agreement")
    hand.add("close", by_clock=True, ended="settled")


def _begin(hand: Hand, todo: tuple[Step, ...]) -> None:
    hand.add("settle", by_clock=True, todo=todo, turn=_whose(todo[0]), **hand.deadline(_hours(hand, todo[0])))


def _next(hand: Hand, step: Step, action: str, text: str) -> None:
    todo = hand.case.todo
    if step not in todo:
        raise Conflict(f"{action} has been done, or was never asked for", field="action")
    rest = todo[todo.index(step) + 1 :]
    if action == "replace" and "receive" in todo:
        raise BadInput("the goods must be received first", field="action")
    due: dict[str, Any] = hand.deadline(_hours(hand, rest[0])) if rest else {"due": None}
    hand.add(action, text=text, todo=rest, turn=_whose(rest[0]) if rest else None, **due)


def _whose(step: Step) -> str:
    return "buyer" if step == "return" else "merchant"


def _hours(hand: Hand, step: Step) -> int:
    return getattr(hand.ground.settings, _HOURS[step])
