"""Whether a ruling that somebody else made keeps what the document promises never happens.

`never` is said of everything that is done under a policy, whoever does it; `when ... then` says what the document's own tables
do, which a person is often asked to look at again. So a person is held to the first kind only.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evenhand.policy.errors import PolicyError
from evenhand.policy.policy import Policy
from evenhand.policy.proof.judge import Judge
from evenhand.policy.proof.promises import read_promises
from evenhand.policy.proof.words import flat
from evenhand.policy.tree import Const
from evenhand.policy.values import nested


def broken_promise(policy: Policy, facts: Mapping[str, Any], given: Mapping[str, Any]) -> str | None:
    """The first `never` promise that a ruling on these nested facts breaks, as the document writes it; None when it keeps all.

    `given` are parts of the ruling by name (`outcome`, `payer`, `amount`, `return_required`); those left out are null. Promises
    that cannot be read, which `check` tells, hold nobody.
    """
    model = policy.model
    parts = {name: Const(expr.type, given.get(name)) for name, expr in model.ruling.items()}
    try:
        promises = read_promises(policy.document, replace(model, ruling=parts))
    except PolicyError:
        return None
    never = {one.text: one.when for one in promises if one.kind == "never" and one.when is not None}
    answers = Judge(model, never).answer(flat(model.facts, nested(facts, model.facts, ())))
    return next((text for text in never if answers[text] is True), None)
