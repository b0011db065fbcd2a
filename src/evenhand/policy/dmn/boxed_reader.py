"""The boxed expressions of DMN XML: literals, tables, contexts, lists, relations, invocations, functions, DMN 1.4's iterators."""

from collections.abc import Callable
from typing import Final, NoReturn, cast

from evenhand.policy.dmn.elements import (
    BoxedContext,
    BoxedFilter,
    BoxedList,
    Conditional,
    ContextEntry,
    DecisionTable,
    Expression,
    FunctionDefinition,
    HitPolicy,
    InputClause,
    Invocation,
    Iterator,
    LiteralExpression,
    OutputClause,
    Refusal,
    Relation,
    Rule,
    Text,
)
from evenhand.policy.dmn.feel.lexer import normal
from evenhand.policy.dmn.xml import Node
from evenhand.policy.errors import Fault, PolicyError

_HIT_POLICIES: Final = {
    "UNIQUE": "U",
    "ANY": "A",
    "PRIORITY": "P",
    "FIRST": "F",
    "RULE ORDER": "R",
    "OUTPUT ORDER": "O",
    "COLLECT": "C",
}
_AGGREGATIONS: Final = {"SUM": "+", "MIN": "<", "MAX": ">", "COUNT": "#"}
ORIENTATIONS: Final = ("Rule-as-Row", "Rule-as-Column", "CrossTable")


def read_expression(parent: Node, file: str, language: str | None) -> Expression | None:
    """The one expression among the children of an element, or None."""
    return _Boxes(file, language).of(parent)


def read_function(node: Node, file: str, language: str | None) -> Expression:
    """An element of the type `tFunctionDefinition`."""
    return _Boxes(file, language).function(node)


def text_of(node: Node) -> Text:
    """The FEEL text of a literal expression or of unary tests."""
    inner = node.first("text")
    if inner is None:
        return Text("", node.line)
    return Text(inner.text, inner.text_line)


def type_ref_of(node: Node) -> str | None:
    """A type by name, from the attribute or the child element `typeRef`."""
    text = node.attributes.get("typeRef") or node.content("typeRef")
    return normal(text) or None if text else None


class _Boxes:
    def __init__(self, file: str, language: str | None) -> None:
        self.file = file
        # the expression language of the definitions
        self.language = language
        self.readers: dict[str, Callable[[Node], Expression]] = {
            "literalExpression": self._literal,
            "decisionTable": self._table,
            "context": self._context,
            "list": self._list,
            "relation": self._relation,
            "invocation": self._invocation,
            "functionDefinition": self.function,
            "conditional": self._conditional,
            "filter": self._filter,
            "for": self._iterator,
            "some": self._iterator,
            "every": self._iterator,
        }

    def fail(self, node: Node, message: str) -> NoReturn:
        raise PolicyError(self.file, [Fault(node.line, 1, message)])

    def of(self, parent: Node) -> Expression | None:
        found = [
            child for child in parent.children if child.name in self.readers and child.namespace == parent.namespace
        ]
        if len(found) > 1:
            self.fail(
                found[1], f"<{parent.name}> holds more than one expression: <{found[0].name}> and <{found[1].name}>"
            )
        return self.read(found[0]) if found else None

    def needed(self, parent: Node) -> Expression:
        found = self.of(parent)
        if found is None:
            self.fail(parent, f"<{parent.name}> holds no expression")
        return found

    def read(self, node: Node) -> Expression:
        return self.readers[node.name](node)

    def _part(self, node: Node, name: str) -> Node:
        part = node.first(name)
        if part is None:
            self.fail(node, f"<{node.name}> lacks <{name}>")
        return part

    def _name(self, node: Node) -> str:
        name = normal(node.attributes.get("name", ""))
        if not name:
            self.fail(node, f"<{node.name}> has no name")
        return name

    def _literal(self, node: Node) -> LiteralExpression | Refusal:
        refusal = self._foreign(node)
        if refusal:
            return refusal
        if node.first("importedValues"):
            return Refusal(node.line, None, "imported values are refused: only FEEL text is evaluated")
        return LiteralExpression(node.line, type_ref_of(node), text_of(node))

    def _foreign(self, node: Node) -> Refusal | None:
        language = node.attributes.get("expressionLanguage") or self.language
        if language and "feel" not in language.lower():
            return Refusal(node.line, None, f"expressions in {language} are refused: only FEEL is evaluated")
        return None

    # decision tables

    def _table(self, node: Node) -> DecisionTable | Refusal:
        inputs = [self._input(child) for child in node.all("input")]
        outputs = [self._output(child) for child in node.all("output")]
        if not outputs:
            self.fail(node, "the decision table has no output")
        names = [output.name for output in outputs]
        if len(outputs) > 1 and (None in names or len(set(names)) < len(names)):
            self.fail(node, "every output of a table with several outputs needs a name of its own")
        rules = [self._rule(child, len(inputs), len(outputs)) for child in node.all("rule")]
        orientation = node.attributes.get("preferredOrientation", "Rule-as-Row")
        if orientation not in (*ORIENTATIONS, "CrossTab"):
            self.fail(node, f"the orientation {orientation!r} is not one of {', '.join(ORIENTATIONS)}")
        return DecisionTable(node.line, type_ref_of(node), self._hit_policy(node), inputs, outputs, rules, orientation)

    def _hit_policy(self, node: Node) -> HitPolicy:
        name = node.attributes.get("hitPolicy", "UNIQUE").strip()
        letter = _HIT_POLICIES.get(name.upper().replace("_", " "))
        if letter is None:
            self.fail(node, f"the hit policy {name!r} is not one of {', '.join(_HIT_POLICIES)}")
        aggregation = node.attributes.get("aggregation")
        if aggregation is None:
            return cast("HitPolicy", letter)
        if letter != "C" or aggregation not in _AGGREGATIONS:
            self.fail(
                node, f"the aggregation {aggregation!r} is not one of {', '.join(_AGGREGATIONS)} of hit policy COLLECT"
            )
        return cast("HitPolicy", letter + _AGGREGATIONS[aggregation])

    def _input(self, node: Node) -> InputClause:
        expression = self._part(node, "inputExpression")
        read = self._literal(expression)
        if isinstance(read, Refusal):
            self.fail(expression, read.message)
        values = node.first("inputValues")
        label = node.attributes.get("label") or " ".join(read.text.text.split())
        return InputClause(label, read, text_of(values) if values else None)

    def _output(self, node: Node) -> OutputClause:
        values, default = node.first("outputValues"), node.first("defaultOutputEntry")
        return OutputClause(
            normal(node.attributes.get("name", "")) or None,
            node.attributes.get("label"),
            type_ref_of(node),
            text_of(values) if values else None,
            self._entry(default) if default else None,
            node.line,
        )

    def _entry(self, node: Node) -> LiteralExpression:
        read = self._literal(node)
        if isinstance(read, Refusal):
            self.fail(node, read.message)
        return read

    def _rule(self, node: Node, inputs: int, outputs: int) -> Rule:
        tests: list[Text] = []
        for entry in node.all("inputEntry"):
            refusal = self._foreign(entry)
            if refusal:
                self.fail(entry, refusal.message)
            tests.append(text_of(entry))
        entries = [self._entry(child) for child in node.all("outputEntry")]
        if len(tests) != inputs or len(entries) != outputs:
            found = f"{len(tests)} input and {len(entries)} output entries"
            self.fail(node, f"this rule has {found}, the table {inputs} inputs and {outputs} outputs")
        annotations = [child.content("text") or "" for child in node.all("annotationEntry")]
        description = node.content("description")
        return Rule(tests, entries, node.line, [*annotations, *([description] if description else [])])

    # the other boxes

    def _context(self, node: Node) -> BoxedContext:
        entries: list[ContextEntry] = []
        nodes = list(node.all("contextEntry"))
        for place, child in enumerate(nodes):
            variable = child.first("variable")
            if variable is None and place < len(nodes) - 1:
                self.fail(child, "only the last entry of a context may have no variable")
            name = self._name(variable) if variable else None
            entries.append(ContextEntry(name, type_ref_of(variable) if variable else None, self.needed(child)))
        return BoxedContext(node.line, type_ref_of(node), entries)

    def _list(self, node: Node) -> BoxedList:
        return BoxedList(
            node.line, type_ref_of(node), [self.read(child) for child in node.children if child.name in self.readers]
        )

    def _relation(self, node: Node) -> Relation:
        columns = [(self._name(child), type_ref_of(child)) for child in node.all("column")]
        rows: list[list[Expression]] = []
        for row in node.all("row"):
            cells = [self.read(child) for child in row.children if child.name in self.readers]
            if len(cells) != len(columns):
                self.fail(row, f"this row has {len(cells)} cells, the relation {len(columns)} columns")
            rows.append(cells)
        return Relation(node.line, type_ref_of(node), columns, rows)

    def _invocation(self, node: Node) -> Invocation:
        bindings: list[tuple[str, str | None, Expression]] = []
        for binding in node.all("binding"):
            parameter = self._part(binding, "parameter")
            value = self.of(binding) or LiteralExpression(binding.line, None, Text("null", binding.line))
            bindings.append((self._name(parameter), type_ref_of(parameter), value))
        return Invocation(node.line, type_ref_of(node), self.needed(node), bindings)

    def function(self, node: Node) -> FunctionDefinition | Refusal:
        kind = node.attributes.get("kind", "FEEL")
        if kind != "FEEL":
            return Refusal(node.line, None, f"functions of kind {kind} are refused: only FEEL is evaluated")
        parameters = [(self._name(child), type_ref_of(child)) for child in node.all("formalParameter")]
        body = self.of(node)
        if body is None:
            return Refusal(node.line, None, "the function has no body")
        return FunctionDefinition(node.line, type_ref_of(node), parameters, body)

    def _conditional(self, node: Node) -> Conditional:
        parts = (self.needed(self._part(node, name)) for name in ("if", "then", "else"))
        return Conditional(node.line, type_ref_of(node), *parts)

    def _filter(self, node: Node) -> BoxedFilter:
        of, match = (self.needed(self._part(node, name)) for name in ("in", "match"))
        return BoxedFilter(node.line, type_ref_of(node), of, match)

    def _iterator(self, node: Node) -> Iterator:
        variable = normal(node.attributes.get("iteratorVariable", ""))
        if not variable:
            self.fail(node, f"<{node.name}> names no iteratorVariable")
        of = self.needed(self._part(node, "in"))
        body = self.needed(self._part(node, "return" if node.name == "for" else "satisfies"))
        if node.name == "for":
            return Iterator(node.line, type_ref_of(node), "for", variable, of, body)
        return Iterator(node.line, type_ref_of(node), "some" if node.name == "some" else "every", variable, of, body)
