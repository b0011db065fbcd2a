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
    BusinessKnowledgeModel,
    Conditional,
    Decision,
    DecisionService,
    DecisionTable,
    Element,
    Expression,
    FunctionDefinition,
    InputClause,
    InputData,
    Invocation,
    LiteralExpression,
    OutputClause,
    Text,
)
from evenhand.policy.dmn.fact_types import FactTypes
from evenhand.policy.dmn.feel.builtins import FUNCTION_NAMES, FUNCTIONS
from evenhand.policy.dmn.feel.errors import FeelError
from evenhand.policy.dmn.feel.lexer import Names, in_name, tokens
from evenhand.policy.dmn.feel.parser import parse
from evenhand.policy.dmn.feel.stream import Vocabulary
from evenhand.policy.dmn.feel.tree import ListLiteral, Literal, Node
from evenhand.policy.dmn.item_types import fault_of, read_tests
from evenhand.policy.dmn.model import Model
from evenhand.policy.dmn.sections import rows
from evenhand.policy.errors import Fault, PolicyError
from evenhand.policy.policy import Policy
from evenhand.policy.ruling_parts import RULING_TYPES
from evenhand.vocabulary import FACTS

_RESERVED: Final = ("Facts", "Reasons", "Promises", "Order", "Examples")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_MAX_INLINED: Final = 20


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
class _Output:
    """What a decision gives, in the words of the document."""

    decision: Decision
    # the names of its outputs, by what DMN calls them; a decision of one value has the key ""
    names: dict[str, str]


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
        self.faults: list[Fault] = []
        self.types = FactTypes(model, dict(model.definitions.sections).get("Facts"))
        self.outputs: dict[str, _Output] = {}
        self._inlined = 0

    def text(self) -> str:
        definitions = self.model.definitions
        if definitions.imports:
            self.fault(definitions.imports[0].line, "a policy document imports nothing: bring the files together first")
        self._undeclared_facts()
        self._name_outputs()
        blocks = [block for decision in self._decisions() if (block := self._block(decision)) is not None]
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

    def fault(self, line: int, message: str) -> None:
        self.faults.append(Fault(line, 1, message))

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

    # names

    def _decisions(self) -> list[Decision]:
        return [element for element in self.model.definitions.elements.values() if isinstance(element, Decision)]

    def _undeclared_facts(self) -> None:
        """Camunda's editors leave input data out: a column headed by a plain name reads a fact of that name."""
        declared = {
            name for element in self.model.definitions.elements.values() for name in (element.name, element.variable)
        }
        for decision in self._decisions():
            if isinstance(decision.expression, DecisionTable):
                for clause in decision.expression.inputs:
                    text = " ".join(clause.expression.text.text.split())
                    plain = bool(text) and all(in_name(token) for token in tokens(text)[:-1]) and text[0].isalpha()
                    if plain and text not in declared and text.partition(".")[0] not in declared:
                        self.types.declare(text, clause.expression.type_ref, clause.expression.line)

    def _name_outputs(self) -> None:
        taken = set(self.types.names())
        for decision in self._decisions():
            table = self._table_of(decision)
            several = table is not None and len(table.outputs) > 1
            names: dict[str, str] = {}
            for clause in table.outputs if table else [None]:
                wanted = (clause.name if clause else None) or decision.name
                name = self._identifier(wanted, decision.line)
                if name in taken and name not in FACTS:
                    name = f"{self._identifier(decision.name, decision.line)}_{name}"
                if name in taken and name not in FACTS:
                    self.fault(decision.line, f"{decision.name!r}: the name {name!r} is given twice")
                taken.add(name)
                names[clause.name or "" if several and clause else ""] = name
            self.outputs[decision.id] = _Output(decision, names)

    def _identifier(self, name: str, line: int) -> str:
        """A name of letters, digits and _ for a name of DMN."""
        if _IDENTIFIER.fullmatch(name):
            return name
        made = re.sub(r"_+", "_", re.sub(r"[^A-Za-z0-9_]", "_", name)).strip("_")
        if not made or not name.isascii():
            self.fault(line, f"{name!r} is no name in a policy document: use letters of English, digits and _")
            return "x"
        return made if not made[0].isdigit() else f"_{made}"

    def _table_of(self, decision: Decision) -> DecisionTable | None:
        """The table of a decision, its own or that of the business knowledge model it invokes."""
        expression = decision.expression
        if isinstance(expression, Invocation):
            knowledge = self._invoked(decision, expression)
            expression = knowledge.body if knowledge else None
        return expression if isinstance(expression, DecisionTable) else None

    def _invoked(self, decision: Decision, invocation: Invocation) -> FunctionDefinition | None:
        if not isinstance(invocation.function, LiteralExpression):
            return None
        name = " ".join(invocation.function.text.text.split())
        found = self._knowledge(name, decision)
        return found.logic if found and isinstance(found.logic, FunctionDefinition) else None

    def _knowledge(self, name: str, element: Element) -> BusinessKnowledgeModel | None:
        if not isinstance(element, Decision | BusinessKnowledgeModel):
            return None
        for href in element.knowledge:
            target = self.model.target(href)[1]
            if isinstance(target, BusinessKnowledgeModel) and name in (target.name, target.variable):
                return target
        return None

    # expressions

    def _words(self, element: Element, *names: str) -> Vocabulary:
        known = [*names, *self.types.undeclared]
        if isinstance(element, Decision | BusinessKnowledgeModel):
            information = element.information if isinstance(element, Decision) else []
            for href in (*information, *element.knowledge):
                known.extend(self.model.called(*self.model.target(href)))
        return Vocabulary(
            Names(known), Names(self.model.members), self.model.types, self.model.type_names, FUNCTIONS, FUNCTION_NAMES
        )

    def _parsed(self, text: Text, words: Vocabulary, place: str) -> Node:
        try:
            return parse(text.text, words)
        except FeelError as error:
            raise fault_of(error, text, self.file, place) from error

    def _writer(self, element: Element, bound: dict[str, str] | None = None) -> CellWriter:
        return CellWriter(
            lambda name: self._variable(element, name),
            lambda name, members: self._member(element, name, members),
            self.types.decimals,
            lambda name, arguments, names, writer: self._inline(element, name, arguments, names, writer),
            bound or {},
        )

    def _required(self, element: Element, name: str) -> Element | None:
        information = element.information if isinstance(element, Decision) else []
        for href in information:
            owner, target = self.model.target(href)
            if name in self.model.called(owner, target):
                return target
        return None

    def _variable(self, element: Element, name: str) -> str | None:
        target = self._required(element, name)
        if isinstance(target, Decision):
            return self.outputs[target.id].names.get("")
        if isinstance(target, InputData):
            return self.types.of_input(target)
        if name in self.types.undeclared:
            return self.types.undeclared[name]
        raise CannotSay(f"a policy document has no words for {name!r}")

    def _member(self, element: Element, name: str, members: tuple[str, ...]) -> str:
        target = self._required(element, name)
        if isinstance(target, Decision):
            found = self.outputs[target.id].names.get(members[0]) if len(members) == 1 else None
        else:
            found = self.types.of_member(target, members) if isinstance(target, InputData) else None
        if found is None:
            raise CannotSay(f"there is no {'.'.join((name, *members))}")
        return found

    def _inline(
        self, element: Element, name: str, arguments: tuple[Node, ...], names: tuple[str, ...], writer: CellWriter
    ) -> str | None:
        """A call of a business knowledge model, with its expression written out in place."""
        knowledge = self._knowledge(name, element)
        if knowledge is None:
            return None
        logic = knowledge.logic
        if not isinstance(logic, FunctionDefinition) or not isinstance(logic.body, LiteralExpression):
            raise CannotSay(
                f"a policy document calls no functions: {name!r} is not one expression to write in its place"
            )
        parameters = [parameter for parameter, _ in logic.parameters]
        given = dict(zip(names or parameters, arguments, strict=False))
        if len(arguments) != len(parameters) or given.keys() != set(parameters):
            raise CannotSay(f"{name!r} takes {', '.join(parameters)}")
        self._inlined += 1
        if self._inlined > _MAX_INLINED * 50 or len(writer.bound) > _MAX_INLINED * 10:
            raise CannotSay(f"{name!r} calls itself, and a policy document has no recursion")
        bound = {parameter: writer.expression(argument) for parameter, argument in given.items()}
        body = self._parsed(logic.body.text, self._words(knowledge, knowledge.name, *parameters), f"{name!r}")
        try:
            return self._writer(knowledge, bound).expression(body)
        except RecursionError as error:
            raise CannotSay(f"{name!r} calls itself, and a policy document has no recursion") from error

    # decisions

    def _block(self, decision: Decision) -> _Block | None:
        place = f"decision {decision.name!r}"
        try:
            expression = decision.expression
            words, writer = self._words(decision), self._writer(decision)
            if isinstance(expression, Invocation):
                return self._invocation(decision, expression, place)
            return self._logic(decision, expression, words, writer, place)
        except PolicyError as error:
            self.faults.extend(error.faults)
        except CannotSay as error:
            self.fault(decision.line, f"{place}: {error}")
        return None

    def _logic(
        self, decision: Decision, expression: Expression | None, words: Vocabulary, writer: CellWriter, place: str
    ) -> _Block:
        if isinstance(expression, DecisionTable):
            return _Block(decision.label, table=self._table(decision, expression, words, writer, place))
        formula = self._formula(expression, words, writer, place)
        return _Block(decision.label, [f"{self.outputs[decision.id].names['']} = {formula}"])

    def _formula(self, expression: Expression | None, words: Vocabulary, writer: CellWriter, place: str) -> str:
        match expression:
            case LiteralExpression():
                return writer.output(self._parsed(expression.text, words, place))
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
        logic = self._invoked(decision, invocation)
        if logic is None:
            raise CannotSay("it invokes something else than a business knowledge model with logic")
        assert isinstance(invocation.function, LiteralExpression)
        knowledge = self._knowledge(" ".join(invocation.function.text.text.split()), decision)
        assert knowledge is not None
        words, writer = self._words(decision), self._writer(decision)
        bound = {parameter: "null" for parameter, _ in logic.parameters}
        for name, _, value in invocation.bindings:
            if name not in bound:
                raise CannotSay(f"it binds {name!r}, which is no parameter of {knowledge.name!r}")
            formula = self._formula(value, words, writer, f"{place}, parameter {name!r}")
            bound[name] = formula if re.fullmatch(r'[\w.]+|"[^"]*"', formula) else f"({formula})"
        inner = self._words(knowledge, *bound)
        return self._logic(
            decision, logic.body, inner, self._writer(knowledge, bound), f"{place}, by {knowledge.name!r}"
        )

    # tables

    def _table(
        self, decision: Decision, table: DecisionTable, words: Vocabulary, writer: CellWriter, place: str
    ) -> str:
        names = list(self.outputs[decision.id].names.values())
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
            head = writer.output(self._parsed(clause.expression.text, words, at))
            if clause.values is not None and clause.values.text.strip():
                self.types.limit(head, read_tests(clause.values, words, self.file, at))
        except CannotSay as error:
            raise PolicyError(self.file, [Fault(clause.expression.line, 1, f"{at}: {error}")]) from error
        return head

    def _cell(self, entry: LiteralExpression, name: str, words: Vocabulary, writer: CellWriter, place: str) -> str:
        if not entry.text.text.strip():
            return "null"
        node = self._parsed(entry.text, words, place)
        text = writer.output(node)
        choices = {
            **{fact.name: fact.values for fact in FACTS.values()},
            **{n: t.values for n, t in RULING_TYPES.items()},
        }
        if isinstance(node, Literal) and isinstance(node.value, str) and _IDENTIFIER.fullmatch(node.value):
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
