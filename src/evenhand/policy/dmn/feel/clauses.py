"""Brackets and keywords of FEEL: ranges, lists, contexts, `if`, `for`, `some`, `every`, `function`.

What stands inside of them are expressions again, which the parser above reads.
"""

from typing import Final

from evenhand.policy.dmn.feel.iteration import Domain, For, FunctionLiteral, Quantified
from evenhand.policy.dmn.feel.lexer import Names, unquoted
from evenhand.policy.dmn.feel.stream import Vocabulary
from evenhand.policy.dmn.feel.tree import ContextLiteral, If, ListLiteral, Node, RangeLiteral
from evenhand.policy.dmn.feel.type_parser import TypeStream
from evenhand.policy.dmn.feel.types import Type

COMPARISONS: Final = ("=", "!=", "<", "<=", ">", ">=")
# How strongly they bind.
COMPARED: Final = 3


class ClauseStream(TypeStream):
    """A stream that can read what begins with a bracket or a keyword."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        super().__init__(text, vocabulary)
        # inside of the upper end of a range, where a bracket may be its end
        self.range_ends = 0

    def expression(self, strength: int = 0) -> Node:
        """An expression whose operators bind more strongly than `strength`."""
        raise NotImplementedError

    def range_or_expression(self) -> Node:
        return self.one_sided() if self.at("<", "<=", ">", ">=") else self.expression()

    # brackets

    def one_sided(self) -> Node:
        """`< 5` where a value is expected: a range without the other end."""
        operator = self.take().text
        end = self.expression(COMPARED)
        match operator:
            case "<" | "<=":
                return RangeLiteral(None, end, low_closed=False, high_closed=operator == "<=")
            case ">" | ">=":
                return RangeLiteral(end, None, low_closed=operator == ">=", high_closed=False)
            case "=":
                return RangeLiteral(end, end, low_closed=True, high_closed=True)
            case _:
                raise self.error("!= is no range; write not(...)")

    def parenthesis(self) -> Node:
        self.take()
        ends, self.range_ends = self.range_ends, 0
        node = self.one_sided() if self.at(*COMPARISONS) else self.expression()
        if self.at(".."):
            node = self.range_end(node, low_closed=False)
        else:
            self.expect(")")
        self.range_ends = ends
        return node

    def brackets(self) -> Node:
        self.take()
        if self.skip("]"):
            return ListLiteral(())
        ends, self.range_ends = self.range_ends, 0
        elements = [self.range_or_expression()]
        if self.at(".."):
            node = self.range_end(elements[0], low_closed=True)
        else:
            while self.skip(","):
                elements.append(self.range_or_expression())
            self.expect("]")
            node = ListLiteral(tuple(elements))
        self.range_ends = ends
        return node

    def range_end(self, low: Node, *, low_closed: bool) -> Node:
        self.expect("..")
        ends, self.range_ends = self.range_ends, 1
        high = self.expression()
        self.range_ends = ends
        if not self.at("]", ")", "["):
            raise self.error(f"expected ] or ) after the end of a range, found {self.found()}")
        return RangeLiteral(low, high, low_closed, self.take().text == "]")

    def context(self) -> Node:
        self.take()
        entries: list[tuple[str, Node]] = []
        if self.skip("}"):
            return ContextLiteral(())
        with self.scope() as names:
            while True:
                key = unquoted(self.take().text) if self.next.kind == "string" else self.name_until(":")
                self.expect(":")
                entries.append((key, self.expression()))
                names.add(key)
                if not self.skip(","):
                    break
            self.expect("}")
        return ContextLiteral(tuple(entries))

    # keywords

    def conditional(self) -> Node:
        self.take()
        condition = self.expression()
        self.expect("then")
        then = self.expression()
        self.expect("else")
        return If(condition, then, self.expression())

    def loop(self) -> Node:
        self.take()
        with self.scope() as names:
            domains = self._domains(names)
            self.expect("return")
            names.add("partial")
            return For(domains, self.expression())

    def quantified(self) -> Node:
        decided_by = self.take().text == "some"
        with self.scope() as names:
            domains = self._domains(names)
            self.expect("satisfies")
            return Quantified(decided_by, domains, self.expression())

    def _domains(self, names: Names) -> tuple[Domain, ...]:
        domains: list[Domain] = []
        while True:
            variable = self.name_until("in")
            self.expect("in")
            domains.append(Domain(variable, *self.domain()))
            names.add(variable)
            if not self.skip(","):
                return tuple(domains)

    def domain(self) -> tuple[Node, Node | None]:
        """What an iteration runs over: an expression, or the two ends of `first..last`."""
        return self.expression(), self.expression() if self.skip("..") else None

    def function_literal(self) -> Node:
        self.take()
        self.expect("(")
        parameters: list[tuple[str, Type | None]] = []
        if not self.skip(")"):
            while True:
                name = self.name_until(":", ",", ")")
                parameters.append((name, self.type() if self.skip(":") else None))
                if not self.skip(","):
                    break
            self.expect(")")
        if self.at("external"):
            raise self.error("external functions (Java, PMML) are refused: Evenhand runs FEEL only")
        with self.scope(*(name for name, _ in parameters)):
            return FunctionLiteral(tuple(parameters), self.expression())
