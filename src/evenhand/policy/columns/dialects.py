"""What engines write in their own way.

Everything else is the same text in DuckDB, Spark and PostgreSQL: integers are BIGINT, a division is the engine's own integer
division, which drops the fraction in all three (`/` in PostgreSQL, `//` in DuckDB, `DIV` in Spark).
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlglot import exp

from evenhand.policy.columns.sql import Sql, binary, call, case, cast, enclosed, inner, joined, number, one_of, text
from evenhand.policy.types import BOOLEAN, Type

_EPOCH: Final = "1970-01-01"
_MICROSECONDS: Final = 1_000_000


class Dialect:
    """What engines write differently, as most of them do; the subclasses say the rest."""

    name: str
    weekday = "ISODOW"
    # works on many rows at a time: a lookup costs less than a branch
    vectors = False

    def divide(self, left: Sql, right: Sql) -> Sql:
        """left / right without its fraction."""
        raise NotImplementedError

    def contains(self, left: Sql, right: Sql) -> Sql:
        return call("CONTAINS", left, right)

    def starts(self, left: Sql, right: Sql) -> Sql:
        return call("STARTS_WITH", left, right)

    def ends(self, left: Sql, right: Sql) -> Sql:
        return call("ENDS_WITH", left, right)

    def numbered(self, row: Sql, numbers: Sequence[int], last: int) -> Sql:
        """Whether the number of a row, from 1 to `last`, is one of several."""
        return one_of(row, numbers) if numbers else exp.Boolean(this=False)

    def pick(self, values: Sequence[Sql], place: Sql, kind: Type) -> Sql:
        """The value at a place from 1; null beyond the last."""
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
    vectors = True

    def numbered(self, row: Sql, numbers: Sequence[int], last: int) -> Sql:
        # three literals or more after IN would become a table to join
        found = super().numbered(row, numbers, last)
        if not isinstance(found, exp.In) or len(numbers) < 3:
            return found
        return self.pick([exp.Boolean(this=number in numbers) for number in range(1, last + 1)], row, BOOLEAN)

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


def floor_quotient(dialect: "Dialect", left: Sql, right: Sql) -> Sql:
    """Rounded down, for a divisor greater than zero."""
    below = case([(binary(exp.LT, binary(exp.Mod, left, right), number(0)), number(1))], number(0))
    return binary(exp.Sub, dialect.divide(left, right), below)
