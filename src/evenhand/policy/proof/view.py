"""One policy over a grid: every output, and the row of each table that fired, in every cell at once."""

import numpy as np

from evenhand.policy.proof.grid import Array, Grid, Term
from evenhand.policy.proof.interpret import gathered
from evenhand.policy.tree import Arith, Const, Expr, Formula, Model, Table
from evenhand.policy.types import Type


class View:
    """One policy over a grid: the array of every output, and of the row that decided each table of one result."""

    def __init__(self, grid: Grid, model: Model) -> None:
        self.grid = grid
        self.model = model
        self.stamp = grid.stamp
        self.outputs: dict[str, Array] = {}
        # table -> number of the row that fired, 0 where none did; of tables of one result only
        self.rows: dict[str, Array] = {}
        for step in model.steps:
            grid.deadline.keep()
            if isinstance(step, Formula):
                self.outputs[step.name] = grid.values(step.value, self.outputs)
            else:
                self._table(step)

    def part(self, name: str) -> Array:
        """A part of the ruling."""
        return self.grid.values(self.model.ruling[name], self.outputs)

    def _matches(self, table: Table) -> list[Array]:
        grid = self.grid
        found: list[Array] = []
        for rule in table.rules:
            match = np.ones((1,) * len(grid.names), np.bool_)
            for test in rule.tests:
                if test is not None:
                    match = grid.both(match, grid.truth(test, self.outputs) == 1)
            found.append(match)
        return found

    def _table(self, table: Table) -> None:
        grid = self.grid
        matches = self._matches(table)
        columns = [
            [grid.values(rule.outputs[place], self.outputs) for rule in table.rules]
            for place in range(len(table.outputs))
        ]
        if table.hit not in ("U", "A", "P", "F"):
            for output, values in zip(table.outputs, columns, strict=True):
                self.outputs[output.name] = self._collected(table, matches, values, output.type)
            return
        nothing = np.full((1,) * len(grid.names), grid.null, np.int32)
        rows: Array = np.zeros((1,) * len(grid.names), np.int32)
        found = [nothing] * len(columns)
        count: Array = np.zeros((1,) * len(grid.names), np.int16)
        for place in range(len(matches) - 1, -1, -1):
            match = matches[place]
            rows = grid.where(match, table.rules[place].number, rows)
            found = [grid.where(match, values[place], one) for values, one in zip(columns, found, strict=True)]
            if table.hit == "U":
                count = count + match
        if table.hit == "U":
            blocked: Array = count > 1
        elif table.hit == "A":
            blocked = self._clash(matches, columns, found)
        else:
            blocked = np.zeros((1,) * len(grid.names), np.bool_)
        self.rows[table.name] = grid.where(blocked, 0, rows)
        for output, one in zip(table.outputs, found, strict=True):
            self.outputs[output.name] = grid.where(blocked, nothing, one)

    def _clash(self, matches: list[Array], columns: list[list[Array]], firsts: list[Array]) -> Array:
        """Where a row of a table with hit policy A says something else than the first that matches."""
        grid = self.grid
        clash: Array = np.zeros((1,) * len(grid.names), np.bool_)
        for values, first in zip(columns, firsts, strict=True):
            for match, value in zip(matches, values, strict=True):
                grid.where(match, value, first)  # for its size
                different = match & (value != first)
                for number in np.unique(np.where(different, value, grid.null)).tolist():
                    grid.constant(number)
                for number in np.unique(np.where(different, first, grid.null)).tolist():
                    grid.constant(number)
                clash = clash | different
        return clash

    def _collected(self, table: Table, matches: list[Array], values: list[Array], kind: Type) -> Array:
        grid = self.grid
        lists: Array = np.full((1,) * len(grid.names), grid.number(()), np.int32)
        for match, value in zip(matches, values, strict=True):
            numbers = np.unique(value)
            for number in numbers.tolist():
                longer = grid.mapped(lists, lambda term, n=number: grid.number((*_list(term), n)))
                lists = grid.where(match if len(numbers) == 1 else match & (value == number), longer, lists)
        figure = {"C+": "sum", "C<": "min", "C>": "max", "C#": "count"}.get(table.hit)
        if figure is None:
            return lists

        def figured(term: Term) -> int:
            content = [grid.terms[one] for one in _list(term)]
            if (
                figure == "sum"
                and content
                and all(
                    (isinstance(one, Const) and one.value is not None) or not isinstance(one, Const | tuple)
                    for one in content
                )
            ):
                total: Expr = Const(kind, 0)
                for one in content:
                    assert not isinstance(one, tuple)
                    total = grid.folded(Arith(kind, "+", total, one))
                return grid.number(total)
            return grid.number(Const(kind, gathered(figure, [grid.constant(one) for one in _list(term)])))

        return grid.mapped(lists, figured)


def _list(term: Term) -> tuple[int, ...]:
    assert isinstance(term, tuple)
    return term
