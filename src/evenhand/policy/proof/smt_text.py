"""SMT-LIB 2 as text: a value with whether it is null, and connectives that drop what cannot matter."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """The text of a value and of whether it is null."""

    value: str
    null: str


def same(left: Term, right: Term) -> str:
    """Where two values are the same, null included."""
    if left.null == right.null == "false":
        return is_same(left.value, right.value)
    both = all_of([left.null, right.null])
    return any_of([both, all_of([negation(left.null), negation(right.null), is_same(left.value, right.value)])])


def is_same(left: str, right: str) -> str:
    if left == right:
        return "true"
    if right in ("true", "false"):
        return left if right == "true" else negation(left)
    if left in ("true", "false"):
        return right if left == "true" else negation(right)
    return f"(= {left} {right})"


def integer(value: int) -> str:
    return str(value) if value >= 0 else f"(- {-value})"


def all_of(parts: list[str]) -> str:
    kept = list(dict.fromkeys(part for part in parts if part != "true"))
    if "false" in kept:
        return "false"
    return kept[0] if len(kept) == 1 else f"(and {' '.join(kept)})" if kept else "true"


def any_of(parts: list[str]) -> str:
    kept = list(dict.fromkeys(part for part in parts if part != "false"))
    if "true" in kept:
        return "true"
    return kept[0] if len(kept) == 1 else f"(or {' '.join(kept)})" if kept else "false"


def negation(text: str) -> str:
    return {"true": "false", "false": "true"}.get(text, f"(not {text})")


def choose(condition: str, then: str, otherwise: str) -> str:
    if then == otherwise or condition == "true":
        return then
    if condition == "false":
        return otherwise
    if (then, otherwise) == ("true", "false"):
        return condition
    if (then, otherwise) == ("false", "true"):
        return negation(condition)
    if then == "true":
        return f"(or {condition} {otherwise})"
    if then == "false":
        return f"(and (not {condition}) {otherwise})"
    return f"(ite {condition} {then} {otherwise})"


def choose_value(condition: str, then: str, otherwise: str) -> str:
    return (
        then
        if then == otherwise or condition == "true"
        else otherwise
        if condition == "false"
        else f"(ite {condition} {then} {otherwise})"
    )


def total(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"(+ {' '.join(parts)})" if parts else "0"
