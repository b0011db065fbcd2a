"""Who may ask: the API key, and what keeps other people's web pages out.

With a key, every request brings it (`Authorization: Bearer`) or the cookie that signing in with it gave. Without one the server
listens on loopback only, and answers only under loopback names: a page whose own name was made to point here (DNS rebinding)
does not get through. In both cases a request that changes something must not come from a page of another site.
"""

import hmac
import time
from functools import lru_cache
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote, urlsplit

from evenhand.web.asgi import Headers, Scope
from evenhand.web.problems import Refused

COOKIE: Final = "evenhand"
SESSION_SECONDS: Final = 12 * 3600
# What everybody may see: whether the server is well, what the API is, what a problem means, the form to sign in. And what payment
# gateways tell, which is signed.
_OPEN: Final = (
    "/v1/gateways/",
    "/static/",
    "/problems",
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/docs",
    "/sign-in",
    "/favicon.ico",
)
_SAFE: Final = ("GET", "HEAD", "OPTIONS")


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine only."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


class Guard:
    """Lets requests in, or says why not."""

    def __init__(self, api_key: str | None) -> None:
        self._key = api_key.encode() if api_key else None

    @property
    def asks_for_key(self) -> bool:
        return self._key is not None

    def check(self, scope: Scope, headers: Headers) -> None:
        """Raises `Refused` when the request may not go on."""
        if self._key is None:
            host = headers.get(b"host", b"")
            if not _is_local(host):
                raise Refused(
                    "wrong-host", f"this server does not answer under the name {host[:120].decode('latin-1')!r}"
                )
        if scope["method"] not in _SAFE:
            _check_same_site(headers)
        if self._key is not None and not scope["path"].startswith(_OPEN) and not self._knows(headers):
            self._ask_to_sign_in(scope, headers)

    def sign_in(self, key: str) -> str | None:
        """The value of the session cookie, when the key is right."""
        if self._key is None or not hmac.compare_digest(key.strip().encode(), self._key):
            return None
        until = str(int(time.time()) + SESSION_SECONDS)
        return f"{until}.{self._seal(until)}"

    def _knows(self, headers: Headers) -> bool:
        assert self._key is not None
        scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() == b"bearer" and hmac.compare_digest(key.strip(), self._key):
            return True
        until, _, seal = cookie(headers, COOKIE).partition(".")
        return (
            until.isascii()
            and until.isdigit()
            and int(until) > time.time()
            and hmac.compare_digest(seal.encode(), self._seal(until).encode())
        )

    def _seal(self, until: str) -> str:
        assert self._key is not None
        return hmac.digest(self._key, f"evenhand session until {until}".encode(), sha256).hex()

    def _ask_to_sign_in(self, scope: Scope, headers: Headers) -> None:
        path: str = scope["path"]
        if b"text/html" in headers.get(b"accept", b"") and scope["method"] in _SAFE and not path.startswith("/v1/"):
            there = path + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
            raise Elsewhere(f"/sign-in?next={quote(there, safe='/')}")
        raise Refused("sign-in-needed", "send the API key: Authorization: Bearer <key>")


class Elsewhere(Exception):
    """A person is sent to another page."""


def cookie(headers: Headers, name: str) -> str:
    """The value of a cookie, empty when there is none."""
    try:
        morsel = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1")).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _check_same_site(headers: Headers) -> None:
    if headers.get(b"sec-fetch-site", b"none") not in (b"none", b"same-origin"):
        raise Refused("cross-site", "this request was made by a page of another site")
    origin = headers.get(b"origin")
    if origin is not None and urlsplit(origin.decode("latin-1")).netloc != headers.get(b"host", b"").decode("latin-1"):
        raise Refused("cross-site", f"this request was made by a page of {origin.decode('latin-1')[:120]}")


@lru_cache(maxsize=64)
def _is_local(host: bytes) -> bool:
    """Whether a Host header names this machine only, whatever the port."""
    try:
        return is_loopback(urlsplit(f"//{host.decode('latin-1')}").hostname or "")
    except ValueError:
        return False
