"""Cases at work: an action in, what it changed out, one transaction.

    load the ground -> lock case and order line -> decide (pure) -> append events -> book money -> correct history -> tell

Actions on one case queue at its row, so each is decided on what the one before left. An action sent again under its key is
done once. Whoever names the version it has seen is refused when the case has moved on since.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

import asyncpg
import msgspec

from evenhand import panels
from evenhand.accounts import state as accounts
from evenhand.accounts.state import Connection
from evenhand.booking import parsed, reproduce
from evenhand.cases import keeping
from evenhand.cases.actions import Action, decide, tick
from evenhand.cases.adjudication import verdict
from evenhand.cases.machine import Hand, check_who, fold_all
from evenhand.cases.model import Case, Decision, Event, Ground, Party
from evenhand.cases.negotiation import to_person
from evenhand.cases.opening import STATE_AFTER, first_due, opened, silence_of, waits
from evenhand.cases.settings import Settings
from evenhand.cases.statement import Told, build, text_of
from evenhand.desk import Desk
from evenhand.errors import Conflict, OutOfDate, StoreError, UnknownThing
from evenhand.events.outbox import Event as OutgoingEvent
from evenhand.events.outbox import emit
from evenhand.evidence.reuse import Asked, show_in_case
from evenhand.fund.ledger import Transfer, book
from evenhand.history import BUYER, MERCHANT
from evenhand.markets import MarketDesk
from evenhand.panels import Voted
from evenhand.publishing import next_revision
from evenhand.store import Database, Queries
from evenhand.vocabulary import Lang

_sql: Final = Queries.load("cases")
_canonical: Final = msgspec.json.Encoder()
_log: Final = logging.getLogger(__name__)
_TRIES: Final = 5
_LEFT_ALONE: Final = timedelta(minutes=5)
_COLLISIONS: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_LOST: Final = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.OperatorInterventionError)


class Acted(msgspec.Struct, frozen=True):
    """What an action did."""

    case: str
    # the same action was taken before under this key; nothing was done again
    repeated: bool
    # the case's version: what If-Match takes
    version: int
    state: str
    turn: str | None
    due: datetime | None
    # what happened, in order
    events: list[Event]


class Loaded(msgspec.Struct, frozen=True):
    """A case as read for an action."""

    ground: Ground
    case: Case
    market: MarketDesk
    # account numbers, the order line's number, and the day the application was filed
    buyer: int
    merchant: int
    line: int
    filed_day: int
    # what reproduces the policy's ruling: its text and the facts it read
    source: str
    facts: str
    order: str


class Casework:
    """Takes actions on the cases of one database."""

    def __init__(self, desk: Desk, database: Database, *, clock: Callable[[], datetime]) -> None:
        self.desk = desk
        self.pool = database.pool
        self.clock = clock
        # cases the clock could not act in, and until when they are left alone
        self._left_alone: dict[int, datetime] = {}

    async def act(self, case: int, action: Action, *, key: str | None = None, expected: int | None = None) -> Acted:
        """Take an action. Raises `UnknownThing` when there is no such case, `NotAllowed` for somebody else's, `Conflict` when the
        case is past it, `OutOfDate` when it is not at the `expected` version any more, `BadInput` naming what is wrong."""
        digest = blake2b(type(action).__name__.encode() + b"\n" + _canonical.encode(action), digest_size=16).digest()

        async def once() -> Acted:
            async with self.pool.acquire() as connection, connection.transaction():
                loaded = await self.load(connection, case, lock=True)
                check_who(loaded.ground, action.by)
                if key is not None:
                    before = await connection.fetchrow(_sql.event_by_key, case, key)
                    if before is not None:
                        if before["digest"] != digest:
                            raise Conflict(f"the key {key!r} came before with another action on this case", field="key")
                        return acted(loaded.case, [], repeated=True, case=case)
                if expected is not None and expected != loaded.case.version:
                    raise OutOfDate(
                        f"the case is at version {loaded.case.version}, not {expected}: read it again, and decide again",
                        field="If-Match",
                    )
                hand = Hand(loaded.case, loaded.ground, action.by, self.clock())
                decide(hand, action)
                await self.write(connection, loaded, hand, key=key, digest=digest)
                return acted(hand.case, hand.events, repeated=False, case=case)

        return await self.persist(once)

    async def tick(self) -> int:
        """Let the clock act in one case whose deadline has passed; 0 when there is none.

        A case that cannot be worked on is left alone for a while, so that the others get their turn.
        """
        passed: list[int] = []

        async def once() -> int:
            async with self.pool.acquire() as connection, connection.transaction():
                now = self.clock()
                self._left_alone = {no: until for no, until in self._left_alone.items() if now < until}
                number = await connection.fetchval(_sql.due, now, [*passed, *self._left_alone])
                if number is None:
                    return 0
                passed.append(number)
                try:
                    async with connection.transaction():
                        loaded = await self.load(connection, number, lock=True)
                        hand = Hand(loaded.case, loaded.ground, None, now)
                        if not (tick(hand) or await self._tick_panel(connection, loaded, hand)):
                            return -1
                        await self.write(connection, loaded, hand)
                except (*_COLLISIONS, *_LOST):
                    raise
                except Exception:
                    _log.exception("the clock cannot act in case %s", number)
                    self._left_alone[number] = now + _LEFT_ALONE
                    return -1
                return 1

        while (done := await self.persist(once)) < 0:
            pass
        return done

    async def _tick_panel(self, connection: Connection, loaded: Loaded, hand: Hand) -> bool:
        """What a passed deadline leads to where a panel is asked: it is drawn, or its time is over."""
        case, ground = loaded.case, loaded.ground
        if case.due is None or hand.now < case.due:
            return False
        if case.state == "escalated":
            closes_at = hand.now + timedelta(hours=ground.settings.panel.hours)
            drawn = await panels.draw(connection, ground, loaded.market.day(hand.now), closes_at, hand.now)
            if drawn is None:
                to_person(hand, "hang", text="not enough jurors")
            else:
                hand.add("draw", due=closes_at)
            return True
        if case.state == "under_review" and case.panel:
            await self._end_panel(connection, hand, await panels.close(connection, ground))
            return True
        return False

    async def _end_panel(self, connection: Connection, hand: Hand, won: bool | None) -> None:
        if won is None:
            to_person(hand, "hang", text="no majority in time")
        else:
            hand.role = "panel"
            verdict(hand, won, ())
        await panels.end(connection, hand.ground.no, won, hand.now)

    async def vote(self, no: int, juror: str, for_buyer: bool, reason: str) -> Voted:
        """Cast a juror's vote; with the vote that decides it the panel is over, and its ruling is carried out.

        Raises `NotAllowed` for whoever has no seat, `Conflict` for a second vote or one that comes too late.
        """

        async def once() -> Voted:
            async with self.pool.acquire() as connection, connection.transaction():
                loaded = await self.load(connection, no, lock=True)
                now = self.clock()
                repeated, votes, won = await panels.cast(connection, loaded.ground, juror, for_buyer, reason, now)
                if won is not None:
                    hand = Hand(loaded.case, loaded.ground, None, now)
                    await self._end_panel(connection, hand, won)
                    await self.write(connection, loaded, hand)
                return Voted(str(no), repeated, votes, won is not None)

        return await self.persist(once)

    async def load(self, connection: Connection, no: int, *, lock: bool = False) -> Loaded:
        """A case with its ground; with `lock` the case and its order line are held until the transaction ends.

        Raises `UnknownThing` when there is no such case.
        """
        row = await connection.fetchrow(_sql.ground, no)
        if row is None:
            raise UnknownThing(f"there is no case {no}", field="case")
        if row["market_id"] not in self.desk.markets:
            await self.desk.refresh()
        market = self.desk.markets[row["market_id"]]
        hours = row["respond_within_hours"]
        file = await connection.fetchrow(_sql.lock_file if lock else _sql.file, no)
        if file is None and lock:
            due = first_due(row["outcome"], hours, row["booked_at"], market.cases, market.zone)
            due = due if waits(row["outcome"], hours) else None
            await connection.execute(
                _sql.open_file, no, row["market"], STATE_AFTER[row["outcome"]], None, due, None, row["asked"]
            )
            file = await connection.fetchrow(_sql.lock_file, no)
        line = await connection.fetchrow(_sql.lock_line if lock else _sql.line, row["line"])
        assert line is not None
        ground = Ground(
            no=no,
            market=row["market"],
            currency=row["currency"],
            zone=market.zone,
            settings=market.cases,
            buyer=row["buyer"],
            merchant=row["merchant"],
            remedy=row["remedy"],
            outcome=row["outcome"],
            payer=row["payer"],
            return_required=row["return_required"],
            asked=row["asked"],
            granted=row["amount"],
            hours=hours,
            silence=silence_of(reproduce(row["source"], row["facts"], row["currency"])) if hours is not None else None,
            issued_at=row["booked_at"],
            first_due=file["first_due"] if file else None,
            line_paid=line["amount"],
            line_left=line["amount"] - line["refunded"],
        )
        case = (keeping.case_of(file["stands"]) if file else None) or opened(ground)
        day = market.day(row["applied_at"])
        return Loaded(
            ground,
            case,
            market,
            row["buyer_no"],
            row["merchant_no"],
            row["line"],
            day,
            row["source"],
            row["facts"],
            row["order_id"],
        )

    async def write(
        self, connection: Connection, loaded: Loaded, hand: Hand, *, key: str | None = None, digest: bytes = b""
    ) -> None:
        """Write what a hand decided: events, state, money, history."""
        ground = loaded.ground
        await keeping.append(connection, ground.no, hand.events, key, digest)
        await keeping.save(connection, ground.no, hand.case)
        shown = [name for event in hand.events for name in event.said.evidence]
        await show_in_case(connection, ground.no, Asked(0, ground.market, loaded.line, hand.now, shown))
        transfers = [_transfer(loaded, event) for event in hand.events if event.action in ("pay", "compensate")]
        granted = sum(event.said.amount for event in hand.events if event.action == "pay")
        if granted:
            await connection.execute(_sql.grant_line, loaded.line, granted)
        if transfers:
            await book(connection, transfers, hand.now)
        await self._correct(connection, loaded, hand)
        for event in hand.events:
            if event.action == "rule" and event.said.decision is not None:
                await self._tell(connection, loaded, hand.case, event.said.decision, event.no)
        await emit(connection, [_told(ground, event) for event in hand.events])

    async def statement(self, no: int, party: Party, lang: Lang, decision: int | None = None) -> tuple[bytes, str]:
        """The statement of reasons of the latest decision, or of one: as JSON and as text, as it was first issued.

        That of the policy's own ruling (decision 0) is made of what was frozen with the ruling when it is first asked for. Raises
        `UnknownThing` when there is no such case or decision.
        """

        async def once() -> Any:
            async with self.pool.acquire() as connection, connection.transaction():
                loaded = await self.load(connection, no)
                if loaded.case.version == 0 or decision == 0:
                    policys = opened(loaded.ground)
                    ruled = policys.decision or Decision(
                        loaded.ground.outcome, loaded.ground.payer, 0, "policy", loaded.ground.issued_at
                    )
                    await self._tell(connection, loaded, policys, ruled, 0)
                elif await connection.fetchrow(_sql.statement, no, party, lang, decision) is None and decision is None:
                    return None
                return await connection.fetchrow(_sql.statement, no, party, lang, decision)

        row = await self.persist(once)
        if row is None and decision is None:
            return await self.statement(no, party, lang, 0)
        if row is None:
            raise UnknownThing(f"event {decision} of case {no} decided nothing", field="decision")
        return row["body"].encode(), row["text"]

    async def _tell(self, connection: Connection, loaded: Loaded, case: Case, decision: Decision, number: int) -> None:
        """Freeze what each party is told about a decision, in both languages; what was told before stays."""
        ground = loaded.ground
        ruling = reproduce(loaded.source, loaded.facts, ground.currency)
        told = Told(
            ground,
            case,
            parsed(loaded.source),
            ruling,
            msgspec.json.decode(loaded.facts),
            loaded.market.market.name,
            loaded.order,
        )
        parties: tuple[Party, Party] = ("buyer", "merchant")
        langs: tuple[Lang, Lang] = ("en", "zh")
        for party in parties:
            for lang in langs:
                made = build(told, decision, number, party, lang)
                body, text = _canonical.encode(made).decode(), text_of(made, ground.zone)
                await connection.execute(_sql.keep_statement, ground.no, number, party, lang, body, text, self.clock())

    async def _correct(self, connection: Connection, loaded: Loaded, hand: Hand) -> None:
        """Count what a ruling means for both accounts, and take back what the one it turned over meant."""
        before = loaded.case.decision
        for event in hand.events:
            if event.action != "rule" or event.said.decision is None:
                continue
            counts = [(event.said.decision, loaded.market.day(event.at), 1)]
            if before is not None:
                day = loaded.filed_day if before.source == "policy" else loaded.market.day(before.at)
                counts.append((before, day, -1))
            if event.said.overturned and before is not None and before.outcome == "decline":
                await connection.fetch(_sql.doubt_labels, loaded.buyer, loaded.ground.no, event.at, before.at)
            await _count(connection, loaded, counts)

    async def check(self, no: int) -> str | None:
        """What is wrong with a case's state as stored, seen from its events; None when it is right."""
        async with (
            self.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            loaded = await self.load(connection, no)
            events = [keeping.event_of(row) for row in await connection.fetch(_sql.all_events, no)]
            file = await connection.fetchrow(_sql.file, no)
        if file is None:
            return None
        try:
            folded = fold_all(opened(loaded.ground), events)
        except AssertionError as error:
            return f"case {no}: its events do not follow from one another: {error}"
        columns = (file["state"], file["version"], file["due_at"], file["wanted_by"], file["holder"])
        if columns != (folded.state, folded.version, folded.due, folded.wanted_by, folded.holder):
            return f"case {no}: the events lead to {folded.state} at version {folded.version}, stored is {columns}"
        if events and folded != loaded.case:
            return f"case {no}: what is stored is not what its {len(events)} events lead to"
        return None

    async def check_all(self, told: Callable[[str], None] = lambda _: None) -> tuple[int, int]:
        """Check every case that has moved; returns how many there are and how many are wrong, each of which is `told`."""
        checked = wrong = after = 0
        while numbers := [row["no"] for row in await self.pool.fetch(_sql.files, after, 500)]:
            for number in numbers:
                checked += 1
                if problem := await self.check(number):
                    wrong += 1
                    told(problem)
            after = numbers[-1]
        return checked, wrong

    async def set_settings(self, market: str, settings: Settings, by: str) -> None:
        """Let a market handle its cases so from now on; deadlines that run stay as they were set."""
        settings.check()
        found = self.desk.markets.get(market)
        if found is None:
            raise UnknownThing(f"there is no market {market!r}", field="market")
        async with self.pool.acquire() as connection, connection.transaction():
            await next_revision(connection)
            await keeping.set_settings(connection, found.number, settings, by, self.clock())
        await self.desk.refresh()

    async def persist(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do a transaction, and again when it met another one or the database went away for a moment."""
        problem: Exception | None = None
        for attempt in range(_TRIES):
            try:
                return await work()
            except _COLLISIONS as error:
                problem = error
            except _LOST as error:
                problem = error
                await asyncio.sleep(0.1 * 2**attempt)
        raise StoreError(f"the database did not take the action after {_TRIES} tries: {problem!r}") from problem


def acted(case_now: Case, events: Sequence[Event], *, repeated: bool, case: int) -> Acted:
    """The answer to an action."""
    return Acted(str(case), repeated, case_now.version, case_now.state, case_now.turn, case_now.due, list(events))


def _told(ground: Ground, event: Event) -> OutgoingEvent:
    """An event as subscribers are told of it."""
    data = {
        "case": str(ground.no), "event": event.no, "role": event.role, "who": event.who, "state": event.state,
        "currency": ground.currency, **msgspec.to_builtins(event.said),
    }  # fmt: skip
    return OutgoingEvent(f"case.{event.action}", ground.market, ground.no, event.at, data)


def _transfer(loaded: Loaded, event: Event) -> Transfer:
    said, ground = event.said, loaded.ground
    payer = ("merchant", loaded.merchant) if said.payer == "merchant" else ("fund", None)
    receiver = ("merchant", loaded.merchant) if event.action == "compensate" else ("buyer", loaded.buyer)
    return Transfer(ground.market, ground.currency, said.cause, ground.no, payer, receiver, said.amount, event.at)


async def _count(connection: Connection, loaded: Loaded, counts: Sequence[tuple[Decision, int, int]]) -> None:
    """Fold decisions, each on a day, into both accounts' histories; a weight of -1 takes one back."""
    held = await accounts.lock(connection, (loaded.buyer, loaded.merchant))
    for decision, day, weight in counts:
        fields = {"outcome": decision.outcome, "source": decision.source}
        BUYER.fold(held[loaded.buyer].tiles, day, "ruling", fields, weight)
        MERCHANT.fold(held[loaded.merchant].tiles, day, "ruling", fields, weight)
    await accounts.save(connection, held)
