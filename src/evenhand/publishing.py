"""Publishing: which policy version rules a market, and from which day.

A version rules from its first day, in the market's time zone, until the first day of the next one. That no two rule the same
moment is the database's to hold (see `publication` in the migrations); here is what people are told about it. Days that have
begun are never published over, so nothing that was ruled could have been ruled otherwise.

A market that nobody has published for follows the package's versions of its policy by their own dates. Scorecards and labelling
documents are published the same way, each role beside the others; until then the package's count, since ever.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal

import asyncpg
import msgspec

from evenhand.accounts.abuse.keeping import read_scorers
from evenhand.accounts.labelling import STANDARD
from evenhand.accounts.labelling import checked as checked_labelling
from evenhand.accounts.scores import ABUSE, CARDS, EXPERIENCE, INTEGRITY, Role, checked_card, role_of, scorecards
from evenhand.accounts.state import Connection
from evenhand.booking import parsed
from evenhand.cases.keeping import read_settings
from evenhand.cases.settings import DEFAULT
from evenhand.errors import BadInput, Conflict, UnknownThing
from evenhand.events.outbox import Event, emit
from evenhand.markets import Followed, MarketDesk, Scoring, time_zone
from evenhand.naming import person
from evenhand.policy import Policy
from evenhand.records import Market
from evenhand.store import Queries

State = Literal["past", "in force", "scheduled", "withdrawn"]

_sql: Final = Queries.load("publishing")
_desk: Final = Queries.load("desk")
# What counts in every market until it publishes another.
_PACKAGE: Final[tuple[tuple[Role, Policy], ...]] = (
    ("integrity", INTEGRITY),
    ("experience", EXPERIENCE),
    ("abuse", ABUSE),
    ("labelling", STANDARD),
)
# The first day of the package's.
SINCE_EVER: Final = date.min


class Publication(msgspec.Struct, frozen=True):
    """A version published for a market."""

    # what it is for: ruling, or the scorecard of integrity, experience or abuse, or labelling
    role: Role
    policy: str
    version: str
    # of the document's text
    hash: str
    # first day it counts, in the market's time zone (0001-01-01: since ever), and the first day of the version after it
    effective: date
    until: date | None
    state: State
    # null: it came with the package
    published_by: str | None
    published_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None


def checked(policy: Policy) -> None:
    """See that a document passes its check, which every one must before it is published, and that what it is for can be done
    with what it reads; raises `BadInput`."""
    role = role_of(policy)
    if role == "labelling":
        checked_labelling(policy)
    elif role != "ruling":
        checked_card(policy, role)
    report = policy.check()
    if not report.good:
        first = report.errors[0]
        more = f" (and {len(report.errors) - 1} more)" if len(report.errors) > 1 else ""
        raise BadInput(
            f"{first.place}: {first.message}{more}; `evenhand policy check` shows everything", field="policy"
        )


async def publish(
    connection: Connection, market: str, policy: Policy, *, effective: date | None, by: str, now: datetime
) -> Publication:
    """Let a `checked` version count in a market from a day on (the document's own unless told), inside the caller's transaction.

    What it counts for its outputs say. The same again is fine. Raises `UnknownThing` for the market, `BadInput` for a day that
    has begun or a document that is for nothing, `Conflict` when the day is taken or the version is known with another text.
    """
    by = person(by)
    first = effective or policy.effective
    role = role_of(policy)
    await connection.execute(_sql.next_revision)
    place = await _market(connection, market)
    if place["pinned"] and role == "ruling":
        raise Conflict(
            f"market {market} is pinned to {place['policy']}@{place['pinned']}, whatever the date", field="market"
        )
    listed = [one for one in await publications(connection, market, now) if one.role == role]
    taken = next((one for one in listed if one.effective == first and one.state != "withdrawn"), None)
    if taken and (taken.policy, taken.version, taken.hash) == (policy.name, policy.version, policy.hash):
        return taken
    today = now.astimezone(time_zone(place["time_zone"])).date()
    ruling = next((one for one in listed if one.state == "in force"), None)
    begun = first <= today and ruling
    if (
        begun and role != "ruling"
    ):  # the package's counts since ever: where nothing was ruled yet, it has counted for nothing
        begun = await connection.fetchval(_sql.has_ruled, place["no"])
    if ruling and begun:
        does = "rules" if role == "ruling" else "counts"
        raise BadInput(
            f"{first} has begun in market {market} ({place['time_zone']}, where it is {today}) and {_named(ruling)} {does} "
            "there: choose a later day" + ("" if effective else " than the document's own"),
            field="effective",
        )
    if taken:
        raise Conflict(
            f"{_named(taken)} is published for market {market} from {first}: withdraw it first, or choose another day",
            field="effective",
        )
    number = await _keep(connection, policy)
    try:
        await connection.execute(_sql.publish, place["no"], role, number, first, by, now)
    except asyncpg.UniqueViolationError:
        raise Conflict(f"another version is published for market {market} from {first}", field="effective") from None
    await connection.execute(_sql.name_scorecards)
    said = {"role": role, "policy": policy.name, "version": policy.version, "hash": policy.hash}
    await emit(connection, [Event("policy.published", place["no"], None, now, {**said, "effective": first, "by": by})])
    listed = await publications(connection, market, now)
    return next(one for one in listed if one.role == role and one.effective == first and one.state != "withdrawn")


async def withdraw(
    connection: Connection, market: str, name: str, version: str | None, *, by: str, now: datetime
) -> Publication:
    """Take a scheduled version back before it takes effect, inside the caller's transaction; the one before it rules on.

    `version` may be left out when one of that name is scheduled. Raises `UnknownThing` when none is, `Conflict` when it rules.
    """
    by = person(by)
    await connection.execute(_sql.next_revision)
    place = await _market(connection, market)
    rows = await connection.fetch(_sql.publications, place["no"])
    listed = _stated(rows, now.astimezone(time_zone(place["time_zone"])).date())
    meant = [
        (row["no"], one)
        for row, one in zip(rows, listed, strict=True)
        if one.policy == name and version in (None, one.version)
    ]
    scheduled = [found for found in meant if found[1].state == "scheduled"]
    asked = f"{name}@{version}" if version else name
    if len(scheduled) > 1:
        days = ", ".join(f"{_named(one)} from {one.effective}" for _, one in scheduled)
        raise Conflict(f"several are scheduled for market {market}: {days}; name one as NAME@VERSION", field="policy")
    if not scheduled:
        if any(one.state == "in force" for _, one in meant):
            does = "rules" if meant[0][1].role == "ruling" else "counts in"
            raise Conflict(f"{asked} {does} market {market} already: publish another version to end it", field="policy")
        raise UnknownThing(f"no {asked} is scheduled for market {market}", field="policy")
    number, found = scheduled[0]
    await connection.execute(_sql.withdraw, number, by, now)
    await connection.execute(_sql.name_scorecards)
    said = {
        "role": found.role,
        "policy": found.policy,
        "version": found.version,
        "hash": found.hash,
        "effective": found.effective,
        "by": by,
    }
    await emit(connection, [Event("policy.withdrawn", place["no"], None, now, said)])
    return msgspec.structs.replace(found, state="withdrawn", until=None, withdrawn_by=by, withdrawn_at=now)


async def publications(connection: Connection, market: str, now: datetime) -> list[Publication]:
    """Everything that was published for a market: what rules it, then its scorecards and labelling, each in the order it counts;
    withdrawn ones beside. Raises `UnknownThing`."""
    place = await _market(connection, market)
    rows = await connection.fetch(_sql.publications, place["no"])
    return _stated(rows, now.astimezone(time_zone(place["time_zone"])).date())


async def follow(connection: Connection, policies: Sequence[Policy], now: datetime) -> None:
    """Let the markets nobody has published for follow these versions, and the package's scorecards, inside the caller's
    transaction."""
    for _, card in _PACKAGE:
        await connection.execute(_desk.register_policy, card.name, card.version, card.effective, card.hash, card.source)
    followed: list[tuple[Role, Policy]] = [*(("ruling", policy) for policy in policies), *_PACKAGE]
    names = [[role, policy.name, policy.version, policy.hash] for role, policy in followed]
    await connection.execute(_sql.follow, *(list(column) for column in zip(*names, strict=True)), now)
    await connection.execute(_sql.name_scorecards)


async def load_markets(connection: Connection) -> dict[str, MarketDesk]:
    """Every market by its id, with the versions it follows."""
    stored = {row["no"]: row for row in await connection.fetch(_desk.policy_versions)}
    # of two texts of one version (an upgrade corrected it) a pinned market takes the later
    latest = {(row["policy"], row["version"]): number for number, row in stored.items()}
    together = {tuple(row[1:]): row[0] for row in await connection.fetch(_sql.scorecards)}
    timelines: dict[tuple[int, Role], list[Followed]] = {}
    for market, role, effective, number, published in await connection.fetch(_sql.timelines):
        if role == "labelling" and not published:  # its settings may name another, which comes before the package's
            continue
        followed = Followed(effective, number, parsed(stored[number]["source"]))
        timelines.setdefault((market, role), []).append(followed)
    settings = await read_settings(connection)
    scorers = await read_scorers(connection)
    markets: dict[str, MarketDesk] = {}
    for row in await connection.fetch(_desk.markets):
        market = Market(row["id"], row["name"], row["policy"], row["currency"], row["time_zone"], row["pinned"])
        versions = timelines.get((row["no"], "ruling"), [])
        if market.pinned:
            number = latest[market.policy, market.pinned]
            versions = [Followed(date.min, number, parsed(stored[number]["source"]))]
        cases = settings.get(row["no"], DEFAULT)
        markets[market.id] = MarketDesk(
            row["no"], market, row["synthetic"], versions, cases, scorers.get(row["no"]),
            _scoring(row["no"], timelines, together), timelines.get((row["no"], "labelling"), ()),
        )  # fmt: skip
    return markets


def _scoring(
    market: int, timelines: Mapping[tuple[int, Role], Sequence[Followed]], together: Mapping[tuple[int, ...], int]
) -> list[Scoring]:
    """Which scorecards score a market's accounts, from when on."""
    by_role = [timelines.get((market, role), ()) for role in CARDS]
    found: list[Scoring] = []
    for day in sorted({one.effective for cards in by_role for one in cards}):
        at = [[one for one in cards if one.effective <= day] for cards in by_role]
        if all(at):
            numbers = tuple(cards[-1].number for cards in at)
            integrity, experience, abuse = (cards[-1].policy for cards in at)
            found.append(Scoring(day, together.get(numbers), scorecards(integrity, experience, abuse)))
    return found


async def next_revision(connection: Connection) -> None:
    """Announce, inside the caller's transaction, a change of what servers keep in mind of markets."""
    await connection.execute(_sql.next_revision)


def _stated(rows: Sequence[Any], today: date) -> list[Publication]:
    """Publications (by role and effective date) with their ends and states on a day."""
    found: list[Publication] = []
    for place, row in enumerate(rows):
        after = (one for one in rows[place + 1 :] if one["role"] == row["role"])
        later = (one["effective"] for one in after if one["withdrawn_at"] is None)
        until = next(later, None) if row["withdrawn_at"] is None else None
        state: State = "in force"
        if row["withdrawn_at"] is not None:
            state = "withdrawn"
        elif row["effective"] > today:
            state = "scheduled"
        elif until is not None and until <= today:
            state = "past"
        found.append(
            Publication(
                row["role"], row["policy"], row["version"], row["hash"], row["effective"], until, state, row["published_by"],
                row["published_at"], row["withdrawn_by"], row["withdrawn_at"],
            )
        )  # fmt: skip
    return found


async def _market(connection: Connection, market: str) -> Any:
    found = await connection.fetchrow(_sql.market, market)
    if found is None:
        known = ", ".join(row["id"] for row in await connection.fetch(_sql.market_ids)) or "none yet"
        raise UnknownThing(f"there is no market {market[:60]!r}; there are {known}", field="market")
    return found


async def _keep(connection: Connection, policy: Policy) -> int:
    """Store a version for good, and return its number; its text may not be another than it was."""
    stored = await connection.fetch(_sql.texts, policy.name, policy.version)
    if stored and all(row["hash"] != policy.hash for row in stored):
        raise Conflict(
            f"{policy.name}@{policy.version} is known with another text, and a published version never changes: "
            "give the changed document a version of its own",
            field="version",
        )
    await connection.execute(
        _desk.register_policy, policy.name, policy.version, policy.effective, policy.hash, policy.source
    )
    rows = await connection.fetch(_sql.texts, policy.name, policy.version)
    return next(row["no"] for row in rows if row["hash"] == policy.hash)


def _named(publication: Publication) -> str:
    return f"{publication.policy}@{publication.version}"
