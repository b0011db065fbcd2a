"""Facts, figures and conditions of scorecards in words: the same on the command line, on pages and in reasons."""

import re
from decimal import Decimal
from typing import Any, Final

from evenhand.money import written
from evenhand.vocabulary import FACTS, Lang, word

_QUOTED: Final = re.compile(r'"([^"]*)"')
_WORD: Final = re.compile(r"\b(?:and|or|not|true|false|null)\b")
_ZH: Final = {"and": "且", "or": "或", "not": "非", "true": "是", "false": "否", "null": "未知"}
_EN: Final = {"true": "yes", "false": "no", "null": "unknown"}


def fact_value(name: str, value: Any, currency: str, lang: Lang) -> str:
    """A fact's value as people write it: amounts in their currency, numbers with all their places."""
    fact = FACTS.get(name)
    if fact is not None and fact.unit == "money" and isinstance(value, int) and not isinstance(value, bool):
        return written(value, currency)
    if fact is not None and fact.kind == "number" and isinstance(value, int | float | Decimal):
        return f"{value:.{fact.scale}f}"
    if value is None or isinstance(value, bool) or fact is None or fact.kind == "choice":
        return word(value, lang)
    return str(value) or "–"


def figure(value: Any, lang: Lang) -> str:
    """What an input or a formula of a scorecard came to; of several inputs that are asked together, each."""
    if isinstance(value, list):
        return ("、" if lang == "zh" else ", ").join(figure(one, lang) for one in value)  # pyright: ignore[reportUnknownVariableType]
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, Decimal | float) else word(value, lang)


def condition(text: str, lang: Lang) -> str:
    """Conditions of a points table, as they are written but for the words in them."""
    words = _ZH if lang == "zh" else _EN
    pieces = _QUOTED.split(text)
    said = [
        word(piece, lang) if place % 2 else _WORD.sub(lambda found: words.get(found[0], found[0]), piece)
        for place, piece in enumerate(pieces)
    ]
    return "".join(said)
