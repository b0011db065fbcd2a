"""The sides of a row: the region of each operand in which it matches. Rows whose sides do not meet never match together."""

from collections.abc import Mapping
from typing import Final

from evenhand.policy.regions import Region, region
from evenhand.policy.tree import And, Compare, Const, Expr, In, Not, Or, Rank, Rule

# Tables up to so many rows are looked at for rows that meet.
_PAIRS: Final = 300


def sides(rule: Rule) -> tuple[dict[Expr, Region], list[Expr]]:
    """The region of each operand in which a row matches, and the tests that are no such region."""
    found: dict[Expr, Region] = {}
    odd: list[Expr] = []
    for test in rule.tests:
        if test is None:
            continue
        operand = _operand(test)
        where = None if operand is None or isinstance(operand, Const) else region(test, operand)
        if operand is None or where is None:
            odd.append(test)
        else:
            found[operand] = found[operand] & where if operand in found else where
    return found, odd


def disjoint(rules: tuple[Rule, ...]) -> bool:
    """Whether it is certain that no two rows ever match together; never of more than 300 rows."""
    if len(rules) > _PAIRS:
        return False
    found = [sides(rule)[0] for rule in rules]
    return all(_apart(found[i], found[j]) for i in range(len(found)) for j in range(i))


def _operand(test: Expr) -> Expr | None:
    match test:
        case In():
            return test.operand
        case Compare():
            return test.left.operand if isinstance(test.left, Rank) else test.left
        case And() | Or():
            return _operand(test.operands[0])
        case Not():
            return _operand(test.operand)
        case _:
            return None


def _apart(left: Mapping[Expr, Region], right: Mapping[Expr, Region]) -> bool:
    return any((left[operand] & right[operand]).empty for operand in left.keys() & right.keys())
