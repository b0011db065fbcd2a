"""The keeper: a process of its own that runs the embedded PostgreSQL for as long as anybody uses it.

It is told a directory and prints one JSON line: `{"socket": ...}` once the server takes connections, or
`{"error": ...}`. If another keeper is at work there, it only passes on that one's address. Otherwise it starts the
server, starts it again should it crash, and stops it when the last user has gone: that is when it gets `users.lock` for
itself alone. Should the keeper be killed, the kernel tells the server to shut down (on Linux).

It runs as a plain script on the standard library, outside the package, so that it starts in milliseconds and holds
nothing open. The files it works with are described in `embedded.py`.
"""

import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Final, NoReturn

SUPERUSER: Final = "evenhand"
_PORT: Final = 5432
_POLL_SECONDS: Final = 0.05
_STOP_SECONDS: Final = 60.0
_TRIES: Final = 5
_LOG_BYTES: Final = 10_000_000
_PR_SET_PDEATHSIG: Final = 1

_SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # an acknowledged ruling survives a power cut
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # many small durable writes on a modest machine
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "wal_compression": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class ServerError(Exception):
    """The server cannot be started; the text says why, for the person at the command."""


class Server:
    """PostgreSQL in `directory/postgres`, run from `programs` as `user` (null: as ourselves)."""

    def __init__(self, directory: Path, programs: Path, user: tuple[int, int] | None) -> None:
        self._data = directory / "postgres"
        self._address = directory / "address"
        self._log = directory / "server.log"
        self._lock = directory / "server.lock"
        self._programs = programs
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None
        self._place: str | None = None

    def start(self) -> str:
        """Start the server, making its directory the first time; returns the directory of its socket."""
        begin = self._log.stat().st_size if self._log.exists() else 0
        for _ in range(_TRIES):
            place, process = self._launch()
            while process.poll() is None:
                if self._is_ready():
                    return place
                time.sleep(_POLL_SECONDS / 5)
            if process.returncode > 0:  # it gave up; else it was killed, which says nothing against trying again
                break
        raise ServerError(f"{_complaint(self._log, begin)}; see {self._log}")

    def _launch(self) -> tuple[str, subprocess.Popen[bytes]]:
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # free only when every process of an earlier server has gone; from here on, its pid file is certainly stale
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._data.exists():
                self._make()
            (self._data / "postmaster.pid").unlink(missing_ok=True)
            place = self._place = self._socket_place()
            # its number may be of a killed server not reaped yet, or of another process by now: both look alive
            (Path(place) / f".s.PGSQL.{_PORT}.lock").unlink(missing_ok=True)
            settings = {**_SETTINGS, "unix_socket_directories": place, "port": str(_PORT)}
            options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
            command = [*self._program("postgres", self._data), *options]
            with self._log.open("ab") as log:
                self._process = self._run(command, self._data, log, (lock,), partial(_end_with_parent, os.getpid()))
        finally:
            os.close(lock)
        return place, self._process

    def tend(self) -> None:
        """Start the server again if it has crashed."""
        if self._process is not None and self._process.poll() is not None:
            self.start()

    def stop(self) -> None:
        """Stop the server: fast, and by force only when that does not help."""
        for order in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self._process is None or self._process.poll() is not None:
                break
            self._process.send_signal(order)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
        if self._place:
            shutil.rmtree(self._place, ignore_errors=True)

    def _make(self) -> None:
        """Make PostgreSQL's directory beside its place, so that a half-made one is never taken for a whole one."""
        fresh = self._data.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if self._user:
            os.chown(fresh, *self._user)
        sorting = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command = [*self._program("initdb", fresh), f"--username={SUPERUSER}", "--auth=trust", *sorting]
        made = self._run(command, fresh, subprocess.PIPE)
        said, _ = made.communicate()
        if made.returncode:
            lines = said.decode(errors="replace").split("\n")
            raise ServerError(next((line for line in lines if "error:" in line), lines[0]))
        fresh.rename(self._data)

    def _program(self, name: str, data: Path) -> list[str]:
        # Another user may not reach the directory by its path (below /root, say), but can work in it once it is there.
        return [str(self._programs / name), "-D", "/proc/self/cwd" if self._user else str(data)]

    def _run(
        self,
        command: list[str],
        where: Path,
        output: IO[bytes] | int,
        pass_fds: tuple[int, ...] = (),
        first: Callable[[], None] | None = None,
    ) -> subprocess.Popen[bytes]:
        uid, gid = self._user or (None, None)
        return subprocess.Popen(
            command,
            cwd=where,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=uid,
            group=gid,
            extra_groups=[] if self._user else None,
            umask=0o077,
            pass_fds=pass_fds,
            preexec_fn=first,  # noqa: PLW1509 - the keeper has no threads
        )

    def _socket_place(self) -> str:
        """A short private directory for the socket, since a socket's path has about a hundred bytes at most.

        Once chosen it stays the same, so that those who know it find the server again.
        """
        uid, gid = self._user or (os.getuid(), os.getgid())
        place = _read(self._address)
        if place:
            try:
                Path(place).mkdir(mode=0o700)
            except FileExistsError:
                found = Path(place).lstat()
                if stat.S_ISDIR(found.st_mode) and found.st_uid == uid:
                    return place
                place = ""  # somebody else's by now
        place = place or tempfile.mkdtemp(prefix="evenhand-", dir="/tmp")
        os.chown(place, uid, gid)
        fresh = self._address.with_suffix(".new")
        fresh.write_text(place)
        fresh.rename(self._address)
        return place

    def _is_ready(self) -> bool:
        """Whether the server takes connections: the eighth line of its pid file says so."""
        lines = _read(self._data / "postmaster.pid").split("\n")
        return len(lines) > 7 and lines[7].strip() == "ready"


def _end_with_parent(parent: int) -> None:
    """In the server, before it begins: have the kernel ask it to shut down when the keeper dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT))
    if os.getppid() != parent:  # too late
        os._exit(1)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def _complaint(log: Path, begin: int) -> str:
    """What the server said last that tells why it ended."""
    with log.open("rb") as lines:
        lines.seek(begin)
        said = lines.read().decode(errors="replace").strip().split("\n")
    return next((line.partition("FATAL:")[2].strip() for line in reversed(said) if "FATAL:" in line), said[-1])


def _answers(place: str) -> bool:
    """Whether somebody listens on the socket in `place`."""
    with socket.socket(socket.AF_UNIX) as caller:
        try:
            caller.connect(f"{place}/.s.PGSQL.{_PORT}")
        except OSError:
            return False
        return True


def _take(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _say(**answer: str) -> None:
    """Answer whoever asked, and let go of the pipe."""
    print(json.dumps(answer), flush=True)  # noqa: T201
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def keep(server: Server, users: int) -> None:
    """Run the server until nobody uses it any more."""
    try:
        _say(socket=server.start())
        while not _take(users):
            server.tend()
            time.sleep(_POLL_SECONDS)
    finally:
        server.stop()


def _interrupted(*_: object) -> NoReturn:
    raise SystemExit(0)


def main() -> None:
    orders = json.loads(sys.argv[1])
    directory = Path(orders["directory"])
    lock = os.open(directory / "keeper.lock", os.O_RDWR | os.O_CREAT, 0o600)
    while not _take(lock):
        place = _read(directory / "address")
        if place and _answers(place):
            _say(socket=place)
            return
        time.sleep(_POLL_SECONDS)
    if os.fork():
        os._exit(0)  # who asked gets its process back at once; the child keeps the lock, the pipe and the work
    signal.signal(signal.SIGTERM, _interrupted)
    log = directory / "server.log"
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.rename(log.with_suffix(".log.1"))
    try:
        keep(
            Server(directory, Path(orders["programs"]), orders["user"]),
            os.open(directory / "users.lock", os.O_RDWR | os.O_CREAT, 0o600),
        )
    except (ServerError, OSError) as error:
        _say(error=str(error))


if __name__ == "__main__":
    main()
