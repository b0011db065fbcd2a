"""What becomes of a ruling on a claim that the learned score does not know. Pure.

A policy document can say it, by rows that read `abuse.uncertain`: then it is ruled as they are written. Of one that says nothing,
what would settle the money by itself goes to a person, as long as one can look (`abuse.person_available`, see `people`). Either
way the ruling follows from the stored facts, so it is reproduced.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from evenhand.policy import Because, Ruling
from evenhand.policy.reasons import CONTEST

_SETTLES: Final = frozenset({"subsidise", "refund_by_merchant", "decline"})
_READ: Final = frozenset({"abuse.uncertain", "abuse.person_available"})
# Who reads it learns neither a score nor which way it leans.
UNSURE: Final = Because(
    "The automatic assessment of this application was not clear enough to decide it; a person looks at it and decides. "
    + CONTEST["en"],
    "系统对该申请的自动评估结果不够明确，不足以据此裁决，由人工查看并作出决定。" + CONTEST["zh"],
)


def speaks_for_itself(read: Collection[str]) -> bool:
    """Whether a document says itself what becomes of such claims, by the facts its tables read."""
    return not _READ.isdisjoint(read)


def within_sight(ruling: Ruling, facts: Mapping[str, Any], read: Collection[str]) -> Ruling:
    """The ruling, or a person's review in place of one that would settle a claim the score is unsure of.

    `read` are the facts that the document's tables read. A ruling that leaves the matter to persons anyway stays, and so does one
    by which the goods come back, a refund of goods that never left, and one that the merchant's own rule grants.
    """
    if facts.get("abuse", {}).get("person_available") is not True or ruling.outcome not in _SETTLES:
        return ruling
    if speaks_for_itself(read) or (ruling.outcome != "decline" and _is_safe(ruling, facts)):
        return ruling
    return ruling.reviewed(UNSURE)


def _is_safe(ruling: Ruling, facts: Mapping[str, Any]) -> bool:
    """Whether nobody can be robbed by a refund, or whoever pays it wants it."""
    application = facts.get("application", {})
    if application.get("stage") == "unshipped":
        return True
    rule = facts.get("merchant", {}).get("rule") if ruling.payer == "merchant" else None
    return rule == "refund_without_return" or (
        rule == "partial_refund" and ruling.amount < (application.get("amount") or 0)
    )
