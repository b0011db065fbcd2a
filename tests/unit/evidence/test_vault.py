"""What is sealed is there, whole, or not there at all; what is damaged is told so."""

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from evenhand.errors import BadInput, StoreError
from evenhand.evidence.vault import Directory, open_vault, path_of


async def test_what_is_put_is_got_and_put_again_is_fine(tmp_path: Path) -> None:
    vault = Directory(tmp_path / "not" / "there yet")
    digest = await vault.put(b"a photograph")
    assert digest == sha256(b"a photograph").digest()
    assert await vault.put(b"a photograph") == digest
    assert await vault.get(digest) == b"a photograph"


async def test_many_may_put_the_same_at_once(tmp_path: Path) -> None:
    vault = Directory(tmp_path)
    digests = await asyncio.gather(*(vault.put(b"x" * 100_000) for _ in range(20)))
    assert len(set(digests)) == 1
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [digests[0].hex()]


async def test_the_owner_alone_may_read_and_nobody_may_write(tmp_path: Path) -> None:
    vault = Directory(tmp_path)
    digest = await vault.put(b"private")
    path = tmp_path / path_of(digest)
    assert path.stat().st_mode & 0o777 == 0o400
    assert path.parent.stat().st_mode & 0o077 == 0


async def test_damage_is_noticed_on_reading_and_healed_by_the_same_again(tmp_path: Path) -> None:
    vault = Directory(tmp_path)
    digest = await vault.put(b"as it was sealed")
    path = tmp_path / path_of(digest)
    path.chmod(0o600)
    path.write_bytes(b"as it was changed")
    with pytest.raises(StoreError, match="damaged"):
        await vault.get(digest)
    await vault.put(b"as it was sealed")
    assert await vault.get(digest) == b"as it was sealed"


async def test_what_is_missing_or_in_the_way_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        await Directory(tmp_path).get(b"\1" * 32)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        await Directory(tmp_path / "file").put(b"x")


WRITER = """
import asyncio, sys
from pathlib import Path
from evenhand.evidence.vault import Directory

async def main():
    vault = Directory(Path(sys.argv[1]))
    for number in range(100_000):
        digest = await vault.put(number.to_bytes(4, "big") * 50_000)
        print(digest.hex(), flush=True)

asyncio.run(main())
"""


def test_a_writer_that_is_killed_leaves_whole_files_and_all_it_told_of(tmp_path: Path) -> None:
    for after in (0.05, 0.11, 0.17, 0.23):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        told = [first.strip(), *(line.strip() for line in process.stdout if line.endswith("\n"))]
        process.wait()
        vault = Directory(tmp_path)
        for name in told:
            assert asyncio.run(vault.get(bytes.fromhex(name)))
        for path in tmp_path.rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                assert sha256(path.read_bytes()).hexdigest() == path.name


class _Bucket(BaseHTTPRequestHandler):
    """A stand-in for an S3 server: what is put at a path is got there; nothing is checked."""

    objects: dict[str, bytes]

    def do_PUT(self) -> None:
        self.objects[self.path] = self.rfile.read(int(self.headers["content-length"]))
        self._answer(200, b"", {"ETag": '"1"'})

    def do_GET(self) -> None:
        if self.path in self.objects:
            self._answer(
                200, self.objects[self.path], {"ETag": '"1"', "Last-Modified": "Sun, 01 Mar 2026 04:00:00 GMT"}
            )
        else:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>", {})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Generator[dict[str, bytes]]:
    """What a bucket `seals` on this machine holds, by path."""
    objects: dict[str, bytes] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Bucket,), {"objects": objects}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    yield objects
    server.shutdown()
    server.server_close()


async def test_a_bucket_keeps_what_is_put(bucket: dict[str, bytes], tmp_path: Path) -> None:
    vault = open_vault("s3://seals/evidence", tmp_path)
    digest = await vault.put(b"a photograph")
    place = f"/seals/evidence/{path_of(digest)}"
    assert bucket == {place: b"a photograph"}
    assert await vault.get(digest) == b"a photograph"
    bucket[place] = b"another"
    with pytest.raises(StoreError, match="damaged"):
        await vault.get(digest)
    bucket.clear()
    with pytest.raises(StoreError, match="cannot be read"):
        await vault.get(digest)


def test_the_place_comes_from_the_environment_else_beside_the_database(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EVENHAND_EVIDENCE", str(tmp_path / "named"))
    asyncio.run(open_vault(None, tmp_path / "default").put(b"x"))
    assert [path.name for path in tmp_path.iterdir()] == ["named"]
    monkeypatch.delenv("EVENHAND_EVIDENCE")
    asyncio.run(open_vault(None, tmp_path / "default").put(b"x"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["default", "named"]
    for wrong in ("ftp://elsewhere/x", "s3://"):
        with pytest.raises(BadInput, match="EVENHAND_EVIDENCE"):
            open_vault(wrong, tmp_path)
