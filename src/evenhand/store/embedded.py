"""The embedded PostgreSQL, seen from a process that uses it.

A data directory holds one server, shared by every process that opens it. Whoever uses the server holds a shared lock
on `users.lock` for as long; the server itself is run by a small process of its own, the keeper (`keeper.py`), which
stops it when nobody holds that lock any more. The kernel drops a process's locks however the process ends, `kill -9`
included: so nobody has to tidy up, and no server is left behind.

    users.lock    shared: held by everybody who uses the server
    keeper.lock   held by the keeper: there is one per directory
    server.lock   held by every process of the server: when it is free, the last of them has gone
    address       where the server's socket is while it runs
    server.log    what the server had to say
    postgres/     PostgreSQL's own directory
"""

import asyncio
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from evenhand.errors import StoreError
from evenhand.store import keeper
from evenhand.store.server_user import choose_server_user

# A server that was killed may have a while of write-ahead log to replay.
_START_SECONDS: Final = 300
_STOP_SECONDS: Final = 60
_TRIES: Final = 5


class Embedded:
    """A use of the embedded server in one data directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._url: str | None = None
        self.log = directory / "server.log"

    async def url(self) -> str:
        """URL of the running server, which is started when it does not run; raises `StoreError`."""
        if self._url is None:
            socket = await asyncio.to_thread(_ask_keeper, self._directory)
            self._url = f"postgresql://{keeper.SUPERUSER}@/postgres?host={quote(socket, safe='/')}"
        return self._url

    def forget(self) -> None:
        """The server does not answer where it did: have `url` ask again."""
        self._url = None


@asynccontextmanager
async def use_embedded(directory: Path) -> AsyncGenerator[Embedded]:
    """Use the server in `directory`; when this was its last use, leaving waits until it has stopped."""
    users = await asyncio.to_thread(_join, directory)
    try:
        yield Embedded(directory.resolve())
    finally:
        await asyncio.to_thread(_leave, users, directory)


def _join(directory: Path) -> int:
    """Take the shared lock; it is refused only while a keeper, having it alone, stops its server."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        users = os.open(directory / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
        if _locked(users, fcntl.LOCK_SH, _STOP_SECONDS):
            return users
        os.close(users)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(f"cannot keep a database in {directory} ({reason}); give another place with --data") from error
    raise StoreError(f"the database in {directory} does not finish stopping; see {directory}/server.log")


def _leave(users: int, directory: Path) -> None:
    """Give the shared lock up; if nobody else holds it, stay until the keeper has stopped the server."""
    fcntl.flock(users, fcntl.LOCK_UN)
    alone = _locked(users, fcntl.LOCK_EX, 0)
    os.close(users)
    if alone:
        with suppress(FileNotFoundError), (directory / "keeper.lock").open() as kept:
            _locked(kept.fileno(), fcntl.LOCK_SH, _STOP_SECONDS)


def _locked(descriptor: int, kind: int, seconds: float) -> bool:
    """Try for so long to lock; polled, because a blocking flock cannot be given a time limit."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        else:
            return True


def _ask_keeper(directory: Path) -> str:
    """Have a keeper answer where the socket is: the one at work, or, when there is none, a new one."""
    log = directory / "server.log"
    user, programs = choose_server_user(directory / "postgres")
    orders = json.dumps({"directory": str(directory), "programs": str(programs), "user": user})
    for _ in range(_TRIES):
        said = _said_by_keeper(orders, log)
        if said:
            answer = json.loads(said)
            if "error" in answer:
                raise StoreError(f"the embedded PostgreSQL did not start: {answer['error']}")
            return answer["socket"]
        # it was killed before it could answer
    raise StoreError(f"the embedded PostgreSQL could not be started; see {log}")


def _said_by_keeper(orders: str, log: Path) -> str:
    # isolated and without site-packages: it starts in a few milliseconds and imports nothing of ours
    command = [sys.executable, "-I", "-S", keeper.__file__, orders]
    with (
        log.open("ab") as complaints,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            cwd="/",
            start_new_session=True,
            text=True,
        ) as asked,
    ):
        try:
            said, _ = asked.communicate(timeout=_START_SECONDS)
        except subprocess.TimeoutExpired:
            asked.kill()
            raise StoreError(f"the embedded PostgreSQL did not start in {_START_SECONDS} s; see {log}") from None
    return said
