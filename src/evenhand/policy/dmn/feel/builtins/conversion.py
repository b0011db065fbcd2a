"""Values as text and text as values, and not()."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from evenhand.policy.dmn.feel.builtins.registry import Library
from evenhand.policy.dmn.feel.lexer import Names, tokens
from evenhand.policy.dmn.feel.operators import negation
from evenhand.policy.dmn.feel.run import MAX_TEXT, Run
from evenhand.policy.dmn.feel.temporal import text_of_duration, text_of_moment, text_of_time
from evenhand.policy.dmn.feel.values import Range, Value, YearsMonths, number

LIBRARY: Final = Library()
_NUMBER: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


@LIBRARY.function("not", "negand: any")
def _not(_: Run, negand: Value) -> Value:
    return negation(negand)


@LIBRARY.function("number", "from: string, grouping separator?: string, decimal separator?: string")
def _number(_: Run, text: str, grouping: str | None = None, point: str | None = None) -> Value:
    if (
        grouping not in (None, " ", ",", ".")
        or point not in (None, ",", ".")
        or (grouping is not None and grouping == point)
    ):
        return None
    if grouping:
        text = text.replace(grouping, "")
    if point and point != ".":
        if "." in text:
            return None
        text = text.replace(point, ".")
    return number(text) if _NUMBER.fullmatch(text) else None


@LIBRARY.function("number", "from: number")
def _same_number(_: Run, value: Decimal) -> Value:
    return value


@LIBRARY.function("string", "from: any")
def _string(_: Run, value: Value) -> Value:
    if value is None or isinstance(value, str):
        return value
    text = text_of(value)
    return text if len(text) <= MAX_TEXT else None


def text_of_number(value: Decimal) -> str:
    """Without an exponent, and without zeros that say nothing."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def text_of(value: Value) -> str:
    """A value as FEEL would write it; strings within lists and contexts stand in quotes."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Decimal():
            return text_of_number(value)
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case datetime():
            return text_of_moment(value)
        case date():
            return value.isoformat()
        case time():
            return text_of_time(value, value.tzinfo, value.utcoffset())
        case timedelta():
            return text_of_duration(value)
        case YearsMonths():
            return str(value)
        case list():
            return "[" + ", ".join(text_of(each) for each in value) + "]"
        case dict():
            return "{" + ", ".join(f"{_key(key)}: {text_of(each)}" for key, each in value.items()) + "}"
        case Range():
            return _text_of_range(value)
        case _:
            return f"function {value.name}"


def _key(key: str) -> str:
    shape = Names([key])
    stream = tokens(f"{key} ") if '"' not in key else []
    match = shape.match(stream, 0) if stream and stream[0].kind == "word" else None
    return key if match and match[1] == len(stream) - 1 else text_of(key)


def _text_of_range(value: Range) -> str:
    if value.low is None:
        return f"({'<=' if value.high_closed else '<'} {text_of(value.high)})"
    if value.high is None:
        return f"({'>=' if value.low_closed else '>'} {text_of(value.low)})"
    return f"{'[' if value.low_closed else '('}{text_of(value.low)}..{text_of(value.high)}{']' if value.high_closed else ')'}"
