"""Rings found among a market's disputes, kept for a person to confirm or dismiss.

Looking takes the disputes of 90 days, peels them (`peeling`), and keeps each block that chance does not explain: its buyers, the
stores they dispute with, the figures. Buyers that are also linked by what they share start with some suspicion, so that a group
that does both stands out sooner. A finding is evidence and nothing else: no ruling reads it, no label follows from it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final, Literal

import msgspec
import numpy as np

from evenhand.accounts.links.grouping import Ints
from evenhand.accounts.links.peeling import Block, Graph, blocks
from evenhand.accounts.state import Connection
from evenhand.errors import BadInput, Conflict, UnknownThing
from evenhand.store import Queries

Verdict = Literal["confirmed", "dismissed"]

DAYS: Final = 90
# What being linked with another buyer who disputes adds to a buyer, in the measure of edges: about half a dispute with a store
# that twenty dispute with.
LINKED: Final = 0.15

_sql: Final = Queries.load("links")
_desk: Final = Queries.load("desk")


class Finding(msgspec.Struct, frozen=True):
    """A group that acts together against the same stores."""

    no: int
    market: str
    first_found: datetime
    last_found: datetime
    # disputes filed from here on were looked at
    since: datetime
    # what peeling measured, and the most that chance made of the same disputes
    density: float
    chance: float
    # between its buyers and its stores
    disputes: int
    refund_only: int
    # of its buyers, those linked with another buyer who disputes
    linked_buyers: int
    # of a person, when there is one
    verdict: Verdict | None
    reviewed_by: str | None
    reviewed_at: datetime | None
    note: str | None
    # the marketplace's ids
    buyers: list[str]
    merchants: list[str]


async def look(
    connection: Connection, market: str, now: datetime, stage: Callable[[str], None] = lambda _: None
) -> int:
    """Look for rings in a market's last 90 days, inside the caller's transaction; returns how many were not known before.

    `stage` is told what is being done. Raises `UnknownThing` when there is no such market.
    """
    numbers = {row["id"]: row["no"] for row in await connection.fetch(_desk.markets)}
    if market not in numbers:
        raise UnknownThing(f"there is no market {market!r}", field="market")
    since = now - timedelta(days=DAYS)
    stage("Reading disputes")
    rows = await connection.fetch(_sql.disputes, numbers[market], since, now)
    if not rows:
        return 0
    buyers, merchants, times, refund_only = (
        np.array([row[name] for row in rows], dtype=np.int64) for name in ("buyer", "merchant", "times", "refund_only")
    )
    rings = np.array([row["ring"] or 0 for row in rows], dtype=np.int64)
    buyer_of, row = np.unique(buyers, return_inverse=True)
    merchant_of, column = np.unique(merchants, return_inverse=True)
    linked = linked_with_another(row, rings, len(buyer_of))
    stage(f"Peeling {len(rows):,} pairs of buyer and store, and as many dealt at random")
    found, chance = blocks(Graph.of(row, column, times, (linked * LINKED).astype(np.float64)))
    new = 0
    for block in found:
        inside = np.isin(row, block.rows) & np.isin(column, block.columns)
        accounts = buyer_of[block.rows].tolist(), merchant_of[block.columns].tolist()
        figures = (int(times[inside].sum()), int(refund_only[inside].sum()), int(linked[block.rows].sum()))
        new += await _keep(connection, numbers[market], now, since, block, chance, accounts, figures)
    return new


def linked_with_another(row: Ints, rings: Ints, count: int) -> Ints:
    """For each of `count` buyers 1 when another is in its ring, else 0; `row` and `rings` are buyer and ring (or 0) of pairs."""
    ring_of = np.zeros(count, dtype=np.int64)
    ring_of[row] = rings
    _, place, sizes = np.unique(ring_of, return_inverse=True, return_counts=True)
    return ((sizes[place] > 1) & (ring_of > 0)).astype(np.int64)


async def _keep(
    connection: Connection,
    market: int,
    now: datetime,
    since: datetime,
    block: Block,
    chance: float,
    accounts: tuple[list[int], list[int]],
    figures: tuple[int, int, int],
) -> bool:
    """Write a finding; whether it was not known before."""
    buyers, merchants = accounts
    digest = blake2b(msgspec.json.encode(buyers), digest_size=16).digest()
    kept = await connection.fetchrow(_sql.keep_finding, market, digest, now, since, block.density, chance, *figures)
    assert kept is not None
    await connection.execute(_sql.keep_accounts, kept["no"], [*buyers, *merchants])
    return not kept["found_before"]


async def findings(connection: Connection, market: str | None = None, *, judged: bool = False) -> list[Finding]:
    """Findings that wait for a person, densest first; with `judged` those that have a verdict after them."""
    rows = await connection.fetch(_sql.findings, market, judged)
    return [msgspec.convert(dict(row), Finding) for row in rows]


async def judge(
    connection: Connection, finding: int, verdict: Verdict, *, by: str, now: datetime, note: str | None = None
) -> None:
    """A person's verdict on a finding, given once. Raises `UnknownThing`, or `Conflict` when it has one."""
    if not by.strip():
        raise BadInput("say who looked at it", field="by")
    if await connection.fetchval(_sql.judge, finding, verdict, by, now, note) is None:
        earlier = await connection.fetchrow(_sql.verdict, finding)
        if earlier is None:
            raise UnknownThing(f"there is no finding {finding}", field="finding")
        raise Conflict(f"finding {finding} was {earlier['verdict']} by {earlier['reviewed_by']}", field="verdict")
