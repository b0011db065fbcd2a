"""The parser's view of its tokens: where it stands, what comes next, and which names are in scope there."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from evenhand.policy.dmn.feel.errors import FeelError
from evenhand.policy.dmn.feel.iteration import BuiltIn
from evenhand.policy.dmn.feel.lexer import Names, Token, in_name, normal, tokens, written_keys
from evenhand.policy.dmn.feel.types import BASIC, Type

MAX_DEPTH: Final = 100


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a text may speak of."""

    # variables in scope
    names: Names = field(default_factory=Names)
    # members of contexts anywhere in the model: which of several words is one member's name cannot be seen otherwise
    members: Names = field(default_factory=Names)
    # item definitions by name, beside FEEL's own types
    types: Mapping[str, Type] = field(default_factory=dict[str, Type])
    type_names: Names = field(default_factory=lambda: Names(BASIC))
    functions: Mapping[str, BuiltIn] = field(default_factory=dict[str, BuiltIn])
    function_names: Names = field(default_factory=Names)
    # the text is the condition of a filter: an unknown name is a member of the element
    filtering: bool = False


class Stream:
    """Tokens with a place; raises `FeelError` naming what was expected there."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.place = 0
        self.vocabulary = vocabulary
        # members of contexts: those of the model, and those this text writes out itself
        self.members = (vocabulary.members, Names(written_keys(text, self.tokens)))
        self._locals: list[Names] = []
        # how many filters enclose the place: in them, unknown names are members of the element
        self.filters = int(vocabulary.filtering)
        self._depth = 0
        # reading ahead and back again is bounded, so that no text takes more than linear work
        self._work = 20_000 + 200 * len(self.tokens)

    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        token = self.tokens[self.place]
        if token.kind == "end":
            raise self.error("the expression ends too early")
        self._work -= 1
        if self._work < 0:
            raise self.error("this expression is too complicated")
        self.place += 1
        return token

    def advance(self, count: int) -> None:
        for _ in range(count):
            self.take()

    def at(self, *texts: str) -> bool:
        return self.next.text in texts and self.next.kind != "string"

    def skip(self, text: str) -> bool:
        if self.at(text):
            self.take()
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.skip(text):
            raise self.error(f"expected {text!r}, found {self.found()}")

    def found(self) -> str:
        return repr(self.next.text[:40]) if self.next.kind != "end" else "the end"

    def error(self, message: str) -> FeelError:
        """An error at the next token."""
        return FeelError(self.next.position, message)

    @contextmanager
    def deeper(self) -> Generator[None]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self.error(f"nested too deeply: at most {MAX_DEPTH} levels")
        try:
            yield
        finally:
            self._depth -= 1

    @contextmanager
    def scope(self, *names: str) -> Generator[Names]:
        """Names that hold only here; more may be added to what it yields."""
        self._locals.append(Names(names))
        try:
            yield self._locals[-1]
        finally:
            self._locals.pop()

    def variable(self) -> tuple[str, int] | None:
        """The longest variable in scope that begins here, and how many tokens it takes."""
        known = [*self._locals, self.vocabulary.names]
        if self.filters:
            known.extend(self.members)
        return self._longest(known)

    def function(self) -> tuple[str, int] | None:
        return self._longest([self.vocabulary.function_names])

    def _longest(self, known: list[Names]) -> tuple[str, int] | None:
        matches = [match for names in known if (match := names.match(self.tokens, self.place))]
        return max(matches, key=lambda match: match[1], default=None)

    def in_scope(self) -> set[str]:
        return set().union(*(names.all for names in (*self._locals, self.vocabulary.names)))

    def name_until(self, *ends: str) -> str:
        """A new name, as it stands before one of the tokens `ends`."""
        start = self.place
        while not self.at(*ends):
            if not in_name(self.next):
                raise self.error(f"expected a name, found {self.found()}")
            self.take()
        if self.place == start:
            raise self.error(f"expected a name, found {self.found()}")
        return normal(self.text[self.tokens[start].position : self.next.position])

    def names_argument(self) -> bool:
        """Whether `name:` comes next, as before a named argument."""
        place = self.place
        while in_name(self.tokens[place]):
            place += 1
        return place > self.place and self.tokens[place].text == ":"
