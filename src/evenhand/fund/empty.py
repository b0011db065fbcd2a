"""What becomes of a ruling that the fund's budget does not cover. Pure.

A policy document can say it: by `when_empty:` in its front matter, or by rows that read `fund.available`. Of one that says
nothing, what the platform would pay goes to a person. Either way the ruling follows from the stored facts, so it is reproduced.
"""

from collections.abc import Mapping
from typing import Any, Final

from evenhand.policy import Because, Ruling
from evenhand.policy.reasons import EMPTY_REASONS, sentence
from evenhand.policy.types import of_fact
from evenhand.vocabulary import FACTS

_TYPES: Final = {"application.amount": of_fact(FACTS["application.amount"])}
_EN: Final = sentence(EMPTY_REASONS["review"]["en"], _TYPES, "en", {})
_ZH: Final = sentence(EMPTY_REASONS["review"]["zh"], _TYPES, "zh", {})


def within_budget(ruling: Ruling, facts: Mapping[str, Any], currency: str) -> Ruling:
    """The ruling, or a person's review in place of one that the platform would pay for and cannot."""
    if ruling.payer != "platform" or facts.get("fund", {}).get("available") is not False:
        return ruling
    return ruling.reviewed(Because(_EN(facts, (), currency), _ZH(facts, (), currency)))
