"""A capture credential lowers the score of abuse or leaves it: the documented card's, and whatever data teach a learned one."""

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given

from evenhand.accounts.abuse.card import Card, ChoicePoints, Costs, Scorer, complete, read_card
from evenhand.accounts.abuse.fitting import fit
from evenhand.accounts.abuse.labelled import Labelled, Line
from evenhand.accounts.abuse.measuring import challenger
from evenhand.accounts.abuse.splitting import split
from evenhand.accounts.abuse.why import abuse_reasons
from evenhand.accounts.scores import ABUSE, completed
from evenhand.errors import BadInput

from .test_abuse_score import CARD, claims, facts_of_a_claim, history

NAME = "application.capture_credential"


def scored(facts: dict[str, Any], *, vouched: bool | None) -> Any:
    whole = completed(ABUSE, facts["history"])
    whole["abuse"] |= facts["abuse"]
    whole["application"] |= {"capture_credential": vouched}
    return ABUSE.decide(whole)["abuse.score"]


@given(facts_of_a_claim)
def test_it_never_raises_the_documented_score(facts: dict[str, Any]) -> None:
    assert scored(facts, vouched=True) <= scored(facts, vouched=None)


def test_it_halves_the_odds_and_says_so() -> None:
    counts = {"buyer_refund_only_365d": 5, "buyer_orders_365d": 5, "buyer_refund_only_90d": 5, "buyer_orders_90d": 5}
    facts = {"history": counts, "abuse": {}, "application": {"capture_credential": True}}
    assert (str(scored(facts, vouched=None)), str(scored(facts, vouched=True))) == ("0.497", "0.331")
    told = next(one for one in abuse_reasons(facts, ABUSE, None) if one.code.startswith(NAME))
    assert (told.points, told.en) == (-20, "photograph vouched for by the camera that took it (-20 points)")
    assert told.zh == "照片附有拍摄设备签名的有效凭证（-20分）"


def taught(vouches: Any) -> Labelled:
    """Synthetic claims of which those that `vouches` picks (by whether they are abusive) show a credential."""
    lines: list[Line] = []
    for number, line in enumerate(claims(1500)):
        shown = True if vouches(line.abusive) and number % 2 else None
        application = {**line.facts["application"], "capture_credential": shown}
        lines.append(Line({**line.facts, "application": application}, line.abusive, None, line.buyer))
    return history(lines)


@pytest.fixture(scope="module")
def cards() -> dict[str, Card]:
    """Learned where the honest show credentials, and where only the abusive do."""
    read = {"honest": taught(lambda abusive: not abusive), "abusive": taught(lambda abusive: abusive)}
    return {who: fit(one, split(one), Costs(10, 1), 0.05, 0.1) for who, one in read.items()}


@given(facts_of_a_claim)
def test_it_never_raises_a_learned_score_whatever_taught_it(cards: dict[str, Card], facts: dict[str, Any]) -> None:
    for card in cards.values():
        whole, scorer = complete(facts, card), Scorer(card)
        whole["application"]["capture_credential"] = None
        without = scorer.points(whole)
        whole["application"]["capture_credential"] = True
        assert scorer.points(whole) <= without


def test_a_card_learns_that_it_lowers_and_not_that_it_raises(cards: dict[str, Card]) -> None:
    said = {who: [part.points for part in card.choices if part.fact == NAME] for who, card in cards.items()}
    assert said["honest"]
    assert all(points.keys() == {"true"} and points["true"] < 0 for points in said["honest"])
    assert said["abusive"] == []


def test_the_challenger_is_held_to_it_too() -> None:
    """What only the abusive show cannot speak against them: the trees do as if it were not there."""
    plain = taught(lambda _: False)
    read = taught(lambda abusive: abusive)
    assert (challenger(read, split(read)) == challenger(plain, split(plain))).all()


def test_a_card_that_raises_by_it_is_refused() -> None:
    bad = msgspec.structs.replace(CARD, choices=(ChoicePoints(NAME, {"true": 3}),))
    with pytest.raises(BadInput, match="may lower the score, and never raise it"):
        read_card(bad.json)
    good = msgspec.structs.replace(CARD, choices=(ChoicePoints(NAME, {"true": -3}),))
    assert read_card(good.json).trained.first == date(2025, 1, 1)
