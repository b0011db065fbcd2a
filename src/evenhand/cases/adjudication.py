"""A person, or a panel, rules: claim, inspection, ruling, a second pair of eyes, appeal."""

from datetime import timedelta
from hashlib import blake2b
from typing import Any, Final, Literal

from msgspec.structs import replace

from evenhand.cases.grounds import FOR_PEOPLE, GROUNDS
from evenhand.cases.machine import Hand
from evenhand.cases.model import Decision, Finding
from evenhand.cases.negotiation import to_person
from evenhand.cases.settings import months_after
from evenhand.cases.settling import carry_out
from evenhand.errors import BadInput, Conflict, NotAllowed
from evenhand.naming import same_person

# What a person may rule; the rest of the outcomes send the case somewhere else.
RULABLE: Final = ("subsidise", "refund_by_merchant", "return_and_refund", "decline")
Rulable = Literal["subsidise", "refund_by_merchant", "return_and_refund", "decline"]
_PAYER: Final[dict[str, Literal["platform", "merchant", "none"]]] = {
    "subsidise": "platform",
    "refund_by_merchant": "merchant",
    "return_and_refund": "merchant",
    "decline": "none",
}


def claim(hand: Hand) -> None:
    """Hold the case for a while. One that is held, and still in time, stays whose it is: to claim it again changes nothing."""
    case = hand.case
    _check_fresh(hand)
    if case.panel:
        raise Conflict("a panel is voting on this case", field="action")
    if case.holder is not None and case.due is not None and hand.now < case.due:
        if case.holder == hand.name:
            return
        raise Conflict(f"{case.holder} holds this case until {hand.local(case.due)}", field="action")
    hand.add("claim", due=hand.now + timedelta(minutes=hand.ground.settings.claim_minutes))


def release(hand: Hand) -> None:
    _check_holds(hand)
    hand.add("release", due=None)


def convene(hand: Hand, why: str) -> None:
    """Have users rule the case, where no person has begun to. An appeal is always a person's."""
    case = hand.case
    if case.panel:
        raise Conflict("a panel is voting on this case", field="action")
    if case.appealed:
        raise Conflict("an appeal is decided by a person", field="action")
    if case.draft is not None:
        raise Conflict("a ruling is proposed: confirm it, or object", field="action")
    if case.inspection == "ordered":
        raise Conflict("the result of the inspection is awaited", field="action")
    if case.state == "under_review" and case.holder != hand.name:
        raise Conflict(f"{case.holder} holds this case; claim it when it is free", field="by.id")
    hand.add("convene", text=why, due=hand.now)


def inspect(hand: Hand, text: str) -> None:
    if hand.case.inspection == "ordered":
        raise Conflict("an inspection is under way", field="action")
    if hand.case.panel:
        raise Conflict("a panel is voting on this case", field="action")
    # a claim does not run out while the goods are looked at
    hand.add("inspect", text=text, due=None)


def inspected(hand: Hand, finding: Finding, text: str) -> None:
    if hand.case.inspection != "ordered":
        raise Conflict("no inspection was ordered", field="action")
    held = timedelta(minutes=hand.ground.settings.claim_minutes)
    hand.add("inspected", finding=finding, text=text, due=hand.now + held if hand.case.holder else None)


def rule(
    hand: Hand, outcome: Rulable, amount: int | None, currency: str | None, grounds: tuple[str, ...], note: str
) -> None:
    """Rule. Above the market's amount it is a proposal until a second person rules the same."""
    _check_holds(hand)
    if hand.case.draft is not None:
        raise Conflict("a ruling is proposed: confirm it, or object", field="action")
    if hand.case.inspection == "ordered":
        raise Conflict("the result of the inspection is awaited", field="action")
    decision = _decision(hand, outcome, amount, currency, grounds, note)
    _check_promises(hand, decision)
    above = hand.ground.settings.second_pair_above
    if above is not None and max(hand.ground.asked, decision.amount) > above:
        hand.add("propose", decision=decision, due=None)
    else:
        _rule(hand, decision)


def confirm(hand: Hand) -> None:
    """The second pair of eyes sees the same."""
    draft = _draft(hand)
    _check_promises(hand, draft)
    _rule(hand, replace(draft, by=(*draft.by, hand.name), at=hand.now))


def reject(hand: Hand, why: str) -> None:
    """The second pair of eyes does not: the case is open to any adjudicator again."""
    _draft(hand)
    hand.add("object", text=why, due=None)


def verdict(hand: Hand, for_buyer: bool, jurors: tuple[str, ...]) -> None:
    """A panel has found: the buyer gets what was asked, or nothing.

    The merchant pays, or the fund where the policy promises that no merchant does; a person rules where neither may.
    """
    ground = hand.ground
    if not for_buyer:
        _rule(hand, Decision("decline", "none", 0, "panel", hand.now, grounds=("panel.merchant",), by=jurors))
        return
    amount = min(ground.asked, ground.line_left + hand.case.paid.to_buyer)
    granting: tuple[Rulable, ...] = ("refund_by_merchant", "subsidise")
    for outcome in granting if ground.remedy == "refund_only" else ("return_and_refund", "subsidise"):
        decision = Decision(outcome, "none", amount, "panel", hand.now, grounds=("panel.buyer",), by=jurors)
        decision = replace(decision, **_terms(outcome))
        if not hand.broken(decision):
            _rule(hand, decision)
            return
    to_person(hand, "hang", by_clock=True, text="promised")


def appeal(hand: Hand, why: str, evidence: tuple[str, ...]) -> None:
    """Have a closed case decided again by somebody else, once per side."""
    case, ground = hand.case, hand.ground
    side = hand.party
    if case.state == "closed":
        if case.ended == "withdrawn" or (case.decision is not None and case.decision.source == "agreement"):
            how = "withdrawn" if case.ended == "withdrawn" else "agreed"
            raise Conflict(f"the case was {how}, which nobody ruled and nobody can appeal", field="action")
        assert case.ended_at is not None
        until = months_after(case.ended_at, ground.settings.appeal_months)
        if hand.now >= until:
            raise Conflict(f"this case could be appealed until {hand.local(until)}", field="action")
        if side == "buyer" and case.paid.to_buyer >= ground.asked:
            raise Conflict("the buyer has had all that was asked", field="action")
        if side == "merchant" and case.paid.of_merchant <= 0:
            raise Conflict("the merchant has paid nothing in this case", field="action")
        if side in case.appealed:
            raise Conflict("each side may appeal once, and this one has", field="action")
        if not evidence:
            raise BadInput("an appeal needs new evidence", field="evidence")
    to_person(hand, "appeal", text=why, evidence=evidence)
    if _sampled(ground.no, len(hand.case.appealed), ground.settings.inspection_share):
        hand.add("inspect", role="platform", text="sampled")


def _check_promises(hand: Hand, decision: Decision) -> None:
    """Raises `Conflict` when a ruling would break what the policy promises, and says which ones would not."""
    if promise := hand.broken(decision):
        allowed = [one for one in RULABLE if not hand.broken(replace(decision, **_terms(one)))]
        raise Conflict(
            f"the policy promises {promise}, and the merchant has not accepted: rule {' or '.join(allowed)}",
            field="outcome",
        )


def _rule(hand: Hand, decision: Decision) -> None:
    before = hand.case.decision
    overturned = before is not None and _for_buyer(before) != _for_buyer(decision)
    hand.add("rule", decision=decision, overturned=overturned, due=None)
    carry_out(hand, decision)


def _terms(outcome: Rulable) -> dict[str, Any]:
    """What an outcome says of a decision: who pays, and whether goods go back."""
    return {"outcome": outcome, "payer": _PAYER[outcome], "return_required": outcome == "return_and_refund"}


def _for_buyer(decision: Decision) -> bool:
    return decision.outcome != "decline"


def _decision(
    hand: Hand, outcome: Rulable, amount: int | None, currency: str | None, grounds: tuple[str, ...], note: str
) -> Decision:
    ground, paid = hand.ground, hand.case.paid
    if currency is not None and currency != ground.currency:
        raise BadInput(f"this market trades in {ground.currency}, not {currency}", field="currency")
    for code in grounds:
        if code not in FOR_PEOPLE:
            raise BadInput(f"{code!r} is no ground; a ruling rests on {', '.join(FOR_PEOPLE)}", field="grounds")
    if not grounds:
        raise BadInput(f"a ruling rests on at least one ground of {', '.join(FOR_PEOPLE)}", field="grounds")
    most = min(ground.asked, ground.line_left + paid.to_buyer)
    if outcome == "decline":
        if amount:
            raise BadInput("a ruling that declines grants nothing", field="amount")
        amount = 0
    else:
        amount = most if amount is None else amount
        if amount <= 0:
            raise BadInput("must be more than nothing; else decline", field="amount")
        if amount > most:
            raise BadInput(
                f"{hand.money(amount)} is more than the {hand.money(most)} that can be granted", field="amount"
            )
    appellant = hand.case.appealed[-1] if hand.case.appealed else None
    if appellant == "buyer" and amount < paid.to_buyer:
        had = hand.money(paid.to_buyer)
        raise BadInput(
            f"the buyer has had {had}, which its own appeal does not take back: rule that or more", field="amount"
        )
    if appellant == "merchant" and _PAYER[outcome] == "merchant" and amount > paid.of_merchant:
        bears = hand.money(paid.of_merchant)
        raise BadInput(f"the merchant has paid {bears}, and its own appeal does not charge it more", field="amount")
    return Decision(
        outcome, _PAYER[outcome], amount, "person", hand.now, return_required=outcome == "return_and_refund",
        grounds=grounds, note=note, by=(hand.name,),
    )  # fmt: skip


def _draft(hand: Hand) -> Decision:
    _check_holds(hand)
    draft = hand.case.draft
    if draft is None:
        raise Conflict("no ruling is proposed", field="action")
    return draft


def _check_fresh(hand: Hand) -> None:
    """Raises `NotAllowed` for somebody who decided this case before, or proposed what is to be confirmed."""
    draft = hand.case.draft
    if any(same_person(hand.name, one) for one in (*hand.case.deciders, *(draft.by if draft is not None else ()))):
        raise NotAllowed(f"{hand.name} has decided this case before; another person must", field="by.id")


def _check_holds(hand: Hand) -> None:
    case = hand.case
    if case.state != "under_review" or hand.role != "adjudicator":
        return  # the table says why not
    if case.panel:
        raise Conflict("a panel is voting on this case", field="action")
    if case.holder != hand.name:
        raise Conflict(f"{case.holder} holds this case; claim it when it is free", field="by.id")
    if case.due is not None and hand.now >= case.due:
        raise Conflict(f"the claim ended at {hand.local(case.due)}; claim the case again", field="action")


def _sampled(case: int, appeals: int, share: int) -> bool:
    """Whether an appeal is among those whose goods are inspected: decided by the case's number, so that it can be checked."""
    drawn = int.from_bytes(blake2b(b"%d/%d" % (case, appeals), digest_size=4).digest())
    return drawn % 100 < share


def described(grounds: tuple[str, ...]) -> list[tuple[str, str]]:
    """The sentences of grounds, English and Chinese."""
    return [(GROUNDS[code].en, GROUNDS[code].zh) for code in grounds]
