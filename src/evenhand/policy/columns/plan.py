"""A model as named columns in layers: each layer reads only those below it, so nothing is computed twice.

Layer 0 brings the facts into the representation inside (`types.py`). A table becomes the number of the row that decides, from
its conditions, then one value per output, picked by that number. A figure over several matching rows is a sum (or the like)
of one CASE per row. An expression that is read more than once becomes a column of its own.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sqlglot import exp

from evenhand.policy.columns import sql
from evenhand.policy.columns.sql import Dialect, Sql
from evenhand.policy.nulls import never_null, nullable
from evenhand.policy.row import disjoint
from evenhand.policy.tree import (
    And,
    Arith,
    Compare,
    Const,
    DatePart,
    Equal,
    Expr,
    Extreme,
    Formula,
    Gathered,
    If,
    In,
    Model,
    Not,
    Or,
    Output,
    Quotient,
    Rank,
    Read,
    Rule,
    Table,
    TextCase,
    TextLength,
    TextTest,
    children,
    expressions,
)
from evenhand.policy.types import BOOLEAN, TEXT, Type, Value

_ARITHMETIC: Final = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul}
_COMPARISON: Final = {"<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE}
_FLIPPED: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_SMALL: Final = "abcdefghijklmnopqrstuvwxyz"
# what is worth a column of its own when it is read again
_SHARED: Final = (Arith, Quotient, Extreme, If, Rank, TextCase, TextLength, DatePart, Gathered)
# PostgreSQL cuts names after 63 bytes
_LONGEST: Final = 60
_COUNT: Final = Type("number")


@dataclass(slots=True)
class Plan:
    """Layers of named columns, and what comes out of the last one."""

    layers: list[dict[str, Sql]] = field(default_factory=lambda: [{}])
    # name, value in the type in which it comes out
    items: list[tuple[str, Sql]] = field(default_factory=list[tuple[str, Sql]])


def plan(model: Model, dialect: Dialect) -> Plan:
    """Lay out a model for a dialect."""
    return _Planner(model, dialect).plan()


def read_by(value: Sql) -> Iterator[str]:
    """Names of the columns of lower layers that a value reads, with repeats."""
    return (one.name for one in value.find_all(exp.Column) if one.table == sql.STEP)


class _Planner:
    def __init__(self, model: Model, dialect: Dialect) -> None:
        self._model = model
        self._dialect = dialect
        self._plan = Plan()
        # layer of each column
        self._layer: dict[str, int] = {}
        self._taken: set[str] = set()
        # column of each fact or output
        self._names: dict[str, str] = {}
        # outputs that are never null
        self._sure: set[str] = set()
        # column of the deciding row's number, by table and by output whose values are all written out
        self._rows: dict[str, str] = {}
        self._by_row: dict[str, str] = {}
        # column of a choice's place among its values
        self._codes: dict[str, str] = {}
        # how many values a name is compared with
        self._asked: Counter[str] = Counter()
        self._bound: dict[Expr, str] = {}
        self._uses: Counter[Expr] = Counter()

    def plan(self) -> Plan:
        model = self._model
        for step in model.steps:
            for expr in expressions(step):
                self._count(expr)
        for expr in model.ruling.values():
            self._count(expr)
        for name in model.read:
            kind = model.facts[name]
            self._names[name] = self._bind(name, self._dialect.inward(kind, sql.column(name)), 0)
            if self._asked[name] > len(kind.values) > 0:
                self._codes[name] = self._bind(f"{name} code", self._code(kind, sql.column(name)), 0)
        for step in model.steps:
            if isinstance(step, Formula):
                self._names[step.name] = self._bind(step.name, self._typed(step.value))
            else:
                self._table(step)
            self._sure |= never_null(step, self._sure)
        taken: set[str] = set()
        for name, value in self._items():
            if name.lower() not in taken:
                taken.add(name.lower())
                self._plan.items.append((name, value))
        return self._plan

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

    def _items(self) -> Iterator[tuple[str, Sql]]:
        """What comes out: the parts of the ruling with the deciding row, then the outputs of every step."""
        model = self._model
        for name, expr in model.ruling.items():
            yield (
                name,
                self._dialect.outward(
                    expr.type, self._atom(expr) if not isinstance(expr, Const) else self._typed(expr)
                ),
            )
        if model.deciding is not None:
            rules = [f"{model.deciding.name}/{number}" for number in range(len(model.deciding.rules) + 1)]
            row = sql.binary(exp.Add, sql.stepped(self._rows[model.deciding.name]), sql.number(1))
            yield "rule", self._dialect.pick([sql.text(rule) for rule in rules], row, TEXT)
        elif model.ruling:
            yield "rule", sql.text("formula/1")
        for step in model.steps:
            for output in step.outputs if isinstance(step, Table) else (step.output,):
                if output.type.many:
                    assert isinstance(step, Table)
                    yield output.name, self._listed(step, output)
                else:
                    yield output.name, self._dialect.outward(output.type, sql.stepped(self._names[output.name]))

    # columns

    def _bind(self, name: str, value: Sql, layer: int | None = None) -> str:
        """Give a value a column; returns its name."""
        fresh, number = name, 1
        while fresh.lower() in self._taken or len(fresh.encode()) > _LONGEST:
            number += 1
            fresh = f"{name[:12]}_{number}"
        self._taken.add(fresh.lower())
        if layer is None:
            layer = 1 + max((self._layer[one] for one in read_by(value)), default=0)
        while len(self._plan.layers) <= layer:
            self._plan.layers.append({})
        self._plan.layers[layer][fresh] = value
        self._layer[fresh] = layer
        return fresh

    # tables

    def _table(self, table: Table) -> None:
        if table.hit in ("R", "O", "C"):
            return  # read through `_matches`
        if table.hit in ("C+", "C<", "C>", "C#"):
            for place, output in enumerate(table.outputs):
                figure = {"C+": "sum", "C<": "min", "C>": "max", "C#": "count"}[table.hit]
                self._names[output.name] = self._bind(output.name, self._figure(table, place, figure))
            return
        row = self._bind("row", self._deciding(table))
        if table.hit == "A":
            row = self._bind("row", self._agreed(table, row))
        self._rows[table.name] = row
        for place, output in enumerate(table.outputs):
            self._names[output.name] = self._bind(output.name, self._picked(table, place, row))
            if all(isinstance(rule.outputs[place], Const) for rule in table.rules):
                self._by_row[output.name] = row

    def _condition(self, rule: Rule) -> Sql:
        """True where a row matches; else false or null."""
        return sql.every([self._true(test) for test in rule.tests if test is not None])

    def _matches(self, table: Table) -> Iterator[tuple[Rule, Sql]]:
        return ((rule, self._condition(rule)) for rule in table.rules)

    def _deciding(self, table: Table) -> Sql:
        """Number of the first row that matches, 0 for none; of U also 0 when the last row that matches is another."""
        matches = [(condition, sql.number(rule.number)) for rule, condition in self._matches(table)]
        first = _chosen(matches)
        if table.hit != "U" or disjoint(table.rules):
            return first
        last = _chosen([(one.copy(), number.copy()) for one, number in reversed(matches)])
        first, last = sql.stepped(self._bind("first", first)), sql.stepped(self._bind("last", last))
        return sql.case([(sql.binary(exp.EQ, first, last), first.copy())], sql.number(0))

    def _agreed(self, table: Table, first: str) -> Sql:
        """The first row that matches, 0 when another one that matches gives something else."""
        said = [
            sql.stepped(self._bind("said", self._picked(table, place, first))) for place in range(len(table.outputs))
        ]
        clashes = [
            sql.every(
                [
                    condition,
                    sql.some(
                        [
                            sql.binary(exp.NullSafeNEQ, self._value(value), one.copy())
                            for value, one in zip(rule.outputs, said, strict=True)
                        ]
                    ),
                ]
            )
            for rule, condition in self._matches(table)
        ]
        return sql.case([(sql.some(clashes), sql.number(0))], sql.stepped(first))

    def _picked(self, table: Table, place: int, row: str) -> Sql:
        """An output's value by the number of the row that decides."""
        kind = table.outputs[place].type
        rules = sorted(table.rules, key=lambda rule: rule.number)
        values = [rule.outputs[place] for rule in rules]
        calculated: dict[Expr, list[int]] = {}
        for rule, value in zip(rules, values, strict=True):
            if not isinstance(value, Const):
                calculated.setdefault(value, []).append(rule.number)
        written = [(sql.one_of(sql.stepped(row), numbers), self._typed(value)) for value, numbers in calculated.items()]
        constants = [value.value if isinstance(value, Const) else None for value in values]
        if all(value is None for value in constants):
            return sql.case(written, sql.typed(None, kind)) if written else sql.typed(None, kind)
        picked = self._dialect.pick([sql.literal(value) for value in constants], sql.stepped(row), kind)
        return sql.case(written, picked) if written else picked

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
            none = sql.binary(exp.EQ, sql.stepped(self._bind("count", count)), sql.number(0))
            return sql.case([(none, sql.typed(None, _COUNT))], total)
        kind = exp.Least if figure == "min" else exp.Greatest
        extreme = kind(this=each[0], expressions=each[1:], ignore_nulls=True) if len(each) > 1 else each[0]
        nulls = [
            sql.every([condition.copy(), sql.is_null(self._value(value))])
            for value, condition in matches
            if nullable(value, self._sure)
        ]
        return sql.case([(sql.some(nulls), sql.typed(None, _COUNT))], extreme) if nulls else extreme

    def _listed(self, table: Table, output: Output) -> Sql:
        """The values of the rows that match, in order, as an array."""
        kind = replace(output.type, many=False)
        place = table.outputs.index(output)
        array = f"array<{sql.outer(kind)}>"
        empty = sql.cast(exp.Array(expressions=[]), array)
        parts: list[Sql] = []
        for rule, condition in self._matches(table):
            value = self._dialect.outward(kind, self._typed(rule.outputs[place]))
            parts.append(sql.case([(condition, sql.cast(exp.Array(expressions=[value]), array))], empty.copy()))
        return self._dialect.append(parts)

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
            self._bound[expr] = self._bind("value", self._made_of(expr))
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
                return sql.binary(_ARITHMETIC[expr.operator], self._value(expr.left), self._value(expr.right))
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
        """As `lowering.round_quotient`, from a division that drops the fraction."""
        left, right = self._atom(expr.left), self._atom(expr.right)
        divisor = right
        if not (isinstance(expr.right, Const) and expr.right.value):
            divisor = exp.Nullif(this=right, expression=sql.number(0))
        zero = sql.number(0)
        if expr.rounding == "half_up":
            # half the divisor more, away from zero; doubled, so that it stays an integer
            size = sql.call("ABS", right.copy())
            sign = sql.case([(sql.binary(exp.LT, left, zero), exp.Neg(this=size))], size.copy())
            doubled = sql.binary(exp.Add, sql.binary(exp.Mul, left.copy(), sql.number(2)), sign)
            return self._dialect.divide(doubled, sql.binary(exp.Mul, divisor, sql.number(2)))
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
        given = {0: None} | {rule.number: rule.outputs[place] for rule in table.rules}
        rows = [row for row, value in given.items() if (value.value if isinstance(value, Const) else value) in values]
        return self._among(sql.stepped(self._by_row[name]), rows, None, holds)

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


def _chosen(matches: Sequence[tuple[Sql, Sql]]) -> Sql:
    """The value of the first condition that is true, else 0."""
    always = next((place for place, (one, _) in enumerate(matches) if sql.is_boolean(one, True)), len(matches))
    otherwise = matches[always][1] if always < len(matches) else sql.number(0)
    return sql.case(matches[:always], otherwise) if always else otherwise
