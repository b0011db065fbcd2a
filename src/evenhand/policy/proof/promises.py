"""`## Promises`: what a policy says of itself, read into conditions that can be proven.

    never <condition>
    when <condition> then <condition>
    as <fact> rises, <output> never falls            (or never rises)
    as <fact> rises, the buyer is never worse off

Conditions are over facts, outputs and the parts of the ruling; those mean the ruling as it is given, defaults included. A promise
that relates two applications compares those that differ in the one fact alone, where neither it nor the output is null. What is
worse for the buyer is an order on outcomes, the document's (`## Order`) or the one below.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from evenhand.policy.constants import integer
from evenhand.policy.document import Cell, Document
from evenhand.policy.errors import Fault, PolicyError, suggestion
from evenhand.policy.lowering import Lowering
from evenhand.policy.parser import parse_expression
from evenhand.policy.syntax import CellError
from evenhand.policy.tree import Const, Expr, If, In, Model, Rank, Read, children, rebuilt
from evenhand.policy.types import BOOLEAN, Type
from evenhand.vocabulary import OUTCOMES

# Worst first; what stands together is equal.
DEFAULT_ORDER: Final = (
    ("decline",),
    ("merchant_decides",),
    ("negotiate",),
    ("review",),
    ("return_and_refund",),
    ("refund_by_merchant", "subsidise"),
)
_CONDITION: Final = r"(`[^`]+`|[^`]+?)"
_NEVER: Final = re.compile(rf"never\s+{_CONDITION}", re.IGNORECASE)
_WHEN: Final = re.compile(rf"when\s+{_CONDITION}\s*,?\s+then\s+{_CONDITION}", re.IGNORECASE)
_RISES: Final = re.compile(
    rf"as\s+{_CONDITION}\s+rises\s*,\s*(?:(the\s+buyer)\s+is\s+never\s+worse\s+off|{_CONDITION}\s+never\s+(falls|rises))",
    re.IGNORECASE,
)
_FORMS: Final = (
    "a promise is `never <condition>`, `when <condition> then <condition>`, `as <fact> rises, <output> never falls` "
    "(or never rises), or `as <fact> rises, the buyer is never worse off`"
)


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise, typed. It is broken where `when` is true and `then` is not; or, of two applications that differ in `fact`,
    where the one with more has less (or, not `falls`, more) of `figure`."""

    text: str
    line: int
    column: int
    kind: Literal["never", "when", "rises"]
    when: Expr | None = None
    then: Expr | None = None
    fact: str = ""
    # an integer that must not fall (or rise) as the fact does
    figure: Expr | None = None
    # what is compared, as a person calls it, and its value
    output: str = ""
    falls: bool = True


def read_promises(document: Document, model: Model) -> tuple[Promise, ...]:
    """The promises of a document; raises `PolicyError` with everything wrong in them."""
    faults: list[Fault] = []
    order = outcome_order(document, faults)
    found: list[Promise] = []
    reader = _Reader(model, order)
    for cell in document.promises:
        try:
            found.append(reader.read(cell))
        except CellError as error:
            faults.append(Fault(cell.line, cell.column + error.column, str(error)))
    if faults:
        raise PolicyError(document.file, set(faults))
    return tuple(found)


def promise_about(model: Model, text: str) -> Promise:
    """A promise that a document must keep whether it says so or not; raises `CellError` where it makes no sense of the model."""
    return _Reader(model, {}).read(Cell(text, 0, 0))


def outcome_order(document: Document, faults: list[Fault]) -> Mapping[str, int]:
    """How good each outcome is for the buyer, from 0."""
    groups = DEFAULT_ORDER
    if document.order:
        cell = document.order[0]
        text = cell.text.replace("`", "")
        groups = tuple(tuple(one.strip() for one in group.split("=")) for group in text.split("<"))
        named = [one for group in groups for one in group]
        for one in named:
            if one not in OUTCOMES:
                near = suggestion(one, OUTCOMES)
                faults.append(
                    Fault(
                        cell.line,
                        cell.column,
                        f"{one[:40]!r} is no outcome{near}; the order lists {', '.join(OUTCOMES)}",
                    )
                )
        faults += [
            Fault(cell.line, cell.column, f"the order lists {one} twice")
            for one in dict.fromkeys(named)
            if named.count(one) > 1
        ]
        missing = [one for one in OUTCOMES if one not in named]
        if missing:
            faults.append(Fault(cell.line, cell.column, f"the order lacks {', '.join(missing)}"))
        faults += [
            Fault(one.line, one.column, "the order is one line: worst < ... < best") for one in document.order[1:]
        ]
    return {outcome: place for place, group in enumerate(groups) for outcome in group}


class _Reader:
    def __init__(self, model: Model, order: Mapping[str, int]) -> None:
        self._model = model
        self._order = order
        names: dict[str, Type] = dict(model.facts) | {name: output.type for name, (_, output) in model.outputs.items()}
        self._names = names | {name: expr.type for name, expr in model.ruling.items()}
        self._lowering = Lowering(self._names)

    def read(self, cell: Cell) -> Promise:
        """Raises `CellError` at the place of what is wrong."""
        text = cell.text.strip().rstrip(".")
        start = len(cell.text) - len(cell.text.lstrip())
        if found := _NEVER.fullmatch(text):
            return Promise(cell.text, cell.line, cell.column, "never", when=self._condition(found, 1, start))
        if found := _WHEN.fullmatch(text):
            when, then = self._condition(found, 1, start), self._condition(found, 2, start)
            return Promise(cell.text, cell.line, cell.column, "when", when=when, then=then)
        if found := _RISES.fullmatch(text):
            return self._rising(cell, found, start)
        raise CellError(start, _FORMS)

    def _part(self, found: re.Match[str], group: int, start: int) -> tuple[str, int]:
        text = found[group]
        at = start + found.start(group)
        return (text[1:-1], at + 1) if text.startswith("`") else (text, at)

    def _condition(self, found: re.Match[str], group: int, start: int) -> Expr:
        text, at = self._part(found, group, start)
        try:
            return grounded(self._lowering.condition(parse_expression(text)), self._model)
        except CellError as error:
            raise CellError(at + error.column, str(error)) from None

    def _rising(self, cell: Cell, found: re.Match[str], start: int) -> Promise:
        name, at = self._part(found, 1, start)
        fact = name.strip()
        kind = self._model.facts.get(fact)
        if fact in self._model.outputs:
            raise CellError(
                at, f"{fact} is an output of {self._model.outputs[fact][0].name!r}: name the fact that makes it rise"
            )
        if kind is None:
            raise CellError(at, f"there is no fact {fact}{suggestion(fact, self._model.facts)}")
        if not kind.counted and not kind.ordered:
            raise CellError(at, f"{fact} is {kind} and does not rise: name a number, a date or an ordered choice")
        if found[2]:
            if not self._model.ruling:
                raise CellError(
                    start + found.start(2), "this document decides no outcome, so no buyer is worse off by it"
                )
            figure = self._goodness(self._model.ruling["outcome"])
            return Promise(cell.text, cell.line, cell.column, "rises", fact=fact, figure=figure, output="outcome")
        name, at = self._part(found, 3, start)
        output = name.strip()
        known = self._names.get(output)
        if known is None:
            raise CellError(at, f"there is no output {output}{suggestion(output, self._names)}")
        read = grounded(Read(known, output), self._model)
        if known.many or not (known.counted or known.ordered):
            hint = "; write `the buyer is never worse off`" if output == "outcome" else ""
            raise CellError(at, f"{output} is {known} and has no order{hint}")
        figure = Rank(Type("number", high=len(known.values) - 1), read) if known.ordered else read
        falls = found[4].lower() == "falls"
        return Promise(cell.text, cell.line, cell.column, "rises", fact=fact, figure=figure, output=output, falls=falls)

    def _goodness(self, outcome: Expr) -> Expr:
        place = Type("number", high=len(OUTCOMES))
        found: Expr = Const(place, None)
        for value, rank in self._order.items():
            found = If(place, In(BOOLEAN, outcome, (value,)), integer(rank), found)
        return found


def grounded(expr: Expr, model: Model) -> Expr:
    """An expression in which the parts of the ruling are what the ruling gives, not what a table says before defaults."""
    if isinstance(expr, Read):
        return model.ruling.get(expr.name, expr)
    if isinstance(expr, In) and expr.operand.type.many:
        return expr
    inner = [grounded(child, model) for child in children(expr)]
    return rebuilt(expr, inner) if inner else expr
