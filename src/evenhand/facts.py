"""Build the facts a policy reads, from an application, its order and the two accounts as they stand at that moment. Pure."""

from collections.abc import Collection
from functools import lru_cache
from itertools import chain
from typing import Any, Final, NamedTuple

from evenhand.accounts.abuse.card import Scorer
from evenhand.accounts.links.facts import ring_facts
from evenhand.accounts.rules import NONE, Rules, says
from evenhand.accounts.scores import Scorecards, sent_back_empty
from evenhand.accounts.state import Account
from evenhand.filings import Filing
from evenhand.history import BUYER, MERCHANT, PAIR
from evenhand.history.adding import Adder, Fields
from evenhand.markets import moment_of
from evenhand.policy import Policy
from evenhand.policy.reasons import placeholders

Facts = dict[str, dict[str, Any]]
# of groups, then of the facts of each
FactNames = tuple[tuple[str, ...], ...]


class HistoryRead(NamedTuple):
    """Which `history.*` facts a ruling is given, by whose they are, without the prefix."""

    buyer: frozenset[str] = BUYER.always
    merchant: frozenset[str] = MERCHANT.always
    pair: frozenset[str] = frozenset()


NOTHING_MORE: Final = HistoryRead()


@lru_cache(maxsize=1024)
def history_read(policy: Policy, cards: Scorecards, abuse: Scorer | None) -> HistoryRead:
    """What of the accounts' histories a ruling is given: what always stands, and whatever the policy's tables or reasons, the
    market's scorecards or its learned score read."""
    texts = [text for reason in policy.model.reasons.values() for text in (reason.en, reason.zh)]
    named = {*policy.model.read, *(name for text in texts for name in placeholders(text))}
    read = {name.removeprefix("history.") for name in named} | cards.history | (abuse.history if abuse else set())
    return HistoryRead(
        BUYER.always | (read & BUYER.names), MERCHANT.always | (read & MERCHANT.names), PAIR.names & read
    )


def build_facts(
    filing: Filing,
    buyer: Account,
    merchant: Account,
    rules: Rules | None = None,
    anchor: str = "",
    ring: Collection[Account] = (),
    reused_evidence: bool | None = None,
    capture_credential: bool | None = None,
    evidence_count: int | None = None,
    fund_available: bool | None = None,
    history: HistoryRead = NOTHING_MORE,
) -> Facts:
    """The facts of a filing, nested as in JSON; what is not known is None.

    `rules` are the merchant's own, where it has any; those count that were in force when the order was placed where the policy's
    `anchor` is "order", else when the application was filed.

    `ring` are the accounts linked with the buyer, the buyer included, where there are any.

    `evidence_count` is the number of pieces of evidence where uploads are among the references; None counts the
    references, each once.

    `fund_available` says whether the budget of the market's fund covers what is asked; None where no budget is set.

    `history` says which figures of the accounts' histories to read beside those that stand in every ruling.

    History is read as of the filing's day in the market's time zone and never contains the filing itself.
    `abuse.person_available` is asked only where it matters.
    """
    market, application, day, days = filing.market, filing.application, filing.on, filing.days_since_receipt
    rule = NONE
    if rules:
        moment = moment_of(filing.placed) if anchor == "order" else filing.moment
        rule = says(rules, moment, filing.paid, filing.category, application.reason, application.stage, days)
    of_buyer = BUYER.facts(buyer.tiles, day, history.buyer)
    facts: Facts = {
        "application": {
            "remedy": application.remedy,
            "stage": application.stage,
            "reason": application.reason,
            "amount": application.amount,
            "days_since_receipt": days,
            "evidence_count": len(set(application.evidence)) if evidence_count is None else evidence_count,
            "capture_credential": capture_credential,
            "filed_on": market.date(day),
        },
        "order": {
            "amount": filing.paid,
            "category": filing.category,
            "placed_on": market.date(filing.placed_on),
        },
        "buyer": {"integrity": None, "integrity_score": None, "label": filing.label},
        "merchant": {"experience_score": None, "high_quality": None, "rule": rule},
        "abuse": {
            "score": None,
            "uncertain": None,
            "person_available": None,
            "threshold": None,
            "model": None,
            "frequent_refund_only": None,
            "empty_parcel": sent_back_empty(of_buyer),
            "frequent_counterfeit_claims": None,
            "reused_evidence": reused_evidence,
        },
        "fund": {"available": fund_available},
        "history": {
            **of_buyer,
            **MERCHANT.facts(merchant.tiles, day, history.merchant),
            **ring_facts(ring, day, buyer, filing.merchant),
        },
    }
    if history.pair:
        facts["history"] |= PAIR.facts(buyer.tiles, filing.merchant, day, history.pair)
    market.scoring(day).cards.score(facts)
    if market.abuse:
        market.abuse.score(facts)
    return facts


def laid_out(facts: Facts) -> tuple[FactNames, list[Any]]:
    """Facts taken apart: their names, which nearly every ruling shares, and their values in that order."""
    groups = facts.values()
    return (tuple(facts), *map(tuple, groups)), list(chain.from_iterable(map(dict.values, groups)))


def written_out(names: FactNames) -> str:
    """Fact names as the store keeps them: `application.remedy application.stage ...`."""
    return " ".join(f"{group}.{name}" for group, facts in zip(names[0], names[1:], strict=True) for name in facts)


def remember(filing: Filing, outcome: str, buyer: Account, merchant: Account) -> None:
    """Fold a ruled application into the history of both accounts."""
    application, day = filing.application, filing.on
    fields, to_buyer, to_pair, to_merchant = _folded(application.remedy, application.stage, application.reason, outcome)
    fields = {**fields, "amount": application.amount}
    to_buyer(buyer.tiles, day, fields, 1)
    PAIR.add(buyer.tiles, filing.merchant, day, to_pair)
    to_merchant(merchant.tiles, day, fields, 1)


@lru_cache(maxsize=4096)
def _folded(remedy: str, stage: str, reason: str, outcome: str) -> tuple[Fields, Adder, list[int], Adder]:
    """An application that was ruled, as an event without its amount, and what folds it into its buyer, the pair, its merchant."""
    fields: Fields = {"remedy": remedy, "stage": stage, "reason": reason, "outcome": outcome, "source": "policy"}
    return fields, BUYER.folder("ruled", fields), PAIR.counts("ruled", fields), MERCHANT.folder("ruled", fields)
