"""FEEL in one call, for tests."""

from datetime import datetime
from typing import Any

from evenhand.policy.dmn.feel.builtins import FUNCTION_NAMES, FUNCTIONS
from evenhand.policy.dmn.feel.builtins.conversion import text_of
from evenhand.policy.dmn.feel.lexer import Names
from evenhand.policy.dmn.feel.parser import parse, parse_tests
from evenhand.policy.dmn.feel.run import Run, deep_stack
from evenhand.policy.dmn.feel.scope import Scope
from evenhand.policy.dmn.feel.stream import Vocabulary


def vocabulary(*names: str) -> Vocabulary:
    return Vocabulary(names=Names(names), functions=FUNCTIONS, function_names=FUNCTION_NAMES)


def evaluate(text: str, variables: dict[str, Any] | None = None, now: datetime | None = None) -> Any:
    names = variables or {}
    with deep_stack():
        return parse(text, vocabulary(*names)).evaluate(Scope(names), Run(now))


def shown(text: str, variables: dict[str, Any] | None = None) -> str:
    """The value of an expression, as FEEL writes it."""
    return text_of(evaluate(text, variables))


def passes(tests: str, value: Any, variables: dict[str, Any] | None = None) -> bool:
    """Whether a value passes unary tests."""
    names = variables or {}
    return parse_tests(tests, vocabulary(*names)).hold(value, Scope(names), Run())
