"""Open the embedded database of a directory and write rows, saying each once it is committed. Run as a process."""

import asyncio
import sys
from pathlib import Path

from evenhand.store import open_database

MARKET = "insert into market (id, name, policy, currency, time_zone) values ($1, 'M', '1688', 'CNY', 'UTC')"


async def write(directory: Path, name: str, rows: int) -> None:
    async with open_database(None, directory) as database:
        for row in range(rows):
            try:
                await database.pool.execute(MARKET, f"{name}-{row}")
            except Exception:  # noqa: S112 - whatever a killed server makes of it: the row is not acknowledged
                continue
            sys.stdout.write(f"{name}-{row}\n")
            sys.stdout.flush()
            await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
