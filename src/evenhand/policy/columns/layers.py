"""Layers of named columns: each reads only those below it."""

from collections.abc import Iterator
from typing import Final

from sqlglot import exp

from evenhand.policy.columns import sql
from evenhand.policy.columns.sql import Sql

# PostgreSQL cuts names after 63 bytes
_LONGEST: Final = 60


def read_by(value: Sql) -> Iterator[str]:
    """Names of the columns of lower layers that a value reads, with repeats."""
    return (one.name for one in value.find_all(exp.Column) if one.table == sql.STEP)


class Layers(list[dict[str, Sql]]):
    """The columns of each layer by name. Layer 0 reads the table of facts."""

    def __init__(self) -> None:
        super().__init__([{}])
        # layer of each column
        self._layer: dict[str, int] = {}
        self._taken: set[str] = set()

    def bind(self, name: str, value: Sql, layer: int | None = None) -> str:
        """Give a value a column, in the lowest layer it can be in unless told; returns its name, like the one wished for."""
        fresh, number = name, 1
        while fresh.lower() in self._taken or len(fresh.encode()) > _LONGEST:
            number += 1
            fresh = f"{name[:12]}_{number}"
        self._taken.add(fresh.lower())
        if layer is None:
            layer = 1 + max((self._layer[one] for one in read_by(value)), default=0)
        while len(self) <= layer:
            self.append({})
        self[layer][fresh] = value
        self._layer[fresh] = layer
        return fresh
