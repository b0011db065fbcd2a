"""Why `abuse.score` of a ruling is what it is: the facts that gave points, the greatest part first.

A card's points are its reasons, whether it was learned or written: both are asked again about the facts stored with the ruling.
"""

from collections.abc import Mapping
from typing import Any, Final

from evenhand.accounts.abuse.card import Card, Reason, complete, reasons
from evenhand.accounts.points import Part, explained, label
from evenhand.accounts.saying import figure
from evenhand.money import written
from evenhand.policy import Policy
from evenhand.policy.types import of_fact
from evenhand.policy.values import nested
from evenhand.policy.wording import Wording
from evenhand.vocabulary import FACTS

_TYPES: Final = {name: of_fact(fact) for name, fact in FACTS.items()}
MOST: Final = 4


def abuse_reasons(
    stored: Mapping[str, Any], documented: Policy, learned: Card | None, most: int = MOST, currency: str | None = None
) -> list[Reason]:
    """What contributed to the score: all that raised it before what lowered it.

    `stored` are a ruling's facts as decoded from JSON, amounts in minor units of `currency`; `learned` is the card that scored
    it, where one did, else `documented`.
    """
    if learned is not None:
        return reasons(learned, complete(nested(stored, _TYPES, ()), learned), most, currency)
    parts = explained(documented, nested(stored, _TYPES, tuple(documented.model.read))).parts
    types = {**documented.model.facts, **{name: one.type for name, (_, one) in documented.model.outputs.items()}}
    words = Wording(types, currency or documented.currency, documented.document.names)
    found = [_reason(part, words) for part in parts if part.input and part.points]
    return sorted(found, key=lambda one: (one.points < 0, -abs(one.points)))[:most]


def _reason(part: Part, words: Wording) -> Reason:
    points, code = int(part.points), f"{part.input} {part.condition}"
    if isinstance(part.value, bool):
        return Reason(
            f"{part.input} = {part.condition}", points, f"{part.label.en} ({points:+d} points)",
            f"{part.label.zh}（{points:+d}分）",
        )  # fmt: skip
    names = part.input.split(" and ")
    called = [label(name, words.names) for name in names]
    values = part.value if isinstance(part.value, list) else [part.value]
    bands = [
        [words.test(test, name) for test, name in zip(band.split(" and "), names, strict=True)]
        for band in part.condition.split(" or ")
    ]
    asked = list(zip(called, names, values, strict=True))
    en = ", ".join(f"{one.en}: {_said(name, value, 'en', words.currency)}" for one, name, value in asked)
    zh = "，".join(f"{one.zh}：{_said(name, value, 'zh', words.currency)}" for one, name, value in asked)
    band_en = " or ".join(" and ".join(test.en for test in band) for band in bands)
    band_zh = "或".join("且".join(test.zh for test in band) for band in bands)
    return Reason(code, points, f"{en} ({band_en}: {points:+d} points)", f"{zh}（{band_zh}，{points:+d}分）")


def _said(name: str, value: Any, lang: Any, currency: str | None) -> str:
    if currency and isinstance(value, int) and name in FACTS and FACTS[name].unit == "money":
        return written(value, currency)
    return figure(value, lang)
