"""Whether every label a document gives can be set: it lasts as many days as a label may, and says why.

A labelling document is asked about one buyer after another, long after it was published. What it may say of any of them is
proven before, as promises are, so that nobody meets a label that cannot be set.
"""

from collections.abc import Iterator
from typing import Final

from evenhand.policy import Policy
from evenhand.policy.proof.limits import Deadline
from evenhand.policy.proof.promises import promise_about
from evenhand.policy.proof.proving import Provers
from evenhand.policy.proof.report import Finding
from evenhand.policy.proof.words import facts_text, outside
from evenhand.policy.syntax import CellError

# Days a label lasts at most.
LONGEST_DAYS: Final = 366
_SECONDS: Final = 10.0
# An output, what must hold of it where there is a label, and how to say that it does not.
_MUST: Final = (
    ("days", f"days >= 1 and days <= {LONGEST_DAYS}", f"a label lasts from 1 to {LONGEST_DAYS} days"),
    ("cause", "cause != null", "a label names its cause"),
)


def unfit(policy: Policy) -> Iterator[Finding]:
    """What is wrong with the labels that a labelling document gives, each with an account that shows it."""
    model = policy.model
    for output, holds, rule in _MUST:
        line = model.outputs[output][0].line
        place = f"{policy.file}:{line}"
        try:
            promise = promise_about(model, f'when `label != "none"` then `{holds}`')
        except CellError as error:
            yield Finding("label", "error", place, line, f"{rule}, and {output} cannot: {error}")
            continue
        verdict = Provers(model, (promise,), Deadline(_SECONDS)).verdict(0)
        if verdict.status == "undecided":
            yield Finding("label", "error", place, line, f"{rule}: whether it always does is undecided: {verdict.why}")
        elif verdict.facts is not None:
            told = facts_text(model.facts, verdict.facts)
            got = policy.decide(_whole(policy, outside(model.facts, verdict.facts)))
            said = f"{rule}; {told} gets label {got['label']} with {output} {_shown(got[output])}"
            yield Finding("label", "error", place, line, said, outside(model.facts, verdict.facts))


def _whole(policy: Policy, facts: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """The facts with null for each that is read and not known."""
    found: dict[str, dict[str, object]] = {group: dict(inner) for group, inner in facts.items()}
    for name in policy.model.read:
        group, _, field = name.partition(".")
        found.setdefault(group, {}).setdefault(field, None)
    return found


def _shown(value: object) -> str:
    return "null" if value is None else str(value)
