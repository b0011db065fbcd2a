"""Comparing, and bringing alternatives to one type: constants move to the scale of what they are compared with, never back."""

from dataclasses import replace
from decimal import Decimal
from typing import Final

from evenhand.policy import syntax
from evenhand.policy.arithmetic import rescaled, rounded
from evenhand.policy.constants import integer, number_type
from evenhand.policy.errors import suggestion
from evenhand.policy.syntax import CellError, Expression
from evenhand.policy.tree import (
    Compare,
    Const,
    Equal,
    Expr,
    If,
    In,
    Not,
    Rank,
)
from evenhand.policy.types import BOOLEAN, TEXT, Type

_FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


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
        right = Const(number_type(whole, whole, left.type.scale, at), whole)
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


def check_interval(low: Expr, high: Expr, at: int) -> None:
    if isinstance(low, Const) and isinstance(high, Const) and low.type.kind == "number" == high.type.kind:
        scale = max(low.type.scale, high.type.scale)
        first, last = rescaled(low, scale, at), rescaled(high, scale, at)
        assert isinstance(first, Const)
        assert isinstance(last, Const)
        if isinstance(first.value, int) and isinstance(last.value, int) and first.value > last.value:
            raise CellError(at, "this interval is empty: its lower end lies above its upper end")


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


def union(left: Type, right: Type) -> Type:
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


def place_of(node: Expression) -> int:
    return node.at if not isinstance(node, syntax.Binary) else place_of(node.left)
