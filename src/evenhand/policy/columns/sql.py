"""Pieces of SQL as sqlglot trees."""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlglot import exp

from evenhand.policy.types import Type, Value

Sql = exp.Expr
# Values of the step before are read as step."name": a subquery's alias, or a lambda's parameter.
STEP: Final = "step"
_CHAIN: Final = 40


def column(name: str) -> Sql:
    """A column of the table that the SELECT reads."""
    return exp.Column(this=exp.to_identifier(name, quoted=True))


def stepped(name: str) -> Sql:
    """A value of the step before."""
    return exp.Column(this=exp.to_identifier(name, quoted=True), table=exp.to_identifier(STEP))


def number(value: int) -> Sql:
    return exp.Literal.number(value) if value >= 0 else exp.Paren(this=exp.Neg(this=exp.Literal.number(-value)))


def text(value: str) -> Sql:
    return exp.Literal.string(value)


def call(name: str, *arguments: Sql) -> Sql:
    return exp.Anonymous(this=name, expressions=list(arguments))


def cast(value: Sql, to: str) -> Sql:
    return exp.Cast(this=value, to=exp.DataType.build(to))


def literal(value: Value) -> Sql:
    """A value as it stands beside values of its type."""
    match value:
        case None:
            return exp.Null()
        case bool():
            return exp.Boolean(this=value)
        case int():
            return number(value)
        case str():
            return text(value)


def typed(value: Value, kind: Type) -> Sql:
    """A value that carries its type with it."""
    if value is None or kind.counted:
        return cast(literal(value), inner(kind))
    return literal(value)


def inner(kind: Type) -> str:
    """The SQL type in which values are held."""
    return {"boolean": "boolean", "text": "text", "null": "text"}.get(kind.kind, "bigint")


def outer(kind: Type) -> str:
    """The SQL type in which values come out."""
    match kind.kind:
        case "number" if kind.scale:
            return f"decimal({19 + kind.scale}, {kind.scale})"
        case "date":
            return "date"
        case "datetime":
            return "timestamptz"
        case "months":
            return "int"
        case _:
            return inner(kind)


def binary(kind: type[exp.Binary], left: Sql, right: Sql) -> Sql:
    return kind(this=enclosed(left), expression=enclosed(right))


def enclosed(value: Sql) -> Sql:
    """In parentheses where an operator beside it might bind more tightly."""
    loose = isinstance(value, exp.Binary | exp.Not | exp.In | exp.Between) and not isinstance(value, exp.Dot)
    return exp.Paren(this=value) if loose else value


def negation(value: Sql) -> Sql:
    return exp.Not(this=enclosed(value))


def is_null(value: Sql) -> Sql:
    return exp.Is(this=enclosed(value), expression=exp.Null())


def is_not_null(value: Sql) -> Sql:
    return exp.Not(this=exp.Is(this=enclosed(value), expression=exp.Null()))


def one_of(value: Sql, values: Sequence[Value]) -> Sql:
    """value IN (values), or its like for one value."""
    if len(values) == 1:
        if isinstance(values[0], bool):
            return value if values[0] else negation(value)
        return binary(exp.EQ, value, literal(values[0]))
    numbers = sorted(one for one in values if isinstance(one, int))
    if len(numbers) == len(values) == numbers[-1] - numbers[0] + 1:
        return exp.Between(this=enclosed(value), low=number(numbers[0]), high=number(numbers[-1]))
    return exp.In(this=enclosed(value), expressions=[literal(one) for one in values])


def case(branches: Iterable[tuple[Sql, Sql]], otherwise: Sql | None = None) -> Sql:
    """CASE WHEN condition THEN value ... ELSE otherwise END"""
    ifs = [exp.If(this=condition, true=value) for condition, value in branches]
    return exp.Case(ifs=ifs, default=otherwise)


def joined(kind: type[exp.Binary], parts: Sequence[Sql], empty: Sql) -> Sql:
    """Many operands of one operator; long chains as a balanced tree, so that no engine's parser runs out of stack."""
    if not parts:
        return empty
    if len(parts) <= _CHAIN:
        found = enclosed(parts[0]) if len(parts) > 1 else parts[0]
        for part in parts[1:]:
            found = kind(this=found, expression=enclosed(part))
        return found
    half = len(parts) // 2
    return binary(kind, joined(kind, parts[:half], empty), joined(kind, parts[half:], empty))


def every(parts: Sequence[Sql]) -> Sql:
    return _connected(exp.And, parts, True)


def some(parts: Sequence[Sql]) -> Sql:
    return _connected(exp.Or, parts, False)


def is_boolean(value: Sql, wanted: bool) -> bool:
    """Whether it is TRUE, or FALSE, written out."""
    return isinstance(value, exp.Boolean) and value.this is wanted


def _connected(kind: type[exp.Binary], parts: Sequence[Sql], neutral: bool) -> Sql:
    if any(is_boolean(part, not neutral) for part in parts):
        return exp.Boolean(this=not neutral)
    return joined(kind, [part for part in parts if not is_boolean(part, neutral)], exp.Boolean(this=neutral))
