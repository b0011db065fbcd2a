"""Which part of a labelled history a score is fitted on, calibrated on, and measured on: by time, never by chance.

    fit ................ | calibrate ..... | held out .....
    about three fifths     one fifth         one fifth, the latest, never seen by anything that is fitted

The cuts fall between days. A label that became known only in the held-out time is not used before it.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from evenhand.accounts.abuse.labelled import Bools, Labelled
from evenhand.errors import BadInput

_EPOCH: Final = date(1970, 1, 1).toordinal()
# So many of each kind are needed: below, a band's share is noise and a quantile of the calibration says nothing.
FEWEST_FITTED: Final = 100
FEWEST_OTHERS: Final = 30


@dataclass(frozen=True, slots=True)
class Split:
    """The three parts, as masks over the history."""

    fit: Bools
    calibrate: Bools
    held_out: Bools
    # labels not used because they became known too late
    too_late: int


def split(history: Labelled, held_out_from: date | None = None) -> Split:
    """Split a history by time, at a day or so that a fifth is held out; raises `BadInput` where a part has too few of a kind."""
    if not len(history):
        raise BadInput(
            f"none of {history.unlabelled:,} applications is labelled: learning needs claims known to be abusive and claims "
            "known to be honest",
            field="--history, --labels",
        )
    filed = history.filed
    days = np.sort(filed)
    last = number_of(held_out_from) if held_out_from else int(days[len(days) * 4 // 5])
    before = filed < last
    early = before & (history.known < last)
    middle = int(np.quantile(filed[early], 0.75, method="lower")) if early.any() else last
    parts = Split(early & (filed < middle), early & (filed >= middle), ~before, int((before & ~early).sum()))
    for name, part, fewest in (
        ("to fit on", parts.fit, FEWEST_FITTED),
        ("to calibrate on", parts.calibrate, FEWEST_OTHERS),
        ("to hold out", parts.held_out, FEWEST_OTHERS),
    ):
        check(history, part, name, fewest)
    return parts


def check(history: Labelled, part: Bools, name: str, fewest: int) -> None:
    """See that a part has enough of both kinds; raises `BadInput`."""
    abusive = int((history.abusive & part).sum())
    honest = int(part.sum()) - abusive
    if min(abusive, honest) < fewest:
        when = " ({} to {})".format(*days(history, part)) if part.any() else ""
        raise BadInput(
            f"the part {name}{when} has {abusive:,} abusive and {honest:,} honest claims; {fewest} of each are needed",
            field="--history, --labels",
        )


def days(history: Labelled, part: Bools) -> tuple[date, date]:
    """The first and the last day of a part."""
    filed = history.filed[part]
    return date.fromordinal(int(filed.min()) + _EPOCH), date.fromordinal(int(filed.max()) + _EPOCH)


def number_of(of: date) -> int:
    """Days since 1970."""
    return of.toordinal() - _EPOCH
