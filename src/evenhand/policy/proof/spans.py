"""How small and how large every figure of a policy can get, by interval arithmetic over the facts' declared ranges.

An output's declared type may promise more than its expression keeps, so nothing here trusts it: ranges are computed anew, step by
step. They are lemmas for Z3, and tell which outputs might leave their allowed values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from evenhand.policy.arithmetic import round_quotient
from evenhand.policy.tree import (
    Arith,
    Const,
    DatePart,
    Expr,
    Extreme,
    Formula,
    Gathered,
    If,
    Model,
    Quotient,
    Rank,
    Read,
    Step,
    Table,
)

# No end: the length of a string has none.
_ENDLESS: Final = 2**80


@dataclass(frozen=True, slots=True)
class Span:
    """Least and greatest value, both included; of a list, of each of its elements, of which there are `many` at most."""

    low: int
    high: int
    many: int = 1

    def __or__(self, other: "Span") -> "Span":
        return Span(min(self.low, other.low), max(self.high, other.high), max(self.many, other.many))


def spans(model: Model) -> dict[str, Span | None]:
    """The span of every output; None where it is no figure, or always null."""
    found: dict[str, Span | None] = {}
    for step in model.steps:
        found |= _of_step(step, found)
    return found


def _of_step(step: Step, known: Mapping[str, Span | None]) -> dict[str, Span | None]:
    if isinstance(step, Formula):
        return {step.name: span(step.value, known)}
    return {output.name: _of_column(step, place, known) for place, output in enumerate(step.outputs)}


def _of_column(table: Table, place: int, known: Mapping[str, Span | None]) -> Span | None:
    if table.hit == "C#":
        return Span(0, len(table.rules))
    parts = [one for rule in table.rules if (one := span(rule.outputs[place], known)) is not None]
    if not parts:
        return None
    if table.hit == "C+":
        return Span(sum(min(0, one.low) for one in parts), sum(max(0, one.high) for one in parts))
    whole = parts[0]
    for one in parts[1:]:
        whole |= one
    return Span(whole.low, whole.high, len(table.rules)) if table.hit in ("R", "O", "C") else whole


def span(expr: Expr, known: Mapping[str, Span | None]) -> Span | None:
    """Where an expression's value lies when it is not null."""
    match expr:
        case Const():
            return (
                Span(expr.value, expr.value)
                if isinstance(expr.value, int) and not isinstance(expr.value, bool)
                else None
            )
        case Read():
            return known[expr.name] if expr.name in known else Span(expr.type.low, expr.type.high)
        case Arith() | Quotient():
            left, right = span(expr.left, known), span(expr.right, known)
            if left is None or right is None:
                return None
            return _quotient(expr.rounding, left, right) if isinstance(expr, Quotient) else _arith(expr, left, right)
        case Extreme():
            parts = [span(operand, known) for operand in expr.operands]
            inner = [part for part in parts if part is not None]
            if len(inner) < len(parts):
                return None
            pick = min if expr.operator == "min" else max
            return Span(pick(part.low for part in inner), pick(part.high for part in inner))
        case If():
            then, otherwise = span(expr.then, known), span(expr.otherwise, known)
            return then | otherwise if then is not None and otherwise is not None else then or otherwise
        case Rank():
            return Span(0, len(expr.operand.type.values) - 1)
        case DatePart():
            return Span(expr.type.low, expr.type.high)
        case Gathered():
            inner = known.get(expr.name)
            count = inner.many if inner is not None else 0
            if expr.operator == "count":
                return Span(0, count or _ENDLESS)
            if inner is None:
                return None
            if expr.operator == "sum":
                return Span(min(inner.low, inner.low * count), max(inner.high, inner.high * count))
            return Span(inner.low, inner.high)
        case _:
            return Span(0, _ENDLESS) if expr.type.counted else None


def _arith(expr: Arith, left: Span, right: Span) -> Span:
    match expr.operator:
        case "+":
            return Span(left.low + right.low, left.high + right.high)
        case "-":
            return Span(left.low - right.high, left.high - right.low)
        case _:
            ends = [x * y for x in (left.low, left.high) for y in (right.low, right.high)]
            return Span(min(ends), max(ends))


def _quotient(rounding: str, left: Span, right: Span) -> Span | None:
    divisors = {d for d in (right.low, right.high) if d} | {d for d in (-1, 1) if right.low <= d <= right.high}
    if not divisors:
        return None
    ends = [round_quotient(rounding, x, d) for x in (left.low, left.high) for d in divisors]
    ends += [0] if left.low <= 0 <= left.high or right.low <= 0 <= right.high else []
    return Span(min(ends), max(ends))
