"""A labelled history from the rulings in a database: the facts as stored, the labels from whoever knows them."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from evenhand.accounts.abuse.labelled import Labelled, Line, gathered
from evenhand.accounts.state import Connection
from evenhand.errors import BadInput, UnknownThing
from evenhand.store import Queries

_sql: Final = Queries.load("abuse")
_publishing: Final = Queries.load("publishing")
_facts: Final = msgspec.json.Decoder(dict[str, Any])


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became known of a claim; one line of a file of labels."""

    market: str
    application: str
    abusive: bool
    # null is on the day of the application
    known_on: date | None = None


class Claim(NamedTuple):
    """Whose claim it was, by the marketplace's ids."""

    market: str
    application: str
    buyer: str


# None: nobody has found out
Truth = Callable[[Claim], Known | None]


async def read_rulings(connection: Connection, market: str | None, truth: Truth, source: str) -> Labelled:
    """Every ruling of a market (of all, where none is named) that the truth knows something about; raises `UnknownThing`."""
    if market is not None and await connection.fetchrow(_publishing.market, market) is None:
        raise UnknownThing(f"there is no market {market[:60]!r}", field="--market")
    rows = await connection.fetch(_sql.ruled, market)
    return gathered(source, enumerate(_lines(rows, truth), 1))


def _lines(rows: list[Any], truth: Truth) -> Iterator[Line]:
    for row in rows:
        claim = Claim(row["market"], row["id"], row["buyer"])
        known = truth(claim)
        if known is None:
            yield Line({})
        else:
            yield Line(_facts.decode(row["facts"]), known.abusive, known.known_on, f"{claim.market}/{claim.buyer}")


def read_labels(path: Path) -> dict[tuple[str, str], Known]:
    """A file of labels (NDJSON of `Known`), by market and application; raises `BadInput` naming the line."""
    decoder, found = msgspec.json.Decoder(Known), dict[tuple[str, str], Known]()
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}", field="--labels") from None
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        try:
            known = decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            shape = '{"market": "...", "application": "...", "abusive": true or false}'
            raise BadInput(f"a label is {shape}: {error}", line=number, file=str(path)) from None
        before = found.setdefault((known.market, known.application), known)
        if before.abusive != known.abusive:
            raise BadInput(f"application {known.application!r} is labelled both ways", line=number, file=str(path))
    return found
