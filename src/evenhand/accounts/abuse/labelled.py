"""A labelled history: applications with the facts as they stood when they were ruled, and whether the claim was abusive.

The facts are those stored with rulings, so nothing from after the application is in them. The label comes later, from outside:

- *abusive*: fraud that was confirmed, by an investigation, a chargeback decided for the merchant, or a person's ruling on the
  case;
- *honest*: a refusal that was overturned on appeal, an inspection that found the goods as the buyer said, or a claim that a
  person looked at and granted.

What nobody has looked at has no label and is not learned from: taking silence for honesty teaches a score to miss what was
missed before. `known_on` is the day the label became known; a label of the held-out time must not teach the card that is
tested on it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from evenhand.accounts.abuse.evidence import CHOICES, EVIDENCE, NUMBERS, as_number, as_word, value_of
from evenhand.accounts.scores import ABUSE
from evenhand.errors import BadInput
from evenhand.policy.types import of_fact
from evenhand.policy.values import nested
from evenhand.vocabulary import FACTS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_EPOCH: Final = date(1970, 1, 1).toordinal()
_TYPES: Final = {name: of_fact(fact) for name, fact in FACTS.items()}
# what every row is filled up with: what the documented scorecard reads
_NEEDED: Final = tuple(ABUSE.model.read)
_documented: Final = ABUSE.picker("abuse.score")
_MOST_LINE: Final = 1_000_000
UNKNOWN: Final = -1


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """One line of a labelled history, as NDJSON."""

    # nested, as for `evenhand decide`
    facts: dict[str, Any]
    # null: nobody has found out
    abusive: bool | None = None
    # when the label became known; null is at once
    known_on: date | None = None
    # whose claim; only used to say how well buyers are scored who were not learned from
    buyer: str = ""


@dataclass(slots=True)
class Labelled:
    """A labelled history in columns, in the order it came."""

    # whose history, in words
    source: str
    # facts that are numbers: NaN is not known; facts that are choices: the empty text is
    numbers: dict[str, Floats]
    choices: dict[str, NDArray[np.str_]]
    abusive: Bools
    # days since 1970: of the application, and of the label
    filed: Ints
    known: Ints
    # which buyer, where it is told
    buyer: Ints
    # what the documented scorecard says
    documented: Floats
    # lines without a label
    unlabelled: int

    def __len__(self) -> int:
        return len(self.abusive)


@dataclass(slots=True)
class _Growing:
    """What is gathered while lines are read."""

    columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in EVIDENCE})
    abusive: list[bool] = field(default_factory=list[bool])
    filed: list[int] = field(default_factory=list[int])
    known: list[int] = field(default_factory=list[int])
    buyer: list[int] = field(default_factory=list[int])
    documented: list[float] = field(default_factory=list[float])
    buyers: dict[str, int] = field(default_factory=dict[str, int])
    unlabelled: int = 0

    def take(self, line: Line) -> None:
        """Take a line in; raises `BadInput` naming the fact that is wrong."""
        if line.abusive is None:
            self.unlabelled += 1
            return
        facts = nested(line.facts, _TYPES, _NEEDED)
        filed = value_of(facts, "application.filed_on")
        if filed is None:
            raise BadInput("is needed: what is later is held out", field="facts.application.filed_on")
        day = filed.toordinal() - _EPOCH
        for name in NUMBERS:
            self.columns[name].append(as_number(value_of(facts, name)))
        for name in CHOICES:
            self.columns[name].append(as_word(value_of(facts, name)))
        self.abusive.append(line.abusive)
        self.filed.append(day)
        self.known.append(max(day, line.known_on.toordinal() - _EPOCH) if line.known_on else day)
        self.buyer.append(self.buyers.setdefault(line.buyer, len(self.buyers)) if line.buyer else UNKNOWN)
        [score] = _documented(facts)
        self.documented.append(float(score))

    def done(self, source: str) -> Labelled:
        return Labelled(
            source,
            {name: np.array(self.columns[name], dtype=np.float64) for name in NUMBERS},
            {name: np.array(self.columns[name], dtype=np.str_) for name in CHOICES},
            np.array(self.abusive, dtype=np.bool_),
            np.array(self.filed, dtype=np.int64),
            np.array(self.known, dtype=np.int64),
            np.array(self.buyer, dtype=np.int64),
            np.array(self.documented, dtype=np.float64),
            self.unlabelled,
        )


def gathered(source: str, lines: Iterable[tuple[int, Line]], file: str = "") -> Labelled:
    """Lines (with their numbers) in columns; raises `BadInput` naming the line and the fact that is wrong."""
    growing = _Growing()
    for number, line in lines:
        try:
            growing.take(line)
        except BadInput as error:
            raise BadInput(error.detail, field=error.field, line=number, file=file) from None
    return growing.done(source)


def read_history(path: Path, advance: Callable[[int], None] = lambda _: None) -> Labelled:
    """Read a labelled history from NDJSON; `advance` hears how many more bytes were read. Raises `BadInput`."""
    return gathered(f"the labelled history {path.name}", _lines(path, advance), str(path))


def _lines(path: Path, advance: Callable[[int], None]) -> Iterator[tuple[int, Line]]:
    decoder = msgspec.json.Decoder(Line)
    try:
        with path.open("rb") as file:
            number = 0
            while raw := file.readline(_MOST_LINE + 1):
                number += 1
                advance(len(raw))
                if len(raw) > _MOST_LINE:
                    raise BadInput(f"a line may hold {_MOST_LINE:,} bytes", line=number, file=str(path))
                if raw.strip():
                    yield number, _decoded(decoder, raw, number, path)
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}", field="--history") from None


def _decoded(decoder: "msgspec.json.Decoder[Line]", raw: bytes, number: int, path: Path) -> Line:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        detail = f'a line is {{"facts": {{...}}, "abusive": true or false}}: {error}'
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        detail = f"this is not JSON: {error}"
    except RecursionError:
        detail = "this JSON is nested too deeply"
    raise BadInput(detail, line=number, file=str(path))
