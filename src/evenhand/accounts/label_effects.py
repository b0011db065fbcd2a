"""What a label does, as the person it is on is told: what the rules that count while it lasts make of it, and nothing else.

A policy need not read `buyer.label` at all, one that does need not mind every label, and what it then does is its own to say. So
the sentence follows from the document: whether any test tells the label from none, and, proven as promises are, whether it stops
refunds without a return and leaves returns open. Where the rules change while the label lasts, both are told.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from evenhand.policy import Because, Policy
from evenhand.policy.proof.limits import Deadline
from evenhand.policy.proof.promises import promise_about
from evenhand.policy.proof.proving import Provers
from evenhand.policy.tree import Expr, Formula, In, Read, Step, children

_LABEL: Final = "buyer.label"
_SECONDS: Final = 5.0
_STOPS: Final = (
    'when `buyer.label = "{label}" and application.remedy = "refund_only"` '
    'then `not(outcome in ("subsidise", "refund_by_merchant"))`'
)
_RETURNS_STAY: Final = (
    'when `buyer.label = "{label}" and application.remedy = "return_and_refund"` then `outcome != "decline"`'
)
_WARNING: Final = Because(
    "This is a warning. It changes nothing about how your applications are decided.",
    "此为警示，不影响您的申请处理。",
)
_MERCHANT: Final = Because(
    "It is a note for the people of the marketplace. No rule reads it: applications against your store are decided as before.",
    "此为供平台人员参考的记载，任何规则均不采用，不影响针对您店铺的申请的处理。",
)
_RETURNS: Final = Because("You can still return goods and be refunded.", "您仍可退货退款。")


class Effect(NamedTuple):
    """What a policy makes of a label."""

    # some test tells it from no label
    counts: bool
    # nothing is refunded without a return
    stops_refund_only: bool
    # who asks for a return and refund is never refused
    returns_stay: bool


class Stretch(NamedTuple):
    """A policy version that rules while a label lasts."""

    # its first day, where that is after the label's own
    since: date | None
    # `pinduoduo 2025-01`
    rules: str
    effect: Effect


@lru_cache(maxsize=256)
def effect_of(source: str, label: str) -> Effect:
    """What the policy of that text makes of a label; up to some seconds the first time."""
    policy = Policy.parse(source)
    if not any(_tells_apart(expr, label) for step in policy.model.steps for expr in _decisive(step)):
        return Effect(False, False, True)
    return Effect(True, _holds(policy, _STOPS, label), _holds(policy, _RETURNS_STAY, label))


def told(kind: str, label: str, stretches: Sequence[Stretch]) -> Because:
    """What the label does, in sentences; `stretches` are the rules while it lasts, in their order."""
    if kind == "merchant":
        return _MERCHANT
    if label == "warning":
        return _WARNING
    said = [_sentence(label, one) for one in _merged(stretches)]
    if not said:
        return Because("No rules are in force that read it.", "目前没有采用该标签的规则。")
    return Because(" ".join(one.en for one in said), "".join(one.zh for one in said))


def _merged(stretches: Sequence[Stretch]) -> Iterator[Stretch]:
    """Without those that make the same of the label as the ones before."""
    before: Effect | None = None
    for one in stretches:
        if one.effect != before:
            yield one
        before = one.effect


def _sentence(label: str, one: Stretch) -> Because:
    rules = one.rules
    en, zh = f"Under the rules in force ({rules})", f"按现行规则（{rules}）"
    if one.since is not None:
        en = f"From {one.since} on, under the rules of then ({rules}),"
        zh = f"自{one.since.year}年{one.since.month}月{one.since.day}日起，按届时的规则（{rules}）"
    if not one.effect.counts:
        return Because(
            f"{en} this label changes nothing about how your applications are decided.",
            f"{zh}，该标签不影响您的申请处理。",
        )
    if one.effect.stops_refund_only:
        does = Because(
            f"{en} your account gets no refund without a return while the label lasts.",
            f"{zh}，标签有效期内，您的账号不享有仅退款售后支持。",
        )
    elif label == "watched":
        does = Because(
            f"Your account is watched. {en} this is taken into account.", f"您的账号处于关注状态。{zh}，将考量此标签。"
        )
    else:
        does = Because(f"{en} this label is taken into account.", f"{zh}，将考量此标签。")
    return Because(f"{does.en} {_RETURNS.en}", f"{does.zh}{_RETURNS.zh}") if one.effect.returns_stay else does


def _decisive(step: Step) -> Iterator[Expr]:
    """Expressions of a table or formula on whose value something depends: what heads a column does so by its tests only."""
    if isinstance(step, Formula):
        yield step.value
        return
    for rule in step.rules:
        yield from (test for test in rule.tests if test is not None)
        yield from rule.outputs


def _tells_apart(expr: Expr, label: str) -> bool:
    if isinstance(expr, In) and isinstance(expr.operand, Read) and expr.operand.name == _LABEL:
        return (label in expr.values) != ("none" in expr.values)
    if isinstance(expr, Read):
        return expr.name == _LABEL
    return any(_tells_apart(child, label) for child in children(expr))


def _holds(policy: Policy, promise: str, label: str) -> bool:
    asked = promise_about(policy.model, promise.format(label=label))
    return Provers(policy.model, (asked,), Deadline(_SECONDS)).verdict(0).status == "proven"
