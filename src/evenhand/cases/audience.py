"""What a merchant may hear of a ruling: nothing that tells how the buyer's account is seen.

A label, a sign of abuse, a buyer's own history concern the buyer alone; the policy is public, and a reason or a row of it would
give them away. So a merchant is told what would hold whatever they were: where the ruling would be the same for a buyer without
any of it, that one's reason and row, word for word; where it would not, a sentence that is the same for every cause.
"""

from collections.abc import Mapping
from typing import Any, Final

from evenhand.policy import Ruling
from evenhand.vocabulary import FACTS

# Beginnings of the names of facts that are the buyer's alone.
BUYERS_OWN: Final = ("history.buyer_", "history.ring_", "abuse.", "buyer.integrity_score", "buyer.label")


def unmarked(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a ruling as they would be of a buyer of whom nothing is known: no label, no sign of abuse, no history."""
    return {
        group: {name: _plain(f"{group}.{name}", value) for name, value in inner.items()}
        for group, inner in facts.items()
    }


def heard(ruling: Ruling, otherwise: Ruling) -> Ruling | None:
    """The ruling as a merchant hears it, given the one `unmarked` facts would have got; None where they differ."""
    return otherwise if _result(ruling) == _result(otherwise) else None


def _plain(name: str, value: Any) -> Any:
    if not name.startswith(BUYERS_OWN):
        return value
    if name == "buyer.label":
        return "none"
    fact = FACTS.get(name)
    return False if fact is not None and fact.kind == "boolean" else None


def _result(ruling: Ruling) -> tuple[Any, ...]:
    return (
        ruling.outcome, ruling.payer, ruling.return_required, ruling.amount, ruling.respond_within_hours, ruling.on_silence,
    )  # fmt: skip
