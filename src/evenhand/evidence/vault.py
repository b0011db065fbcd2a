"""Where files are kept: by the SHA-256 of what is in them, in a directory or in a bucket.

A file is whole or it is not there, whenever the process or the machine dies: in a directory it is written beside its place,
flushed to disk and moved into it; a bucket takes an object whole by itself. Kept under its own hash, a file can be written twice
without harm, and what is read is checked against the name it was asked by. What is to be removed, and when, is not known here
(`retention`).
"""

import asyncio
import os
import secrets
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, S3Store

from evenhand.errors import BadInput, StoreError

if TYPE_CHECKING:
    from obstore.store import RetryConfig

PLACE_VARIABLE: Final = "EVENHAND_EVIDENCE"
_PATIENCE: "RetryConfig" = {"max_retries": 4, "retry_timeout": timedelta(seconds=20)}


class Vault(Protocol):
    """Keeps files by their hash."""

    async def put(self, data: bytes) -> bytes:
        """Keep a file; returns its SHA-256 (32 bytes) once it is durable. Raises `StoreError`."""
        ...

    async def get(self, digest: bytes) -> bytes:
        """The file of that hash, checked; raises `StoreError` when it is missing or damaged."""
        ...

    async def holds(self, digest: bytes) -> bool:
        """Whether there is a file of that hash; raises `StoreError`."""
        ...

    async def remove(self, digest: bytes) -> None:
        """Remove the file of that hash for good, if it is there; raises `StoreError`."""
        ...


def open_vault(place: str | None, default: Path) -> Vault:
    """The vault at `place` (or `EVENHAND_EVIDENCE`): a directory, or `s3://bucket/prefix`; else in the directory `default`.

    A bucket's region, endpoint and credentials come from the environment, as the AWS tools read them (`AWS_REGION`,
    `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, ...). Raises `BadInput` for a place that is neither.
    """
    place = place or os.environ.get(PLACE_VARIABLE)
    if not place:
        return Directory(default)
    if place.startswith("s3://"):
        try:
            return Bucket(S3Store.from_url(place, retry_config=_PATIENCE), place)
        except (BaseError, ValueError) as error:
            raise BadInput(f"{place} cannot be used: {_short(error)}", field=PLACE_VARIABLE) from None
    if "://" in place:
        raise BadInput(f"{place} is neither a directory nor s3://bucket/prefix", field=PLACE_VARIABLE)
    return Directory(Path(place))


def path_of(digest: bytes) -> str:
    """Where a file lies: two levels of 256 folders, so that none grows large."""
    name = digest.hex()
    return f"{name[:2]}/{name[2:4]}/{name}"


class Directory:
    """A vault in a directory that only its owner may read; made when the first file is kept."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, data: bytes) -> bytes:
        try:
            return await asyncio.to_thread(self._put, data)
        except OSError as error:
            raise StoreError(f"evidence cannot be written to {self._root}: {error.strerror or error}") from error

    async def get(self, digest: bytes) -> bytes:
        path = self._root / path_of(digest)
        try:
            data = await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise StoreError(f"evidence cannot be read from {path}: {error.strerror or error}") from error
        return _checked(data, digest, str(path))

    async def holds(self, digest: bytes) -> bool:
        return await asyncio.to_thread((self._root / path_of(digest)).exists)

    async def remove(self, digest: bytes) -> None:
        path = self._root / path_of(digest)
        try:
            await asyncio.to_thread(self._remove, path)
        except OSError as error:
            raise StoreError(f"evidence cannot be removed from {path}: {error.strerror or error}") from error

    @staticmethod
    def _remove(path: Path) -> None:
        if path.exists():
            path.unlink()
            _flush(path.parent)

    def _put(self, data: bytes) -> bytes:
        digest = sha256(data).digest()
        path = self._root / path_of(digest)
        if path.exists() and sha256(path.read_bytes()).digest() == digest:
            return digest
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        arriving = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(arriving, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            arriving.replace(path)
        except BaseException:
            arriving.unlink(missing_ok=True)
            raise
        # a name is durable when the folders on the way to it are
        for folder in (path.parent, path.parent.parent, self._root):
            _flush(folder)
        return digest


class Bucket:
    """A vault in an S3-compatible bucket."""

    def __init__(self, store: ObjectStore, place: str) -> None:
        self._store = store
        self._place = place

    async def put(self, data: bytes) -> bytes:
        digest = sha256(data).digest()
        try:
            await obstore.put_async(self._store, path_of(digest), data)
        except (BaseError, OSError) as error:
            raise StoreError(f"evidence cannot be written to {self._place}: {_short(error)}") from error
        return digest

    async def get(self, digest: bytes) -> bytes:
        path = path_of(digest)
        try:
            data = await (await obstore.get_async(self._store, path)).bytes_async()
        except (BaseError, OSError) as error:
            raise StoreError(f"evidence cannot be read from {self._place}/{path}: {_short(error)}") from error
        return _checked(bytes(data), digest, f"{self._place}/{path}")

    async def holds(self, digest: bytes) -> bool:
        path = path_of(digest)
        try:
            await obstore.head_async(self._store, path)
        except FileNotFoundError:
            return False
        except (BaseError, OSError) as error:
            raise StoreError(f"evidence cannot be read from {self._place}/{path}: {_short(error)}") from error
        return True

    async def remove(self, digest: bytes) -> None:
        path = path_of(digest)
        try:
            await obstore.delete_async(self._store, path)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise StoreError(f"evidence cannot be removed from {self._place}/{path}: {_short(error)}") from error


def _checked(data: bytes, digest: bytes, place: str) -> bytes:
    if sha256(data).digest() != digest:
        raise StoreError(f"{place} is damaged: it no longer holds what was sealed")
    return data


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _short(error: Exception) -> str:
    """The first line; a bucket's errors are pages long."""
    return str(error).strip().partition("\n")[0][:300]
