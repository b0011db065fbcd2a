"""A policy as SMT-LIB 2 text: what any solver can read, and people too.

Every value is a pair: an integer or a truth value, and whether it is null. Strings are integers, one for each string that is
mentioned; every other integer stands for some other string. What of text cannot be known from that (`contains` and the like)
is a function without meaning but for the strings mentioned: whatever is proven of it holds for every string. Integers are
unbounded and exact, facts lie within their declared ranges; a quotient is the integer that its remainder makes the right one.

Conditions are written twice: where they are true, and where they are false. Null is neither.
"""

from collections.abc import Mapping
from typing import Final

from evenhand.policy.calendar import expanded
from evenhand.policy.proof.smt_figures import extreme_of, figure_of, quotient_of, rank_of
from evenhand.policy.proof.smt_script import Script
from evenhand.policy.proof.smt_text import (
    Term,
    all_of,
    any_of,
    choose,
    choose_value,
    integer,
    is_same,
    negation,
    same,
)
from evenhand.policy.proof.spans import Span, span, spans
from evenhand.policy.regions import Region
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
    Step,
    Table,
    TextCase,
    TextLength,
    TextTest,
    expressions,
    names_read,
    outputs_of,
)
from evenhand.policy.types import Type, Value

_FLIPPED: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


class Encoding:
    """One policy over facts; written step by step into a script.

    `mark` keeps the names of several policies, or of one policy over two sets of facts, apart. Facts that `renamed` lists are
    other constants than those of the same name elsewhere; `base` is the same policy over the facts as they are, whose steps are
    used where no renamed fact plays a part.
    """

    def __init__(
        self,
        script: Script,
        model: Model,
        mark: str = "",
        renamed: frozenset[str] = frozenset(),
        base: "Encoding | None" = None,
    ) -> None:
        self._script = script
        self._model = model
        self._mark = mark
        self._renamed = renamed
        self._base = base
        self._spans: Mapping[str, Span | None] = base._spans if base else spans(model)
        self._outputs: dict[str, Term] = {}
        # figures that were written already
        self._known: dict[Expr, Term] = {}
        # of a table that gives lists: (matches, value) of each row
        self._lists: dict[str, list[tuple[str, Term]]] = {}
        # table -> what says that a row's tests hold, in the order of evaluation
        self.matches: dict[str, list[str]] = {}
        # ... and where a table gives nothing although rows match
        self.blocked: dict[str, str] = {}
        self._touched = self._touches()
        for kind in model.facts.values():
            if kind.ordered:
                for value in kind.values:
                    script.string(value)
        for step in model.steps:
            if base is not None and not self._touched[step.name]:
                self._borrow(step, base)
            elif isinstance(step, Formula):
                self._write_output(step.output, self.term(step.value))
            else:
                self._write_table(step)

    def _touches(self) -> dict[str, bool]:
        """Whether a step depends on a renamed fact."""
        names = set(self._renamed)
        found: dict[str, bool] = {}
        for step in self._model.steps:
            read = {name for expr in expressions(step) for name in names_read(expr)}
            found[step.name] = bool(read & names)
            if found[step.name]:
                names |= {one.name for one in outputs_of(step)}
        return found

    def _borrow(self, step: Step, base: "Encoding") -> None:
        for output in outputs_of(step):
            self._outputs[output.name] = base._outputs.get(output.name, Term("0", "true"))
            if output.name in base._lists:
                self._lists[output.name] = base._lists[output.name]
        if step.name in base.matches:
            self.matches[step.name] = base.matches[step.name]
            self.blocked[step.name] = base.blocked[step.name]

    # names

    def fact(self, name: str) -> Term:
        """A fact; its range is claimed when it is read first."""
        kind = self._model.facts[name]
        label = f"{name}'" if name in self._renamed else name
        known = self._script.knows(label)
        value = self._script.declare(label, "Bool" if kind.kind == "boolean" else "Int")
        null = self._script.declare(f"{label} is null", "Bool")
        if not known and kind.kind != "boolean":
            self._script.claim(f"(or {null} {self._allowed(kind, value)})")
        return Term(value, null)

    def _allowed(self, kind: Type, value: str) -> str:
        if kind.counted:
            return f"(and (<= {integer(kind.low)} {value}) (<= {value} {integer(kind.high)}))"
        if not kind.values:
            return f"(<= 0 {value})"
        return any_of([f"(= {value} {self._script.string(one)})" for one in kind.values])

    def _name(self, text: str) -> str:
        return f"{self._mark}{text}"

    # steps

    def _write_output(self, output: Output, term: Term) -> None:
        sort = "Bool" if output.type.kind == "boolean" else "Int"
        self._outputs[output.name] = Term(
            self._script.define(self._name(output.name), sort, term.value),
            self._script.define(self._name(f"{output.name} is null"), "Bool", term.null),
        )

    def _write_table(self, table: Table) -> None:
        place = next(index for index, step in enumerate(self._model.steps) if step is table)
        found = [
            self._script.define(self._name(f"table {place} row {rule.number}"), "Bool", self._matched(rule))
            for rule in table.rules
        ]
        self.matches[table.name] = found
        blocked = self._script.define(self._name(f"table {place} blocked"), "Bool", self._blocked(table, found))
        self.blocked[table.name] = blocked
        for column, output in enumerate(table.outputs):
            values = [self.term(rule.outputs[column]) for rule in table.rules]
            rows = list(zip(found, values, strict=True))
            if table.hit in ("R", "O", "C"):
                self._lists[output.name] = rows
            elif table.hit in ("C+", "C<", "C>", "C#"):
                figure = {"C+": "sum", "C<": "min", "C>": "max", "C#": "count"}[table.hit]
                self._write_output(output, figure_of(self._script, figure, rows))
            else:
                boolean = output.type.kind == "boolean"
                self._write_output(output, self._first(rows, blocked, boolean))

    def _matched(self, rule: Rule) -> str:
        return all_of([self.holds(test) for test in rule.tests if test is not None])

    def _blocked(self, table: Table, found: list[str]) -> str:
        """Where a table gives null although rows match."""
        if table.hit == "U" and len(found) > 1:
            return f"((_ at-least 2) {' '.join(found)})"
        if table.hit == "A" and len(found) > 1:
            firsts = [
                self._first(
                    list(zip(found, [self.term(rule.outputs[column]) for rule in table.rules], strict=True)),
                    "false",
                    output.type.kind == "boolean",
                )
                for column, output in enumerate(table.outputs)
            ]
            clashes: list[str] = []
            for match, rule in zip(found, table.rules, strict=True):
                alike = [same(self.term(value), first) for value, first in zip(rule.outputs, firsts, strict=True)]
                clashes.append(all_of([match, negation(all_of(alike))]))
            return any_of(clashes)
        return "false"

    def _first(self, rows: list[tuple[str, Term]], blocked: str, boolean: bool) -> Term:
        value, null = "false" if boolean else "0", "true"
        # runs of rows that say the same are one condition: less for the solver
        for match, term in reversed(rows):
            value = term.value if match == "true" else f"(ite {match} {term.value} {value})"
            null = choose(match, term.null, null)
        return Term(value, any_of([blocked, null]))

    # values

    def term(self, expr: Expr) -> Term:
        """The value of an expression."""
        match expr:
            case Const():
                return self._constant(expr.value, expr.type)
            case Read():
                return self._outputs[expr.name] if expr.name in self._outputs else self.fact(expr.name)
            case Arith():
                left, right = self.term(expr.left), self.term(expr.right)
                return Term(f"({expr.operator} {left.value} {right.value})", any_of([left.null, right.null]))
            case Quotient():
                return self._quotient(expr)
            case Extreme():
                return extreme_of(self._script, expr.operator, [self.term(operand) for operand in expr.operands])
            case If():
                condition = self._script.short(self.holds(expr.condition), "Bool")
                then, otherwise = self.term(expr.then), self.term(expr.otherwise)
                return Term(
                    choose_value(condition, then.value, otherwise.value),
                    choose(condition, then.null, otherwise.null),
                )
            case Rank():
                return rank_of(self._script, expr.operand.type.values, self.term(expr.operand))
            case TextCase():
                operand = self.term(expr.operand)
                return Term(f"({self._script.text_function(expr.operator)} {operand.value})", operand.null)
            case TextLength():
                operand = self.term(expr.operand)
                length = self._script.short(
                    f"({self._script.text_function('length')} {operand.value})" + " " * 40, "Int"
                )
                self._script.claim(f"(<= 0 {length})")
                return Term(length, operand.null)
            case DatePart():
                return self._date_part(expr)
            case Gathered():
                return figure_of(self._script, expr.operator, self._lists[expr.name])
            case _:
                return Term(self.holds(expr), all_of([negation(self.holds(expr)), negation(self.fails(expr))]))

    def _constant(self, value: Value, kind: Type) -> Term:
        match value:
            case None:
                return Term("false" if kind.kind == "boolean" else "0", "true")
            case bool():
                return Term("true" if value else "false", "false")
            case int():
                return Term(integer(value), "false")
            case str():
                return Term(str(self._script.string(value)), "false")

    def _date_part(self, expr: DatePart) -> Term:
        if expr not in self._known:
            term = self.term(expanded(expr))
            value = self._script.fresh("Int")
            self._script.claim(f"(= {value} {term.value})")
            self._script.claim(f"(or {term.null} (and (<= {expr.type.low} {value}) (<= {value} {expr.type.high})))")
            self._known[expr] = Term(value, term.null)
        return self._known[expr]

    def _quotient(self, expr: Quotient) -> Term:
        if expr not in self._known:
            left, right = self.term(expr.left), self.term(expr.right)
            self._known[expr] = quotient_of(self._script, expr, left, right, span(expr, self._spans))
        return self._known[expr]

    # conditions

    def holds(self, expr: Expr) -> str:
        """Where a condition is true."""
        return self._truth(expr, True)

    def fails(self, expr: Expr) -> str:
        """Where a condition is false, and not null."""
        return self._truth(expr, False)

    def _truth(self, expr: Expr, holds: bool) -> str:
        match expr:
            case Const():
                return "true" if expr.value is holds else "false"
            case In():
                found = self._member(expr)
                return found if holds else negation(found)
            case Equal():
                found = same(self.term(expr.left), self.term(expr.right))
                return found if holds else negation(found)
            case Compare():
                left, right = self.term(expr.left), self.term(expr.right)
                operator = expr.operator if holds else _FLIPPED[expr.operator]
                return all_of([negation(left.null), negation(right.null), f"({operator} {left.value} {right.value})"])
            case And() | Or():
                parts = [self._truth(operand, holds) for operand in expr.operands]
                return all_of(parts) if isinstance(expr, And) == holds else any_of(parts)
            case Not():
                return self._truth(expr.operand, not holds)
            case TextTest():
                left, right = self.term(expr.left), self.term(expr.right)
                found = f"({self._script.text_function(expr.operator)} {left.value} {right.value})"
                return all_of([negation(left.null), negation(right.null), found if holds else negation(found)])
            case _:
                term = self.term(expr)
                return all_of([negation(term.null), term.value if holds else negation(term.value)])

    def _member(self, expr: In) -> str:
        if expr.operand.type.many:
            assert isinstance(expr.operand, Read)
            wanted = self._constant(expr.values[0], expr.operand.type)
            return any_of([all_of([match, same(term, wanted)]) for match, term in self._lists[expr.operand.name]])
        operand = self.term(expr.operand)
        values = [self._constant(value, expr.operand.type).value for value in expr.values if value is not None]
        among = any_of([is_same(operand.value, value) for value in values])
        found = all_of([negation(operand.null), among])
        return any_of([operand.null, found]) if None in expr.values else found

    def inside(self, expr: Expr, where: Region) -> str:
        """Where an expression's value lies in a region of its type."""
        term = self.term(expr)
        if where.intervals:
            bounds = [
                f"(and (<= {integer(low)} {term.value}) (<= {term.value} {integer(high)}))"
                for low, high in where.intervals
            ]
        else:
            bounds = [is_same(term.value, self._constant(value, expr.type).value) for value in where.values]
        among = negation(any_of(bounds)) if where.others else any_of(bounds)
        found = all_of([negation(term.null), among])
        return any_of([term.null, found]) if where.null else found

    def equals(self, expr: Expr, value: Value) -> str:
        """Where an expression has a value; null equals null."""
        return same(self.term(expr), self._constant(value, expr.type))
