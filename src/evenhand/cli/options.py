"""What several commands read and print in the same way."""

import getpass
import os
import sys
from collections.abc import Collection, Sequence
from datetime import date
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from evenhand.errors import BadInput

# Everything that is not the answer goes to stderr, so that stdout can be piped.
chatter = Console(stderr=True, highlight=False)
# A pipe has no width: whoever reads it wants every value in one piece.
_PIPE: Final = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 10_000
answer = Console(highlight=False, width=_PIPE)
# What a column that may wrap keeps where the others take all the room.
_NARROW: Final = 8


def user() -> str:
    """The name of whoever runs this, as far as the machine knows it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "command line"


def day(text: str | None, option: str) -> date | None:
    """Read an option's date; raises `BadInput` naming the option."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is not a date like 2025-03-24", field=option) from None


def days(since: str | None, until: str | None) -> tuple[date | None, date | None]:
    """Read `--from` and `--to`, both included; raises `BadInput` naming the option."""
    first, last = day(since, "--from"), day(until, "--to")
    if first and last and last < first:
        raise BadInput(f"{last} lies before --from {first}", field="--to")
    return first, last


def listing(columns: Sequence[str], *, whole: Collection[str], right: Collection[str] = ()) -> Table:
    """A table for `print_listing`: columns that are `whole` hold what people copy, and are never broken."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column, no_wrap=column in whole, overflow="fold", justify="right" if column in right else "left"
        )
    return table


def print_listing(table: Table) -> None:
    """Print a table of `listing`, past the edge of a narrow terminal where its whole columns need more."""
    for column in table.columns:
        widest = max(cell_len(str(cell)) for cell in (column.header, *column.cells))
        column.min_width = widest if column.no_wrap else min(widest, _NARROW)
    needed = sum((column.min_width or 0) + 1 for column in table.columns)
    answer.width = max(answer.width, needed)
    answer.print(table)


def number_of(number: int, noun: str) -> str:
    """A number of things: `number_of(1, "order")` is "1 order"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def progress() -> Progress:
    """A progress bar on stderr that leaves nothing behind; silent where stderr is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=chatter,
        transient=True,
        disable=not chatter.is_terminal,
    )
