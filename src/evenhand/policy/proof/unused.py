"""What a document holds and nothing reads: outputs, tables, reasons, facts of its own."""

from collections.abc import Iterator

from evenhand.policy.document import Document
from evenhand.policy.proof.promises import Promise
from evenhand.policy.proof.report import Finding
from evenhand.policy.reasons import FUND_EMPTY, placeholders
from evenhand.policy.ruling_parts import RULING_TYPES
from evenhand.policy.tree import Const, Expr, Model, Table, expressions, names_read, outputs_of
from evenhand.vocabulary import FACTS


def unused(document: Document, model: Model, promises: tuple[Promise, ...]) -> Iterator[Finding]:
    """Warnings, in the order of the document. A scorecard's outputs are its answer and need no reader."""
    read = _names(model, promises)

    def finding(kind: str, line: int, message: str) -> Finding:
        return Finding(kind, "warning", f"{document.file}:{line}", line, message)

    if model.ruling:
        for step in model.steps:
            names = [output.name for output in outputs_of(step)]
            idle = [name for name in names if name not in read and name not in RULING_TYPES]
            what = "table" if isinstance(step, Table) else "formula"
            if len(idle) == len(names):
                yield finding(
                    f"unused {what}", step.line, f"nothing reads what the {what} {step.name} gives: {', '.join(names)}"
                )
            else:
                for name in idle:
                    yield finding("unused output", step.line, f"{step.name}: nothing reads the output {name}")
        given = [expr for step in model.steps for expr in _reasons_given(step)] if "because" in model.outputs else []
        if all(isinstance(expr, Const) for expr in given):
            codes = {expr.value for expr in given if isinstance(expr, Const)}
            for reason in model.reasons.values():
                # that the fund is empty is told by no row, but by the document's front matter
                if reason.code not in codes and not (document.when_empty and reason.code == FUND_EMPTY):
                    yield finding("unused reason", reason.line, f"no row gives the reason {reason.code}")
    for row in document.facts.rows if document.facts else ():
        name = row[0].text.strip("`")
        if name in model.facts and name not in FACTS and name not in read:
            yield finding("unused fact", row[0].line, f"nothing reads the fact {name}")


def _names(model: Model, promises: tuple[Promise, ...]) -> set[str]:
    found: set[str] = set()
    for step in model.steps:
        own = {output.name for output in outputs_of(step)}
        found |= {name for expr in expressions(step) for name in names_read(expr)} - own
    for expr in model.ruling.values():
        found.update(names_read(expr))
    for promise in promises:
        for expr in (promise.when, promise.then, promise.figure):
            found.update(names_read(expr) if expr is not None else ())
    found.update(promise.fact for promise in promises)
    for reason in model.reasons.values():
        found.update(name for text in (reason.en, reason.zh) for name in placeholders(text))
    return found


def _reasons_given(step: object) -> Iterator[Expr]:
    if isinstance(step, Table):
        for place, output in enumerate(step.outputs):
            if output.name == "because":
                yield from (rule.outputs[place] for rule in step.rules)
