"""Fit a points card.

Each fact is cut into bands whose share of abusive claims goes the way that `evidence` declares (`binning`). What a band says is
its log-odds against all, shrunk as if twenty average claims stood in it too. A logistic regression weighs the facts against each
other; its weights are held at zero or above, so that no fact is turned round to correct another. Weight times evidence, at 20
points to double the odds, is rounded to whole points: that is the card.

On later claims the sum of points is calibrated to a probability (Platt 1999) and the conformal set is found: for each kind of
claim the points within which all but a share of its claims lie (Mondrian conformal prediction, Vovk et al. 2005). Where both
kinds are possible, or neither is, the card does not know: a person should look.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np

from evenhand.accounts.abuse.binning import cuts_of
from evenhand.accounts.abuse.card import Card, ChoicePoints, Costs, NumberPoints, Trained, Uncertain
from evenhand.accounts.abuse.evidence import CHOICES, NUMBERS, ONLY_DOWN, Direction
from evenhand.accounts.abuse.labelled import Bools, Floats, Ints, Labelled
from evenhand.accounts.abuse.libraries import learning
from evenhand.accounts.abuse.splitting import Split, days
from evenhand.errors import BadInput

# Points that double the odds, and as many of them as one probability stands for.
DOUBLING: Final = 20
_STEP: Final = 4
# Average claims added to every band.
_LENT: Final = 20
_RIDGE: Final = 10.0
# Steps in which the miscoverage is raised.
_FINER: Final = 0.005


def fit(history: Labelled, parts: Split, costs: Costs, miscoverage: float, capacity: float) -> Card:
    """The card learned from the first two parts of a history.

    `miscoverage` is how often the conformal set may miss the answer, for each kind of claim; where more than the share
    `capacity` of claims would then be uncertain, it is raised until they are not. Raises `BadInput` where no fact tells
    anything.
    """
    told = list(_bands(history, parts.fit))
    weights = (
        _weights(np.column_stack([one.column for one in told]), history.abusive[parts.fit]) if told else np.zeros(0)
    )
    scale = DOUBLING / np.log(2)
    fitted = [one.weighed(float(weight) * scale) for one, weight in zip(told, weights, strict=True)]
    numbers = tuple(one for one in fitted if isinstance(one, NumberPoints) and any(one.points))
    choices = tuple(one for one in fitted if isinstance(one, ChoicePoints) and any(one.points.values()))
    if not numbers and not choices:
        raise BadInput(
            "no fact tells abusive and honest claims apart: look whether the labels are right",
            field="--history, --labels",
        )
    first, last = days(history, parts.fit | parts.calibrate)
    used = history.abusive[parts.fit | parts.calibrate]
    trained = Trained(history.source, first, last, len(used), int(used.sum()))
    bare = Card(trained, numbers, choices, (), (0,), costs, miscoverage, Uncertain(0, -1))
    points, abusive = points_of(bare, history)[parts.calibrate], history.abusive[parts.calibrate]
    steps, probabilities = _calibrated(points, abusive)
    reached, uncertain = _conformal(points, abusive, miscoverage, capacity)
    return Card(trained, numbers, choices, steps, probabilities, costs, reached, uncertain)


def points_of(card: Card, history: Labelled) -> Ints:
    """The sum of points of every claim of a history."""
    total = np.zeros(len(history), dtype=np.int64)
    for part in card.numbers:
        values = history.numbers[part.fact]
        cuts = np.array([float(cut) for cut in part.cuts])
        # what is compared is exact on both sides: values have few decimals, and cuts are such values
        bands = np.searchsorted(cuts, values, side="right")
        total += np.where(np.isnan(values), 0, np.array([*part.points])[np.minimum(bands, len(cuts))])
    for part in card.choices:
        values = history.choices[part.fact]
        for value, points in part.points.items():
            total[values == value] += points
    return total


def scores_of(card: Card, history: Labelled) -> Floats:
    """The probability of every claim of a history."""
    bands = np.searchsorted(np.array(card.steps), points_of(card, history), side="right")
    return np.array(card.probabilities)[bands] / 1000


def uncertain_of(card: Card, history: Labelled) -> Bools:
    """Which claims of a history the card does not know."""
    points = points_of(card, history)
    return (card.uncertain.first <= points) & (points <= card.uncertain.last)


@dataclass(frozen=True, slots=True)
class _Bands:
    """A fact in bands, and what each says."""

    fact: str
    # of a number; None for a choice
    direction: Direction | None
    cuts: tuple[Decimal, ...]
    # of a choice
    values: tuple[str, ...]
    # by band: log-odds against all
    says: Floats
    # the same for every claim of the part
    column: Floats

    def weighed(self, scale: float) -> NumberPoints | ChoicePoints:
        """In points; bands that give the same are one."""
        points = [round(float(one) * scale) for one in self.says]
        if self.direction is None:
            return ChoicePoints(self.fact, {value: one for value, one in zip(self.values, points, strict=True) if one})
        kept = [place for place in range(len(self.cuts)) if points[place] != points[place + 1]]
        cuts = tuple(self.cuts[place] for place in kept)
        return NumberPoints(self.fact, self.direction, cuts, (points[0], *(points[place + 1] for place in kept)))


def _bands(history: Labelled, part: Bools) -> Iterator[_Bands]:
    """The facts that tell something."""
    abusive = history.abusive[part]
    for name, direction in NUMBERS.items():
        values = history.numbers[name][part]
        known = ~np.isnan(values)
        cuts = cuts_of(name, direction, values[known], abusive[known])
        if cuts:
            bands = np.searchsorted(np.array([float(cut) for cut in cuts]), values, side="right")
            bands[~known] = len(cuts) + 1
            says = _says(bands, abusive, len(cuts) + 2)
            says[:-1] = _one_way(says[:-1], direction)
            says[-1] = 0
            yield _Bands(name, direction, cuts, (), says[:-1], says[bands])
    for name in CHOICES:
        words, bands = np.unique(history.choices[name][part], return_inverse=True)
        says = _says(bands, abusive, len(words))
        says[words == ""] = 0
        if name in ONLY_DOWN:
            says = np.minimum(says, 0)
        if np.ptp(says) > 0:
            yield _Bands(name, None, (), tuple(words.tolist()), says, says[bands])


def _says(bands: Ints, abusive: Bools, count: int) -> Floats:
    """Log-odds of each band against all."""
    share = float(abusive.mean())
    cases = np.bincount(bands, minlength=count) + _LENT
    bad = np.bincount(bands, weights=abusive, minlength=count) + _LENT * share
    rates = bad / cases
    return np.log(rates / (1 - rates)) - np.log(share / (1 - share))


def _one_way(said: Floats, direction: Direction) -> Floats:
    """Bands by their order once more: lending may have turned round two that lay close."""
    rising = direction == "up" or (direction == "either" and said[-1] >= said[0])
    return np.maximum.accumulate(said) if rising else np.minimum.accumulate(said)


def _weights(evidence: Floats, abusive: Bools) -> Floats:
    """Ridge logistic regression with weights at zero or above."""
    optimize: Any = learning("scipy.optimize")
    labels = abusive.astype(np.float64)
    share = float(labels.mean())

    def loss(values: Floats) -> tuple[float, Floats]:
        logits = evidence @ values[1:] + values[0]
        error = 1 / (1 + np.exp(-logits)) - labels
        likelihood = float(np.sum(np.logaddexp(0, logits) - labels * logits))
        slope = np.concatenate([[error.sum()], evidence.T @ error + _RIDGE * values[1:]])
        return (likelihood + _RIDGE / 2 * float(values[1:] @ values[1:])) / len(labels), slope / len(labels)

    start = np.concatenate([[np.log(share / (1 - share))], np.full(evidence.shape[1], 0.1)])
    bounds = [(None, None), *[(0, None)] * evidence.shape[1]]
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 1000})
    return np.asarray(found.x[1:], dtype=np.float64)


def _calibrated(points: Ints, abusive: Bools) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Steps in the sum of points, and the probability from each on, in thousandths."""
    linear: Any = learning("sklearn.linear_model")
    special: Any = learning("scipy.special")
    model = linear.LogisticRegression(C=1e6, max_iter=1000).fit(points[:, None] / DOUBLING, abusive)
    slope, level = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope <= 0:
        raise BadInput(
            "what was learned from the earlier claims says nothing of the later ones: look whether their labels mean the same",
            field="--history, --labels",
        )
    least, most = int(points.min()) // _STEP * _STEP, int(points.max())
    starts = np.arange(least, most + _STEP, _STEP)
    middles = starts + (_STEP - 1) / 2
    shares = special.expit(slope * middles / DOUBLING + level)
    thousandths = np.clip(np.rint(1000 * shares), 1, 999).astype(np.int64)
    kept = [0, *(np.flatnonzero(np.diff(thousandths)) + 1).tolist()]
    return tuple(int(starts[place]) for place in kept[1:]), tuple(int(thousandths[place]) for place in kept)


def _conformal(points: Ints, abusive: Bools, miscoverage: float, capacity: float) -> tuple[float, Uncertain]:
    """The miscoverage, and where the set is not a single answer.

    Up to what is allowed it is the one that leaves the fewest claims uncertain; where they exceed the capacity, a greater one.
    """
    honest, bad = np.sort(points[~abusive]), np.sort(points[abusive])
    steps = np.arange(_FINER, 0.5, _FINER)
    best = (2.0, miscoverage, Uncertain(0, -1))
    for allowed in (*steps[steps < miscoverage].tolist(), miscoverage, *steps[steps > miscoverage].tolist()):
        if allowed > miscoverage and best[0] <= capacity:
            break
        # the most points an honest claim may have, and the fewest an abusive one, for its kind to count as possible
        most = int(honest[min(len(honest), int(np.ceil((len(honest) + 1) * (1 - allowed)))) - 1])
        fewest = int(bad[max(1, int(np.floor((len(bad) + 1) * allowed))) - 1])
        # from `fewest` to `most` both are possible; between `most` and `fewest` neither is
        first, last = (fewest, most) if fewest <= most else (most + 1, fewest - 1)
        share = float(np.mean((first <= points) & (points <= last)))
        if share < best[0]:
            best = share, float(allowed), Uncertain(first, last)
    return best[1], best[2]
