"""Values as the outside writes them (JSON, Python) and as the compilers hold them (see `types.py`).

Outside, a number is an int or a `Decimal` (a float is read by its shortest form, so 4.8 is exactly 4.8), dates and date-times are
`date` and `datetime` or ISO 8601 text, durations are ISO 8601 text.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from evenhand.errors import BadInput
from evenhand.policy.constants import date_constant, datetime_constant, duration_constant
from evenhand.policy.errors import suggestion
from evenhand.policy.types import Type, Value

_EPOCH: Final = date(1970, 1, 1)
_MOMENT: Final = datetime(1970, 1, 1, tzinfo=UTC)


def inward(kind: Type, value: Any, name: str) -> Value:
    """A value from outside as the compilers hold it; raises `BadInput` naming the fact."""
    if value is None:
        return None
    # what most facts are comes first: pattern matching takes its time
    if kind.kind == "text" and isinstance(value, str):
        return _text(kind, value, name)
    if kind.kind == "boolean" and isinstance(value, bool):
        return value
    if type(value) is int and kind.kind == "number" and not kind.scale and kind.low <= value <= kind.high:
        return value
    match value, kind.kind:
        case bool(), _:
            pass
        case ((int() | float() | Decimal()), "number"):
            return _number(kind, value, name)
        case datetime(), "datetime" if value.tzinfo is not None:
            return (value - _MOMENT) // timedelta(seconds=1)
        case datetime(), _:
            pass
        case date(), "date":
            return (value - _EPOCH).days
        case timedelta(), "duration":
            return value // timedelta(seconds=1)
        case int(), "months":
            return value
        case str(), ("date" | "datetime" | "duration" | "months"):
            found = {"date": date_constant, "datetime": datetime_constant}.get(kind.kind, duration_constant)(value)
            if found is not None and found.type.kind == kind.kind:
                return found.value
        case _:
            pass
    raise BadInput(f"expected {_wanted(kind)}, got {_shown(value)}", field=name)


def outward(kind: Type, value: Value) -> Any:
    """A value as the outside reads it: numbers with decimals as `Decimal`, dates as `date`, durations as ISO 8601 text."""
    if value is None or kind.kind in ("boolean", "text") or (kind.kind == "number" and not kind.scale):
        return value
    assert isinstance(value, int)
    match kind.kind:
        case "number":
            return Decimal(value).scaleb(-kind.scale)
        case "date":
            return date.fromordinal(value + _EPOCH.toordinal())
        case "datetime":
            return _MOMENT + timedelta(seconds=value)
        case "months":
            return f"{'-' if value < 0 else ''}P{abs(value) // 12}Y{abs(value) % 12}M"
        case _:
            return f"{'-' if value < 0 else ''}P{abs(value) // 86400}DT{abs(value) % 86400}S"


def trusted(kind: Type, value: Value) -> Any:
    """A value as the row function reads it from nested facts: as outside, durations as their counts."""
    return value if kind.kind in ("duration", "months") else outward(kind, value)


def _text(kind: Type, value: str, name: str) -> str:
    if kind.values and value not in kind.values:
        known = ", ".join(kind.values)
        raise BadInput(f"{_shown(value)} is not one of {known}{suggestion(value, kind.values)}", field=name)
    return value


def _number(kind: Type, value: float | Decimal, name: str) -> int:
    exact = value if isinstance(value, int | Decimal) else Decimal(repr(value))
    if isinstance(exact, Decimal):
        if not exact.is_finite():
            raise BadInput(f"expected {_wanted(kind)}, got {value}", field=name)
        # compared before it is scaled: 1e999999 is refused, not written out
        if abs(exact) > 10**18:
            raise BadInput(f"{_shown(value)} is too large", field=name)
        scaled = exact.scaleb(kind.scale)
        whole = int(scaled)
        if whole != scaled:
            places = f"{kind.scale} decimals" if kind.scale else "whole numbers"
            raise BadInput(f"{_shown(value)} has more decimals than {places} allow", field=name)
    else:
        whole = exact * 10**kind.scale
    if not kind.low <= whole <= kind.high:
        by = Decimal(1).scaleb(-kind.scale)
        raise BadInput(f"{_shown(value)} lies outside {kind.low * by:,} to {kind.high * by:,}", field=name)
    return whole


def _wanted(kind: Type) -> str:
    match kind.kind:
        case "number":
            return f"a number with {kind.scale} decimals at most" if kind.scale else "a whole number"
        case "boolean":
            return "true or false"
        case "date":
            return "a date like 2025-03-24"
        case "datetime":
            return "a date and time with its zone, like 2025-03-24T00:00:00+08:00"
        case _:
            return str(kind)


def _shown(value: Any) -> str:
    match value:
        case str():
            return repr(value if len(value) <= 60 else f"{value[:60]}...")
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return str(value)[:40]
        case Mapping():
            return "an object"
        case list():
            return "a list"
        case _:
            return f"a {type(value).__name__}"


def nested(facts: Any, known: Mapping[str, Type], needed: tuple[str, ...]) -> dict[str, Any]:
    """Check nested facts from outside; gives them back as the row function reads them, `needed` ones filled up with null.

    Raises `BadInput` naming the fact that is unknown, of the wrong type or out of range.
    """
    found: dict[str, Value] = {}
    _walk(facts, "", known, _groups(tuple(known)), found)
    answer: dict[str, Any] = {}
    for name, value in (dict.fromkeys(needed) | found).items():
        place = answer
        groups, leaf = _path(name)
        for group in groups:
            place = place.setdefault(group, {})
        place[leaf] = None if value is None else trusted(known[name], value)
    return answer


@lru_cache(maxsize=1024)
def _path(name: str) -> tuple[tuple[str, ...], str]:
    *groups, leaf = name.split(".")
    return tuple(groups), leaf


@lru_cache(maxsize=64)
def _groups(names: tuple[str, ...]) -> frozenset[str]:
    """What stands before a dot in names."""
    return frozenset(name[:place] for name in names for place in range(len(name)) if name[place] == ".")


def _walk(value: Any, path: str, known: Mapping[str, Type], groups: frozenset[str], found: dict[str, Value]) -> None:
    if path in known and path not in groups:
        found[path] = inward(known[path], value, path)
        return
    if value is None and path:
        return
    if not isinstance(value, Mapping):
        what = path or "the facts"
        raise BadInput(f"expected an object of facts, got {_shown(value)}", field="" if not path else what)
    for key, inner in value.items():
        name = f"{path}.{key}" if path else str(key)
        if name not in known and name not in groups:
            shown = name if len(name) <= 80 else f"{name[:80]}..."
            hint = "; facts are nested objects" if "." in str(key) and name.count(".") == 1 else ""
            raise BadInput(f"is no fact{suggestion(name, known)}{hint}", field=shown)
        if "." in str(key):
            raise BadInput("facts are nested objects: write a fact a.b as b inside a", field=name)
        _walk(inner, name, known, groups, found)
