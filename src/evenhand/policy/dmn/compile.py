"""Boxed expressions to FEEL trees. Names in scope are known here, so every text is parsed once."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from evenhand.policy.dmn.elements import (
    BoxedContext,
    BoxedFilter,
    BoxedList,
    Conditional,
    DecisionTable,
    Expression,
    FunctionDefinition,
    InputClause,
    Invocation,
    Iterator,
    LiteralExpression,
    OutputClause,
    Refusal,
    Relation,
)
from evenhand.policy.dmn.feel.builtins.registry import BuiltInFunction
from evenhand.policy.dmn.feel.errors import FeelError, Refused
from evenhand.policy.dmn.feel.iteration import Domain, Filter, For, FunctionLiteral, Quantified
from evenhand.policy.dmn.feel.lexer import Names, normal
from evenhand.policy.dmn.feel.parser import parse, parse_domain
from evenhand.policy.dmn.feel.run import Run
from evenhand.policy.dmn.feel.scope import Scope
from evenhand.policy.dmn.feel.stream import Vocabulary
from evenhand.policy.dmn.feel.tree import ANYTHING, ContextLiteral, If, ListLiteral, Literal, Node, UnaryTests
from evenhand.policy.dmn.feel.types import Type, conform
from evenhand.policy.dmn.feel.values import Function, Value
from evenhand.policy.dmn.item_types import TypeTable, fault_of, read_tests
from evenhand.policy.dmn.tables import Input, Output, TableNode, TableRule
from evenhand.policy.errors import Fault, PolicyError

T = TypeVar("T")
_PRIORITIES: Final = ("P", "O")


@dataclass(frozen=True, slots=True)
class Typed(Node):
    """An expression with a type: its value is converted, or null when it does not conform."""

    of: Node
    type: Type

    def evaluate(self, scope: Scope, run: Run) -> Value:
        return conform(self.of.evaluate(scope, run), self.type)


@dataclass(frozen=True, slots=True)
class ContextWithResult(Node):
    """A boxed context whose last entry has no name: that entry is its value."""

    entries: ContextLiteral
    result: Node

    def evaluate(self, scope: Scope, run: Run) -> Value:
        values = self.entries.evaluate(scope, run)
        return None if values is None else self.result.evaluate(Scope(values, scope), run)


@dataclass(frozen=True, slots=True)
class InvocationNode(Node):
    function: Node
    bindings: tuple[tuple[str, Node], ...]
    place: str

    def evaluate(self, scope: Scope, run: Run) -> Value:
        function = self.function.evaluate(scope, run)
        arguments = {name: value.evaluate(scope, run) for name, value in self.bindings}
        run.enter()
        try:
            if isinstance(function, BuiltInFunction):
                return function.call_named(arguments, run) if arguments else function.call([], run)
            if not isinstance(function, Function):
                return None
            unknown = arguments.keys() - set(function.parameters)
            if unknown:
                raise Refused(f"{self.place} binds {sorted(unknown)[0]!r}, which is no parameter of {function.name!r}")
            return function.call([arguments.get(name) for name in function.parameters], run)
        finally:
            run.leave()


class Compiler:
    """Compiles the expressions of one file."""

    def __init__(self, file: str, types: TypeTable) -> None:
        self.file = file
        self.types = types

    def compile(self, expression: Expression, words: Vocabulary, place: str) -> Node:
        """`place` says in messages whose expression it is."""
        node = self._node(expression, words, place)
        return self._typed(node, expression.type_ref, expression.line)

    def _typed(self, node: Node, type_ref: str | None, line: int) -> Node:
        type_ = self.types.find(type_ref, line)
        return node if type_ is None else Typed(node, type_)

    def error(self, line: int, message: str) -> PolicyError:
        return PolicyError(self.file, [Fault(line, 1, message)])

    def _node(self, expression: Expression, words: Vocabulary, place: str) -> Node:
        match expression:
            case LiteralExpression():
                return self._literal(expression, words, place)
            case DecisionTable():
                return self._table(expression, words, place)
            case BoxedContext():
                return self._context(expression, words, place)
            case BoxedList():
                return ListLiteral(tuple(self.compile(each, words, place) for each in expression.elements))
            case Relation():
                return self._relation(expression, words, place)
            case Invocation():
                function = self.compile(expression.function, words, f"{place}, invoked function")
                bindings = [
                    (
                        name,
                        self._typed(self.compile(value, words, f"{place}, parameter {name!r}"), type_ref, value.line),
                    )
                    for name, type_ref, value in expression.bindings
                ]
                return InvocationNode(function, tuple(bindings), place)
            case FunctionDefinition():
                return self.function(expression, words, place)
            case Conditional():
                condition, then, otherwise = (
                    self.compile(part, words, place)
                    for part in (expression.condition, expression.then, expression.otherwise)
                )
                return If(condition, then, otherwise)
            case BoxedFilter():
                inner = replace(with_names(words, "item"), filtering=True)
                return Filter(self.compile(expression.of, words, place), self.compile(expression.match, inner, place))
            case Iterator():
                return self._iterator(expression, words, place)
            case Refusal():
                raise self.error(expression.line, f"{place}: {expression.message}")
            case _:
                raise self.error(expression.line, f"{place}: {type(expression).__name__} is not evaluated")

    def _literal(self, expression: LiteralExpression, words: Vocabulary, place: str) -> Node:
        return self._read(parse, expression, words, place)

    def _read(
        self, reader: Callable[[str, Vocabulary], T], expression: LiteralExpression, words: Vocabulary, place: str
    ) -> T:
        try:
            return reader(expression.text.text, words)
        except FeelError as error:
            raise fault_of(error, expression.text, self.file, place) from error

    def _context(self, box: BoxedContext, words: Vocabulary, place: str) -> Node:
        entries: list[tuple[str, Node]] = []
        result: Node | None = None
        for entry in box.entries:
            label = f"{place}, entry {entry.name!r}" if entry.name else f"{place}, result"
            node = self._typed(self.compile(entry.expression, words, label), entry.type_ref, entry.expression.line)
            if entry.name is None:
                result = node
            else:
                entries.append((entry.name, node))
                words = with_names(words, entry.name)
        context = ContextLiteral(tuple(entries))
        return context if result is None else ContextWithResult(context, result)

    def _relation(self, box: Relation, words: Vocabulary, place: str) -> Node:
        rows: list[Node] = []
        for row in box.rows:
            cells = [
                (name, self._typed(self.compile(cell, words, f"{place}, column {name!r}"), type_ref, cell.line))
                for (name, type_ref), cell in zip(box.columns, row, strict=True)
            ]
            rows.append(ContextLiteral(tuple(cells)))
        return ListLiteral(tuple(rows))

    def function(self, box: FunctionDefinition, words: Vocabulary, place: str) -> FunctionLiteral:
        """A function of its formal parameters; its `typeRef` is the type of the function, so it is not applied."""
        parameters = tuple((name, self.types.find(type_ref, box.line)) for name, type_ref in box.parameters)
        inner = with_names(words, *(name for name, _ in parameters))
        return FunctionLiteral(parameters, self.compile(box.body, inner, place))

    def _iterator(self, box: Iterator, words: Vocabulary, place: str) -> Node:
        domains = (self._domain(box, words, place),)
        names = (box.variable, "partial") if box.kind == "for" else (box.variable,)
        body = self.compile(box.body, with_names(words, *names), place)
        return For(domains, body) if box.kind == "for" else Quantified(box.kind == "some", domains, body)

    def _domain(self, box: Iterator, words: Vocabulary, place: str) -> Domain:
        """What a boxed iteration runs over: as FEEL's, an expression or a bare `first..last`."""
        if isinstance(box.of, LiteralExpression):
            first, last = self._read(parse_domain, box.of, words, place)
            if last is not None:
                return Domain(box.variable, first, last)
        return Domain(box.variable, self.compile(box.of, words, place))

    # decision tables

    def _table(self, table: DecisionTable, words: Vocabulary, place: str) -> Node:
        outputs = tuple(self._output(clause, words, place) for clause in table.outputs)
        if table.hit_policy in _PRIORITIES and not any(output.values.tests for output in outputs):
            raise self.error(
                table.line,
                f"{place}: hit policy {table.hit_policy} needs output values, the first with the highest priority",
            )
        if table.hit_policy in ("C+", "C<", "C>") and len(outputs) > 1:
            raise self.error(
                table.line,
                f"{place}: {table.hit_policy} aggregates one output, this table has {len(outputs)}: DMN says of none what "
                "that would be; collect without an operator, or write a table for each output",
            )
        inputs = tuple(self._input(clause, words, place) for clause in table.inputs)
        rules: list[TableRule] = []
        for number, rule in enumerate(table.rules, start=1):
            tests = [
                read_tests(text, words, self.file, f"{place}, rule {number}, input {clause.label!r}")
                for text, clause in zip(rule.inputs, table.inputs, strict=True)
            ]
            entries = [self._entry(entry, words, f"{place}, rule {number}, output") for entry in rule.outputs]
            rules.append(TableRule(tuple(tests), tuple(entries), rule.line))
        return TableNode(place, self.file, table.line, table.hit_policy, inputs, outputs, tuple(rules))

    def _entry(self, entry: LiteralExpression, words: Vocabulary, place: str) -> Node:
        """An output entry; editors leave the text empty for null."""
        return self.compile(entry, words, place) if entry.text.text.strip() else Literal(None)

    def _input(self, clause: InputClause, words: Vocabulary, place: str) -> Input:
        expression = self.compile(clause.expression, words, f"{place}, input {clause.label!r}")
        text = clause.values.text if clause.values else ""
        values = (
            read_tests(clause.values, words, self.file, f"{place}, values of {clause.label!r}")
            if clause.values
            else ANYTHING
        )
        return Input(clause.label, expression, values, " ".join(text.split()))

    def _output(self, clause: OutputClause, words: Vocabulary, place: str) -> Output:
        label = f"{place}, output {clause.name or clause.label or ''!r}"
        type_ = self.types.find(clause.type_ref, clause.line)
        default = self.compile(clause.default, words, f"{label}, default") if clause.default else None
        return Output(clause.name or "", type_, self._output_values(clause, words, label), default)

    def _output_values(self, clause: OutputClause, words: Vocabulary, label: str) -> UnaryTests:
        """The values of the output, or those its type allows."""
        item = self.types.item(clause.type_ref)
        text = clause.values or (item.allowed if item and not item.collection else None)
        return read_tests(text, words, self.file, f"{label}, values") if text else ANYTHING


def with_names(words: Vocabulary, *names: str) -> Vocabulary:
    """More names in scope."""
    return replace(words, names=Names([*words.names.all, *map(normal, names)]))
