"""Cutting FEEL text into tokens, and finding names that hold spaces and symbols.

A name of FEEL may read `applicant's monthly income` or `Date-Time`. The lexer therefore knows no names: it yields words,
numbers, strings and symbols, and `Names` finds the longest known name that begins at a token. Between two words any space
will do; around a symbol the text must be spaced as the name is, so that `a-b` is a name and `a - b` a subtraction.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from evenhand.policy.dmn.feel.errors import FeelError

MAX_EXPRESSION: Final = 200_000

# the name characters of the DMN standard (its grammar rules 28 to 30)
_START: Final = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f\u2c00-\u2fef"
    "\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_PART: Final = _START + "0-9\u00b7\u0300-\u036f\u203f-\u2040"
_SPACE: Final = r"[\s\u0085\u00a0\u1680\u180e\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff]+"
_TOKEN: Final = re.compile(
    rf"(?P<space>{_SPACE}|//[^\n]*|/\*.*?\*/)"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    rf"|(?P<word>[{_START}][{_PART}]*)"
    r'|(?P<string>"(?:[^"\\]|\\.)*")'
    r"|(?P<symbol>\*\*|\.\.|<=|>=|!=|->|.)",
    re.DOTALL,
)
# two escapes may be UTF-16's pair for one character, as Java and JSON write it
_ESCAPE: Final = re.compile(
    r"\\(u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{6}|.)", re.DOTALL
)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Token:
    # word, number, string, symbol or end
    kind: str
    text: str
    position: int
    # nothing stands between this token and the one before
    glued: bool


def tokens(text: str) -> list[Token]:
    """Cut a text; the last token is of kind `end`."""
    if len(text) > MAX_EXPRESSION:
        raise FeelError(0, f"an expression may hold {MAX_EXPRESSION:,} characters, this one has {len(text):,}")
    found: list[Token] = []
    glued = False
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        assert match is not None, "the last branch takes any character"
        kind = match.lastgroup or ""
        if kind == "space":
            glued = False
        else:
            if match[0] == '"':
                raise FeelError(place, "this string is not closed")
            if match[0] == "/" and text.startswith("/*", place):
                raise FeelError(place, "this comment is not closed")
            found.append(Token(kind, match[0], place, glued))
            glued = True
        place = match.end()
    found.append(Token("end", "", len(text), glued=False))
    return found


# Symbols that a name may hold, beside words and numbers.
_IN_NAMES: Final = frozenset((".", "/", "-", "'", "+", "*"))


def in_name(token: Token) -> bool:
    """Whether a name may hold this token."""
    return token.kind in ("word", "number") or (token.kind == "symbol" and token.text in _IN_NAMES)


def written_keys(text: str, stream: list[Token]) -> set[str]:
    """Names before colons: the keys of contexts (and names of arguments) that a text writes out."""
    keys: set[str] = set()
    for place, token in enumerate(stream):
        if token.kind != "symbol" or token.text not in ("{", ","):
            continue
        first = stream[place + 1]
        end = place + 1
        while in_name(stream[end]):
            end += 1
        if first.kind == "string" and stream[place + 2].text == ":":
            keys.add(normal(unquoted(first.text)))
        elif end > place + 1 and stream[end].text == ":":
            keys.add(normal(text[first.position : stream[end].position]))
    return keys


def unquoted(text: str) -> str:
    """The string that a literal, quotes included, stands for."""
    return _ESCAPE.sub(_escape, text[1:-1])


def _escape(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) > 7:
        high, low = int(code[1:5], 16), int(code[7:], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + low - 0xDC00)
    if len(code) > 1:
        point = int(code[1:], 16)
        return chr(point) if point <= 0x10FFFF and not 0xD800 <= point <= 0xDFFF else match[0]
    # an unknown escape stands for itself: patterns are often written "\d"
    return _ESCAPES.get(code, match[0])


def normal(name: str) -> str:
    """A name with every run of spaces as one space."""
    return re.sub(_SPACE, " ", name).strip()


_Shape = tuple[tuple[str, bool], ...]


@lru_cache(maxsize=20_000)
def _shape(name: str) -> _Shape:
    """How a name looks as tokens: their text, and whether each must touch the one before."""
    cut = tokens(name)[:-1]
    return tuple((token.text, token.glued) for token in cut)


class Names:
    """A set of names, to be found in a token stream."""

    __slots__ = ("_by_first", "all")

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.all: set[str] = set()
        self._by_first: dict[str, list[tuple[_Shape, str]]] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        name = normal(name)
        if name in self.all:
            return
        self.all.add(name)
        try:
            shape = _shape(name)
        except FeelError:
            return  # holds a quote: it cannot be written in FEEL, only reached by `get value`
        if shape:
            candidates = self._by_first.setdefault(shape[0][0], [])
            candidates.append((shape, name))
            candidates.sort(key=lambda candidate: len(candidate[0]), reverse=True)

    def match(self, stream: list[Token], start: int) -> tuple[str, int] | None:
        """The longest name that begins at token `start`, and the number of tokens it takes."""
        for shape, name in self._by_first.get(stream[start].text, ()):
            if stream[start].kind != "string" and _fits(shape, stream, start):
                return name, len(shape)
        return None


def _fits(shape: _Shape, stream: list[Token], start: int) -> bool:
    if start + len(shape) >= len(stream):  # the end token is never part of a name
        return False
    for offset, (text, glued) in enumerate(shape):
        token = stream[start + offset]
        if token.text != text or token.kind == "string":
            return False
        if offset and token.glued != glued:
            return False
    return True
