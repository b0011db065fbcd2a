"""Outputs that are never anything but null, such as a quotient by what is always zero: nothing that reads them can mean it."""

from collections.abc import Iterator

from evenhand.policy.proof.limits import Undecided
from evenhand.policy.proof.proving import Provers
from evenhand.policy.proof.report import Finding
from evenhand.policy.tree import Const, Expr, Formula, Output, Read, Step, Table, outputs_of


def silent(provers: Provers, steps: tuple[Step, ...], file: str) -> Iterator[Finding]:
    """Warnings, in the order of the document."""
    for step in steps:
        for output in outputs_of(step):
            what = f"{step.name} = {step.text}" if isinstance(step, Formula) else f"{step.name}: {output.name}"
            kind, message = "always null", f"{what} is always null"
            try:
                if not _always_null(provers, step, output):
                    continue
            except Undecided as error:
                kind, message = "undecided", f"it is undecided whether {output.name} is always null: {error}"
            yield Finding(kind, "warning", f"{file}:{step.line}", step.line, message)


def _always_null(provers: Provers, step: Step, output: Output) -> bool:
    values = _values(step, output)
    if output.type.many or any(isinstance(value, Const) and value.value is not None for value in values):
        return False  # a row that never fires is told as such
    if output.type.kind == "null":
        return True
    known = provers.encoding.term(Read(output.type, output.name))
    return provers.solver.find(f"(not {known.null})", provers.kinds, provers.patience) is None


def _values(step: Step, output: Output) -> list[Expr]:
    if isinstance(step, Table):
        return [rule.outputs[step.outputs.index(output)] for rule in step.rules]
    return [step.value]
