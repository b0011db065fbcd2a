"""The row compiler: a model becomes the source of one Python function that decides one set of facts.

    decide(facts) -> (values of the ruling's parts ..., for every step: rows that matched, values of its outputs ...)

`facts` are nested and already of the right types (`values.nested`). Inside, values are held as `types.py` says. Source is
written so that a person can follow it: a comment names the table, and every row is one `if`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evenhand.policy.nulls import never_null
from evenhand.policy.row_helpers import HELPERS
from evenhand.policy.row_source import PythonSource
from evenhand.policy.sides import disjoint
from evenhand.policy.tree import (
    Expr,
    Formula,
    Model,
    Rule,
    Step,
    Table,
)

Decide = Callable[[Mapping[str, Any]], tuple[Any, ...]]
# what a step gives: "hit" or "output", its name, and the local variable that holds it
Given = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """A compiled row function."""

    source: str
    decide: Decide
    # the values of the outputs in an answer
    by_name: Callable[[tuple[Any, ...]], dict[str, Any]]
    # where in the answer a part of the ruling, a step's matched rows, or an output's value stands
    parts: Mapping[str, int]
    hits: Mapping[str, int]
    outputs: Mapping[str, int]


def compile_row(model: Model) -> Row:
    """Write and compile the row function of a model."""
    return RowWriter(model).write()


class RowWriter(PythonSource):
    """Writes a model's steps, one after another."""

    # whether it is asked which rows of a table that collects have matched
    _rows_asked = True

    def write(self) -> Row:
        """The whole function."""
        model = self._model
        self._read_all(model.read)
        answers: list[str] = []
        hits: dict[str, int] = {}
        outputs: dict[str, int] = {}
        step_answers = [given for step in model.steps for given in self._step(step)]
        self._line()
        parts: dict[str, int] = {}
        self._written = {}
        for name, expr in model.ruling.items():
            parts[name] = len(answers)
            answers.append(self._atom(expr))
        for kind, name, local in step_answers:
            (hits if kind == "hit" else outputs)[name] = len(answers)
            answers.append(local)
        self._line(f"return ({', '.join(answers)},)")
        head = [
            f"# {_comment(model.name)} {_comment(model.version)}: {_comment(model.title)}",
            *(f"{name} = {value!r}" for name, value in self._constants.items()),
            "",
            "",
            "def decide(facts):",
        ]
        named = ", ".join(f"{name!r}: answer[{place}]" for name, place in outputs.items())
        tail = ["", "", "def by_name(answer):", f"    return {{{named}}}"]
        source = "\n".join([*head, *self._lines, *tail]) + "\n"
        space: dict[str, Any] = dict(HELPERS)
        # the source holds nothing of the document but literals written by repr() and comments without line breaks
        exec(compile(source, f"<{model.name} {model.version}>", "exec"), space)  # noqa: S102
        return Row(source, space["decide"], space["by_name"], parts, hits, outputs)

    def _step(self, step: Step) -> list[Given]:
        """Write a table or a formula; returns what it gives."""
        if isinstance(step, Formula):
            self._line()
            self._line(f"# {_comment(step.name)} = {_comment(step.text)}")
            value = self._value(step.value)
            self._line(f"{self._local(step.name)} = {value}")
            given: list[Given] = [("output", step.name, self._locals[step.name])]
        else:
            given = [("hit", step.name, self._table(step))]
            given += [("output", one.name, self._locals[one.name]) for one in step.outputs]
        self._sure |= never_null(step, self._sure)
        return given

    # facts

    def _read_all(self, names: Sequence[str]) -> None:
        for group in dict.fromkeys(name.split(".")[0] for name in names if "." in name):
            self._groups[group] = self._fresh(f"{group}_facts")
            self._line(f"{self._groups[group]} = facts[{group!r}]")
        for name in names:
            self._read(name)

    def _read(self, name: str) -> None:
        """Bind a fact to its local variable, in the representation inside."""
        group, *parts = name.split(".")
        start = self._groups[group] if parts else f"facts[{group!r}]"
        place = start + "".join(f"[{part!r}]" for part in parts)
        local = self._local(name)
        kind = self._model.facts[name]
        self._line(f"{local} = {place}")
        inside = {
            "date": f"{local}.toordinal() - 719163",
            "datetime": f"seconds({local})",
            "number": f"scaled_{kind.scale}({local})" if kind.scale else "",
        }.get(kind.kind, "")
        if inside:
            self._line(f"if {local} is not None:")
            self._line(f"    {local} = {inside}")

    # tables

    def _table(self, table: Table) -> str:
        """Write a table; returns the local variable that holds the matched row or rows."""
        self._line()
        self._line(f"# {_comment(table.name)} ({table.hit})")
        hit = self._fresh(f"{table.name}_row")
        outputs = [self._local(output.name) for output in table.outputs]
        if table.hit in ("F", "P") or (table.hit == "U" and disjoint(table.rules)):
            self._first(table, hit, outputs)
        elif table.hit == "U":
            self._unique(table, hit, outputs)
        elif table.hit == "A":
            self._any(table, hit, outputs)
        else:
            self._collect(table, hit, outputs)
        return hit

    def _condition(self, rule: Rule) -> str:
        parts = [part for test in rule.tests if test is not None and (part := self._true(test)) != "True"]
        return " and ".join(f"({part})" if " or " in part and len(parts) > 1 else part for part in parts)

    def _assign(self, names: list[str], values: tuple[Expr, ...]) -> None:
        for name, value in zip(names, values, strict=True):
            self._line(f"{name} = {self._value(value)}")

    def _nothing(self, hit: str, outputs: list[str]) -> None:
        self._line(f"{hit} = 0")
        if outputs:
            self._line(f"{' = '.join(outputs)} = None")

    def _first(self, table: Table, hit: str, outputs: list[str]) -> None:
        self._line("while True:")
        self._depth += 1
        for rule in table.rules:
            condition = self._condition(rule)
            if condition:
                self._line(f"if {condition}:")
                self._depth += 1
            self._line(f"{hit} = {rule.number}")
            self._assign(outputs, rule.outputs)
            self._line("break")
            if not condition:
                break  # nothing below it is ever reached
            self._depth -= 1
        else:
            self._nothing(hit, outputs)
            self._line("break")
        self._depth -= 1

    def _unique(self, table: Table, hit: str, outputs: list[str]) -> None:
        """Count the matches; more than one is none."""
        self._line(f"{hit} = matches = 0")
        for rule in table.rules:
            condition = self._condition(rule)
            self._line(f"if {condition or 'True'}:")
            self._line(f"    {hit} = {rule.number}")
            self._line("    matches += 1")
        self._line("if matches != 1:")
        self._line(f"    {hit} = 0")
        self._by_number(table, hit, outputs)

    def _by_number(self, table: Table, hit: str, outputs: list[str]) -> None:
        self._line("while True:")
        self._depth += 1
        for rule in table.rules:
            self._line(f"if {hit} == {rule.number}:")
            self._depth += 1
            self._assign(outputs, rule.outputs)
            self._line("break")
            self._depth -= 1
        if outputs:
            self._line(f"{' = '.join(outputs)} = None")
        self._line("break")
        self._depth -= 1

    def _any(self, table: Table, hit: str, outputs: list[str]) -> None:
        """Every match must say the same; the first one names the row."""
        self._line(f"{hit} = 0")
        self._line("said = None")
        self._line("clash = False")
        for rule in table.rules:
            condition = self._condition(rule)
            self._line(f"if {condition or 'True'}:")
            self._depth += 1
            values = ", ".join(self._value(value) for value in rule.outputs)
            self._line(f"row = ({values},)")
            self._line(f"if {hit} == 0:")
            self._line(f"    {hit} = {rule.number}")
            self._line("    said = row")
            self._line("elif row != said:")
            self._line("    clash = True")
            self._depth -= 1
        self._line(f"if clash or {hit} == 0:")
        self._depth += 1
        self._nothing(hit, outputs)
        self._depth -= 1
        if outputs:
            self._line("else:")
            self._line(f"    {', '.join(outputs)}{',' if len(outputs) == 1 else ''} = said")

    def _collect(self, table: Table, hit: str, outputs: list[str]) -> None:
        # a sum that always has a first row, and whose rows nobody asks for, is added up as it goes
        adds = table.hit == "C+" and not self._rows_asked and len(never_null(table, self._sure)) == len(outputs)
        if not adds:
            self._line(f"{hit} = []")
        for output in outputs:
            self._line(f"{output} = {0 if adds else []}")
        for rule in table.rules:
            condition = self._condition(rule)
            if condition:
                self._line(f"if {condition}:")
                self._depth += 1
            if not adds:
                self._line(f"{hit}.append({rule.number})")
            for output, value in zip(outputs, rule.outputs, strict=True):
                written = self._value(value)
                self._line(f"{output} += {written}" if adds else f"{output}.append({written})")
            if condition:
                self._depth -= 1
        if adds:
            return
        figure = {"C+": "total({})", "C<": "least({})", "C>": "most({})", "C#": "len({})"}.get(table.hit)
        if figure:
            for place, output in enumerate(outputs):
                known = not any(self._nullable(rule.outputs[place]) for rule in table.rules)
                quick = "sum({0}) if {0} else None" if table.hit == "C+" and known else figure
                self._line(f"{output} = {quick.format(output)}")


def _comment(text: str) -> str:
    """Text that cannot leave its comment."""
    return re.sub(r"[^\x20-\x7e\u00a0-\uffff]", " ", re.sub(r"[\u2028\u2029\ufeff]", " ", text))[:120]
