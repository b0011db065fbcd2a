"""Small random tables whose every cell is known as a set of values, so that the truth can be had by trying everything."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

from evenhand.policy import Policy

Cell = frozenset[object]
LEVEL: tuple[object, ...] = (0, 1, 2, 3, 4, None)
COLOUR: tuple[object, ...] = ("red", "green", "blue", None)
FLAG: tuple[object, ...] = (False, True, None)
OUTPUTS = ("decline", "merchant_decides", "negotiate", "subsidise")
FACTS = """
## Facts
| fact    | type           | values                 |
|---------|----------------|------------------------|
| s.level | integer        | [0..4]                 |
| s.hue   | ordered choice | "red", "green", "blue" |
| s.flag  | boolean        | -                      |
"""
NAMES = ("s.level", "s.hue", "s.flag")
DOMAINS = (LEVEL, COLOUR, FLAG)


@dataclass(frozen=True)
class Drawn:
    """A table: each row its cells as sets, and what it says."""

    hit: str
    rows: tuple[tuple[tuple[Cell, ...], str], ...]

    def matching(self, point: Sequence[object]) -> list[int]:
        """Numbers of the rows that match."""
        return [
            number
            for number, (cells, _) in enumerate(self.rows, start=1)
            if all(value in cell for value, cell in zip(point, cells, strict=True))
        ]

    def source(self, more: str = "") -> str:
        lines = [f"| {self.hit} | {' | '.join(NAMES)} | → outcome |", "|---|---|---|---|---|"]
        for number, (cells, says) in enumerate(self.rows, start=1):
            written = [_written(cell, domain) for cell, domain in zip(cells, DOMAINS, strict=True)]
            lines.append(f"| {number} | {' | '.join(written)} | {says} |")
        table = "\n".join(lines)
        return (
            f"---\npolicy: drawn\nversion: 1\neffective: 2025-01-01\n---\n# Drawn\n{FACTS}\n## Ruling\n{table}\n{more}"
        )

    def policy(self, more: str = "") -> Policy:
        return Policy.parse(self.source(more), "drawn.md")


def points() -> Iterator[tuple[object, ...]]:
    return product(*DOMAINS)


def nested(point: Sequence[object]) -> dict[str, dict[str, object]]:
    return {"s": {name.removeprefix("s."): value for name, value in zip(NAMES, point, strict=True)}}


def point_of(facts: object) -> tuple[object, ...]:
    inner = facts.get("s", {}) if isinstance(facts, dict) else {}
    return tuple(inner.get(name.removeprefix("s.")) for name in NAMES)


def drawn(rng: Random, hit: str, most: int = 6) -> Drawn:
    rows = tuple(
        (tuple(_cell(rng, domain) for domain in DOMAINS), rng.choice(OUTPUTS[:3])) for _ in range(rng.randint(1, most))
    )
    return Drawn(hit, rows)


def _cell(rng: Random, domain: tuple[object, ...]) -> Cell:
    if rng.random() < 0.35:
        return frozenset(domain)
    if domain is LEVEL and rng.random() < 0.5:
        low = rng.randint(0, 4)
        return frozenset(range(low, rng.randint(low, 4) + 1))
    return frozenset(rng.sample(domain, rng.randint(1, len(domain) - 1)))


def _written(cell: Cell, domain: tuple[object, ...]) -> str:
    if cell == frozenset(domain):
        return "-"
    return ", ".join(_literal(value) for value in domain if value in cell)


def _literal(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case _:
            return str(value)
