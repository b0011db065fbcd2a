"""`evenhand bench rings`: how well links find abusers planted in rings in the synthetic marketplace, and whom they pass over; and
how well looking at disputes finds gangs planted there that go for the same stores, by how often they do.
"""

from dataclasses import dataclass
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from evenhand.simulation.agreeing import GangsMeasured, measure_gangs
from evenhand.simulation.finding import LinksMeasured, measure_links

# Orders that each member of a gang places at its stores in four weeks: none, at half of them, at each, twice at each.
STRENGTHS: Final = (0, 2, 4, 8)
_chatter: Final = Console(stderr=True, highlight=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the answer."""

    name: str
    there: int
    found: int


def run(*, orders: int, seeds: int, as_json: bool) -> None:
    """Measure over some marketplaces and print the sums."""
    measured: list[LinksMeasured] = []
    looked: dict[int, list[GangsMeasured]] = {aimed: [] for aimed in STRENGTHS}
    for seed in range(1, seeds + 1):
        with _chatter.status(f"Synthetic marketplace {seed} of {seeds}: links") as status:
            measured.append(measure_links(orders, seed))
            for aimed in STRENGTHS:
                status.update(f"Synthetic marketplace {seed} of {seeds}: disputes, {aimed} orders by agreement")
                looked[aimed].append(measure_gangs(orders, seed, aimed))
    gangs = [_summed(each) for each in looked.values()]
    total = {
        name: sum(getattr(one, name) for one in measured)
        for name in LinksMeasured.__struct_fields__
        if name not in ("orders", "seed")
    }
    whole = LinksMeasured(orders, seeds, **total)
    shares = {
        "recall": round(whole.recall, 3),
        "precision": round(whole.precision, 3),
        "precision_of_large_rings": round(whole.precision_of_large_rings, 3),
    }
    if as_json:
        print(msgspec.json.encode({"orders": orders, "seeds": seeds, **total, **shares, "gangs": gangs}).decode())  # noqa: T201
        return
    console = Console(highlight=False)
    console.print(f"{seeds} synthetic marketplaces of {orders:,} orders, {whole.buyers:,} buyers", markup=False)
    table = Table(box=None, pad_edge=False)
    for column in ("", "there", "found", "share"):
        table.add_column(column, justify="right" if column else "left")
    for row in (
        Row("rings of abusers, found whole", whole.rings, whole.rings_found),
        Row("pairs in one ring, linked (recall)", whole.ring_pairs, whole.ring_pairs_found),
        Row("linked pairs, of one ring or household (precision)", whole.linked_pairs, whole.together),
        Row("buyers in rings of three and more, who abuse", whole.in_large_rings, whole.abusive_in_large_rings),
        Row("pairs at one hub, linked by it", whole.hub_pairs, whole.hub_pairs_linked),
    ):
        table.add_row(row.name, f"{row.there:,}", f"{row.found:,}", _share(row.found, row.there))
    console.print(table)
    console.print(
        "\nDisputes of 90 days in a market: gangs that go for four stores within four weeks, and who is in findings",
        markup=False,
    )
    disputes = Table(box=None, pad_edge=False)
    for column in ("orders by agreement", "gangs", "found", "share", "findings", "buyers", "of gangs", "abusive"):
        disputes.add_column(column, justify="right")
    for one in gangs:
        disputes.add_row(
            f"{one.aimed}",
            f"{one.gangs:,}",
            f"{one.gangs_found:,}",
            _share(one.gangs_found, one.gangs),
            f"{one.findings:,}",
            f"{one.buyers:,}",
            _share(one.in_gangs, one.buyers),
            _share(one.abusive, one.buyers),
        )
    console.print(disputes)


def _summed(each: list[GangsMeasured]) -> GangsMeasured:
    fields = [name for name in GangsMeasured.__struct_fields__ if name != "aimed"]
    return GangsMeasured(each[0].aimed, *(sum(getattr(one, name) for one in each) for name in fields))


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else ""
