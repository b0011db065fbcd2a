"""Every name that a file gives to a member of a context, so that FEEL texts can tell names of several words."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from evenhand.policy.dmn.elements import (
    BoxedContext,
    DecisionTable,
    Definitions,
    Element,
    ItemDefinition,
    Relation,
    Text,
)
from evenhand.policy.dmn.feel.errors import FeelError
from evenhand.policy.dmn.feel.lexer import tokens, written_keys


def members(definitions: Definitions) -> set[str]:
    """Components of item definitions, outputs of tables, entries, columns, and keys in FEEL contexts."""
    found: set[str] = set()
    for part in _parts([*definitions.items.values(), *definitions.elements.values()]):
        match part:
            case ItemDefinition():
                found.update(component.name for component in part.components)
            case DecisionTable():
                found.update(output.name for output in part.outputs if output.name)
            case BoxedContext():
                found.update(entry.name for entry in part.entries if entry.name)
            case Relation():
                found.update(name for name, _ in part.columns)
            case Element():
                found.add(part.variable)
            case Text():
                found.update(_keys(part.text))
            case _:
                pass
    return found


def _keys(text: str) -> set[str]:
    if ":" not in text:
        return set()
    try:
        return written_keys(text, tokens(text))
    except FeelError:
        return set()  # whoever evaluates the text is told


def _parts(roots: list[Any]) -> Iterator[Any]:
    waiting = roots
    while waiting:
        part = waiting.pop()
        if isinstance(part, list | tuple):
            waiting.extend(part)
        elif is_dataclass(part):
            yield part
            waiting.extend(getattr(part, field.name) for field in fields(part))


def keys_within(value: Any, depth: int = 0) -> Iterator[str]:
    """The keys of contexts in an input, at any depth."""
    if depth > 100:
        return
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from keys_within(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from keys_within(each, depth + 1)
