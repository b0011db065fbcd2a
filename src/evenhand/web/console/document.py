"""A policy document as a page: its Markdown rendered, with nothing in it taken for HTML."""

from functools import lru_cache
from typing import Any, Final

from markdown_it import MarkdownIt
from markupsafe import Markup

_markdown: Final = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table").disable("image")


def _open_table(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    return '<div class="scroll" tabindex="0"><table>'


def _close_table(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    return "</table></div>"


_markdown.add_render_rule("table_open", _open_table)
_markdown.add_render_rule("table_close", _close_table)


@lru_cache(maxsize=64)
def as_html(source: str) -> Markup:
    """The document's body, without its front matter and its title (the page has its own)."""
    parts = source.split("\n---", 2) if source.startswith("---") else ["", source]
    body = parts[1] if len(parts) == 2 else source
    tokens = _markdown.parse(body.lstrip("-\n"))
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        tokens = tokens[3:]
    seen: set[str] = set()
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            name = "-".join(tokens[index + 1].content.lower().split())
            if name not in seen:
                seen.add(name)
                token.attrSet("id", name)
    # the renderer escapes every text of the document; raw HTML in it was read as text
    return Markup(_markdown.renderer.render(tokens, _markdown.options, {}))  # noqa: S704
