"""Random policy documents, as a person would write them, and facts that lean to where they decide.

Everything is drawn from a `Random`: Hypothesis gives one that it can shrink (`st.randoms`), a loop gives a seeded one.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from random import Random

from evenhand.policy.tree import Compare, Const, Equal, Expr, In, Model, Rank, Read, children, expressions
from evenhand.policy.types import Type, Value

WORDS = ("red", "green", "blue", "grey")
STRINGS = (
    "",
    "a",
    "ab",
    "Ab",
    "b",
    "é",
    "É",
    "x😀y",
    "it's",
    'say "hi"',
    "back\\slash",
    "100%",
    "a_b",
    "two words",
    "ß",
)
_HITS = ("U", "A", "P", "F", "R", "O", "C", "C+", "C<", "C>", "C#")
_LISTS = ("R", "O", "C")
_NUMBERS = ("integer", "number")
# kinds of the outputs of the ruling
_RULING = {
    "payer": ("platform", "merchant", "none"),
    "outcome": ("subsidise", "refund_by_merchant", "negotiate", "merchant_decides", "decline", "review"),
}


@dataclass(frozen=True)
class Name:
    """A fact or an output that later cells may read."""

    text: str
    # number, boolean, choice, string, date, moment, duration, months
    kind: str
    values: tuple[str, ...] = ()
    ordered: bool = False
    many: bool = False


@dataclass
class Writer:
    """Writes one document."""

    rng: Random
    names: list[Name] = field(default_factory=list[Name])
    facts: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    sections: list[str] = field(default_factory=list[str])
    made: int = 0

    def write(self) -> str:
        for place in range(self.rng.randint(2, 6)):
            self._fact(f"f.{'abcdef'[place]}")
        if self.rng.random() < 0.4:
            self.names += [
                Name("application.amount", "number"),
                Name("merchant.experience_score", "number"),
                Name("buyer.integrity", "choice", ("poor", "fair", "good", "excellent"), ordered=True),
                Name("application.filed_on", "date"),
            ]
        for _ in range(self.rng.randint(1, 4)):
            if self.rng.random() < 0.3:
                self._formulas()
            else:
                self._table()
        if self.rng.random() < 0.5:
            self._ruling()
        self.rng.shuffle(self.sections)
        facts = "\n".join(f"| {name} | {kind} | {values} |" for name, kind, values in self.facts)
        head = "---\npolicy: random\nversion: 1\neffective: 2025-01-01\n---\n# Random\n\n"
        return f"{head}## Facts\n| fact | type | values |\n|---|---|---|\n{facts}\n\n" + "\n".join(self.sections)

    def _fact(self, name: str) -> None:
        rng = self.rng
        kind = rng.choice(
            ("integer", "integer", "number", "number", "boolean", "choice", "choice", "string", "date", "moment",
             "duration", "months")
        )  # fmt: skip
        written, values = kind, "-"
        match kind:
            case "integer":
                values = rng.choice(("[0..100]", "[-7..7]", "[-1000000..1000000]", "-", "[0..0]", "[3..9]"))
            case "number":
                scale = rng.choice((1, 2, 4))
                written = f"number({scale})"
                values = rng.choice(("[0..5]", "[-2.5..2.5]", "[-9000..9000]", "-", "[0..1]"))
            case "choice":
                words = WORDS[: rng.randint(1, 4)]
                ordered = rng.random() < 0.5
                written = "ordered choice" if ordered else "choice"
                values = ", ".join(f'"{word}"' for word in words)
                self.names.append(Name(name, kind, words, ordered))
            case "moment":
                written = "date and time"
            case _:
                pass
        self.facts.append((name, written, values))
        if kind != "choice":
            self.names.append(Name(name, "number" if kind in _NUMBERS else kind))

    # tables

    def _title(self) -> str:
        self.made += 1
        return f"Step {self.made}" + self.rng.choice(("", "", " it's", " %", " 表"))

    def _formulas(self) -> None:
        lines: list[str] = []
        title = self._title()
        for _ in range(self.rng.randint(1, 3)):
            kind = self.rng.choice(("number", "number", "boolean", "string", "date", "moment", "duration", "months"))
            self.made += 1
            name = f"x{self.made}"
            lines.append(f"{name} = {self._expression(kind, 3)}")
            self.names.append(Name(name, kind))
        self.sections.append(f"## {title}\n```feel\n" + "\n".join(lines) + "\n```\n")

    def _table(self) -> None:
        rng = self.rng
        hit = rng.choice(_HITS)
        columns: list[tuple[str, Callable[[], str], Name]] = []
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            self.made += 1
            columns.append(self._column(f"y{self.made}", hit))
        self._write_table(self._title(), hit, columns)

    def _column(self, name: str, hit: str) -> tuple[str, Callable[[], str], Name]:
        """Header, how a cell is written, and what later cells can read."""
        rng = self.rng
        many = hit in _LISTS
        if hit in ("P", "O"):
            words = WORDS[: rng.randint(1, 4)]
            listed = list(words)
            rng.shuffle(listed)
            header = f"{name}: " + ", ".join(f'"{word}"' for word in listed)
            return header, lambda: rng.choice(words), Name(name, "choice", tuple(reversed(listed)), True, many)
        kinds = {
            "C+": ("number",),
            "C<": ("number", "date", "moment", "duration", "months"),
            "C>": ("number", "date", "moment", "duration", "months"),
        }.get(
            hit, ("number", "number", "boolean", "choice", "choice", "string", "date", "moment", "duration", "months")
        )
        kind = rng.choice(kinds)
        if kind == "choice":
            words = WORDS[: rng.randint(1, 4)]
            # the words that stay unused are no values of the choice: nothing reads it by value but through itself
            found = Name(name, "number") if hit == "C#" else Name(name, "word", (), False, many)
            return name, lambda: rng.choice((*words, *words, *words, "null")), found
        found = Name(name, "number" if hit == "C#" else kind, many=many)
        # strings alone would make it a choice of these
        first = [kind == "string"]
        return name, lambda: f"lower case({self._cell(kind)})" if first and first.pop() else self._cell(kind), found

    def _cell(self, kind: str) -> str:
        chance = self.rng.random()
        if chance < 0.1:
            return "null"
        return self._literal(kind) if chance < 0.6 else self._expression(kind, 2)

    def _write_table(self, title: str, hit: str, columns: list[tuple[str, Callable[[], str], Name]]) -> None:
        rng = self.rng
        heads = [self._head() for _ in range(rng.choice((0, 1, 2, 2, 3)))]
        lines = ["| " + " | ".join([hit, *(head for head, _ in heads), *(f"→ {one[0]}" for one in columns)]) + " |"]
        lines.append("|---" * (1 + len(heads) + len(columns)) + "|")
        rows = rng.randint(1, 7)
        for number in range(1, rows + 1):
            last = number == rows and rng.random() < 0.4
            tests = ["-" if last else self._test(name) for _, name in heads]
            lines.append("| " + " | ".join([str(number), *tests, *(cell() for _, cell, _ in columns)]) + " |")
        self.sections.append(f"## {title}\n" + "\n".join(line.replace("\n", " ") for line in lines) + "\n")
        self.names += [name for _, _, name in columns]

    def _ruling(self) -> None:
        rng = self.rng
        columns: list[tuple[str, Callable[[], str], Name]] = []
        for name, values in _RULING.items():
            if name == "outcome" or rng.random() < 0.3:
                picked = values if name == "payer" else (*values, "null")
                columns.append((name, lambda p=picked: rng.choice(p), Name(name, "word")))
        if any(name == "payer" for name, _, _ in columns):
            # whoever pays must fit the outcome, so the two are not drawn apart
            columns = [("payer", lambda: "none", Name("payer", "word"))]
            columns.append(("outcome", lambda: rng.choice(("negotiate", "decline", "null")), Name("outcome", "word")))
        if rng.random() < 0.4:
            columns.append(("amount", lambda: f"max(0, {self._cell('number')})", Name("amount", "number")))
        if rng.random() < 0.4:
            columns.append(("return_required", lambda: self._cell("boolean"), Name("return_required", "boolean")))
        if rng.random() < 0.4:
            columns.append(("respond_within_hours", lambda: rng.choice(("24", "48", "null")), Name("hours", "number")))
        self._write_table(self._title(), rng.choice(("U", "A", "F", "F")), columns)

    # input cells

    def _head(self) -> tuple[str, Name]:
        """A column's header, and what stands under it."""
        rng = self.rng
        if rng.random() < 0.2:
            kind = rng.choice(("number", "number", "boolean", "string", "date", "duration"))
            return self._expression(kind, 1), Name("", kind)
        name = rng.choice([name for name in self.names if not name.many])
        return name.text, name

    def _test(self, name: Name) -> str:
        rng = self.rng
        chance = rng.random()
        if chance < 0.2:
            return "-"
        if name.kind == "word":
            return rng.choice(("null", "not(null)", f"{name.text}"))
        if chance < 0.3:
            inner = ", ".join(self._unary(name) for _ in range(rng.randint(1, 3)))
            return f"not({inner})"
        return ", ".join(self._unary(name) for _ in range(rng.choice((1, 1, 1, 2, 3))))

    def _unary(self, name: Name) -> str:
        """One test: a value, a comparison, an interval or null."""
        rng = self.rng
        value = lambda: self._beside(name)  # noqa: E731
        if rng.random() < 0.12:
            return "null"
        if name.kind == "boolean":
            return rng.choice(("true", "false", f"(not({value()}))"))
        if name.kind == "string" or (name.kind == "choice" and not name.ordered):
            return value() if rng.random() < 0.8 else f"!= {value()}"
        if rng.random() < 0.35:
            return value() if rng.random() < 0.7 else f"{rng.choice(('=', '!='))} {value()}"
        if rng.random() < 0.5:
            return f"{rng.choice(('<', '<=', '>', '>='))} {value()}"
        ends = sorted((value(), value()), key=_as_number)
        return f"{rng.choice('[(]')}{ends[0]}..{ends[1]}{rng.choice('])[')}"

    def _beside(self, name: Name) -> str:
        """A value to compare a name with."""
        if name.kind == "choice":
            same = [one.text for one in self._of("choice") if one.values == name.values and one.ordered == name.ordered]
            if same and self.rng.random() < 0.15:
                return self.rng.choice(same)
            return f'"{self.rng.choice(name.values)}"'
        return self._literal(name.kind) if self.rng.random() < 0.8 else self._expression(name.kind, 1)

    # expressions

    def _of(self, kind: str, *, many: bool = False) -> list[Name]:
        return [name for name in self.names if name.kind == kind and name.many == many]

    def _literal(self, kind: str) -> str:
        rng = self.rng
        match kind:
            case "number":
                whole = rng.choice((0, 1, 2, 3, 5, 7, 10, 100, rng.randint(0, 1000)))
                decimals = rng.choice(("", "", "", ".5", ".25", ".05", ".1", ".001", ".00"))
                return f"{rng.choice(('', '', '-'))}{whole}{decimals}"
            case "boolean":
                return rng.choice(("true", "false"))
            case "string":
                text = rng.choice(STRINGS).replace("\\", "\\\\").replace('"', '\\"')
                return f'"{text}"'
            case "date":
                return f'@"{rng.choice(DATES).isoformat()}"'
            case "moment":
                zone = timezone(timedelta(hours=rng.choice((0, 8, -5))))
                moment = rng.choice(MOMENTS).astimezone(zone) if rng.random() < 0.9 else MOMENTS[0]
                return f'@"{moment.isoformat()}"'
            case "duration":
                return f'@"{rng.choice(("P1D", "PT0S", "-P2D", "PT36H", "PT1H30M", "-PT1S", "P10DT5S"))}"'
            case _:
                return f'@"{rng.choice(("P1Y", "P0M", "-P13M", "P2Y6M", "P1M"))}"'

    def _expression(self, kind: str, depth: int) -> str:
        rng = self.rng
        leaves = [name.text for name in self._of(kind)]
        if depth == 0 or rng.random() < 0.25:
            if leaves and rng.random() < 0.7:
                return rng.choice(leaves)
            return self._literal(kind)
        if rng.random() < 0.12:
            condition = self._expression("boolean", depth - 1)
            parts = [self._expression(kind, depth - 1), self._expression(kind, depth - 1)]
            if rng.random() < 0.2:
                parts[rng.randrange(2)] = "null"
            return f"(if {condition} then {parts[0]} else {parts[1]})"
        return getattr(self, f"_{kind}")(depth - 1)

    def _number(self, depth: int) -> str:
        rng = self.rng
        a, b = (lambda: self._expression("number", depth)), (lambda: self._expression("number", depth))
        lists = [name.text for name in self._of("number", many=True)]
        every = [name.text for name in self.names if name.many]
        if every and rng.random() < 0.4:
            if lists and rng.random() < 0.7:
                return f"{rng.choice(('sum', 'min', 'max', 'count'))}({rng.choice(lists)})"
            return f"count({rng.choice(every)})"
        date_, moment, duration = (lambda k=k: self._expression(k, depth) for k in ("date", "moment", "duration"))
        forms: list[Callable[[], str]] = [
            lambda: f"({a()} + {b()})",
            lambda: f"({a()} - {b()})",
            lambda: f"({a()} * {b()})",
            lambda: f"({a()} / {b()})",
            lambda: f"-({a()})",
            lambda: f"{rng.choice(('min', 'max', 'sum'))}({a()}, {b()})",
            lambda: f"{rng.choice(('min', 'max'))}({a()}, {b()}, {self._literal('number')})",
            lambda: f"abs({a()})",
            lambda: f"{rng.choice(('floor', 'ceiling', 'round', 'round half up'))}({a()})",
            lambda: f"{rng.choice(('floor', 'ceiling', 'round'))}({a()}, {rng.randint(0, 2)})",
            lambda: f"modulo({a()}, {b()})",
            lambda: f"string length({self._expression('string', depth)})",
            lambda: f"({date_()}).{rng.choice(('year', 'month', 'day', 'weekday'))}",
            lambda: f"({moment()}).{rng.choice(('year', 'month', 'day', 'weekday', 'hour', 'minute', 'second'))}",
            lambda: f"({duration()}).{rng.choice(('days', 'hours', 'minutes', 'seconds'))}",
            lambda: f"({self._expression('months', depth)}).{rng.choice(('years', 'months'))}",
            lambda: f"({duration()} / {duration()})",
        ]
        return rng.choice((*forms[:5], *forms))()

    def _boolean(self, depth: int) -> str:
        rng = self.rng
        kind = rng.choice(("number", "number", "date", "moment", "duration", "months"))
        a, b = (lambda: self._expression(kind, depth)), (lambda: self._expression(kind, depth))
        yes = lambda: self._expression("boolean", depth)  # noqa: E731
        text = lambda: self._expression("string", depth)  # noqa: E731
        forms: list[Callable[[], str]] = [
            lambda: f"({a()} {rng.choice(('<', '<=', '>', '>=', '=', '!='))} {b()})",
            lambda: f"({a()} between {b()} and {b()})",
            lambda: f"({a()} in ({rng.choice(('<', '>='))} {b()}, {self._literal(kind)}))",
            lambda: f"({a()} in [{b()}..{b()}))",
            lambda: f"({yes()} and {yes()})",
            lambda: f"({yes()} or {yes()})",
            lambda: f"not({yes()})",
            lambda: f"({yes()} {rng.choice(('=', '!='))} {yes()})",
            lambda: f"({a()} {rng.choice(('=', '!='))} null)",
            lambda: f"{rng.choice(('contains', 'starts with', 'ends with'))}({text()}, {text()})",
            lambda: f"({text()} {rng.choice(('=', '!='))} {text()})",
            lambda: f'({text()} in ("a", {text()}))',
        ]
        for name in self._of("choice"):
            forms.append(lambda n=name: f"({n.text} {rng.choice(('=', '!='))} {self._beside(n)})")
            if name.ordered:
                forms.append(lambda n=name: f"({n.text} {rng.choice(('<', '<=', '>', '>='))} {self._beside(n)})")
        forms += [
            lambda n=name: f"list contains({n.text}, {rng.choice((self._literal(n.kind), 'null'))})"
            for name in self.names
            if name.many and name.kind not in ("word", "choice")
        ]
        return rng.choice(forms)()

    def _string(self, depth: int) -> str:
        choices = [name.text for name in self._of("choice")]
        chosen = choices and self.rng.random() < 0.4
        operand = self.rng.choice(choices) if chosen else self._expression("string", depth)
        return f"{self.rng.choice(('upper case', 'lower case'))}({operand})"

    def _date(self, depth: int) -> str:
        if self.rng.random() < 0.3:
            return f"date({self._expression('moment', depth)})"
        sign = self.rng.choice("+-")
        return f"({self._expression('date', depth)} {sign} {self._expression('duration', depth)})"

    def _moment(self, depth: int) -> str:
        sign = self.rng.choice("+-")
        return f"({self._expression('moment', depth)} {sign} {self._expression('duration', depth)})"

    def _duration(self, depth: int) -> str:
        a, b = (lambda: self._expression("duration", depth)), (lambda: self._expression("duration", depth))
        return self.rng.choice(
            (
                lambda: f"({a()} {self.rng.choice('+-')} {b()})",
                lambda: f"({a()} * {self.rng.randint(-3, 12)})",
                lambda: f"abs({a()})",
                lambda: f"-({a()})",
                lambda: f"({self._expression('date', depth)} - {self._expression('date', depth)})",
                lambda: f"({self._expression('moment', depth)} - {self._expression('moment', depth)})",
            )
        )()

    def _months(self, depth: int) -> str:
        a, b = (lambda: self._expression("months", depth)), (lambda: self._expression("months", depth))
        return self.rng.choice(
            (lambda: f"({a()} {self.rng.choice('+-')} {b()})", lambda: f"({a()} * 3)", lambda: f"min({a()}, {b()})")
        )()


def _as_number(text: str) -> Decimal:
    """For ends of an interval: what is no number written out sorts as zero."""
    return Decimal(text) if re.fullmatch(r"-?[0-9.]+", text) else Decimal(0)


DATES = tuple(
    date.fromisoformat(one)
    for one in ("1970-01-01", "1969-12-31", "2024-02-29", "2025-03-24", "2000-03-01", "1900-02-28", "0001-01-01",
                "9999-12-31")
)  # fmt: skip
MOMENTS = tuple(
    datetime.fromisoformat(one)
    for one in ("1970-01-01T00:00:00+00:00", "1969-12-31T23:59:59+00:00", "2025-03-24T08:30:15+00:00",
                "2024-02-29T23:59:59+00:00")
)  # fmt: skip


def document(rng: Random) -> str:
    """A policy document."""
    return Writer(rng).write()


def facts(rng: Random, model: Model, count: int) -> list[dict[str, Value]]:
    """Sets of the facts that a model reads, as held inside: nulls, ends of ranges, and values beside those it tests."""
    near = {name: _near(model, name) for name in model.read}
    return [{name: _fact(rng, model.facts[name], near[name]) for name in model.read} for _ in range(count)]


def _near(model: Model, name: str) -> list[Value]:
    """What the document compares a fact with, and its neighbours."""
    found: set[Value] = set()
    for step in model.steps:
        for expr in expressions(step):
            for node in _walk(expr):
                found.update(_compared(node, name))
    kind = model.facts[name]
    if kind.counted:
        around = sorted({value + by for value in found if isinstance(value, int) for by in (-1, 0, 1)})
        return [value for value in around if kind.low <= value <= kind.high]
    known = {value for value in found if value is not None and (not kind.values or value in kind.values)}
    return sorted(known, key=str)


def _compared(node: Expr, name: str) -> Iterator[Value]:
    match node:
        case In(operand=Read(name=read)) if read == name:
            yield from node.values
        case Compare() | Equal() if isinstance(node.left, Read) and node.left.name == name:
            if isinstance(node.right, Const):
                yield node.right.value
        case Rank():
            pass
        case _:
            pass


def _walk(expr: Expr) -> Iterator[Expr]:
    yield expr
    for child in children(expr):
        yield from _walk(child)


def _fact(rng: Random, kind: Type, near: list[Value]) -> Value:
    if rng.random() < 0.12:
        return None
    if kind.kind == "boolean":
        return rng.random() < 0.5
    if near and rng.random() < 0.4:
        return rng.choice(near)
    if kind.kind == "text":
        return rng.choice(kind.values or STRINGS)
    if rng.random() < 0.2:
        return rng.choice((kind.low, kind.high))
    width = rng.choice((3, 100, 100_000, kind.high - kind.low))
    return max(kind.low, min(kind.high, rng.randint(-width, width)))
