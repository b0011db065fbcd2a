"""The labelling pass: what was ruled lately is looked through, and buyers who gave cause are labelled or proposed for it.

It runs beside the path, not in it: a ruling never waits for it, and a label counts for the rulings after it. It follows the log
of bookings, so nothing is missed, however many servers run. Most applications speak against nobody and cost it nothing; only
buyers with an intercepted application, or one that was filed while a sign of abuse stood, are asked about, each once per stretch.
Those cases were noted when they were booked, so that a label can name the cases it rests on.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
import msgspec

from evenhand.accounts.labelling import GRACE, STANDARD, Before, Labelling, checked, history_read, labelling
from evenhand.accounts.labels import LABELS, Confirm, decide_proposal, end_label, set_label
from evenhand.accounts.state import Connection
from evenhand.booking import parsed
from evenhand.errors import EvenhandError, UnknownThing
from evenhand.events.outbox import give_places
from evenhand.history import BUYER
from evenhand.markets import MarketDesk
from evenhand.naming import person
from evenhand.store import Queries

_sql: Final = Queries.load("labels")
_log: Final = logging.getLogger(__name__)
_json: Final = msgspec.json.Encoder(decimal_format="number")
# Bookings looked through in one transaction.
_BOOKINGS: Final = 50
_MOST_CASES: Final = 20
_YEAR: Final = timedelta(days=365)
# How long a warning or a label is remembered against whom it was on, and a person's word for them.
_REMEMBERED: Final = timedelta(days=180)
_LEFT_ALONE: Final = timedelta(days=30)


class Labeller:
    """Looks through what was ruled; `step` is a job of the worker."""

    def __init__(
        self, pool: asyncpg.Pool, markets: Callable[[], Mapping[str, MarketDesk]], clock: Callable[[], datetime]
    ) -> None:
        self._pool = pool
        self._markets = markets
        self._clock = clock

    async def step(self) -> int:
        """Look through some bookings; returns how many there were."""
        async with self._pool.acquire() as connection:
            await give_places(connection)
            async with connection.transaction():
                position = await connection.fetchval(_sql.take_pass)
                if position is None:
                    return 0
                bookings = await connection.fetch(_sql.bookings, position, _BOOKINGS)
                if not bookings:
                    return 0
                now = self._clock()
                # bookings made at the same time lie between each other: a buyer may be looked at twice, which changes nothing
                first = min(row["first_case"] for row in bookings)
                last = max(row["last_case"] for row in bookings)
                settings = {row["market"]: row for row in await connection.fetch(_sql.settings)}
                markets = {market.number: market for market in self._markets().values()}
                for row in await connection.fetch(_sql.spoken_against, first, last):
                    if row["market"] in markets:
                        await self._try_look(connection, row, markets[row["market"]], settings.get(row["market"]), now)
                await connection.execute(_sql.forget_signs, now - _YEAR)
                await connection.execute(_sql.move_pass, bookings[-1]["position"])
                return len(bookings)

    async def _try_look(
        self, connection: Connection, row: Any, market: MarketDesk, setting: Any, now: datetime
    ) -> None:
        """Look at one buyer; what cannot be done about one never holds up the others, of this market or another."""
        try:
            async with connection.transaction():
                await self._look(connection, row, market, setting, now)
        except (EvenhandError, ValueError, ArithmeticError) as error:
            _log.warning("buyer %s of market %s is not labelled: %s", row["id"], market.market.id, error)

    async def _look(self, connection: Connection, row: Any, market: MarketDesk, setting: Any, now: datetime) -> None:
        """Label one buyer, or propose it, where the document says so and nothing as grave stands."""
        confirm: Confirm = setting["confirm"] if setting else "malicious"
        account: int = row["buyer"]
        known = await connection.fetch(_sql.known, account, now - _REMEMBERED, now)
        # a label that a person took away counts for nothing
        known = [one for one in known if one["ended_at"] is None]
        found = await _asked(connection, market, setting, account, row["tiles"], known, now)
        if found.label not in LABELS:
            return
        grave = LABELS.index(found.label)
        stands = max((LABELS.index(one["label"]) for one in known if one["ends_at"] > now), default=-1)
        if grave <= stands or await connection.fetchval(_sql.open_proposal, account):
            return
        if await connection.fetchval(_sql.dismissed_since, account, now - _LEFT_ALONE):
            return
        signs = await connection.fetch(_sql.signs_of, account, now - _YEAR, _MOST_CASES)
        cases = [sign["case_no"] for sign in signs]
        if confirm != "never" and grave >= LABELS.index(confirm):
            facts = _json.encode(found.facts).decode()
            await connection.execute(
                _sql.propose, market.number, account, found.label, found.days, found.rule, cases, found.reason.en,
                found.reason.zh, facts, now,
            )  # fmt: skip
            return
        await set_label(
            connection, market.market.id, "buyer", row["id"], found.label,
            cause=found.reason.en, set_by=found.rule, starts_at=now, expires_at=now + timedelta(days=found.days), cases=cases,
            rule=found.rule, reason=found.reason,
        )  # fmt: skip


async def look_again(connection: Connection, market: MarketDesk, account: int, case: int, now: datetime) -> None:
    """Take from a buyer at once what the labelling document would not give any more now that a case was turned over, inside the
    caller's transaction.

    That is for labels the document set by itself, the least grave first, since graver ones rest on them, and for its proposals.
    What a person set or confirmed, a person is to look at again.
    """
    settings = {row["market"]: row for row in await connection.fetch(_sql.settings)}
    setting = settings.get(market.number)
    tiles: bytes = await connection.fetchval(_sql.tiles_of, account) or b""
    known = [
        row
        for row in await connection.fetch(_sql.known, account, now - _REMEMBERED, now)
        if row["ended_at"] is None and row["label"] in LABELS
    ]
    why = f"case {case} was turned over"
    for one in sorted(known, key=lambda row: LABELS.index(row["label"])):
        if one["set_by"] != one["rule"] or one["ends_at"] <= now:
            continue
        others = [other for other in known if other is not one]
        if _rank(await _asked(connection, market, setting, account, tiles, others, now)) < LABELS.index(one["label"]):
            await end_label(connection, one["no"], by=one["rule"], why=why, now=now)
            known.remove(one)
    proposal = await connection.fetchrow(_sql.proposal_of, account)
    if proposal:
        found = await _asked(connection, market, setting, account, tiles, known, now)
        if _rank(found) < LABELS.index(proposal["label"]):
            await decide_proposal(connection, proposal["no"], "dismissed", by=proposal["rule"], note=why, now=now)


async def _asked(
    connection: Connection,
    market: MarketDesk,
    setting: Any,
    account: int,
    tiles: bytes,
    known: Sequence[Any],
    now: datetime,
) -> Labelling:
    """What the market's labelling document says of a buyer with this history, and with these labels in the time before."""
    day = market.day(now)
    policy, cards = market.labels_by(day), market.scoring(day).cards
    if policy is None:
        policy = parsed(setting["document"]) if setting and setting["document"] else STANDARD
    history = BUYER.facts(BUYER.unpack(tiles), day, history_read(policy, cards))
    labels = {one["label"] for one in known}
    cases = 0
    if known:
        latest = max(one["starts_at"] for one in known)
        cases = int(await connection.fetchval(_sql.count_signs, account, latest + GRACE) or 0)
    return labelling(policy, cards, history, Before("warning" in labels, bool(labels - {"warning"}), cases))


def _rank(found: Labelling) -> int:
    return LABELS.index(found.label) if found.label in LABELS else -1


async def configure(
    connection: Connection, market: MarketDesk, confirm: Confirm, document: str | None, *, by: str, now: datetime
) -> None:
    """Let a market label so from now on: which document (None: the package's) while none is published for it, and from which
    label on a person confirms.

    Raises `PolicyError` or `BadInput` for a document that cannot label, `BadInput` where no person is named.
    """
    if document is not None:
        checked(parsed(document))
    await connection.execute(_sql.configure, market.number, document, confirm, person(by), now)


def numbers(markets: Mapping[str, MarketDesk], market: str | None) -> list[int]:
    """Numbers of a market, or of all; raises `UnknownThing`."""
    if market is None:
        return [one.number for one in markets.values()]
    if market not in markets:
        raise UnknownThing(f"there is no market {market[:60]!r}", field="market")
    return [markets[market].number]
