"""Which facts may speak in a learned score of abuse, and which way each may speak.

The direction is declared here and not left to the data: asking back more never lowers the score, ordering more or being known
longer never raises it. That costs a little accuracy, and it makes the card something one can tell the person it is about.

Left out on purpose:

- `buyer.label`, `buyer.integrity` and `history.buyer_declined_*`: what earlier rulings and labels made of the account. A
  score that reads its own consequences confirms itself.
- `abuse.frequent_*`: they follow from the counts, which speak for themselves.
- `order.category`, names, places and times of day: they tell groups of people apart, not what somebody did.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal

from evenhand.history.facts import rate_facts, rate_of
from evenhand.measures import RATES

# As the fact rises the score never falls, never rises, or goes one way that the data choose.
Direction = Literal["up", "down", "either"]

NUMBERS: Final[dict[str, Direction]] = {
    "history.buyer_applications_90d": "up",
    "history.buyer_applications_365d": "up",
    "history.buyer_application_rate_90d": "up",
    "history.buyer_application_rate_365d": "up",
    "history.buyer_refund_only_90d": "up",
    "history.buyer_refund_only_365d": "up",
    "history.buyer_refund_only_rate_90d": "up",
    "history.buyer_refund_only_rate_365d": "up",
    "history.buyer_counterfeit_claims_90d": "up",
    "history.buyer_counterfeit_claims_365d": "up",
    "history.ring_refund_only_90d": "up",
    "history.ring_counterfeit_claims_90d": "up",
    "history.ring_same_store_90d": "up",
    "history.buyer_orders_365d": "down",
    "history.buyer_days_known": "down",
    "application.evidence_count": "down",
    "application.amount": "either",
    "application.days_since_receipt": "either",
    "merchant.experience_score": "up",
    "history.merchant_dispute_rate_365d": "down",
}
CHOICES: Final = (
    "application.remedy",
    "application.stage",
    "application.reason",
    "application.capture_credential",
    "abuse.reused_evidence",
    "abuse.empty_parcel",
)
# What may lower a score and never raise it, whatever the data say. To lack it says nothing, so that gives no points either.
ONLY_DOWN: Final = frozenset({"application.capture_credential"})
EVIDENCE: Final = (*NUMBERS, *CHOICES)

_RATES: Final = {name: parts for rate in RATES for name, parts in rate_facts(rate)}


def value_of(facts: Mapping[str, Any], name: str) -> Any:
    """The value of a fact; a rate that is not there is made of the counts that are, as history makes it."""
    group, _, leaf = name.partition(".")
    found: Mapping[str, Any] = facts.get(group) or {}
    if leaf in _RATES and leaf not in found:
        part, whole = _RATES[leaf]
        return rate_of(found.get(part), found.get(whole))
    return found.get(leaf)


def as_number(value: Any) -> float:
    """A value for learning: what is not known is NaN."""
    return float("nan") if value is None else float(value)


def as_word(value: Any) -> str:
    """A value of a choice for learning and in a card: yes and no are "true" and "false", what is not known is empty."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def exact(cut: float, scale: int) -> Decimal:
    """The first value a fact of so many decimals can have at or above a cut."""
    step = Decimal(1).scaleb(-scale)
    rounded = (Decimal(repr(cut)) / step).to_integral_value(rounding="ROUND_CEILING") * step
    return rounded.quantize(step)
