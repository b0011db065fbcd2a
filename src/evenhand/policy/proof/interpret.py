"""The typed tree, evaluated directly: small and slow, apart from every compiler. Folds constants and checks candidates."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from evenhand.policy.arithmetic import round_quotient
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
from evenhand.policy.types import Value

_EPOCH: Final = date(1970, 1, 1).toordinal()
Env = Mapping[str, Any]


def evaluate(expr: Expr, env: Env) -> Any:
    """The value of an expression; `env` holds facts and outputs as `types.py` says, lists as sequences."""
    match expr:
        case Const():
            return expr.value
        case Read():
            return env[expr.name]
        case Arith() | Quotient():
            left, right = evaluate(expr.left, env), evaluate(expr.right, env)
            if left is None or right is None:
                return None
            if isinstance(expr, Quotient):
                return round_quotient(expr.rounding, left, right) if right else None
            return left + right if expr.operator == "+" else left - right if expr.operator == "-" else left * right
        case Extreme():
            values = [evaluate(operand, env) for operand in expr.operands]
            return None if None in values else (min if expr.operator == "min" else max)(values)
        case Compare():
            left, right = evaluate(expr.left, env), evaluate(expr.right, env)
            return None if left is None or right is None else ordered(expr.operator, left, right)
        case Equal():
            return evaluate(expr.left, env) == evaluate(expr.right, env)
        case In():
            found = evaluate(expr.operand, env)
            return expr.values[0] in found if expr.operand.type.many else found in expr.values
        case And() | Or():
            values = [evaluate(operand, env) for operand in expr.operands]
            decisive = isinstance(expr, Or)
            return decisive if decisive in values else None if None in values else not decisive
        case Not():
            found = evaluate(expr.operand, env)
            return None if found is None else not found
        case If():
            return evaluate(expr.then if evaluate(expr.condition, env) is True else expr.otherwise, env)
        case Rank():
            found = evaluate(expr.operand, env)
            return expr.operand.type.values.index(found) if found is not None else None
        case TextTest():
            left, right = evaluate(expr.left, env), evaluate(expr.right, env)
            return None if left is None or right is None else text_test(expr.operator, left, right)
        case TextCase():
            found = evaluate(expr.operand, env)
            return None if found is None else text_case(expr.operator, found)
        case TextLength():
            found = evaluate(expr.operand, env)
            return None if found is None else len(found)
        case DatePart():
            found = evaluate(expr.operand, env)
            return None if found is None else date_part(expr.part, found)
        case Gathered():
            return gathered(expr.operator, env[expr.name])


def date_part(part: str, days: int) -> int:
    """A part of a count of days since 1970-01-01."""
    found = date.fromordinal(days + _EPOCH)
    return found.isoweekday() if part == "weekday" else int(getattr(found, part))


def ordered(operator: str, left: int, right: int) -> bool:
    match operator:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right


def text_test(operator: str, left: str, right: str) -> bool:
    match operator:
        case "contains":
            return right in left
        case "starts":
            return left.startswith(right)
        case _:
            return left.endswith(right)


def text_case(operator: str, text: str) -> str:
    """Upper or lower case of the letters A to Z only."""
    return "".join((c.upper() if operator == "upper" else c.lower()) if c.isascii() else c for c in text)


def gathered(operator: str, values: Sequence[Value]) -> int | None:
    """A figure over a list: null when it is empty (but for "count") or holds a null."""
    if operator == "count":
        return len(values)
    numbers = [value for value in values if isinstance(value, int)]
    if not values or len(numbers) < len(values):
        return None
    return sum(numbers) if operator == "sum" else min(numbers) if operator == "min" else max(numbers)
