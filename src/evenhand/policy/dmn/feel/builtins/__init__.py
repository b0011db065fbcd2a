"""The built-in functions of DMN 1.3 to 1.5, by subject. A call that does not fit a function's parameters is null."""

from typing import Final

from evenhand.policy.dmn.feel.builtins import (
    contexts,
    conversion,
    lists,
    numbers,
    ranges,
    statistics,
    strings,
    temporal,
)
from evenhand.policy.dmn.feel.builtins.registry import BuiltInFunction, combined
from evenhand.policy.dmn.feel.lexer import Names

FUNCTIONS: Final[dict[str, BuiltInFunction]] = combined(
    conversion.LIBRARY,
    strings.LIBRARY,
    lists.LIBRARY,
    statistics.LIBRARY,
    numbers.LIBRARY,
    temporal.LIBRARY,
    ranges.LIBRARY,
    contexts.LIBRARY,
)
FUNCTION_NAMES: Final = Names(FUNCTIONS)
