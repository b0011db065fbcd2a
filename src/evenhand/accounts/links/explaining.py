"""Say who a buyer of a market is linked with and why, or what two share without being linked, from what the store holds.

This is for the marketplace's own people. Nothing of it is told to a merchant: a neighbour's address is nobody's business.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from evenhand.accounts.links.grouping import CAPS, KINDS, MOST_VALUES
from evenhand.accounts.links.keeping import holdings
from evenhand.accounts.links.paths import Shared, Step, path, paths, shared_by
from evenhand.accounts.state import Connection
from evenhand.errors import BadInput, UnknownThing
from evenhand.store import Queries

_sql: Final = Queries.load("links")
# So many members of a ring are looked at, and so many told with the way to them.
_MOST_READ: Final = 2_000
MOST_SHOWN: Final = 60


class NamedStep(msgspec.Struct, frozen=True):
    """One step of a path: two buyers, by the marketplace's ids, and what they share."""

    before: str
    after: str
    shared: list[Shared]
    # 0 to 1; see `grouping.strength`
    strength: float


class Explained(msgspec.Struct, frozen=True):
    """What stands between two buyers."""

    linked: bool
    # from the first to the second, where they are linked
    path: list[NamedStep]
    # what the two share themselves, whether it links or not
    shared: list[Shared]


class Held(msgspec.Struct, frozen=True):
    """Something a buyer has used, without saying what it is."""

    kind: str
    # how many accounts use it; a hub's are not counted further than one above the cap
    holders: int
    # used by too many to link anybody
    hub: bool


class Linked(msgspec.Struct, frozen=True):
    """A buyer of the same ring, and the way there."""

    account: str
    path: list[NamedStep]


class Links(msgspec.Struct, frozen=True):
    """Who a buyer is linked with, and by what."""

    account: str
    market: str
    # accounts in its ring, itself included; 0 without one
    ring_size: int
    # the nearest, at most 60
    ring: list[Linked]
    holds: list[Held]
    # kinds of which it has used too many different things, so that none of them links it
    overfull: list[str]
    # findings about who acts together in which it stands
    findings: list[int]


async def links_of(connection: Connection, market: str, buyer: str) -> Links:
    """Who a buyer is linked with. Raises `UnknownThing` when it is not known."""
    row = await connection.fetchrow(_sql.account, market, "buyer", buyer)
    if row is None:
        raise UnknownThing(f"market {market} has no buyer {buyer!r}", field="account")
    start: int = row["no"]
    size = 0
    accounts = {start}
    if row["ring"] is not None:
        size = await connection.fetchval(_sql.size, row["ring"]) or 0
        accounts |= {one["account"] for one in await connection.fetch(_sql.some_members, row["ring"], _MOST_READ)}
    held = await holdings(connection, accounts)
    ways = {account: steps for account, steps in paths(held, start).items() if steps}
    ids = {one["no"]: one["id"] for one in await connection.fetch(_sql.ids, [start, *ways])}
    nearest = sorted(
        ways, key=lambda account: (len(ways[account]), -min(step.strength for step in ways[account]), account)
    )
    own = [(kind, holders) for account, kind, _, holders in held if account == start]
    counts = [sum(kind == one for kind, _ in own) for one in range(len(KINDS))]
    findings = [one["finding"] for one in await connection.fetch(_sql.findings_of, start)]
    return Links(
        buyer,
        market,
        size,
        [Linked(ids[account], _named(ways[account], ids)) for account in nearest[:MOST_SHOWN]],
        [Held(KINDS[kind], holders, holders > CAPS[kind]) for kind, holders in sorted(own)],
        [KINDS[kind] for kind, count in enumerate(counts) if count > MOST_VALUES],
        findings,
    )


def _named(steps: Iterable[Step], ids: Mapping[int, str]) -> list[NamedStep]:
    return [NamedStep(ids[step.before], ids[step.after], step.shared, step.strength) for step in steps]


async def explain(connection: Connection, market: str, first: str, second: str) -> Explained:
    """How two buyers are linked. Raises `UnknownThing` naming the one that is not known, `BadInput` where they are the same."""
    numbers: list[int] = []
    rings: list[int | None] = []
    for field, buyer in (("account", first), ("other", second)):
        row = await connection.fetchrow(_sql.account, market, "buyer", buyer)
        if row is None:
            raise UnknownThing(f"market {market} has no buyer {buyer!r}", field=field)
        numbers.append(row["no"])
        rings.append(row["ring"])
    start, end = numbers
    if start == end:
        raise BadInput(f"{second!r} is the first buyer again: two are asked for", field="other")
    accounts = set(numbers)
    if rings[0] is not None and rings[0] == rings[1]:
        accounts |= {row["account"] for row in await connection.fetch(_sql.members, [rings[0]])}
    held = await holdings(connection, accounts)
    steps = path(held, start, end)
    ids = {row["no"]: row["id"] for row in await connection.fetch(_sql.ids, list(accounts))}
    return Explained(steps is not None, _named(steps or (), ids), shared_by(held, start, end))
