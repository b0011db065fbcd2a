"""A model as named columns in layers, so that nothing is computed twice.

Layer 0 brings the facts into the representation inside (`types.py`). A table becomes the number of the row that decides, from
its conditions or by lookups (`lookups.py`), then one value per output, picked by that number. A figure over several matching
rows is a sum (or the like) of one CASE per row. An expression that is read more than once becomes a column of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlglot import exp

from evenhand.errors import BadInput
from evenhand.policy.columns import sql
from evenhand.policy.columns.dialects import Dialect
from evenhand.policy.columns.layers import Layers
from evenhand.policy.columns.lookups import Lookups
from evenhand.policy.columns.sql import Sql
from evenhand.policy.nulls import never_null
from evenhand.policy.ruling_parts import RULING_TYPES
from evenhand.policy.sides import disjoint
from evenhand.policy.tree import (
    Const,
    Expr,
    Formula,
    Model,
    Output,
    Table,
    expressions,
)
from evenhand.policy.types import TEXT

_RULING: Final = (*RULING_TYPES, "rule")


@dataclass(frozen=True, slots=True)
class Plan:
    """Layers of named columns, and what comes out of the last one."""

    layers: Layers
    # name, value in the type in which it comes out
    items: list[tuple[str, Sql]]


def plan(model: Model, dialect: Dialect) -> Plan:
    """Lay out a model for a dialect."""
    return _Planner(model, dialect).plan()


class _Planner(Lookups):
    def __init__(self, model: Model, dialect: Dialect) -> None:
        super().__init__(model, dialect)
        # column of the deciding row's number, by table
        self._rows: dict[str, str] = {}

    def plan(self) -> Plan:
        model = self._model
        self._gather(model)
        for step in model.steps:
            for expr in expressions(step):
                self._count(expr)
        for expr in model.ruling.values():
            self._count(expr)
        for name in model.read:
            kind = model.facts[name]
            self._names[name] = self._layers.bind(name, self._dialect.inward(kind, sql.column(name)), 0)
            if self._asked[name] > len(kind.values) > 0 and not self._dialect.vectors:
                self._codes[name] = self._layers.bind(f"{name} code", self._code(kind, sql.column(name)), 0)
        for step in model.steps:
            if isinstance(step, Formula):
                self._names[step.name] = self._layers.bind(step.name, self._typed(step.value))
            else:
                self._table(step)
            self._sure |= never_null(step, self._sure)
        items: dict[str, tuple[str, Sql]] = {}
        for name, value in self._items():
            before, _ = items.setdefault(name.lower(), (name, value))
            # the ruling's parts come first: an output of the same name is what they were made of
            if before != name and before not in _RULING:
                raise BadInput(f"SQL does not tell the outputs {before} and {name} apart", field=name)
        return Plan(self._layers, list(items.values()))

    def _items(self) -> Iterator[tuple[str, Sql]]:
        """What comes out: the parts of the ruling with the deciding row, then the outputs of every step."""
        model = self._model
        for name, expr in model.ruling.items():
            yield (
                name,
                self._dialect.outward(
                    expr.type, self._atom(expr) if not isinstance(expr, Const) else self._typed(expr)
                ),
            )
        if model.deciding is not None:
            # the row after the last stands for none
            numbers = [*range(1, len(model.deciding.rules) + 1), 0]
            rules = [sql.text(f"{model.deciding.name}/{number}") for number in numbers]
            yield "rule", self._dialect.pick(rules, sql.stepped(self._rows[model.deciding.name]), TEXT)
        elif model.ruling:
            yield "rule", sql.text("formula/1")
        for step in model.steps:
            for output in step.outputs if isinstance(step, Table) else (step.output,):
                if output.type.many:
                    assert isinstance(step, Table)
                    yield output.name, self._listed(step, output)
                else:
                    yield output.name, self._dialect.outward(output.type, sql.stepped(self._names[output.name]))

    def _table(self, table: Table) -> None:
        if table.hit in ("R", "O", "C"):
            return  # read through `_matches`
        if table.hit in ("C+", "C<", "C>", "C#"):
            for place, output in enumerate(table.outputs):
                figure = {"C+": "sum", "C<": "min", "C>": "max", "C#": "count"}[table.hit]
                self._names[output.name] = self._layers.bind(output.name, self._figure(table, place, figure))
            return
        row = self._layers.bind("row", self._deciding(table))
        if table.hit == "A":
            row = self._layers.bind("row", self._agreed(table, row))
        self._rows[table.name] = row
        for place, output in enumerate(table.outputs):
            self._names[output.name] = self._layers.bind(output.name, self._picked(table, place, row))
            if all(isinstance(rule.outputs[place], Const) for rule in table.rules):
                self._by_row[output.name] = row

    def _deciding(self, table: Table) -> Sql:
        """Number of the first row that matches, one beyond the last for none; so also of U when several match."""
        if self._dialect.vectors and (found := self._looked_up(table)) is not None:
            return found
        none = sql.number(len(table.rules) + 1)
        matches = [(condition, sql.number(rule.number)) for rule, condition in self._matches(table)]
        first = _chosen(matches, none)
        if table.hit != "U" or disjoint(table.rules):
            return first
        last = _chosen([(one.copy(), number.copy()) for one, number in reversed(matches)], none.copy())
        first, last = sql.stepped(self._layers.bind("first", first)), sql.stepped(self._layers.bind("last", last))
        return sql.case([(sql.binary(exp.EQ, first, last), first.copy())], none.copy())

    def _agreed(self, table: Table, first: str) -> Sql:
        """The first row that matches, none when another one that matches gives something else."""
        said = [
            sql.stepped(self._layers.bind("said", self._picked(table, place, first)))
            for place in range(len(table.outputs))
        ]
        clashes = [
            sql.every(
                [
                    condition,
                    sql.some(
                        [
                            sql.binary(exp.NullSafeNEQ, self._value(value), one.copy())
                            for value, one in zip(rule.outputs, said, strict=True)
                        ]
                    ),
                ]
            )
            for rule, condition in self._matches(table)
        ]
        return sql.case([(sql.some(clashes), sql.number(len(table.rules) + 1))], sql.stepped(first))

    def _picked(self, table: Table, place: int, row: str) -> Sql:
        """An output's value by the number of the row that decides."""
        kind = table.outputs[place].type
        rules = sorted(table.rules, key=lambda rule: rule.number)
        values = [rule.outputs[place] for rule in rules]
        calculated: dict[Expr, list[int]] = {}
        for rule, value in zip(rules, values, strict=True):
            if not isinstance(value, Const):
                calculated.setdefault(value, []).append(rule.number)
        written = [
            (self._dialect.numbered(sql.stepped(row), numbers, len(values)), self._typed(value))
            for value, numbers in calculated.items()
        ]
        constants = [value.value if isinstance(value, Const) else None for value in values]
        if all(value is None for value in constants):
            return sql.case(written, sql.typed(None, kind)) if written else sql.typed(None, kind)
        picked = self._dialect.pick([sql.literal(value) for value in constants], sql.stepped(row), kind)
        return sql.case(written, picked) if written else picked

    def _listed(self, table: Table, output: Output) -> Sql:
        """The values of the rows that match, in order, as an array."""
        kind = replace(output.type, many=False)
        place = table.outputs.index(output)
        array = f"array<{sql.outer(kind)}>"
        empty = sql.cast(exp.Array(expressions=[]), array)
        parts: list[Sql] = []
        for rule, condition in self._matches(table):
            value = self._dialect.outward(kind, self._typed(rule.outputs[place]))
            parts.append(sql.case([(condition, sql.cast(exp.Array(expressions=[value]), array))], empty.copy()))
        return self._dialect.append(parts)


def _chosen(matches: Sequence[tuple[Sql, Sql]], none: Sql) -> Sql:
    """The value of the first condition that is true, else `none`."""
    always = next((place for place, (one, _) in enumerate(matches) if sql.is_boolean(one, True)), len(matches))
    otherwise = matches[always][1] if always < len(matches) else none
    return sql.case(matches[:always], otherwise) if always else otherwise
