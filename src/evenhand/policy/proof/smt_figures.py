"""Figures in SMT-LIB 2: quotients, extremes, ranks, and what tables collect."""

from collections.abc import Sequence

from evenhand.policy.proof.smt_script import Script
from evenhand.policy.proof.smt_text import Term, all_of, any_of, integer, negation, total
from evenhand.policy.proof.spans import Span
from evenhand.policy.tree import Const, Quotient


def figure_of(script: Script, operator: str, rows: Sequence[tuple[str, Term]]) -> Term:
    """The sum, least, greatest or count of the rows that match; each row is (matches, value)."""
    matched = [match for match, _ in rows]
    if operator == "count":
        return Term(total([f"(ite {match} 1 0)" for match in matched]), "false")
    null = any_of([negation(any_of(matched)), *(all_of([match, term.null]) for match, term in rows)])
    if operator == "sum":
        return Term(total([f"(ite {match} {term.value} 0)" for match, term in rows]), null)
    best, has = "0", "false"
    compare = "<" if operator == "min" else ">"
    for match, term in rows:
        taken = script.short(all_of([match, any_of([negation(has), f"({compare} {term.value} {best})"])]), "Bool")
        best = script.short(f"(ite {taken} {term.value} {best})", "Int")
        has = script.short(any_of([has, match]), "Bool")
    return Term(best, null)


def quotient_of(script: Script, expr: Quotient, left: Term, right: Term, within: Span | None) -> Term:
    """The integer that the remainder of a division makes the right one; `within` is where it lies."""
    found = script.fresh("Int")
    above, below = script.short(left.value, "Int"), script.short(right.value, "Int")
    flip = isinstance(expr.right, Const) and isinstance(expr.right.value, int) and expr.right.value > 0
    if not flip:
        # with a positive divisor the three roundings are each one pair of bounds
        signed = script.short(f"(ite (< {below} 0) (- {above}) {above})", "Int")
        size = script.short(f"(ite (< {below} 0) (- {below}) {below})", "Int")
    else:
        signed, size = above, below
    whole = f"(* {size} {found})"
    match expr.rounding:
        case "floor":
            bounds = f"(and (<= {whole} {signed}) (< {signed} (+ {whole} {size})))"
        case "ceiling":
            bounds = f"(and (>= {whole} {signed}) (> {signed} (- {whole} {size})))"
        case _:
            # ties away from zero
            up = f"(and (<= (- (* 2 {whole}) {size}) (* 2 {signed})) (< (* 2 {signed}) (+ (* 2 {whole}) {size})))"
            down = f"(and (< (- (* 2 {whole}) {size}) (* 2 {signed})) (<= (* 2 {signed}) (+ (* 2 {whole}) {size})))"
            bounds = f"(ite (>= {signed} 0) {up} {down})"
    null = any_of([left.null, right.null, "false" if flip else f"(= {below} 0)"])
    script.claim(f"(or {null} {bounds})" if null != "false" else bounds)
    if within is not None:
        script.claim(f"(or {null} (and (<= {integer(within.low)} {found}) (<= {found} {integer(within.high)})))")
    return Term(found, null)


def extreme_of(script: Script, operator: str, terms: Sequence[Term]) -> Term:
    """The least or greatest of several values; null when one of them is."""
    compare = "<=" if operator == "min" else ">="
    best = script.short(terms[0].value, "Int")
    for term in terms[1:]:
        other = script.short(term.value, "Int")
        best = script.short(f"(ite ({compare} {best} {other}) {best} {other})", "Int")
    return Term(best, any_of([term.null for term in terms]))


def rank_of(script: Script, values: Sequence[str], operand: Term) -> Term:
    """The place of a choice among its values."""
    numbers = [script.string(value) for value in values]
    if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return Term(f"(- {operand.value} {numbers[0]})" if numbers[0] else operand.value, operand.null)
    rank = str(len(values) - 1)
    for place in range(len(values) - 2, -1, -1):
        rank = f"(ite (= {operand.value} {numbers[place]}) {place} {rank})"
    return Term(rank, operand.null)
