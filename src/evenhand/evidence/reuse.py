"""Whether what an application shows was shown before, in a case about another order, whether its camera vouches for it, and
how many pieces it is.

What evidence is like, and what its camera says, was found when it came (`custody`); here it is only looked up, in one query for
all applications of a batch that refer to evidence, and in none for the others. A buyer may show the same photograph again about
the same order. A camera's word counts for the buyer who shows the photograph first: a copy of it that somebody else brings, or
that was shown about another order line, has none.

A batch is ruled while the one before it is being written, and its applications see each other: what those show is looked up in
memory. Two processes ruling two buyers' applications in the same moment do not see each other's; the next one sees both.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import asyncpg
import asyncpg.pool

from evenhand.store import Queries

_sql: Final = Queries.load("evidence")
_reference: Final = re.compile(r"ev_[0-9a-f]{32}")
# So many other cases are written down with a use.
_MOST_CASES: Final = 50


class Asked(NamedTuple):
    """An application that refers to evidence."""

    # in the batch
    place: int
    # numbers of its market and of the order line it is about
    market: int
    line: int
    # when it was filed
    moment: datetime
    references: Sequence[str]


def refers(references: Iterable[str]) -> bool:
    """Whether there are references to evidence that was uploaded, among names and links of the marketplace's own."""
    return any(map(_reference.fullmatch, references))


class _Use(NamedTuple):
    case: int
    order: int
    line: int
    at: datetime


@dataclass(slots=True)
class _Piece:
    """Evidence an application refers to."""

    number: int
    order: int
    line: int
    at: datetime
    # many write the same text: that says nothing
    comparable: bool
    # its capture credential counts, by what had been shown before this batch
    credential: bool
    # numbers of itself and of what it is like
    kin: list[int]
    # the other cases in which any of them was shown
    cases: set[int]


@dataclass(slots=True)
class Shown:
    """What a batch's applications show."""

    pieces: dict[int, list[_Piece]] = field(default_factory=dict[int, list[_Piece]])
    # places of applications that also refer to what is not known here
    unknown: set[int] = field(default_factory=set[int])
    # by place of those that refer to evidence: how many pieces that is
    counts: dict[int, int] = field(default_factory=dict[int, int])
    # by number of the evidence: where this batch shows it
    uses: dict[int, list[_Use]] = field(default_factory=dict[int, list[_Use]])
    rows: list[tuple[int, int, int, datetime, str, bool]] = field(
        default_factory=list[tuple[int, int, int, datetime, str, bool]]
    )
    # the batch that is being written meanwhile
    ahead: "Shown | None" = None

    def reused(self, place: int) -> bool | None:
        """Whether the application at a place shows what was shown before; None when that cannot be known of all it shows."""
        pieces = self.pieces.get(place)
        if not pieces:
            return None
        if any(self._seen_in(piece) for piece in pieces):
            return True
        return None if place in self.unknown or not all(piece.comparable for piece in pieces) else False

    def vouched(self, place: int) -> bool | None:
        """Whether the application at a place shows a photograph whose capture credential counts; None where it does not, since
        that says nothing."""
        pieces = self.pieces.get(place)
        return True if pieces and any(self._counts(piece) for piece in pieces) else None

    def take(self, place: int, case: int) -> None:
        """The application at a place was ruled: what it shows counts as shown from now on."""
        for piece in self.pieces.get(place, ()):
            cases = ",".join(str(number) for number in sorted(self._seen_in(piece))[:_MOST_CASES])
            self.rows.append((case, piece.number, piece.order, piece.at, f"{{{cases}}}", self._counts(piece)))
            self.uses.setdefault(piece.number, []).append(_Use(case, piece.order, piece.line, piece.at))

    async def write(self, connection: "asyncpg.Connection | asyncpg.pool.PoolConnectionProxy") -> None:
        """Write down what was shown, inside the caller's transaction."""
        self.ahead = None
        if self.rows:
            await connection.execute(_sql.use, *(list(column) for column in zip(*self.rows, strict=True)))

    def _seen_in(self, piece: _Piece) -> set[int]:
        if not piece.comparable:
            return set()
        return piece.cases | {use.case for use in self._earlier(piece) if use.order != piece.order}

    def _counts(self, piece: _Piece) -> bool:
        return piece.credential and all(use.line == piece.line for use in self._earlier(piece))

    def _earlier(self, piece: _Piece) -> Iterator[_Use]:
        """Where this batch and the one ahead show the piece, or what it is like, by its moment."""
        for batch in (self, self.ahead):
            if batch is not None and batch.uses:
                for number in piece.kin:
                    for use in batch.uses.get(number, ()):
                        if use.at <= piece.at:
                            yield use


async def look_up(
    connection: "asyncpg.Connection | asyncpg.pool.PoolConnectionProxy",
    asked: Sequence[Asked],
    ahead: Shown | None = None,
) -> Shown:
    """Look up what applications refer to, in one query; none when there are none."""
    shown = Shown(ahead=ahead if ahead is not None and ahead.uses else None)
    if not asked:
        return shown
    rows = [
        (one.place, one.market, name, one.line, one.moment)
        for one in asked
        for name in dict.fromkeys(one.references)
        if _reference.fullmatch(name)
    ]
    found = await connection.fetch(_sql.shown, *(list(column) for column in zip(*rows, strict=True)), _MOST_CASES)
    by_place = {one.place: one for one in asked}
    known: set[tuple[int, str]] = set()
    files: dict[int, set[bytes]] = {}
    for row in found:
        place = row["i"]
        known.add((place, row["id"]))
        # what was erased has no hash any more: each is one of its own
        files.setdefault(place, set()).add(row["sealed"] or row["id"].encode())
        one = by_place[place]
        piece = _Piece(
            row["no"], row["order_no"], one.line, one.moment, row["comparable"], row["credential"], row["kin"],
            set(row["cases"]),
        )  # fmt: skip
        shown.pieces.setdefault(place, []).append(piece)
    shown.unknown = {one.place for one in asked if any((one.place, name) not in known for name in one.references)}
    for one in asked:
        own = {name for name in one.references if not _reference.fullmatch(name)}
        shown.counts[one.place] = len(own) + len(files.get(one.place, ()))
    return shown


async def show_in_case(
    connection: "asyncpg.Connection | asyncpg.pool.PoolConnectionProxy", case: int, shown: Asked
) -> None:
    """Evidence was added to a case that had been ruled: it counts as shown there, inside the caller's transaction."""
    found = await look_up(connection, [shown] if refers(shown.references) else [])
    found.take(shown.place, case)
    await found.write(connection)
