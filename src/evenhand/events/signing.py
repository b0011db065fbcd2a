"""Signatures as Standard Webhooks has them (https://www.standardwebhooks.com): HMAC-SHA256 over id, second and body."""

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

_PREFIX: Final = "whsec_"
_BYTES: Final = 32


def new_secret() -> str:
    """A secret of 32 random bytes, in the form that the published libraries read."""
    return _PREFIX + b64encode(secrets.token_bytes(_BYTES)).decode()


def signed_headers(keys: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a message; one signature for each secret that is valid."""
    second = str(int(at.timestamp()))
    signed = b".".join((message_id.encode(), second.encode(), body))
    signatures = [b64encode(hmac.digest(b64decode(key.removeprefix(_PREFIX)), signed, sha256)).decode() for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": second,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def verified(key: str, headers: Mapping[str, str], body: bytes, now: datetime, oldest: float) -> bool:
    """Whether a message that came in is signed by a secret, and at most so many seconds old or ahead; names are lower case."""
    name, second = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (second.isascii() and second.isdigit() and len(second) < 12) or abs(int(second) - now.timestamp()) > oldest:
        return False
    signed = signed_headers([key], name, datetime.fromtimestamp(int(second), UTC), body)["webhook-signature"]
    given = headers.get("webhook-signature", "").encode().split(b" ")
    return any(hmac.compare_digest(one, signed.encode()) for one in given)
