"""Whether a ruling that somebody else made keeps what the document promises of everybody's.

`never` is said of everything that is done under a policy, whoever does it. `when ... then` may tell what the document's own
tables do (`when abuse.empty_parcel = true then outcome = "decline"`), which people are asked to look at again, or what nobody may
do (`when merchant.high_quality = true then payer = "none"`). It holds people when

- it names a term of a ruling: `payer`, `amount`, `return_required`, or `outcome`,
- `outcome` stands in its condition only: after `then` it tells how the tables rule,
- it does not say, of what the document lets the parties negotiate or a person look at, who pays what: that nobody does is then
  only that it is not settled yet,
- it does not rest on how the buyer is seen (`buyer.*`, `abuse.*`, `history.buyer_*` and the like, also through tables): that is
  what appeals are about.

Goods that go back are paid for by whoever gets them, so a return charges nobody by itself: the documents' own name no payer.
Promises of the second kind see a person's return likewise.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from evenhand.policy.errors import PolicyError
from evenhand.policy.policy import Policy
from evenhand.policy.proof.judge import Judge, read_by
from evenhand.policy.proof.promises import Promise, read_promises
from evenhand.policy.proof.words import flat
from evenhand.policy.ruling_parts import RULING_TYPES
from evenhand.policy.tree import Const, Expr, Model, Read, names_read
from evenhand.policy.types import Type, Value
from evenhand.policy.values import nested

_TERMS: Final = frozenset({"outcome", "payer", "amount", "return_required"})
# Rulings by which a document hands on to a person what the parties do not settle.
_LEFT_OPEN: Final = frozenset({"negotiate", "review"})
_OPEN: Final = frozenset({"payer", "amount"})
# Beginnings of the names of facts that say how the buyer is seen.
_SEEN: Final = ("buyer.", "abuse.", "history.buyer_", "history.pair_", "history.ring_")


def broken_promise(policy: Policy, facts: Mapping[str, Any], given: Mapping[str, Any]) -> str | None:
    """The first promise that a ruling on these nested facts breaks, as the document writes it; None when it keeps all.

    `given` are parts of the ruling by name (`outcome`, `payer`, `amount`, `return_required`); those left out are null. Promises
    that cannot be read, which `check` tells, hold nobody.
    """
    model = policy.model
    try:
        promises = read_promises(policy.document, _ruled(model, lambda name, kind: Read(kind, name)))
    except PolicyError:
        return None
    known = flat(model.facts, nested(facts, model.facts, ()))
    broken = settled = _broken(policy, given, known)
    if given.get("outcome") == "return_and_refund":
        settled = _broken(policy, {**given, "payer": "none"}, known)
    left_open = policy.rule(facts).outcome in _LEFT_OPEN
    for place, promise in enumerate(promises):
        if (
            holds_people(promise, model, left_open=left_open)
            and (broken if promise.kind == "never" else settled)[place]
        ):
            return promise.text
    return None


def holds_people(promise: Promise, model: Model, *, left_open: bool) -> bool:
    """Whether a promise holds people, panels and silence too. Parts of the ruling must be read in it by their names.

    `left_open` says that the document's own ruling leaves the matter to the parties first, or to a person.
    """
    if promise.when is None or promise.then is None:
        return promise.kind == "never"
    before, after = set(names_read(promise.when)), set(names_read(promise.then))
    named = before | after
    terms = named & RULING_TYPES.keys()
    if not terms or not terms <= _TERMS or "outcome" in after or (left_open and terms <= _OPEN - before):
        return False
    through = read_by(model)
    rests_on = {
        fact
        for name in named - terms
        for fact in (through[model.outputs[name][0].name] if name in model.outputs else (name,))
    }
    return not any(fact.startswith(_SEEN) for fact in rests_on)


def _broken(policy: Policy, given: Mapping[str, Any], facts: Mapping[str, Value]) -> list[bool]:
    """Whether a ruling breaks each promise of `never` or `when`, by its place."""
    model = policy.model
    promises = read_promises(policy.document, _ruled(model, lambda name, kind: Const(kind, given.get(name))))
    sides = {
        f"{place} {side}": expr
        for place, one in enumerate(promises)
        for side, expr in (("when", one.when), ("then", one.then))
        if expr is not None
    }
    answers = Judge(model, sides).answer(facts)
    return [
        answers.get(f"{place} when") is True and answers.get(f"{place} then") is not True
        for place in range(len(promises))
    ]


def _ruled(model: Model, part: Callable[[str, Type], Expr]) -> Model:
    """A document with parts of the ruling that are something else than its tables give."""
    return replace(model, ruling={name: part(name, expr.type) for name, expr in model.ruling.items()})
