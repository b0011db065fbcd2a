"""Types of facts, outputs and expressions, and how their values are held inside the compilers.

Everything is an exact integer, a boolean or a string, so that every engine can agree on it:

    number     an integer count of 10**-scale: 4.80 with scale 2 is 480
    boolean    true, false
    text       a string; a *choice* when `values` lists what is allowed
    date       days since 1970-01-01
    datetime   seconds since 1970-01-01T00:00:00Z
    duration   seconds (FEEL's days and time duration)
    months     months (FEEL's years and months duration)

Any of them may be null. Numbers carry the least and greatest value they can have, so that overflow is refused when a document
is read, never met when it runs.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

from evenhand.vocabulary import Fact

Kind = Literal["number", "boolean", "text", "date", "datetime", "duration", "months", "null"]
Value = int | bool | str | None

# Every intermediate figure stays within a signed 64-bit integer, with room to double it and add half a divisor (rounding does).
LIMIT: Final = 2**61
# Most decimals that a fact can have.
MAX_SCALE: Final = 6
_COUNTED: Final = ("number", "date", "datetime", "duration", "months")
# What dates and the like may be: the years 1 to 9999.
_BOUNDS: Final[dict[str, tuple[int, int]]] = {
    "number": (-(10**15), 10**15),
    "date": (-719162, 2932896),
    "datetime": (-62135596800, 253402300799),
    "duration": (-(10**12), 10**12),
    "months": (-120000, 120000),
}


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a fact, an output or an expression."""

    kind: Kind
    # what a choice may be; lowest first when `ordered`
    values: tuple[str, ...] = ()
    ordered: bool = False
    # decimals of a number
    scale: int = 0
    # least and greatest value, in the representation above
    low: int = 0
    high: int = 0
    # how people read it: "money" is minor units
    unit: str = ""
    # a list of such values: what a table with hit policy R, O or C gives
    many: bool = False

    @property
    def counted(self) -> bool:
        """Held as an integer that can be compared."""
        return self.kind in _COUNTED

    def __str__(self) -> str:
        if self.many:
            return f"a list of {str(replace(self, many=False)).removeprefix('a ')}"
        match self.kind:
            case "number":
                return "a number" if self.scale else "a whole number"
            case "text":
                return f"one of {', '.join(self.values)}" if self.values else "a string"
            case "datetime":
                return "a date and time"
            case "duration":
                return "a days and time duration"
            case "months":
                return "a years and months duration"
            case "null":
                return "null"
            case _:
                return f"a {self.kind}"


BOOLEAN: Final = Type("boolean")
TEXT: Final = Type("text")
NULL: Final = Type("null")


def bounded(kind: Kind, low: int | None = None, high: int | None = None, *, scale: int = 0, unit: str = "") -> Type:
    """A counted type; bounds that are not given are the widest of its kind."""
    least, most = _BOUNDS[kind]
    if kind == "number":
        least, most = least * 10 ** min(scale, 3), most * 10 ** min(scale, 3)
    return Type(kind, scale=scale, unit=unit, low=least if low is None else low, high=most if high is None else high)


def choice(values: tuple[str, ...], *, ordered: bool = False) -> Type:
    return Type("text", values=values, ordered=ordered)


def of_fact(fact: Fact) -> Type:
    """The type of a fact of the vocabulary."""
    match fact.kind:
        case "choice":
            return choice(fact.values, ordered=fact.ordered)
        case "boolean":
            return BOOLEAN
        case "string":
            return TEXT
        case "date":
            return bounded("date")
        case _:
            factor = 10**fact.scale
            low = None if fact.low is None else fact.low * factor
            high = None if fact.high is None else fact.high * factor
            return bounded("number", low, high, scale=fact.scale, unit=fact.unit)
