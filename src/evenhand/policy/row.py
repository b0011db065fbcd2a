"""The row compiler: a model becomes the source of one Python function that decides one set of facts.

    decide(facts) -> (values of the ruling's parts ..., for every step: rows that matched, values of its outputs ...)

`facts` are nested and already of the right types (`values.nested`). Inside, values are held as `types.py` says. Source is
written so that a person can follow it: a comment names the table, and every row is one `if`.
"""

import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from evenhand.policy.arithmetic import round_quotient
from evenhand.policy.nulls import never_null, nullable
from evenhand.policy.sides import disjoint
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
    Quotient,
    Rank,
    Read,
    Rule,
    Table,
    TextCase,
    TextLength,
    TextTest,
)
from evenhand.policy.types import MAX_SCALE, Value

Decide = Callable[[Mapping[str, Any]], tuple[Any, ...]]
_EPOCH: Final = date(1970, 1, 1).toordinal()
_MOMENT: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UPPER: Final = {ord(small): small.upper() for small in "abcdefghijklmnopqrstuvwxyz"}
_LOWER: Final = {ord(large): large.lower() for large in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def _total(values: list[int | None]) -> int | None:
    return None if not values or None in values else sum(value for value in values if value is not None)


def _least(values: list[int | None]) -> int | None:
    return None if not values or None in values else min(value for value in values if value is not None)


def _most(values: list[int | None]) -> int | None:
    return None if not values or None in values else max(value for value in values if value is not None)


def _half_up(left: int, right: int) -> int:
    return round_quotient("half_up", left, right)


def _seconds(moment: datetime) -> int:
    """Whole seconds since 1970, exactly: a float would round the last microsecond of a far year up."""
    return (moment - _MOMENT) // timedelta(seconds=1)


def _date_part(days: int, part: str) -> int:
    found = date.fromordinal(days + _EPOCH)
    return found.isoweekday() if part == "weekday" else getattr(found, part)


def _scaled(scale: int) -> Callable[[int | Decimal], int]:
    """A number as a count of its last decimal. Decimals multiply slowly, and the same scores come again and again."""
    factor = 10**scale
    return lru_cache(4096)(lambda value: int(value * factor))


# What the generated source may call.
_HELPERS: Final[Mapping[str, Any]] = {
    "half_up": _half_up,
    "date_part": _date_part,
    "seconds": _seconds,
    **{f"scaled_{scale}": _scaled(scale) for scale in range(1, MAX_SCALE + 1)},
    "total": _total,
    "least": _least,
    "most": _most,
    "UPPER": _UPPER,
    "LOWER": _LOWER,
}


@dataclass(frozen=True, slots=True)
class Row:
    """A compiled row function."""

    source: str
    decide: Decide
    # the values of the outputs in an answer
    by_name: Callable[[tuple[Any, ...]], dict[str, Any]]
    # where in the answer a part of the ruling, a step's matched rows, or an output's value stands
    parts: Mapping[str, int]
    hits: Mapping[str, int]
    outputs: Mapping[str, int]


def compile_row(model: Model) -> Row:
    """Write and compile the row function of a model."""
    return _Writer(model).write()


class _Writer:
    def __init__(self, model: Model) -> None:
        self._model = model
        self._lines: list[str] = []
        self._depth = 1
        self._locals: dict[str, str] = {}
        # local variable of each group of facts
        self._groups: dict[str, str] = {}
        self._taken: set[str] = set(_HELPERS) | {"facts", "decide", "by_name", "len", "min", "max", "int"}
        self._temporaries = 0
        self._constants: dict[str, Any] = {}
        # outputs that are never null
        self._sure: set[str] = set()
        # values written before, where they may be used again
        self._written: dict[Expr, str] | None = None

    def write(self) -> Row:
        model = self._model
        for group in dict.fromkeys(name.split(".")[0] for name in model.read if "." in name):
            self._groups[group] = self._fresh(f"{group}_facts")
            self._line(f"{self._groups[group]} = facts[{group!r}]")
        for name in model.read:
            self._read(name)
        answers: list[str] = []
        hits: dict[str, int] = {}
        outputs: dict[str, int] = {}
        step_answers: list[tuple[str, str, str]] = []
        for step in model.steps:
            if isinstance(step, Formula):
                self._line()
                self._line(f"# {_comment(step.name)} = {_comment(step.text)}")
                value = self._value(step.value)
                self._line(f"{self._local(step.name)} = {value}")
                step_answers.append(("output", step.name, self._locals[step.name]))
            else:
                matched = self._table(step)
                step_answers.append(("hit", step.name, matched))
                step_answers += [("output", one.name, self._locals[one.name]) for one in step.outputs]
            self._sure |= never_null(step, self._sure)
        self._line()
        parts: dict[str, int] = {}
        self._written = {}
        for name, expr in model.ruling.items():
            parts[name] = len(answers)
            answers.append(self._atom(expr))
        for kind, name, local in step_answers:
            (hits if kind == "hit" else outputs)[name] = len(answers)
            answers.append(local)
        self._line(f"return ({', '.join(answers)},)")
        head = [
            f"# {_comment(model.name)} {_comment(model.version)}: {_comment(model.title)}",
            *(f"{name} = {value!r}" for name, value in self._constants.items()),
            "",
            "",
            "def decide(facts):",
        ]
        named = ", ".join(f"{name!r}: answer[{place}]" for name, place in outputs.items())
        tail = ["", "", "def by_name(answer):", f"    return {{{named}}}"]
        source = "\n".join([*head, *self._lines, *tail]) + "\n"
        space: dict[str, Any] = dict(_HELPERS)
        # the source holds nothing of the document but literals written by repr() and comments without line breaks
        exec(compile(source, f"<{model.name} {model.version}>", "exec"), space)  # noqa: S102
        return Row(source, space["decide"], space["by_name"], parts, hits, outputs)

    # lines and names

    def _line(self, text: str = "") -> None:
        self._lines.append(f"{'    ' * self._depth}{text}" if text else "")

    def _local(self, name: str) -> str:
        """The local variable of a fact or output."""
        if name not in self._locals:
            self._locals[name] = self._fresh(name)
        return self._locals[name]

    def _fresh(self, name: str) -> str:
        base = re.sub(r"[^A-Za-z0-9_]", "_", name).strip("_") or "x"
        base = f"{base}_" if keyword.iskeyword(base) or base[0].isdigit() else base
        found, number = base, 1
        while found in self._taken or keyword.iskeyword(found):
            number += 1
            found = f"{base}_{number}"
        self._taken.add(found)
        return found

    def _temporary(self, value: str) -> str:
        self._temporaries += 1
        name = f"t{self._temporaries}"
        self._taken.add(name)
        self._line(f"{name} = {value}")
        return name

    def _read(self, name: str) -> None:
        """Bind a fact to its local variable, in the representation inside."""
        group, *parts = name.split(".")
        start = self._groups[group] if parts else f"facts[{group!r}]"
        place = start + "".join(f"[{part!r}]" for part in parts)
        local = self._local(name)
        kind = self._model.facts[name]
        self._line(f"{local} = {place}")
        inside = {
            "date": f"{local}.toordinal() - 719163",
            "datetime": f"seconds({local})",
            "number": f"scaled_{kind.scale}({local})" if kind.scale else "",
        }.get(kind.kind, "")
        if inside:
            self._line(f"if {local} is not None:")
            self._line(f"    {local} = {inside}")

    # tables

    def _table(self, table: Table) -> str:
        """Write a table; returns the local variable that holds the matched row or rows."""
        self._line()
        self._line(f"# {_comment(table.name)} ({table.hit})")
        hit = self._fresh(f"{table.name}_row")
        outputs = [self._local(output.name) for output in table.outputs]
        if table.hit in ("F", "P") or (table.hit == "U" and disjoint(table.rules)):
            self._first(table, hit, outputs)
        elif table.hit == "U":
            self._unique(table, hit, outputs)
        elif table.hit == "A":
            self._any(table, hit, outputs)
        else:
            self._collect(table, hit, outputs)
        return hit

    def _nullable(self, expr: Expr) -> bool:
        return nullable(expr, self._sure)

    def _condition(self, rule: Rule) -> str:
        parts = [part for test in rule.tests if test is not None and (part := self._true(test)) != "True"]
        return " and ".join(f"({part})" if " or " in part and len(parts) > 1 else part for part in parts)

    def _assign(self, names: list[str], values: tuple[Expr, ...]) -> None:
        for name, value in zip(names, values, strict=True):
            self._line(f"{name} = {self._value(value)}")

    def _nothing(self, hit: str, outputs: list[str]) -> None:
        self._line(f"{hit} = 0")
        if outputs:
            self._line(f"{' = '.join(outputs)} = None")

    def _first(self, table: Table, hit: str, outputs: list[str]) -> None:
        self._line("while True:")
        self._depth += 1
        for rule in table.rules:
            condition = self._condition(rule)
            if condition:
                self._line(f"if {condition}:")
                self._depth += 1
            self._line(f"{hit} = {rule.number}")
            self._assign(outputs, rule.outputs)
            self._line("break")
            if not condition:
                break  # nothing below it is ever reached
            self._depth -= 1
        else:
            self._nothing(hit, outputs)
            self._line("break")
        self._depth -= 1

    def _unique(self, table: Table, hit: str, outputs: list[str]) -> None:
        """Count the matches; more than one is none."""
        self._line(f"{hit} = matches = 0")
        for rule in table.rules:
            condition = self._condition(rule)
            self._line(f"if {condition or 'True'}:")
            self._line(f"    {hit} = {rule.number}")
            self._line("    matches += 1")
        self._line("if matches != 1:")
        self._line(f"    {hit} = 0")
        self._by_number(table, hit, outputs)

    def _by_number(self, table: Table, hit: str, outputs: list[str]) -> None:
        self._line("while True:")
        self._depth += 1
        for rule in table.rules:
            self._line(f"if {hit} == {rule.number}:")
            self._depth += 1
            self._assign(outputs, rule.outputs)
            self._line("break")
            self._depth -= 1
        if outputs:
            self._line(f"{' = '.join(outputs)} = None")
        self._line("break")
        self._depth -= 1

    def _any(self, table: Table, hit: str, outputs: list[str]) -> None:
        """Every match must say the same; the first one names the row."""
        self._line(f"{hit} = 0")
        self._line("said = None")
        self._line("clash = False")
        for rule in table.rules:
            condition = self._condition(rule)
            self._line(f"if {condition or 'True'}:")
            self._depth += 1
            values = ", ".join(self._value(value) for value in rule.outputs)
            self._line(f"row = ({values},)")
            self._line(f"if {hit} == 0:")
            self._line(f"    {hit} = {rule.number}")
            self._line("    said = row")
            self._line("elif row != said:")
            self._line("    clash = True")
            self._depth -= 1
        self._line(f"if clash or {hit} == 0:")
        self._depth += 1
        self._nothing(hit, outputs)
        self._depth -= 1
        if outputs:
            self._line("else:")
            self._line(f"    {', '.join(outputs)}{',' if len(outputs) == 1 else ''} = said")

    def _collect(self, table: Table, hit: str, outputs: list[str]) -> None:
        self._line(f"{hit} = []")
        for output in outputs:
            self._line(f"{output} = []")
        for rule in table.rules:
            condition = self._condition(rule)
            if condition:
                self._line(f"if {condition}:")
                self._depth += 1
            self._line(f"{hit}.append({rule.number})")
            for output, value in zip(outputs, rule.outputs, strict=True):
                self._line(f"{output}.append({self._value(value)})")
            if condition:
                self._depth -= 1
        figure = {"C+": "total({})", "C<": "least({})", "C>": "most({})", "C#": "len({})"}.get(table.hit)
        if figure:
            for place, output in enumerate(outputs):
                known = not any(self._nullable(rule.outputs[place]) for rule in table.rules)
                quick = "sum({0}) if {0} else None" if table.hit == "C+" and known else figure
                self._line(f"{output} = {quick.format(output)}")

    # values

    def _value(self, expr: Expr) -> str:
        """Python for the value of an expression; statements it needs are written first."""
        if self._written and expr in self._written:
            return self._written[expr]
        match expr:
            case Const():
                return repr(expr.value)
            case Read():
                return self._local(expr.name)
            case Arith():
                left, right = self._atom(expr.left), self._atom(expr.right)
                return self._guarded(((expr.left, left), (expr.right, right)), f"{left} {expr.operator} {right}")
            case Quotient():
                return self._quotient(expr)
            case Extreme():
                atoms = [self._atom(operand) for operand in expr.operands]
                pairs = list(zip(expr.operands, atoms, strict=True))
                return self._guarded(pairs, f"{expr.operator}({', '.join(atoms)})")
            case If(condition=In(operand=Read() as read, values=(None,))) if read.name in self._sure:
                return self._value(expr.otherwise)
            case If():
                condition = self._true(expr.condition)
                then, otherwise = self._value(expr.then), self._value(expr.otherwise)
                return f"({then} if {condition} else {otherwise})"
            case Rank():
                places = self._constant("RANKS", {value: rank for rank, value in enumerate(expr.operand.type.values)})
                return f"{places}.get({self._atom(expr.operand)})"
            case TextTest():
                left, right = self._atom(expr.left), self._atom(expr.right)
                test = {
                    "contains": f"{right} in {left}",
                    "starts": f"{left}.startswith({right})",
                    "ends": f"{left}.endswith({right})",
                }[expr.operator]
                return self._guarded(((expr.left, left), (expr.right, right)), test)
            case TextCase():
                operand = self._atom(expr.operand)
                return self._guarded(((expr.operand, operand),), f"{operand}.translate({expr.operator.upper()})")
            case TextLength():
                operand = self._atom(expr.operand)
                return self._guarded(((expr.operand, operand),), f"len({operand})")
            case DatePart():
                operand = self._atom(expr.operand)
                return self._guarded(((expr.operand, operand),), f"date_part({operand}, {expr.part!r})")
            case Gathered():
                figure = {"sum": "total", "min": "least", "max": "most", "count": "len"}[expr.operator]
                return f"{figure}({self._local(expr.name)})"
            case _:
                if self._nullable(expr):
                    return f"(True if {self._true(expr)} else False if {self._false(expr)} else None)"
                return f"({self._true(expr)})"

    def _atom(self, expr: Expr) -> str:
        """A name or literal for the value of an expression."""
        text = self._value(expr)
        if isinstance(expr, Read):
            return text
        if isinstance(expr, Const):
            return f"({text})" if text.startswith("-") else text
        if text.isidentifier():
            return text
        name = self._temporary(text)
        if self._written is not None:
            self._written[expr] = name
        return name

    def _guarded(self, operands: Sequence[tuple[Expr, str]], text: str) -> str:
        """`text`, or None where one of the operands, each with its atom, is None."""
        tests = dict.fromkeys(f"{atom} is None" for expr, atom in operands if self._nullable(expr))
        return f"(None if {' or '.join(tests)} else {text})" if tests else f"({text})"

    def _quotient(self, expr: Quotient) -> str:
        left, right = self._atom(expr.left), self._atom(expr.right)
        # without a sign, rounding is one division; (2a + b) / 2b is a / b + 1/2
        plain = expr.left.type.low >= 0 and expr.right.type.low > 0
        text = {
            "half_up": f"(2 * {left} + {right}) // (2 * {right})" if plain else f"half_up({left}, {right})",
            "floor": f"{left} // {right}",
            "ceiling": f"-(-{left} // {right})",
        }[expr.rounding]
        tests = [f"{atom} is None" for one, atom in ((expr.left, left), (expr.right, right)) if self._nullable(one)]
        if expr.right.type.low <= 0 <= expr.right.type.high:
            tests.append(f"{right} == 0")
        return f"(None if {' or '.join(tests)} else {text})" if tests else f"({text})"

    def _constant(self, name: str, value: Any) -> str:
        for known, held in self._constants.items():
            if held == value:
                return known
        fresh = self._fresh(f"{name}_{len(self._constants) + 1}")
        self._constants[fresh] = value
        return fresh

    # truth

    def _true(self, expr: Expr) -> str:
        """Python that is true exactly where a condition is true."""
        return self._truth(expr, True)

    def _false(self, expr: Expr) -> str:
        """Python that is true exactly where a condition is false (not null)."""
        return self._truth(expr, False)

    def _truth(self, expr: Expr, holds: bool) -> str:
        match expr:
            case Const():
                return repr(expr.value is holds)
            case In():
                return self._member(expr, holds)
            case Equal():
                return f"{self._atom(expr.left)} {'==' if holds else '!='} {self._atom(expr.right)}"
            case Compare():
                left, right = self._atom(expr.left), self._atom(expr.right)
                flipped = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
                operator = expr.operator if holds else flipped[expr.operator]
                pairs = ((expr.left, left), (expr.right, right))
                tests = dict.fromkeys(f"{atom} is not None" for one, atom in pairs if self._nullable(one))
                return " and ".join([*tests, f"{left} {operator} {right}"])
            case And(operands=(Compare() as low, Compare() as high)) if holds and _interval(low, high):
                operand, first, last = self._atom(low.left), self._atom(low.right), self._atom(high.right)
                known = f"{operand} is not None and " if self._nullable(low.left) else ""
                return f"{known}{first} {'<=' if low.operator == '>=' else '<'} {operand} {high.operator} {last}"
            case And() | Or():
                joined = " and " if isinstance(expr, And) == holds else " or "
                parts = [self._truth(operand, holds) for operand in expr.operands]
                return joined.join(f"({part})" if joined == " or " or " or " in part else part for part in parts)
            case Not():
                return self._truth(expr.operand, not holds)
            case _:
                return f"{self._atom(expr)} is {holds}"

    def _member(self, expr: In, holds: bool) -> str:
        if isinstance(expr.operand, Const):
            return repr((expr.operand.value in expr.values) is holds)
        operand = self._atom(expr.operand)
        negated = "" if holds else "not "
        if expr.operand.type.many:
            return f"{expr.values[0]!r} {negated}in {operand}"
        if not expr.values:
            return repr(not holds)
        if len(expr.values) == 1:
            (value,) = expr.values
            if value is None or isinstance(value, bool):
                return f"{operand} {'is' if holds else 'is not'} {value!r}"
            return f"{operand} {'==' if holds else '!='} {value!r}"
        # a set of literals is one constant to Python; sorted, so that the source is the same every time
        return f"{operand} {negated}in {{{', '.join(repr(value) for value in _sorted(expr.values))}}}"


def _interval(low: Compare, high: Compare) -> bool:
    """Whether two comparisons are the ends of an interval with constant ends."""
    ends = isinstance(low.right, Const) and isinstance(high.right, Const)
    return ends and low.left == high.left and low.operator in (">", ">=") and high.operator in ("<", "<=")


def _sorted(values: tuple[Value, ...]) -> list[Value]:
    return sorted(
        values, key=lambda value: (value is None, str(type(value)), value or 0 if not isinstance(value, str) else value)
    )


def _comment(text: str) -> str:
    """Text that cannot leave its comment."""
    return re.sub(r"[^\x20-\x7e\u00a0-\uffff]", " ", re.sub(r"[\u2028\u2029\ufeff]", " ", text))[:120]
