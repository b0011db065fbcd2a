"""Names of those who act: what is taken for one, and whether two are one person's. Pure."""

import re
from typing import Final

from evenhand.errors import BadInput
from evenhand.spelling import fold

# Characters of the longest name of who does something.
_LONGEST: Final = 120
# letters and marks that show nothing, beside what cannot be printed: fillers, joiners, variation selectors, the blank of Braille
_SHOWS_NOTHING: Final = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def person(name: str, field: str = "by") -> str:
    """The name of who does something, with single spaces; raises `BadInput` for none, and for one that holds what cannot be seen,
    by which two names would look the same."""
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST:
        raise BadInput(f"say who it is, in 1 to {_LONGEST} characters", field=field)
    hidden = next((one for one in name if _is_hidden(one)), None)
    if hidden is not None:
        raise BadInput(f"this name holds U+{ord(hidden):04X}, which cannot be seen: write it without", field=field)
    return name


def same_person(name: str, other: str) -> bool:
    """Whether two names are one person's, as people write their own: `Ana`, `ANA`, ` ana `. Whom a rule keeps from deciding twice
    is not another person by another spelling, nor by a character that nobody sees."""
    return _seen(name) == _seen(other)


def _seen(name: str) -> str:
    """What one sees of a name, folded."""
    visible = "".join(one for one in " ".join(fold(name).split()) if not _is_hidden(one))
    return " ".join(visible.split())


def _is_hidden(one: str) -> bool:
    return not one.isprintable() or _SHOWS_NOTHING.match(one) is not None
