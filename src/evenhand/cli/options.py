"""What several commands read and print in the same way."""

import getpass
from datetime import date

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from evenhand.errors import BadInput

# Everything that is not the answer goes to stderr, so that stdout can be piped.
chatter = Console(stderr=True, highlight=False)
answer = Console(highlight=False)


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
