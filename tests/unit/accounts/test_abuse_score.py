"""A learned score of abuse: the card that rules, its document, and how it is fitted. All claims here are synthetic."""

import random
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenhand.accounts.abuse.binning import cuts_of
from evenhand.accounts.abuse.card import (
    Card,
    ChoicePoints,
    Costs,
    NumberPoints,
    Scorer,
    Trained,
    Uncertain,
    complete,
    read_card,
    reasons,
)
from evenhand.accounts.abuse.document import document
from evenhand.accounts.abuse.fitting import fit, points_of, scores_of, uncertain_of
from evenhand.accounts.abuse.labelled import Labelled, Line, gathered, read_history
from evenhand.accounts.abuse.measuring import challenger, report
from evenhand.accounts.abuse.splitting import split
from evenhand.errors import BadInput
from evenhand.policy import Policy

CARD = Card(
    Trained("synthetic claims", date(2025, 1, 1), date(2025, 6, 30), 1000, 100),
    (
        NumberPoints("history.buyer_refund_only_365d", "up", (Decimal(2), Decimal(9)), (-12, 3, 40)),
        NumberPoints("history.buyer_refund_only_rate_365d", "up", (Decimal("0.2500"),), (0, 31)),
        NumberPoints("merchant.experience_score", "up", (Decimal("4.10"),), (-5, 6)),
    ),
    (
        ChoicePoints("application.reason", {"counterfeit": 18, "no_reason": -7, "other": -7}),
        ChoicePoints("abuse.reused_evidence", {"true": 55, "false": -2}),
    ),
    (-10, 0, 30, 60),
    (4, 20, 75, 400, 910),
    Costs(10, 1),
    0.05,
    Uncertain(10, 45),
)


def claims(count: int, seed: int = 1, *, drift: bool = False) -> list[Line]:
    """Synthetic claims over 400 days: buyers who ask back more, and for counterfeits, are likelier to be abusive."""
    draw = random.Random(seed)
    lines: list[Line] = []
    for number in range(count):
        bad = draw.random() < 0.2
        orders = draw.randint(1, 60)
        asked = sum(draw.random() < (0.3 if bad else 0.1) for _ in range(orders))
        facts: dict[str, Any] = {
            "application": {
                "remedy": "refund_only" if draw.random() < (0.9 if bad else 0.5) else "return_and_refund",
                "stage": "received",
                "reason": draw.choice(("counterfeit", "quality") if bad else ("quality", "damaged", "other")),
                "amount": draw.randint(1000, 50_000),
                "evidence_count": draw.randint(0, 2 if bad else 4),
                "filed_on": date(2024, 1, 1) + timedelta(days=number * 400 // count),
            },
            "merchant": {"experience_score": Decimal(draw.randint(200, 500)) / 100},
            "abuse": {"reused_evidence": draw.random() < 0.3 if bad else None},
            "history": {
                "buyer_days_known": draw.randint(0, 900),
                "buyer_orders_90d": orders // 3,
                "buyer_orders_365d": orders,
                "buyer_refund_only_90d": asked // 3,
                "buyer_refund_only_365d": asked,
                "buyer_counterfeit_claims_90d": 0,
                "buyer_counterfeit_claims_365d": draw.randint(0, 3) if bad else 0,
            },
        }
        lines.append(Line(facts, bad != (drift and number > count // 2), buyer=f"b-{draw.randint(1, 200)}"))
    return lines


def history(lines: list[Line]) -> Labelled:
    return gathered("synthetic claims", enumerate(lines, 1))


@pytest.fixture(scope="module")
def learned() -> tuple[Labelled, Card]:
    read = history(claims(3000))
    return read, fit(read, split(read), Costs(10, 1), 0.05, 0.1)


facts_of_a_claim = st.fixed_dictionaries(
    {
        "application": st.fixed_dictionaries(
            {
                "reason": st.sampled_from(["counterfeit", "no_reason", "other", "quality", None]),
                "remedy": st.sampled_from(["refund_only", "return_and_refund", "exchange", None]),
                "stage": st.sampled_from(["received", "unshipped", None]),
                "amount": st.none() | st.integers(1, 60_000),
                "days_since_receipt": st.none() | st.integers(0, 60),
                "evidence_count": st.none() | st.integers(0, 6),
            }
        ),
        "merchant": st.fixed_dictionaries({"experience_score": st.none() | st.decimals(0, 5, places=2)}),
        "abuse": st.fixed_dictionaries(
            {"reused_evidence": st.sampled_from([True, False, None]), "empty_parcel": st.none()}
        ),
        "history": st.fixed_dictionaries(
            {
                "buyer_days_known": st.none() | st.integers(0, 2000),
                "buyer_orders_90d": st.none() | st.integers(0, 30),
                "buyer_orders_365d": st.none() | st.integers(0, 80),
                "buyer_refund_only_90d": st.none() | st.integers(0, 12),
                "buyer_refund_only_365d": st.none() | st.integers(0, 30),
                "buyer_counterfeit_claims_90d": st.none() | st.integers(0, 5),
                "buyer_counterfeit_claims_365d": st.none() | st.integers(0, 9),
            }
        ),
    }
)


def same_as_document(card: Card, policy: Policy, facts: dict[str, Any]) -> None:
    whole, scorer = complete(facts, card), Scorer(card)
    said = policy.decide(whole)
    points = scorer.points(whole)
    scorer.score(whole)
    abuse = whole["abuse"]
    assert (points, abuse["score"], abuse["uncertain"]) == (
        said["abuse_points"],
        said["abuse.score"],
        said["abuse.uncertain"],
    )


@given(facts_of_a_claim)
def test_the_lookups_and_the_document_say_the_same(facts: dict[str, Any]) -> None:
    same_as_document(CARD, WRITTEN, facts)


WRITTEN = Policy.parse(document(CARD))


@settings(max_examples=50)
@given(st.data())
def test_a_learned_card_and_its_document_say_the_same(learned: tuple[Labelled, Card], data: st.DataObject) -> None:
    _, card = learned
    policy = _compiled(card)
    for facts in data.draw(st.lists(facts_of_a_claim, min_size=1, max_size=5)):
        same_as_document(card, policy, facts)


_documents: dict[str, Policy] = {}


def _compiled(card: Card) -> Policy:
    return _documents.setdefault(card.version, Policy.parse(document(card)))


def test_columns_are_scored_like_single_claims(learned: tuple[Labelled, Card]) -> None:
    """What is measured is what will rule."""
    read, card = learned
    scorer = Scorer(card)
    points, scores, unsure = points_of(card, read), scores_of(card, read), uncertain_of(card, read)
    for place, line in enumerate(claims(3000)[:300]):
        whole = complete(line.facts, card)
        scorer.score(whole)
        assert scorer.points(whole) == points[place]
        assert float(whole["abuse"]["score"]) == scores[place]
        assert whole["abuse"]["uncertain"] == unsure[place]
        assert whole["abuse"]["model"] == card.version


def test_a_card_comes_back_from_its_file_as_it_was(learned: tuple[Labelled, Card]) -> None:
    _, card = learned
    again = read_card(card.json)
    assert again == card
    assert (again.hash, again.version) == (card.hash, card.version)
    assert card.version.startswith(str(card.trained.last))


def test_the_document_of_a_learned_card_has_no_gaps(learned: tuple[Labelled, Card]) -> None:
    _, card = learned
    assert _compiled(card).check().good


@given(facts_of_a_claim, st.integers(1, 10))
def test_asking_back_more_never_lowers_the_score(
    learned: tuple[Labelled, Card], facts: dict[str, Any], more: int
) -> None:
    _, card = learned
    history = facts["history"]
    asked = history["buyer_refund_only_365d"]
    if asked is None:
        return
    after = {**facts, "history": {**history, "buyer_refund_only_365d": asked + more}}
    assert Scorer(card).points(complete(after, card)) >= Scorer(card).points(complete(facts, card))


def test_reasons_are_the_points_and_the_greatest_comes_first() -> None:
    facts: dict[str, Any] = {
        "history": {"buyer_refund_only_365d": 11, "buyer_orders_365d": 22},
        "application": {"reason": "other"},
        "abuse": {"reused_evidence": True},
    }
    found = reasons(CARD, facts)
    assert [one.points for one in found] == [55, 40, 31, -7]
    assert found[0].en == "reused evidence: yes (+55 points)"
    assert found[0].zh == "重复使用凭证：是（+55分）"
    assert found[1].en == "refund-only applications by the buyer in 365 days: 11 (9 and more: +40 points)"
    assert found[1].zh == "365天内买家仅退款申请数：11（9及以上，+40分）"
    assert sum(one.points for one in found) == Scorer(CARD).points(complete(facts, CARD))


def test_amounts_are_written_in_the_currency_of_the_claim() -> None:
    amounts = NumberPoints("application.amount", "up", (Decimal(5_000), Decimal(20_000)), (0, 9, 18))
    card = msgspec.structs.replace(CARD, numbers=(amounts,))
    (said,) = reasons(card, {"application": {"amount": 10_000}}, currency="CNY")
    assert said.en == "amount asked: 100.00 CNY (from 50.00 CNY to below 200.00 CNY: +9 points)"
    assert said.zh == "申请金额：100.00 CNY（50.00 CNY至200.00 CNY以下，+9分）"
    (plain,) = reasons(card, {"application": {"amount": 10_000}})
    assert plain.en == "amount asked: 10000 minor units (from 5000 to below 20000: +9 points)"


def test_what_is_not_known_gives_no_points() -> None:
    assert Scorer(CARD).points(complete({}, CARD)) == 0
    assert reasons(CARD, {}) == []


@pytest.mark.parametrize(("wronged", "robbed", "threshold"), [(10, 1, 910), (1, 1, 500), (3, 1, 750), (1, 9, 100)])
def test_the_threshold_follows_from_the_costs(wronged: float, robbed: float, threshold: int) -> None:
    """At the threshold refusing is just the cheaper mistake: p * robbed >= (1 - p) * wronged."""
    assert Costs(wronged, robbed).threshold == threshold


def test_what_is_learned_holds_on_later_claims(learned: tuple[Labelled, Card]) -> None:
    read, card = learned
    parts = split(read)
    assert read.filed[parts.fit].max() < read.filed[parts.calibrate].min()
    assert read.filed[parts.calibrate].max() < read.filed[parts.held_out].min()
    said = report(card, read, parts.held_out, read.buyer[parts.fit], {"trees": challenger(read, parts)})
    scored = {one.score: one for one in said.rankings}
    assert scored["points card"].roc_auc > 0.95
    assert scored["points card"].roc_auc > scored["trees"].roc_auc - 0.01
    assert scored["points card"].brier < said.brier_of_share / 2
    told = sum(one.said * one.claims for one in said.reliability) / said.claims
    assert abs(told - said.abusive / said.claims) < 0.03
    assert said.conformal.uncertain < 0.15
    assert {"buyers learned from", "account known a year or more"} <= {one.group for one in said.groups}


def test_the_same_history_gives_the_same_card(learned: tuple[Labelled, Card]) -> None:
    read, card = learned
    assert fit(read, split(read), Costs(10, 1), 0.05, 0.1).hash == card.hash


def test_labels_of_the_held_out_time_teach_nothing() -> None:
    """A label that became known late is not used before, and no label of the held-out time changes the card."""
    lines = claims(1500)
    late = [
        Line(one.facts, one.abusive, date(2025, 3, 1), one.buyer) if place % 5 == 0 else one
        for place, one in enumerate(lines)
    ]
    read, delayed = history(lines), history(late)
    cut = split(read)
    day = date(1970, 1, 1) + timedelta(days=int(read.filed[cut.held_out].min()))
    assert split(delayed, day).too_late > 200
    turned = [
        Line(one.facts, not one.abusive, None, one.buyer) if held else one
        for one, held in zip(lines, cut.held_out, strict=True)
    ]
    again = history(turned)
    assert fit(again, split(again), Costs(10, 1), 0.05, 0.1) == fit(read, cut, Costs(10, 1), 0.05, 0.1)


@pytest.mark.parametrize("swapped", [0, 2, 4, 20])
def test_a_fact_that_tells_nearly_all_is_not_left_out(swapped: int) -> None:
    """Three refund-only applications and more mean abuse, but for a few claims that are the other way round."""
    draw = random.Random(4)
    lines = claims(1500)
    for place, line in enumerate(lines):
        line.abusive = draw.random() < 0.3
        turned = place % (1500 // swapped) == 0 if swapped else False
        line.facts["history"]["buyer_refund_only_365d"] = draw.choice(
            (3, 4, 6) if line.abusive != turned else (0, 1, 2)
        )
    read = history(lines)
    parts = split(read)
    card = fit(read, parts, Costs(10, 1), 0.05, 0.1)
    assert Decimal(3) in next(one.cuts for one in card.numbers if one.fact == "history.buyer_refund_only_365d")
    assert report(card, read, parts.held_out, read.buyer[parts.fit], {}).roc_auc > 0.97


def test_ends_where_all_are_of_one_kind_are_bands_of_their_own() -> None:
    """Everybody with ten and more is abusive: that is worth more than to stand in one band with those of eight."""
    draw = np.random.default_rng(1)
    abusive = draw.random(4000) < 0.1
    values = np.where(abusive & (draw.random(4000) < 0.5), draw.integers(10, 30, 4000), draw.integers(0, 10, 4000))
    assert Decimal(10) in cuts_of("history.buyer_refund_only_365d", "up", values.astype(float), abusive)
    assert Decimal(10) not in cuts_of("history.buyer_orders_365d", "down", values.astype(float), abusive)
    either = cuts_of("application.amount", "either", -values.astype(float), abusive)
    assert Decimal(-9) in either


def test_a_fact_that_tells_nothing_gets_no_band_by_chance() -> None:
    for seed in range(20):
        draw = np.random.default_rng(seed)
        abusive, values = draw.random(1000) < 0.02, draw.integers(0, 50, 1000).astype(float)
        with_ends = cuts_of("history.buyer_refund_only_365d", "up", values, abusive)
        assert len(with_ends) <= 3, (seed, with_ends)


def test_a_card_that_knows_nothing_and_keeps_no_capacity_says_so() -> None:
    lines = claims(800)
    draw = random.Random(7)
    for line in lines:
        line.abusive = draw.random() < 0.3
    read = history(lines)
    parts = split(read)
    card = fit(read, parts, Costs(10, 1), 0.05, 0.01)
    said = report(card, read, parts.held_out, read.buyer[parts.fit], {}, 0.01)
    assert said.conformal.uncertain > 0.01
    assert said.doubts == ["no_better_than_chance", "capacity_not_kept"]
    assert msgspec.json.decode(said.json)["doubts"] == said.doubts


def test_a_card_that_knows_and_keeps_its_capacity_has_no_doubts(learned: tuple[Labelled, Card]) -> None:
    read, card = learned
    parts = split(read)
    assert report(card, read, parts.held_out, read.buyer[parts.fit], {}, 0.1).doubts == []


def test_too_little_to_learn_from_is_told() -> None:
    with pytest.raises(BadInput, match="none of 3 applications is labelled"):
        split(history([Line({}), Line({}), Line({})]))
    with pytest.raises(BadInput, match=r"to fit on .* abusive and .* 100 of each are needed"):
        split(history(claims(200)))
    one_kind = [Line(one.facts, abusive=False) for one in claims(600)]
    with pytest.raises(BadInput, match=r"has 0 abusive and \d+ honest claims"):
        split(history(one_kind))
    with pytest.raises(BadInput, match=r"to hold out has 0 abusive"):
        split(history(claims(1000)), date(2030, 1, 1))


def test_labels_that_turn_round_are_told() -> None:
    read = history(claims(1200, drift=True))
    with pytest.raises(BadInput, match="says nothing of the later ones"):
        fit(read, split(read), Costs(10, 1), 0.05, 0.1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"facts": {}, "abusive": "yes"}', r"line 2: .*Expected `bool \| null`"),
        ('{"facts": {}, "abuser": true}', "line 2: .*unknown field `abuser`"),
        ('{"facts": {"history": {"buyer_refund_only_365d": NaN}}, "abusive": true}', "line 2: this is not JSON"),
        (
            '{"facts": {"history": {"buyer_refund_only_365d": "NaN"}}, "abusive": true}',
            "buyer_refund_only_365d: expected",
        ),
        ('{"facts": {"history": {"buyer_refunds": 1}}, "abusive": true}', "line 2: history.buyer_refunds: is no fact"),
        ('{"facts": {"history": {"buyer_orders_365d": -1}}, "abusive": true}', "line 2: .*outside 0"),
        ('{"facts": {}, "abusive": true}', "line 2: facts.application.filed_on: is needed"),
        ('{"facts": {"history": ' + "[" * 100_000, "line 2: this JSON is nested too deeply"),
        ("\xff", "line 2: this is not JSON"),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "claims.ndjson"
    good = '{"facts": {"application": {"filed_on": "2025-01-01"}}, "abusive": false}'
    file.write_bytes(f"{good}\n{line}\n".encode("latin-1"))
    with pytest.raises(BadInput, match=said):
        read_history(file)


def test_a_file_of_claims_is_read_like_claims(tmp_path: Path) -> None:
    lines = claims(50)
    file = tmp_path / "claims.ndjson"
    encoder = msgspec.json.Encoder(decimal_format="number")
    file.write_bytes(b"\n".join(encoder.encode(line) for line in lines))
    read, there = read_history(file), history(lines)
    assert len(read) == 50
    for name, column in there.numbers.items():
        assert np.array_equal(read.numbers[name], column, equal_nan=True)
    assert np.array_equal(read.abusive, there.abusive)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda card: card["numbers"][0].update(fact="buyer.label"), "not a fact that a card may read"),
        (lambda card: card["numbers"][0].update(points=[1]), "one band more than cuts"),
        (lambda card: card["numbers"][0].update(cuts=[9, 2]), "cuts rise"),
        (lambda card: card["numbers"][0].update(points=[40, 3, -12]), "must go up"),
        (lambda card: card.update(probabilities=[4, 20, 10, 400, 910]), "must go up"),
        (lambda card: card.update(probabilities=[4, 20, 75, 400, 1200]), "is no card of ours"),
        (lambda card: card.pop("costs"), "missing required field `costs`"),
    ],
)
def test_a_card_that_is_wrong_is_refused(change: Any, said: str) -> None:
    card = msgspec.json.decode(CARD.json)
    change(card)
    with pytest.raises(BadInput, match=said):
        read_card(msgspec.json.encode(card))
