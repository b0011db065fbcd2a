"""Scores of an account, by scorecards: policy documents whose tables turn `history.*` facts into points and bands.

What the tables say is what people are shown; nothing is scored anywhere else. The package's own stand beside this file and score
every market until it publishes others, each from a day on, as it publishes the policy that rules it (`evenhand.publishing`). A
document says by its outputs what it is for: its *role*.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, Literal

from evenhand.errors import BadInput
from evenhand.history import BUYER, MERCHANT, PAIR
from evenhand.history.facts import rate_facts
from evenhand.measures import RATES
from evenhand.policy import Policy
from evenhand.vocabulary import FACTS

Role = Literal["ruling", "integrity", "experience", "abuse", "labelling"]
Card = Literal["integrity", "experience", "abuse"]

# What a document of each role gives, all of it.
OUTPUTS: Final[dict[Role, tuple[str, ...]]] = {
    "ruling": ("outcome",),
    "integrity": ("buyer.integrity", "buyer.integrity_score"),
    "experience": ("merchant.experience_score", "merchant.high_quality"),
    "abuse": ("abuse.score", "abuse.frequent_refund_only", "abuse.frequent_counterfeit_claims"),
    "labelling": ("label", "days", "cause"),
}
CARDS: Final[tuple[Card, ...]] = ("integrity", "experience", "abuse")
# Returns found empty or incomplete, in 365 days, from which on a buyer is known for it.
EMPTY_RETURNS: Final = 2
_EMPTY: Final = "abuse.empty_parcel"
_UNCERTAIN: Final = "abuse.uncertain"
_RING: Final = frozenset(name for name in FACTS if name.startswith("history.ring_"))
_BUYER: Final = frozenset(f"history.{name}" for name in BUYER.names)
_MERCHANT: Final = frozenset(f"history.{name}" for name in MERCHANT.names)
# What is counted is never null, what is in proportion to it may be.
_COUNTS: Final = (_BUYER | _MERCHANT | _RING | {f"history.{name}" for name in PAIR.names}) - {
    f"history.{name}" for rate in RATES for name, _ in rate_facts(rate)
}
_CLAIM: Final = frozenset(name for name in FACTS if name.startswith(("application.", "order.")))
# What each may read. A score of abuse may not read labels: what follows from a score must not confirm it.
_MAY_READ: Final[dict[Card, frozenset[str]]] = {
    "integrity": _BUYER | _RING,
    "experience": _MERCHANT,
    "abuse": _BUYER | _MERCHANT | _RING | _CLAIM | {f"history.{name}" for name in PAIR.names}
    | {"abuse.reused_evidence", _EMPTY, *OUTPUTS["integrity"], *OUTPUTS["experience"]},
}  # fmt: skip


def role_of(policy: Policy) -> Role:
    """What a document is for, by what it gives; raises `BadInput` when that is nothing we know, or not all of it."""
    found = policy.model.outputs.keys()
    if policy.model.ruling:
        return "ruling"
    for role, needed in OUTPUTS.items():
        given = found & set(needed)
        if role == "labelling" and given != set(needed):
            continue
        if given and (missing := [name for name in needed if name not in found]):
            raise BadInput(
                f"{policy.name} is no whole scorecard of {role}: {', '.join(missing)} "
                f"{'is' if len(missing) == 1 else 'are'} missing among its outputs",
                field="policy",
            )
        if given:
            return role
    raise BadInput(
        f"{policy.name} decides no outcome, gives no score and no label: it is neither a policy nor a scorecard",
        field="policy",
    )


def checked_card(policy: Policy, role: Card) -> Policy:
    """See that a document can score accounts; raises `BadInput` naming the fact that it cannot be given."""
    for name in policy.model.read:
        if name not in _MAY_READ[role]:
            whose = "the buyer's own history" if role == "integrity" else "the store's own history"
            what = "history, the application, and what is shown with it" if role == "abuse" else whose
            raise BadInput(f"a scorecard of {role} knows only {what}, not {name}", field="policy")
    return policy


class Scorecards:
    """The three scorecards that score a market's accounts, compiled."""

    def __init__(self, integrity: Policy, experience: Policy, abuse: Policy) -> None:
        self.by_role: Mapping[Card, Policy] = {"integrity": integrity, "experience": experience, "abuse": abuse}
        read = {name for card in self.by_role.values() for name in card.model.read if name.startswith("history.")}
        # facts of the history that they read beyond those that stand in every ruling, without the prefix
        self.history = (
            frozenset(name.removeprefix("history.") for name in read - _RING) - BUYER.always - MERCHANT.always
        )
        self.integrity: Callable[[Any], tuple[Any, ...]] = integrity.picker(*OUTPUTS["integrity"], known=_COUNTS)
        self._experience = experience.picker(*OUTPUTS["experience"], known=_COUNTS)
        self._tells = _UNCERTAIN in abuse.model.outputs
        self._abuse = abuse.picker(*OUTPUTS["abuse"], *((_UNCERTAIN,) if self._tells else ()), known=_COUNTS)

    def score(self, facts: dict[str, dict[str, Any]]) -> None:
        """Fill in the scores that follow from `facts["history"]`: the buyer's, the merchant's, and the signs of abuse with what
        else `facts["abuse"]` says was shown."""
        buyer, merchant, abuse = facts["buyer"], facts["merchant"], facts["abuse"]
        buyer["integrity"], buyer["integrity_score"] = self.integrity(facts)
        merchant["experience_score"], merchant["high_quality"] = self._experience(facts)
        if self._tells:
            *said, abuse["uncertain"] = self._abuse(facts)
        else:
            said = self._abuse(facts)
        abuse["score"], abuse["frequent_refund_only"], abuse["frequent_counterfeit_claims"] = said


@lru_cache(maxsize=256)
def scorecards(integrity: Policy, experience: Policy, abuse: Policy) -> Scorecards:
    """Three documents, compiled once."""
    return Scorecards(integrity, experience, abuse)


def sent_back_empty(history: Mapping[str, Any]) -> bool:
    """`abuse.empty_parcel`: whether persons found often enough that what the buyer sent back was empty or incomplete.

    Once may be a thief on the way, or a mistake in packing: so it takes `EMPTY_RETURNS` cases in 365 days.
    """
    return history["buyer_empty_returns_365d"] >= EMPTY_RETURNS


def completed(card: Policy, history: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The facts a card reads, nested, where only a history is at hand: of a ring of its own it is none, of a claim nothing is
    known."""
    facts: dict[str, dict[str, Any]] = {"history": dict(history)}
    for name in card.model.read:
        group, _, field = name.partition(".")
        told = name == _EMPTY and "buyer_empty_returns_365d" in history
        unknown = sent_back_empty(history) if told else 0 if name in _RING else None
        facts.setdefault(group, {}).setdefault(field, unknown)
    return facts


def _shipped(name: str) -> Policy:
    document = files("evenhand.accounts") / "scorecards" / f"{name}.md"
    return Policy.parse(document.read_text("utf-8"), f"{name}.md")


INTEGRITY: Final = _shipped("integrity")
EXPERIENCE: Final = _shipped("experience")
ABUSE: Final = _shipped("abuse")
SCORECARDS: Final = (INTEGRITY, EXPERIENCE, ABUSE)
PACKAGE: Final = scorecards(INTEGRITY, EXPERIENCE, ABUSE)
