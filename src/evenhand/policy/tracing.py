"""The trace of a ruling: every table and formula, with the rows that matched, what it read and what came out.

It is written as Python source too, since it is made with every ruling.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from evenhand.policy.row import Row
from evenhand.policy.ruling import TraceStep
from evenhand.policy.tree import Model, Step, Table, expressions, names_read
from evenhand.policy.types import Type
from evenhand.policy.values import outward

Trace = Callable[[Mapping[str, Any], tuple[Any, ...]], list[TraceStep]]


def compile_trace(model: Model, row: Row) -> Trace:
    """A function from facts (as the row function reads them) and its answer to the trace."""
    kinds: list[Type] = []
    steps = ",\n".join(f"        {_step(step, model, row, kinds)}" for step in model.steps)
    source = f"def trace(facts, answer):\n    return [\n{steps}\n    ]\n"
    space: dict[str, Any] = {"TraceStep": TraceStep, "out": outward_all, "kinds": kinds}
    # nothing of the document but literals written by repr()
    exec(compile(source, f"<trace of {model.name} {model.version}>", "exec"), space)  # noqa: S102
    return space["trace"]


def _step(step: Step, model: Model, row: Row, kinds: list[Type]) -> str:
    def fact(name: str) -> str:
        return "facts" + "".join(f"[{part!r}]" for part in name.split("."))

    def output(name: str) -> str:
        kind, place = model.outputs[name][1].type, row.outputs[name]
        if kind.kind in ("text", "boolean") or (kind.kind == "number" and not kind.scale and not kind.many):
            return f"answer[{place}]"
        kinds.append(kind)
        return f"out(kinds[{len(kinds) - 1}], answer[{place}])"

    names = dict.fromkeys(name for expr in expressions(step) for name in names_read(expr))
    reads = ", ".join(f"{name!r}: {output(name) if name in row.outputs else fact(name)}" for name in names)
    if isinstance(step, Table):
        title, made, at = step.name, step.outputs, row.hits[step.name]
        rows = f"answer[{at}]" if step.hit[0] in "ROC" else f"([answer[{at}]] if answer[{at}] else [])"
    else:
        title, made, rows = f"{step.section}: {step.name}", (step.output,), "[]"
    gives = ", ".join(f"{one.name!r}: {output(one.name)}" for one in made)
    return f"TraceStep({title!r}, {rows}, {{{reads}}}, {{{gives}}})"


def outward_all(kind: Type, value: Any) -> Any:
    """A value, or each of a list of them, as outside."""
    if kind.many:
        return [outward(kind, one) for one in value]
    if value is not None and kind.kind == "number" and kind.scale:
        return decimal(value, kind.scale)
    return outward(kind, value)


@lru_cache(maxsize=65_536)
def decimal(value: int, scale: int) -> Decimal:
    """A scaled integer as the outside reads it; scores have few values, and making one takes longer than finding it."""
    return Decimal(value).scaleb(-scale)
