"""Reasons: a code's sentences in English and Chinese, with {placeholders} filled by the values that decided."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from evenhand.money import written
from evenhand.policy.document import Grid
from evenhand.policy.errors import Fault
from evenhand.policy.ruling import Because
from evenhand.policy.tree import Reason
from evenhand.policy.types import Type
from evenhand.policy.values import outward
from evenhand.vocabulary import Lang, word

# A value and a currency to words; facts, an answer and a currency to a sentence.
Speaker = Callable[[Any, str | None], str]
Sentence = Callable[[Mapping[str, Any], tuple[Any, ...], str | None], str]
# The same to both sentences.
Teller = Callable[[Mapping[str, Any], tuple[Any, ...], str | None], Because]

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
# No currency is known: ISO 4217's code for that.
_NO_CURRENCY: Final = "XXX"
# So many texts of a reason are kept, of which every value is of a kind that is written the same where it is equal.
_MOST_TOLD: Final = 4096
_KEPT: Final = ("text", "boolean", "number")
# How to contest, told with every ruling.
CONTEST: Final[Mapping[Lang, str]] = {
    "en": "Whoever disagrees may contest this ruling and have a person decide.",
    "zh": "如有异议，可提出申诉，由人工复核。",
}
# Where no row of the deciding table matched.
NO_ROW: Final[Mapping[Lang, str]] = {
    "en": "No rule of this policy covers the application, so a person decides.",
    "zh": "本规则未覆盖该申请，由人工审核。",
}
# Where the platform would pay, and the fund's budget does not cover it: by what becomes of the application then.
FUND_EMPTY: Final = "fund.empty"
EMPTY_REASONS: Final[Mapping[str, Mapping[Lang, str]]] = {
    "review": {
        "en": "Under this policy the platform would pay {application.amount}, but the budget of its fund for this period does "
        "not cover it: a person decides on this application.",
        "zh": "依本规则应由平台支付{application.amount}，但平台基金本期预算不足：该申请由人工审核。",
    },
    "merchant_decides": {
        "en": "Under this policy the platform would pay {application.amount}, but the budget of its fund for this period does "
        "not cover it: the merchant decides on this application.",
        "zh": "依本规则应由平台支付{application.amount}，但平台基金本期预算不足：该申请由商家自主处理。",
    },
}
# Where the deciding row gives no reason of its own.
NO_REASON_GIVEN: Final[Mapping[Lang, str]] = {
    "en": "Under this policy the application is ruled: {outcome}.",
    "zh": "依本规则，该申请的裁决为：{outcome}。",
}


def placeholders(text: str) -> Iterator[str]:
    """Names in braces, in order."""
    return (found[1].strip() for found in _PLACEHOLDER.finditer(text))


def read_reasons(grid: Grid | None, faults: list[Fault]) -> dict[str, Reason]:
    """The reasons of a document by code; a missing translation is a fault."""
    if grid is None:
        return {}
    columns = [cell.text for cell in grid.header]
    if columns != ["code", "en", "zh"]:
        faults.append(Fault(grid.line, 1, f"the columns of Reasons are code, en, zh; found {', '.join(columns)[:80]}"))
        return {}
    reasons: dict[str, Reason] = {}
    for row in grid.rows:
        if len(row) != 3:
            continue
        code, en, zh = row
        if code.text in reasons:
            faults.append(Fault(code.line, code.column, f"the reason {code.text} is given twice"))
        for cell, language in ((en, "English"), (zh, "Chinese")):
            if not cell.text:
                faults.append(Fault(cell.line, cell.column, f"the reason {code.text} lacks its {language} sentence"))
            elif _PLACEHOLDER.sub("", cell.text).count("{") or _PLACEHOLDER.sub("", cell.text).count("}"):
                faults.append(
                    Fault(cell.line, cell.column, "a placeholder is written {fact}, and braces stand for nothing else")
                )
        reasons[code.text] = Reason(code.text, en.text, zh.text, code.line)
    return reasons


def said(kind: Type, value: Any, currency: str | None, lang: Lang) -> str:
    """A value (as outside) in words of a language: money with its currency, choices by name, numbers with all their decimals."""
    return speaker(kind, lang)(value, currency)


def speaker(kind: Type, lang: Lang) -> Speaker:
    """A function from (value as outside, currency) to its words in a language."""
    unknown = word(None, lang)
    if kind.kind == "boolean" or kind.values:
        words = {value: word(value, lang) for value in kind.values or (False, True)} | {None: unknown}
        return lambda value, _: words[value]
    if kind.kind == "number" and kind.unit == "money" and not kind.scale:
        return lambda value, currency: unknown if value is None else written(value, currency or _NO_CURRENCY)
    if kind.kind == "number":
        form = f",.{kind.scale}f" if kind.scale else ","
        return lambda value, _: unknown if value is None else format(value, form)
    if kind.kind in ("date", "datetime"):
        return lambda value, _: unknown if value is None else value.isoformat()
    return lambda value, _: unknown if value is None else str(value)


def sentence(text: str, types: Mapping[str, Type], lang: Lang, places: Mapping[str, int]) -> Sentence:
    """A reason's text as a function that fills it in; how to contest the ruling is added.

    It takes the facts and the answer of the row function, and the currency. `places` says where an output or a part of the ruling
    stands in the answer; every other name is a fact.
    """
    parts = _PLACEHOLDER.split(text)
    names = [name.strip() for name in parts[1::2]]
    texts = parts[::2]
    texts[-1] += f" {CONTEST[lang]}" if lang == "en" else CONTEST[lang]
    # written as Python source, since two are filled in with every ruling: the values, each by its writer, between the texts
    space: dict[str, Any] = {f"write{at}": _writer(types[name], lang, name in places) for at, name in enumerate(names)}
    pieces = [repr(texts[0])]
    for at, (name, after) in enumerate(zip(names, texts[1:], strict=True)):
        pieces += [f"write{at}({_place(name, places)}, currency)", repr(after)]
    source = f"def fill(facts, answer, currency):\n    return ''.join(({', '.join(pieces)},))\n"
    # nothing of the document but literals written by repr()
    exec(compile(source, "<reason>", "exec"), space)  # noqa: S102
    return space["fill"]


def teller(en: str, zh: str, types: Mapping[str, Type], places: Mapping[str, int]) -> Teller:
    """Both sentences of a reason; the arguments are those of `sentence`.

    Most rulings are told what another was told before, so a text is kept with the values in it.
    """
    in_en, in_zh = sentence(en, types, "en", places), sentence(zh, types, "zh", places)
    names = list(dict.fromkeys([*placeholders(en), *placeholders(zh)]))
    kinds = [types[name] for name in names]
    told: dict[Any, Because] = {}
    most = _MOST_TOLD if all(kind.kind in _KEPT and not kind.many for kind in kinds) else 0

    def fill(values: Any, facts: Mapping[str, Any], answer: tuple[Any, ...], currency: str | None) -> Because:
        because = Because(in_en(facts, answer, currency), in_zh(facts, answer, currency))
        if len(told) < most:
            told[values] = because
        return because

    values = "".join(f"{_place(name, places)}, " for name in names)
    looked_up = (
        f"values = ({values}currency)\n    return told.get(values) or " if most else "values = None\n    return "
    )
    source = f"def tell(facts, answer, currency):\n    {looked_up}fill(values, facts, answer, currency)\n"
    space: dict[str, Any] = {"told": told, "fill": fill}
    # nothing of the document but names written by repr()
    exec(compile(source, "<reason>", "exec"), space)  # noqa: S102
    return space["tell"]


def _place(name: str, places: Mapping[str, int]) -> str:
    """Where the value of a fact or an output stands, as Python source."""
    return f"answer[{places[name]}]" if name in places else "facts" + "".join(f"[{part!r}]" for part in name.split("."))


def _writer(kind: Type, lang: Lang, inside: bool) -> Speaker:
    """How a value is written that is held inside, or as the row function reads facts (see `values.trusted`)."""
    speak = speaker(kind, lang)
    same = kind.kind in ("text", "boolean") or (kind.kind == "number" and not kind.scale)
    if same or not (inside or kind.kind in ("duration", "months")):
        return speak
    return lambda value, currency: speak(outward(kind, value), currency)
