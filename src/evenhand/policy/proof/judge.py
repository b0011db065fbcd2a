"""The last word on every example: the policy's own row function, with what is asked of it compiled in as further formulas."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from evenhand.policy.proof.words import as_row_reads
from evenhand.policy.row import compile_row
from evenhand.policy.tree import Expr, Formula, Model, Output, expressions, names_read
from evenhand.policy.types import Type, Value


class Judge:
    """Decides facts by a model; `questions` are expressions over its facts and outputs, by a name of their own."""

    def __init__(self, model: Model, questions: Mapping[str, Expr]) -> None:
        self._model = model
        self._questions = questions

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The facts that the model or a question reads."""
        asked = [
            name
            for expr in self._questions.values()
            for name in names_read(expr)
            if name in self._model.facts and name not in self._model.outputs
        ]
        return tuple(dict.fromkeys((*self._model.read, *asked)))

    @property
    def kinds(self) -> Mapping[str, Type]:
        return self._model.facts

    @cached_property
    def _row(self) -> Any:
        formulas = tuple(
            Formula(f"question {name}", "", 0, Output(f"question {name}", expr.type), expr, "")
            for name, expr in self._questions.items()
        )
        return compile_row(replace(self._model, steps=(*self._model.steps, *formulas), read=self.names))

    def answer(self, facts: Mapping[str, Value]) -> dict[str, Any]:
        """Answers to the questions, and outputs, by name; values are as held inside."""
        whole = {name: facts.get(name) for name in self.names}
        given = self._row.decide(as_row_reads(self._model.facts, whole))
        return {name.removeprefix("question "): given[place] for name, place in self._row.outputs.items()}

    def rows(self, facts: Mapping[str, Value]) -> dict[str, Any]:
        """Table -> the row or rows that matched."""
        whole = {name: facts.get(name) for name in self.names}
        given = self._row.decide(as_row_reads(self._model.facts, whole))
        return {name: given[place] for name, place in self._row.hits.items()}


def read_by(model: Model) -> dict[str, set[str]]:
    """Which facts each step depends on, through every other step."""
    found: dict[str, set[str]] = {}
    for step in model.steps:
        names = {name for expr in expressions(step) for name in names_read(expr)}
        through = {
            inner for name in names if name in model.outputs for inner in found.get(model.outputs[name][0].name, set())
        }
        found[step.name] = {name for name in names if name not in model.outputs} | through
    return found
