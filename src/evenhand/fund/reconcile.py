"""Reconciliation: what a gateway says it did against what stands here, with every difference named.

Payments are matched by key. The comparison is a pure function of the two lists, so that it can be trusted to say everything.
"""

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from evenhand.accounts.state import Connection
from evenhand.errors import BadInput, UnknownThing
from evenhand.fund.budgets import known_market
from evenhand.fund.gateways import NAMES
from evenhand.money import is_currency, parse, written
from evenhand.store import Queries

_sql: Final = Queries.load("payouts")
Kind = Literal[
    "missing there", "missing here", "amount differs", "currency differs", "status differs", "duplicate", "paid twice"
]
Status = Literal["paid", "pending", "refused"]
_LARGEST: Final = 500_000_000
# What reports call a column, and a status; the first is ours.
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "key": ("key", "evenhand_payout", "evenhand_payout (metadata)", "metadata[evenhand_payout]"),
    "amount": ("amount",),
    "currency": ("currency",),
    "status": ("status", "state"),
}
_STATUSES: Final[Mapping[str, Status]] = {
    "paid": "paid",
    "succeeded": "paid",
    "pending": "pending",
    "requires_action": "pending",
    "refused": "refused",
    "failed": "refused",
    "canceled": "refused",
}


class Reported(msgspec.Struct, frozen=True):
    """A payment as the gateway reports it."""

    key: str
    # minor units
    amount: int
    currency: str
    status: Status
    # of the report
    line: int


class Ours(msgspec.Struct, frozen=True):
    """A payout as it stands here."""

    no: int
    case: str
    key: str
    amount: int
    currency: str
    state: str


class Difference(msgspec.Struct, frozen=True):
    """Something the two do not agree on."""

    kind: Kind
    key: str
    # what stands here, where there is something
    payout: int | None
    case: str | None
    here: str
    # what the report says, and on which line
    there: str
    line: int | None


def compare(ours: Sequence[Ours], reported: Sequence[Reported], old_keys: Collection[str] = ()) -> list[Difference]:
    """Every difference, in the order of the payouts here, then of the report. Pure.

    `old_keys` are keys known here that `ours` leaves out: of other periods, or under which a payout was refused before.
    """
    by_key: dict[str, list[Reported]] = {}
    for line in reported:
        by_key.setdefault(line.key, []).append(line)
    found: list[Difference] = []
    for one in ours:
        found.extend(_differences(one, by_key.pop(one.key, [])))
    for key, lines in by_key.items():
        if key in old_keys:
            continue
        found.extend(Difference("missing here", key, None, None, "", _said(line), line.line) for line in lines)
    return found


def _differences(one: Ours, lines: Sequence[Reported]) -> Iterator[Difference]:
    here = f"{written(one.amount, one.currency)}, {one.state}"

    def difference(kind: Kind, line: Reported | None) -> Difference:
        said = _said(line) if line else ""
        return Difference(kind, one.key, one.no, one.case, here, said, line.line if line else None)

    if not lines:
        # what was refused, or may never have arrived, need not be there
        if one.state in ("paid", "pending", "differs"):
            yield difference("missing there", None)
        return
    line = lines[0]
    if line.currency != one.currency:
        yield difference("currency differs", line)
    elif line.amount != one.amount:
        yield difference("amount differs", line)
    expected = {"paid": "paid", "pending": "pending", "failed": "refused", "differs": "paid"}.get(one.state, "")
    if line.status != expected and not (line.status == "refused" and one.state in ("due", "cancelled")):
        yield difference("status differs", line)
    for more in lines[1:]:
        yield difference("paid twice" if line.status == more.status == "paid" else "duplicate", more)


def _said(line: Reported) -> str:
    return f"{written(line.amount, line.currency)}, {line.status}"


async def reconcile(
    connection: Connection,
    reported: Sequence[Reported],
    gateway: str,
    *,
    market: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> tuple[int, list[Difference]]:
    """Compare a report with a gateway's payouts, of one market or those that changed between two moments if told.

    Returns how many payouts were compared, and the differences. Raises `UnknownThing` for a market or gateway.
    """
    if gateway not in NAMES:
        raise UnknownThing(f"there is no gateway {gateway[:60]!r}; there are {', '.join(NAMES)}", field="gateway")
    if market is not None:
        await known_market(connection, market)
    rows = await connection.fetch(_sql.reported, gateway, market, since, until)
    ours = [Ours(row["no"], row["case"], row["key"], row["amount"], row["currency"], row["state"]) for row in rows]
    strange = sorted({line.key for line in reported} - {one.key for one in ours})
    known = {row["key"]: row["refused"] for row in await connection.fetch(_sql.known_keys, strange)}
    found = compare(ours, reported, known)
    for line in reported:
        if known.get(line.key) and line.status == "paid":
            said = "refused under this key, and sent under another"
            found.append(Difference("paid twice", line.key, None, None, said, _said(line), line.line))
    return len(ours), found


def read_report(path: Path) -> list[Reported]:
    """A gateway's report: CSV with a header, or NDJSON, by its ending; raises `BadInput` naming file, line and column.

    Columns are key, amount, currency and status; others are passed over. An amount is a decimal of the currency (`80.00`); in
    NDJSON a whole number is minor units.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise BadInput(f"a report may hold {_LARGEST:,} bytes", file=str(path))
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"is not UTF-8 (byte {error.start})", file=str(path)) from None
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror or error}", file=str(path)) from None
    rows = _ndjson(text) if path.suffix.lower() in (".ndjson", ".jsonl", ".json") else _csv(text)
    try:
        return [_reported(row, line) for line, row in rows]
    except BadInput as error:
        raise BadInput(error.detail, field=error.field, line=error.line, file=str(path)) from None


def _csv(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = [name.strip().lower() for name in next(lines, [])]
        places: dict[str, int] = {}
        for column, names in _COLUMNS.items():
            place = next((head.index(name) for name in names if name in head), None)
            if place is None:
                raise BadInput(f"the report has no column {column}; it has {', '.join(head)[:200]}", line=1)
            places[column] = place
        for row in lines:
            if not row:
                continue
            if len(row) != len(head):
                raise BadInput(f"has {len(row)} columns where the header has {len(head)}", line=lines.line_num)
            yield lines.line_num, {column: row[place].strip() for column, place in places.items()}
    except csv.Error as error:
        raise BadInput(f"this is not CSV: {error}", line=lines.line_num) from None


def _ndjson(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadInput(f"this is not a JSON object: {error}", line=number) from None
        yield number, {column: _first(row, names) for column, names in _COLUMNS.items()}


def _first(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((row[name] for name in names if name in row), None)


def _reported(row: Mapping[str, Any], line: int) -> Reported:
    key, amount, currency, status = (row[name] for name in ("key", "amount", "currency", "status"))
    if not isinstance(key, str) or not key or len(key) > 300 or "\0" in key:
        raise BadInput("is 1 to 300 characters", field="key", line=line)
    currency = currency.upper() if isinstance(currency, str) else ""
    if not is_currency(currency):
        raise BadInput("is an ISO 4217 code like CNY", field="currency", line=line)
    if isinstance(amount, str):
        try:
            amount = parse(amount, currency)
        except ValueError as error:
            raise BadInput(str(error), field="amount", line=line) from None
    if not isinstance(amount, int) or isinstance(amount, bool) or not 0 <= amount < 2**63:
        raise BadInput("is a decimal in quotes, or a whole number of minor units", field="amount", line=line)
    known = _STATUSES.get(status.lower()) if isinstance(status, str) else None
    if known is None:
        raise BadInput(f"{str(status)[:40]!r} is none of {', '.join(_STATUSES)}", field="status", line=line)
    return Reported(key, amount, currency, known, line)
