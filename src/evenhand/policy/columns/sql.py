"""Pieces of SQL as sqlglot trees, and what each engine writes in its own way.

Everything else is the same text in DuckDB, Spark and PostgreSQL: integers are BIGINT, a division is the engine's own integer
division, which drops the fraction in all three (`/` in PostgreSQL, `//` in DuckDB, `DIV` in Spark).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlglot import exp

from evenhand.policy.types import Type, Value

Sql = exp.Expr
# Values of the step before are read as step."name": a subquery's alias, or a lambda's parameter.
STEP: Final = "step"
_EPOCH: Final = "1970-01-01"
_MICROSECONDS: Final = 1_000_000
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


def floor_quotient(dialect: "Dialect", left: Sql, right: Sql) -> Sql:
    """Rounded down, for a divisor greater than zero."""
    below = case([(binary(exp.LT, binary(exp.Mod, left, right), number(0)), number(1))], number(0))
    return binary(exp.Sub, dialect.divide(left, right), below)


class Dialect:
    """What engines write differently, as most of them do; the subclasses say the rest."""

    name: str
    weekday = "ISODOW"

    def divide(self, left: Sql, right: Sql) -> Sql:
        """left / right without its fraction."""
        raise NotImplementedError

    def contains(self, left: Sql, right: Sql) -> Sql:
        return call("CONTAINS", left, right)

    def starts(self, left: Sql, right: Sql) -> Sql:
        return call("STARTS_WITH", left, right)

    def ends(self, left: Sql, right: Sql) -> Sql:
        return call("ENDS_WITH", left, right)

    def pick(self, values: Sequence[Sql], place: Sql, kind: Type) -> Sql:
        """The value at a place from 1; null for 0."""
        array = exp.Array(expressions=list(values))
        listed = cast(array, f"array<{inner(kind)}>") if kind.counted else array
        return exp.Bracket(this=exp.Paren(this=listed), expressions=[place], offset=1)

    def append(self, parts: Sequence[Sql]) -> Sql:
        """Arrays one after another."""
        return joined(exp.DPipe, parts, exp.Array(expressions=[]))

    def inward(self, kind: Type, value: Sql) -> Sql:
        """A fact's column as values are held inside."""
        match kind.kind:
            case "number" if kind.scale:
                # as many digits as the fact can have, and room for the product
                digits = len(str(max(abs(kind.low), abs(kind.high)))) + kind.scale
                exact = cast(value, f"decimal({digits}, {kind.scale})")
                return cast(binary(exp.Mul, exact, number(10**kind.scale)), "bigint")
            case "date":
                return self.days(cast(value, "date"))
            case "datetime":
                return self.seconds(value)
            case "text" | "boolean" | "null":
                return value
            case _:
                return cast(value, "bigint")

    def outward(self, kind: Type, value: Sql) -> Sql:
        """A value as it comes out."""
        match kind.kind:
            case "number" if kind.scale:
                unit = cast(text(f"0.{'1':0>{kind.scale}}"), f"decimal({kind.scale}, {kind.scale})")
                return binary(exp.Mul, cast(value, "decimal(19, 0)"), unit)
            case "date":
                return self.date(cast(value, "int"))
            case "datetime":
                return self.moment(value)
            case "months":
                return cast(value, "int")
            case _:
                return value

    def days(self, value: Sql) -> Sql:
        return cast(binary(exp.Sub, value, cast(text(_EPOCH), "date")), "bigint")

    def date(self, days: Sql) -> Sql:
        return binary(exp.Add, cast(text(_EPOCH), "date"), days)

    def date_part(self, part: str, value: Sql) -> Sql:
        """ "year", "month", "day" or "weekday" (Monday is 1) of a date."""
        name = self.weekday if part == "weekday" else part.upper()
        return cast(exp.Extract(this=exp.var(name), expression=value), "bigint")

    def seconds(self, value: Sql) -> Sql:
        raise NotImplementedError

    def moment(self, seconds: Sql) -> Sql:
        raise NotImplementedError


class DuckDB(Dialect):
    name = "duckdb"

    def divide(self, left: Sql, right: Sql) -> Sql:
        return binary(exp.IntDiv, left, right)

    def seconds(self, value: Sql) -> Sql:
        return floor_quotient(self, call("EPOCH_US", value), number(_MICROSECONDS))

    def moment(self, seconds: Sql) -> Sql:
        return call("MAKE_TIMESTAMPTZ", binary(exp.Mul, seconds, number(_MICROSECONDS)))


class Postgres(Dialect):
    name = "postgres"

    def divide(self, left: Sql, right: Sql) -> Sql:
        return exp.Div(this=enclosed(left), expression=enclosed(right), typed=True, safe=False)

    def contains(self, left: Sql, right: Sql) -> Sql:
        return binary(exp.GT, call("STRPOS", left, right), number(0))

    def ends(self, left: Sql, right: Sql) -> Sql:
        return binary(exp.EQ, call("RIGHT", left, call("CHAR_LENGTH", right)), right)

    def seconds(self, value: Sql) -> Sql:
        return cast(call("FLOOR", exp.Extract(this=exp.var("EPOCH"), expression=value)), "bigint")

    def moment(self, seconds: Sql) -> Sql:
        return call("TO_TIMESTAMP", seconds)


class Spark(Dialect):
    name = "spark"
    weekday = "DAYOFWEEK_ISO"

    def divide(self, left: Sql, right: Sql) -> Sql:
        return binary(exp.IntDiv, left, right)

    def starts(self, left: Sql, right: Sql) -> Sql:
        return call("STARTSWITH", left, right)

    def ends(self, left: Sql, right: Sql) -> Sql:
        return call("ENDSWITH", left, right)

    def pick(self, values: Sequence[Sql], place: Sql, kind: Type) -> Sql:
        array = cast(exp.Array(expressions=list(values)), f"array<{inner(kind)}>")
        return call("GET", array, binary(exp.Sub, place, number(1)))

    def append(self, parts: Sequence[Sql]) -> Sql:
        return call("CONCAT", *parts)

    def days(self, value: Sql) -> Sql:
        return cast(call("UNIX_DATE", value), "bigint")

    def date(self, days: Sql) -> Sql:
        return call("DATE_ADD", cast(text(_EPOCH), "date"), days)

    def seconds(self, value: Sql) -> Sql:
        return call("UNIX_SECONDS", value)

    def moment(self, seconds: Sql) -> Sql:
        return call("TIMESTAMP_SECONDS", seconds)


DIALECTS: Final[Mapping[str, Dialect]] = {one.name: one for one in (DuckDB(), Spark(), Postgres())}
