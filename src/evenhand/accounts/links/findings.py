"""Rings found among a market's disputes, kept for a person to confirm or dismiss.

Looking takes the disputes of 90 days, asks who acts together (`acting`), within rings of linked accounts and in the market, and
keeps each group that chance does not explain: its buyers, the stores they dispute with, the figures. A finding is evidence and
nothing else: no ruling reads it, no label follows from it. It is found when somebody looks, so as a fact it would make the same
application come out differently by when that was; the fact a ruling may know is `history.ring_same_store_90d` (`facts`).
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final, Literal

import msgspec
import numpy as np

from evenhand.accounts.links.acting import FORTNIGHT, Disputes, Group, acting_together, rings_by_number
from evenhand.accounts.state import Connection
from evenhand.errors import Conflict, UnknownThing
from evenhand.naming import person
from evenhand.store import Queries

Verdict = Literal["confirmed", "dismissed"]

DAYS: Final = 90

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
    connection: Connection,
    market: str,
    now: datetime,
    stage: Callable[[str], None] = lambda _: None,
    *,
    until: datetime | None = None,
) -> int:
    """Look for rings in a market's last 90 days, or in those before `until`; returns how many were not known before.

    Inside the caller's transaction.
    `stage` is told what is being done. Raises `UnknownThing` when there is no such market.
    """
    numbers = {row["id"]: row["no"] for row in await connection.fetch(_desk.markets)}
    if market not in numbers:
        raise UnknownThing(f"there is no market {market!r}", field="market")
    until = until or now
    since = until - timedelta(days=DAYS)
    stage("Reading disputes")
    rows = await connection.fetch(_sql.disputes, numbers[market], since, until, FORTNIGHT)
    if not rows:
        return 0
    buyer, store, fortnight, times, refund_only, ring = (
        np.array([row[name] or 0 for row in rows], dtype=np.int64)
        for name in ("buyer", "merchant", "fortnight", "times", "refund_only", "ring")
    )
    buyers, buyer = np.unique(buyer, return_inverse=True)
    stores, store = np.unique(store, return_inverse=True)
    rings = rings_by_number(buyer, ring)
    disputes = Disputes(buyer, store, fortnight, times)
    new = 0
    # a large market takes many seconds: a server goes on answering meanwhile
    for group in await asyncio.to_thread(acting_together, disputes, rings, stage):
        inside = np.isin(buyer, group.buyers) & np.isin(store, group.stores)
        figures = int(times[inside].sum()), int(refund_only[inside].sum()), int((rings[group.buyers] > 0).sum())
        accounts = buyers[group.buyers].tolist(), stores[group.stores].tolist()
        new += await _keep(connection, numbers[market], now, since, group, accounts, figures)
    return new


async def _keep(
    connection: Connection,
    market: int,
    now: datetime,
    since: datetime,
    group: Group,
    accounts: tuple[list[int], list[int]],
    figures: tuple[int, int, int],
) -> bool:
    """Write a finding; whether it was not known before."""
    buyers, stores = accounts
    digest = blake2b(msgspec.json.encode(buyers), digest_size=16).digest()
    kept = await connection.fetchrow(
        _sql.keep_finding, market, digest, now, since, group.density, group.chance, *figures
    )
    assert kept is not None
    await connection.execute(_sql.keep_accounts, kept["no"], [*buyers, *stores])
    return not kept["found_before"]


async def findings(connection: Connection, market: str | None = None, *, judged: bool = False) -> list[Finding]:
    """Findings that wait for a person, densest first; with `judged` those that have a verdict after them."""
    rows = await connection.fetch(_sql.findings, market, judged)
    return [msgspec.convert(dict(row), Finding) for row in rows]


async def judge(
    connection: Connection, finding: int, verdict: Verdict, *, by: str, now: datetime, note: str | None = None
) -> None:
    """A person's verdict on a finding, given once. Raises `UnknownThing`, or `Conflict` when it has one."""
    by = person(by)
    if await connection.fetchval(_sql.judge, finding, verdict, by, now, note) is None:
        earlier = await connection.fetchrow(_sql.verdict, finding)
        if earlier is None:
            raise UnknownThing(f"there is no finding {finding}", field="finding")
        raise Conflict(f"finding {finding} was {earlier['verdict']} by {earlier['reviewed_by']}", field="verdict")
