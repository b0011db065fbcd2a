"""Migrations: numbered SQL files, applied once each, forward only.

`migrations/0001_first.sql` and its followers are applied in the order of their numbers. Each runs in a transaction of
its own that first takes one advisory lock, so that two processes starting at once queue, and the second finds the work
done. What was applied is recorded with a checksum: a file that was changed afterwards, or a database that has come
further than this code, is refused and nothing is touched.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

from evenhand.errors import StoreError

_DIRECTORY: Final = Path(__file__).parent / "migrations"
_FILE: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
# Any number will do, as long as every Evenhand takes the same one: "evenhand" in ASCII.
_LOCK: Final = int.from_bytes(b"evenhand")

_RECORD = """
create table if not exists migration (
    no         int primary key,
    name       text not null,
    checksum   text not null,
    applied_at timestamptz not null default now()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `store/migrations`."""

    no: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def shipped(directory: Path = _DIRECTORY) -> tuple[Migration, ...]:
    """Every migration of this version, in order; raises `ValueError` when the numbers are not 1, 2, 3 and so on."""
    migrations: list[Migration] = []
    for path in sorted(directory.glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is None or int(match[1]) != len(migrations) + 1:
            raise ValueError(f"{path.name} is not the name of migration {len(migrations) + 1:04}")
        migrations.append(Migration(int(match[1]), path.name, path.read_text(encoding="utf-8")))
    return tuple(migrations)


async def migrate(connection: asyncpg.Connection, migrations: tuple[Migration, ...] | None = None) -> int:
    """Bring the database to this version; returns how many migrations this call applied. Raises `StoreError`."""
    migrations = shipped() if migrations is None else migrations
    applied = 0
    while await _apply_next(connection, migrations):
        applied += 1
    return applied


async def _apply_next(connection: asyncpg.Connection, migrations: tuple[Migration, ...]) -> bool:
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_RECORD)
        done = {row["no"]: row for row in await connection.fetch("select no, name, checksum from migration")}
        _check(done, migrations)
        waiting = next((m for m in migrations if m.no not in done), None)
        if waiting is None:
            return False
        try:
            await connection.execute(waiting.sql)
        except (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError):
            raise  # cut off: not the migration's fault
        except asyncpg.PostgresError as error:
            raise StoreError(f"migration {waiting.name} failed and was undone: {error}") from error
        await connection.execute(
            "insert into migration (no, name, checksum) values ($1, $2, $3)", waiting.no, waiting.name, waiting.checksum
        )
        return True


def _check(done: dict[int, Any], migrations: tuple[Migration, ...]) -> None:
    """Refuse a database whose past is not the past of this code."""
    newest = max(done, default=0)
    if newest > len(migrations):
        raise StoreError(
            f"the database is newer than this Evenhand: it has migration {done[newest]['name']}, which this version "
            "does not know; install the version that made it, or a later one"
        )
    for migration in migrations:
        record = done.get(migration.no)
        if record is not None and record["checksum"] != migration.checksum:
            raise StoreError(
                f"migration {migration.name} differs from {record['name']} as it was applied to this database; "
                "install the version that made the database, or begin with an empty one"
            )
