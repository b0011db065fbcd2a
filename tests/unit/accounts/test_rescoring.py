"""Facts of a ruling scored again by other scorecards: nothing of the scores before stays."""

from typing import Any

from evenhand.accounts.scores import PACKAGE
from evenhand.history import BUYER, MERCHANT
from evenhand.rescoring import rescore


def test_what_another_card_does_not_say_is_not_known() -> None:
    read = {name for card in PACKAGE.by_role.values() for name in card.model.read}
    history = {name.removeprefix("history.") for name in read if name.startswith("history.")}
    stored: dict[str, dict[str, Any]] = {
        "application": {},
        "order": {},
        "buyer": {"integrity": "poor", "integrity_score": 1, "label": "none"},
        "merchant": {"experience_score": 1.5, "high_quality": False},
        "abuse": {"score": 0.987, "uncertain": True, "threshold": 0.5, "model": "other", "reused_evidence": None},
        "history": dict.fromkeys(sorted(history | BUYER.always | MERCHANT.always), 0),
    }
    again = rescore(stored, PACKAGE, None)["abuse"]
    assert again["score"] != 0.987
    assert (again["uncertain"], again["threshold"], again["model"]) == (None, None, None)
    assert stored["abuse"]["uncertain"] is True
