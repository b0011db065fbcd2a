"""FEEL text to trees: recursive descent, with binding strengths for the operators."""

from decimal import Decimal
from typing import Final

from evenhand.policy.dmn.feel.clauses import COMPARED, COMPARISONS, ClauseStream
from evenhand.policy.dmn.feel.errors import FeelError
from evenhand.policy.dmn.feel.iteration import BuiltInName, Call, Filter, FunctionLiteral
from evenhand.policy.dmn.feel.lexer import Names, unquoted
from evenhand.policy.dmn.feel.run import deep_stack
from evenhand.policy.dmn.feel.stream import Vocabulary
from evenhand.policy.dmn.feel.temporal import PROPERTIES, parse_at
from evenhand.policy.dmn.feel.tree import (
    ANYTHING,
    Arithmetic,
    Between,
    Comparison,
    In,
    InstanceOf,
    Junction,
    Literal,
    Name,
    Negative,
    Node,
    Path,
    Test,
    UnaryTests,
)
from evenhand.policy.dmn.feel.values import number
from evenhand.policy.errors import suggestion

# how strongly operators bind; the unary minus binds more strongly than ** (-2 ** 2 is 4), `instance of` more strongly still
_STRENGTH: Final = {
    "or": 1,
    "and": 2,
    **dict.fromkeys(("=", "!=", "<", "<=", ">", ">=", "between", "in"), 3),
    **dict.fromkeys("+-", 4),
    **dict.fromkeys("*/", 5),
    "**": 6,
    "instance": 8,
}
_NEGATED: Final = 7
_CONSTANTS: Final = {"true": True, "false": False, "null": None}
_MAX_CHAIN: Final = 2_000
_PROPERTIES: Final = Names(name for parts in PROPERTIES.values() for name in parts)


def parse(text: str, vocabulary: Vocabulary) -> Node:
    """Read an expression; raises `FeelError`."""
    with deep_stack():
        return _Parser(text, vocabulary).whole_expression()


def parse_domain(text: str, vocabulary: Vocabulary) -> tuple[Node, Node | None]:
    """Read what an iteration runs over: an expression, or the two ends of `first..last`; raises `FeelError`."""
    with deep_stack():
        return _Parser(text, vocabulary).whole_domain()


def parse_tests(text: str, vocabulary: Vocabulary) -> UnaryTests:
    """Read unary tests, as an input entry or allowed values hold them; raises `FeelError`."""
    with deep_stack():
        return _Parser(text, vocabulary).whole_tests()


class _Parser(ClauseStream):
    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        super().__init__(text, vocabulary)
        # `?` is the value under test; outside of tests it has no meaning
        self._tested = 0
        self._asked = False

    def whole_expression(self) -> Node:
        if self.next.kind == "end":
            raise self.error("the expression is empty")
        node = self.expression()
        self._end()
        return node

    def whole_domain(self) -> tuple[Node, Node | None]:
        if self.next.kind == "end":
            raise self.error("the expression is empty")
        ends = self.domain()
        self._end()
        return ends

    def whole_tests(self) -> UnaryTests:
        if self.next.kind == "end" or (self.at("-") and self.tokens[1].kind == "end"):
            return ANYTHING
        self._tested += 1
        if self.at("not") and self.tokens[1].text == "(":
            try:
                self.place = 2
                tests = self._tests(0)
                self.expect(")")
                self._end()
                return UnaryTests(tests, negated=True)
            except FeelError:
                self.place = 0  # an expression that begins with not(...)
                self._asked = False
        tests = self._tests(0)
        self._end()
        return UnaryTests(tests)

    def _end(self) -> None:
        if self.next.kind != "end":
            raise self.error(f"did not expect {self.found()} here")

    def _tests(self, strength: int) -> tuple[Test, ...]:
        tests = [self._test(strength)]
        while self.skip(","):
            tests.append(self._test(strength))
        return tuple(tests)

    def _test(self, strength: int) -> Test:
        if self.at(*COMPARISONS):
            operator = self.take().text
            return Test(operator, self.expression(COMPARED), conditional=False)
        outer, self._asked = self._asked, False
        operand = self.expression(strength)
        conditional, self._asked = self._asked, outer
        return Test("", operand, conditional)

    # expressions

    def expression(self, strength: int = 0) -> Node:
        with self.deeper():
            left = self._prefix()
            for _ in range(_MAX_CHAIN):
                binds = 0 if self.next.kind not in ("word", "symbol") else _STRENGTH.get(self.next.text, 0)
                if binds <= strength:
                    return left
                left = self._infix(left, binds)
            raise self.error(f"this expression chains more than {_MAX_CHAIN:,} operators")

    def _infix(self, left: Node, binds: int) -> Node:
        operator = self.take().text
        match operator:
            case "or" | "and":
                return Junction(operator == "or", left, self.expression(binds))
            case "between":
                low = self.expression(COMPARED)
                self.expect("and")
                return Between(left, low, self.expression(COMPARED))
            case "in":
                self._tested += 1
                tests = self._tests_of_in()
                self._tested -= 1
                return In(left, tests)
            case "instance":
                self.expect("of")
                return InstanceOf(left, self.type())
            case "+" | "-" | "*" | "/" | "**":
                return Arithmetic(operator, left, self.expression(binds))
            case _:
                return Comparison(operator, left, self.expression(binds))

    def _tests_of_in(self) -> tuple[Test, ...]:
        """`(test, test)` or one test; `(1..5)` and `(a + b) * 2` begin like the former and are the latter."""
        start, asked = self.place, self._asked
        if self.skip("("):
            try:
                tests = self._tests(0)
                self.expect(")")
                if not self.at("[", ".", "+", "-", "*", "/", "**", "("):
                    return tests
            except FeelError:
                pass
            self.place, self._asked = start, asked
        return (self._test(COMPARED),)

    def _prefix(self) -> Node:
        if self.skip("-"):
            if self.next.kind == "number":
                value = self._number()
                return self._postfix(Literal(-value))
            return Negative(self.expression(_NEGATED))
        return self._postfix(self._primary())

    def _number(self) -> Decimal:
        value = number(self.next.text)
        if value is None:
            raise self.error(f"{self.next.text[:40]} is out of the range of numbers")
        self.take()
        return value

    def _primary(self) -> Node:
        token = self.next
        if token.kind == "number":
            return Literal(self._number())
        if token.kind == "string":
            return Literal(unquoted(self.take().text))
        if token.kind == "word":
            return self._word()
        match token.text:
            case "(":
                return self.parenthesis()
            case "[":
                return self.brackets()
            case "]":
                self.take()
                return self.range_end(self.expression(), low_closed=False)
            case "{":
                return self.context()
            case "@":
                return self._at_literal()
            case "<" | "<=" | ">" | ">=":
                return self.one_sided()
            case "?" if self._tested:
                self.take()
                self._asked = True
                return Name("?")
            case "?":
                raise self.error("? stands for the value under test, and nothing is tested here")
            case _:
                raise self.error(f"expected a value, found {self.found()}")

    def _at_literal(self) -> Node:
        self.take()
        if self.next.kind != "string":
            raise self.error(f'expected a date, time or duration in quotes as in @"2025-03-24", found {self.found()}')
        value = parse_at(unquoted(self.next.text))
        if value is None:
            raise self.error(f"{self.found()} is no date, time, date and time, or duration")
        self.take()
        return Literal(value)

    def _word(self) -> Node:
        variable = self.variable()
        function = self.function()
        if variable and variable[1] >= (function[1] if function else 1) and (variable[1] > 1 or not self._keyword()):
            self.advance(variable[1])
            return Name(variable[0])
        if function and (function[1] > 1 or not self._keyword()):
            called = self.tokens[self.place + function[1]].text == "("
            if called or not self.filters:
                self.advance(function[1])
                return BuiltInName(self.vocabulary.functions[function[0]])
        return self._keyword_or_member()

    def _keyword(self) -> bool:
        return self.next.text in _CONSTANTS or self.next.text in ("if", "for", "some", "every", "function")

    def _keyword_or_member(self) -> Node:
        word = self.next.text
        if word in _CONSTANTS:
            self.take()
            return Literal(_CONSTANTS[word])
        match word:
            case "if":
                return self.conditional()
            case "for":
                return self.loop()
            case "some" | "every":
                return self.quantified()
            case "function":
                return self.function_literal()
            case _ if self.filters:
                return Name(self.take().text)
            case _:
                known = self.in_scope() | self.vocabulary.function_names.all
                raise self.error(f"{word!r} is not known here{suggestion(word, known)}")

    # what follows a value: members, filters, arguments

    def _postfix(self, node: Node) -> Node:
        for _ in range(_MAX_CHAIN):
            if self.at("."):
                self.take()
                node = Path(node, self._member())
            elif self.at("["):
                start = self.place
                try:
                    node = self._filter(node)
                except FeelError:
                    if not self.range_ends:
                        raise
                    self.place = start  # `[1..5[`: the bracket closes a range
                    return node
            elif self.at("(") and isinstance(node, Name | BuiltInName | Path | Call | FunctionLiteral | Filter):
                node = self._call(node)
            else:
                return node
        raise self.error("this expression chains too many members, filters or calls")

    def _member(self) -> str:
        longest = max(
            (match for names in (*self.members, _PROPERTIES) if (match := names.match(self.tokens, self.place))),
            key=lambda match: match[1],
            default=None,
        )
        if longest:
            self.advance(longest[1])
            return longest[0]
        if self.next.kind != "word":
            raise self.error(f"expected the name of a member, found {self.found()}")
        return self.take().text

    def _filter(self, node: Node) -> Node:
        self.take()
        ends, self.range_ends = self.range_ends, 0
        self.filters += 1
        try:
            with self.scope("item"):
                condition = self.expression()
                self.expect("]")
        finally:
            self.filters -= 1
            self.range_ends = ends
        return Filter(node, condition)

    def _call(self, function: Node) -> Node:
        built_in = function.function if isinstance(function, BuiltInName) else None
        if isinstance(function, Name):
            built_in = self.vocabulary.functions.get(function.name)
        self.take()
        if self.skip(")"):
            return Call(function, built_in, ())
        names: list[str] = []
        arguments: list[Node] = []
        named = self.names_argument()
        while True:
            if named:
                names.append(self.name_until(":"))
                self.expect(":")
            arguments.append(self.range_or_expression())
            if not self.skip(","):
                break
        self.expect(")")
        return Call(function, built_in, tuple(arguments), tuple(names))
