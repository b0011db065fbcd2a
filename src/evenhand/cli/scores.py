"""`evenhand policy diff` of two scorecards."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import typer
from rich.markup import escape

from evenhand.cli.options import answer, number_of
from evenhand.policy import Policy
from evenhand.policy.proof.score_diff import ScoreDiff, Shift, score_diff

_json: Final = msgspec.json.Encoder(decimal_format="number")
_PROVERS: Final = {"grid": "every combination", "z3": "Z3"}


def run(before: Policy, after: Policy, seconds: float, *, as_json: bool) -> None:
    """Compare two scorecards; exits 1 when they score differently."""
    found = score_diff(before, after, seconds)
    if as_json:
        print(_json.encode(found).decode())  # noqa: T201
    else:
        _show(found)
    if not found.same:
        raise typer.Exit(1)


def _show(found: ScoreDiff) -> None:
    title = f"[bold]{escape(found.before)}[/bold] and [bold]{escape(found.after)}[/bold]"
    by = " and ".join(_PROVERS[prover] for prover in found.provers)
    compared = escape(", ".join(found.outputs))
    if found.same:
        answer.print(f"{title} score everything alike ({compared}): proven by {by}", soft_wrap=True)
    else:
        regions = number_of(len(found.changes), "region")
        whole = f"nothing else is: proven by {by}" if found.complete else "there may be more"
        answer.print(f"{title} score differently in {regions}; {whole}", soft_wrap=True)
    for one in found.formulas:
        answer.print(f"\n{one.name} is another formula", markup=False, soft_wrap=True)
        answer.print(f"   before  {one.before}", markup=False, soft_wrap=True)
        answer.print(f"   after   {one.after}", markup=False, soft_wrap=True)
    for number, shift in enumerate(found.changes, start=1):
        _show_shift(number, shift)


def _show_shift(number: int, shift: Shift) -> None:
    answer.print(f"\n{number}. {shift.output} {_moved(shift)}", markup=False, soft_wrap=True)
    if shift.where is None:
        answer.print("   for some, such as the example", markup=False)
    elif not shift.where:
        answer.print("   for all", markup=False)
    for name, cell in (shift.where or {}).items():
        answer.print(f"   {name}: {cell}", markup=False, soft_wrap=True)
    if shift.example is None:
        answer.print("   example none was found: perhaps no facts are so", markup=False, soft_wrap=True)
        return
    answer.print(f"   before  {_scored(shift.before)}", markup=False, soft_wrap=True)
    answer.print(f"   after   {_scored(shift.after)}", markup=False, soft_wrap=True)
    answer.print(f"   example {_json.encode(shift.example).decode()}", markup=False, soft_wrap=True)


def _moved(shift: Shift) -> str:
    if shift.least is None:
        return shift.way
    least, most = sorted((abs(shift.least), abs(shift.most)))
    if shift.where is None:
        return f"{shift.way} by {most} at most"
    return f"{shift.way} by {most}" if least == most else f"{shift.way} by {least} to {most}"


def _scored(values: Mapping[str, Any] | None) -> str:
    return ", ".join(f"{name} = {_json.encode(value).decode()}" for name, value in (values or {}).items())
