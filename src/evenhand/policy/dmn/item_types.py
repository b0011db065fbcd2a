"""Item definitions as FEEL types."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from evenhand.policy.dmn.elements import Definitions, ItemDefinition, Text
from evenhand.policy.dmn.feel.builtins import FUNCTION_NAMES, FUNCTIONS
from evenhand.policy.dmn.feel.errors import FeelError
from evenhand.policy.dmn.feel.lexer import Names
from evenhand.policy.dmn.feel.parser import parse_tests
from evenhand.policy.dmn.feel.run import Run
from evenhand.policy.dmn.feel.scope import Scope
from evenhand.policy.dmn.feel.stream import Vocabulary
from evenhand.policy.dmn.feel.tree import UnaryTests
from evenhand.policy.dmn.feel.types import BASIC, Constrained, FunctionType, ListOf, Named, Structure, Type
from evenhand.policy.dmn.feel.values import Value
from evenhand.policy.errors import Fault, PolicyError, suggestion

_CLOSED: Final = Vocabulary(functions=FUNCTIONS, function_names=FUNCTION_NAMES)


class TypeTable(Mapping[str, Type]):
    """The types a file may name: its item definitions, those of its imports under their names, and FEEL's own."""

    def __init__(self, definitions: Definitions, imported: Mapping[str, "TypeTable"]) -> None:
        self.file = definitions.file
        self._defined = definitions.items
        self._imported = imported
        self._types: dict[str, Type] = {}
        for item in definitions.items.values():
            self._no_circle(item)
        for item in definitions.items.values():
            self._types[item.name] = self._type(item)
        for prefix, table in imported.items():
            for name in table:
                self._types[f"{prefix}.{name}" if prefix else name] = table[name]

    def __getitem__(self, name: str) -> Type:
        return self._types[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    @property
    def names(self) -> Names:
        return Names([*BASIC, *self])

    def find(self, reference: str | None, line: int) -> Type | None:
        """The type of a `typeRef`; None where there is none. Raises `PolicyError` for one that does not exist."""
        if reference is None:
            return None
        for name in (reference, reference.rpartition(":")[2]):
            if name in self._types or name in self._defined:
                return Named(name, self)
            if name in BASIC:
                return BASIC[name]
        message = f"there is no type {reference!r}{suggestion(reference, [*self._types, *BASIC])}"
        raise PolicyError(self.file, [Fault(line, 1, message)])

    def item(self, reference: str | None) -> ItemDefinition | None:
        """The item definition that a `typeRef` names, if it is one of this file."""
        return (
            None
            if reference is None
            else self._defined.get(reference) or self._defined.get(reference.rpartition(":")[2])
        )

    def _no_circle(self, item: ItemDefinition) -> None:
        """A definition may hold itself as a member, not be itself."""
        seen: list[str] = []
        follow: ItemDefinition | None = item
        while follow is not None and not follow.components:
            if follow.name in seen:
                circle = " -> ".join([*seen, follow.name])
                raise PolicyError(
                    self.file, [Fault(item.line, 1, f"the item definition is defined by itself: {circle}")]
                )
            seen.append(follow.name)
            follow = self.item(follow.type_ref)

    def _type(self, item: ItemDefinition) -> Type:
        if item.components:
            type_: Type = Structure({component.name: self._type(component) for component in item.components})
        elif item.function is not None:
            type_ = FunctionType(())
        else:
            type_ = self.find(item.type_ref, item.line) or BASIC["Any"]
        if item.allowed is not None:
            # values of its own replace those of the type it is made of
            type_ = self._constrained(self._unconstrained(type_), item.allowed, item.name)
        if item.collection:
            type_ = ListOf(type_)
        if item.constraint is not None:
            type_ = self._constrained(type_, item.constraint, item.name)
        return type_

    def _unconstrained(self, type_: Type) -> Type:
        """The type without the allowed values of the definition it names."""
        if not isinstance(type_, Named) or type_.name not in self._defined:
            return type_
        item = self._defined[type_.name]
        return self._unconstrained(self._type(replace(item, allowed=None)))

    def _constrained(self, base: Type, text: Text, name: str) -> Type:
        tests = read_tests(text, _CLOSED, self.file, f"allowed values of {name!r}")

        def allows(value: Value) -> bool:
            return tests.hold(value, Scope({}), Run())

        return Constrained(base, allows, " ".join(text.text.split())) if tests.tests else base


def read_tests(text: Text, vocabulary: Vocabulary, file: str, place: str) -> UnaryTests:
    """Unary tests, with errors told as faults of the file."""
    try:
        return parse_tests(text.text, vocabulary)
    except FeelError as error:
        raise fault_of(error, text, file, place) from error


def fault_of(error: FeelError, text: Text, file: str, place: str) -> PolicyError:
    """An error within a FEEL text, as a fault at its line and column."""
    before = text.text[: error.position]
    column = len(before) - before.rfind("\n")
    return PolicyError(file, [Fault(text.line + before.count("\n"), column, f"{place}: {error.message}")])
