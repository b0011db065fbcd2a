"""Why a case was ruled so: the tables that fired, with this case's values, cell by cell.

Which cells of a row hold is asked of the policy's own compiler: every test of every row becomes a formula beside the document's
tables, and the row function of that larger model answers them all for the facts of the case.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, Literal

from evenhand.policy import Policy, Ruling
from evenhand.policy.row import Row, compile_row
from evenhand.policy.tree import Formula, Output, Table, names_read
from evenhand.policy.values import nested
from evenhand.policy.wording import Said, Wording, wording_of
from evenhand.vocabulary import FACTS, Lang

Kind = Literal["number", "test", "any", "output", "note"]
_ANY: Final = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """A column's head: as the document writes it and in words; for an input, the fact it reads and its value in this case."""

    text: str
    kind: Kind
    said: str = ""
    fact: str = ""
    value: Any = None
    known: bool = False


@dataclass(frozen=True, slots=True)
class Square:
    """A cell as the document writes it, or in words; `holds` says whether a test is met in this case."""

    text: str
    kind: Kind
    holds: bool | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A row; `lit` when it matched and gave the table's answer."""

    number: int
    squares: Sequence[Square]
    lit: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A decision table in the light of one case."""

    # in the reader's language
    name: str
    # DMN's letter
    hit: str
    columns: Sequence[Column]
    lines: Sequence[Line]
    # what came out, by name, in the reader's language
    outputs: dict[str, Any]
    deciding: bool
    # of the deciding table, the outcome its row names, as the machine calls it; None where that is computed elsewhere
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Computed:
    """A formula beside the tables, with its value in this case."""

    name: str
    text: str
    value: Any


def explain(policy: Policy, ruling: Ruling, facts: dict[str, Any], lang: Lang = "en") -> list[Shown | Computed]:
    """The tables and formulas of a ruling, the deciding one first, the others in the order they were evaluated.

    English readers are shown cells as the document writes them, Chinese ones in words.
    """
    model = policy.model
    words = wording_of(policy)
    row = _with_tests(policy)
    answer = row.decide(nested(facts, model.facts, tuple(model.read)))
    grids = {grid.heading: grid for grid in policy.document.tables}
    shown: list[Shown | Computed] = []
    for step, traced in zip(model.steps, ruling.trace, strict=True):
        if isinstance(step, Formula):
            name = step.output.name
            shown.append(Computed(_said(words.name(name), lang, name), step.text, traced.outputs.get(name)))
            continue
        grid = grids.get(step.name)
        if grid is None:
            continue
        deciding = step is model.deciding
        width = len(step.inputs)
        columns = [_column(cell.text, index, step, traced.facts, words, lang) for index, cell in enumerate(grid.header)]
        holds = {rule.number: [answer[row.outputs[_name(step, rule.number, at)]] is True if test is not None else None
                               for at, test in enumerate(rule.tests)] for rule in step.rules}  # fmt: skip
        lines = [
            Line(
                number,
                [
                    Square(
                        _in_words(cell.text, columns[index], words, lang),
                        _kind(index, width, cell.text),
                        holds[number][index - 1] if 0 < index <= width else None,
                    )
                    for index, cell in enumerate(cells)
                ],
                number in traced.rows,
            )
            for number, cells in enumerate(grid.rows, start=1)
            if number in holds
        ]
        outputs = {name: _value(value, name, words, lang) for name, value in traced.outputs.items()}
        named = traced.outputs.get("outcome")
        outcome = named if isinstance(named, str) else None
        shown.append(Shown(policy.called(step.name, lang), step.hit, columns, lines, outputs, deciding, outcome))
    return sorted(shown, key=lambda one: not (isinstance(one, Shown) and one.deciding))


def _column(text: str, index: int, table: Table, read: dict[str, Any], words: Wording, lang: Lang) -> Column:
    if index == 0:
        return Column(text, "number", text)
    if index > len(table.inputs):
        name = text.removeprefix("→").removeprefix("->").partition(":")[0].strip()
        return Column(name, "output", _said(words.name(name), lang, name))
    names = list(dict.fromkeys(names_read(table.inputs[index - 1])))
    if len(names) != 1 or names[0] != text.strip():
        return Column(text, "test", text)
    name = names[0]
    said = _said(words.name(name), lang, name)
    return Column(text, "test", said, name, _value(read.get(name), name, words, lang), known=name in read)


def _said(said: Said, lang: Lang, written: str) -> str:
    """A name in words: in English, only what the vocabulary knows has other words than the document's."""
    if lang == "zh":
        return said.zh
    return said.en if written in FACTS else written


def _in_words(text: str, column: Column, words: Wording, lang: Lang) -> str:
    if lang == "en" or column.kind not in ("test", "output") or column.text == "because":
        return text
    if column.kind == "output":
        return "–" if text.strip() in ("null", "") else words.value(text, column.text).zh
    return words.test(text, column.text).zh


def _value(value: object, name: str, words: Wording, lang: Lang) -> object:
    """A value of this case; in Chinese, one that the document has a name for is called by it."""
    if lang == "en" or not isinstance(value, str):
        return value
    said = words.value(f'"{value}"', name)
    return value if said.code else said.zh


def _kind(index: int, width: int, text: str) -> Kind:
    if index == 0:
        return "number"
    if index > width:
        return "output"
    return "any" if text.strip() == _ANY else "test"


def _name(table: Table, number: int, at: int) -> str:
    return f"{table.name}/{number}/{at}"


@lru_cache(maxsize=256)
def _with_tests(policy: Policy) -> Row:
    """The policy's row function with every single test of its tables as a further output."""
    model = policy.model
    tests = [
        Formula(_name(table, rule.number, at), table.name, rule.line, Output(_name(table, rule.number, at), test.type), test, "")
        for table in model.steps
        if isinstance(table, Table)
        for rule in table.rules
        for at, test in enumerate(rule.tests)
        if test is not None
    ]  # fmt: skip
    outputs = {**model.outputs, **{one.name: (one, one.output) for one in tests}}
    return compile_row(replace(model, steps=(*model.steps, *tests), outputs=outputs))
