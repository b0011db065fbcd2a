"""A policy document as Markdown: front matter, headings, tables of cells, each with its place. Nothing is understood yet."""

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from evenhand.policy.errors import Fault, PolicyError, suggestion

_KEYS: Final = ("policy", "version", "effective", "anchor", "currency")
_NEEDED: Final = ("policy", "version", "effective")
HIT_POLICIES: Final = ("U", "A", "P", "F", "R", "O", "C", "C+", "C<", "C>", "C#")
# A document larger than this was not written by people.
_MAX_SOURCE: Final = 2_000_000
_markdown: Final = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True, slots=True)
class Cell:
    """Text of a table cell and where it begins (line and column from 1)."""

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
    title: str = ""
    # decision tables, in the order of the document
    tables: list[Grid] = field(default_factory=list[Grid])
    reasons: Grid | None = None
    promises: list[str] = field(default_factory=list[str])


def read(source: str, file: str) -> Document:
    """Read a document's structure; raises `PolicyError` when it has no usable front matter or no table at all."""
    if len(source) > _MAX_SOURCE:
        raise PolicyError(file, [Fault(1, 1, f"a policy document may hold {_MAX_SOURCE:,} characters, this one has {len(source):,}")])
    lines = source.split("\n")
    document = Document(file, source)
    faults: list[Fault] = []
    body = _front_matter(document, lines, faults)
    _body(document, lines, body)
    if not document.tables and not faults:
        faults.append(Fault(1, 1, "the document holds no decision table: a table whose top-left cell is a hit policy such as F"))
    if faults:
        raise PolicyError(file, faults)
    return document


def _front_matter(document: Document, lines: list[str], faults: list[Fault]) -> int:
    """Read `key: value` lines between two lines of `---`; returns the number of lines they take."""
    if lines[0].strip() != "---":
        faults.append(Fault(1, 1, "a policy document begins with front matter: a line of ---, then policy, version, effective"))
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
            faults.append(Fault(index + 1, 1, f"unknown key {key!r}{suggestion(key, _KEYS)}; known are {', '.join(_KEYS)}"))
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
                fault(f"effective is a date like 2025-03-24, not {value!r}")
        case "anchor":
            if value not in ("application", "order"):
                fault(f"anchor is application or order, not {value!r}")
            document.anchor = value
        case "currency":
            if not (len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()):
                fault(f"currency is an ISO 4217 code like CNY, not {value!r}")
            document.currency = value
        case "policy":
            document.name = value
        case _:
            document.version = value
    if not value or len(value) > 60 or any(character.isspace() or character in '@/\\"' for character in value):
        fault(f"{key} is one short word without spaces, @ or /, not {value[:60]!r}")


def _body(document: Document, lines: list[str], skipped: int) -> None:
    # blank lines in place of the front matter keep Markdown's line numbers those of the file
    tokens = _markdown.parse("\n".join([""] * skipped + lines[skipped:]))
    heading = ""
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.type == "heading_open":
            heading = tokens[index + 1].content.strip()
            document.title = document.title or heading
        elif token.type == "table_open":
            end = next(place for place in range(index, len(tokens)) if tokens[place].type == "table_close")
            _table(document, heading, tokens[index:end], lines)
            index = end
        elif token.type == "inline" and heading == "Promises" and tokens[index - 2].type == "list_item_open":
            document.promises.append(token.content.strip())
        index += 1


def _table(document: Document, heading: str, tokens: list[Token], lines: list[str]) -> None:
    rows: list[tuple[Cell, ...]] = []
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
            rows.append(
                tuple(
                    Cell(text, line + 1, starts[place] if place < len(starts) else 1) for place, text in enumerate(texts)
                )
            )
    if not rows or not rows[0]:
        return
    grid = Grid(heading, rows[0], tuple(rows[1:]))
    if heading == "Reasons":
        document.reasons = grid
    elif grid.header[0].text in HIT_POLICIES or any(cell.text.startswith(("→", "->")) for cell in grid.header):
        document.tables.append(grid)


def _starts(line: str) -> list[int]:
    """Columns (from 1) at which the cells of a Markdown table line begin."""
    pipes = [place for place, character in enumerate(line) if character == "|" and line[place - 1 : place] != "\\"]
    if not line.lstrip().startswith("|"):
        pipes.insert(0, -1)
    return [place + 2 + len(line[place + 1 :]) - len(line[place + 1 :].lstrip()) for place in pipes]
