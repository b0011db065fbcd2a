"""Regions of one fact for tests that calculate with it first: `application.amount * 2 > 100` holds from 51 on.

Where a figure only ever rises, or only ever falls, as its fact does, a comparison with a constant has one edge, and halving finds
it. Figures of that kind are what sums, products with constants, quotients by constants, min and max are made of.
"""

from collections.abc import Callable
from typing import Final

from evenhand.policy.proof.interpret import evaluate
from evenhand.policy.regions import Region
from evenhand.policy.tree import Arith, Compare, Const, Expr, Extreme, In, Quotient, Read
from evenhand.policy.types import Type

_TURNED: Final = {"<": ">=", "<=": ">"}


def strict(expr: Expr) -> bool:
    """Whether an expression is null exactly where one of the facts it reads is."""
    match expr:
        case Const():
            return expr.value is not None
        case Read():
            return True
        case Arith():
            return strict(expr.left) and strict(expr.right)
        case Quotient():
            return strict(expr.left) and isinstance(expr.right, Const) and bool(expr.right.value)
        case Extreme():
            return all(strict(operand) for operand in expr.operands)
        case _:
            return False


def calculated(test: Expr, name: str, kind: Type) -> tuple[Region, Region] | None:
    """Where a test of one fact is true and where it is false; None when that cannot be said."""
    if not kind.counted:
        return None
    match test:
        case Compare() if isinstance(test.right, Const) and isinstance(test.right.value, int):
            # > and >= are the tests themselves, < and <= their opposites
            operator = _TURNED.get(test.operator, test.operator)
            above = _from(test.left, test.right.value + (operator == ">"), name, kind)
            if above is None:
                return None
            below = ~above & ~Region(kind, True)
            return (below, above) if test.operator in _TURNED else (above, below)
        case In() if strict(test.operand):
            found = Region(kind, None in test.values)
            for value in test.values:
                if isinstance(value, int):
                    least, more = (_from(test.operand, edge, name, kind) for edge in (value, value + 1))
                    if least is None or more is None:
                        return None
                    found = found | (least & ~more)
            return found, ~found
        case _:
            return None


def _from(expr: Expr, least: int, name: str, kind: Type) -> Region | None:
    """Where a figure is at least so much."""
    way = _direction(expr)
    if way is None or not strict(expr):
        return None

    def enough(value: int) -> bool:
        figure = evaluate(expr, {name: value})
        return isinstance(figure, int) and figure >= least

    if way >= 0:
        edge = _first(enough, kind.low, kind.high)
        return Region(kind, False, ((edge, kind.high),) if edge <= kind.high else ())
    edge = _first(lambda value: not enough(value), kind.low, kind.high)
    return Region(kind, False, ((kind.low, edge - 1),) if edge > kind.low else ())


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The first value for which something holds that holds for all later ones; high + 1 when there is none."""
    high += 1
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _direction(expr: Expr) -> int | None:
    """1 where a figure never falls as its fact rises, -1 where it never rises, 0 for a constant; None where it may do both."""
    match expr:
        case Const():
            return 0
        case Read():
            return 1
        case Arith(operator="*"):
            for factor, other in ((expr.left, expr.right), (expr.right, expr.left)):
                if isinstance(factor, Const) and isinstance(factor.value, int):
                    way = _direction(other)
                    return None if way is None else way if factor.value > 0 else -way if factor.value < 0 else 0
            return None
        case Arith():
            right = _direction(expr.right)
            return _together(_direction(expr.left), -right if right is not None and expr.operator == "-" else right)
        case Quotient() if isinstance(expr.right, Const) and isinstance(expr.right.value, int) and expr.right.value:
            way = _direction(expr.left)
            return None if way is None else way if expr.right.value > 0 else -way
        case Extreme():
            found: int | None = 0
            for operand in expr.operands:
                found = _together(found, _direction(operand))
            return found
        case _:
            return None


def _together(left: int | None, right: int | None) -> int | None:
    if left is None or right is None or left * right < 0:
        return None
    return left or right
