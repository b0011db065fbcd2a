"""A policy document as the page a marketplace would publish: one HTML file that needs nothing else.

Prose is rendered as it is written, with nothing in it taken for HTML. What the document decides is said in words of both
languages beside it: the page is made from the very tables that rule. There are no scripts; which language is shown is a choice of
style sheets.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from evenhand.policy.document import ARROWS, HIT_POLICIES, Grid
from evenhand.policy.reasons import CONTEST, placeholders
from evenhand.policy.wording import Said, wording_of

if TYPE_CHECKING:
    from evenhand.policy.policy import Policy

_markdown: Final = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
_CJK: Final = re.compile(r"[\u4e00-\u9fff]")
_ZH_HEADING: Final = re.compile(r"^#+ [^A-Za-z\n]*[\u4e00-\u9fff][^A-Za-z\n]*$", re.MULTILINE)
_SPAN: Final = re.compile(r"`([^`]+)`")
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")

_HITS: Final[Mapping[str, Said]] = {
    "U": Said("Exactly one row applies.", "每种情形恰有一行适用。"),
    "A": Said("Rows that apply agree.", "适用的各行结果一致。"),
    "P": Said(
        "Of the rows that apply, the result that ranks highest counts.", "适用的各行中，以优先级最高的结果为准。"
    ),
    "F": Said("Read from the top: the first row that applies decides.", "自上而下，以第一条适用的规则为准。"),
    "R": Said("Every row that applies counts, in order.", "依次列出所有适用的行。"),
    "O": Said("Every row that applies counts, the highest result first.", "列出所有适用的行，结果优先级高的在前。"),
    "C": Said("Every row that applies counts.", "所有适用的行均计入。"),
    "C+": Said("The points of all rows that apply are added up.", "适用各行的分值相加。"),
    "C<": Said("The least of the rows that apply counts.", "以适用各行中的最小值为准。"),
    "C>": Said("The greatest of the rows that apply counts.", "以适用各行中的最大值为准。"),
    "C#": Said("The rows that apply are counted.", "统计适用的行数。"),
}
_ANCHORS: Final[Mapping[str, Said]] = {
    "application": Said("by the day of the application", "以申请日为准"),
    "order": Said("by the day of the order", "以下单日为准"),
}


@dataclass(frozen=True, slots=True)
class _Head:
    """A column: what it is called, and how the document writes it."""

    label: Said
    code: str
    output: bool = False


@dataclass(frozen=True, slots=True)
class _Cell:
    html: Markup
    # plain, any, outcome, or the kind of cell the style sheet knows
    kind: str = ""


@dataclass(frozen=True, slots=True)
class _Table:
    heads: list[_Head]
    rows: list[tuple[str, list[_Cell]]]
    anchor: str = ""
    note: Said | None = None


@dataclass(slots=True)
class _Section:
    """What stands under one heading."""

    level: int
    title: str
    zh: str
    anchor: str
    # "en" or "zh" for prose in one language that the other can do without
    lang: str = ""
    # a fold is closed until the reader opens it
    fold: bool = False
    blocks: list[Markup] = field(default_factory=list[Markup])


def page(policy: "Policy") -> str:
    """The whole page of a policy."""
    return _Page(policy).render()


def body(policy: "Policy") -> Markup:
    """What stands below the title, for a page of somebody else's: in both languages, by the classes `en` and `zh`."""
    return Markup(_environment().get_template("page_body.html").render(sections=_Page(policy).sections()))  # noqa: S704 - escaped there


class _Page:
    def __init__(self, policy: "Policy") -> None:
        self._policy = policy
        self._document = policy.document
        self._words = wording_of(policy)
        self._grids = {grid.line: grid for grid in self._document.tables}
        self._slugs: dict[str, int] = {}
        # prose in English is said in Chinese elsewhere in the document
        self._bilingual = _ZH_HEADING.search(self._document.source) is not None

    def render(self) -> str:
        policy = self._policy
        title = policy.title or f"{policy.name} {policy.version}"
        return (
            _environment()
            .get_template("page.html")
            .render(
                policy=policy,
                title=title,
                said_title=Said(title, policy.title_in("zh") if policy.title else title),
                effective=_dated(policy.effective),
                anchor=_ANCHORS[policy.anchor],
                contest=Said(CONTEST["en"], CONTEST["zh"]),
                sections=self.sections(),
                two=_two,
            )
        )

    def sections(self) -> list[_Section]:
        """What stands under each heading; the first is what stands before all of them."""
        lines = self._document.source.split("\n")
        skipped = next((at for at, line in enumerate(lines[1:], start=2) if line.strip() == "---"), 0)
        tokens = _markdown.parse("\n".join([""] * skipped + lines[skipped:]))
        sections = [_Section(1, "", "", "top")]
        spoken: list[set[str]] = [set()]
        titled = False
        for block in _blocks(tokens):
            first = block[0]
            if first.type == "heading_open":
                text = block[1].content.strip()
                if first.tag == "h1" and not titled:
                    titled = True
                    continue
                level = max(2, int(first.tag[1]))
                lang = "zh" if _ZH_HEADING.match(f"# {text}") else ""
                fold = text == "Examples" and self._document.examples is not None
                zh = self._policy.called(text, "zh")
                sections.append(_Section(level, text, "" if zh == text else zh, self._slug(text), lang, fold))
                spoken.append(set())
            else:
                lang, html = self._block(block, sections[-1].title)
                spoken[-1].add(lang)
                alone = lang == "en" and not sections[-1].lang
                sections[-1].blocks.append(Markup('<div class="en" lang="en">{}</div>').format(html) if alone else html)
        for section, langs in zip(sections, spoken, strict=True):
            section.lang = section.lang or ("en" if langs == {"en"} else "")
        return sections

    def _block(self, block: Sequence[Token], heading: str) -> tuple[str, Markup]:
        """The language of prose that the other can do without, and what the block looks like."""
        first = block[0]
        prose = "en" if self._bilingual and not _CJK.search(_text_of(block)) else ""
        if first.type == "table_open":
            line = (first.map[0] if first.map else 0) + 1
            if line in self._grids:
                return "", _of_table(self._decision(self._grids[line]))
            if self._document.reasons and line == self._document.reasons.line:
                return "", self._reasons()
            if self._document.examples and line == self._document.examples.line:
                return "", _of_table(self._examples(self._document.examples))
            return prose, _of_table(_for_people(block))
        if heading == "Promises" and first.type == "bullet_list_open":
            items = [self._promise(_text_of(item)) for item in _items(block)]
            return "", Markup('<ul class="promises">{}</ul>').format(Markup().join(items))
        html = Markup(_markdown.renderer.render(list(block), _markdown.options, {}))  # noqa: S704 - raw HTML was read as text
        return ("" if first.type == "fence" else prose), html

    def _decision(self, grid: Grid) -> _Table:
        heads: list[_Head] = []
        for cell in grid.header[1:]:
            name = _output(cell.text)
            if name is not None:
                heads.append(_Head(self._words.name(name), name, output=True))
            else:
                heads.append(_Head(self._words.name(cell.text), cell.text))
        rows: list[tuple[str, list[_Cell]]] = []
        for number, row in enumerate(grid.rows, start=1):
            cells = [self._cell(cell.text, head) for cell, head in zip(row[1:], heads, strict=True)]
            rows.append((str(number), cells))
        hit = grid.header[0].text
        return _Table(heads, rows, self._slug(f"{grid.heading} row"), _HITS[hit] if hit in HIT_POLICIES else None)

    def _cell(self, text: str, head: _Head) -> _Cell:
        if not head.output:
            said = self._words.test(text, head.code)
            return _Cell(_two(said), "any" if text == "-" else "")
        if text in ("null", "-", ""):
            return _Cell(Markup("–"), "any")
        if head.code == "because" and text in self._policy.model.reasons:
            return _Cell(Markup('<a href="#reason-{}">{}</a>').format(text, text), "because")
        said = self._words.value(text, head.code)
        if head.code == "outcome" and not said.code:
            return _Cell(Markup('<span class="outcome {}">{}</span>').format(text.strip('"'), _two(said)), "out")
        return _Cell(_two(said), "out")

    def _examples(self, grid: Grid) -> _Table:
        heads: list[_Head] = []
        for cell in grid.header[1:]:
            name = _output(cell.text)
            heads.append(_Head(self._words.name(name or cell.text), name or cell.text, output=name is not None))
        rows: list[tuple[str, list[_Cell]]] = []
        for number, row in enumerate(grid.rows, start=1):
            cells: list[_Cell] = []
            for cell, head in zip(row[1:], heads, strict=True):
                if head.output:
                    cells.append(self._cell(cell.text, head))
                else:
                    unknown = cell.text in ("null", "-")
                    said = self._words.value(cell.text, head.code)
                    cells.append(_Cell(Markup("–") if unknown else _two(said), "any" if unknown else ""))
            rows.append((str(number), cells))
        return _Table(heads, rows)

    def _reasons(self) -> Markup:
        entries: list[Markup] = []
        for reason in self._policy.model.reasons.values():
            sides = {lang: self._sentence(text, lang) for lang, text in (("en", reason.en), ("zh", reason.zh))}
            entries.append(
                Markup('<div class="reason" id="reason-{}"><dt><code>{}</code></dt><dd>{}</dd></div>').format(
                    reason.code, reason.code, _both(sides["en"], sides["zh"])
                )
            )
        return Markup('<dl class="reasons">{}</dl>').format(Markup().join(entries))

    def _sentence(self, text: str, lang: str) -> Markup:
        """A reason's sentence, with the names of the facts it will be filled with."""
        names = list(placeholders(text))
        parts = _PLACEHOLDER.split(text)[::2]
        done = escape(parts[0])
        for name, after in zip(names, parts[1:], strict=True):
            said = self._words.name(name)
            done += Markup('<span class="fact" title="{}">{}</span>').format(name, said.en if lang == "en" else said.zh)
            done += escape(after)
        return done

    def _promise(self, text: str) -> Markup:
        parts = _SPAN.findall(text)
        beginning = text.lower()
        said: Said | None = None
        if beginning.startswith("never ") and len(parts) == 1:
            one = self._words.condition(parts[0])
            said = Said(f"Never: {one.en}.", f"绝不会：{one.zh}。", one.code)
        elif beginning.startswith("when ") and len(parts) == 2:
            one, two = (self._words.condition(part) for part in parts)
            said = Said(f"When {one.en}, then {two.en}.", f"当{one.zh}时，{two.zh}。", one.code or two.code)
        elif beginning.startswith("as ") and parts:
            names = [self._words.name(part) for part in parts]
            if "worse off" in beginning:
                said = Said(
                    f"As {names[0].en} rises, the buyer is never worse off.",
                    f"{names[0].zh}上升时，买家的处境不会变差。",
                )
            elif len(names) == 2:
                falls = beginning.rstrip(" .").endswith("falls")
                said = Said(
                    f"As {names[0].en} rises, {names[1].en} never {'falls' if falls else 'rises'}.",
                    f"{names[0].zh}上升时，{names[1].zh}不会{'下降' if falls else '上升'}。",
                )
        written = Markup(_markdown.renderInline(text))  # noqa: S704 - raw HTML was read as text
        if said is None or said.code:
            return Markup("<li>{}</li>").format(written)
        return Markup('<li>{}<div class="written">{}</div></li>').format(_two(said), written)

    def _slug(self, text: str) -> str:
        slug = "-".join(re.findall(r"\w+", text.lower())) or "section"
        self._slugs[slug] = self._slugs.get(slug, 0) + 1
        return slug if self._slugs[slug] == 1 else f"{slug}-{self._slugs[slug]}"


def _output(header: str) -> str | None:
    """The name in an output column's header, without its arrow and its list of values; None for an input column."""
    arrow = next((arrow for arrow in ARROWS if header.startswith(arrow)), None)
    return None if arrow is None else header.removeprefix(arrow).split(":")[0].strip()


def _blocks(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The blocks that stand on their own, each with all its tokens."""
    start = depth = 0
    for index, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            yield tokens[start : index + 1]
            start = index + 1


def _items(block: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The items of a list, not those of lists inside it."""
    start = 0
    for index, token in enumerate(block):
        if token.level == 1 and token.type == "list_item_open":
            start = index
        elif token.level == 1 and token.type == "list_item_close":
            yield block[start : index + 1]


def _text_of(item: Sequence[Token]) -> str:
    return " ".join(" ".join(token.content.split()) for token in item if token.type == "inline")


def _for_people(block: Sequence[Token]) -> _Table:
    """A table that decides nothing, as it is written."""
    lines: list[list[Markup]] = []
    for token in block:
        if token.type == "tr_open":
            lines.append([])
        elif token.type == "inline":
            html = _markdown.renderInline(token.content)
            lines[-1].append(Markup(html))  # noqa: S704 - raw HTML was read as text
    heads = [_Head(Said(text := head.striptags(), text), "") for head in lines[0]]
    return _Table(heads, [("", [_Cell(cell) for cell in line]) for line in lines[1:]])


def _of_table(table: _Table) -> Markup:
    head = Markup().join(
        Markup("<th{}>{}{}</th>").format(
            Markup(' class="out"') if one.output else "",
            _two(one.label),
            Markup("<code>{}</code>").format(one.code) if one.code else "",
        )
        for one in table.heads
    )
    numbered = any(number for number, _ in table.rows)
    rows: list[Markup] = []
    for number, cells in table.rows:
        row = Markup().join(
            Markup('<td role="cell" class="{}" data-en="{}" data-zh="{}"><div>{}</div></td>').format(
                f"{cell.kind} {'result' if one.output else ''}".strip(),
                one.label.en,
                "" if one.label.zh == one.label.en else one.label.zh,
                cell.html,
            )
            for one, cell in zip(table.heads, cells, strict=True)
        )
        place = Markup(' id="{}-{}"').format(table.anchor, number) if table.anchor else ""
        first = Markup('<th scope="row" role="rowheader">{}</th>').format(number) if numbered else ""
        rows.append(Markup('<tr role="row"{}>{}{}</tr>').format(place, first, row))
    note = Markup('<p class="note">{}</p>').format(_two(table.note)) if table.note else ""
    return Markup(
        '{}<div class="scroll" tabindex="0"><table role="table"><thead><tr>{}{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(note, Markup("<th></th>") if numbered else "", head, Markup().join(rows))


def _two(said: Said) -> Markup:
    """Something in both languages; once when they say it alike."""
    if said.code:
        return Markup("<code>{}</code>").format(said.en)
    return escape(said.en) if said.en == said.zh else _both(escape(said.en), escape(said.zh))


def _both(en: Markup, zh: Markup) -> Markup:
    return Markup('<span class="en" lang="en">{}</span><span class="zh" lang="zh-Hans">{}</span>').format(en, zh)


def _dated(day: date) -> Said:
    return Said(f"{day.day} {_MONTHS[day.month - 1]} {day.year}", f"{day.year}年{day.month}月{day.day}日")


_MONTHS: Final[Sequence[str]] = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


@lru_cache(maxsize=1)
def _environment() -> Environment:
    def source(name: str) -> str:
        return (files("evenhand.policy") / name).read_text("utf-8")

    return Environment(
        loader=FunctionLoader(source), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
