"""`evenhand bench rings`: how well links find abusers planted in rings in the synthetic marketplace, and whom they pass over."""

from dataclasses import dataclass
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from evenhand.simulation.finding import LinksMeasured, measure_links

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
    for seed in range(1, seeds + 1):
        with _chatter.status(f"Synthetic marketplace {seed} of {seeds}"):
            measured.append(measure_links(orders, seed))
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
        print(msgspec.json.encode({"orders": orders, "seeds": seeds, **total, **shares}).decode())  # noqa: T201
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
        share = f"{row.found / row.there:.3f}" if row.there else ""
        table.add_row(row.name, f"{row.there:,}", f"{row.found:,}", share)
    console.print(table)
