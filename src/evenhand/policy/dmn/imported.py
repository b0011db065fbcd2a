"""A DMN file as a policy document: the tables, formulas and facts of a Markdown file.

Tables become tables, literal expressions formulas, input data facts; business knowledge models are written out where they are
called. What a policy document cannot say is refused, with the line of the file. Whatever Evenhand itself exported comes back
with its front matter, reasons, promises and examples.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from evenhand.policy.dmn.cell_writer import CannotSay, CellWriter, literal
from evenhand.policy.dmn.elements import (
    Conditional,
    Decision,
    DecisionService,
    DecisionTable,
    Expression,
    InputClause,
    Invocation,
    LiteralExpression,
    OutputClause,
)
from evenhand.policy.dmn.feel.stream import Vocabulary
from evenhand.policy.dmn.feel.tree import ListLiteral, Literal, Node
from evenhand.policy.dmn.import_scope import IDENTIFIER, ImportScope
from evenhand.policy.dmn.item_types import read_tests
from evenhand.policy.dmn.model import Model
from evenhand.policy.dmn.sections import rows
from evenhand.policy.errors import Fault, PolicyError
from evenhand.policy.policy import Policy
from evenhand.policy.ruling_parts import RULING_TYPES
from evenhand.vocabulary import FACTS

_RESERVED: Final = ("Facts", "Reasons", "Promises", "Order", "Examples")


def to_markdown(model: Model, effective: date) -> str:
    """The policy document of a DMN model; `effective` is its first day, where the file does not say.

    Raises `PolicyError` naming, with its line, everything that a policy document cannot say.
    """
    text = _Import(model, effective).text()
    try:
        Policy.parse(text, model.definitions.file)
    except PolicyError as error:
        lines = text.split("\n")
        faults = [
            Fault(
                1,
                1,
                f"a policy document cannot hold this: {fault.message} (in {lines[fault.line - 1].strip()[:120]!r})",
            )
            for fault in error.faults
        ]
        raise PolicyError(model.definitions.file, faults) from error
    return text


@dataclass(slots=True)
class _Block:
    heading: str
    formulas: list[str] = field(default_factory=list[str])
    table: str = ""


class _Import:
    def __init__(self, model: Model, effective: date) -> None:
        self.model = model
        self.file = model.definitions.file
        self.effective = effective
        self.scope = ImportScope(model)
        self.faults = self.scope.faults
        self.types = self.scope.types

    def text(self) -> str:
        definitions = self.model.definitions
        if definitions.imports:
            self.scope.fault(
                definitions.imports[0].line, "a policy document imports nothing: bring the files together first"
            )
        blocks = [block for decision in self.scope.decisions() if (block := self._block(decision)) is not None]
        facts = self.types.rows(self.faults)
        if self.faults:
            raise PolicyError(self.file, set(self.faults))
        parts = [
            self._front_matter(),
            f"# {definitions.description or definitions.name or 'Imported'}".replace("\n", " "),
        ]
        left_out = [each.name for each in definitions.elements.values() if isinstance(each, DecisionService)]
        if left_out:
            parts.append(
                f"The decision services of the file ({', '.join(left_out)}) only bundle decisions, and are left out."
            )
        if facts and "Facts" not in dict(definitions.sections):
            parts.append("## Facts\n" + rows([["fact", "type", "values"], *facts]))
        parts.extend(self._written(blocks))
        parts.extend(f"## {heading}\n{text}" for heading, text in definitions.sections)
        return "\n\n".join(parts) + "\n"

    def _front_matter(self) -> str:
        told = self.model.definitions.told
        name = re.sub(r"[^A-Za-z0-9.-]+", "-", self.model.definitions.name).strip("-")[:60].lower() or "imported"
        lines = {
            "policy": told.get("policy", name),
            "version": told.get("version", "1"),
            "effective": told.get("effective", self.effective.isoformat()),
            "anchor": told.get("anchor", "application"),
        }
        if "currency" in told:
            lines["currency"] = told["currency"]
        return "\n".join(["---", *(f"{key}: {value}" for key, value in lines.items()), "---"])

    def _written(self, blocks: list[_Block]) -> Iterator[str]:
        """Blocks under their headings; formulas that follow one another under one heading share a fence."""
        used: set[str] = set(_RESERVED)
        place = 0
        while place < len(blocks):
            block = blocks[place]
            formulas = list(block.formulas)
            place += 1
            while not block.table and place < len(blocks) and _joins(block, blocks[place]):
                formulas += blocks[place].formulas
                place += 1
            heading, number = block.heading, 1
            while heading in used:
                number += 1
                heading = f"{block.heading} {number}"
            used.add(heading)
            yield f"## {heading}\n" + (block.table or "\n".join(["```feel", *formulas, "```"]))

    # decisions

    def _block(self, decision: Decision) -> _Block | None:
        place = f"decision {decision.name!r}"
        try:
            expression = decision.expression
            words, writer = self.scope.words(decision), self.scope.writer(decision)
            if isinstance(expression, Invocation):
                return self._invocation(decision, expression, place)
            return self._logic(decision, expression, words, writer, place)
        except PolicyError as error:
            self.faults.extend(error.faults)
        except CannotSay as error:
            self.scope.fault(decision.line, f"{place}: {error}")
        return None

    def _logic(
        self, decision: Decision, expression: Expression | None, words: Vocabulary, writer: CellWriter, place: str
    ) -> _Block:
        if isinstance(expression, DecisionTable):
            return _Block(decision.label, table=self._table(decision, expression, words, writer, place))
        formula = self._formula(expression, words, writer, place)
        return _Block(decision.label, [f"{self.scope.outputs[decision.id].names['']} = {formula}"])

    def _formula(self, expression: Expression | None, words: Vocabulary, writer: CellWriter, place: str) -> str:
        match expression:
            case LiteralExpression():
                return writer.output(self.scope.parsed(expression.text, words, place))
            case Conditional():
                parts = [
                    self._formula(part, words, writer, place)
                    for part in (expression.condition, expression.then, expression.otherwise)
                ]
                return "if {} then {} else {}".format(*parts)
            case None:
                raise CannotSay("it has no logic")
            case _:
                kind = re.sub(r"(?<!^)([A-Z])", r" \1", type(expression).__name__).lower()
                raise CannotSay(f"a policy document has no words for a {kind}")

    def _invocation(self, decision: Decision, invocation: Invocation, place: str) -> _Block:
        logic = self.scope.invoked(decision, invocation)
        if logic is None:
            raise CannotSay("it invokes something else than a business knowledge model with logic")
        assert isinstance(invocation.function, LiteralExpression)
        knowledge = self.scope.knowledge(" ".join(invocation.function.text.text.split()), decision)
        assert knowledge is not None
        words, writer = self.scope.words(decision), self.scope.writer(decision)
        bound = {parameter: "null" for parameter, _ in logic.parameters}
        for name, _, value in invocation.bindings:
            if name not in bound:
                raise CannotSay(f"it binds {name!r}, which is no parameter of {knowledge.name!r}")
            formula = self._formula(value, words, writer, f"{place}, parameter {name!r}")
            bound[name] = formula if re.fullmatch(r'[\w.]+|"[^"]*"', formula) else f"({formula})"
        inner = self.scope.words(knowledge, *bound)
        return self._logic(
            decision, logic.body, inner, self.scope.writer(knowledge, bound), f"{place}, by {knowledge.name!r}"
        )

    # tables

    def _table(
        self, decision: Decision, table: DecisionTable, words: Vocabulary, writer: CellWriter, place: str
    ) -> str:
        names = list(self.scope.outputs[decision.id].names.values())
        heads = [self._head(clause, words, writer, place) for clause in table.inputs]
        arrows = [
            f"→ {name}{self._listed(clause, table, words, place)}"
            for name, clause in zip(names, table.outputs, strict=True)
        ]
        body: list[list[str]] = []
        for number, rule in enumerate(table.rules, start=1):
            at = f"{place}, rule {number}"
            try:
                tests = [read_tests(text, words, self.file, at) for text in rule.inputs]
                for test, clause, head in zip(tests, table.inputs, heads, strict=True):
                    self.types.seen(head, test, clause.expression.type_ref)
                left = [writer.tests(test) for test in tests]
                right = [
                    self._cell(entry, name, words, writer, at) for entry, name in zip(rule.outputs, names, strict=True)
                ]
            except CannotSay as error:
                raise PolicyError(self.file, [Fault(rule.line, 1, f"{at}: {error}")]) from error
            body.append([*left, *right])
        hit = table.hit_policy
        default = self._default(table, names, words, writer, place)
        if default is not None:
            if hit not in ("U", "A", "F"):
                raise CannotSay(
                    f"a policy document has no default outputs, and hit policy {hit} takes no last row instead"
                )
            hit = "F"  # rules of U and A do not differ where they overlap, so the first of them is any of them
            body.append([*("-" for _ in heads), *default])
        numbered = [[str(number), *row] for number, row in enumerate(body, start=1)]
        return rows([[hit, *heads, *arrows], *numbered])

    def _head(self, clause: InputClause, words: Vocabulary, writer: CellWriter, place: str) -> str:
        at = f"{place}, input {clause.label!r}"
        try:
            head = writer.output(self.scope.parsed(clause.expression.text, words, at))
            if clause.values is not None and clause.values.text.strip():
                self.types.limit(head, read_tests(clause.values, words, self.file, at))
        except CannotSay as error:
            raise PolicyError(self.file, [Fault(clause.expression.line, 1, f"{at}: {error}")]) from error
        return head

    def _cell(self, entry: LiteralExpression, name: str, words: Vocabulary, writer: CellWriter, place: str) -> str:
        if not entry.text.text.strip():
            return "null"
        node = self.scope.parsed(entry.text, words, place)
        text = writer.output(node)
        choices = {
            **{fact.name: fact.values for fact in FACTS.values()},
            **{n: t.values for n, t in RULING_TYPES.items()},
        }
        if isinstance(node, Literal) and isinstance(node.value, str) and IDENTIFIER.fullmatch(node.value):
            return node.value if node.value in choices.get(name, ()) or name == "because" else text
        return text

    def _listed(self, clause: OutputClause, table: DecisionTable, words: Vocabulary, place: str) -> str:
        """`: "high", "low"`: the values an output may have, in their order of priority."""
        item = self.model.types.item(clause.type_ref)
        text = clause.values or (item.allowed if item is not None else None)
        if text is None or not text.text.strip():
            return ""
        tests = read_tests(text, words, self.file, f"{place}, output values")
        values = [each for test in tests.tests for each in _values(test.operand)] if not tests.negated else []
        plain = not any(test.operator for test in tests.tests)
        if not values or not plain or not all(isinstance(value, str) for value in values):
            raise CannotSay(f"the values of an output are strings here, not {' '.join(text.text.split())}")
        return ": " + ", ".join(literal(value) for value in values)

    def _default(
        self, table: DecisionTable, names: list[str], words: Vocabulary, writer: CellWriter, place: str
    ) -> list[str] | None:
        if not any(clause.default for clause in table.outputs):
            return None
        return [
            self._cell(clause.default, name, words, writer, f"{place}, default output") if clause.default else "null"
            for clause, name in zip(table.outputs, names, strict=True)
        ]


def _joins(block: _Block, other: _Block) -> bool:
    return not other.table and other.heading == block.heading


def _values(node: Node) -> list[object]:
    if isinstance(node, ListLiteral):
        return [value for element in node.elements for value in _values(element)]
    return [node.value] if isinstance(node, Literal) else [None]
