"""FEEL's types: what conforms to them, and the few conversions the standard makes on its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from evenhand.policy.dmn.feel.values import Range, Value, kind


class Type:
    """A type; null conforms to every one of them."""

    def accepts(self, value: Value) -> bool:
        raise NotImplementedError

    def holds(self, value: Value) -> bool:
        """`value instance of` the type: like `accepts`, but null is of no type and allowed values do not count."""
        return value is not None and self.accepts(value)

    @property
    def element(self) -> "Type | None":
        """The type of the elements, for list types."""
        return None


@dataclass(frozen=True, slots=True)
class AnyType(Type):
    def accepts(self, value: Value) -> bool:
        return True

    def __str__(self) -> str:
        return "Any"


@dataclass(frozen=True, slots=True)
class Basic(Type):
    """One of the built-in kinds, by the name that `values.kind` gives it."""

    name: str

    def accepts(self, value: Value) -> bool:
        return value is None or kind(value) == self.name

    def holds(self, value: Value) -> bool:
        return kind(value) == self.name

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ListOf(Type):
    of: Type

    def accepts(self, value: Value) -> bool:
        return value is None or (isinstance(value, list) and all(self.of.accepts(each) for each in value))

    def holds(self, value: Value) -> bool:
        return isinstance(value, list) and all(each is None or self.of.holds(each) for each in value)

    @property
    def element(self) -> Type | None:
        return self.of

    def __str__(self) -> str:
        return f"list<{self.of}>"


@dataclass(frozen=True, slots=True)
class RangeOf(Type):
    of: Type

    def accepts(self, value: Value) -> bool:
        return value is None or (
            isinstance(value, Range) and self.of.accepts(value.low) and self.of.accepts(value.high)
        )

    def __str__(self) -> str:
        return f"range<{self.of}>"


@dataclass(frozen=True, slots=True)
class Structure(Type):
    """A context with at least these members."""

    fields: Mapping[str, Type]

    def accepts(self, value: Value) -> bool:
        if value is None:
            return True
        return isinstance(value, dict) and all(
            name in value and type_.accepts(value[name]) for name, type_ in self.fields.items()
        )

    def holds(self, value: Value) -> bool:
        return isinstance(value, dict) and all(
            name in value and (value[name] is None or type_.holds(value[name])) for name, type_ in self.fields.items()
        )

    def __str__(self) -> str:
        return f"context<{', '.join(f'{name}: {type_}' for name, type_ in self.fields.items())}>"


@dataclass(frozen=True, slots=True)
class FunctionType(Type):
    """Functions are told apart by being functions only: FEEL's own literals carry no result type."""

    parameters: tuple[Type, ...]

    def accepts(self, value: Value) -> bool:
        return value is None or kind(value) == "function"

    def __str__(self) -> str:
        return "function"


@dataclass(frozen=True, slots=True)
class Named(Type):
    """An item definition; what it stands for is looked up when needed, so that definitions may refer to one another."""

    name: str
    table: Mapping[str, Type]

    def accepts(self, value: Value) -> bool:
        return self.table[self.name].accepts(value)

    def holds(self, value: Value) -> bool:
        return self.table[self.name].holds(value)

    @property
    def element(self) -> Type | None:
        return self.table[self.name].element

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Constrained(Type):
    """A type with allowed values."""

    base: Type
    allows: Callable[[Value], bool]
    # the allowed values as written, for messages
    text: str

    def accepts(self, value: Value) -> bool:
        return value is None or (self.base.accepts(value) and self.allows(value))

    def holds(self, value: Value) -> bool:
        return self.base.holds(value)

    @property
    def element(self) -> Type | None:
        return self.base.element

    def __str__(self) -> str:
        return str(self.base)


ANY: Final = AnyType()
BASIC: Final[dict[str, Type]] = {
    "number": Basic("number"),
    "string": Basic("string"),
    "boolean": Basic("boolean"),
    "date": Basic("date"),
    "time": Basic("time"),
    "date and time": Basic("date and time"),
    "days and time duration": Basic("days and time duration"),
    "years and months duration": Basic("years and months duration"),
    # the names that DMN 1.1 and some editors write
    "dateTime": Basic("date and time"),
    "dayTimeDuration": Basic("days and time duration"),
    "yearMonthDuration": Basic("years and months duration"),
    "integer": Basic("number"),
    "long": Basic("number"),
    "double": Basic("number"),
    "Any": ANY,
    "any": ANY,
    "Null": Basic("null"),
    "list": ListOf(ANY),
    "context": Basic("context"),
    "function": FunctionType(()),
    "range": RangeOf(ANY),
}


class _Unfit:
    __slots__ = ()


UNFIT: Final = _Unfit()


def convert(value: Value, type_: Type) -> Value:
    """A value as a value of a type: itself, or by the conversions of DMN 10.3.2.9.4; `UNFIT` when there is none.

    A list of one element becomes its element, a value becomes a list of one, a date becomes its midnight in UTC.
    """
    if type_.accepts(value):
        return value
    element = type_.element
    if element is not None:
        if isinstance(value, list):
            parts = [convert(each, element) for each in value]
            return parts if UNFIT not in parts and type_.accepts(parts) else UNFIT
        part = convert(value, element)
        return [part] if part is not UNFIT and type_.accepts([part]) else UNFIT
    if isinstance(value, list) and len(value) == 1:
        return convert(value[0], type_)
    if type(value) is date:
        moment = datetime.combine(value, time(tzinfo=UTC))
        return moment if type_.accepts(moment) else UNFIT
    return UNFIT


def conform(value: Value, type_: Type | None) -> Value:
    """A result as the standard takes it: converted, or null when it does not conform to its type."""
    if type_ is None:
        return value
    converted = convert(value, type_)
    return None if converted is UNFIT else converted
