"""Plain applications, and how any application is brought as near to one as what it shows allows."""

from collections.abc import Callable, Mapping
from typing import Final

from evenhand.policy.types import Type, Value

Facts = dict[str, Value]
# An ordinary application: a buyer in good standing, received goods, a quality complaint about 80.00 within days.
_PLAIN: Final[Mapping[str, Value]] = {
    "application.remedy": "refund_only",
    "application.stage": "received",
    "application.reason": "quality",
    "application.amount": 8000,
    "application.days_since_receipt": 3,
    "application.evidence_count": 1,
    "order.amount": 8000,
    "order.category": "toys",
    "buyer.integrity": "good",
    "buyer.integrity_score": 650,
    "buyer.label": "none",
    "merchant.experience_score": 460,
    "merchant.high_quality": False,
    "merchant.rule": "none",
    "abuse.score": 0,
}
_DAY: Final = 20171  # 2025-03-24


def plain(name: str, kind: Type) -> Value:
    """The plainest value of a fact."""
    if name in _PLAIN:
        return _PLAIN[name]
    match kind.kind:
        case "boolean":
            return False
        case "text":
            return kind.values[0] if kind.values else "some text"
        case "date":
            return _DAY
        case "datetime":
            return _DAY * 86400
        case _:
            return min(max(0, kind.low), kind.high)


def simplest(
    facts: Mapping[str, Value], kinds: Mapping[str, Type], shows: Callable[[Facts], bool], kept: tuple[str, ...] = ()
) -> Facts:
    """The plainest facts that still show what these show: few that deviate, none that need not be known, figures at their edges.

    `shows` tells whether facts show it, and must hold for `facts`. Facts in `kept` are never left out.
    """
    found: Facts = dict(facts)
    for _ in range(3):
        before = dict(found)
        for name in found:
            _bring_near(found, name, kinds[name], shows)
        if found == before:
            break
    # what need not be known is left out: those first that say the least by their value
    for name in sorted(found, key=lambda one: found[one] != plain(one, kinds[one])):
        if name not in kept and found[name] is not None:
            tried = found | {name: None}
            if shows(tried):
                found = tried
    return found


def _bring_near(found: Facts, name: str, kind: Type, shows: Callable[[Facts], bool]) -> None:
    wanted = plain(name, kind)
    if found[name] == wanted:
        return
    if shows(found | {name: wanted}):
        found[name] = wanted
        return
    now = found[name]
    if kind.values:
        for value in kind.values:
            if value == now:
                break
            if shows(found | {name: value}):
                found[name] = value
                return
    elif kind.counted and isinstance(now, int) and isinstance(wanted, int):
        # the value nearest to the plain one that still shows it, as far as halving finds it
        near, far = wanted, now
        while abs(far - near) > 1:
            middle = (near + far) // 2
            if shows(found | {name: middle}):
                far = middle
            else:
                near = middle
        found[name] = far
