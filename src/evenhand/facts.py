"""Build the facts a policy reads, from an application, its order and the two accounts as they stand at that moment. Pure."""

from collections.abc import Collection
from typing import Any

from evenhand.accounts.links.facts import ring_facts
from evenhand.accounts.rules import NONE, Rules, says
from evenhand.accounts.scores import scored
from evenhand.accounts.state import Account
from evenhand.filings import Filing
from evenhand.history import BUYER, MERCHANT

Facts = dict[str, dict[str, Any]]


def build_facts(
    filing: Filing,
    buyer: Account,
    merchant: Account,
    rules: Rules | None = None,
    anchor: str = "",
    ring: Collection[Account] = (),
    reused_evidence: bool | None = None,
    fund_available: bool | None = None,
) -> Facts:
    """The facts of a filing, nested as in JSON; what is not known is None.

    `rules` are the merchant's own, where it has any; those count that were in force when the order was placed where the policy's
    `anchor` is "order", else when the application was filed.

    `ring` are the accounts linked with the buyer, the buyer included, where there are any.

    `fund_available` says whether the budget of the market's fund covers what is asked; None where no budget is set.

    History is read as of the filing's day in the market's time zone and never contains the filing itself. `abuse.score`
    and `abuse.empty_parcel` are not observed yet, so they are None.
    """
    market, application = filing.market, filing.application
    day = market.day(filing.moment)
    received = filing.delivered_at
    days = day - market.day(received) if received and received <= filing.moment else None
    rule = NONE
    if rules:
        moment = filing.placed_at if anchor == "order" else filing.moment
        rule = says(rules, moment, filing.paid, filing.category, application.reason, application.stage, days)
    facts: Facts = {
        "application": {
            "remedy": application.remedy,
            "stage": application.stage,
            "reason": application.reason,
            "amount": application.amount,
            "days_since_receipt": days,
            "evidence_count": len(application.evidence),
            "filed_on": market.date(day),
        },
        "order": {
            "amount": filing.paid,
            "category": filing.category,
            "placed_on": market.date(market.day(filing.placed_at)),
        },
        "buyer": {"integrity": None, "integrity_score": None, "label": filing.label},
        "merchant": {"experience_score": None, "high_quality": None, "rule": rule},
        "abuse": {
            "score": None,
            "frequent_refund_only": None,
            "empty_parcel": None,
            "frequent_counterfeit_claims": None,
            "reused_evidence": reused_evidence,
        },
        "fund": {"available": fund_available},
        "history": BUYER.facts(buyer.tiles, day) | MERCHANT.facts(merchant.tiles, day) | ring_facts(ring, day),
    }
    scored(facts)
    return facts


def remember(filing: Filing, outcome: str, buyer: Account, merchant: Account) -> None:
    """Fold a ruled application into the history of both accounts."""
    application, day = filing.application, filing.market.day(filing.moment)
    BUYER.count(buyer.tiles, day, "applications")
    if application.remedy == "refund_only":
        BUYER.count(buyer.tiles, day, "refund_only")
    if application.reason == "counterfeit":
        BUYER.count(buyer.tiles, day, "counterfeit_claims")
    if outcome == "decline":
        BUYER.count(buyer.tiles, day, "declined")
    MERCHANT.count(merchant.tiles, day, "disputes")
    if outcome == "refund_by_merchant":
        MERCHANT.count(merchant.tiles, day, "disputes_lost")
