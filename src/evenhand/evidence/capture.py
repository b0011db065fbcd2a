"""Reads capture credentials from photographs, where a marketplace says whose signatures it trusts.

Which signers are to be believed is for whoever runs the marketplace to say, with a file of certificates. Without one nothing is
believed and nothing is read. Whatever keeps a credential from being read comes to the same, that there is none: there is none, it
is broken, nobody knows its signer, it says that a model made the picture, it crashes or stalls its reader.
"""

import importlib.util
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from evenhand.errors import BadInput
from evenhand.evidence.content import Kind
from evenhand.evidence.credential import CaptureCredential, credential_of

_log: Final = logging.getLogger(__name__)

ANCHORS_VARIABLE: Final = "EVENHAND_C2PA_ANCHORS"
_CHILD: Final = Path(__file__).with_name("c2pa_child.py")
_SECONDS: Final = 15
_TYPES: Final[Mapping[Kind, str]] = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "heic": "image/heic",
    "gif": "image/gif",
}
# The first thing in a manifest, in every kind of file: what lacks it costs no process.
_MARK: Final = b"c2pa"
_LARGEST_REPORT: Final = 1024 * 1024
# What a process needs of its surroundings to start; keys and passwords are not among it.
_NEEDED: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")


class CaptureReader:
    """Reads capture credentials by the certificates in a file of PEM, which is read anew for each photograph."""

    def __init__(self, anchors: Path) -> None:
        self.anchors = anchors

    def read(self, data: bytes, kind: Kind) -> CaptureCredential | None:
        """The capture credential of a file, if it has one. Never raises; takes a fraction of a second, and 15 s at most."""
        media_type = _TYPES.get(kind)
        if media_type is None or _MARK not in data:
            return None
        try:
            done = _run([str(self.anchors), media_type], data)
        except (OSError, subprocess.SubprocessError) as error:
            _log.warning("a photograph's capture credential could not be read: %s", type(error).__name__)
            return None
        if done.returncode < 0:
            _log.warning("a photograph ended the reader of capture credentials with signal %d", -done.returncode)
        if done.returncode or len(done.stdout) > _LARGEST_REPORT:
            return None
        return credential_of(done.stdout)

    def check(self) -> str:
        """What it reads with, in words; raises `BadInput` where it cannot read."""
        if importlib.util.find_spec("c2pa") is None:
            raise BadInput(
                "capture credentials need the extra 'c2pa': pip install 'evenhand[c2pa]'", field=ANCHORS_VARIABLE
            )
        try:
            self.anchors.read_bytes()
            done = _run(["--check", str(self.anchors)], b"")
        except OSError as error:
            raise BadInput(f"cannot read {self.anchors}: {error.strerror or error}", field=ANCHORS_VARIABLE) from None
        except subprocess.SubprocessError as error:
            raise BadInput(f"the reader does not answer: {error}", field=ANCHORS_VARIABLE) from None
        if done.returncode:
            why = done.stderr.decode(errors="replace").strip().rpartition("\n")[2].partition(" See ")[0][:200]
            raise BadInput(
                f"{self.anchors} is no file of certificates in PEM, or the reader does not run here: {why}",
                field=ANCHORS_VARIABLE,
            )
        version, count = done.stdout.decode().split()
        return f"read with c2pa-python {version}, trusted certificates: {count} ({self.anchors})"


def open_reader(environment: Mapping[str, str] = os.environ) -> CaptureReader | None:
    """The reader by the file that `EVENHAND_C2PA_ANCHORS` names, None where it names none; raises `BadInput` when it cannot be
    used."""
    place = environment.get(ANCHORS_VARIABLE)
    if not place:
        return None
    reader = CaptureReader(Path(place).absolute())
    reader.check()
    return reader


def _run(arguments: list[str], data: bytes) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(  # noqa: S603 - this very Python, and a program of ours
        [sys.executable, "-I", str(_CHILD), *arguments],
        input=data,
        capture_output=True,
        timeout=_SECONDS,
        check=False,
        env={name: os.environ[name] for name in _NEEDED if name in os.environ},
    )
