"""What a merchant's own rules say about an application: the fact `merchant.rule`. Pure.

A rule holds from the moment it was set until it was deleted. Which moment counts (when the order was placed, or when the
application was filed) is the policy's to say, so rules that have ended are kept: an order placed while a rule was in force is
ruled by it even if it was deleted since. Where several rules match, the merchant has promised all of it, and what is best for the
buyer counts: a refund without return before an exchange, an exchange before a partial refund.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from evenhand.records import MerchantRule
from evenhand.vocabulary import MERCHANT_RULES

NONE: Final = MERCHANT_RULES[0]


class Terms(NamedTuple):
    """A rule, ready to be compared; None where it does not ask."""

    decision: str
    since: datetime
    until: datetime | None
    # minor units, both included
    price_from: int
    price_to: int | None
    categories: frozenset[str] | None
    reasons: frozenset[str] | None
    stages: frozenset[str] | None
    within_days: int | None


# a merchant's rules, the best for the buyer first
Rules = tuple[Terms, ...]


def compiled(rules: Iterable[MerchantRule]) -> Rules:
    """A merchant's rules, ready to be asked; each has the moment it is valid from."""
    terms = [
        Terms(
            rule.decision,
            rule.valid_from,
            rule.deleted_at,
            rule.price_from or 0,
            rule.price_to,
            frozenset(rule.categories) or None,
            frozenset(rule.reasons) or None,
            frozenset(rule.stages) or None,
            rule.within_days,
        )
        for rule in rules
        if rule.valid_from is not None
    ]
    return tuple(sorted(terms, key=lambda one: MERCHANT_RULES.index(one.decision)))


def says(rules: Rules, moment: datetime, paid: int, category: str, reason: str, stage: str, days: int | None) -> str:
    """What the rules in force at a moment say: a value of `merchant.rule`.

    `paid` is what was paid for the order line, in minor units; `days` are days since receipt, None before.
    """
    for rule in rules:
        if (
            rule.since <= moment
            and (rule.until is None or moment < rule.until)
            and rule.price_from <= paid
            and (rule.price_to is None or paid <= rule.price_to)
            and (rule.reasons is None or reason in rule.reasons)
            and (rule.categories is None or category in rule.categories)
            and (rule.stages is None or stage in rule.stages)
            and (rule.within_days is None or (days is not None and days <= rule.within_days))
        ):
            return rule.decision
    return NONE
