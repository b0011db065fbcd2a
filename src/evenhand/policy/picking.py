"""Some outputs of a document alone, as outside: for scores, which are drawn with every ruling.

It is the row function without what only a trace or a ruling asks for: steps that nothing wanted depends on, the rows that
matched, and guards against nulls where it is known that a fact never is one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from evenhand.policy.row import RowWriter
from evenhand.policy.row_helpers import HELPERS
from evenhand.policy.tracing import decimal, outward_all
from evenhand.policy.tree import Formula, Model, Step, expressions, names_read
from evenhand.policy.types import Type

Picker = Callable[[Mapping[str, Any]], tuple[Any, ...]]


def compile_picker(model: Model, wanted: Sequence[str], known: Collection[str] = ()) -> Picker:
    """A function from facts, as the row function reads them, to the `wanted` outputs; `known` are facts that are never null."""
    return _PickerWriter(model).pick(wanted, known)


class _PickerWriter(RowWriter):
    _rows_asked = False

    def pick(self, wanted: Sequence[str], known: Collection[str]) -> Picker:
        model = self._model
        steps, needed = _needed(model, wanted)
        self._sure |= set(known)
        self._read_all([name for name in model.read if name in needed])
        for step in steps:
            self._step(step)
        space: dict[str, Any] = dict(HELPERS) | {"decimal": decimal, "outward": outward_all}
        values = [self._outward(name, model.outputs[name][1].type, space) for name in wanted]
        self._line(f"return ({', '.join(values)},)")
        constants = (f"{name} = {value!r}" for name, value in self._constants.items())
        source = "\n".join([*constants, "def pick(facts):", *self._lines]) + "\n"
        # nothing of the document but literals written by repr() and comments without line breaks
        exec(compile(source, f"<picker of {model.name} {model.version}>", "exec"), space)  # noqa: S102
        return space["pick"]

    def _outward(self, name: str, kind: Type, space: dict[str, Any]) -> str:
        local = self._local(name)
        if not kind.many and (kind.kind in ("text", "boolean") or (kind.kind, kind.scale) == ("number", 0)):
            return local
        if kind.kind == "number" and not kind.many:
            known = f"decimal({local}, {kind.scale})"
            return known if name in self._sure else f"None if {local} is None else {known}"
        called = f"kind{len(space)}"
        space[called] = kind
        return f"outward({called}, {local})"


def _needed(model: Model, wanted: Sequence[str]) -> tuple[list[Step], set[str]]:
    """The steps that wanted outputs depend on, in their order, and all the names they read."""
    needed = set(wanted)
    steps: list[Step] = []
    for step in reversed(model.steps):
        outputs = (step.output,) if isinstance(step, Formula) else step.outputs
        if any(output.name in needed for output in outputs):
            steps.append(step)
            needed.update(name for expr in expressions(step) for name in names_read(expr))
    return steps[::-1], needed
