"""A labelled history from the rulings in a database: the facts as stored, the labels from whoever knows them.

Where nobody brings labels, what persons found in their cases is the truth: the latest word counts, so a ruling that an appeal
turned over teaches what the appeal found. Only a finding about the claim is a label: that the evidence fell short, that the
merchant was silent, or that the platform paid out of goodwill says nothing about honesty, and neither does what the parties
agreed on, nor what the policy ruled by itself, which must not teach the score that it reads.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
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


# Grounds (`evenhand.cases.grounds`) that say that what was claimed is not so, where the application was declined ...
UNTRUE: Final = frozenset(
    {"goods.as_described", "parcel.delivered", "return.empty", "evidence.unreliable", "inspection.result"}
)
# ... and those that say that it is, where it was granted.
TRUE: Final = frozenset(
    {
        "goods.defective", "goods.not_as_described", "goods.counterfeit", "goods.incomplete", "parcel.lost", "return.received",
        "inspection.result", "panel.buyer",
    }
)  # fmt: skip

# None: nobody has found out
Truth = Callable[[Claim], Known | None]


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels that were brought, by market and application, and for which of them there was a ruling."""

    known: Mapping[tuple[str, str], Known]
    met: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def truth(self, claim: Claim) -> Known | None:
        """What the labels say of a claim, which has been met from now on."""
        key = (claim.market, claim.application)
        known = self.known.get(key)
        if known is not None:
            self.met.add(key)
        return known

    def unmet(self) -> list[str]:
        """Labels, as `market/application`, of what was not met: no such application was ruled where was looked."""
        return [
            f"{market}/{application}" for market, application in self.known if (market, application) not in self.met
        ]


def finding(outcome: str, grounds: Collection[str]) -> bool | None:
    """Whether a claim was abusive, by what persons decided and why; None where that does not say."""
    if outcome == "decline":
        return True if UNTRUE.intersection(grounds) else None
    return False if TRUE.intersection(grounds) else None


async def persons_truth(connection: Connection, market: str | None) -> Truth:
    """What persons found of a market's claims (of all, where none is named), known on the day they ruled.

    Raises `UnknownThing` for the market, `BadInput` where they found nothing yet.
    """
    await _check_market(connection, market)
    known: dict[tuple[str, str], Known] = {}
    for row in await connection.fetch(_sql.judged, market):
        abusive = finding(row["outcome"], row["grounds"])
        if abusive is not None:
            known[row["market"], row["id"]] = Known(row["market"], row["id"], abusive, row["known_on"])
    if not known:
        raise BadInput(
            "say which applications were abusive: rulings of the policy alone do not tell, and no person has found anything of a "
            "claim in a case here yet",
            field="--labels",
        )
    return lambda claim: known.get((claim.market, claim.application))


async def read_rulings(connection: Connection, market: str | None, truth: Truth, source: str) -> Labelled:
    """Every ruling of a market (of all, where none is named) that the truth knows something about; raises `UnknownThing`."""
    await _check_market(connection, market)
    rows = await connection.fetch(_sql.ruled, market)
    return gathered(source, enumerate(_lines(rows, truth), 1))


async def _check_market(connection: Connection, market: str | None) -> None:
    if market is not None and await connection.fetchrow(_publishing.market, market) is None:
        raise UnknownThing(f"there is no market {market[:60]!r}", field="--market")


def _lines(rows: list[Any], truth: Truth) -> Iterator[Line]:
    for row in rows:
        claim = Claim(row["market"], row["id"], row["buyer"])
        known = truth(claim)
        if known is None:
            yield Line({})
        else:
            yield Line(_facts.decode(row["facts"]), known.abusive, known.known_on, f"{claim.market}/{claim.buyer}")


def read_labels(path: Path) -> Labels:
    """A file of labels (NDJSON of `Known`); raises `BadInput` naming the line."""
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
    return Labels(found)
