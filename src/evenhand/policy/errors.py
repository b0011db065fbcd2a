"""What can be wrong with a policy document, said so that its author can mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from evenhand.errors import EvenhandError


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong, at one place. Lines and columns count from 1."""

    line: int
    column: int
    # what was found, what was expected, and a way out where there is one
    message: str


class PolicyError(EvenhandError):
    """A policy document is wrong; `faults` holds everything wrong with it, in the order of the document."""

    def __init__(self, file: str, faults: Iterable[Fault]) -> None:
        self.file = file
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(f"{file}:{fault.line}:{fault.column}: {fault.message}" for fault in self.faults))


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """` (did you mean x?)` for a near miss, else nothing."""
    near = get_close_matches(wrong, list(known), n=1, cutoff=0.75)
    return f" (did you mean {near[0]}?)" if near else ""
