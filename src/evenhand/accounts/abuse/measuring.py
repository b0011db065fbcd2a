"""How good a score is on claims it was not fitted on: ranking, calibration, what refusing would do, and to whom."""

from collections.abc import Iterator
from math import sqrt
from typing import Any, Final, Literal

import msgspec
import numpy as np

from evenhand.accounts.abuse.card import Card, Costs
from evenhand.accounts.abuse.evidence import CHOICES, NUMBERS, ONLY_DOWN
from evenhand.accounts.abuse.fitting import points_of, scores_of, uncertain_of
from evenhand.accounts.abuse.labelled import UNKNOWN, Bools, Floats, Ints, Labelled
from evenhand.accounts.abuse.libraries import learning
from evenhand.accounts.abuse.splitting import Split, days

_BANDS: Final = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_DIRECTIONS: Final = {"up": 1, "down": -1, "either": 0}
# Claims a group must have to be told about.
_FEWEST: Final = 30
# By how many standard errors chance is exceeded by chance once in twenty.
_SURELY: Final = 1.645
CARD: Final = "points card"
# What speaks against using a card.
Doubt = Literal["no_better_than_chance", "capacity_not_kept"]


class Ranking(msgspec.Struct, frozen=True):
    """How well a score tells the two kinds apart, and how near its probabilities are."""

    score: str
    roc_auc: float
    average_precision: float
    # mean squared error of the probability; `brier_of_share` is that of saying the share of abusive claims to everybody
    brier: float


class Reliability(msgspec.Struct, frozen=True):
    """Claims whose probability lies in one band."""

    low: float
    high: float
    claims: int
    # mean probability, and how many really were abusive
    said: float
    found: float


class Threshold(msgspec.Struct, frozen=True):
    """What refusing from a probability on would have done."""

    threshold: float
    costs: Costs
    refused: int
    # abusive among those refused; null when none is
    precision: float | None
    # abusive claims refused, of all abusive claims
    recall: float
    wronged: int
    robbed: int
    # in the unit of the costs, for each 1,000 claims: refusing so; paying everybody; at the best threshold for these very claims
    cost: float
    cost_of_paying_all: float
    least_cost: float


class Conformal(msgspec.Struct, frozen=True):
    """Where the card does not know."""

    # the share of each kind that may be missed elsewhere, and that was
    miscoverage: float
    missed_abusive: float
    missed_honest: float
    # share of claims that go to a person
    uncertain: float
    # the share that was allowed when the card was trained; null when it is measured later
    capacity: float | None = None


class Group(msgspec.Struct, frozen=True):
    """Results for one group of claims."""

    group: str
    claims: int
    abusive: int
    # null where all are of one kind
    roc_auc: float | None
    # mean probability against the share that was abusive
    said: float
    found: float
    # of the honest claims, those refused; of the refused, the abusive; null where there are none
    honest_refused: float | None
    precision: float | None
    uncertain: float


class Report(msgspec.Struct, frozen=True):
    """Everything that is said of a score."""

    model: str
    source: str
    first: str
    last: str
    claims: int
    abusive: int
    brier_of_share: float
    rankings: list[Ranking]
    reliability: list[Reliability]
    threshold: Threshold
    conformal: Conformal
    groups: list[Group]

    @property
    def roc_auc(self) -> float:
        """How well the card tells the kinds apart."""
        return next(one.roc_auc for one in self.rankings if one.score == CARD)

    @property
    def doubts(self) -> list[Doubt]:
        """What speaks against using the card.

        It is no better than chance where a score that knows nothing ranks the claims as well one time in twenty (the deviation of
        its ROC AUC from 0.5: Mann and Whitney 1947).
        """
        honest = self.claims - self.abusive
        chance = 0.5 + _SURELY * sqrt((self.claims + 1) / (12 * self.abusive * honest))
        found: list[Doubt] = ["no_better_than_chance"] if self.roc_auc < chance else []
        capacity = self.conformal.capacity
        return [*found, "capacity_not_kept"] if capacity is not None and self.conformal.uncertain > capacity else found

    @property
    def json(self) -> bytes:
        """The report with its `doubts`, as it is written to a file."""
        return msgspec.json.format(msgspec.json.encode({**msgspec.to_builtins(self), "doubts": self.doubts}), indent=1)


def report(
    card: Card,
    history: Labelled,
    part: Bools,
    seen: Ints,
    more: dict[str, Floats],
    capacity: float | None = None,
) -> Report:
    """Measure a card on a part of a history beside other scores (of the part); `seen` are the buyers that it was learned from,
    `capacity` is the share of claims it was allowed to leave uncertain."""
    abusive, scores, uncertain = (
        history.abusive[part],
        scores_of(card, history)[part],
        uncertain_of(card, history)[part],
    )
    others = {CARD: scores, "documented scorecard": history.documented[part], **more}
    share = float(abusive.mean())
    first, last = days(history, part)
    return Report(
        card.version,
        history.source,
        str(first),
        str(last),
        len(abusive),
        int(abusive.sum()),
        share * (1 - share),
        [ranking(name, abusive, values) for name, values in others.items()],
        list(_reliability(abusive, scores)),
        _threshold(card.costs, abusive, scores),
        _conformal(card, abusive, points_of(card, history)[part], uncertain, capacity),
        list(_groups(card, history, part, seen, scores, uncertain)),
    )


def ranking(name: str, abusive: Bools, scores: Floats) -> Ranking:
    metrics: Any = learning("sklearn.metrics")
    return Ranking(
        name,
        float(metrics.roc_auc_score(abusive, scores)),
        float(metrics.average_precision_score(abusive, scores)),
        float(metrics.brier_score_loss(abusive, scores)),
    )


def challenger(history: Labelled, parts: Split) -> Floats:
    """Boosted trees on the same facts, held to the same directions, stopped on the calibration part: scores of the held-out part.

    They do not rule: they say what the card gives up by being a sum that people can read.
    """
    lightgbm: Any = learning("lightgbm")
    columns = [history.numbers[name] for name in NUMBERS]
    columns += [(history.choices[name] != "").astype(np.float64) for name in CHOICES if name in ONLY_DOWN]
    directions = [*(_DIRECTIONS[one] for one in NUMBERS.values()), *(-1 for _ in ONLY_DOWN)]
    ordered = len(columns)
    for name in CHOICES:
        if name in ONLY_DOWN:
            continue
        words, places = np.unique(history.choices[name], return_inverse=True)
        columns.append(np.where(words[places] == "", np.nan, places))
    table = np.column_stack(columns)
    settings = {
        "objective": "binary", "learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 30, "lambda_l2": 5.0,
        "monotone_constraints": [*directions, *(0 for _ in columns[ordered:])],
        "monotone_constraints_method": "advanced",
        "seed": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1,
    }  # fmt: skip
    categories = list(range(ordered, len(columns)))

    def data(part: Bools, like: Any = None) -> Any:
        return lightgbm.Dataset(
            table[part], history.abusive[part].astype(np.int64), categorical_feature=categories, reference=like
        )

    fitted = data(parts.fit)
    model = lightgbm.train(
        settings,
        fitted,
        num_boost_round=600,
        valid_sets=[data(parts.calibrate, fitted)],
        callbacks=[lightgbm.early_stopping(50, verbose=False)],
    )
    return np.asarray(model.predict(table[parts.held_out], num_iteration=model.best_iteration), dtype=np.float64)


def _reliability(abusive: Bools, scores: Floats) -> Iterator[Reliability]:
    bands = np.clip(np.searchsorted(np.array(_BANDS), scores, side="right") - 1, 0, len(_BANDS) - 2)
    for place in range(len(_BANDS) - 1):
        inside = bands == place
        if inside.any():
            said, found = float(scores[inside].mean()), float(abusive[inside].mean())
            yield Reliability(_BANDS[place], _BANDS[place + 1], int(inside.sum()), said, found)


def _threshold(costs: Costs, abusive: Bools, scores: Floats) -> Threshold:
    threshold = costs.threshold / 1000
    refused = scores >= threshold
    wronged, robbed = int((refused & ~abusive).sum()), int((~refused & abusive).sum())
    caught, bad = int((refused & abusive).sum()), int(abusive.sum())

    def cost(refused: Bools) -> float:
        wrong, rob = float((refused & ~abusive).sum()), float((~refused & abusive).sum())
        return 1000 * (wrong * costs.wronged + rob * costs.robbed) / len(abusive)

    tried = [cost(scores >= one) for one in (*np.unique(scores).tolist(), 2.0)]
    return Threshold(
        threshold,
        costs,
        int(refused.sum()),
        caught / int(refused.sum()) if refused.any() else None,
        caught / bad,
        wronged,
        robbed,
        cost(refused),
        cost(np.zeros_like(refused)),
        min(tried),
    )


def _conformal(card: Card, abusive: Bools, points: Ints, uncertain: Bools, capacity: float | None) -> Conformal:
    return Conformal(
        card.miscoverage,
        float((points[abusive] < card.uncertain.first).mean()),
        float((points[~abusive] > card.uncertain.last).mean()),
        float(uncertain.mean()),
        capacity,
    )


def _groups(
    card: Card, history: Labelled, part: Bools, seen: Ints, scores: Floats, uncertain: Bools
) -> Iterator[Group]:
    metrics: Any = learning("sklearn.metrics")
    threshold = card.costs.threshold / 1000
    known, orders = (
        history.numbers["history.buyer_days_known"][part],
        history.numbers["history.buyer_orders_365d"][part],
    )
    buyer, stage = history.buyer[part], history.choices["application.stage"][part]
    amount = history.numbers["application.amount"][part]
    median = float(np.median(amount))
    parts: dict[str, Bools] = {
        "account known under 90 days": known < 90,
        "account known 90 to 364 days": (known >= 90) & (known < 365),
        "account known a year or more": known >= 365,
        "fewer than 5 orders in a year": orders < 5,
        "5 to 19 orders in a year": (orders >= 5) & (orders < 20),
        "20 orders and more in a year": orders >= 20,
        "asks less than the median amount": amount < median,
        "asks the median amount or more": amount >= median,
        "goods received": stage == "received",
        "goods not received": (stage != "received") & (stage != ""),
    }
    if (buyer != UNKNOWN).any():
        parts["buyers learned from"] = np.isin(buyer, seen)
        parts["buyers never seen in learning"] = ~np.isin(buyer, seen)
    for name, inside in parts.items():
        count = int(inside.sum())
        if count < _FEWEST:
            continue
        abusive = history.abusive[part][inside]
        refused = scores[inside] >= threshold
        honest, both = int((~abusive).sum()), 0 < int(abusive.sum()) < count
        yield Group(
            name,
            count,
            int(abusive.sum()),
            float(metrics.roc_auc_score(abusive, scores[inside])) if both else None,
            float(scores[inside].mean()),
            float(abusive.mean()),
            float((refused & ~abusive).sum()) / honest if honest else None,
            float((refused & abusive).sum()) / int(refused.sum()) if refused.any() else None,
            float(uncertain[inside].mean()),
        )
