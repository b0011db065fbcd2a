"""`evenhand bench abuse`: what scoring a claim costs by a learned card.

A card is learned from the synthetic marketplace in a database (`evenhand demo` makes it) and timed on its claims: by the
lookups of the live path, by the document that says the same, and with the reasons for a person.
"""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import msgspec
from rich.console import Console

from evenhand.accounts.abuse.card import Card, Costs, Scorer, reasons
from evenhand.accounts.abuse.document import document
from evenhand.accounts.abuse.fitting import fit
from evenhand.accounts.abuse.labelled import Labelled
from evenhand.accounts.abuse.rulings import read_rulings
from evenhand.accounts.abuse.splitting import split
from evenhand.bench.machine import machine
from evenhand.policy import Policy
from evenhand.simulation.truth import synthetic_truth
from evenhand.store import open_database
from evenhand.vocabulary import FACTS

_CLAIMS: Final = 2_000
_ROUNDS: Final = 15

Facts = dict[str, dict[str, Any]]


def run(*, data: Path | None, database: str | None, as_json: bool) -> None:
    """Measure, print the figures and the machine."""
    history = asyncio.run(_history(data, database))
    card = fit(history, split(history), Costs(10, 1), 0.05, 0.05)
    scorer, policy = Scorer(card), Policy.parse(document(card))
    claims = [_facts(card, history, place) for place in range(min(_CLAIMS, len(history)))]
    documented = policy.picker("abuse.score", "abuse.uncertain")
    figures = {
        "lookups": _microseconds(scorer.score, claims),
        "document": _microseconds(documented, claims),
        "reasons": _microseconds(lambda facts: reasons(card, facts), claims),
    }
    if as_json:
        said = {"machine": machine(), "facts": len(card.parts), "microseconds": figures}
        print(msgspec.json.encode(said).decode())  # noqa: T201
        return
    console = Console(highlight=False)
    console.print(f"Scoring one claim by a card of {len(card.parts)} facts, microseconds (synthetic claims, medians):")
    for name, figure in figures.items():
        console.print(f"  {name:10} {figure:7.2f}")
    console.print(machine())


async def _history(data: Path | None, database: str | None) -> Labelled:
    async with open_database(database, data) as store, store.pool.acquire() as connection:
        truth = await synthetic_truth(connection)
        assert truth is not None, "the marketplace was made here a moment ago"
        return await read_rulings(connection, None, truth, "the synthetic marketplace")


def _facts(card: Card, history: Labelled, place: int) -> Facts:
    """A claim's facts as the live path gives them to a card."""
    facts: Facts = {"abuse": {}}
    for part in card.numbers:
        value, scale = history.numbers[part.fact][place], FACTS[part.fact].scale
        known = value == value  # noqa: PLR0124
        exact = Decimal(f"{value:.{scale}f}") if scale and known else int(value) if known else None
        _put(facts, part.fact, exact)
    for part in card.choices:
        word = str(history.choices[part.fact][place]) or None
        _put(facts, part.fact, word == "true" if word in ("true", "false") else word)
    return facts


def _put(facts: Facts, name: str, value: Any) -> None:
    group, _, leaf = name.partition(".")
    facts.setdefault(group, {})[leaf] = value


def _microseconds(work: Callable[[Facts], object], claims: list[Facts]) -> float:
    """The median over rounds, of one claim."""
    took: list[float] = []
    for _ in range(_ROUNDS):
        begun = perf_counter()
        for facts in claims:
            work(facts)
        took.append(1e6 * (perf_counter() - begun) / len(claims))
    return sorted(took)[_ROUNDS // 2]
