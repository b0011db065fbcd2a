"""A reference evaluator of the typed tree: slow, obvious, and sharing no code with the compilers it judges.

It walks the expressions with Python's integers and fractions and None; parts of dates come from `calendar.expanded`, so that
plain arithmetic is checked against each engine's calendar.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from evenhand.policy.calendar import expanded
from evenhand.policy.tree import (
    And,
    Arith,
    Compare,
    Const,
    DatePart,
    Equal,
    Expr,
    Extreme,
    Formula,
    Gathered,
    If,
    In,
    Model,
    Not,
    Or,
    Quotient,
    Rank,
    Read,
    Rule,
    Table,
    TextCase,
    TextLength,
    TextTest,
)

# names -> values as held inside; lists for outputs of R, O and C
Values = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a model gives for one set of facts, with values as held inside."""

    ruling: Mapping[str, Any]
    # "Ruling/3", or "" of a scorecard
    rule: str
    outputs: Mapping[str, Any]
    # numbers of the rows that decided or were collected, by table
    rows: Mapping[str, list[int]]


def answer(model: Model, facts: Mapping[str, Any]) -> Answer:
    values: Values = dict(facts)
    rows: dict[str, list[int]] = {}
    for step in model.steps:
        if isinstance(step, Formula):
            values[step.name] = value(step.value, values)
        else:
            found, made = _decided(step, values)
            rows[step.name] = found
            values |= made
    rule = ""
    if model.ruling:
        rule = f"{model.deciding.name}/{(*rows[model.deciding.name], 0)[0]}" if model.deciding else "formula/1"
    ruling = {name: value(expr, values) for name, expr in model.ruling.items()}
    return Answer(ruling, rule, {name: values[name] for name in model.outputs}, rows)


def _decided(table: Table, values: Values) -> tuple[list[int], Values]:
    matched = [rule for rule in table.rules if all(test is None or value(test, values) is True for test in rule.tests)]
    made = {rule.number: tuple(value(expr, values) for expr in rule.outputs) for rule in matched}
    names = [output.name for output in table.outputs]
    match table.hit:
        case "R" | "O" | "C":
            return _numbers(matched), {
                name: [made[rule.number][place] for rule in matched] for place, name in enumerate(names)
            }
        case "C+" | "C<" | "C>" | "C#":
            return _numbers(matched), {
                name: _figure(table.hit, [made[rule.number][place] for rule in matched])
                for place, name in enumerate(names)
            }
        case "U" if len(matched) > 1:
            matched = []
        case "A" if len(set(made.values())) > 1:
            matched = []
        case _:
            pass
    if not matched:
        return [], dict.fromkeys(names)
    return [matched[0].number], dict(zip(names, made[matched[0].number], strict=True))


def _numbers(rules: list[Rule]) -> list[int]:
    return [rule.number for rule in rules]


def _figure(operator: str, values: list[Any]) -> Any:
    if operator in ("C#", "count"):
        return len(values)
    if not values or None in values:
        return None
    return {"C+": sum, "sum": sum, "C<": min, "min": min, "C>": max, "max": max}[operator](values)


def value(expr: Expr, values: Values) -> Any:
    """The value of an expression."""
    match expr:
        case Const():
            return expr.value
        case Read():
            return values[expr.name]
        case Arith():
            left, right = value(expr.left, values), value(expr.right, values)
            if left is None or right is None:
                return None
            return left + right if expr.operator == "+" else left - right if expr.operator == "-" else left * right
        case Quotient():
            return _quotient(expr.rounding, value(expr.left, values), value(expr.right, values))
        case Extreme():
            found = [value(operand, values) for operand in expr.operands]
            return None if None in found else min(found) if expr.operator == "min" else max(found)
        case Compare():
            left, right = value(expr.left, values), value(expr.right, values)
            if left is None or right is None:
                return None
            return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[expr.operator]
        case Equal():
            return value(expr.left, values) == value(expr.right, values)
        case In():
            operand = value(expr.operand, values)
            return expr.values[0] in operand if expr.operand.type.many else operand in expr.values
        case And():
            found = [value(operand, values) for operand in expr.operands]
            return False if False in found else None if None in found else True
        case Or():
            found = [value(operand, values) for operand in expr.operands]
            return True if True in found else None if None in found else False
        case Not():
            operand = value(expr.operand, values)
            return None if operand is None else not operand
        case If():
            return value(expr.then if value(expr.condition, values) is True else expr.otherwise, values)
        case Rank():
            operand = value(expr.operand, values)
            return None if operand is None else expr.operand.type.values.index(operand)
        case TextTest():
            return _text_test(expr.operator, value(expr.left, values), value(expr.right, values))
        case TextCase():
            operand = value(expr.operand, values)
            return None if operand is None else "".join(_cased(expr.operator, one) for one in operand)
        case TextLength():
            operand = value(expr.operand, values)
            return None if operand is None else len(operand)
        case DatePart():
            return None if value(expr.operand, values) is None else value(expanded(expr), values)
        case Gathered():
            return _figure(expr.operator, values[expr.name])


def _quotient(rounding: str, left: int | None, right: int | None) -> int | None:
    if left is None or not right:
        return None
    exact = Fraction(left, right)
    if rounding == "half_up":
        size = math.floor(abs(exact) + Fraction(1, 2))
        return size if exact >= 0 else -size
    return math.floor(exact) if rounding == "floor" else math.ceil(exact)


def _text_test(operator: str, left: str | None, right: str | None) -> bool | None:
    if left is None or right is None:
        return None
    if operator == "starts":
        return left[: len(right)] == right
    if operator == "ends":
        return right == "" or left[-len(right) :] == right
    return any(left[start : start + len(right)] == right for start in range(len(left) + 1))


def _cased(operator: str, character: str) -> str:
    if not character.isascii():
        return character
    return character.upper() if operator == "upper" else character.lower()
