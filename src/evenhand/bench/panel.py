"""`evenhand bench panel`: votes a panel needs and how often it is right, counted to a majority or weighed until it is sure.

Synthetic jurors, each with two coins of its own, vote on synthetic cases whose truth is known to the simulation only. Their coins
are learned from past panels, a tenth of which were decided again on appeal. Then both rules are given the same votes in the same
order.
"""

from typing import Final, NamedTuple

import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

from evenhand.cases.jury import Coins, learn, verdict

JURORS: Final = 400
PAST: Final = 3_000
CASES: Final = 4_000
SEATS: Final = 17
MAJORITY: Final = 9
ANCHORED: Final = 0.1


class Rule(NamedTuple):
    """How one rule did."""

    name: str
    votes: float
    right: float


def simulate(seed: int, sure: float, *, jurors: int = JURORS, past: int = PAST, cases: int = CASES) -> list[Rule]:
    """Mean votes and share of right verdicts of first-to-9 and of weighed votes, on the same cases."""
    chance = np.random.default_rng(seed)
    # right in 63 of 100 cases on the whole, some hardly better than chance, some nearly always
    sensitivity = chance.beta(4.4, 2.6, jurors)
    specificity = chance.beta(4.4, 2.6, jurors)

    def votes(truth: bool, seats: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> "list[bool]":
        lucky = chance.random(len(seats))
        return list(lucky < sensitivity[seats]) if truth else list(lucky >= specificity[seats])

    case, juror, found, known = [], [], [], {}
    for number in range(past):
        truth = bool(chance.random() < 0.5)
        seats = chance.choice(jurors, SEATS, replace=False)
        case += [number] * SEATS
        juror += list(seats)
        found += votes(truth, seats)
        if chance.random() < ANCHORED:
            known[number] = truth
    learned = learn(np.array(case), np.array(juror), np.array(found, np.bool_), known)
    coins = [Coins(float(a), float(b)) for a, b in zip(learned.sensitivity, learned.specificity, strict=True)]

    tally = {"first to 9": [0, 0], "weighed": [0, 0]}
    for _ in range(cases):
        truth = bool(chance.random() < 0.5)
        seats = chance.choice(jurors, SEATS, replace=False)
        cast = [(coins[seat], bool(one)) for seat, one in zip(seats, votes(truth, seats), strict=True)]
        for name, threshold in (("first to 9", None), ("weighed", sure)):
            for count in range(1, SEATS + 1):
                won = verdict(cast[:count], MAJORITY, threshold, learned.prevalence)
                if won is not None:
                    tally[name][0] += count
                    tally[name][1] += won == truth
                    break
    return [Rule(name, used / cases, right / cases) for name, (used, right) in tally.items()]


def run(*, seed: int, sure: float, as_json: bool) -> None:
    """Print both rules side by side."""
    rules = simulate(seed, sure)
    if as_json:
        print(msgspec.json.encode({one.name: {"votes": one.votes, "right": one.right} for one in rules}).decode())  # noqa: T201
        return
    table = Table(box=None, pad_edge=False)
    for column in ("", "votes", "right"):
        table.add_column(column, justify="left" if not column else "right")
    for one in rules:
        table.add_row(one.name, f"{one.votes:.1f}", f"{one.right:.3f}")
    console = Console(highlight=False)
    console.print(f"{CASES:,} synthetic cases, {SEATS} synthetic jurors each")
    console.print(table)
