"""CSV files, read strictly.

A file is read against a table of the columns that are needed and how each is read. Whatever is wrong with it is one `BadInput`
that names the file, the line on which the row begins, and the column.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from evenhand.errors import BadInput

# Reads one value; raises ValueError saying what is wrong with it.
Reader = Callable[[str], Any]
R = TypeVar("R")

_LONGEST_FIELD: Final = 100_000


def read_rows(path: Path, columns: Mapping[str, Reader], kind: Callable[..., R]) -> Iterator[tuple[int, R]]:
    """Every row as `kind(*values of the columns, in their order)`, with the line it begins on (1-based).

    Other columns may be there, in any order. Raises `BadInput`.
    """
    try:
        # bytes that are no UTF-8 come through as lone surrogates, so that their line and column can be named
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            rows = _rows(csv.reader(file, strict=True), path.name)
            _, header = next(rows, (1, []))
            if not header:
                raise BadInput("is empty; its first line must name the columns", file=path.name, line=1)
            places = [_place(header, name, path.name) for name in columns]
            readers = list(zip(columns, columns.values(), places, strict=True))
            for line, row in rows:
                if len(row) != len(header):
                    raise _wrong_length(row, header, path.name, line)
                for name, value in zip(header, row, strict=True):
                    if not value.isprintable():
                        _check_text(value, path.name, line, name)
                yield line, kind(*[_read(reader, row[place], path.name, line, name) for name, reader, place in readers])
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", file=path.name) from None


def _rows(reader: Any, file: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line each begins on; empty lines are passed over."""
    csv.field_size_limit(_LONGEST_FIELD)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            detail = str(error)
            if "field limit" in detail or "unexpected end" in detail:
                detail = f"a quotation mark that is never closed, or a value longer than {_LONGEST_FIELD:,} characters"
            raise BadInput(f"is not CSV: {detail}", file=file, line=line) from None
        if row:
            yield line, row


def _place(header: list[str], name: str, file: str) -> int:
    if header.count(name) == 1:
        return header.index(name)
    detail = (
        "there are two columns of this name"
        if name in header
        else f"this column is missing; there are {', '.join(header)}"
    )
    raise BadInput(detail[:500], file=file, line=1, field=name)


def _wrong_length(row: list[str], header: list[str], file: str, line: int) -> BadInput:
    field = header[len(row)] if len(row) < len(header) else ""
    return BadInput(f"the row has {len(row)} values, the header names {len(header)}", file=file, line=line, field=field)


def _check_text(value: str, file: str, line: int, column: str) -> None:
    if "\0" in value:
        raise BadInput("holds a NUL character", file=file, line=line, field=column)
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BadInput("is not UTF-8 text", file=file, line=line, field=column)


def _read(reader: Reader, value: str, file: str, line: int, column: str) -> Any:
    try:
        return reader(value)
    except ValueError as error:
        raise BadInput(str(error), file=file, line=line, field=column) from None
