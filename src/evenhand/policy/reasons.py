"""Reasons: a code's sentences in English and Chinese, with {placeholders} filled by the values that decided."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from evenhand.money import written
from evenhand.policy.document import Grid
from evenhand.policy.errors import Fault
from evenhand.policy.tree import Reason
from evenhand.policy.types import Type
from evenhand.policy.values import outward
from evenhand.vocabulary import Lang, word

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
# No currency is known: ISO 4217's code for that.
_NO_CURRENCY: Final = "XXX"
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
    if value is None:
        return word(None, lang)
    if kind.kind == "number":
        if kind.unit == "money" and not kind.scale:
            return written(value, currency or _NO_CURRENCY)
        return f"{value:,.{kind.scale}f}" if kind.scale else f"{value:,}"
    if kind.kind == "text":
        return word(value, lang) if kind.values else str(value)
    if kind.kind == "boolean":
        return word(value, lang)
    return value.isoformat() if kind.kind in ("date", "datetime") else str(value)


def sentence(text: str, types: Mapping[str, Type], lang: Lang) -> Callable[[Callable[[str], Any], str | None], str]:
    """A function from (name -> value as held inside, currency) to the finished sentence."""
    parts = _PLACEHOLDER.split(text)
    names = [name.strip() for name in parts[1::2]]
    texts = parts[::2]
    if not names:
        whole = f"{text} {CONTEST[lang]}" if lang == "en" else f"{text}{CONTEST[lang]}"
        return lambda _values, _currency: whole
    kinds = [types[name] for name in names]
    texts[-1] += f" {CONTEST[lang]}" if lang == "en" else CONTEST[lang]

    def fill(values: Callable[[str], Any], currency: str | None) -> str:
        pieces = [texts[0]]
        for name, kind, after in zip(names, kinds, texts[1:], strict=True):
            pieces.append(said(kind, outward(kind, values(name)), currency, lang))
            pieces.append(after)
        return "".join(pieces)

    return fill
