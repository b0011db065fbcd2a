"""A growing SMT-LIB script: names are declared once, long texts get a name, strings a number."""

import re
from collections.abc import Mapping
from typing import Final

from evenhand.policy.proof.interpret import text_case, text_test
from evenhand.policy.proof.limits import Undecided
from evenhand.policy.types import Type

_SYMBOL: Final = re.compile(r"\|[^|]*\|")
# Beyond so many strings the table of a text function is not written out.
_MOST_STRINGS: Final = 300


class Script:
    """Declarations and assertions, in order, and what strings are called."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._sorts: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._text_functions: set[str] = set()
        self._fresh = 0

    def declare(self, name: str, sort: str) -> str:
        """A constant of that name, declared once; returns its symbol."""
        symbol = f"|{name}|"
        if symbol not in self._sorts:
            self._sorts[symbol] = sort
            self._lines.append(f"(declare-const {symbol} {sort})")
        return symbol

    def knows(self, name: str) -> bool:
        return f"|{name}|" in self._sorts

    def define(self, name: str, sort: str, value: str) -> str:
        """A constant that equals the text; short texts need none."""
        if len(value) <= 24:
            return value
        symbol = self.declare(name, sort)
        self.claim(f"(= {symbol} {value})")
        return symbol

    def fresh(self, sort: str) -> str:
        self._fresh += 1
        return self.declare(f"t{self._fresh}", sort)

    def short(self, text: str, sort: str) -> str:
        """A text that may be repeated: itself, or a constant that equals it."""
        if len(text) <= 40:
            return text
        symbol = self.fresh(sort)
        self.claim(f"(= {symbol} {text})")
        return symbol

    def claim(self, text: str) -> None:
        self._lines.append(f"(assert {text})")

    def string(self, text: str) -> int:
        """The number of a string."""
        return self._numbers.setdefault(text, len(self._numbers))

    @property
    def strings(self) -> Mapping[str, int]:
        return self._numbers

    def text_function(self, name: str) -> str:
        """A function of strings, called "contains", "starts", "ends", "upper", "lower" or "length"."""
        if name not in self._text_functions:
            self._text_functions.add(name)
            sorts = {"upper": "(Int) Int", "lower": "(Int) Int", "length": "(Int) Int"}.get(name, "(Int Int) Bool")
            self._lines.append(f"(declare-fun text_{name} {sorts})")
        return f"text_{name}"

    def mentioned(self, kinds: Mapping[str, Type]) -> str:
        """Where every string is one that is mentioned, so that text functions are known; empty where none is used."""
        if not self._text_functions:
            return ""
        free = [name for name, kind in kinds.items() if kind.kind == "text" and not kind.values and self.knows(name)]
        return " ".join(f"(< |{name}| {len(self._numbers)})" for name in free)

    def take(self) -> str:
        """Everything written since it was taken last."""
        text = "\n".join(self._lines)
        self._lines = []
        return text

    def meanings(self) -> str:
        """What text functions are for the strings mentioned; to be taken last."""
        found: list[str] = []
        for name in sorted(self._text_functions & {"upper", "lower"}):
            found += [
                f"(= (text_{name} {self.string(text)}) {self.string(text_case(name, text))})"
                for text in list(self._numbers)
            ]
        if self._text_functions and len(self._numbers) > _MOST_STRINGS:
            raise Undecided(f"it tests the inside of strings, and mentions more than {_MOST_STRINGS}")
        for name in sorted(self._text_functions - {"upper", "lower"}):
            for left, number in self._numbers.items():
                if name == "length":
                    found.append(f"(= (text_length {number}) {len(left)})")
                    continue
                for right, other in self._numbers.items():
                    holds = text_test(name, left, right)
                    found.append(
                        f"(text_{name} {number} {other})" if holds else f"(not (text_{name} {number} {other}))"
                    )
        return "\n".join(f"(assert {one})" for one in found)

    def declarations(self, text: str) -> str:
        """Declarations of the constants that a text names, for a parser that has not seen them."""
        named = dict.fromkeys(_SYMBOL.findall(text))
        lines = [f"(declare-const {symbol} {self._sorts[symbol]})" for symbol in named]
        for name in sorted(self._text_functions):
            if f"text_{name}" in text:
                sorts = {"upper": "(Int) Int", "lower": "(Int) Int", "length": "(Int) Int"}
                lines.append(f"(declare-fun text_{name} {sorts.get(name, '(Int Int) Bool')})")
        return "\n".join(lines)
