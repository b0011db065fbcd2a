"""Everything Evenhand raises on purpose.

    EvenhandError
    ├── BadInput            a value from outside is wrong: names the field, and file and line where there are
    │   └── UnknownThing    it names something that does not exist (market, order, case, policy)
    ├── Conflict            the same id was sent before with a different body, or the case is past what is asked
    │   └── OutOfDate       the case has moved on since it was read
    ├── NotAllowed          somebody acts on what is not theirs, or in a role that may not
    ├── PolicyError         a policy document is wrong: file, line, column, expectation, suggestion
    └── StoreError          the database cannot be reached, started or migrated

Each carries a message fit for the person who caused it; none is shown with a traceback.
"""


class EvenhandError(Exception):
    """Root of the tree; `str(error)` is one line that says what to do."""


class BadInput(EvenhandError):
    """A value from outside is wrong.

    `field` is the dotted path of the value (`lines[0].amount`), empty when the whole body is meant;
    `line` is the 1-based line of the file or NDJSON body it came from; `file` is that file's name, where there are several.
    """

    def __init__(self, detail: str, *, field: str = "", line: int | None = None, file: str = "") -> None:
        self.detail = detail
        self.field = field
        self.line = line
        self.file = file
        super().__init__(detail)

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line is not None else ""
        if self.file:
            place = f"{self.file}, {place}" if place else f"{self.file}: "
        return f"{place}{self.field}: {self.detail}" if self.field else f"{place}{self.detail}"


class UnknownThing(BadInput):
    """The value is well formed but names a market, order, case or policy that does not exist."""


class Conflict(EvenhandError):
    """The same id was sent before with a different body; `field` names what differs, where it is known."""

    def __init__(self, detail: str, *, field: str = "") -> None:
        self.detail = detail
        self.field = field
        super().__init__(detail)


class OutOfDate(Conflict):
    """Something was changed since it was read: read it again, and decide again."""


class NotAllowed(EvenhandError):
    """Somebody acts on what is not theirs, or in a role that may not; `field` names what says so."""

    def __init__(self, detail: str, *, field: str = "") -> None:
        self.detail = detail
        self.field = field
        super().__init__(detail)


class StoreError(EvenhandError):
    """The database cannot be reached, started or migrated."""
