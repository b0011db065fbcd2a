"""For which cause an application was intercepted: the one the person was told. Pure.

Policies refuse by rows of their own, and a sign of abuse that merely stood is no cause. So the trace is followed back from the
row that decided. A sign that the row tests, and that the case showed, is the cause; where the row tests what another table found,
the row of that table that matched is looked at in turn. Tests are taken from left to right, and a behaviour comes before a
score: who refuses by both names the behaviour. A row that tests no sign at all refuses for the reason it gives, and the reason's
code is the cause.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from evenhand.policy import Policy, TraceStep
from evenhand.policy.tree import Expr, Formula, names_read

# Signs of abuse that are true or false, and what each is called as a cause.
_BEHAVIOURS: Final = {
    "abuse.reused_evidence": "reused_evidence",
    "abuse.empty_parcel": "empty_parcel",
    "abuse.frequent_counterfeit_claims": "frequent_counterfeit_claims",
    "abuse.frequent_refund_only": "frequent_refund_only",
}
_LABEL: Final = "buyer.label"
_LABELS: Final = {"malicious": "malicious_label", "watched": "watched_label"}
_SCORES: Final = ("abuse.score", "abuse.uncertain")
SCORE: Final = "abuse_score"
# No reason was given.
OTHER: Final = "other"
# Every cause that is the same for all policies; others are codes of a document's reasons.
CAUSES: Final = (*_LABELS.values(), *_BEHAVIOURS.values(), SCORE, OTHER)
_trace: Final = msgspec.json.Decoder(list[TraceStep]).decode


def cause_told(policy: Policy, trace: str) -> str:
    """The cause of a refusal by a policy, from its trace as JSON text."""
    return cause(policy, _trace(trace))


def cause(policy: Policy, trace: Sequence[TraceStep]) -> str:
    """The cause of a refusal by a policy, from its trace."""
    steps = {step.table: step for step in trace}
    outputs = {name: value for step in trace for name, value in step.outputs.items()}
    values = {name: value for step in trace for name, value in step.facts.items()}
    scored = False
    for name in _tested(policy, steps):
        if name in _BEHAVIOURS and values.get(name) is True:
            return _BEHAVIOURS[name]
        if name == _LABEL and values.get(name) in _LABELS:
            return _LABELS[values[name]]
        scored = scored or name in _SCORES
    return SCORE if scored else str(outputs.get("because") or OTHER)


def _tested(policy: Policy, steps: Mapping[str, TraceStep]) -> Iterator[str]:
    """Facts that the row which decided tests, itself or by way of other tables, each with what stands behind it in its place."""
    made_by, reads = _read_by(policy)
    seen: set[str] = set()
    waiting = ["outcome"]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        title = made_by.get(name)
        if title is None:
            yield name
            continue
        rows = steps[title].rows if title in steps else []
        waiting += [one for row in rows or [0] for one in reads[title].get(row, ())][::-1]


@lru_cache(maxsize=256)
def _read_by(policy: Policy) -> tuple[dict[str, str], dict[str, dict[int, tuple[str, ...]]]]:
    """Of each output, which step of a trace made it; of each step, what each of its rows tests (a formula has the one row 0)."""
    made_by: dict[str, str] = {}
    reads: dict[str, dict[int, tuple[str, ...]]] = {}
    for step in policy.model.steps:
        if isinstance(step, Formula):
            title = f"{step.section}: {step.name}"
            made_by[step.output.name] = title
            reads[title] = {0: _names([step.value])}
            continue
        made_by |= {output.name: step.name for output in step.outputs}
        reads[step.name] = {rule.number: _names(rule.tests) for rule in step.rules}
    return made_by, reads


def _names(tests: Sequence[Expr | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for test in tests if test is not None for name in names_read(test)))
