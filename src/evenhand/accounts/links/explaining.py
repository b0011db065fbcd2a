"""Say why two buyers of a market are linked, or what they share without being linked, from what the store holds."""

import msgspec

from evenhand.accounts.links.keeping import holdings
from evenhand.accounts.links.paths import Shared, path, shared_by
from evenhand.accounts.state import Connection
from evenhand.errors import UnknownThing
from evenhand.store import Queries

_sql = Queries.load("links")


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


async def explain(connection: Connection, market: str, first: str, second: str) -> Explained:
    """How two buyers are linked. Raises `UnknownThing` naming the one that is not known."""
    numbers: list[int] = []
    rings: list[int | None] = []
    for field, buyer in (("first", first), ("second", second)):
        row = await connection.fetchrow(_sql.account, market, "buyer", buyer)
        if row is None:
            raise UnknownThing(f"market {market} has no buyer {buyer!r}", field=field)
        numbers.append(row["no"])
        rings.append(row["ring"])
    start, end = numbers
    accounts = set(numbers)
    if rings[0] is not None and rings[0] == rings[1]:
        accounts |= {row["account"] for row in await connection.fetch(_sql.members, [rings[0]])}
    held = await holdings(connection, accounts)
    steps = path(held, start, end)
    ids = {row["no"]: row["id"] for row in await connection.fetch(_sql.ids, list(accounts))}
    named = [NamedStep(ids[step.before], ids[step.after], step.shared, step.strength) for step in steps or ()]
    return Explained(steps is not None, named, shared_by(held, start, end))
