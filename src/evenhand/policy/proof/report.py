"""What `check` says: findings at their places, promises with how they were proven, all in the document's own words."""

from typing import Any, Literal

import msgspec

Severity = Literal["error", "warning"]


class Finding(msgspec.Struct, frozen=True):
    """Something wrong, or odd, with a document."""

    # gap, overlap, dead row, hidden row, unused table, unused output, unused reason, unused fact, out of range, example,
    # promise, undecided
    kind: str
    severity: Severity
    # "policy.md:41"
    place: str
    line: int
    message: str
    # nested facts, as `evenhand decide` takes them, that show it
    example: dict[str, Any] | None = None


class Kept(msgspec.Struct, frozen=True):
    """A promise and what became of it."""

    text: str
    line: int
    status: Literal["proven", "refuted", "undecided"]
    seconds: float
    # who decided: "grid" tries every combination of classes of facts, "z3" searches for one that breaks it
    provers: tuple[str, ...]


class Report(msgspec.Struct, frozen=True):
    """The answer of `check`."""

    policy: str
    version: str
    file: str
    findings: tuple[Finding, ...]
    promises: tuple[Kept, ...]
    # rows of the document's Examples that were run
    examples: int
    seconds: float

    @property
    def good(self) -> bool:
        """Whether nothing is wrong; warnings are not."""
        return not self.errors

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity == "warning")
