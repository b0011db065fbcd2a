"""Two policies over a history of applications: how many are ruled differently, and who pays what."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from evenhand.errors import BadInput
from evenhand.policy.proof.proving import AMOUNT
from evenhand.policy.proof.words import flat

if TYPE_CHECKING:
    from evenhand.policy.policy import Policy

PARTS: Final = ("outcome", "payer", "amount", "return_required", "respond_within_hours", "on_silence")


class Moved(msgspec.Struct, frozen=True):
    """What a change of ruling does to a history."""

    before: str
    after: str
    applications: int
    # minor units: what these applications ask, and what each payer pays before and after
    claimed: int
    paid_before: dict[str, int]
    paid_after: dict[str, int]


class History(msgspec.Struct, frozen=True):
    """Both policies over a history of applications."""

    applications: int
    touched: int
    changes: tuple[Moved, ...]


def over(policies: "tuple[Policy, Policy]", history: Iterable[Mapping[str, Any]]) -> History:
    """Count what rules differently; raises `BadInput` with the line of facts that cannot be ruled."""
    counts: dict[tuple[str, str], list[Any]] = {}
    applications = touched = 0
    for number, facts in enumerate(history, start=1):
        applications += 1
        try:
            first, second = (policy.rule(_known(facts, policy)) for policy in policies)
        except BadInput as error:
            error.line = number
            raise
        pair = [[getattr(ruling, part) for part in PARTS] for ruling in (first, second)]
        if pair[0] == pair[1]:
            continue
        touched += 1
        entry = counts.setdefault((_name(first), _name(second)), [0, 0, {}, {}])
        entry[0] += 1
        entry[1] += flat({AMOUNT: policies[0].model.facts[AMOUNT]}, facts).get(AMOUNT, 0)
        for ruling, paid in ((first, entry[2]), (second, entry[3])):
            if ruling.payer != "none":
                paid[ruling.payer] = paid.get(ruling.payer, 0) + ruling.amount
    changes = [Moved(*names, *entry) for names, entry in counts.items()]
    return History(applications, touched, tuple(sorted(changes, key=lambda one: -one.applications)))


def _name(ruling: Any) -> str:
    hours = f", answer within {ruling.respond_within_hours} h" if ruling.respond_within_hours is not None else ""
    payer = f", {ruling.payer} pays" if ruling.payer != "none" else ""
    return f"{ruling.outcome}{payer}{hours}"


def _known(facts: Mapping[str, Any], policy: "Policy") -> Mapping[str, Any]:
    """Facts without those that only the other policy declares."""
    groups = {name.partition(".")[0] for name in policy.model.facts}
    return {name: value for name, value in facts.items() if name in groups}
