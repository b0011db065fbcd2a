"""SQL kept as SQL: files of named queries in `store/sql`.

A file holds queries one after another, each opened by its name and a description:

    -- name: markets
    -- Every market.
    select no, id from market order by no

`Queries.load("desk").markets` is the text of that query, ready for the driver (`$1` parameters).
"""

import re
from functools import cache
from pathlib import Path
from typing import Final

_DIRECTORY: Final = Path(__file__).parent / "sql"
_NAME: Final = re.compile(r"^-- name:[ \t]*(.*?)[ \t]*$", re.MULTILINE)


class Queries:
    """The queries of one file, as attributes; a name the file does not hold is an `AttributeError`."""

    def __init__(self, file: str, texts: dict[str, str]) -> None:
        self._file = file
        self._texts = texts

    @classmethod
    @cache
    def load(cls, name: str) -> "Queries":
        """Read `store/sql/<name>.sql`; raises `ValueError` when a query lacks a good name, a description or a body."""
        file = f"{name}.sql"
        return cls(file, parse((_DIRECTORY / file).read_text(encoding="utf-8"), file))

    def __getattr__(self, name: str) -> str:
        try:
            return self._texts[name]
        except KeyError:
            raise AttributeError(f"{self._file} has no query named {name!r}; it has {', '.join(self._texts)}") from None


def parse(source: str, file: str) -> dict[str, str]:
    """Split a file into its queries, by name, in the order of the file."""
    before, *parts = _NAME.split(source)
    if before.strip():
        raise ValueError(f"{file} begins with something else than `-- name: ...`")
    texts: dict[str, str] = {}
    for name, rest in zip(parts[::2], parts[1::2], strict=True):
        if not name.isidentifier() or name.startswith("_"):
            raise ValueError(f"{file}: {name!r} is not a name for a query")
        if name in texts:
            raise ValueError(f"{file}: two queries are named {name!r}")
        described, text = _described(rest)
        if not described:
            raise ValueError(f"{file}: {name} has no description below its name")
        if not text:
            raise ValueError(f"{file}: {name} has no SQL")
        texts[name] = text
    return texts


def _described(rest: str) -> tuple[bool, str]:
    lines = rest.strip().splitlines()
    first_of_sql = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    return first_of_sql > 0, "\n".join(lines[first_of_sql:]).strip().removesuffix(";")
