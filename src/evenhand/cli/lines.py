"""Lines of NDJSON from a file or standard input."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from evenhand.errors import BadInput


def numbered(reader: BinaryIO, longest: int) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers; empty ones are passed over, of an overlong one only `longest` and one byte more are kept."""
    number = 0
    while line := reader.readline(longest + 1):
        number += 1
        rest = line
        while not rest.endswith(b"\n") and (rest := reader.readline(longest)):
            pass
        if line.strip():
            yield number, line


def opened(source: str, stack: ExitStack, field: str) -> BinaryIO:
    """A file to read, or standard input for `-`; raises `BadInput` naming the argument where it cannot be read."""
    if source == "-":
        return sys.stdin.buffer
    try:
        return stack.enter_context(Path(source).open("rb"))
    except OSError as error:
        raise BadInput(f"cannot read {source}: {error.strerror}", field=field) from None
