"""Facts of a ruling scored again by other scorecards: nothing of the scores before stays."""

from typing import Any

from evenhand.accounts.abuse.card import Scorer
from evenhand.accounts.scores import PACKAGE
from evenhand.history import BUYER, MERCHANT
from evenhand.rescoring import rescore
from tests.integration.desk.test_abuse_score import CARD


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


def test_who_becomes_unsure_is_taken_to_find_a_person_and_who_had_none_has_none() -> None:
    learned = Scorer(CARD)
    read = {name for card in PACKAGE.by_role.values() for name in card.model.read} | {part.fact for part in CARD.parts}
    history = {name.removeprefix("history.") for name in read if name.startswith("history.")}
    stored: dict[str, dict[str, Any]] = {
        "application": {"reason": "counterfeit"},
        "order": {},
        "buyer": {"integrity": "poor", "integrity_score": 1, "label": "none"},
        "merchant": {"experience_score": 1.5, "high_quality": False},
        "abuse": {"score": 0.03, "uncertain": False, "threshold": 0.5, "model": CARD.version, "reused_evidence": None},
        "history": dict.fromkeys(sorted(history | BUYER.always | MERCHANT.always), 0),
    }
    before_persons_were_asked = rescore(stored, PACKAGE, learned)["abuse"]
    assert (before_persons_were_asked["uncertain"], "person_available" in before_persons_were_asked) == (True, False)
    for was, becomes in ((None, True), (True, True), (False, False)):
        stored["abuse"]["person_available"] = was
        assert rescore(stored, PACKAGE, learned)["abuse"]["person_available"] is becomes
    stored["application"]["reason"] = "quality"
    for was in (None, True, False):
        stored["abuse"]["person_available"] = was
        assert rescore(stored, PACKAGE, learned)["abuse"]["person_available"] is None
    assert rescore(stored, PACKAGE, None)["abuse"]["person_available"] is None
