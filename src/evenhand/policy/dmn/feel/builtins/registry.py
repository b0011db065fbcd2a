"""How built-in functions are declared and called.

A function has one or more signatures, written as FEEL documents them: `"string: string, start position: number"`.
A call takes the first signature that its arguments fit, after FEEL's own conversions between a value and a list of one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, DecimalException
from typing import Any, Final

from evenhand.policy.dmn.feel.iteration import BuiltIn
from evenhand.policy.dmn.feel.run import Run
from evenhand.policy.dmn.feel.values import Function, Range, Value, YearsMonths, kind

Body = Callable[..., Value]

_PYTHON: Final[dict[str, tuple[type, ...]]] = {
    "number": (Decimal,),
    "string": (str,),
    "boolean": (bool,),
    "list": (list,),
    "context": (dict,),
    "range": (Range,),
    "date": (date,),
    "moment": (datetime,),
    "time": (time,),
    "duration": (timedelta, YearsMonths),
    "days": (timedelta,),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    kind: str
    optional: bool

    def take(self, value: Value) -> tuple[bool, Value]:
        """Whether a value fits, and what the function gets."""
        if self.kind == "any":
            return True, value
        if value is None:
            return self.optional, None
        if self._fits(value):
            return True, value
        if self.kind == "list":
            return True, [value]
        if isinstance(value, list) and len(value) == 1 and self._fits(value[0]):
            return True, value[0]
        return False, None

    def _fits(self, value: Value) -> bool:
        if self.kind == "function":
            return kind(value) == "function"
        if self.kind == "date" and isinstance(value, datetime):
            return False
        return isinstance(value, _PYTHON[self.kind])


@dataclass(frozen=True, slots=True)
class Signature:
    parameters: tuple[Parameter, ...]
    # the last parameter takes any number of arguments (written `name...: kind`)
    repeats: bool
    body: Body

    def bind(self, arguments: list[Value]) -> list[Value] | None:
        """Arguments as the body takes them; None when they do not fit."""
        least = sum(not parameter.optional for parameter in self.parameters)
        if len(arguments) < least or (len(arguments) > len(self.parameters) and not self.repeats):
            return None
        bound: list[Value] = []
        for place, argument in enumerate(arguments):
            fits, value = self.parameters[min(place, len(self.parameters) - 1)].take(argument)
            if not fits:
                return None
            bound.append(value)
        return bound

    def by_name(self, arguments: dict[str, Value]) -> list[Value] | None:
        """Named arguments in the order of the parameters, up to the last one given; None when a name is not known."""
        names = [parameter.name for parameter in self.parameters]
        if not arguments.keys() <= set(names):
            return None
        missing = [
            parameter.name
            for parameter in self.parameters
            if not parameter.optional and parameter.name not in arguments
        ]
        if missing:
            return None
        last = max(names.index(name) for name in arguments)
        return self.bind([arguments.get(name) for name in names[: last + 1]])


@dataclass(frozen=True, slots=True, eq=False)
class BuiltInFunction:
    name: str
    signatures: tuple[Signature, ...]

    def call(self, arguments: list[Value], run: Run) -> Value:
        for signature in self.signatures:
            bound = signature.bind(arguments)
            if bound is not None:
                return _invoke(signature.body, bound, run)
        return None

    def call_named(self, arguments: dict[str, Value], run: Run) -> Value:
        for signature in self.signatures:
            bound = signature.by_name(arguments)
            if bound is not None:
                return _invoke(signature.body, bound, run)
        return None


def _invoke(body: Body, arguments: list[Value], run: Run) -> Value:
    run.charge(sum(map(_size, arguments)))
    try:
        result = body(run, *arguments)
    except (DecimalException, OverflowError):
        return None
    run.charge(_size(result))
    return result


def _size(value: Value) -> int:
    """What a pass over a value costs in steps."""
    return len(value) if isinstance(value, list) else len(value) // 64 if isinstance(value, str) else 0


def apply(function: Any, arguments: list[Value], run: Run) -> Value:
    """Call a function that was given as an argument."""
    run.enter()
    try:
        if isinstance(function, Function):
            return function.call(arguments, run) if len(arguments) == len(function.parameters) else None
        built_in: BuiltIn = function
        return built_in.call(arguments, run)
    finally:
        run.leave()


class Library:
    """The functions of one subject, declared with `@library.function(name, signature)`."""

    def __init__(self) -> None:
        self.signatures: dict[str, list[Signature]] = {}

    def function(self, name: str, *declarations: str) -> Callable[[Body], Body]:
        def declare(body: Body) -> Body:
            for declaration in declarations:
                parameters, repeats = _parameters(declaration)
                self.signatures.setdefault(name, []).append(Signature(parameters, repeats, body))
            return body

        return declare


def _parameters(declaration: str) -> tuple[tuple[Parameter, ...], bool]:
    parameters: list[Parameter] = []
    repeats = False
    for part in filter(None, declaration.split(", ")):
        name, _, kind_ = part.partition(": ")
        repeats = name.endswith("...")
        parameters.append(Parameter(name.rstrip(".?"), kind_, name.endswith("?")))
    return tuple(parameters), repeats


def combined(*libraries: Library) -> dict[str, BuiltInFunction]:
    return {
        name: BuiltInFunction(name, tuple(signatures))
        for library in libraries
        for name, signatures in library.signatures.items()
    }
