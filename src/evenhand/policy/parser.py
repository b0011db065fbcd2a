"""Reads the text of a cell, a formula or a condition into its syntax tree, or says where it cannot and what it expected.

Operators bind, from loosest to tightest: `or`, `and`, comparisons (`= != < <= > >=`, `in`, `between`), `+ -`, `* /`, a sign.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from evenhand.policy.syntax import (
    AnyOf,
    Anything,
    Binary,
    Call,
    CellError,
    Choose,
    Compare,
    Equal,
    Expression,
    Interval,
    Literal,
    Name,
    Negate,
    Not,
    Part,
    Test,
    Within,
)

# FEEL's built-in functions whose names hold spaces; one-word names need no list to be read.
_SPACED: Final = (
    "starts with",
    "ends with",
    "string length",
    "upper case",
    "lower case",
    "date and time",
    "years and months duration",
    "list contains",
    "round half up",
    "day of week",
)
_TOKEN: Final = re.compile(
    r"\s*(?:"
    r"(?P<number>[0-9]+(?:\.[0-9]+)?(?![A-Za-z_0-9]))"
    r'|(?P<string>"(?:[^"\\]|\\.)*")'
    r"|(?P<function>(?:" + "|".join(name.replace(" ", r"\s+") for name in _SPACED) + r")(?=\s*\())"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)"
    r"|(?P<operator>\.\.|<=|>=|!=|[-+*/<>=()\[\],@.]|≤|≥|≠)"
    r")"
)
_WORDS: Final = frozenset(("and", "or", "not", "if", "then", "else", "in", "between", "true", "false", "null"))
_LEFT_OUT: Final = frozenset(("for", "some", "every"))
_SAME: Final = {"≤": "<=", "≥": ">=", "≠": "!="}
_COMPARISONS: Final = frozenset(("=", "!=", "<", "<=", ">", ">="))
_ORDER: Final = frozenset(("<", "<=", ">", ">="))
_CONSTANTS: Final = {"true": True, "false": False, "null": None}
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}
# A text longer or deeper than this was not written by a person.
_MAX_TEXT: Final = 4000
_MAX_DEPTH: Final = 40
_MAX_DIGITS: Final = 18

T = TypeVar("T")


class _Token(NamedTuple):
    # "number", "string", "function", "name", "word", "operator", "end"
    kind: str
    text: str
    at: int


@lru_cache(maxsize=16384)
def parse_test(cell: str) -> Test:
    """Read an input cell; raises `CellError`."""
    return _whole(cell, "the cell is empty; write - for any value", _Parser.tests)


@lru_cache(maxsize=16384)
def parse_expression(cell: str) -> Expression:
    """Read an output cell, a formula or a condition; raises `CellError`."""
    return _whole(cell, "the cell is empty; write null for no value", _Parser.expression)


def _whole(text: str, empty: str, read: "Callable[[_Parser], T]") -> T:
    if not text.strip():
        raise CellError(0, empty)
    if len(text) > _MAX_TEXT:
        raise CellError(0, f"a cell may hold {_MAX_TEXT} characters, this one has {len(text)}")
    parser = _Parser(_tokens(text))
    result = read(parser)
    parser.finish()
    return result


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    place = 0
    end = len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            at = place + len(text[place:]) - len(text[place:].lstrip())
            if text[at] == '"':
                raise CellError(at, 'this string is not closed by a second "')
            if text[at] in "“”‘’'":
                raise CellError(at, f'strings are written with straight quotes, "like this", not with {text[at]}')
            raise CellError(at, f"cannot read {text[at : at + 12]!r} here")
        kind = found.lastgroup
        word = found[kind]
        if kind == "name" and word in _WORDS:
            kind = "word"
        elif kind == "function":
            word = " ".join(word.split())
        tokens.append(_Token(kind, _SAME.get(word, word), found.start(found.lastgroup)))
        place = found.end()
    tokens.append(_Token("end", "", end))
    return tokens


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0

    @property
    def _now(self) -> _Token:
        return self._tokens[self._place]

    def _take(self) -> _Token:
        token = self._tokens[self._place]
        self._place += 1
        return token

    def _is(self, *texts: str) -> bool:
        token = self._now
        return token.kind in ("operator", "word") and token.text in texts

    def _expect(self, text: str, after: str) -> None:
        if not self._is(text):
            raise self._unexpected(f"`{text}` {after}")
        self._place += 1

    def _unexpected(self, expected: str) -> CellError:
        token = self._now
        if token.kind == "end":
            return CellError(token.at, f"ends too early: expected {expected}")
        return CellError(token.at, f"found {token.text!r}, expected {expected}")

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise CellError(self._now.at, f"this is nested too deeply: at most {_MAX_DEPTH} levels")

    def finish(self) -> None:
        if self._now.kind != "end":
            raise self._unexpected("nothing more")

    # unary tests

    def tests(self) -> Test:
        if self._is("-") and self._tokens[self._place + 1].kind == "end":
            self._place += 1
            return Anything()
        if self._is("not") and self._tokens[self._place + 1].text == "(":
            self._place += 2
            inner = self._list()
            self._expect(")", "to close not(")
            return Not(inner)
        found = self._list()
        return found[0] if len(found) == 1 else AnyOf(found)

    def _list(self) -> tuple[Test, ...]:
        found = [self._test()]
        while self._is(","):
            self._place += 1
            found.append(self._test())
        return tuple(found)

    def _test(self) -> Test:
        if self._is(*_COMPARISONS):
            operator = self._take().text
            value = self._sum()
            if operator == "=":
                return Equal(value)
            return Not((Equal(value),)) if operator == "!=" else Compare(operator, value)
        start = self._place
        if self._is("[", "]", "("):
            opening = self._take().text
            try:
                low = self._sum()
            except CellError:
                if opening != "(":
                    raise
                low = None
            if low is not None and self._is(".."):
                self._place += 1
                high = self._sum()
                if not self._is("]", ")", "["):
                    raise self._unexpected("] or ) to close the interval")
                return Interval(low, opening != "[", high, self._take().text != "]")
            if opening != "(":
                raise self._unexpected("`..` of an interval such as [4.50..4.80)")
            self._place = start
        return Equal(self.expression())

    # expressions

    def expression(self) -> Expression:
        self._deeper()
        if self._is("if"):
            at = self._take().at
            condition = self.expression()
            self._expect("then", "after the condition of if")
            then = self.expression()
            self._expect("else", "after then")
            found: Expression = Choose(condition, then, self.expression(), at)
        else:
            found = self._either()
        self._depth -= 1
        return found

    def _either(self) -> Expression:
        left = self._both()
        while self._is("or"):
            at = self._take().at
            left = Binary("or", left, self._both(), at)
        return left

    def _both(self) -> Expression:
        left = self._comparison()
        while self._is("and"):
            at = self._take().at
            left = Binary("and", left, self._comparison(), at)
        return left

    def _comparison(self) -> Expression:
        left = self._sum()
        if self._is(*_COMPARISONS):
            operator = self._take()
            return Binary(operator.text, left, self._sum(), operator.at)
        if self._is("between"):
            at = self._take().at
            low = self._sum()
            self._expect("and", "after the lower end of between")
            return Within(left, Interval(low, False, self._sum(), False), at)
        if self._is("in"):
            at = self._take().at
            if self._is("(") and not self._is_interval():
                self._place += 1
                inner = self._list()
                self._expect(")", "to close the list after in")
                return Within(left, inner[0] if len(inner) == 1 else AnyOf(inner), at)
            return Within(left, self._test(), at)
        return left

    def _is_interval(self) -> bool:
        """Whether the parenthesis here opens an interval `(a..b)` rather than a list `(a, b)`."""
        depth = 0
        for token in self._tokens[self._place :]:
            if token.kind == "operator":
                depth += (token.text == "(") - (token.text == ")")
                if token.text == ".." and depth == 1:
                    return True
                if token.text in ",[]" or depth == 0:
                    return False
        return False

    def _sum(self) -> Expression:
        left = self._product()
        while self._is("+", "-"):
            operator = self._take()
            left = Binary(operator.text, left, self._product(), operator.at)
        return left

    def _product(self) -> Expression:
        left = self._path()
        while self._is("*", "/"):
            operator = self._take()
            if operator.text == "*" == self._now.text:
                raise CellError(operator.at, "`**` is not in the language: write the factors out")
            left = Binary(operator.text, left, self._path(), operator.at)
        return left

    def _path(self) -> Expression:
        found = self._factor()
        while self._is("."):
            self._place += 1
            if self._now.kind != "name":
                raise self._unexpected("a part such as year or days")
            part = self._take()
            found = Part(found, part.text, part.at)
        return found

    def _factor(self) -> Expression:
        token = self._take()
        match token.kind:
            case "number":
                if len(token.text.replace(".", "").lstrip("0")) > _MAX_DIGITS:
                    raise CellError(token.at, f"a number may have {_MAX_DIGITS} digits")
                return Literal(Decimal(token.text), token.at)
            case "string":
                return Literal(_unquoted(token.text), token.at)
            case "function":
                return Call(token.text, self._arguments(token.text), token.at)
            case "name":
                if self._is("("):
                    return Call(token.text, self._arguments(token.text), token.at)
                if token.text in _LEFT_OUT and self._now.kind == "name":
                    raise CellError(token.at, f"`{token.text}` of FEEL is not in the language of policies")
                return Name(token.text, token.at)
            case "word" if token.text in _CONSTANTS:
                return Literal(_CONSTANTS[token.text], token.at)
            case "word" if token.text == "not" and self._is("("):
                return Call("not", self._arguments("not"), token.at)
            case "operator" if token.text == "-":
                self._deeper()
                operand = self._path()
                self._depth -= 1
                if isinstance(operand, Literal) and isinstance(operand.value, Decimal):
                    return Literal(-operand.value, token.at)
                return Negate(operand, token.at)
            case "operator" if token.text == "(":
                inner = self.expression()
                self._expect(")", "to close the parenthesis")
                return inner
            case "operator" if token.text == "@":
                if self._now.kind != "string":
                    raise self._unexpected('a string such as "2025-03-24" after @')
                text = self._take()
                return Call("@", (Literal(_unquoted(text.text), text.at),), token.at)
            case _:
                self._place -= 1
                raise self._unexpected("a value")

    def _arguments(self, function: str) -> tuple[Expression, ...]:
        self._expect("(", f"after {function}")
        found: list[Expression] = []
        while not self._is(")"):
            found.append(self.expression())
            if not self._is(","):
                break
            self._place += 1
        self._expect(")", f"to close {function}(")
        return tuple(found)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1])
