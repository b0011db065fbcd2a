"""Expressions of the typed tree as SQL over the columns of lower layers.

`_true` writes a condition that is true where the expression is, and false or null elsewhere, as WHEN and AND take it; `_value`
keeps null apart from false. What is compared by value is compared by number where a number is at hand: a choice by its place
among its values, an output by the row that decides.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from sqlglot import exp

from evenhand.policy.columns import sql
from evenhand.policy.columns.dialects import Dialect
from evenhand.policy.columns.layers import Layers
from evenhand.policy.columns.sql import Sql
from evenhand.policy.nulls import nullable
from evenhand.policy.tree import (
    And,
    Arith,
    Compare,
    Const,
    DatePart,
    Equal,
    Expr,
    Extreme,
    Gathered,
    If,
    In,
    Model,
    Not,
    Or,
    Quotient,
    Rank,
    Read,
    Rule,
    Table,
    TextCase,
    TextLength,
    TextTest,
    children,
)
from evenhand.policy.types import BOOLEAN, Type, Value

_ARITHMETIC: Final = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul}
_COMPARISON: Final = {"<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE}
_FLIPPED: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_SMALL: Final = "abcdefghijklmnopqrstuvwxyz"
# what is worth a column of its own when it is read again
_SHARED: Final = (Arith, Quotient, Extreme, If, Rank, TextCase, TextLength, DatePart, Gathered)
_COUNT: Final = Type("number")


class Expressions:
    """Writes expressions for one dialect, giving columns to what is read more than once."""

    def __init__(self, model: Model, dialect: Dialect) -> None:
        self._model = model
        self._dialect = dialect
        self._layers = Layers()
        # column of each fact or output
        self._names: dict[str, str] = {}
        # outputs that are never null
        self._sure: set[str] = set()
        # column of the deciding row's number, by output whose values are all written out
        self._by_row: dict[str, str] = {}
        # column of a choice's place among its values
        self._codes: dict[str, str] = {}
        # how many values a name is compared with
        self._asked: Counter[str] = Counter()
        # columns of expressions that are read more than once, and how often each is read
        self._bound: dict[Expr, str] = {}
        self._uses: Counter[Expr] = Counter()

    def _count(self, expr: Expr) -> None:
        match expr:
            case In(operand=Read(name=name)):
                self._asked[name] += len(expr.values)
            case Rank(operand=Read(name=name)):
                self._asked[name] += len(expr.operand.type.values)
            case _:
                pass
        if isinstance(expr, _SHARED):
            self._uses[expr] += 1
            if self._uses[expr] > 1:
                return
        for child in children(expr):
            self._count(child)

    def _condition(self, rule: Rule) -> Sql:
        """True where a row matches; else false or null."""
        return sql.every([self._true(test) for test in rule.tests if test is not None])

    def _matches(self, table: Table) -> Iterator[tuple[Rule, Sql]]:
        return ((rule, self._condition(rule)) for rule in table.rules)

    def _figure(self, table: Table, place: int, figure: str) -> Sql:
        """A figure over the values of the rows that match; null when none does or a value is null, as in FEEL."""
        matches = [(rule.outputs[place], condition) for rule, condition in self._matches(table)]
        one = [sql.case([(condition, sql.number(1))], sql.number(0)) for _, condition in matches]
        count = sql.cast(sql.joined(exp.Add, one, sql.number(0)), "bigint")
        if figure == "count":
            return count
        zero = sql.number(0) if figure == "sum" else None
        each = [sql.case([(condition.copy(), self._typed(value))], zero) for value, condition in matches]
        if figure == "sum":
            total = sql.joined(exp.Add, each, sql.number(0))
            if any(sql.is_boolean(condition, True) for _, condition in matches):
                return total
            none = sql.binary(exp.EQ, sql.stepped(self._layers.bind("count", count)), sql.number(0))
            return sql.case([(none, sql.typed(None, _COUNT))], total)
        kind = exp.Least if figure == "min" else exp.Greatest
        extreme = kind(this=each[0], expressions=each[1:], ignore_nulls=True) if len(each) > 1 else each[0]
        nulls = [
            sql.every([condition.copy(), sql.is_null(self._value(value))])
            for value, condition in matches
            if nullable(value, self._sure)
        ]
        return sql.case([(sql.some(nulls), sql.typed(None, _COUNT))], extreme) if nulls else extreme

    def _made(self, name: str) -> tuple[Table, int]:
        """The table and column of an output that is a list."""
        step, output = self._model.outputs[name]
        assert isinstance(step, Table)
        return step, step.outputs.index(output)

    # values

    def _typed(self, expr: Expr) -> Sql:
        """A value that carries its type: a literal alone would be too narrow an integer, or of no type."""
        return sql.typed(expr.value, expr.type) if isinstance(expr, Const) else self._value(expr)

    def _atom(self, expr: Expr) -> Sql:
        """A column or a literal for a value that is written more than once."""
        if isinstance(expr, Const | Read):
            return self._made_of(expr)
        if expr not in self._bound:
            self._bound[expr] = self._layers.bind("value", self._made_of(expr))
        return sql.stepped(self._bound[expr])

    def _value(self, expr: Expr) -> Sql:
        if isinstance(expr, _SHARED) and (expr in self._bound or self._uses[expr] > 1):
            return self._atom(expr)
        return self._made_of(expr)

    def _made_of(self, expr: Expr) -> Sql:
        match expr:
            case Const():
                return sql.literal(expr.value)
            case Read():
                return sql.stepped(self._names[expr.name])
            case Arith():
                left = self._typed(expr.left) if isinstance(expr.right, Const) else self._value(expr.left)
                return sql.binary(_ARITHMETIC[expr.operator], left, self._value(expr.right))
            case Quotient():
                return self._quotient(expr)
            case Extreme():
                return self._extreme(expr)
            case If(condition=In(operand=Read() as read, values=(None,))) if read.name in self._sure:
                return self._typed(expr.otherwise)
            case If():
                return sql.case([(self._true(expr.condition), self._typed(expr.then))], self._typed(expr.otherwise))
            case Rank(operand=Read(name=name)) if name in self._codes:
                return sql.cast(sql.stepped(self._codes[name]), "bigint")
            case Rank():
                return sql.cast(self._code(expr.operand.type, self._atom(expr.operand)), "bigint")
            case TextTest():
                test: Callable[[Sql, Sql], Sql] = {
                    "contains": self._dialect.contains,
                    "starts": self._dialect.starts,
                    "ends": self._dialect.ends,
                }[expr.operator]
                return test(self._atom(expr.left), self._atom(expr.right))
            case TextCase():
                small, large = sql.text(_SMALL), sql.text(_SMALL.upper())
                here, there = (small, large) if expr.operator == "upper" else (large, small)
                return sql.call("TRANSLATE", self._value(expr.operand), here, there)
            case TextLength():
                return sql.cast(sql.call("LENGTH", self._value(expr.operand)), "bigint")
            case DatePart():
                return self._dialect.date_part(
                    expr.part, self._dialect.date(sql.cast(self._value(expr.operand), "int"))
                )
            case Gathered():
                return self._figure(*self._made(expr.name), expr.operator)
            case Equal():
                return self._true(expr)
            case In():
                found = self._true(expr)
                sure = not expr.operand.type.many and (None in expr.values or not nullable(expr.operand, self._sure))
                return found if sure else exp.Coalesce(this=found, expressions=[exp.Boolean(this=False)])
            case Compare():
                return self._compared(expr, expr.operator)
            case And():
                return sql.every([self._value(operand) for operand in expr.operands])
            case Or():
                return sql.some([self._value(operand) for operand in expr.operands])
            case Not():
                return sql.negation(self._value(expr.operand))

    def _quotient(self, expr: Quotient) -> Sql:
        """As `arithmetic.round_quotient`, from a division that drops the fraction."""
        left, right = self._atom(expr.left), self._atom(expr.right)
        known = expr.right.value if isinstance(expr.right, Const) and isinstance(expr.right.value, int) else 0
        divisor = right if known else exp.Nullif(this=right, expression=sql.number(0))
        zero = sql.number(0)
        if expr.rounding == "half_up":
            # half the divisor more, away from zero; doubled, so that it stays an integer
            size, twice = sql.call("ABS", right.copy()), sql.binary(exp.Mul, divisor, sql.number(2))
            if known:  # a literal alone would be too narrow an integer to be doubled
                size, twice = sql.number(abs(known)), sql.number(2 * known)
            if isinstance(expr.left, Const):
                left = self._typed(expr.left)
            sign = sql.case([(sql.binary(exp.LT, left, zero), exp.Neg(this=size))], size.copy())
            doubled = sql.binary(exp.Add, sql.binary(exp.Mul, left.copy(), sql.number(2)), sign)
            return self._dialect.divide(doubled, twice)
        rest = sql.binary(exp.NEQ, sql.binary(exp.Mod, left, divisor), zero)
        negative = [sql.binary(exp.LT, side.copy(), zero.copy()) for side in (left, right)]
        down = expr.rounding == "floor"
        inexact = sql.every([rest, sql.binary(exp.NEQ if down else exp.EQ, *negative)])
        whole = self._dialect.divide(left.copy(), divisor.copy())
        step = sql.case([(inexact, sql.number(1))], sql.number(0))
        return sql.binary(exp.Sub if down else exp.Add, whole, step)

    def _extreme(self, expr: Extreme) -> Sql:
        """GREATEST or LEAST, which would pass over nulls."""
        values = [self._atom(operand) for operand in expr.operands]
        kind = exp.Least if expr.operator == "min" else exp.Greatest
        typed = [
            self._typed(one) if isinstance(one, Const) else value
            for one, value in zip(expr.operands, values, strict=True)
        ]
        found = kind(this=typed[0], expressions=typed[1:], ignore_nulls=True)
        nulls = [
            sql.is_null(value.copy())
            for operand, value in zip(expr.operands, values, strict=True)
            if nullable(operand, self._sure)
        ]
        return sql.case([(sql.some(nulls), sql.typed(None, expr.type))], found) if nulls else found

    # truth

    def _true(self, expr: Expr) -> Sql:
        """True where a condition is true; else false or null."""
        return self._truth(expr, True)

    def _truth(self, expr: Expr, holds: bool) -> Sql:
        """True exactly where a condition is true, or false; else false or null."""
        match expr:
            case Const():
                return exp.Boolean(this=expr.value is holds)
            case In():
                return self._member(expr, holds)
            case Equal():
                kind = exp.NullSafeEQ if holds else exp.NullSafeNEQ
                return sql.binary(kind, self._value(expr.left), self._value(expr.right))
            case Compare():
                return self._compared(expr, expr.operator if holds else _FLIPPED[expr.operator])
            case And() | Or():
                parts = [self._truth(operand, holds) for operand in expr.operands]
                return sql.every(parts) if isinstance(expr, And) == holds else sql.some(parts)
            case Not():
                return self._truth(expr.operand, not holds)
            case _:
                return self._value(expr) if holds else sql.negation(self._value(expr))

    def _compared(self, expr: Compare, operator: str) -> Sql:
        return sql.binary(_COMPARISON[operator], self._value(expr.left), self._value(expr.right))

    def _member(self, expr: In, holds: bool) -> Sql:
        operand, values = expr.operand, expr.values
        match operand:
            case Const():
                return exp.Boolean(this=(operand.value in values) is holds)
            case If(condition=In(operand=given, values=(None,)), then=Const() as default) if operand.otherwise == given:
                # a default for null: it stands in for null among the values
                known = tuple(value for value in values if value is not None)
                given_values = (*known, None) if default.value in known else known
                return self._member(In(BOOLEAN, given, given_values), holds)
            case Read() if operand.type.many:
                return self._in_list(expr, holds)
            case Read(name=name) if name in self._by_row:
                return self._in_rows(name, values, holds)
            case Read(name=name) if name in self._codes:
                codes = [operand.type.values.index(str(value)) for value in values if value is not None]
                return self._among(sql.stepped(self._codes[name]), codes, None in values, holds)
            case _:
                known = [value for value in values if value is not None]
                sure = not nullable(operand, self._sure)
                return self._among(self._atom(operand), known, None if sure else None in values, holds)

    def _among(self, operand: Sql, known: Sequence[Value], null: bool | None, holds: bool) -> Sql:
        """Whether an operand is, or is not, among known values or (`null`) null; `null` is None where it cannot be null."""
        parts: list[Sql] = []
        if null is holds:
            parts.append(sql.is_null(operand.copy()))
        if known:
            parts.append(sql.one_of(operand, known) if holds else sql.negation(sql.one_of(operand, known)))
        elif not holds:
            # nothing but null is a member: what is known is none
            parts.append(sql.is_not_null(operand) if null else exp.Boolean(this=True))
        return sql.some(parts)

    def _in_rows(self, name: str, values: Sequence[Value], holds: bool) -> Sql:
        """An output whose values are written out is known by the number of the row that decides."""
        table, place = self._made(name)
        given = {rule.number: rule.outputs[place] for rule in table.rules} | {len(table.rules) + 1: None}
        rows = [row for row, value in given.items() if (value.value if isinstance(value, Const) else value) in values]
        member = self._dialect.numbered(sql.stepped(self._by_row[name]), rows, len(given))
        return member if holds else sql.negation(member)

    def _code(self, kind: Type, operand: Sql) -> Sql:
        """The place of a choice among its values, from 0."""
        return sql.case(
            (sql.one_of(operand.copy(), (value,)), sql.number(place)) for place, value in enumerate(kind.values)
        )

    def _in_list(self, expr: In, holds: bool) -> Sql:
        assert isinstance(expr.operand, Read)
        table, place = self._made(expr.operand.name)
        found: list[Sql] = []
        for rule, condition in self._matches(table):
            member = self._true(In(BOOLEAN, rule.outputs[place], expr.values))
            found.append(sql.every([condition, member]))
        if holds:
            return sql.some(found)
        return sql.negation(exp.Coalesce(this=sql.some(found), expressions=[exp.Boolean(this=False)]))
