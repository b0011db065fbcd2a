"""What jurors' votes are worth: Dawid and Skene's model with two coins a juror, a Beta prior, and appeals as anchors.

A juror finds for the buyer with one probability when the buyer is right (its *sensitivity*), and for the merchant with another
when the merchant is right (its *specificity*): two coins, since some are lenient with one side only. Nobody knows who was right,
except where a case was decided again on appeal. Expectation-maximisation (A. P. Dawid and A. M. Skene, Applied Statistics 28,
1979) goes back and forth: given the coins, how sure is each case; given that, what are the coins. The Beta prior keeps a juror
with few votes near what an ordinary juror is, and anchors are cases whose truth is not estimated but known.

With the coins of its jurors a panel is a sequential test: each vote moves the odds by the ratio of two coins, and once the odds
are sure enough, more votes would cost time and change nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# What is thought of a juror before its first vote: right in three cases of four, as if that had been seen in eight.
PRIOR: Final = (6.0, 2.0)
_ROUNDS: Final = 100
_CLOSE: Final = 1e-6
_EDGE: Final = 1e-4


class Coins(NamedTuple):
    """One juror: P(finds for the buyer | the buyer is right), P(finds for the merchant | the merchant is right)."""

    sensitivity: float
    specificity: float


NEW: Final = Coins(PRIOR[0] / sum(PRIOR), PRIOR[0] / sum(PRIOR))


class Learned(NamedTuple):
    """What votes teach."""

    # by juror, in the order of their numbers
    sensitivity: Floats
    specificity: Floats
    # by case: how likely the buyer is right
    buyer_right: Floats
    # how often the buyer is right at all
    prevalence: float


def learn(
    case: Ints, juror: Ints, for_buyer: NDArray[np.bool_], known: Mapping[int, bool], prior: tuple[float, float] = PRIOR
) -> Learned:
    """Learn coins from votes: vote i is that of `juror[i]` on `case[i]`, both counted from 0; `known` says who was right."""
    cases, jurors = int(case.max()) + 1, int(juror.max()) + 1
    anchors, truth = np.array(list(known), np.int64), np.array(list(known.values()), np.float64)
    right = np.bincount(case, for_buyer, cases) / np.maximum(np.bincount(case, minlength=cases), 1)
    right[anchors] = truth
    sensitivity = specificity = np.full(jurors, NEW.sensitivity)
    prevalence = 0.5
    for _ in range(_ROUNDS):
        before = right
        when_buyer, when_merchant = right[case], 1 - right[case]
        sensitivity = _coin(juror, when_buyer * for_buyer, when_buyer, jurors, prior)
        specificity = _coin(juror, when_merchant * ~for_buyer, when_merchant, jurors, prior)
        prevalence = float(np.clip(right.mean(), _EDGE, 1 - _EDGE))
        odds = np.log(prevalence / (1 - prevalence)) + np.bincount(
            case, _weights(sensitivity[juror], specificity[juror], for_buyer), cases
        )
        right = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
        right[anchors] = truth
        if np.abs(right - before).max() < _CLOSE:
            break
    return Learned(sensitivity, specificity, right, prevalence)


def _coin(juror: Ints, hits: Floats, chances: Floats, jurors: int, prior: tuple[float, float]) -> Floats:
    """The mean of each juror's Beta posterior; where nothing at all is known, a fair coin."""
    up = prior[0] + np.bincount(juror, hits, jurors)
    total = sum(prior) + np.bincount(juror, chances, jurors)
    return np.clip(np.divide(up, total, out=np.full(jurors, 0.5), where=total > 0), _EDGE, 1 - _EDGE)


def _weights(sensitivity: Floats, specificity: Floats, for_buyer: NDArray[np.bool_]) -> Floats:
    """By how much each vote moves the log odds of the buyer."""
    return np.where(for_buyer, np.log(sensitivity / (1 - specificity)), np.log((1 - sensitivity) / specificity))


def buyer_right(votes: Sequence[tuple[Coins, bool]], prevalence: float = 0.5) -> float:
    """How likely the buyer is right, given votes of jurors with these coins."""
    sensitivity = np.array([coins.sensitivity for coins, _ in votes])
    specificity = np.array([coins.specificity for coins, _ in votes])
    found = np.array([for_buyer for _, for_buyer in votes], np.bool_)
    odds = np.log(prevalence / (1 - prevalence)) + float(_weights(sensitivity, specificity, found).sum())
    return float(1 / (1 + np.exp(-np.clip(odds, -500, 500))))


def verdict(
    votes: Sequence[tuple[Coins, bool]], majority: int, sure: float | None, prevalence: float = 0.5
) -> bool | None:
    """Who has won: the buyer (True), the merchant (False), nobody yet (None).

    A side wins with `majority` votes. With `sure`, the weighed votes decide instead, as soon as they are that sure; and when as
    many votes are in as surely make a majority, whichever side they lean to.
    """
    for_buyer = sum(one for _, one in votes)
    if sure is not None and votes:
        likely = buyer_right(votes, prevalence)
        if likely >= sure or likely <= 1 - sure:
            return likely > 0.5
        if len(votes) >= 2 * majority - 1:
            return likely > 0.5
        return None
    if for_buyer >= majority:
        return True
    return False if len(votes) - for_buyer >= majority else None


def numbered(values: Iterable[int]) -> tuple[Ints, list[int]]:
    """Numbers counted from 0 in the order they first come, and what each stands for."""
    places: dict[int, int] = {}
    counted = np.array([places.setdefault(value, len(places)) for value in values], np.int64)
    return counted, list(places)
