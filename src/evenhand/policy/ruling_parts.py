"""What a ruling is made of, in terms of a document's outputs, with the defaults that every document shares.

outcome               review, when no row gives one: a person decides
payer                 the platform of a subsidy, the merchant of a refund by the merchant, else none
amount                what was asked, when the outcome gives money back; never more than was asked, never less than zero
return_required       whether the outcome is return_and_refund
respond_within_hours  null: no deadline
because               the reason code, or null
on_silence            what follows when nobody answers in time: accept, escalate or close. Only where a table gives it; else the
                      case's own defaults hold (`evenhand.cases.opening`)
"""

from collections.abc import Callable, Mapping
from typing import Final

from evenhand.policy.reasons import FUND_EMPTY
from evenhand.policy.tree import And, Const, Expr, Extreme, If, In, Output, Read, Step
from evenhand.policy.types import BOOLEAN, TEXT, Type, bounded, choice, of_fact
from evenhand.vocabulary import FACTS, ON_SILENCE, OUTCOMES, PAYERS

_ASKED: Final = of_fact(FACTS["application.amount"])
_MONEY: Final = bounded("number", 0, _ASKED.high, unit="money")
RULING_TYPES: Final[Mapping[str, Type]] = {
    "outcome": choice(OUTCOMES),
    "payer": choice(PAYERS),
    "amount": _MONEY,
    "return_required": BOOLEAN,
    "respond_within_hours": bounded("number", 1, 24 * 366),
    "because": TEXT,
    "on_silence": choice(ON_SILENCE),
}
# Outcomes that give the buyer money back.
GIVING: Final = ("subsidise", "refund_by_merchant", "return_and_refund")
_PAYERS: Final = {"subsidise": "platform", "refund_by_merchant": "merchant"}


def ruling_parts(
    outputs: Mapping[str, tuple[Step, Output]], fault: Callable[[int, str], None], when_empty: str | None = None
) -> dict[str, Expr]:
    """The parts of the ruling as expressions over the outputs; empty when no table gives an outcome.

    `when_empty` is the outcome in place of one that the platform would pay for, where its fund's budget does not cover it.
    """
    if "outcome" not in outputs:
        return {}
    for name in RULING_TYPES:
        if name in outputs and outputs[name][1].type.many:
            step = outputs[name][0]
            fault(step.line, f"{name} must be one value: give its table a hit policy of one result, such as F or U")
    outcome_type = RULING_TYPES["outcome"]
    given = Read(outcome_type, "outcome")
    outcome = If(outcome_type, _is_null(given), Const(outcome_type, "review"), given)
    payer_type = RULING_TYPES["payer"]
    payer: Expr = Const(payer_type, "none")
    for value, who in _PAYERS.items():
        payer = If(payer_type, In(BOOLEAN, outcome, (value,)), Const(payer_type, who), payer)
    zero = Const(_MONEY, 0)
    asked = Read(_ASKED, "application.amount")
    granted: Expr = If(_MONEY, In(BOOLEAN, outcome, GIVING), asked, zero)
    returned: Expr = In(BOOLEAN, outcome, ("return_and_refund",))
    hours_type = RULING_TYPES["respond_within_hours"]
    parts: dict[str, Expr] = {"outcome": outcome}
    parts["payer"] = _or_else(outputs, "payer", payer_type, payer)
    amount = _or_else(outputs, "amount", _MONEY, granted)
    limited = (
        amount if "amount" not in outputs else Extreme(_MONEY, "max", (zero, Extreme(_MONEY, "min", (amount, asked))))
    )
    # where nothing was asked nothing is granted
    parts["amount"] = If(_MONEY, _is_null(limited), zero, limited)
    parts["return_required"] = _or_else(outputs, "return_required", BOOLEAN, returned)
    parts["respond_within_hours"] = _or_else(outputs, "respond_within_hours", hours_type, Const(hours_type, None))
    because = outputs["because"][1].type if "because" in outputs else TEXT
    parts["because"] = _or_else(outputs, "because", because, Const(because, None))
    if "on_silence" in outputs:
        parts["on_silence"] = Read(RULING_TYPES["on_silence"], "on_silence")
    return _unless_empty(parts, when_empty) if when_empty else parts


def _unless_empty(parts: Mapping[str, Expr], outcome: str) -> dict[str, Expr]:
    """The parts of a ruling, with others in their place where the platform would pay and its fund cannot."""
    available = Read(of_fact(FACTS["fund.available"]), "fund.available")
    empty = And(BOOLEAN, (In(BOOLEAN, parts["payer"], ("platform",)), In(BOOLEAN, available, (False,))))
    instead = {"outcome": outcome, "payer": "none", "amount": 0, "return_required": False, "because": FUND_EMPTY}
    return {name: If(part.type, empty, Const(part.type, instead.get(name)), part) for name, part in parts.items()}


def _is_null(expr: Expr) -> Expr:
    return In(BOOLEAN, expr, (None,))


def _or_else(outputs: Mapping[str, tuple[Step, Output]], name: str, kind: Type, default: Expr) -> Expr:
    if name not in outputs:
        return default
    given = Read(kind, name)
    return given if isinstance(default, Const) and default.value is None else If(kind, _is_null(given), default, given)
