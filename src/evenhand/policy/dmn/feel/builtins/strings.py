"""Functions on strings. Patterns are XPath's, run by the `regex` library: it knows Unicode classes, and stops when told."""

from decimal import ROUND_DOWN, Decimal
from functools import lru_cache
from typing import Any, Final

import regex

from evenhand.policy.dmn.feel.builtins.registry import Library
from evenhand.policy.dmn.feel.errors import LimitReached
from evenhand.policy.dmn.feel.run import MAX_TEXT, Run
from evenhand.policy.dmn.feel.values import Value, whole

LIBRARY: Final = Library()
_FLAGS: Final = {"s": regex.DOTALL, "m": regex.MULTILINE, "i": regex.IGNORECASE, "x": regex.VERBOSE}
# A pattern that needs longer backtracks without end.
_SECONDS: Final = 2
_MAX_PATTERN: Final = 2_000
# XML's name characters, which XPath writes \i (first) and \c (any)
_XML_CLASSES: Final = {
    "i": r"[\p{L}_:]",
    "c": r"[\p{L}\p{N}\p{M}._:\-\u00b7]",
    "I": r"[^\p{L}_:]",
    "C": r"[^\p{L}\p{N}\p{M}._:\-\u00b7]",
}


@LIBRARY.function("substring", "string: string, start position: number, length?: number")
def _substring(_: Run, text: str, start: Value, length: Value = None) -> Value:
    # fractions are cut off
    first = whole(start.to_integral_value(ROUND_DOWN))
    count = whole(length.to_integral_value(ROUND_DOWN)) if length is not None else len(text)
    if not first or abs(first) > len(text) or count is None or (length is not None and count < 1):
        return None
    begin = first - 1 if first > 0 else len(text) + first
    return text[begin : begin + count]


@LIBRARY.function("string length", "string: string")
def _string_length(_: Run, text: str) -> Value:
    return Decimal(len(text))


@LIBRARY.function("upper case", "string: string")
def _upper_case(_: Run, text: str) -> Value:
    return text.upper()


@LIBRARY.function("lower case", "string: string")
def _lower_case(_: Run, text: str) -> Value:
    return text.lower()


@LIBRARY.function("substring before", "string: string, match: string")
def _substring_before(_: Run, text: str, match: str) -> Value:
    return text.partition(match)[0] if match and match in text else ""


@LIBRARY.function("substring after", "string: string, match: string")
def _substring_after(_: Run, text: str, match: str) -> Value:
    return text.partition(match)[2] if match else text


@LIBRARY.function("contains", "string: string, match: string")
def _contains(_: Run, text: str, match: str) -> Value:
    return match in text


@LIBRARY.function("starts with", "string: string, match: string")
def _starts_with(_: Run, text: str, match: str) -> Value:
    return text.startswith(match)


@LIBRARY.function("ends with", "string: string, match: string")
def _ends_with(_: Run, text: str, match: str) -> Value:
    return text.endswith(match)


@LIBRARY.function("matches", "input: string, pattern: string, flags?: string")
def _matches(_: Run, text: str, pattern: str, flags: str | None = None) -> Value:
    compiled = _compiled(pattern, flags or "")
    if compiled is None:
        return None
    return _bounded(lambda: compiled.search(text, timeout=_SECONDS) is not None)


@LIBRARY.function("replace", "input: string, pattern: string, replacement: string, flags?: string")
def _replace(_: Run, text: str, pattern: str, replacement: str, flags: str | None = None) -> Value:
    compiled = _compiled(pattern, flags or "")
    if compiled is None:
        return None
    if "q" in (flags or ""):
        pieces: list[str | int] = [replacement]
    else:
        found = _pieces(replacement, compiled.groups)
        if found is None:
            return None
        pieces = found

    def insert(match: Any) -> str:
        return "".join(piece if isinstance(piece, str) else (match[piece] or "") for piece in pieces)

    if len(replacement) * (len(text) + 1) > 50 * MAX_TEXT:
        raise LimitReached("replace() makes too long a string")
    result = _bounded(lambda: compiled.sub(insert, text, timeout=_SECONDS))
    return result if len(result) <= MAX_TEXT else None


@LIBRARY.function("split", "string: string, delimiter: string")
def _split(_: Run, text: str, delimiter: str) -> Value:
    compiled = _compiled(delimiter, "")
    if compiled is None:
        return None

    def pieces() -> list[str]:
        found: list[str] = []
        place = 0
        for match in compiled.finditer(text, timeout=_SECONDS):
            if match.end() > match.start():
                found.append(text[place : match.start()])
                place = match.end()
        return [*found, text[place:]]

    return _bounded(pieces)


@LIBRARY.function("string join", "list: list, delimiter?: string, prefix?: string, suffix?: string")
def _string_join(
    _: Run, parts: list[Value], delimiter: str | None = None, prefix: str | None = None, suffix: str | None = None
) -> Value:
    texts = [part for part in parts if part is not None]
    if not all(isinstance(text, str) for text in texts):
        return None
    if sum(map(len, texts)) + len(delimiter or "") * len(texts) > MAX_TEXT:
        raise LimitReached("string join() makes too long a string")
    return (prefix or "") + (delimiter or "").join(texts) + (suffix or "")


def _bounded(work: Any) -> Any:
    try:
        return work()
    except TimeoutError as error:
        raise LimitReached("a pattern takes too long on this string; does it repeat what repeats?") from error


@lru_cache(maxsize=512)
def _compiled(pattern: str, flags: str) -> Any:
    """A pattern of XPath as one of `regex`; None when it is no pattern, or a flag is none."""
    if not set(flags) <= set("smixq") or len(pattern) > _MAX_PATTERN:
        return None
    if "q" in flags:
        return regex.compile(regex.escape(pattern), regex.IGNORECASE if "i" in flags else 0)
    translated = _translated(pattern, multiline="m" in flags)
    if translated is None:
        return None
    options = regex.VERSION1 if "--[" in translated else regex.VERSION0
    for flag in flags:
        options |= _FLAGS[flag]
    try:
        return regex.compile(translated, options)
    except (regex.error, OverflowError, RecursionError):
        return None


def _translated(pattern: str, *, multiline: bool) -> str | None:
    """XPath's dialect in Python's: only plain groups, `$` at the very end, `[a-z-[aeiou]]`, `\\i` and `\\c`."""
    result: list[str] = []
    depth = 0
    place = 0
    while place < len(pattern):
        character = pattern[place]
        following = pattern[place + 1 : place + 2]
        step = 1
        if character == "\\":
            result.append(_XML_CLASSES.get(following, character + following))
            step = 2
        elif character == "[":
            depth += 1
            result.append("[")
            if following == "^":
                result.append("^")
                step = 2
        elif character == "]" and depth:
            depth -= 1
            result.append("]")
        elif depth and character == "-" and following == "[":
            result.append("--")
        elif not depth and character == "(" and following == "?" and pattern[place + 2 : place + 3] != ":":
            return None  # look-around and named groups are not XPath's
        elif not depth and character == "$" and not multiline:
            result.append(r"\Z")
        else:
            result.append(character)
        place += step
    return "".join(result)


def _pieces(replacement: str, groups: int) -> list[str | int] | None:
    """A replacement as its text and the numbers of groups to insert; None when it is malformed."""
    pieces: list[str | int] = []
    place = 0
    while place < len(replacement):
        character = replacement[place]
        following = replacement[place + 1 : place + 2]
        if character == "\\":
            if following not in ("\\", "$"):
                return None
            pieces.append(following)
            place += 2
        elif character == "$":
            if not following.isdecimal():
                return None
            end = place + 2
            # as many digits as name a group
            while replacement[end : end + 1].isdecimal() and int(replacement[place + 1 : end + 1]) <= groups:
                end += 1
            group = int(replacement[place + 1 : end])
            pieces.append(group if group <= groups else "")
            place = end
        else:
            pieces.append(character)
            place += 1
    return pieces
