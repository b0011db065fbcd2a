"""Where a fact is cut into the bands of a points card.

Optimal binning (Navas-Palencia 2020, arXiv:2001.08025) finds the bands of the greatest information value whose share of abusive
claims goes one way. Each of its bands holds some claims of both kinds. So it puts a band of one kind together with its neighbour,
and of a fact that tells the kinds apart without exception it makes a single band, as if it told nothing. Such ends are cut off
afterwards: where the claims below the cut, or from it on, are of one kind but for a few, and chance hardly ever parts them so
clearly (the likelihood ratio of one share on each side against one share for both).
"""

import warnings
from decimal import Decimal
from typing import Any, Final

import numpy as np

from evenhand.accounts.abuse.evidence import Direction, exact
from evenhand.accounts.abuse.labelled import Bools, Floats, Ints
from evenhand.accounts.abuse.libraries import learning
from evenhand.vocabulary import FACTS

_TRENDS: Final[dict[Direction, str]] = {"up": "ascending", "down": "descending", "either": "auto_asc_desc"}
# So many claims of each kind an optimal bin has at least; an end that is cut off has fewer of one.
_OF_EACH: Final = 5
# The least share of the claims that makes a band.
_LEAST: Final = 0.01
# What twice the logarithm of the likelihood ratio exceeds by chance once in ten thousand (chi-square, one degree of freedom).
_CLEAR: Final = 15.1


def cuts_of(name: str, direction: Direction, values: Floats, abusive: Bools) -> tuple[Decimal, ...]:
    """The cuts between bands of a fact, rising, each a value that the fact can have; none when it tells nothing.

    `values` and `abusive` have one element for each claim of which the fact is known.
    """
    if len(values) == 0 or values.min() == values.max():
        return ()
    scale = FACTS[name].scale
    found = {exact(cut, scale) for cut in _optimal(name, direction, values, abusive)}
    rising = direction == "up" or (direction == "either" and _rises(values, abusive, sorted(found)))
    fewest = max(_OF_EACH, int(np.ceil(_LEAST * len(values))))
    ends = _pure_ends(values, abusive, sorted(found), fewest, rising=rising)
    while new := {exact(cut, scale) for cut in ends} - found:
        found |= new
        ends = _pure_ends(values, abusive, sorted(found), fewest, rising=rising)
    return tuple(sorted(found))


def _optimal(name: str, direction: Direction, values: Floats, abusive: Bools) -> list[float]:
    optbinning: Any = learning("optbinning")
    binning = optbinning.OptimalBinning(
        name,
        max_n_prebins=20,
        min_prebin_size=_LEAST,
        monotonic_trend=_TRENDS[direction],
        min_bin_n_event=_OF_EACH,
        min_bin_n_nonevent=_OF_EACH,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # bins that hold one kind only
        binning.fit(values, abusive.astype(np.int64))
    return [float(cut) for cut in binning.splits]


def _rises(values: Floats, abusive: Bools, cuts: list[Decimal]) -> bool:
    """Whether more of the fact goes with more abuse, where the claims may say so."""
    if cuts:
        return float(abusive[values >= float(cuts[-1])].mean()) >= float(abusive[values < float(cuts[0])].mean())
    return float(values[abusive].mean()) >= float(values[~abusive].mean())


def _pure_ends(values: Floats, abusive: Bools, cuts: list[Decimal], fewest: int, *, rising: bool) -> list[float]:
    """A cut through the lowest band and one through the highest, where that cuts off claims of one kind."""
    lowest = values < float(cuts[0]) if cuts else np.ones(len(values), dtype=np.bool_)
    highest = values >= float(cuts[-1]) if cuts else lowest
    found = [
        _pure_end(values[band], abusive[band], fewest, rising=rising, low=low)
        for band, low in ((lowest, True), (highest, False))
    ]
    return [cut for cut in found if cut is not None]


def _pure_end(values: Floats, abusive: Bools, fewest: int, *, rising: bool, low: bool) -> float | None:
    """The clearest cut with claims of one kind below it (`low`), or from it on; None where there is none."""
    order = np.argsort(values, kind="stable")
    values, bad = values[order], np.cumsum(abusive[order], dtype=np.int64)
    # how many lie below each value that is greater than the one before
    below: Ints = np.flatnonzero(np.diff(values)) + 1
    if not len(below):
        return None
    above, bad_below = len(values) - below, bad[below - 1]
    bad_above = bad[-1] - bad_below
    ratio = 2 * (_likelihood(bad_below, below) + _likelihood(bad_above, above) - _likelihood(bad[-1:], len(values)))
    strangers = (bad_below if rising else below - bad_below) if low else (above - bad_above if rising else bad_above)
    one_way = (bad_above * below > bad_below * above) if rising else (bad_above * below < bad_below * above)
    good = one_way & (strangers < _OF_EACH) & (np.minimum(below, above) >= fewest) & (ratio > _CLEAR)
    if not good.any():
        return None
    return float(values[below[np.argmax(np.where(good, ratio, 0))]])


def _likelihood(bad: Ints, of: Ints | int) -> Floats:
    """The logarithm of the greatest likelihood of so many of so many."""
    special: Any = learning("scipy.special")
    good = of - bad
    return np.asarray(special.xlogy(bad, bad / of) + special.xlogy(good, good / of), dtype=np.float64)
