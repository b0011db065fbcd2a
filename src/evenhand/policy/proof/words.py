"""Facts, values and regions as documents write them."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from evenhand.policy.regions import Region, everything
from evenhand.policy.tree import Arith, Const, Expr, If, In, Quotient, Read, children
from evenhand.policy.types import Type, Value
from evenhand.policy.values import inward, outward, trusted

Assignment = Mapping[str, Value]


def literal(kind: Type, value: Value) -> str:
    """A value as a cell writes it."""
    if value is None:
        return "null"
    outside = outward(kind, value)
    match outside:
        case bool():
            return "true" if outside else "false"
        case str() if kind.kind == "text":
            return '"' + outside.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case Decimal():
            return f"{outside:.{kind.scale}f}"
        case int():
            return str(outside)
        case date():
            return f'@"{outside.isoformat()}"'
        case _:
            return f'@"{outside}"'


def cell(where: Region) -> str:
    """A region as an input cell: `-`, `"a", "b"`, `[4.00..4.50)`, `not(null)`."""
    kind = where.type
    if where == everything(kind):
        return "-"
    if where.empty:
        return "not(-)"
    outside = ~where
    plain = _list(where)
    if kind.counted and where.intervals == ((kind.low, kind.high),):
        return "not(null)"
    if where.others or (len(outside.values) + outside.null < len(where.values) + where.null and kind.kind == "text"):
        return f"not({', '.join(_list(outside))})"
    return ", ".join(plain)


def _list(where: Region) -> list[str]:
    kind = where.type
    order: list[Value] = (
        [value for value in kind.values if value in where.values] if kind.values else sorted(where.values, key=str)
    )
    found = [literal(kind, value) for value in order]
    found += [_interval(kind, low, high) for low, high in where.intervals]
    return [*found, "null"] if where.null else found


def _interval(kind: Type, low: int, high: int) -> str:
    first, last = literal(kind, low), literal(kind, high)
    if low == high:
        return first
    # a bound between two values is written as the rounder of them: < 4.80, not <= 4.79
    after = literal(kind, high + 1) if kind.scale and high < kind.high else last
    below = kind.scale and high < kind.high and len(after.rstrip("0")) <= len(last.rstrip("0"))
    if low <= kind.low:
        return f"< {after}" if below else f"<= {last}"
    if high >= kind.high:
        return f">= {first}"
    return f"[{first}..{after})" if below else f"[{first}..{last}]"


def condition(name: str, where: Region) -> str:
    """A region as a condition on a fact: `buyer.integrity in ("good", "excellent")`."""
    text = cell(where)
    if text.startswith(("<", ">")) and "," not in text:
        return f"{name} {text}"
    if text.startswith("[") and "," not in text:
        return f"{name} in {text}"
    if text.startswith("not("):
        return f"not({name} in ({text[4:-1]}))" if "," in text else f"{name} != {text[4:-1]}"
    return f"{name} in ({text})" if ", " in text else f"{name} = {text}"


def expression(expr: Expr) -> str:
    """A figure as a formula of facts, with decimals as they are held: enough to tell one from another."""
    match expr:
        case Const():
            return literal(expr.type, expr.value)
        case Read():
            return expr.name
        case Arith():
            return f"({expression(expr.left)} {expr.operator} {expression(expr.right)})"
        case If(condition=In(values=(None,))):
            # what stands in for null goes without saying
            return expression(expr.otherwise)
        case Quotient():
            return f"{expr.rounding.replace('_', ' ')}({expression(expr.left)} / {expression(expr.right)})"
        case _:
            inner = ", ".join(expression(child) for child in children(expr))
            return f"{getattr(expr, 'operator', type(expr).__name__.lower())}({inner})"


def facts_text(kinds: Mapping[str, Type], facts: Assignment) -> str:
    """`application.remedy = "refund_only", application.amount = 8000`; what is null unless it stands alone is left out."""
    told = [f"{name} = {literal(kinds[name], value)}" for name, value in facts.items() if value is not None]
    return ", ".join(told) if told else "no fact known"


def outside(kinds: Mapping[str, Type], facts: Assignment) -> dict[str, Any]:
    """Nested facts as the world sends them, without those that are null."""
    return _nested({name: outward(kinds[name], value) for name, value in facts.items() if value is not None})


def as_row_reads(kinds: Mapping[str, Type], facts: Assignment) -> dict[str, Any]:
    """Nested facts as the row function reads them, null ones included."""
    return _nested({name: trusted(kinds[name], value) for name, value in facts.items()})


def flat(kinds: Mapping[str, Type], nested: Mapping[str, Any]) -> dict[str, Value]:
    """Nested facts as the row function reads them, by name and as held inside."""
    found: dict[str, Value] = {}
    for name, kind in kinds.items():
        value: Any = nested
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None:
            found[name] = value if kind.kind in ("duration", "months") else inward(kind, value, name)
    return found


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        place = found
        *groups, leaf = name.split(".")
        for group in groups:
            place = place.setdefault(group, {})
        place[leaf] = value
    return found
