"""Python values as FEEL values, checked against the types of the input data. Errors name the place: `order.lines[2].price`."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, cast

from evenhand.errors import BadInput
from evenhand.policy.dmn.feel.builtins.conversion import text_of
from evenhand.policy.dmn.feel.lexer import normal
from evenhand.policy.dmn.feel.temporal import parse_date, parse_duration, parse_moment, parse_time
from evenhand.policy.dmn.feel.types import ANY, Basic, Constrained, FunctionType, ListOf, Named, Structure, Type
from evenhand.policy.dmn.feel.values import Function, Range, Value, YearsMonths, kind, number

_MAX_DEPTH: Final = 100
_READERS: Final = {
    "date": parse_date,
    "time": parse_time,
    "date and time": parse_moment,
    "days and time duration": parse_duration,
    "years and months duration": parse_duration,
}
_EXAMPLES: Final = {
    "date": "2025-03-24",
    "time": "13:45:00",
    "date and time": "2025-03-24T13:45:00+08:00",
    "days and time duration": "P2DT12H",
    "years and months duration": "P1Y6M",
}


def take(value: Any, type_: Type | None, place: str, depth: int = 0) -> Value:
    """A value from outside as a value of a type; raises `BadInput` naming `place` when it is none."""
    if depth > _MAX_DEPTH:
        raise BadInput(f"nested more than {_MAX_DEPTH} deep", field=place)
    match type_:
        case _ if value is None:
            return None
        case Named():
            return take(value, type_.table[type_.name], place, depth + 1)
        case Constrained():
            taken = take(value, type_.base, place, depth + 1)
            if not type_.accepts(taken):
                raise BadInput(f"{_shown(taken)} is not among the allowed values {type_.text}", field=place)
            return taken
        case ListOf():
            if not isinstance(value, list | tuple):
                return [take(value, type_.of, place, depth + 1)]
            values = cast("list[Any]", value)
            return [take(each, type_.of, f"{place}[{index}]", depth + 1) for index, each in enumerate(values)]
        case Structure():
            return _structure(value, type_, place, depth)
        case Basic():
            return _basic(value, type_, place, depth)
        case FunctionType():
            raise BadInput("functions are not taken as inputs", field=place)
        case _:
            return _any(value, place, depth)


def _structure(value: Any, type_: Structure, place: str, depth: int) -> Value:
    if isinstance(value, list | tuple) and len(cast("list[Any]", value)) == 1:
        return _structure(value[0], type_, place, depth)
    if not isinstance(value, Mapping):
        raise BadInput(f"expected an object with {', '.join(type_.fields)}, found {_found(value)}", field=place)
    given = _keys(cast("Mapping[Any, Any]", value), place)
    taken = {name: take(given.get(name), field, f"{place}.{name}", depth + 1) for name, field in type_.fields.items()}
    others = {name: take(each, ANY, f"{place}.{name}", depth + 1) for name, each in given.items() if name not in taken}
    return {**taken, **others}


def _keys(value: Mapping[Any, Any], place: str) -> dict[str, Any]:
    for key in value:
        if not isinstance(key, str):
            raise BadInput(f"keys are strings, found {_found(key)}", field=place)
    return {normal(key): each for key, each in value.items()}


def _basic(value: Any, type_: Basic, place: str, depth: int) -> Value:
    taken = _any(value, place, depth)
    if isinstance(taken, list) and len(taken) == 1:
        taken = taken[0]
    if type_.accepts(taken):
        return taken
    if isinstance(taken, str) and type_.name in _READERS:
        read = _READERS[type_.name](taken)
        if read is not None and type_.accepts(read):
            return read
    if type(taken) is date and type_.name == "date and time":
        return datetime.combine(taken, time())
    example = f" such as {_EXAMPLES[type_.name]}" if type_.name in _EXAMPLES else ""
    raise BadInput(f"expected a {type_}{example}, found {_found(value)}", field=place)


def _any(value: Any, place: str, depth: int) -> Value:
    """A value of the kind that it is in Python."""
    if depth > _MAX_DEPTH:
        raise BadInput(f"nested more than {_MAX_DEPTH} deep", field=place)
    match value:
        case None | bool() | str() | datetime() | date() | time() | timedelta() | YearsMonths() | Range() | Function():
            return value
        case int() | Decimal():
            return _number(value, place)
        case float():
            return _number(Decimal(repr(value)), place)
        case list() | tuple():
            values = cast("list[Any]", value)
            return [_any(each, f"{place}[{index}]", depth + 1) for index, each in enumerate(values)]
        case Mapping():
            given = _keys(cast("Mapping[Any, Any]", value), place)
            return {key: _any(each, f"{place}.{key}", depth + 1) for key, each in given.items()}
        case _:
            raise BadInput(f"a {type(value).__name__} is no value of FEEL", field=place)


def _number(value: int | Decimal, place: str) -> Decimal:
    if isinstance(value, Decimal) and not value.is_finite():
        raise BadInput(f"{value} is not a number that FEEL knows", field=place)
    taken = number(value)
    if taken is None:
        raise BadInput("the number is out of range", field=place)
    return taken


def _found(value: Any) -> str:
    try:
        taken = _any(value, "", 0)
    except BadInput:
        return f"a {type(value).__name__}"
    return f"the {kind(taken)} {_shown(taken)}" if taken is not None else "null"


def _shown(value: Value) -> str:
    text = text_of(value)
    return text if len(text) <= 60 else text[:57] + "..."
