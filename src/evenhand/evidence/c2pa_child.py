"""Reads one file's C2PA manifest in a process of its own, and says nothing unless its signer is trusted.

A program by itself, started by its path (`capture`) for each file that seems to hold a manifest: it imports nothing of ours, so
that it starts at once. A stranger's file is read by native code here. Should that crash, hang or swell, this process ends and
nothing else does. Once it begins to read it can open no file and no connection: it has no descriptor left to open one with.

Standard input is the file; the answer on standard output is the library's detailed report, as JSON.
"""

import contextlib
import sys
from pathlib import Path

# What one file may take.
_SECONDS = 10
_BYTES = 512 * 1024 * 1024
_OFFLINE = {
    "verify": {
        "verify_after_reading": True,
        "verify_trust": True,
        "verify_timestamp_trust": True,
        "remote_manifest_fetch": False,
        "ocsp_fetch": False,
    },
    "core": {"allowed_network_hosts": []},
}


def _limit(name: str, most: int) -> None:
    """Where the system knows such limits, and allows them."""
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        import resource

        resource.setrlimit(getattr(resource, name), (most, most))


def check(anchors: str) -> None:
    """Print the library's version and how many certificates are trusted; raises where one cannot be read."""
    import c2pa
    from cryptography.x509 import load_pem_x509_certificates

    found = load_pem_x509_certificates(Path(anchors).read_bytes())
    print(c2pa.__version__, len(found))  # noqa: T201


def read(anchors: str, media_type: str) -> None:
    """Print the report on the file on standard input, where its signer is trusted."""
    _limit("RLIMIT_CORE", 0)
    _limit("RLIMIT_CPU", _SECONDS)
    _limit("RLIMIT_AS", _BYTES)
    import io

    import c2pa

    trusted = Path(anchors).read_text("utf-8")
    data = io.BytesIO(sys.stdin.buffer.read())
    with c2pa.Context.from_dict({**_OFFLINE, "trust": {"trust_anchors": trusted}}) as context:
        _limit("RLIMIT_NOFILE", 0)
        with c2pa.Reader(media_type, data, context=context) as reader:
            if reader.get_validation_state() == "Trusted":
                sys.stdout.write(reader.detailed_json())


if __name__ == "__main__":
    if sys.argv[1] == "--check":
        check(sys.argv[2])
    else:
        read(*sys.argv[1:3])
