"""Scores of an account, by the scorecard documents beside this file.

Each scorecard is a policy document: its tables turn `history.*` facts into points and bands. What the tables say is what
people are shown; nothing is scored anywhere else.
"""

from importlib.resources import files
from typing import Any, Final

from evenhand.policy import Policy


def _scorecard(name: str) -> Policy:
    document = files("evenhand.accounts") / "scorecards" / f"{name}.md"
    return Policy.parse(document.read_text("utf-8"), f"{name}.md")


INTEGRITY: Final = _scorecard("integrity")
EXPERIENCE: Final = _scorecard("experience")
ABUSE: Final = _scorecard("abuse")
SCORECARDS: Final = (INTEGRITY, EXPERIENCE, ABUSE)


_integrity: Final = INTEGRITY.picker("buyer.integrity", "buyer.integrity_score")
_experience: Final = EXPERIENCE.picker("merchant.experience_score", "merchant.high_quality")
_abuse: Final = ABUSE.picker("abuse.score", "abuse.frequent_refund_only", "abuse.frequent_counterfeit_claims")


def scored(facts: dict[str, dict[str, Any]]) -> None:
    """Fill in the scores that follow from `facts["history"]`: the buyer's, the merchant's, and the signs of abuse with what else
    `facts["abuse"]` says was shown."""
    buyer, merchant, abuse = facts["buyer"], facts["merchant"], facts["abuse"]
    buyer["integrity"], buyer["integrity_score"] = _integrity(facts)
    merchant["experience_score"], merchant["high_quality"] = _experience(facts)
    abuse["score"], abuse["frequent_refund_only"], abuse["frequent_counterfeit_claims"] = _abuse(facts)
