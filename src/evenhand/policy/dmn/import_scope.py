"""What the names of a DMN file are called in a policy document, and expressions written with those names."""

import re
from dataclasses import dataclass
from typing import Final

from evenhand.policy.dmn.cell_writer import CannotSay, CellWriter
from evenhand.policy.dmn.elements import (
    BusinessKnowledgeModel,
    Decision,
    DecisionTable,
    Element,
    FunctionDefinition,
    InputData,
    Invocation,
    LiteralExpression,
    Text,
)
from evenhand.policy.dmn.fact_types import FactTypes
from evenhand.policy.dmn.feel.builtins import FUNCTION_NAMES, FUNCTIONS
from evenhand.policy.dmn.feel.errors import FeelError
from evenhand.policy.dmn.feel.lexer import Names, in_name, tokens
from evenhand.policy.dmn.feel.parser import parse
from evenhand.policy.dmn.feel.stream import Vocabulary
from evenhand.policy.dmn.feel.tree import Node
from evenhand.policy.dmn.item_types import fault_of
from evenhand.policy.dmn.model import Model
from evenhand.policy.errors import Fault
from evenhand.vocabulary import FACTS

IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_MAX_INLINED: Final = 1_000
# what a cell of a policy document may hold
_MAX_CELL: Final = 4_000


@dataclass(slots=True)
class Outputs:
    """What a decision gives, in the words of the document."""

    decision: Decision
    # the names of its outputs, by what DMN calls them; a decision of one value has the key ""
    names: dict[str, str]


class ImportScope:
    """The names of one file; what is wrong with them is added to `faults`."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.file = model.definitions.file
        self.faults: list[Fault] = []
        self.types = FactTypes(model, dict(model.definitions.sections).get("Facts"))
        self.outputs: dict[str, Outputs] = {}
        self._inlined = 0
        self._undeclared_facts()
        self._name_outputs()

    def fault(self, line: int, message: str) -> None:
        self.faults.append(Fault(line, 1, message))

    def decisions(self) -> list[Decision]:
        return [element for element in self.model.definitions.elements.values() if isinstance(element, Decision)]

    def _undeclared_facts(self) -> None:
        """Camunda's editors leave input data out: a column headed by a plain name reads a fact of that name."""
        declared = {
            name for element in self.model.definitions.elements.values() for name in (element.name, element.variable)
        }
        for decision in self.decisions():
            if isinstance(decision.expression, DecisionTable):
                for clause in decision.expression.inputs:
                    text = " ".join(clause.expression.text.text.split())
                    plain = bool(text) and all(in_name(token) for token in tokens(text)[:-1]) and text[0].isalpha()
                    if plain and text not in declared and text.partition(".")[0] not in declared:
                        self.types.declare(text, clause.expression.type_ref, clause.expression.line)

    def _name_outputs(self) -> None:
        taken = set(self.types.names())
        for decision in self.decisions():
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
            self.outputs[decision.id] = Outputs(decision, names)

    def _identifier(self, name: str, line: int) -> str:
        """A name of letters, digits and _ for a name of DMN."""
        if IDENTIFIER.fullmatch(name):
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
            knowledge = self.invoked(decision, expression)
            expression = knowledge.body if knowledge else None
        return expression if isinstance(expression, DecisionTable) else None

    def invoked(self, decision: Decision, invocation: Invocation) -> FunctionDefinition | None:
        if not isinstance(invocation.function, LiteralExpression):
            return None
        name = " ".join(invocation.function.text.text.split())
        found = self.knowledge(name, decision)
        return found.logic if found and isinstance(found.logic, FunctionDefinition) else None

    def knowledge(self, name: str, element: Element) -> BusinessKnowledgeModel | None:
        if not isinstance(element, Decision | BusinessKnowledgeModel):
            return None
        for href in element.knowledge:
            target = self.model.target(href)[1]
            if isinstance(target, BusinessKnowledgeModel) and name in (target.name, target.variable):
                return target
        return None

    # expressions

    def words(self, element: Element, *names: str) -> Vocabulary:
        known = [*names, *self.types.undeclared]
        if isinstance(element, Decision | BusinessKnowledgeModel):
            information = element.information if isinstance(element, Decision) else []
            for href in (*information, *element.knowledge):
                known.extend(self.model.called(*self.model.target(href)))
        return Vocabulary(
            Names(known), Names(self.model.members), self.model.types, self.model.type_names, FUNCTIONS, FUNCTION_NAMES
        )

    def parsed(self, text: Text, words: Vocabulary, place: str) -> Node:
        try:
            return parse(text.text, words)
        except FeelError as error:
            raise fault_of(error, text, self.file, place) from error

    def writer(self, element: Element, bound: dict[str, str] | None = None) -> CellWriter:
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
        knowledge = self.knowledge(name, element)
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
        if self._inlined > _MAX_INLINED:
            raise CannotSay(f"{name!r} calls itself, and a policy document has no recursion")
        bound = {parameter: writer.expression(argument) for parameter, argument in given.items()}
        body = self.parsed(logic.body.text, self.words(knowledge, knowledge.name, *parameters), f"{name!r}")
        try:
            written = self.writer(knowledge, bound).expression(body)
        except RecursionError as error:
            raise CannotSay(f"{name!r} calls itself, and a policy document has no recursion") from error
        if len(written) > _MAX_CELL:
            raise CannotSay(f"{name!r}, written out, is longer than a cell may be")
        return written
