"""What a labelling document makes of an account: pure.

The document is a policy document whose outputs are `label` (malicious, watched, warning, none), `days` and `cause`, a code of its
Reasons. It reads `history.*` facts of the buyer, the signs of abuse, and facts of its own: `labels.warned`,
`labels.watched` and `labels.cases_since` (see `Before`).
"""

import re
from datetime import timedelta
from importlib.resources import files
from typing import Any, Final

import msgspec

from evenhand.accounts.labelling.lasting import unfit
from evenhand.accounts.scores import OUTPUTS, Scorecards, completed
from evenhand.errors import BadInput
from evenhand.history import BUYER
from evenhand.policy import Because, Policy
from evenhand.vocabulary import Lang, word

OWN: Final = ("labels.warned", "labels.watched", "labels.cases_since")
# Who is labelled, or warned, is left so long to read it: what is filed meanwhile leads to nothing more.
GRACE: Final = timedelta(days=7)
_SCORES: Final = {*OUTPUTS["integrity"], *OUTPUTS["abuse"]}
_PLACEHOLDER: Final = re.compile(r"\{([^{}]+)\}")
STANDARD: Final = Policy.parse(
    (files("evenhand.accounts") / "labelling" / "standard.md").read_text("utf-8"), "standard.md"
)


class Before(msgspec.Struct, frozen=True):
    """What an account was labelled lately."""

    warned: bool
    # watched or malicious
    watched: bool
    # cases that speak against it, filed when `GRACE` was over after the latest of these labels
    cases_since: int


class Labelling(msgspec.Struct, frozen=True):
    """What a document says of an account."""

    label: str
    days: int
    rule: str
    reason: Because
    facts: dict[str, Any]


def checked(policy: Policy) -> Policy:
    """See that a document can label, whoever it is asked about; raises `BadInput` for one that cannot."""
    missing = set(OUTPUTS["labelling"]) - policy.model.outputs.keys()
    if missing:
        raise BadInput(
            f"a labelling document has the outputs label, days and cause; {', '.join(sorted(missing))} is missing"
        )
    known = {f"history.{name}" for name in BUYER.names} | {*_SCORES, *OWN}
    for name in policy.model.read:
        if name not in known:
            raise BadInput(
                f"a labelling document knows nothing of {name}: only of the buyer's history, scores and labels"
            )
    for finding in unfit(policy):
        raise BadInput(f"{finding.place}: {finding.message}")
    return policy


def is_labelling(policy: Policy) -> bool:
    """Whether a document gives labels, all that belongs to one."""
    return not policy.model.ruling and set(OUTPUTS["labelling"]) <= policy.model.outputs.keys()


def labelling(policy: Policy, cards: Scorecards, history: dict[str, Any], before: Before) -> Labelling:
    """Ask a document about a buyer: its history as of now (facts without prefix), scored by the market's `cards`, and what it was
    labelled before."""
    facts: dict[str, Any] = {"history": history, "buyer": {}, "abuse": {}}
    for card in (cards.by_role["integrity"], cards.by_role["abuse"]):
        known = completed(card, history)
        known["buyer"] = {**known.get("buyer", {}), **facts["buyer"]}
        for name, value in card.decide(known).items():
            group, _, field = name.partition(".")
            if name in _SCORES:
                facts[group][field] = value
    facts["labels"] = {"warned": before.warned, "watched": before.watched, "cases_since": before.cases_since}
    decided = policy.decide(facts)
    reason = policy.model.reasons.get(str(decided["cause"]))
    said = {"en": str(decided["cause"]), "zh": str(decided["cause"])}
    if reason is not None:
        said = {"en": _filled(reason.en, facts, "en"), "zh": _filled(reason.zh, facts, "zh")}
    read = {name: _value(facts, name) for name in policy.model.read}
    rule = f"{policy.name}@{policy.version}"
    return Labelling(str(decided["label"]), int(decided["days"] or 0), rule, Because(said["en"], said["zh"]), read)


def history_read(policy: Policy, cards: Scorecards) -> frozenset[str]:
    """The facts of a buyer's history that the document, its reasons or the scorecards need, without prefix."""
    texts = " ".join(f"{reason.en} {reason.zh}" for reason in policy.model.reasons.values())
    named = {*policy.model.read, *_PLACEHOLDER.findall(texts)}
    read = cards.history | {name.removeprefix("history.") for name in named}
    return frozenset(BUYER.always | (read & BUYER.names))


def _value(facts: dict[str, Any], name: str) -> Any:
    group, _, field = name.partition(".")
    return facts.get(group, {}).get(field)


def _filled(text: str, facts: dict[str, Any], lang: Lang) -> str:
    return _PLACEHOLDER.sub(lambda found: word(_value(facts, found[1].strip()), lang), text)
