"""On real linked accounts the link facts tell abusers apart better than an account's own figures."""

import os
from pathlib import Path

import numpy as np
import pytest

from evenhand.accounts.links.neighbours import link_facts
from evenhand.bench.links import DATA_VARIABLE, Workers, load, points, roc_auc, trees
from evenhand.errors import BadInput

FOLDER = Path(os.environ.get(DATA_VARIABLE, "../shared/data/tolokers"))


@pytest.fixture(scope="module")
def workers() -> Workers:
    if not FOLDER.exists():
        pytest.skip(f"needs the Tolokers data, in {FOLDER} or where {DATA_VARIABLE} says")
    return load(FOLDER)


def test_links_are_worth_more_than_half_of_what_is_missing(workers: Workers) -> None:
    """The first of the ten splits; all of them are `evenhand bench links`."""
    facts, _ = link_facts(workers.figures, workers.left, workers.right)
    test = workers.test[0]
    own, linked, card = (
        100 * roc_auc(workers.banned[test], scores[test])
        for scores in (
            trees(workers.figures, workers, 0, rate=0.1),
            trees(facts, workers, 0, rate=0.1),
            points(facts, workers, 0),
        )
    )
    assert own < 80
    assert linked > 83.5
    assert own + 1 < card < linked


def test_the_card_gives_whole_points(workers: Workers) -> None:
    scores = points(workers.figures, workers, 0)
    assert np.array_equal(scores, np.rint(scores))
    assert len(np.unique(scores)) > 20


def test_roc_auc_is_how_often_one_stands_above_another() -> None:
    assert roc_auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])) == 0.75
    assert roc_auc(np.array([0, 1, 0, 1]), np.array([1.0, 1.0, 1.0, 1.0])) == 0.5


def test_data_that_are_not_there_or_not_these_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    with pytest.raises(BadInput, match="give the folder"):
        load(None)
    with pytest.raises(BadInput, match=r"cannot read .*tolokers\.npz"):
        load(tmp_path)
    np.savez(tmp_path / "tolokers.npz", edges=np.zeros((3, 2)))
    with pytest.raises(BadInput, match="node_features"):
        load(tmp_path)
