"""FEEL's built-in functions, as far as cells may use them (`docs/reference/policy-language.md` lists them)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, Literal

from evenhand.policy.arithmetic import arithmetic, combined, integer_quotient, rescaled, rounded
from evenhand.policy.comparing import compared
from evenhand.policy.constants import (
    NO_VALUE,
    date_constant,
    datetime_constant,
    duration_constant,
    integer,
    number_type,
)
from evenhand.policy.date_parts import date_of
from evenhand.policy.syntax import CellError
from evenhand.policy.tree import (
    Arith,
    Const,
    Expr,
    Extreme,
    Gathered,
    In,
    Not,
    Read,
    TextCase,
    TextLength,
    TextTest,
)
from evenhand.policy.types import BOOLEAN, TEXT, Type

Function = Callable[[tuple[Expr, ...], int], Expr]


def _counts(name: str, arguments: tuple[Expr, ...], count: tuple[int, ...], at: int) -> None:
    if len(arguments) not in count:
        wanted = " or ".join(str(number) for number in count)
        raise CellError(at, f"{name} takes {wanted} argument{'s' if wanted != '1' else ''}, not {len(arguments)}")


def _want(expr: Expr, kind: str, what: str, at: int) -> Expr:
    if expr.type.kind not in (kind, "null") or expr.type.many:
        raise CellError(at, f"{what} takes {Type(kind)}, not {expr.type}")  # type: ignore[arg-type]
    return expr


def _extreme(name: str) -> Function:
    def lowered(arguments: tuple[Expr, ...], at: int) -> Expr:
        if len(arguments) == 1 and arguments[0].type.many:
            return _gathered(name, arguments[0], at)
        if not arguments:
            raise CellError(at, f"{name} takes at least one argument")
        scale = max(argument.type.scale for argument in arguments)
        kinds = {argument.type.kind for argument in arguments} - {"null"}
        if not kinds:
            return NO_VALUE
        if len(kinds) > 1 or not all(a.type.counted or a.type.kind == "null" for a in arguments):
            raise CellError(at, f"{name} takes numbers, or dates, or durations, all of one kind")
        if any(a.type.kind == "null" for a in arguments):
            return NO_VALUE
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
        kind = number_type(min(0, kind.low) * 100_000, max(0, kind.high) * 100_000, kind.scale, at, kind.unit)
    return Gathered(kind, name, operand.name)


def _sum(arguments: tuple[Expr, ...], at: int) -> Expr:
    if len(arguments) == 1 and arguments[0].type.many:
        return _gathered("sum", arguments[0], at)
    if not arguments:
        raise CellError(at, "sum takes at least one argument")
    total = _want(arguments[0], "number", "sum", at)
    for argument in arguments[1:]:
        total = arithmetic("+", total, _want(argument, "number", "sum", at), at)
    return total


def _count(arguments: tuple[Expr, ...], at: int) -> Expr:
    _counts("count", arguments, (1,), at)
    if not arguments[0].type.many:
        raise CellError(at, "count takes the list that a table with hit policy R, O or C gives")
    return _gathered("count", arguments[0], at)


def _abs(arguments: tuple[Expr, ...], at: int) -> Expr:
    _counts("abs", arguments, (1,), at)
    operand = arguments[0]
    if operand.type.kind == "null":
        return NO_VALUE
    if operand.type.kind not in ("number", "duration", "months"):
        raise CellError(at, f"abs takes a number or a duration, not {operand.type}")
    return Extreme(
        replace(
            operand.type,
            low=0 if operand.type.low <= 0 <= operand.type.high else min(abs(operand.type.low), abs(operand.type.high)),
            high=max(abs(operand.type.low), abs(operand.type.high)),
        ),
        "max",
        (operand, combined("-", integer(0), operand, operand.type.kind, at)),
    )


def _round(rounding: Literal["half_up", "floor", "ceiling"], name: str) -> Function:
    def lowered(arguments: tuple[Expr, ...], at: int) -> Expr:
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


def _modulo_function(arguments: tuple[Expr, ...], at: int) -> Expr:
    """FEEL: modulo(a, b) = a - b * floor(a / b), so the result has the sign of the divisor."""
    _counts("modulo", arguments, (2,), at)
    left, right = (_want(argument, "number", "modulo", at) for argument in arguments)
    if "null" in (left.type.kind, right.type.kind):
        return NO_VALUE
    scale = max(left.type.scale, right.type.scale)
    left, right = rescaled(left, scale, at), rescaled(right, scale, at)
    quotient = integer_quotient("floor", left, right, "number", at)
    if isinstance(quotient, Const) and quotient.value is None:
        return NO_VALUE
    # the product lies within the dividend plus one divisor, whatever its factors' bounds say
    most = max(abs(right.type.low), abs(right.type.high))
    reach = max(abs(left.type.low), abs(left.type.high)) + most
    product = Arith(number_type(-reach, reach, scale, at), "*", quotient, right)
    return Arith(
        number_type(-most if right.type.low < 0 else 0, most if right.type.high > 0 else 0, scale, at),
        "-",
        left,
        product,
    )


def _not(arguments: tuple[Expr, ...], at: int) -> Expr:
    _counts("not", arguments, (1,), at)
    operand = _want(arguments[0], "boolean", "not", at)
    return Const(BOOLEAN, None) if operand.type.kind == "null" else Not(BOOLEAN, operand)


def _text_test(name: str, operator: str) -> Function:
    def lowered(arguments: tuple[Expr, ...], at: int) -> Expr:
        _counts(name, arguments, (2,), at)
        left, right = (_want(argument, "text", name, at) for argument in arguments)
        if "null" in (left.type.kind, right.type.kind):
            return Const(BOOLEAN, None)
        return TextTest(BOOLEAN, operator, left, right)

    return lowered


def _text_case(name: str, operator: str) -> Function:
    def lowered(arguments: tuple[Expr, ...], at: int) -> Expr:
        _counts(name, arguments, (1,), at)
        operand = _want(arguments[0], "text", name, at)
        return NO_VALUE if operand.type.kind == "null" else TextCase(TEXT, operator, operand)

    return lowered


def _length(arguments: tuple[Expr, ...], at: int) -> Expr:
    _counts("string length", arguments, (1,), at)
    operand = _want(arguments[0], "text", "string length", at)
    return NO_VALUE if operand.type.kind == "null" else TextLength(Type("number", low=0, high=10**6), operand)


def _list_contains(arguments: tuple[Expr, ...], at: int) -> Expr:
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


def _date(arguments: tuple[Expr, ...], at: int) -> Expr:
    if len(arguments) == 1 and arguments[0].type.kind in ("datetime", "null"):
        return NO_VALUE if arguments[0].type.kind == "null" else date_of(arguments[0])
    text = _text_of(arguments, "date", at)
    found = date_constant(text)
    if found is None:
        raise CellError(at, f"{text!r} is not a date like 2025-03-24")
    return found


def _date_and_time(arguments: tuple[Expr, ...], at: int) -> Expr:
    text = _text_of(arguments, "date and time", at)
    found = datetime_constant(text)
    if found is None:
        raise CellError(at, f"{text!r} is not a date and time with its zone, like 2025-03-24T00:00:00+08:00")
    return found


def _duration(arguments: tuple[Expr, ...], at: int) -> Expr:
    text = _text_of(arguments, "duration", at)
    found = duration_constant(text)
    if found is None:
        raise CellError(at, f"{text!r} is not a duration like P7D, PT48H or P1Y6M")
    return found


def _at(arguments: tuple[Expr, ...], at: int) -> Expr:
    text = _text_of(arguments, "@", at)
    found = date_constant(text) or datetime_constant(text) or duration_constant(text)
    if found is None:
        raise CellError(at, f"@{text!r} is no date, date and time (with its zone) or duration")
    return found


FUNCTIONS: Final[Mapping[str, Function]] = {
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
