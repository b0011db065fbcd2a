"""One evaluation of a model: what was given, what was decided so far, and functions made of knowledge and services."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from evenhand.errors import BadInput
from evenhand.policy.dmn.elements import (
    BusinessKnowledgeModel,
    Decision,
    DecisionService,
    Element,
    FunctionDefinition,
    InputData,
    Refusal,
)
from evenhand.policy.dmn.feel.builtins import FUNCTION_NAMES, FUNCTIONS
from evenhand.policy.dmn.feel.errors import LimitReached, Refused
from evenhand.policy.dmn.feel.iteration import FunctionLiteral
from evenhand.policy.dmn.feel.lexer import Names, normal
from evenhand.policy.dmn.feel.run import Run, deep_stack
from evenhand.policy.dmn.feel.scope import Scope
from evenhand.policy.dmn.feel.stream import Vocabulary
from evenhand.policy.dmn.feel.tree import Node
from evenhand.policy.dmn.feel.types import FunctionType, Type, conform
from evenhand.policy.dmn.feel.values import Function, Value
from evenhand.policy.dmn.inputs import take
from evenhand.policy.dmn.words import keys_within
from evenhand.policy.errors import Fault, PolicyError, suggestion

if TYPE_CHECKING:
    from evenhand.policy.dmn.model import Model


class _Lazy(Mapping[str, Value]):
    """Names whose values are found when they are first asked for."""

    __slots__ = ("_find", "_found")

    def __init__(self, find: dict[str, Callable[[], Value]]) -> None:
        self._find = find
        self._found: dict[str, Value] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._find

    def __getitem__(self, name: str) -> Value:
        if name not in self._found:
            self._found[name] = self._find[name]()
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._find)

    def __len__(self) -> int:
        return len(self._find)


@dataclass(frozen=True, slots=True)
class _Compiled:
    node: Node
    type: Type | None


class Evaluation:
    def __init__(self, model: "Model", inputs: Mapping[str, Any], now: datetime | None) -> None:
        self.model = model
        self.run = Run(now)
        # values of input data and decisions that were given, by model and id
        self.values: dict[tuple[int, str], Value] = {}
        # what inputs bring into every scope: names without any declaration among them
        self.given: dict[str, Value] = {}
        self._take(inputs)
        self._more_members = frozenset(keys_within(self.given)) - model.members
        self._members = Names([*model.members, *self._more_members])
        self._names = frozenset(self.given)

    def _take(self, inputs: Mapping[str, Any]) -> None:
        if not isinstance(inputs, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise BadInput(f"inputs are a dict of names to values, not a {type(inputs).__name__}", field="inputs")
        left: dict[str, Any] = {}
        for key, value in inputs.items():
            if not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise BadInput(f"names of inputs are strings, found {key!r}", field="inputs")
            left[normal(key)] = value
        self._match(self.model, "", left)
        for name, value in left.items():
            if name not in self.given:
                self.given[name] = take(value, None, name)

    def _match(self, model: "Model", prefix: str, inputs: Mapping[str, Any]) -> None:
        """Give the elements of a model the inputs that name them; elements of imports are named `import.name`."""
        elements = model.definitions.elements.values()
        for element in [*_only(elements, InputData), *_only(elements, Decision)]:
            for name in (element.name, element.variable, element.id):
                known = prefix + name
                if known in inputs and (known not in self.given or isinstance(element, InputData)):
                    type_ = model.types.find(element.type_ref, element.line)
                    value = take(inputs[known], type_, known)
                    self.values[id(model), element.id] = value
                    self.given[prefix + element.variable] = self.given[known] = value
                    break
        for name, imported in model.imported.items():
            self._match(imported, f"{prefix}{name}." if name else prefix, inputs)
            inside = inputs.get(prefix + name)
            if name and isinstance(inside, Mapping):
                self._match(
                    imported, f"{prefix}{name}.", {f"{prefix}{name}.{key}": each for key, each in inside.items()}
                )

    def of(self, element: Element) -> Value:
        """The value of a decision or a decision service of the model."""
        self.values = {key: value for key, value in self.values.items() if key != (id(self.model), element.id)}
        self._needs(element)
        try:
            with deep_stack():
                if isinstance(element, DecisionService):
                    return self._serve(self.model, element, self)
                return self.decide(self.model, element)
        except (LimitReached, Refused) as error:
            self._fail(self.model, element, str(error))

    def _fail(self, model: "Model", element: Element, message: str) -> NoReturn:
        place = f"decision {element.name!r}" if isinstance(element, Decision) else repr(element.name)
        raise PolicyError(model.definitions.file, [Fault(element.line, 1, f"{place}: {message}")])

    def _needs(self, element: Element) -> None:
        """Every input data that a decision needs is given."""
        missing: dict[str, tuple[Model, Element]] = {}
        seen: set[tuple[int, str]] = set()
        waiting: list[tuple[Model, Element]] = [(self.model, element)]
        while waiting:
            model, each = waiting.pop()
            if (id(model), each.id) in self.values or (id(model), each.id) in seen:
                continue
            seen.add((id(model), each.id))
            if isinstance(each, InputData):
                missing[next(self.model.called(model, each))] = (model, each)
            hrefs = (
                each.information
                if isinstance(each, Decision)
                else each.outputs
                if isinstance(each, DecisionService)
                else []
            )
            waiting.extend(model.target(href) for href in hrefs)
        if missing:
            names = sorted(missing)
            model, first = missing[names[0]]
            told = f" ({first.type_ref})" if first.type_ref else ""
            near = suggestion(names[0], self.given).replace("did you mean", "given is")
            others = f"; also missing: {', '.join(names[1:])}" if names[1:] else ""
            raise BadInput(f"this input is missing{told}{near}; give None for null{others}", field=names[0])

    # decisions

    def decide(self, model: "Model", element: Element) -> Value:
        """The value of a required element: an input, a decision, or a function made of knowledge."""
        key = (id(model), element.id)
        if key not in self.values:
            self.values[key] = self._value(model, element)
        return self.values[key]

    def _value(self, model: "Model", element: Element) -> Value:
        match element:
            case Decision():
                compiled = self._compiled(model, element)
                scope = Scope(self._required(model, element), Scope(self.given))
                return conform(compiled.node.evaluate(scope, self.run), compiled.type)
            case BusinessKnowledgeModel():
                return self._function(model, element)
            case DecisionService():
                return self._service(model, element)
            case _:
                raise BadInput(
                    "this input is missing; give None for null", field=next(self.model.called(model, element))
                )

    def _required(self, model: "Model", element: Element) -> _Lazy:
        """What an element requires, by every name it may use."""
        find: dict[str, Callable[[], Value]] = {}
        for owner, target in map(model.target, _requirements(element)):
            for name in model.called(owner, target):
                find.setdefault(name, lambda owner=owner, target=target: self.decide(owner, target))
        return _Lazy(find)

    def _vocabulary(self, model: "Model", element: Element, *names: str) -> Vocabulary:
        known = [
            name for owner, target in map(model.target, _requirements(element)) for name in model.called(owner, target)
        ]
        return Vocabulary(
            Names([*known, *names]), self._members, model.types, model.type_names, FUNCTIONS, FUNCTION_NAMES
        )

    def _compiled(self, model: "Model", decision: Decision) -> _Compiled:
        key = (decision.id, self._names, self._more_members)
        if key not in model.compiled:
            if decision.expression is None:
                self._fail(model, decision, "it has no logic: no table, no expression")
            words = self._vocabulary(model, decision, *self.given)
            node = model.compiler.compile(decision.expression, words, f"decision {decision.name!r}")
            _bounded(model.compiled)[key] = _Compiled(node, model.types.find(decision.type_ref, decision.line))
        return model.compiled[key]

    # knowledge and services as functions

    def _function(self, model: "Model", element: BusinessKnowledgeModel) -> Value:
        logic = element.logic
        if logic is None or isinstance(logic, Refusal):
            self._fail(model, element, logic.message if logic else "this business knowledge model has no logic")
        inside = self._required(model, element)
        types = self._parameter_types(model, element)

        def call(arguments: list[Value], run: Run) -> Value:
            literal = self._knowledge(model, element, logic)
            itself = {element.variable: function, element.name: function}
            made = literal.evaluate(Scope(inside, Scope(itself)), run)
            given = [conform(value, types.get(name)) for name, value in zip(made.parameters, arguments, strict=True)]
            return conform(made.call(given, run), self._result_type(model, element))

        function = Function(element.variable, tuple(name for name, _ in logic.parameters), call)
        return function

    def _knowledge(self, model: "Model", element: BusinessKnowledgeModel, logic: FunctionDefinition) -> FunctionLiteral:
        key = (element.id, frozenset[str](), self._more_members)
        if key not in model.compiled:
            words = self._vocabulary(model, element, element.variable, element.name)
            _bounded(model.compiled)[key] = model.compiler.function(
                logic, words, f"business knowledge model {element.name!r}"
            )
        return model.compiled[key]

    def _result_type(self, model: "Model", element: Element) -> Type | None:
        """DMN up to 1.2 types the variable of knowledge by its result; later versions by a function type."""
        item = model.types.item(element.type_ref)
        if item is not None and item.function is not None:
            return model.types.find(item.function.returns, item.line)
        type_ = model.types.find(element.type_ref, element.line)
        return None if isinstance(type_, FunctionType) else type_

    def _parameter_types(self, model: "Model", element: Element) -> Mapping[str, Type | None]:
        """What a function type says of the parameters, by their names."""
        item = model.types.item(element.type_ref)
        if item is None or item.function is None:
            return {}
        return {name: model.types.find(type_ref, item.line) for name, type_ref in item.function.parameters.items()}

    def _service(self, model: "Model", service: DecisionService) -> Value:
        """A decision service as a function of its input data, then its input decisions."""
        targets = [model.target(href) for href in (*service.input_data, *service.input_decisions)]
        types = self._parameter_types(model, service)

        def call(arguments: list[Value], run: Run) -> Value:
            inner = Evaluation.__new__(Evaluation)
            inner.model, inner.run, inner.given = self.model, run, {}
            inner._more_members, inner._members, inner._names = self._more_members, self._members, frozenset()
            inner.values = {}
            for (owner, target), argument in zip(targets, arguments, strict=True):
                value = conform(argument, types.get(target.variable))
                inner.values[id(owner), target.id] = conform(value, owner.types.find(target.type_ref, target.line))
            return self._serve(model, service, inner)

        return Function(service.variable, tuple(target.variable for _, target in targets), call)

    def _serve(self, model: "Model", service: DecisionService, evaluation: "Evaluation") -> Value:
        outputs = [model.target(href) for href in service.outputs]
        if not outputs:
            self._fail(model, service, "this decision service has no output decision")
        values = {target.variable: evaluation.decide(owner, target) for owner, target in outputs}
        value = values if len(outputs) > 1 else next(iter(values.values()))
        return conform(value, self._result_type(model, service))


def _requirements(element: Element) -> list[str]:
    match element:
        case Decision():
            return [*element.information, *element.knowledge]
        case BusinessKnowledgeModel():
            return element.knowledge
        case _:
            return []


def _only(elements: Any, kind: type[Element]) -> list[Element]:
    return [element for element in elements if isinstance(element, kind)]


def _bounded(compiled: dict[Any, Any]) -> dict[Any, Any]:
    """Inputs with ever new names must not fill the memory."""
    if len(compiled) > 2_000:
        compiled.clear()
    return compiled
