"""What is asked about cases, as the API and the console show it: one case whole, or many in short."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import asyncpg
import msgspec

from evenhand.booking import parsed, reproduce
from evenhand.cases.model import Case as Life
from evenhand.cases.model import Decision
from evenhand.casework import Casework, Loaded
from evenhand.desk import Desk
from evenhand.errors import BadInput, StoreError
from evenhand.policy import Because, Policy, Ruling
from evenhand.rescoring import Scored, scored_by
from evenhand.store import CUT_OFF, Database, Queries
from evenhand.vocabulary import OUTCOMES
from evenhand.web.problems import Refused
from evenhand.web.shapes import Case, CaseLine, Filed, Issued, OrderOfCase, Posting, Standing

_sql: Final = Queries.load("console")
_json: Final = msgspec.json.Encoder(decimal_format="number")
_decision: Final = msgspec.json.Decoder(Decision)
# A question that takes longer than this asks for too much at once.
_PATIENCE: Final = "10s"
# How long one may wait for the database at all.
_SECONDS: Final = 20
_TOP: Final = chr(0x10FFFF)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases are asked for. Days are those of each market's time zone, both included."""

    market: str | None = None
    outcome: str | None = None
    policy: str | None = None
    version: str | None = None
    since: date | None = None
    until: date | None = None
    # the beginning of an application's id, or a case number
    text: str | None = None
    # only cases ruled before this one
    after: int | None = None
    # only what was intercepted for this cause
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class CaseInDepth:
    """A case with what is needed to show why it was ruled so."""

    case: Case
    policy: Policy
    ruling: Ruling
    facts: dict[str, Any]
    market_name: str
    time_zone: str
    # where it stands, whole
    life: Life


class Lookup:
    """Answers questions about what is stored."""

    def __init__(self, desk: Desk, database: Database) -> None:
        self.desk = desk
        self.casework = Casework(desk, database, clock=desk.clock)
        self._pool = database.pool

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[asyncpg.pool.PoolConnectionProxy]:
        """A connection to ask with, within bounds; raises `StoreError` when the database is away."""
        try:
            async with (
                asyncio.timeout(_SECONDS),
                self._pool.acquire() as connection,
                connection.transaction(readonly=True),
            ):
                await connection.execute(
                    f"set local statement_timeout = '{_PATIENCE}'; set local plan_cache_mode = force_custom_plan"
                )
                yield connection
        except TimeoutError:
            raise StoreError(f"the database did not answer within {_SECONDS} s") from None
        except asyncpg.QueryCanceledError:
            raise Refused("busy", f"this took longer than {_PATIENCE}; ask for fewer days, or one market") from None
        except CUT_OFF as error:
            raise StoreError(f"the database does not answer: {error}") from error

    async def well(self) -> None:
        """Raises `StoreError` when the database does not answer."""
        async with self.reading() as connection:
            await connection.fetchval(_sql.well)

    def market_numbers(self, market: str | None) -> list[int]:
        """Numbers of the market asked for, or of all; raises `BadInput` for one that is not there."""
        if market is None:
            return [found.number for found in self.desk.markets.values()]
        if market not in self.desk.markets:
            raise BadInput(f"there is no market {market[:120]!r}", field="market")
        return [self.desk.markets[market].number]

    async def cases(self, wanted: Wanted, limit: int) -> list[CaseLine]:
        """Cases in short, newest ruling first; raises `BadInput` naming the filter that is wrong."""
        if wanted.outcome is not None and wanted.outcome not in OUTCOMES:
            raise BadInput(f"an outcome is one of {', '.join(OUTCOMES)}", field="outcome")
        for field, text in (("q", wanted.text), ("cause", wanted.cause)):
            if text is not None and "\0" in text:
                raise BadInput("holds a NUL character", field=field)
        markets = self.market_numbers(wanted.market)
        in_order(wanted.since, wanted.until)
        early, late = _bounds(wanted.since, wanted.until)
        number = _number(wanted.text) if wanted.text else None
        async with self.reading() as connection:
            versions = await _versions(connection, wanted.policy, wanted.version)
            rows = await connection.fetch(
                _sql.cases,
                *(wanted.after, markets, wanted.outcome, versions, early, late, wanted.since, wanted.until),
                *(wanted.text, wanted.text and wanted.text + _TOP, number, limit, wanted.cause),
            )
        return [_line(row) for row in rows]

    async def policies(self) -> list[Policy]:
        """Every stored policy version, newest first; of two texts of one version the later."""
        async with self.reading() as connection:
            rows = await connection.fetch(_sql.policy_versions)
        texts: dict[tuple[str, str], str] = {}
        for row in rows:
            texts.setdefault((row["policy"], row["version"]), row["source"])
        return [parsed(source) for source in texts.values()]

    async def case(self, number: str) -> CaseInDepth:
        """One case; raises `Refused` (404) when there is none of that number."""
        no = _number(number)
        if no is not None:
            async with self.reading() as connection:
                row = await connection.fetchrow(_sql.case, no)
                if row is not None:
                    postings = await connection.fetch(_sql.postings, no)
                    loaded = await self.casework.load(connection, no)
                    scored = await scored_by(connection, row["scorecards"], row["facts"])
                    return _in_depth(row, postings, loaded, scored)
        raise Refused("not-found", f"there is no case {number[:40]!r}", field="case")


async def _versions(
    connection: asyncpg.pool.PoolConnectionProxy, policy: str | None, version: str | None
) -> list[int] | None:
    if policy is None and version is None:
        return None
    return [
        row["no"]
        for row in await connection.fetch(_sql.policy_versions)
        if policy in (None, row["policy"]) and version in (None, row["version"])
    ]


def _number(text: str) -> int | None:
    """A case number, if the text is one that a case could have."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def in_order(since: date | None, until: date | None) -> None:
    """Raises `BadInput` naming `to` when a period ends before it begins."""
    if since and until and until < since:
        raise BadInput(f"{until} lies before from, {since}", field="to")


def _bounds(since: date | None, until: date | None) -> tuple[datetime | None, datetime | None]:
    """Moments outside of which no time zone's days from `since` to `until` lie."""
    early = late = None
    if since is not None and since > date.min + timedelta(days=2):
        early = datetime.combine(since - timedelta(days=1), time.min, UTC)
    if until is not None and until < date.max - timedelta(days=2):
        late = datetime.combine(until + timedelta(days=2), time.min, UTC)
    return early, late


def _line(row: Any) -> CaseLine:
    decision = standing(_decision.decode(row["decision"])) if row["decision"] else None
    stands = decision and Standing(decision.outcome, decision.payer, decision.amount, decision.source, decision.at)
    return CaseLine(
        str(row["no"]), row["market"], row["synthetic"], row["id"], row["remedy"], row["stage"], row["reason"],
        row["asked"], row["amount"], row["currency"], row["applied_at"], row["outcome"], row["payer"],
        row["return_required"], row["respond_within_hours"], row["policy"], row["version"], row["rule"], stands,
    )  # fmt: skip


def standing(decision: Decision | None) -> Decision | None:
    """The decision in force, where it is not the policy's."""
    return decision if decision is not None and decision.source != "policy" else None


def _in_depth(row: Any, postings: Sequence[Any], loaded: Loaded, scored: Scored) -> CaseInDepth:
    life = loaded.case
    ruling = reproduce(row["source"], row["facts"], row["currency"])
    extra: dict[str, Any] = msgspec.json.decode(row["extra"]) if row["extra"] else {}
    case = Case(
        str(row["no"]),
        row["market"],
        row["synthetic"],
        life.state,
        life.version,
        life.turn,
        life.due,
        loaded.ground.silence,
        life.wanted_by,
        list(life.offers),
        life.decision,
        life.ended,
        life.paid,
        Filed(
            row["id"], row["order_id"], row["line"], row["buyer"], row["merchant"], row["remedy"], row["stage"], row["reason"],
            row["asked"], row["currency"], row["applied_at"], extra.get("evidence", []), extra.get("comment", ""),
        ),
        OrderOfCase(
            row["category"], row["paid"], row["refunded"], row["placed_at"], row["promised_at"], row["shipped_at"],
            row["delivered_at"],
        ),
        Issued(
            row["outcome"], row["payer"], row["return_required"], row["amount"], row["respond_within_hours"], row["policy"],
            row["version"], row["hash"], row["rule"], Because(row["because_en"], row["because_zh"]),
            msgspec.Raw(_json.encode(ruling.trace)),
        ),
        msgspec.Raw(row["facts"].encode()),
        scored.cards,
        scored.abuse_reasons(msgspec.json.decode(row["facts"]), row["currency"]),
        [
            Posting(
                one["transfer"], one["cause"], one["account"], one["owner"], one["amount"], one["currency"], one["value_at"],
                one["booked_at"],
            )
            for one in postings
        ],
        row["engine"],
        row["booked_at"],
    )  # fmt: skip
    policy = parsed(row["source"])
    return CaseInDepth(
        case, policy, ruling, msgspec.json.decode(row["facts"]), row["market_name"], row["time_zone"], life
    )
