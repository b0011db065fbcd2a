"""Why a buyer complains, from what the buyer wrote in Portuguese.

`phrases.toml` is the whole knowledge: a table of phrases, each with the reason it gives and what it says in English. This module
only reads the table. A comment is brought into one form first (small letters, no accents, known misspellings put right), then
what is beside the point is taken out, and the first phrase of the table that occurs in what is left decides.
"""

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Any, Final

from evenhand.records import Reason

_SENTENCE_END: Final = re.compile(r"[.!?;:\n\r]+")
_WORD: Final = re.compile(r"[a-z0-9-]+|\|")
# Ends a sentence in a comment brought into one form: no phrase reaches across it.
_STOP: Final = "|"


class Phrases:
    """The table of phrases, ready to be searched. `table` has the shape of `phrases.toml`."""

    def __init__(self, table: dict[str, Any]) -> None:
        self._spellings: dict[str, str] = table["spellings"]
        self._beside = re.compile("|".join(map(_pattern, table["beside_the_point"])))
        groups = {
            name: (group["reason"], re.compile("|".join(map(_pattern, group["phrases"]))))
            for name, group in table["groups"].items()
        }
        self._order = {stage: [groups[name] for name in names] for stage, names in table["order"].items()}

    def reason(self, comment: str, *, arrived: bool) -> Reason | None:
        """The reason a comment gives, or None when no phrase of the table occurs in it.

        `arrived` says whether the goods had been delivered when it was written: the same words may then mean something else.
        """
        text = self._beside.sub(f" {_STOP} ", self._one_form(comment))
        return next(
            (reason for reason, phrases in self._order["arrived" if arrived else "under_way"] if phrases.search(text)),
            None,
        )

    def _one_form(self, comment: str) -> str:
        decomposed = unicodedata.normalize("NFKD", comment.casefold())
        plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
        words: list[str] = _WORD.findall(_SENTENCE_END.sub(f" {_STOP} ", plain))
        return " ".join(self._spellings.get(word, word) for word in words)


def _pattern(phrase: str) -> str:
    """A phrase as a regular expression over words that are separated by one space."""
    pattern = ""
    for word in phrase.split():
        if word == "...":
            pattern += r"(?:[a-z0-9-]+ ){0,4}"
        else:
            choices = (
                r"\d+" if choice == "#" else re.escape(choice).replace(r"\*", r"[a-z0-9-]*")
                for choice in word.split("|")
            )
            pattern += rf"(?:{'|'.join(choices)}) "
    return rf"(?<![a-z0-9-]){pattern.removesuffix(' ')}(?![a-z0-9-])"


@cache
def phrases() -> Phrases:
    """The table that comes with the package."""
    return Phrases(tomllib.loads((files("evenhand.importers.olist") / "phrases.toml").read_text("utf-8")))
