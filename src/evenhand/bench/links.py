"""`evenhand bench links`: what links are worth, and what they cost.

**Worth**: 11,758 real workers of the crowd marketplace Toloka, linked where they worked on the same task, a fifth of them banned;
with ten fixed splits into training, validation and test (Platonov et al., ICLR 2023, whose best graph net reaches a mean ROC AUC
of 83.78 there). Two scores are fitted per split on the same link facts: boosted trees, and a points card that gives whole points
for the band each fact lies in, monotone in every fact. The data stay where they are.

**Cost**: grouping a million holdings, peeling a million edges, and looking for groups in them, synthetic, in memory.
"""

import os
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Final

import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

from evenhand.accounts.links.acting import Disputes, acting_together
from evenhand.accounts.links.grouping import Bools, Ints, rings
from evenhand.accounts.links.neighbours import Floats, link_facts
from evenhand.accounts.links.peeling import Graph, densest
from evenhand.bench.machine import machine
from evenhand.errors import BadInput, EvenhandError

DATA_VARIABLE: Final = "EVENHAND_TOLOKERS"
SPLITS: Final = 10
# Mean ROC AUC of the best model published on these splits, in hundredths, and its spread over them.
PUBLISHED: Final = 83.78, 0.43
# Points that double the odds.
_DOUBLING: Final = 20
_chatter: Final = Console(stderr=True, highlight=False)


@dataclass(frozen=True, slots=True)
class Workers:
    """The data: figures and label of each worker, links, and which workers are in which part of each split."""

    figures: Floats
    banned: Ints
    left: Ints
    right: Ints
    train: list[Bools]
    validate: list[Bools]
    test: list[Bools]


@dataclass(frozen=True, slots=True)
class Score:
    """How well one score tells the banned from the others, on the ten test parts."""

    name: str
    facts: int
    # ROC AUC in hundredths
    mean: float
    spread: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Cost:
    """How long one piece of work on synthetic data took one processor."""

    name: str
    edges: int
    seconds: float


def load(given: Path | None) -> Workers:
    """Read `tolokers.npz` from a folder, the file itself or what EVENHAND_TOLOKERS names; raises `BadInput` with what to do."""
    path = given or (Path(named) if (named := os.environ.get(DATA_VARIABLE)) else None)
    if path is None:
        raise BadInput(f"give the folder with tolokers.npz, or name it in {DATA_VARIABLE}", field="--data")
    file = path / "tolokers.npz" if path.is_dir() else path
    try:
        with np.load(file, allow_pickle=False) as data:
            edges = data["edges"].astype(np.int64)
            return Workers(
                data["node_features"].astype(np.float64),
                data["node_labels"].astype(np.int64),
                edges[:, 0],
                edges[:, 1],
                *(list(data[f"{part}_masks"].astype(np.bool_)) for part in ("train", "val", "test")),
            )
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"cannot read {file} as the Tolokers data: {error}", field="--data") from None


def trees(facts: Floats, workers: Workers, split: int, *, rate: float = 0.02) -> Floats:
    """Boosted trees fitted on a split's training part, as many as serve its validation part best; a score for everybody."""
    lightgbm = _learning("lightgbm")
    train, validate = workers.train[split], workers.validate[split]
    settings = {
        "objective": "binary", "metric": "auc", "learning_rate": rate, "num_leaves": 15, "min_data_in_leaf": 20,
        "bagging_fraction": 0.8, "bagging_freq": 1, "feature_fraction": 0.5, "lambda_l2": 5.0,
        "seed": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1,
    }  # fmt: skip
    fitted = lightgbm.Dataset(facts[train], workers.banned[train])
    model = lightgbm.train(
        settings,
        fitted,
        num_boost_round=1500,
        valid_sets=[lightgbm.Dataset(facts[validate], workers.banned[validate], reference=fitted)],
        callbacks=[lightgbm.early_stopping(100, verbose=False)],
    )
    return np.asarray(model.predict(facts, num_iteration=model.best_iteration), dtype=np.float64)


def points(facts: Floats, workers: Workers, split: int) -> Floats:
    """A points card fitted on a split's training part: whole points for the band of each fact, added up; higher is worse.

    Bands are optimal bins with a monotone share of banned (Navas-Palencia 2020); their weights of evidence go into a logistic
    regression, whose terms are rounded to points at 20 to double the odds.
    """
    optbinning, linear, pandas = _learning("optbinning"), _learning("sklearn.linear_model"), _learning("pandas")
    names = [str(column) for column in range(facts.shape[1])]
    table = pandas.DataFrame(facts, columns=names)
    train = workers.train[split]
    monotone = {name: {"monotonic_trend": "auto_asc_desc"} for name in names}
    binning = optbinning.BinningProcess(names, max_n_prebins=20, min_prebin_size=0.02, binning_fit_params=monotone)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # bins without a banned worker, and pandas' of its own making
        binning.fit(table[train], workers.banned[train])
        evidence = np.asarray(binning.transform(table, metric="woe"), dtype=np.float64)
    model = linear.LogisticRegression(C=0.1, max_iter=1000).fit(evidence[train], workers.banned[train])
    return np.rint(evidence * model.coef_[0] * _DOUBLING / np.log(2)).sum(axis=1)


def roc_auc(labels: Ints, scores: Floats) -> float:
    """Area under the ROC curve: how often a banned worker scores above another, ties counting half."""
    _, place, ties = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(ties) - (ties - 1) / 2)[place]
    banned = int(labels.sum())
    return float((rank[labels == 1].sum() - banned * (banned + 1) / 2) / (banned * (len(labels) - banned)))


def measured(
    name: str, fit: Callable[[Floats, Workers, int], Floats], facts: Floats, workers: Workers, splits: int = SPLITS
) -> Score:
    """Fit a score on every split and measure it on the test parts."""
    begun = perf_counter()
    found: list[float] = []
    for split in range(splits):
        scores, test = fit(facts, workers, split), workers.test[split]
        found.append(100 * roc_auc(workers.banned[test], scores[test]))
        _chatter.print(f"{name}: split {split + 1} of {splits}, {found[-1]:.2f}")
    return Score(name, facts.shape[1], float(np.mean(found)), float(np.std(found)), perf_counter() - begun)


def costs(edges: int = 1_000_000) -> list[Cost]:
    """Group so many holdings, peel so many disputes with a planted ring, and look for groups in them: synthetic, in memory."""
    generator = np.random.default_rng(1)
    accounts, kinds = generator.integers(0, edges // 3, edges), generator.integers(0, 4, edges)
    attributes = kinds * edges + generator.integers(0, edges // 4, edges)
    # a few stores have most of the disputes, a few buyers file most of them
    buyers = np.minimum(generator.pareto(1.5, edges) * edges / 20, edges / 2).astype(np.int64)
    stores = np.minimum(generator.pareto(1.1, edges) * edges / 300, edges / 20).astype(np.int64)
    ring = np.arange(600)
    pairs = np.unique(
        np.concatenate([buyers * edges + stores, (edges // 7 + ring // 20) * edges + edges // 50 + ring % 20])
    )
    buyer, store, once = pairs // edges, pairs % edges, np.ones(len(pairs), dtype=np.int64)
    graph = Graph.of(buyer, store, once)
    disputes = Disputes(buyer, store, generator.integers(0, 7, len(pairs)), once)
    nobody = np.zeros(int(buyer.max()) + 1, dtype=np.int64)
    return [
        _timed("group holdings into rings", edges, lambda: rings(accounts, kinds, attributes)),
        _timed("peel disputes to the densest block", len(pairs), lambda: densest(graph)),
        _timed(
            "look for groups in disputes, 19 deals included", len(pairs), lambda: acting_together(disputes, nobody), 1
        ),
    ]


def _timed(name: str, edges: int, work: Callable[[], object], times: int = 3) -> Cost:
    """The median."""
    took: list[float] = []
    for _ in range(times):
        begun = process_time()
        work()
        took.append(process_time() - begun)
    return Cost(name, edges, sorted(took)[times // 2])


def run(*, data: Path | None, as_json: bool) -> None:
    """Measure, print the figures and the machine."""
    workers = load(data)
    _learning("lightgbm")
    spent = costs()
    facts, _ = link_facts(workers.figures, workers.left, workers.right)
    scores = [
        measured("boosted trees, own figures", trees, workers.figures, workers),
        measured("boosted trees, link facts", trees, facts, workers),
        measured("points card, own figures", points, workers.figures, workers),
        measured("points card, link facts", points, facts, workers),
    ]
    if as_json:
        figures: dict[str, Any] = {
            "machine": machine(),
            "published": PUBLISHED[0],
            "scores": [asdict(score) for score in scores],
            "costs": [asdict(cost) for cost in spent],
        }
        print(msgspec.json.encode(figures).decode())  # noqa: T201
    else:
        _print(scores, spent)


def _print(scores: list[Score], spent: list[Cost]) -> None:
    console = Console(highlight=False)
    table = Table(
        title="Telling banned workers apart: mean ROC AUC on ten test parts",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for column in ("", "facts", "ROC AUC", "+-", "seconds"):
        table.add_column(column, justify="right" if column else "left")
    for one in scores:
        table.add_row(one.name, str(one.facts), f"{one.mean:.2f}", f"{one.spread:.2f}", f"{one.seconds:.0f}")
    table.add_row("best published graph net", "", f"{PUBLISHED[0]:.2f}", f"{PUBLISHED[1]:.2f}", "")
    console.print(table)
    for cost in spent:
        console.print(f"{cost.name}: {cost.edges:,} in {cost.seconds:.2f} s of one processor (synthetic)")
    console.print(machine())


def _learning(name: str) -> Any:
    """A module of the learning extra; raises `EvenhandError` saying how to get it."""
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        raise EvenhandError("this needs the learning libraries: pip install 'evenhand[learn]'") from None
