"""What votes are worth: against crowd-kit's Dawid-Skene, with a prior and with anchors; and how a panel comes to an end."""

import json
from pathlib import Path

import numpy as np
import pytest

from evenhand.bench.panel import simulate
from evenhand.cases.jury import NEW, Coins, buyer_right, learn, numbered, verdict

# Votes made by chance and what crowd-kit makes of them; the file says how.
ORACLE = json.loads((Path(__file__).parent / "dawid_skene.json").read_text("utf-8"))
CASE, JUROR, FOUND = (np.array(column) for column in zip(*ORACLE["votes"], strict=True))


def test_without_prior_and_anchors_it_is_what_crowd_kit_finds() -> None:
    learned = learn(CASE, JUROR, FOUND.astype(np.bool_), {}, (0.0, 0.0))
    for name in ("buyer_right", "sensitivity", "specificity"):
        assert getattr(learned, name) == pytest.approx(np.array(ORACLE[name]), abs=2e-4)


def test_a_juror_with_few_votes_is_taken_for_an_ordinary_one() -> None:
    case, juror = np.arange(40) // 4, np.arange(40) % 4
    found = np.ones(40, np.bool_)
    known = dict.fromkeys(range(10), True)
    # a fifth juror votes once, and wrongly
    learned = learn(np.append(case, 0), np.append(juror, 4), np.append(found, False), known)
    assert learned.sensitivity[0] == pytest.approx(16 / 18)
    assert learned.sensitivity[4] == pytest.approx(6 / 9)
    # nobody has been seen where the merchant was right
    assert learned.specificity[0] == pytest.approx(NEW.specificity)


def test_anchors_tell_a_biased_crowd_from_a_right_one() -> None:
    # everybody finds for the buyer, always; appeals show that the buyer was right in half of the cases
    case, juror = np.repeat(np.arange(60), 5), np.tile(np.arange(5), 60)
    found = np.ones(300, np.bool_)
    blind = learn(case, juror, found, {})
    taught = learn(case, juror, found, {number: number % 2 == 0 for number in range(40)})
    assert blind.buyer_right.mean() > 0.95
    assert taught.specificity.max() < 0.25
    assert taught.buyer_right[50] < 0.8


def test_votes_move_the_odds_by_the_ratio_of_the_coins() -> None:
    assert buyer_right([(Coins(0.8, 0.6), True)]) == pytest.approx(0.8 / (0.8 + 0.4))
    assert buyer_right([(Coins(0.8, 0.6), False)]) == pytest.approx(0.2 / (0.2 + 0.6))
    # whoever finds for the buyer whatever the case is says nothing by it
    assert buyer_right([(Coins(0.9, 0.1), True)]) == pytest.approx(0.5)


def test_first_to_nine() -> None:
    cast = [(NEW, True)] * 8 + [(NEW, False)] * 8
    assert verdict(cast, 9, None) is None
    assert verdict([*cast, (NEW, False)], 9, None) is False
    assert verdict([(NEW, True)] * 9, 9, None) is True


def test_a_sure_panel_stops() -> None:
    sharp = Coins(0.95, 0.95)
    assert verdict([(sharp, True)], 9, 0.99) is None
    assert verdict([(sharp, True)] * 2, 9, 0.99) is True
    assert verdict([(sharp, True), (sharp, False)], 9, 0.99) is None
    assert verdict([], 9, 0.95) is None


def test_when_all_have_voted_the_weight_decides() -> None:
    weak, strong = Coins(0.52, 0.52), Coins(0.8, 0.8)
    assert verdict([(weak, False)] * 16 + [(strong, True)], 9, 0.999) is True


def test_weighing_needs_fewer_votes_and_is_right_more_often() -> None:
    counted, weighed = simulate(7, 0.95, jurors=200, past=1_000, cases=1_000)
    assert weighed.votes < 0.8 * counted.votes
    assert weighed.right > counted.right + 0.03


def test_numbers_are_counted_in_the_order_they_come() -> None:
    counted, names = numbered([70, 30, 70, 50])
    assert (list(counted), names) == ([0, 1, 0, 2], [70, 30, 50])
