"""Facts of an account from the accounts it is linked with: what a score learns from links without learning the graph.

For every figure of an account there are four of its neighbours: their mean, the mean of their own neighbours' means, and the same
two damped, where each neighbour counts 1/(its number of links), so that one who is linked with everybody says little. Beside them
stand the number of links and how well linked the neighbours are. They are plain sums over links: a points card or a tree can name
each as a reason, and each is one SQL aggregate away. No graph neural net.
"""

import numpy as np
from numpy.typing import NDArray

from evenhand.accounts.links.grouping import Ints

Floats = NDArray[np.float64]


def link_facts(figures: Floats, left: Ints, right: Ints) -> tuple[Floats, list[str]]:
    """Facts of accounts by their own figures and their neighbours': one row per account, and the names of the columns.

    `figures` is accounts x figures; link i joins the accounts `left[i]` and `right[i]`, each pair once. What an account without
    links has no neighbours to take from is NaN.
    """
    count, width = figures.shape
    here, there = np.concatenate([left, right]), np.concatenate([right, left])
    links = np.bincount(here, minlength=count)
    plain, damped = np.ones(len(there)), 1 / links[there]

    def mean(values: Floats, weight: Floats) -> Floats:
        """Of each account's neighbours."""
        total = np.bincount(here, weights=weight, minlength=count)
        found = np.full((count, values.shape[1]), np.nan)
        for column in range(values.shape[1]):
            summed = np.bincount(here, weights=weight * values[there, column], minlength=count)
            np.divide(summed, total, out=found[:, column], where=total > 0)
        return found

    near, near_damped = mean(figures, plain), mean(figures, damped)
    size = np.log1p(links)[:, None]
    linked = np.column_stack([size, mean(np.column_stack([size, 1 / np.maximum(links, 1)]), plain)])
    facts = np.column_stack([figures, near, mean(near, plain), near_damped, mean(near_damped, damped), linked])
    names = [
        f"{whose} {column}"
        for whose in ("own", "neighbours'", "their neighbours'", "neighbours' damped", "their neighbours' damped")
        for column in range(width)
    ]
    return facts, [*names, "links", "neighbours' links", "neighbours' rarity"]
