"""Two scorecards taken apart: each output that is compared, as a function of what it reads, for both.

What it reads are leaves: facts, the other outputs that are compared, and figures that both cards work out alike, by the same
formula or table of the same leaves. Whatever lies between is kept as it is. A figure that reads no fact is a constant, and no
leaf.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evenhand.errors import BadInput
from evenhand.policy.proof.limits import Undecided
from evenhand.policy.tree import (
    Expr,
    Formula,
    Model,
    Read,
    Step,
    Table,
    children,
    expressions,
    names_read,
    outputs_of,
    rebuilt,
)
from evenhand.policy.types import Type
from evenhand.vocabulary import FACTS


@dataclass(frozen=True, slots=True)
class Part:
    """An output in both cards."""

    name: str
    type: Type
    # the leaves, by name
    kinds: Mapping[str, Type]
    # for each card, the steps between the leaves and the output; none where it has no such output
    models: tuple[Model, Model]


def compared(before: Model, after: Model) -> list[str]:
    """The outputs that are compared: facts that scoring fills in, and whatever no other table reads."""
    found: dict[str, None] = {}
    for model in (before, after):
        read = {name for step in model.steps for expr in expressions(step) for name in names_read(expr)}
        found |= dict.fromkeys(name for name in model.outputs if name in FACTS or name not in read)
    if not set(before.outputs) & set(after.outputs) & set(found):
        raise BadInput(f"{before.name} and {after.name} give no figure that both give", field="policy")
    return list(found)


def parts_of(before: Model, after: Model, outputs: Sequence[str]) -> list[Part]:
    """Each of the outputs as a function of its leaves."""
    shared = _shared(before, after, outputs)
    return [_part(name, (before, after), {*shared, *outputs} - {name}) for name in outputs]


def _shared(before: Model, after: Model, outputs: Sequence[str]) -> set[str]:
    """Figures that both cards work out alike."""
    found: set[str] = set()
    known = {step.name: _bare(step) for step in before.steps}
    figures = {name for model in (before, after) for name in model.outputs}
    for step in after.steps:
        given = outputs_of(step)
        if known.get(step.name) != _bare(step) or not all(one.type.counted and not one.type.many for one in given):
            continue
        read = {name for expr in expressions(step) for name in names_read(expr)}
        if read and all(name not in figures or name in found or name in outputs for name in read):
            found |= {one.name for one in given} - set(outputs)
    return found


def _bare(step: Step) -> Step:
    """A step without the places it stands at."""
    if isinstance(step, Formula):
        return replace(step, line=0, section="", text="")
    return replace(step, line=0, rules=tuple(replace(rule, line=0) for rule in step.rules))


def _part(name: str, models: tuple[Model, Model], leaves: set[str]) -> Part:
    cones = [_cone(model, name, leaves) for model in models]
    kinds: dict[str, Type] = {}
    for model, (_, read) in zip(models, cones, strict=True):
        for leaf in read:
            kind = model.outputs[leaf][1].type if leaf in model.outputs and leaf in leaves else model.facts[leaf]
            kinds[leaf] = _united(leaf, kinds.get(leaf, kind), kind)
    own = [model.outputs[name][1].type for model in models if name in model.outputs]
    kind = own[0]
    for one in own[1:]:
        kind = _united(name, kind, one)
    if kind.many:
        raise Undecided(f"{name} is a list")
    made = [
        replace(
            model,
            facts=kinds,
            steps=tuple(_retyped(step, kinds) for step in steps),
            outputs={one.name: (step, one) for step in steps for one in outputs_of(step)},
            ruling={},
            deciding=None,
            read=tuple(kinds),
        )
        for model, (steps, _) in zip(models, cones, strict=True)
    ]
    return Part(name, kind, kinds, (made[0], made[1]))


def _cone(model: Model, name: str, leaves: set[str]) -> tuple[list[Step], list[str]]:
    """The steps that an output rests on down to the leaves, in their order, and the leaves."""
    if name not in model.outputs:
        return [], []
    wanted, read = {name}, dict[str, None]()
    steps: list[Step] = []
    for step in reversed(model.steps):
        if not wanted & {one.name for one in outputs_of(step)}:
            continue
        steps.insert(0, step)
        for one in (inner for expr in expressions(step) for inner in names_read(expr)):
            if one in leaves or one not in model.outputs:
                read[one] = None
            else:
                wanted.add(one)
    return steps, list(read)


def _united(name: str, one: Type, other: Type) -> Type:
    """A type that holds the values of both; raises `Undecided` where they are no values of one kind."""
    if replace(one, low=0, high=0, unit="") != replace(other, low=0, high=0, unit=""):
        raise Undecided(f"{name} is {one} in one and {other} in the other")
    return replace(one, low=min(one.low, other.low), high=max(one.high, other.high))


def _retyped(step: Step, kinds: Mapping[str, Type]) -> Step:
    """A step that reads its leaves by their common types."""

    def read(expr: Expr) -> Expr:
        if isinstance(expr, Read):
            return Read(kinds[expr.name], expr.name) if expr.name in kinds else expr
        return rebuilt(expr, [read(child) for child in children(expr)]) if children(expr) else expr

    if isinstance(step, Formula):
        return replace(step, value=read(step.value))
    assert isinstance(step, Table)
    rules = tuple(
        replace(
            rule,
            tests=tuple(None if test is None else read(test) for test in rule.tests),
            outputs=tuple(read(value) for value in rule.outputs),
        )
        for rule in step.rules
    )
    return replace(step, inputs=tuple(read(one) for one in step.inputs), rules=rules)
