"""How a page is made: templates that escape everything, words in the reader's language, and headers that let nothing else in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from markupsafe import Markup

from evenhand import __version__
from evenhand.accounts.saying import condition, fact_value, figure
from evenhand.cases.words import case_word
from evenhand.fund.ledger import cause_word
from evenhand.fund.words import payout_word
from evenhand.money import written
from evenhand.vocabulary import FACTS, OUTCOMES, Lang, word
from evenhand.web.accounts import ELSEWHERE
from evenhand.web.console.chinese import sentence, told

AnyRequest = Request[Any, Any, Any]
_HERE: Final = Path(__file__).parent
STATIC: Final = _HERE / "static"
LANG_COOKIE: Final = "lang"
_YEAR: Final = 365 * 24 * 3600
# Nothing but what this server serves; no script and no style inside a page.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "vary": "HX-Request, Accept-Language, Cookie",
}


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: in which language, on which page."""

    lang: Lang
    path: str
    query: tuple[tuple[str, str], ...]
    # the language was asked for just now, and is to be remembered
    chosen: bool = False

    def t(self, en: str, zh: str) -> str:
        """The text in the reader's language."""
        return zh if self.lang == "zh" else en

    def here(self, **changes: object) -> str:
        """This page's address with other parameters; None takes one away."""
        kept = {name: value for name, value in self.query if name not in changes}
        return address(self.path, **kept, **changes)


def reader_of(request: AnyRequest) -> Reader:
    """The language asked for: in the address, else remembered, else what the browser prefers."""
    query = tuple(parse_qsl(request.scope["query_string"].decode("latin-1")))
    asked = dict(query).get("lang")
    for lang in (asked, request.cookies.get(LANG_COOKIE), _preferred(request.headers.get("accept-language", ""))):
        if lang in ("en", "zh"):
            rest = tuple(pair for pair in query if pair[0] != "lang")
            return Reader(lang, request.scope["path"], rest, chosen=lang == asked)
    raise AssertionError


def _preferred(accepted: str) -> Lang:
    """English or Chinese, whichever `Accept-Language` weighs more."""
    weights = {"en": 0.0, "zh": 0.0}
    for part in accepted.split(",")[:20]:
        tag, _, weight = part.strip().partition(";q=")
        name = tag.split("-")[0].lower()
        if name in weights:
            try:
                weights[name] = max(weights[name], float(weight or 1))
            except ValueError:
                continue
    return "zh" if weights["zh"] > weights["en"] else "en"


def page(
    template: str, reader: Reader, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> Response[str]:
    """Render a template for a reader."""
    text = _environment.get_template(template).render(reader=reader, t=reader.t, lang=reader.lang, **values)
    response = Response(text, status_code=status, media_type="text/html", headers={**HEADERS, **(headers or {})})
    if reader.chosen:
        response.set_cookie(LANG_COOKIE, reader.lang, max_age=_YEAR, samesite="lax", httponly=True, path="/")
    return response


def address(path: str, **parameters: object) -> str:
    """An address with those of the parameters that are given."""
    given = {name.rstrip("_"): value for name, value in parameters.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


def account_address(start: str, account: str, **parameters: object) -> str:
    """The address of an account below another; an id that no address can hold goes into its parameters."""
    if "/" in account or account in (".", ".."):
        return address(f"{start}/{ELSEWHERE}", id=account, **parameters)
    return address(f"{start}/{quote(account, safe='')}", **parameters)


def day_and_time(moment: datetime | None, zone: str) -> str:
    """A moment on the market's clock."""
    return "" if moment is None else f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def fact_label(name: str, lang: Lang) -> str:
    """What people call a fact; a name that is not in the vocabulary stays as it is."""
    fact = FACTS.get(name)
    return name if fact is None else fact.zh if lang == "zh" else fact.en


def named(name: str, synthetic: bool) -> str:
    """A market's name; that it is synthetic is shown by a mark of its own."""
    return name.removesuffix(" (synthetic)") if synthetic else name


def soft(text: object) -> Markup:
    """Text that may be broken after a dot or an underscore."""
    pieces = re.split(r"([._])", str(text))
    return Markup("").join(piece if piece not in (".", "_") else Markup("{}<wbr>").format(piece) for piece in pieces)


def ticks(text: str) -> Markup:
    """Text with what stands between backticks set as code."""
    pieces = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if place % 2 else piece for place, piece in enumerate(pieces)
    )


def _static(name: str) -> str:
    """Address of a static file; it changes with the file, so that browsers may keep it."""
    if name not in _versions:
        _versions[name] = blake2b((STATIC / name).read_bytes(), digest_size=6).hexdigest()
    return f"/static/{name}?v={_versions[name]}"


_versions: dict[str, str] = {}
_environment: Final = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_common: Final[dict[str, Any]] = {
    "static": _static,
    "address": address,
    "account_address": account_address,
    "outcomes": OUTCOMES,
    "version": __version__,
    "money": written,
    "word": word,
    "state_word": case_word,
    "cause_word": cause_word,
    "payout_word": payout_word,
    "condition": condition,
    "figure": figure,
    "fact_label": fact_label,
    "fact_value": fact_value,
    "when": day_and_time,
    "said_error": sentence,
    "told_error": told,
    "named": named,
    "as_json": lambda value: msgspec.json.encode(value).decode(),
}
_environment.globals.update(_common)
_environment.filters["soft"] = soft
_environment.filters["ticks"] = ticks
_environment.filters["count"] = lambda number: f"{number:,}"
