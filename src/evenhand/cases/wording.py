"""Every sentence and name that a statement of reasons is made of, as one value that can be kept.

A ruling's statement is made when it is first asked for, which may be months later and by newer software. So that it says what it
would have said at once, the wording in use is kept in the store whenever it is another than before, and a statement is made in
the wording, and under the market's settings, of the moment the ruling was issued.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

from evenhand.cases import sentences
from evenhand.cases.grounds import GROUNDS, Sentence
from evenhand.cases.words import CASE_WORDS
from evenhand.policy.names import SHIPPED
from evenhand.vocabulary import FACTS, VALUE_WORDS, Lang

_ONES: Final = {
    name: getattr(sentences, name.upper())
    for name in (
        "title", "scope", "withheld", "held_back", "agreed", "appeal_until", "appeal_later", "person", "courts",
        "paid_for_line", "in_thread", "appeal", "appealed", "inspection",
    )
}  # fmt: skip
_GROUPS: Final[Mapping[str, Mapping[str, Sentence]]] = {
    "head": {str(place): head for place, head in enumerate(sentences.HEADS)},
    "decided": sentences.DECIDED,
    "automation": sentences.AUTOMATION,
    "ground": GROUNDS,
    "fact": {name: Sentence(fact.en, fact.zh) for name, fact in FACTS.items()},
    "value": {name: Sentence(words["en"], words["zh"]) for name, words in VALUE_WORDS.items()},
    "case": {name: Sentence(*words) for name, words in CASE_WORDS.items()},
    "policy": {name: Sentence(name, zh) for name, zh in SHIPPED.items()},
}


class Wording(msgspec.Struct, frozen=True):
    """Sentences and names by key (`ground.goodwill`, `fact.order.amount`), in English and Chinese."""

    said: Mapping[str, Sentence]

    def __call__(self, key: str, lang: Lang) -> str:
        """A sentence there is."""
        return self.said[key].said(lang)

    def name(self, group: str, name: str, lang: Lang) -> str:
        """What something is called; what has no name stays as it is."""
        found = self.said.get(f"{group}.{name}")
        return name if found is None else found.said(lang)

    def value(self, value: object, lang: Lang) -> str:
        """A fact's value for a person."""
        key = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        return self.name("value", key, lang)


CURRENT: Final = Wording(
    _ONES | {f"{group}.{name}": one for group, words in _GROUPS.items() for name, one in words.items()}
)
BODY: Final = msgspec.json.encode(CURRENT, order="sorted").decode()
DIGEST: Final = sha256(BODY.encode()).digest()
_decoder: Final = msgspec.json.Decoder(Wording)


def kept(body: Any) -> Wording:
    """A wording as stored; none is the current one."""
    return CURRENT if body is None else _decoder.decode(body)
