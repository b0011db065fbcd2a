"""The trace of a ruling: every table and formula, with the rows that matched, what it read and what came out.

It is written as Python source too, since it is made with every ruling: once as records, and once as the JSON text of the same
records, which is all that the path of a live application needs.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from evenhand.policy.row import Row
from evenhand.policy.ruling import TraceStep
from evenhand.policy.tree import Model, Step, Table, expressions, names_read
from evenhand.policy.types import Type
from evenhand.policy.values import outward

Trace = Callable[[Mapping[str, Any], tuple[Any, ...]], list[TraceStep]]
TraceText = Callable[[Mapping[str, Any], tuple[Any, ...]], str]
# So many values of a fact are remembered with their text.
_MOST_TEXTS: Final = 4096
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


def compile_trace(model: Model, row: Row) -> Trace:
    """A function from facts (as the row function reads them) and its answer to the trace."""
    space: dict[str, Any] = {"TraceStep": TraceStep}
    steps: list[str] = []
    for step in (_laid_out(step, model, row, space) for step in model.steps):
        reads = ", ".join(f"{name!r}: {value}" for name, _, value in step.reads)
        gives = ", ".join(f"{name!r}: {value}" for name, _, value in step.gives)
        steps.append(f"TraceStep({step.title!r}, {step.rows}, {{{reads}}}, {{{gives}}})")
    return _compiled(model, f"[{', '.join(steps)}]", space)


def compile_trace_text(model: Model, row: Row) -> TraceText:
    """The same function, to the JSON text of the trace."""
    space: dict[str, Any] = {"rows": _Rows({0: "[]"}), "text": _text}
    # what is read or comes out in several steps is written once; texts that stand side by side are one
    written: dict[str, str] = {}
    lines: list[str] = []
    pieces: list[str] = ["["]

    def add(text: str) -> None:
        if len(pieces) % 2:
            pieces[-1] += text
        else:
            pieces.append(text)

    for place, step in enumerate(_laid_out(step, model, row, space) for step in model.steps):
        add(f'{"," if place else ""}{{"table":{_text(step.title)},"rows":')
        pieces.append(f"text({step.rows})" if step.many else f"rows[{step.row} or 0]")
        for title, values in (("facts", step.reads), ("outputs", step.gives)):
            add(f',"{title}":{{')
            for at, (name, kind, value) in enumerate(values):
                if value not in written:
                    written[value] = f"said{len(written)}"
                    lines.append(f"{written[value]} = {_as_text(kind, value, space)}")
                add(f"{',' if at else ''}{_text(name)}:")
                pieces.append(written[value])
            add("}")
        add("}")
    add("]")
    parts = ", ".join(piece if at % 2 else repr(piece) for at, piece in enumerate(pieces))
    return _compiled(model, f"''.join(({parts},))", space, lines)


def _as_text(kind: Type, value: str, space: dict[str, Any]) -> str:
    """The JSON text of a value, as Python source."""
    # equal numbers with other decimals are written otherwise, so those are not looked up
    if kind.many or kind.scale or kind.kind not in ("text", "boolean", "number"):
        return f"text({value})"
    texts = f"texts{len(space)}"
    space[texts] = _Texts({None: "null"})
    return f"{texts}[{value}]"


class _Texts(dict[Any, str]):
    """Values of one type, as far as they were met, to their JSON text."""

    def __missing__(self, value: Any) -> str:
        text = _text(value)
        if len(self) < _MOST_TEXTS:
            self[value] = text
        return text


class _Rows(dict[int, str]):
    """Numbers of rows to the JSON text of a list of the one."""

    def __missing__(self, number: int) -> str:
        text = self[number] = f"[{number}]"
        return text


class _LaidOut(NamedTuple):
    """A step of the trace, as Python source."""

    title: str
    # the rows that matched; whether they may be several, else the number of the one, 0 for none
    rows: str
    many: bool
    row: str
    # name, type and value, as outside, of what it reads and of what comes out
    reads: list[tuple[str, Type, str]]
    gives: list[tuple[str, Type, str]]


def _laid_out(step: Step, model: Model, row: Row, space: dict[str, Any]) -> _LaidOut:
    def fact(name: str) -> tuple[str, Type, str]:
        return name, model.facts[name], "facts" + "".join(f"[{part!r}]" for part in name.split("."))

    def output(name: str) -> tuple[str, Type, str]:
        kind, place = model.outputs[name][1].type, row.outputs[name]
        if kind.kind in ("text", "boolean") or (kind.kind == "number" and not kind.scale and not kind.many):
            return name, kind, f"answer[{place}]"
        space["out"], called = outward_all, f"kind{place}"
        space[called] = kind
        return name, kind, f"out({called}, answer[{place}])"

    names = dict.fromkeys(name for expr in expressions(step) for name in names_read(expr))
    reads = [output(name) if name in row.outputs else fact(name) for name in names]
    if not isinstance(step, Table):
        return _LaidOut(f"{step.section}: {step.name}", "[]", False, "0", reads, [output(step.output.name)])
    hit, many = f"answer[{row.hits[step.name]}]", step.hit[0] in "ROC"
    rows = hit if many else f"([{hit}] if {hit} else [])"
    return _LaidOut(step.name, rows, many, "0" if many else hit, reads, [output(one.name) for one in step.outputs])


def _compiled(model: Model, value: str, space: dict[str, Any], lines: Sequence[str] = ()) -> Any:
    source = "\n    ".join(["def trace(facts, answer):", *lines, f"return {value}\n"])
    # nothing of the document but literals written by repr()
    exec(compile(source, f"<trace of {model.name} {model.version}>", "exec"), space)  # noqa: S102
    return space["trace"]


def _text(value: Any) -> str:
    return _encode(value).decode()


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
