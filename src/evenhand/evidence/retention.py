"""How long evidence is kept, and how its files go.

A market keeps a file so many months after the last case it was shown in has ended; unless it says otherwise, as long as a
closed case can be appealed there. What nobody has shown in a case goes so long after it came. A case that has not ended, or
is under legal hold, keeps whatever was shown in it. What stays of a file that has gone is its row: hash, kind, size, custody
log, and where it was shown.

Removing is done in two steps. The transaction that decides writes which files are to go; they are removed from the vault
after it, by whoever comes first, each unless other evidence has the same file. So neither a crash nor a vault that is away
leaves a file forgotten.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import asyncpg
import msgspec

from evenhand.cases.keeping import read_settings
from evenhand.cases.settings import DEFAULT, Settings, months_after
from evenhand.errors import BadInput
from evenhand.evidence.holds import Hold, holds_of
from evenhand.evidence.log import Connection, note
from evenhand.evidence.vault import Vault
from evenhand.naming import person
from evenhand.store import Queries

_sql: Final = Queries.load("evidence")
_desk: Final = Queries.load("desk")
_EVERY: Final = timedelta(hours=1)
LONGEST_MONTHS: Final = 240
_AT_ONCE: Final = 200
_FILES_AT_ONCE: Final = 50
KEEPER: Final = "retention"


class Retention(msgspec.Struct, frozen=True):
    """How long a market keeps evidence after the last case it was shown in has ended."""

    months: int
    # as long as a closed case can be appealed, since the market has set nothing else
    by_default: bool
    set_by: str | None = None
    set_at: datetime | None = None


class Expired(msgspec.Struct, frozen=True):
    """Evidence whose time is over."""

    evidence: str
    market: str
    # when the last case it was shown in ended, or when it came where it was shown in none
    since: datetime


class Keeping(msgspec.Struct, frozen=True):
    """What becomes of the evidence of one case."""

    shown: int
    removed: int
    # until when it is kept; null while the case has not ended, and under a hold
    until: datetime | None
    hold: Hold | None


async def retention(connection: Connection, markets: Sequence[int]) -> dict[int, Retention]:
    """How long markets (by number) keep evidence."""
    settings = await read_settings(connection)
    rows = {row["market"]: row for row in await connection.fetch(_sql.retention)}
    found: dict[int, Retention] = {}
    for market in markets:
        row, appeal = rows.get(market), settings.get(market, DEFAULT).appeal_months
        if row is None or row["months"] is None:
            found[market] = Retention(appeal, by_default=True)
        else:
            # a market that lets appeal longer than before keeps what is appealed with, whatever it had set
            months = max(row["months"], appeal)
            found[market] = Retention(months, by_default=False, set_by=row["set_by"], set_at=row["set_at"])
    return found


async def set_retention(
    connection: Connection, market: int, months: int | None, settings: Settings, *, by: str, now: datetime
) -> None:
    """Let a market keep evidence so many months from now on; None: as long as a closed case can be appealed.

    Raises `BadInput` for less than that, since an appeal without its evidence is none.
    """
    by = person(by)
    if months is not None and not settings.appeal_months <= months <= LONGEST_MONTHS:
        raise BadInput(
            f"is between {settings.appeal_months}, the months in which a closed case can be appealed here, "
            f"and {LONGEST_MONTHS}",
            field="months",
        )
    await connection.execute(_sql.set_retention, market, months, by, now)


async def expired(connection: Connection, markets: Sequence[int], now: datetime) -> list[Expired]:
    """Evidence of markets whose time is over, at most 200 pieces."""
    return [Expired(row["id"], row["market"], row["since"]) for row in await _expired(connection, markets, now)]


async def remove_expired(connection: Connection, markets: Sequence[int], now: datetime) -> list[Expired]:
    """Let go of evidence whose time is over, at most 200 pieces, inside the caller's transaction; `sweep` afterwards."""
    await connection.execute(_sql.one_at_a_time)
    rows = await _expired(connection, markets, now)
    if rows:
        await let_go(connection, [row["no"] for row in rows], KEEPER, now, erased=False)
    return [Expired(row["id"], row["market"], row["since"]) for row in rows]


async def let_go(connection: Connection, evidence: Sequence[int], who: str, now: datetime, *, erased: bool) -> int:
    """Take the files of evidence (by number) away, inside the caller's transaction; `sweep` afterwards.

    With `erased` also what could tell the files again goes. Returns how many had a file.
    """
    await connection.execute(_sql.may_remove)
    rows = await connection.fetch(_sql.remove, list(evidence), now, erased)
    if erased:
        await connection.execute(_sql.forget_hash, list(evidence))
    await note(connection, [row["no"] for row in rows], "erased" if erased else "removed", who, now)
    return len(rows)


class Keeper:
    """Lets go of what is over, in every market, and removes the files; `step` is a job of the worker."""

    def __init__(self, pool: asyncpg.Pool, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._vault = vault
        self._clock = clock
        self._looked: datetime | None = None

    async def step(self) -> int:
        """Look once an hour, and again while there is more; returns whether there was anything."""
        now = self._clock()
        if self._looked is not None and timedelta() <= now - self._looked < _EVERY:
            return 0
        async with self._pool.acquire() as connection, connection.transaction():
            markets = [row["no"] for row in await connection.fetch(_desk.markets)]
            gone = await remove_expired(connection, markets, now)
        await sweep(self._pool, self._vault)
        if not gone:
            self._looked = now
        return len(gone)


async def sweep(pool: asyncpg.Pool, vault: Vault) -> int:
    """Remove from the vault what is to go; returns how many files went. Raises `StoreError` when the vault is away."""
    gone = 0
    while True:
        async with pool.acquire() as connection, connection.transaction():
            # whoever adds the same file meanwhile waits, and finds it gone
            await connection.execute(_sql.one_at_a_time)
            rows = await connection.fetch(_sql.to_remove, _FILES_AT_ONCE)
            if not rows:
                return gone
            for row in rows:
                if not row["needed"]:
                    await vault.remove(row["digest"])
                    gone += 1
            await connection.execute(_sql.removed, [row["digest"] for row in rows])


async def keeping_of(connection: Connection, case: int) -> Keeping:
    """What becomes of the evidence of a case (of one that there is)."""
    row = await connection.fetchrow(_sql.kept_in_case, case)
    assert row is not None
    hold = next((one for one in await holds_of(connection, case) if one.lifted_at is None), None)
    until = None
    if row["ended"] is not None and hold is None:
        months = (await retention(connection, [row["market"]]))[row["market"]].months
        until = months_after(row["ended"], months)
    return Keeping(row["shown"], row["removed"], until, hold)


async def _expired(connection: Connection, markets: Sequence[int], now: datetime) -> list[asyncpg.Record]:
    kept: Mapping[int, Retention] = await retention(connection, markets)
    return await connection.fetch(_sql.expired, list(kept), [one.months for one in kept.values()], now, _AT_ONCE)
