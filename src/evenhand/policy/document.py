"""A policy document as Markdown: front matter, headings, tables of cells, each with its place. Nothing is understood yet."""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from evenhand.money import is_currency
from evenhand.policy.errors import Fault, PolicyError, suggestion
from evenhand.policy.names import read_names
from evenhand.vocabulary import WHEN_EMPTY

_KEYS: Final = ("policy", "version", "effective", "anchor", "currency", "when_empty", "title_zh")
_NEEDED: Final = ("policy", "version", "effective")
HIT_POLICIES: Final = ("U", "A", "P", "F", "R", "O", "C", "C+", "C<", "C>", "C#")
# Headings with a meaning, as they are written, by what they look like in small letters without a plural.
_RESERVED: Final = {
    "fact": "Facts", "reason": "Reasons", "example": "Examples", "promise": "Promises", "order": "Order"
}  # fmt: skip
# What is meant to run and stands where it does not; any other prose under these headings is for people.
_NOTHING: Final = re.compile(r"(?!)")
_MISPLACED: Final = {
    "Promises": re.compile(r"(never|when|as)\s+`", re.IGNORECASE),
    "Order": re.compile(r"`?\s*\w+\s*[<=]\s*\w+"),
    "Examples": re.compile(r".*(→|->)"),
}
ARROWS: Final = ("→", "->")
# A document larger than this was not written by people.
_MAX_SOURCE: Final = 4_000_000
_markdown: Final = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of text and where it begins (line and column from 1)."""

    text: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Grid:
    """A Markdown table under its heading."""

    heading: str
    header: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def line(self) -> int:
        """Line of the header."""
        return self.header[0].line


@dataclass(slots=True)
class Document:
    """What a document says, before it is understood."""

    file: str
    source: str
    name: str = ""
    version: str = ""
    effective: date = date.min
    anchor: str = "application"
    currency: str | None = None
    # what becomes of a subsidy when the fund's budget is empty, where the document says
    when_empty: str | None = None
    title: str = ""
    # of the title, where the document says
    title_zh: str = ""
    # decision tables, in the order of the document
    tables: list[Grid] = field(default_factory=list[Grid])
    # formulas, one line each, with the heading they stand under
    formulas: list[tuple[str, Cell]] = field(default_factory=list[tuple[str, Cell]])
    # the tables under the headings Facts, Reasons and Examples
    facts: Grid | None = None
    reasons: Grid | None = None
    examples: Grid | None = None
    # the table under Names, and what it says: Chinese by what it names
    naming: Grid | None = None
    names: dict[str, str] = field(default_factory=dict[str, str])
    # the list items under the headings Promises and Order
    promises: list[Cell] = field(default_factory=list[Cell])
    order: list[Cell] = field(default_factory=list[Cell])
    # what is wrong with its form; `build` adds what is wrong with its meaning
    faults: list[Fault] = field(default_factory=list[Fault])


def read(source: str, file: str) -> Document:
    """Read a document's structure; what is wrong with it stands in its `faults`. Raises `PolicyError` when it is too large."""
    if len(source) > _MAX_SOURCE:
        size = f"a policy document may hold {_MAX_SOURCE:,} characters, this one has {len(source):,}"
        raise PolicyError(file, [Fault(1, 1, size)])
    source = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines = source.split("\n")
    document = Document(file, source)
    faults = document.faults
    nul = source.find("\0")
    if nul >= 0:
        faults.append(Fault(source.count("\n", 0, nul) + 1, 1, "the document holds a NUL character"))
    body = _front_matter(document, lines, faults)
    _body(document, lines, body, faults)
    if document.naming is not None:
        document.names = read_names(document, document.naming)
    if not document.tables and not document.formulas and not faults:
        faults.append(
            Fault(1, 1, "the document holds no decision table: a table whose top-left cell is a hit policy such as F")
        )
    return document


def _front_matter(document: Document, lines: list[str], faults: list[Fault]) -> int:
    """Read `key: value` lines between two lines of `---`; returns the number of lines they take."""
    if lines[0].strip() != "---":
        faults.append(
            Fault(1, 1, "a policy document begins with front matter: a line of ---, then policy, version, effective")
        )
        return 0
    values: dict[str, str] = {}
    for index, line in enumerate(lines[1:], start=1):
        if line.strip() == "---":
            break
        text = line.split(" #", 1)[0].strip()
        if not text or text.startswith("#"):
            continue
        key, colon, value = (part.strip() for part in text.partition(":"))
        if not colon:
            faults.append(Fault(index + 1, 1, f"expected `key: value`, found {text[:40]!r}"))
        elif key not in _KEYS:
            known = ", ".join(_KEYS)
            faults.append(Fault(index + 1, 1, f"unknown key {key[:40]!r}{suggestion(key, _KEYS)}; known are {known}"))
        elif key in values:
            faults.append(Fault(index + 1, 1, f"{key} is given twice"))
        else:
            values[key] = value
            _take(document, key, value, Fault(index + 1, line.find(":") + 3, ""), faults)
    else:
        faults.append(Fault(1, 1, "the front matter is not closed by a second line of ---"))
        return len(lines)
    faults.extend(Fault(1, 1, f"the front matter lacks `{key}:`") for key in _NEEDED if key not in values)
    return index + 1


def _take(document: Document, key: str, value: str, place: Fault, faults: list[Fault]) -> None:
    def fault(message: str) -> None:
        faults.append(Fault(place.line, place.column, message))

    match key:
        case "effective":
            try:
                document.effective = date.fromisoformat(value)
            except ValueError:
                fault(f"effective is a date like 2025-03-24, not {value[:60]!r}")
        case "anchor":
            if value not in ("application", "order"):
                fault(f"anchor is application or order, not {value[:60]!r}")
            document.anchor = value
        case "currency":
            if not is_currency(value):
                fault(f"currency is an ISO 4217 code like CNY, not {value[:60]!r}")
            document.currency = value
        case "when_empty":
            if value not in WHEN_EMPTY:
                fault(f"when_empty is {' or '.join(WHEN_EMPTY)}, not {value[:60]!r}")
            else:
                document.when_empty = value
        case "title_zh":
            document.title_zh = value
        case _:
            unfit = any(character.isspace() or character in '@/\\"' or ord(character) < 32 for character in value)
            if not value or len(value) > 60 or unfit:
                fault(f"{key} is one short word without spaces, @ or /, not {value[:60]!r}")
            if key == "policy":
                document.name = value
            else:
                document.version = value


def _body(document: Document, lines: list[str], skipped: int, faults: list[Fault]) -> None:
    # blank lines in place of the front matter keep Markdown's line numbers those of the file
    tokens = _markdown.parse("\n".join([""] * skipped + lines[skipped:]))
    heading = ""
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.type == "heading_open":
            heading = tokens[index + 1].content.strip()
            document.title = document.title or heading
            meant = _RESERVED.get(heading.casefold().rstrip("s:"))
            if meant and meant != heading:
                line = (token.map[0] if token.map else 0) + 1
                faults.append(Fault(line, 1, f"the heading {heading!r} has no meaning of its own: write {meant}"))
        elif token.type == "table_open":
            end = next(place for place in range(index, len(tokens)) if tokens[place].type == "table_close")
            _table(document, heading, tokens[index:end], lines, faults)
            index = end
        elif token.type == "fence" and token.info.split(" ")[0] == "feel":
            first = (token.map[0] if token.map else 0) + 2
            for number, line in enumerate(token.content.splitlines()):
                if line.strip() and not line.lstrip().startswith("//"):
                    indent = len(line) - len(line.lstrip())
                    document.formulas.append((heading, Cell(line.strip(), first + number, indent + 1)))
        elif token.type == "inline" and heading in ("Promises", "Order") and _is_item(tokens, index):
            line = token.map[0] if token.map else 0
            column = lines[line].find(token.content.split("\n")[0][:10]) + 1
            item = Cell(" ".join(token.content.split()), line + 1, max(1, column))
            (document.promises if heading == "Promises" else document.order).append(item)
        elif token.type == "inline" and _MISPLACED.get(heading, _NOTHING).match(token.content):
            line = (token.map[0] if token.map else 0) + 1
            form = "a row of a table" if heading == "Examples" else "an item of a list: begin it with -"
            faults.append(Fault(line, 1, f"under {heading}, this must be {form}"))
        index += 1


def _is_item(tokens: list[Token], index: int) -> bool:
    """Whether an inline token is the text of a list item."""
    return any(earlier.type == "list_item_open" for earlier in tokens[max(0, index - 2) : index])


def _table(document: Document, heading: str, tokens: list[Token], lines: list[str], faults: list[Fault]) -> None:
    rows: list[tuple[Cell, ...]] = []
    written: list[int] = []
    line = 0
    texts: list[str] = []
    for token in tokens:
        if token.type == "tr_open":
            line = token.map[0] if token.map else 0
            texts = []
        elif token.type == "inline":
            texts.append(token.content.strip())
        elif token.type == "tr_close":
            starts = _starts(lines[line])
            places = starts + [1] * (len(texts) - len(starts))
            rows.append(tuple(Cell(text, line + 1, at) for text, at in zip(texts, places, strict=False)))
            written.append(len(starts))
    if not rows or not rows[0]:
        return
    grid = Grid(heading, rows[0], tuple(rows[1:]))
    named = {"Facts": "facts", "Reasons": "reasons", "Examples": "examples"}.get(heading)
    if heading == "Names" and [cell.text for cell in grid.header] == ["name", "zh"]:
        named = "naming"
    if named:
        if getattr(document, named) is not None:
            faults.append(Fault(grid.line, 1, f"there is a second table of {heading}"))
        setattr(document, named, grid)
    elif grid.header[0].text in HIT_POLICIES or any(cell.text.startswith(ARROWS) for cell in grid.header):
        document.tables.append(grid)
    else:
        return  # a table for people
    wanted = len(grid.header)
    for row, count in zip(rows[1:], written[1:], strict=True):
        if count != wanted:  # Markdown would pad it or drop what is too much
            hint = r"; write \| for a | inside a cell" if count > wanted else ""
            faults.append(Fault(row[0].line, 1, f"this row has {count} cells, its table has {wanted} columns{hint}"))


def _starts(line: str) -> list[int]:
    """Columns (from 1) at which the cells of a Markdown table line begin."""
    text = line.rstrip()
    pipes = [place for place, character in enumerate(text) if character == "|" and text[place - 1 : place] != "\\"]
    if not text.lstrip().startswith("|"):
        pipes.insert(0, -1)
    if pipes and pipes[-1] == len(text) - 1:
        pipes.pop()
    return [place + 2 + len(text[place + 1 :]) - len(text[place + 1 :].lstrip()) for place in pipes]
