"""From syntax to the typed tree: names are resolved, types checked, decimals become scaled integers, FEEL becomes the core.

A number carries its scale and its bounds. Adding aligns scales, multiplying adds them, dividing gives six decimals rounded half
up; an operation whose result might not fit into 64 bits is refused here, so no engine ever overflows.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Final, Literal

from evenhand.policy import syntax
from evenhand.policy.errors import suggestion
from evenhand.policy.syntax import CellError, Expression
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
    Not,
    Or,
    Quotient,
    Rank,
    Read,
    TextCase,
    TextLength,
    TextTest,
)
from evenhand.policy.types import BOOLEAN, LIMIT, NULL, TEXT, Type, Value, bounded

# Decimals of a quotient.
QUOTIENT_SCALE: Final = 6
_DAY: Final = 86_400
_EPOCH: Final = date(1970, 1, 1).toordinal()
_FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NULL: Final = Const(NULL, None)
_DURATION: Final = re.compile(r"(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_MONTHS: Final = re.compile(r"(-)?P(?:(\d+)Y)?(?:(\d+)M)?")
Function = Callable[["Lowering", tuple[Expr, ...], int], Expr]


class Lowering:
    """Lowers the cells of one document; `names` are the facts and outputs that may be read."""

    def __init__(self, names: Mapping[str, Type]) -> None:
        self._names = names

    # names and constants

    def read(self, name: str, at: int) -> Expr:
        """A fact, an output, or a part (`.year`) of one; raises `CellError` with a suggestion for a near miss."""
        found = self._names.get(name)
        if found is not None:
            return Read(found, name)
        owner, _, part = name.rpartition(".")
        if owner in self._names:
            return _part(Read(self._names[owner], owner), part, at)
        raise CellError(at, f"there is no fact or output {name}{suggestion(name, self._names)}")

    def expression(self, node: Expression) -> Expr:
        """Lower an expression; raises `CellError` at the place of what does not fit."""
        match node:
            case syntax.Literal():
                return constant(node.value, node.at)
            case syntax.Name():
                return self.read(node.value, node.at)
            case syntax.Negate():
                return negated(self.expression(node.operand), node.at)
            case syntax.Binary(operator="and" | "or"):
                parts = (self.condition(node.left), self.condition(node.right))
                return And(BOOLEAN, parts) if node.operator == "and" else Or(BOOLEAN, parts)
            case syntax.Binary(operator="+" | "-" | "*" | "/"):
                return self._calculated(node)
            case syntax.Binary():
                left, right = self.expression(node.left), self._beside(node.left, node.right)
                if isinstance(left, Const) and not isinstance(right, Const) and right.type.values:
                    left = self._beside(node.right, node.left)
                return compared(node.operator, left, right, node.at)
            case syntax.Choose():
                condition = self.condition(node.condition)
                then, otherwise = self.expression(node.then), self.expression(node.otherwise)
                then, otherwise = alike(then, otherwise, node.at)
                return If(_union(then.type, otherwise.type), condition, then, otherwise)
            case syntax.Within():
                return self.test(node.test, self.expression(node.value)) or Const(BOOLEAN, True)
            case syntax.Part():
                return _part(self.expression(node.value), node.part, node.at)
            case syntax.Call():
                return self._called(node)

    def condition(self, node: Expression) -> Expr:
        """Lower an expression that must be a boolean."""
        lowered = self.expression(node)
        if lowered.type.kind not in ("boolean", "null") or lowered.type.many:
            raise CellError(_place(node), f"expected a condition (true or false), found {lowered.type}")
        return Const(BOOLEAN, None) if lowered.type.kind == "null" else lowered

    def _beside(self, other: Expression, node: Expression) -> Expr:
        """A side of a comparison; a bare word beside a choice is one of its values: `payer = merchant`."""
        if isinstance(node, syntax.Name) and node.value not in self._names and isinstance(other, syntax.Name):
            known = self._names.get(other.value)
            if known is not None and node.value in known.values:
                return Const(known, node.value)
            if known is not None and known.values and "." not in node.value:
                near = suggestion(node.value, (*known.values, *self._names))
                raise CellError(node.at, f"{node.value} is not {known}, and no fact or output{near}")
        return self.expression(node)

    def _calculated(self, node: syntax.Binary) -> Expr:
        left, right = self.expression(node.left), self.expression(node.right)
        if node.operator == "/":
            return divided(left, right, node.at)
        return arithmetic(node.operator, left, right, node.at)

    # unary tests

    def test(self, node: syntax.Test, operand: Expr) -> Expr | None:
        """Lower an input cell against its column's value; None is `-`, which needs no test."""
        if operand.type.many:
            raise CellError(
                0, "a list cannot be tested; head the column with count(...), sum(...) or list contains(...)"
            )
        match node:
            case syntax.Anything():
                return None
            case syntax.Equal():
                return compared("=", operand, self._value(node.value, operand), _place(node.value))
            case syntax.Compare():
                return compared(node.operator, operand, self._value(node.value, operand), _place(node.value))
            case syntax.Interval():
                low, high = self._value(node.low, operand), self._value(node.high, operand)
                _check_interval(low, high, _place(node.low))
                above = compared(">" if node.low_open else ">=", operand, low, _place(node.low))
                below = compared("<" if node.high_open else "<=", operand, high, _place(node.high))
                return And(BOOLEAN, (above, below))
            case syntax.AnyOf():
                return self._any(node.tests, operand)
            case syntax.Not():
                return Not(BOOLEAN, self._any(node.tests, operand))

    def _any(self, tests: tuple[syntax.Test, ...], operand: Expr) -> Expr:
        found: list[Expr] = []
        values: list[Value] = []
        for test in tests:
            lowered = self.test(test, operand)
            if isinstance(lowered, In) and lowered.operand == operand:
                values.extend(value for value in lowered.values if value not in values)
            elif lowered is not None:
                found.append(lowered)
        if values or not found:
            found.insert(0, In(BOOLEAN, operand, tuple(values)))
        return found[0] if len(found) == 1 else Or(BOOLEAN, tuple(found))

    def _value(self, node: Expression, operand: Expr) -> Expr:
        if isinstance(node, syntax.Name) and node.value not in self._names and "." not in node.value:
            if node.value in operand.type.values:
                raise CellError(node.at, f'strings stand in quotes: "{node.value}"')
            if operand.type.kind == "text" and not suggestion(node.value, self._names):
                raise CellError(
                    node.at, f'there is no fact or output {node.value}; a string stands in quotes: "{node.value}"'
                )
        return self.expression(node)

    # outputs

    def output(self, node: Expression, wanted: Type | None) -> Expr:
        """Lower an output cell to its column's type, where that is known; a bare word is a value of a choice."""
        if isinstance(node, syntax.Name):
            if wanted is not None and node.value in wanted.values:
                return Const(wanted, node.value)
            if wanted is not None and wanted.values and node.value not in self._names:
                known = ", ".join(wanted.values[:12]) + (", ..." if len(wanted.values) > 12 else "")
                near = suggestion(node.value, wanted.values)
                raise CellError(node.at, f"{node.value} is not one of {known}{near}")
        lowered = self.expression(node)
        return fit(lowered, wanted, _place(node)) if wanted is not None else lowered

    # functions

    def _called(self, node: syntax.Call) -> Expr:
        function = _FUNCTIONS.get(node.function)
        if function is None:
            names = [name for name in _FUNCTIONS if name != "@"]
            raise CellError(
                node.at,
                f"there is no function {node.function}{suggestion(node.function, names)}; "
                f"there are {', '.join(sorted(names))}",
            )
        return function(self, tuple(self.expression(argument) for argument in node.arguments), node.at)


# constants


def integer(value: int) -> Const:
    return Const(Type("number", low=value, high=value), value)


def constant(value: Decimal | str | bool | None, at: int) -> Const:
    """A literal with its type."""
    match value:
        case None:
            return _NULL
        case bool():
            return Const(BOOLEAN, value)
        case str():
            return Const(TEXT, value)
        case Decimal():
            exponent = value.as_tuple().exponent
            scale = max(0, -exponent) if isinstance(exponent, int) else 0
            scaled = int(value.scaleb(scale))
            while scale and scaled % 10 == 0:
                scaled, scale = scaled // 10, scale - 1
            return Const(_number(scaled, scaled, scale, at), scaled)


def _number(low: int, high: int, scale: int, at: int, unit: str = "") -> Type:
    if max(abs(low), abs(high)) > LIMIT or scale > 12:
        largest = max(abs(low), abs(high)) // 10**scale
        raise CellError(
            at, f"this may reach {largest:,} with {scale} decimals, more than 64 bits hold: divide first, or limit it"
        )
    return Type("number", scale=scale, low=low, high=high, unit=unit)


# numbers and times


def rescaled(expr: Expr, scale: int, at: int) -> Expr:
    """The same number with at least so many decimals."""
    by = 10 ** (scale - expr.type.scale)
    if by == 1:
        return expr
    kind = _number(expr.type.low * by, expr.type.high * by, scale, at, expr.type.unit)
    if isinstance(expr, Const):
        assert isinstance(expr.value, int)
        return Const(kind, expr.value * by)
    return Arith(kind, "*", expr, integer(by))


def arithmetic(operator: str, left: Expr, right: Expr, at: int) -> Expr:
    """`+`, `-`, `*` of numbers, dates and durations, as FEEL has them."""
    if "null" in (left.type.kind, right.type.kind):
        return _NULL
    kinds = (left.type.kind, right.type.kind)
    if left.type.many or right.type.many:
        raise CellError(at, f"cannot calculate with {left.type if left.type.many else right.type}")
    if kinds == ("number", "number"):
        if operator != "*":
            scale = max(left.type.scale, right.type.scale)
            left, right = rescaled(left, scale, at), rescaled(right, scale, at)
        return _combined(operator, left, right, "number", at)
    if operator in "+-" and kinds in (("duration", "duration"), ("months", "months")):
        return _combined(operator, left, right, left.type.kind, at)
    if operator in "+-" and kinds == ("datetime", "duration"):
        return _in_calendar(_combined(operator, _unlimited(left), right, "datetime", at))
    if operator in "+-" and kinds == ("date", "duration"):
        days = _quotient("floor", right, integer(_DAY), "number", at)
        return _in_calendar(_combined(operator, _unlimited(left), days, "date", at))
    if operator == "-" and kinds == ("datetime", "datetime"):
        return _combined(operator, left, right, "duration", at)
    if operator == "-" and kinds == ("date", "date"):
        days = _combined(operator, left, right, "number", at)
        return _combined("*", days, integer(_DAY), "duration", at)
    if operator == "*" and kinds in (("duration", "number"), ("months", "number")) and not right.type.scale:
        return _combined(operator, left, right, left.type.kind, at)
    if operator == "*" and kinds in (("number", "duration"), ("number", "months")):
        return arithmetic(operator, right, left, at)
    raise CellError(at, f"cannot calculate {left.type} {operator} {right.type}")


def _combined(operator: str, left: Expr, right: Expr, kind: str, at: int) -> Expr:
    a, b = left.type, right.type
    match operator:
        case "+":
            ends = [a.low + b.low, a.high + b.high]
            scale = a.scale
        case "-":
            ends = [a.low - b.high, a.high - b.low]
            scale = a.scale
        case _:
            ends = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
            scale = a.scale + b.scale
    unit = a.unit if a.unit == b.unit or operator == "*" else a.unit or b.unit
    found = _number(min(ends), max(ends), scale, at, unit or (b.unit if operator == "*" else ""))
    if kind != "number":
        found = replace(found, kind=kind, scale=0, unit="")
    if isinstance(left, Const) and isinstance(right, Const):
        return Const(found, _fold(operator, left.value, right.value))
    return Arith(found, operator, left, right)


def _in_calendar(moment: Expr) -> Expr:
    """A date, or a date and time, that was reckoned: null outside the years 1 to 9999, as FEEL has it for what cannot be."""
    kind = moment.type
    least, most = bounded(kind.kind).low, bounded(kind.kind).high
    if least <= kind.low and kind.high <= most:
        return moment
    limited = replace(kind, low=max(kind.low, least), high=min(kind.high, most))
    if isinstance(moment, Const) or limited.low > limited.high:
        return _NULL
    first, last = (Const(replace(kind, low=end, high=end), end) for end in (least, most))
    within = And(BOOLEAN, (Compare(BOOLEAN, ">=", moment, first), Compare(BOOLEAN, "<=", moment, last)))
    return If(limited, within, moment, Const(limited, None))


def _unlimited(moment: Expr) -> Expr:
    """What `_in_calendar` put its limits on: in a longer sum only the end must be in the calendar."""
    match moment:
        case If(condition=And(operands=(Compare(left=left), _)), otherwise=Const(value=None)) if left is moment.then:
            return moment.then
        case _:
            return moment


def _fold(operator: str, left: Value, right: Value) -> int:
    assert isinstance(left, int)
    assert isinstance(right, int)
    return left + right if operator == "+" else left - right if operator == "-" else left * right


def negated(operand: Expr, at: int) -> Expr:
    """`-x` of a number or a duration."""
    if operand.type.kind in ("duration", "months") and not operand.type.many:
        return _combined("-", integer(0), operand, operand.type.kind, at)
    return arithmetic("-", integer(0), operand, at)


def divided(left: Expr, right: Expr, at: int) -> Expr:
    """left / right, to six decimals, rounded half up (ties away from zero); null when right is zero."""
    if "null" in (left.type.kind, right.type.kind):
        return _NULL
    kinds = (left.type.kind, right.type.kind)
    if kinds not in (("number", "number"), ("duration", "duration"), ("months", "months")) or left.type.many:
        raise CellError(at, f"cannot divide {left.type} by {right.type}")
    shift = QUOTIENT_SCALE + right.type.scale - left.type.scale
    if shift >= 0:
        left = _combined("*", left, integer(10**shift), "number", at)
    else:
        right = _combined("*", right, integer(10**-shift), "number", at)
    found = _quotient("half_up", left, right, "number", at)
    if found == _NULL:
        return _NULL
    return _with_type(found, replace(found.type, scale=QUOTIENT_SCALE, unit=""))


def _quotient(
    rounding: Literal["half_up", "floor", "ceiling"],
    left: Expr,
    right: Expr,
    kind: Literal["number", "duration"],
    at: int,
) -> Expr:
    if isinstance(right, Const) and right.value == 0:
        return _NULL
    a, b = left.type, right.type
    # the divisor nearest to zero bounds the result; zero itself gives null
    divisors = [d for d in {b.low, b.high, *(x for x in (-1, 1) if b.low <= x <= b.high)} if d]
    ends = [round_quotient(rounding, x, d) for x in (a.low, a.high) for d in divisors] or [0]
    ends += [0] if b.low <= 0 <= b.high or a.low <= 0 <= a.high else []
    found = replace(_number(min(ends), max(ends), 0, at), kind=kind)
    if isinstance(left, Const) and isinstance(right, Const):
        assert isinstance(left.value, int)
        assert isinstance(right.value, int)
        return Const(found, round_quotient(rounding, left.value, right.value))
    return Quotient(found, rounding, left, right)


def round_quotient(rounding: str, left: int, right: int) -> int:
    """left / right as an integer; "half_up" rounds ties away from zero (Java's HALF_UP, what FEEL calls round half up)."""
    if right < 0:
        left, right = -left, -right
    match rounding:
        case "floor":
            return left // right
        case "ceiling":
            return -(-left // right)
        case _:
            size = (2 * abs(left) + right) // (2 * right)
            return size if left >= 0 else -size


def _with_type(expr: Expr, kind: Type) -> Expr:
    return replace(expr, type=kind)


def rounded(rounding: Literal["half_up", "floor", "ceiling"], expr: Expr, scale: int, at: int) -> Expr:
    """The number with fewer decimals."""
    if expr.type.scale <= scale:
        return expr
    found = _quotient(rounding, expr, integer(10 ** (expr.type.scale - scale)), "number", at)
    return _with_type(found, replace(found.type, scale=scale, unit=expr.type.unit))


def _part(owner: Expr, part: str, at: int) -> Expr:
    """`.year` and the like of a date, a date and time (in UTC) or a duration."""
    if owner.type.kind == "null":
        return _NULL
    parts = _PARTS.get(owner.type.kind, {})
    if part not in parts:
        name = owner.name if isinstance(owner, Read) else "this"
        known = f"; there are {', '.join(parts)}" if parts else ""
        raise CellError(at, f"{name} is {owner.type} and has no part {part}{suggestion(part, parts)}{known}")
    return parts[part](owner)


def _floor(expr: Expr, by: int) -> Expr:
    return _quotient("floor", expr, integer(by), "number", 0)


def _plus(left: Expr, right: Expr | int, operator: str = "+") -> Expr:
    return _combined(operator, left, integer(right) if isinstance(right, int) else right, "number", 0)


def _limited(expr: Expr, low: int, high: int) -> Expr:
    """The same with bounds that are known from elsewhere."""
    return _with_type(expr, replace(expr.type, kind="number", low=low, high=high))


def _modulo(expr: Expr, by: int) -> Expr:
    return _limited(_plus(expr, _plus(_floor(expr, by), by, "*"), "-"), 0, by - 1)


def date_part(part: str, days: Expr) -> Expr:
    """A part of a date."""
    low, high = {"year": (1, 9999), "month": (1, 12), "day": (1, 31), "weekday": (1, 7)}[part]
    return DatePart(Type("number", low=low, high=high), part, days)


def _date_of(moment: Expr) -> Expr:
    return _with_type(_floor(moment, _DAY), bounded("date"))


def _toward_zero(expr: Expr, by: int) -> Expr:
    """Whole units of a duration, as FEEL's components are."""
    minus = _plus(integer(0), expr, "-")
    found = _plus(integer(0), _floor(minus, by), "-")
    return If(
        _number(min(found.type.low, 0), max(expr.type.high // by, 0), 0, 0),
        Compare(BOOLEAN, "<", expr, integer(0)),
        found,
        _floor(expr, by),
    )


def _rest(expr: Expr, of: int, by: int) -> Expr:
    """A lower component of a duration: the hours beside its days, the minutes beside its hours."""
    rest = _plus(expr, _plus(_toward_zero(expr, of), of, "*"), "-")
    return _toward_zero(_limited(rest, -of + 1, of - 1), by)


_PARTS: Final[Mapping[str, Mapping[str, Callable[[Expr], Expr]]]] = {
    "date": {part: partial(date_part, part) for part in ("year", "month", "day", "weekday")},
    "datetime": {
        "year": lambda moment: date_part("year", _date_of(moment)),
        "month": lambda moment: date_part("month", _date_of(moment)),
        "day": lambda moment: date_part("day", _date_of(moment)),
        "weekday": lambda moment: date_part("weekday", _date_of(moment)),
        "hour": lambda moment: _floor(_modulo(moment, _DAY), 3600),
        "minute": lambda moment: _floor(_modulo(moment, 3600), 60),
        "second": lambda moment: _modulo(moment, 60),
    },
    "duration": {
        "days": lambda duration: _toward_zero(duration, _DAY),
        "hours": lambda duration: _rest(duration, _DAY, 3600),
        "minutes": lambda duration: _rest(duration, 3600, 60),
        "seconds": lambda duration: _rest(duration, 60, 1),
    },
    "months": {
        "years": lambda months: _toward_zero(months, 12),
        "months": lambda months: _rest(months, 12, 1),
    },
}


# comparing


def compared(operator: str, left: Expr, right: Expr, at: int) -> Expr:
    """A comparison; constants go to the right, and a constant between two values of the other side is moved to one."""
    if isinstance(left, Const) and not isinstance(right, Const):
        return compared(_FLIPPED.get(operator, operator), right, left, at)
    if operator == "!=":
        return Not(BOOLEAN, compared("=", left, right, at))
    if left.type.many or right.type.many:
        raise CellError(at, "a list cannot be compared; use count(...), sum(...) or list contains(...)")
    if "null" in (left.type.kind, right.type.kind):
        if operator == "=":
            return In(BOOLEAN, left, (None,))
        return Const(BOOLEAN, None)
    if left.type.kind != right.type.kind:
        raise CellError(at, f"cannot compare {left.type} with {right.type}{_hint(left, right)}")
    if left.type.kind == "text":
        return _compared_text(operator, left, right, at)
    if left.type.kind == "boolean":
        if operator != "=":
            raise CellError(at, "true and false have no order: compare with = or !=")
        return In(BOOLEAN, left, (right.value,)) if isinstance(right, Const) else Equal(BOOLEAN, left, right)
    if isinstance(right, Const) and right.type.scale > left.type.scale:
        assert isinstance(right.value, int)
        whole, rest = divmod(right.value, 10 ** (right.type.scale - left.type.scale))
        right = Const(_number(whole, whole, left.type.scale, at), whole)
        if rest:  # it lies between two values that the left side can have
            if operator == "=":
                return In(BOOLEAN, left, ())
            operator = ">" if operator in (">", ">=") else "<="
    elif left.type.kind == "number":
        scale = max(left.type.scale, right.type.scale)
        left, right = rescaled(left, scale, at), rescaled(right, scale, at)
    if operator == "=":
        return In(BOOLEAN, left, (right.value,)) if isinstance(right, Const) else Equal(BOOLEAN, left, right)
    return Compare(BOOLEAN, operator, left, right)


def _compared_text(operator: str, left: Expr, right: Expr, at: int) -> Expr:
    values = left.type.values
    if isinstance(right, Const):
        if values and right.value not in values:
            raise CellError(at, f'"{right.value}" is not {left.type}{suggestion(str(right.value), values)}')
        right = Const(left.type, right.value)
    if operator == "=":
        return In(BOOLEAN, left, (right.value,)) if isinstance(right, Const) else Equal(BOOLEAN, left, right)
    if not left.type.ordered or right.type.values != values:
        raise CellError(at, "strings have no order here; only an ordered choice such as buyer.integrity does")
    place = Type("number", low=0, high=len(values) - 1)
    if isinstance(right, Const):
        return Compare(BOOLEAN, operator, Rank(place, left), integer(values.index(str(right.value))))
    return Compare(BOOLEAN, operator, Rank(place, left), Rank(place, right))


def _hint(left: Expr, right: Expr) -> str:
    if left.type.kind == "text" and isinstance(right, Const):
        return ": strings stand in quotes"
    if left.type.kind in ("date", "datetime") and right.type.kind == "text":
        return ': write a date as @"2025-03-24"'
    if left.type.kind == "number" and right.type.kind == "text":
        return ": numbers stand without quotes"
    return ""


def _check_interval(low: Expr, high: Expr, at: int) -> None:
    if isinstance(low, Const) and isinstance(high, Const) and low.type.kind == "number" == high.type.kind:
        scale = max(low.type.scale, high.type.scale)
        first, last = rescaled(low, scale, at), rescaled(high, scale, at)
        assert isinstance(first, Const)
        assert isinstance(last, Const)
        if isinstance(first.value, int) and isinstance(last.value, int) and first.value > last.value:
            raise CellError(at, "this interval is empty: its lower end lies above its upper end")


# types of results


def alike(left: Expr, right: Expr, at: int) -> tuple[Expr, Expr]:
    """Two alternatives brought to one kind and scale; raises `CellError`."""
    if left.type.kind == "null":
        return Const(right.type, None), right
    if right.type.kind == "null":
        return left, Const(left.type, None)
    if left.type.kind != right.type.kind or left.type.many != right.type.many:
        raise CellError(at, f"these alternatives differ: {left.type}, and {right.type}")
    if left.type.kind == "number":
        scale = max(left.type.scale, right.type.scale)
        return rescaled(left, scale, at), rescaled(right, scale, at)
    return left, right


def _union(left: Type, right: Type) -> Type:
    if left.values and right.values:
        return left if left.values == right.values else replace(left, values=(), ordered=False)
    if left.kind == "text":
        return TEXT
    unit = left.unit if left.unit == right.unit else left.unit or right.unit
    return replace(left, low=min(left.low, right.low), high=max(left.high, right.high), unit=unit)


def fit(expr: Expr, wanted: Type, at: int) -> Expr:
    """An expression as a value of a declared type; numbers with more decimals are rounded half up."""
    if expr.type.kind == "null":
        return Const(wanted, None)
    if expr.type.kind != wanted.kind or expr.type.many != wanted.many:
        raise CellError(at, f"expected {wanted}, found {expr.type}")
    if wanted.values:
        if isinstance(expr, Const):
            if expr.value not in wanted.values:
                raise CellError(at, f'"{expr.value}" is not {wanted}{suggestion(str(expr.value), wanted.values)}')
            return Const(wanted, expr.value)
        if isinstance(expr, If):
            return If(wanted, expr.condition, fit(expr.then, wanted, at), fit(expr.otherwise, wanted, at))
        if not expr.type.values or not set(expr.type.values) <= set(wanted.values):
            raise CellError(at, f"expected {wanted}, found {expr.type}")
        return expr
    if wanted.kind == "number":
        expr = rounded("half_up", expr, wanted.scale, at)
        expr = rescaled(expr, wanted.scale, at)
        if isinstance(expr, Const) and isinstance(expr.value, int) and not wanted.low <= expr.value <= wanted.high:
            low, high = (f"{Decimal(end).scaleb(-wanted.scale).normalize():,f}" for end in (wanted.low, wanted.high))
            raise CellError(at, f"this lies outside the allowed {low} to {high}")
    return expr


def _place(node: Expression) -> int:
    return node.at if not isinstance(node, syntax.Binary) else _place(node.left)


# functions


def _counts(name: str, arguments: tuple[Expr, ...], count: tuple[int, ...], at: int) -> None:
    if len(arguments) not in count:
        wanted = " or ".join(str(number) for number in count)
        raise CellError(at, f"{name} takes {wanted} argument{'s' if wanted != '1' else ''}, not {len(arguments)}")


def _want(expr: Expr, kind: str, what: str, at: int) -> Expr:
    if expr.type.kind not in (kind, "null") or expr.type.many:
        raise CellError(at, f"{what} takes {Type(kind)}, not {expr.type}")  # type: ignore[arg-type]
    return expr


def _extreme(name: str) -> Function:
    def lowered(_: Lowering, arguments: tuple[Expr, ...], at: int) -> Expr:
        if len(arguments) == 1 and arguments[0].type.many:
            return _gathered(name, arguments[0], at)
        if not arguments:
            raise CellError(at, f"{name} takes at least one argument")
        scale = max(argument.type.scale for argument in arguments)
        kinds = {argument.type.kind for argument in arguments} - {"null"}
        if not kinds:
            return _NULL
        if len(kinds) > 1 or not all(a.type.counted or a.type.kind == "null" for a in arguments):
            raise CellError(at, f"{name} takes numbers, or dates, or durations, all of one kind")
        if any(a.type.kind == "null" for a in arguments):
            return _NULL
        if kinds == {"number"}:
            arguments = tuple(rescaled(argument, scale, at) for argument in arguments)
        pick = min if name == "min" else max
        units = {argument.type.unit for argument in arguments} - {""}
        kind = replace(
            arguments[0].type,
            low=pick(argument.type.low for argument in arguments),
            high=pick(argument.type.high for argument in arguments),
            unit=units.pop() if len(units) == 1 else "",
        )
        return arguments[0] if len(arguments) == 1 else Extreme(kind, name, arguments)

    return lowered


def _gathered(name: str, operand: Expr, at: int) -> Expr:
    assert isinstance(operand, Read)
    kind = replace(operand.type, many=False)
    if name == "count":
        return Gathered(Type("number", low=0, high=100_000), name, operand.name)
    if not kind.counted or (name == "sum" and kind.kind != "number"):
        raise CellError(at, f"{name} cannot be taken of {operand.type}")
    if name == "sum":
        kind = _number(min(0, kind.low) * 100_000, max(0, kind.high) * 100_000, kind.scale, at, kind.unit)
    return Gathered(kind, name, operand.name)


def _sum(_: Lowering, arguments: tuple[Expr, ...], at: int) -> Expr:
    if len(arguments) == 1 and arguments[0].type.many:
        return _gathered("sum", arguments[0], at)
    if not arguments:
        raise CellError(at, "sum takes at least one argument")
    total = _want(arguments[0], "number", "sum", at)
    for argument in arguments[1:]:
        total = arithmetic("+", total, _want(argument, "number", "sum", at), at)
    return total


def _count(_: Lowering, arguments: tuple[Expr, ...], at: int) -> Expr:
    _counts("count", arguments, (1,), at)
    if not arguments[0].type.many:
        raise CellError(at, "count takes the list that a table with hit policy R, O or C gives")
    return _gathered("count", arguments[0], at)


def _abs(_: Lowering, arguments: tuple[Expr, ...], at: int) -> Expr:
    _counts("abs", arguments, (1,), at)
    operand = arguments[0]
    if operand.type.kind == "null":
        return _NULL
    if operand.type.kind not in ("number", "duration", "months"):
        raise CellError(at, f"abs takes a number or a duration, not {operand.type}")
    return Extreme(
        replace(
            operand.type,
            low=0 if operand.type.low <= 0 <= operand.type.high else min(abs(operand.type.low), abs(operand.type.high)),
            high=max(abs(operand.type.low), abs(operand.type.high)),
        ),
        "max",
        (operand, _combined("-", integer(0), operand, operand.type.kind, at)),
    )


def _round(rounding: Literal["half_up", "floor", "ceiling"], name: str) -> Function:
    def lowered(_: Lowering, arguments: tuple[Expr, ...], at: int) -> Expr:
        _counts(name, arguments, (1, 2), at)
        operand = _want(arguments[0], "number", name, at)
        scale = 0
        if len(arguments) == 2:
            places = arguments[1]
            if (
                not isinstance(places, Const)
                or not isinstance(places.value, int)
                or places.type.scale
                or isinstance(places.value, bool)
            ):
                raise CellError(at, f"the decimals of {name} are a whole number written out")
            scale = places.value
        if not 0 <= scale <= 12:
            raise CellError(at, f"{name} takes 0 to 12 decimals")
        return operand if operand.type.kind == "null" else rounded(rounding, operand, scale, at)

    return lowered


def _modulo_function(_: Lowering, arguments: tuple[Expr, ...], at: int) -> Expr:
    """FEEL: modulo(a, b) = a - b * floor(a / b), so the result has the sign of the divisor."""
    _counts("modulo", arguments, (2,), at)
    left, right = (_want(argument, "number", "modulo", at) for argument in arguments)
    if "null" in (left.type.kind, right.type.kind):
        return _NULL
    scale = max(left.type.scale, right.type.scale)
    left, right = rescaled(left, scale, at), rescaled(right, scale, at)
    quotient = _quotient("floor", left, right, "number", at)
    if isinstance(quotient, Const) and quotient.value is None:
        return _NULL
    # the product lies within the dividend plus one divisor, whatever its factors' bounds say
    most = max(abs(right.type.low), abs(right.type.high))
    reach = max(abs(left.type.low), abs(left.type.high)) + most
    product = Arith(_number(-reach, reach, scale, at), "*", quotient, right)
    return Arith(
        _number(-most if right.type.low < 0 else 0, most if right.type.high > 0 else 0, scale, at), "-", left, product
    )


def _not(_: Lowering, arguments: tuple[Expr, ...], at: int) -> Expr:
    _counts("not", arguments, (1,), at)
    operand = _want(arguments[0], "boolean", "not", at)
    return Const(BOOLEAN, None) if operand.type.kind == "null" else Not(BOOLEAN, operand)


def _text_test(name: str, operator: str) -> Function:
    def lowered(_: Lowering, arguments: tuple[Expr, ...], at: int) -> Expr:
        _counts(name, arguments, (2,), at)
        left, right = (_want(argument, "text", name, at) for argument in arguments)
        if "null" in (left.type.kind, right.type.kind):
            return Const(BOOLEAN, None)
        return TextTest(BOOLEAN, operator, left, right)

    return lowered


def _text_case(name: str, operator: str) -> Function:
    def lowered(_: Lowering, arguments: tuple[Expr, ...], at: int) -> Expr:
        _counts(name, arguments, (1,), at)
        operand = _want(arguments[0], "text", name, at)
        return _NULL if operand.type.kind == "null" else TextCase(TEXT, operator, operand)

    return lowered


def _length(_: Lowering, arguments: tuple[Expr, ...], at: int) -> Expr:
    _counts("string length", arguments, (1,), at)
    operand = _want(arguments[0], "text", "string length", at)
    return _NULL if operand.type.kind == "null" else TextLength(Type("number", low=0, high=10**6), operand)


def _list_contains(_: Lowering, arguments: tuple[Expr, ...], at: int) -> Expr:
    _counts("list contains", arguments, (2,), at)
    operand, wanted = arguments
    if not operand.type.many or not isinstance(operand, Read) or not isinstance(wanted, Const):
        raise CellError(at, "list contains takes the list that a table with hit policy R, O or C gives, and a literal")
    one = compared("=", replace(operand, type=replace(operand.type, many=False)), wanted, at)
    assert isinstance(one, In)
    return In(BOOLEAN, operand, one.values) if one.values else Const(BOOLEAN, False)


def _text_of(arguments: tuple[Expr, ...], name: str, at: int) -> str:
    _counts(name, arguments, (1,), at)
    if not isinstance(arguments[0], Const) or not isinstance(arguments[0].value, str):
        raise CellError(at, f'{name} takes a string written out, such as {name}("2025-03-24")')
    return arguments[0].value


def _date(_: Lowering, arguments: tuple[Expr, ...], at: int) -> Expr:
    if len(arguments) == 1 and arguments[0].type.kind in ("datetime", "null"):
        return _NULL if arguments[0].type.kind == "null" else _date_of(arguments[0])
    text = _text_of(arguments, "date", at)
    found = date_constant(text)
    if found is None:
        raise CellError(at, f"{text!r} is not a date like 2025-03-24")
    return found


def _date_and_time(_: Lowering, arguments: tuple[Expr, ...], at: int) -> Expr:
    text = _text_of(arguments, "date and time", at)
    found = datetime_constant(text)
    if found is None:
        raise CellError(at, f"{text!r} is not a date and time with its zone, like 2025-03-24T00:00:00+08:00")
    return found


def _duration(_: Lowering, arguments: tuple[Expr, ...], at: int) -> Expr:
    text = _text_of(arguments, "duration", at)
    found = duration_constant(text)
    if found is None:
        raise CellError(at, f"{text!r} is not a duration like P7D, PT48H or P1Y6M")
    return found


def _at(_: Lowering, arguments: tuple[Expr, ...], at: int) -> Expr:
    text = _text_of(arguments, "@", at)
    found = date_constant(text) or datetime_constant(text) or duration_constant(text)
    if found is None:
        raise CellError(at, f"@{text!r} is no date, date and time (with its zone) or duration")
    return found


def date_constant(text: str) -> Const | None:
    try:
        found = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
    if found is None:
        return None
    days = found.toordinal() - _EPOCH
    return Const(bounded("date", days, days), days)


def datetime_constant(text: str) -> Const | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is None or found.microsecond:
        return None
    seconds = int((found.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    return Const(bounded("datetime", seconds, seconds), seconds)


def duration_constant(text: str) -> Const | None:
    if found := _MONTHS.fullmatch(text):
        sign, years, months = found.groups()
        if years or months:
            total = (int(years or 0) * 12 + int(months or 0)) * (-1 if sign else 1)
            return Const(bounded("months", total, total), total)
    if found := _DURATION.fullmatch(text):
        sign, *parts = found.groups()
        if any(parts) and not text.endswith("T"):
            sizes = (_DAY, 3600, 60, 1)
            total = sum(int(part or 0) * size for part, size in zip(parts, sizes, strict=True)) * (-1 if sign else 1)
            return Const(bounded("duration", total, total), total)
    return None


_FUNCTIONS: Final[Mapping[str, Function]] = {
    "min": _extreme("min"),
    "max": _extreme("max"),
    "sum": _sum,
    "count": _count,
    "abs": _abs,
    "floor": _round("floor", "floor"),
    "ceiling": _round("ceiling", "ceiling"),
    "round": _round("half_up", "round"),
    "round half up": _round("half_up", "round half up"),
    "modulo": _modulo_function,
    "not": _not,
    "contains": _text_test("contains", "contains"),
    "starts with": _text_test("starts with", "starts"),
    "ends with": _text_test("ends with", "ends"),
    "string length": _length,
    "upper case": _text_case("upper case", "upper"),
    "lower case": _text_case("lower case", "lower"),
    "list contains": _list_contains,
    "date": _date,
    "date and time": _date_and_time,
    "duration": _duration,
    "@": _at,
}
