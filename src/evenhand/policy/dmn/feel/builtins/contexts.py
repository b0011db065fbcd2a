"""Functions on contexts."""

from typing import Final

from evenhand.policy.dmn.feel.builtins.registry import Library
from evenhand.policy.dmn.feel.run import Run
from evenhand.policy.dmn.feel.values import Value

LIBRARY: Final = Library()


@LIBRARY.function("get value", "m: context, key: string", "context: context, key: string")
def _get_value(_: Run, context: dict[str, Value], key: str) -> Value:
    return context.get(key)


@LIBRARY.function("get value", "m: context, key: list")
def _get_value_at(_: Run, context: dict[str, Value], keys: list[Value]) -> Value:
    value: Value = context
    for key in keys:
        if not isinstance(value, dict) or not isinstance(key, str):
            return None
        value = value.get(key)
    return value if keys else None


@LIBRARY.function("get entries", "m: context", "context: context")
def _get_entries(_: Run, context: dict[str, Value]) -> Value:
    return [{"key": key, "value": value} for key, value in context.items()]


@LIBRARY.function("context", "entries: list")
def _context(_: Run, entries: list[Value]) -> Value:
    result: dict[str, Value] = {}
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("key"), str) or "value" not in entry:
            return None
        if entry["key"] in result:
            return None
        result[entry["key"]] = entry["value"]
    return result


@LIBRARY.function("context put", "context: context, key: string, value: any")
def _context_put(_: Run, context: dict[str, Value], key: str, value: Value) -> Value:
    return {**context, key: value}


@LIBRARY.function("context put", "context: context, keys: list, value: any")
def _context_put_at(run: Run, context: dict[str, Value], keys: list[Value], value: Value) -> Value:
    if not keys or not all(isinstance(key, str) for key in keys):
        return None
    first, *rest = keys
    if not rest:
        return {**context, first: value}
    inner = context.get(first)
    if inner is not None and not isinstance(inner, dict):
        return None
    changed = _context_put_at(run, inner or {}, rest, value)
    return None if changed is None else {**context, first: changed}


@LIBRARY.function("context merge", "contexts: list")
def _context_merge(_: Run, contexts: list[Value]) -> Value:
    if not all(isinstance(context, dict) for context in contexts):
        return None
    return {key: value for context in contexts for key, value in context.items()}
