"""The truth about the synthetic marketplace: which claims are abusive, which no real market knows without looking."""

from typing import Final

from evenhand.accounts.abuse.rulings import Claim, Known, Truth
from evenhand.accounts.state import Connection
from evenhand.simulation.marketplace import kinds_of_buyers
from evenhand.store import Queries

_sql: Final = Queries.load("abuse")


async def synthetic_truth(connection: Connection) -> Truth | None:
    """Of the marketplace made in this database: a claim is abusive when its buyer was generated so. None where none was made."""
    made = await connection.fetchrow(_sql.demo)
    if made is None:
        return None
    kinds = kinds_of_buyers(made["orders"], made["seed"])

    def truth(claim: Claim) -> Known | None:
        kind = kinds.get((claim.market, claim.buyer))
        return None if kind is None else Known(claim.market, claim.application, kind == "abusive")

    return truth
