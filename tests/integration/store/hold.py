"""Open the embedded database of a directory, say where it is, and hold it until a signal comes. Run as a process."""

import asyncio
import json
import sys
from pathlib import Path

from evenhand.store import open_database


async def hold(directory: Path) -> None:
    async with open_database(None, directory) as database:
        sys.stdout.write(json.dumps({"url": database.url}) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(hold(Path(sys.argv[1])))
