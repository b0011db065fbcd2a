"""Where a person's name stands in what others wrote. Pure.

A name that is as good as unique (`wang-xiaoming-8472`) is looked for in a whole market, however it is written; one that is a
single word of letters (`Rose`, `Will`) only as it is written, since in other case it is a word like any other. Short names and
Chinese personal names, which are two to four characters long and borne by many, are looked for only where this person is spoken
of: in the person's own cases. There every name is found however it is written: in full width, in other case, with a space
between its characters as forms print it (`张　伟`). Chinese, Japanese and Korean are written without spaces between words, so
such a name is found wherever its characters stand; any other only as a whole word.
"""

import re
import string
import unicodedata
from collections.abc import Iterable
from typing import Final

# Characters of the shortest name that is looked for where others are spoken of too.
SHORTEST_DISTINCT: Final = 4
_HAN: Final = r"々〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_SPACELESS: Final = rf"{_HAN}\u3040-\u30ff\uac00-\ud7a3"
_PERSONAL: Final = re.compile(rf"[{_HAN}]{{1,4}}")
_ONE_WORD: Final = re.compile(r"[^\W\d_]+")
# visible ASCII in full width, as it is typed among Chinese characters
_WIDE: Final = {one: one + 0xFEE0 for one in range(0x21, 0x7F)} | {0x20: 0x3000}
_SMALL: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_SPACELESS_ONE: Final = re.compile(rf"[{_SPACELESS}]")
# a character of a word in a script that puts spaces between words
_WORD: Final = rf"[^\W{_SPACELESS}]"


class Name:
    """A name that is looked for; `others` are names beside it, of which it may be a part."""

    def __init__(self, name: str, others: Iterable[str] = ()) -> None:
        self.text = name
        folded = fold(name)
        # a number stands in sentences about other things, and so does a single character
        common = len(folded) < 2 or (len(name) < SHORTEST_DISTINCT and folded.isdigit())
        self.distinct = len(name) >= SHORTEST_DISTINCT and not _PERSONAL.fullmatch(name)
        # found by other spellings too where others are spoken of
        self.folds = self.distinct and not _ONE_WORD.fullmatch(name)
        self._exact = re.compile(f"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])")
        longer = sorted({one for one in map(fold, others) if folded in one and one != folded}, key=len)[::-1]
        # what is tried first is passed over: `张伟明家居` does not name 张伟
        pattern = "|".join([*map(re.escape, longer), f"(?P<name>{_bounded(folded)})"])
        self._loose = None if common else re.compile(pattern)

    def replaced(self, text: str, by: str, *, mine: bool) -> str:
        """A text with something else in place of the name; `mine` where it speaks of the person's own cases."""
        if mine and text == self.text:
            return by
        if self.distinct:
            text = self._exact.sub(lambda _: by, text)
        return self._everywhere(text, by) if mine or self.folds else text

    def stands_in(self, text: str, *, mine: bool) -> bool:
        """Whether it is found, also as a part of a word where it is as good as unique."""
        return (self.distinct and self.text in text) or self.replaced(text, "\0", mine=mine) != text

    @property
    def spellings(self) -> list[str]:
        """The name as it may be written, with small letters for those of ASCII: what to look for in texts made small likewise. A
        text with another mixture of case and width, or other spaces, is not found by them."""
        if not self.folds:
            return [self.text.translate(_SMALL)]
        cases = {self.text, self.text.lower(), self.text.upper(), self.text.title()}
        forms = {unicodedata.normalize(form, one) for one in cases for form in ("NFC", "NFD", "NFKC")} | cases
        forms |= {one.translate(_WIDE) for one in forms}
        return sorted({one.translate(_SMALL) for one in forms})

    @property
    def pattern(self) -> str:
        """The name as a regular expression of PostgreSQL, which is to take upper and lower case for the same.

        It finds what is as good as unique, and what is written without spaces, in any place, and a common one as the whole text.
        """
        written = re.escape(self.text)
        if self.distinct:
            return written
        if self._loose is None:
            return f"^{written}$"
        first, last = (not _SPACELESS_ONE.match(self.text[place]) for place in (0, -1))
        return ("(^|[^[:alnum:]])" if first else "") + written + ("($|[^[:alnum:]])" if last else "")

    def _everywhere(self, text: str, by: str) -> str:
        if self._loose is None or not self._loose.search(fold(text)):
            return text
        # where each character of the folded text comes from
        folded, places = "", list[int]()
        for start, end in _clusters(text):
            part = fold(text[start:end])
            folded += part
            places += [start] * len(part)
        places.append(len(text))
        parts, after = list[str](), 0
        for found in self._loose.finditer(folded):
            if found["name"] is not None:
                parts += [text[after : places[found.start()]], by]
                after = places[found.end()]
        return "".join([*parts, text[after:]])


def fold(text: str) -> str:
    """The text with differences of case, width and composition taken out."""
    return unicodedata.normalize("NFKC", text).casefold()


def _bounded(name: str) -> str:
    """A pattern for a folded name: a whole word at those of its ends where words are set apart."""
    first, last = (not _SPACELESS_ONE.match(name[place]) for place in (0, -1))
    written = re.escape(name)
    if all(_SPACELESS_ONE.match(one) for one in name):
        written = " ?".join(name)
    return (f"(?<!{_WORD})" if first else "") + written + (f"(?!{_WORD})" if last else "")


def _clusters(text: str) -> Iterable[tuple[int, int]]:
    """Start and end of each character together with the marks that combine with it."""
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or not unicodedata.combining(text[place]):
            yield start, place
            start = place
