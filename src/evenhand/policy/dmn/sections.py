"""The parts of a policy document that DMN has no place for, as Markdown: they travel beside the model, word for word."""

from evenhand.policy.document import Document, Grid


def sections(document: Document) -> list[tuple[str, str]]:
    """Heading and text of Facts, Reasons, Promises, Order and Examples, as far as the document has them."""
    found: list[tuple[str, str]] = []
    for heading, grid in (("Facts", document.facts), ("Reasons", document.reasons)):
        if grid is not None:
            found.append((heading, table(grid)))
    for heading, items in (("Promises", document.promises), ("Order", document.order)):
        if items:
            found.append((heading, "\n".join(f"- {item.text}" for item in items)))
    if document.examples is not None:
        found.append(("Examples", table(document.examples)))
    return found


def table(grid: Grid) -> str:
    """A grid as a Markdown table."""
    return rows([[cell.text for cell in grid.header], *([cell.text for cell in row] for row in grid.rows)])


def rows(cells: list[list[str]]) -> str:
    """Rows of cells as a Markdown table; the first is its header."""
    escaped = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in cells]
    widths = [max(len(row[column]) for row in escaped) for column in range(len(escaped[0]))]
    lines = [_line(row, widths) for row in escaped]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def _line(row: list[str], widths: list[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
