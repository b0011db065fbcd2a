"""The desk of cases: who may act, in which order, and what a passed deadline does."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from hashlib import blake2b
from typing import Any, Final

import asyncpg
import msgspec

from evenhand import panels
from evenhand.accounts.state import Connection
from evenhand.cases import keeping
from evenhand.cases.actions import Action, decide, tick
from evenhand.cases.adjudication import verdict
from evenhand.cases.machine import Hand, check_who
from evenhand.cases.model import Case, Decision, Event, Party
from evenhand.cases.negotiation import to_person
from evenhand.cases.opening import opened
from evenhand.cases.settings import Settings
from evenhand.casework.consequences import tell, write
from evenhand.casework.loading import Loaded, load
from evenhand.desk import Desk
from evenhand.errors import Conflict, OutOfDate, StoreError, UnknownThing
from evenhand.fund.ledger import BudgetSpent
from evenhand.naming import person
from evenhand.panels import Voted
from evenhand.publishing import next_revision
from evenhand.store import CUT_OFF, Database, Queries
from evenhand.vocabulary import Lang

_sql: Final = Queries.load("cases")
_canonical: Final = msgspec.json.Encoder()
_log: Final = logging.getLogger(__name__)
_TRIES: Final = 5
_LEFT_ALONE: Final = timedelta(minutes=5)
_COLLISIONS: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


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
                loaded = await load(connection, self.desk, case, lock=True)
                check_who(loaded.ground, action.by)
                if key is not None:
                    before = await connection.fetchrow(_sql.event_by_key, case, key)
                    if before is not None:
                        if before["digest"] != digest:
                            raise Conflict(f"the key {key!r} came before with another action on this case", field="key")
                        return acted(loaded.case, [], repeated=True, case=case)
                _check_version(loaded.case.version, expected)
                hand = Hand(loaded.case, loaded.ground, action.by, self.clock(), broken=loaded.broken)
                decide(hand, action)
                if hand.events:
                    await write(connection, loaded, hand, key=key, digest=digest)
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
                        loaded = await load(connection, self.desk, number, lock=True)
                        if not await self._as_budget_allows(connection, loaded, now, self._tick):
                            return -1
                except (*_COLLISIONS, *CUT_OFF):
                    raise
                except Exception:
                    _log.exception("the clock cannot act in case %s", number)
                    self._left_alone[number] = now + _LEFT_ALONE
                    return -1
                return 1

        while (done := await self.persist(once)) < 0:
            pass
        return done

    async def _as_budget_allows(
        self, connection: Connection, loaded: Loaded, now: datetime, decide: Callable[..., Awaitable[bool]]
    ) -> bool:
        """Let something happen that nobody waits for; where the fund's budget does not cover it, a person looks instead."""
        try:
            async with connection.transaction():
                hand = Hand(loaded.case, loaded.ground, None, now, broken=loaded.broken)
                done = await decide(connection, loaded, hand)
                if done:
                    await write(connection, loaded, hand)
                return done
        except BudgetSpent:
            hand = Hand(loaded.case, loaded.ground, None, now)
            to_person(hand, "hang" if loaded.case.panel else "escalate", text="no_budget")
            if loaded.case.panel:
                await panels.end(connection, loaded.ground.no, None, now)
            await write(connection, loaded, hand)
            return True

    async def _tick(self, connection: Connection, loaded: Loaded, hand: Hand) -> bool:
        """What a passed deadline leads to; of a panel, that it is drawn, or its time is over."""
        if tick(hand):
            return True
        case, ground = loaded.case, loaded.ground
        if case.due is None or hand.now < case.due:
            return False
        if case.state == "escalated":
            closes_at = hand.now + timedelta(hours=ground.settings.panel.hours)
            day = loaded.market.day(hand.now)
            drawn = await panels.draw(connection, ground, loaded.market.scoring(day).cards, day, closes_at, hand.now)
            if drawn is None:
                to_person(hand, "hang", text="no_jurors")
            else:
                hand.add("draw", due=closes_at)
            return True
        if case.state == "under_review" and case.panel:
            await self._end_panel(connection, hand, await panels.close(connection, ground))
            return True
        return False

    async def _end_panel(self, connection: Connection, hand: Hand, won: bool | None) -> None:
        if won is None:
            to_person(hand, "hang", text="no_majority")
        else:
            hand.role = "panel"
            verdict(hand, won, ())
        await panels.end(connection, hand.ground.no, won, hand.now)

    async def _end_by_vote(self, won: bool, connection: Connection, _: Loaded, hand: Hand) -> bool:
        await self._end_panel(connection, hand, won)
        return True

    async def vote(self, no: int, juror: str, for_buyer: bool, reason: str, *, expected: int | None = None) -> Voted:
        """Cast a juror's vote; with the vote that decides it the panel is over, and its ruling is carried out.

        Raises `NotAllowed` for whoever has no seat, `Conflict` for a second vote or one that comes too late, `OutOfDate` when the
        case is not at the `expected` version any more: votes of others, which are secret, do not move it.
        """

        async def once() -> Voted:
            async with self.pool.acquire() as connection, connection.transaction():
                loaded = await load(connection, self.desk, no, lock=True)
                now = self.clock()
                repeated, votes, won = await panels.cast(connection, loaded.ground, juror, for_buyer, reason, now)
                if not repeated:
                    _check_version(loaded.case.version, expected)
                if won is not None:
                    await self._as_budget_allows(connection, loaded, now, partial(self._end_by_vote, won))
                    loaded = await load(connection, self.desk, no)
                return Voted(str(no), repeated, votes, won is not None, loaded.case.version)

        return await self.persist(once)

    async def statement(self, no: int, party: Party, lang: Lang, decision: int | None = None) -> tuple[bytes, str]:
        """The statement of reasons of the latest decision, or of one: as JSON and as text, as it was first issued.

        That of the policy's own ruling (decision 0) is made of what was frozen with the ruling when it is first asked for. Raises
        `UnknownThing` when there is no such case or decision.
        """

        async def once() -> Any:
            async with self.pool.acquire() as connection, connection.transaction():
                loaded = await load(connection, self.desk, no)
                if loaded.case.version == 0 or decision == 0:
                    issued_at = loaded.ground.issued_at
                    settings, wording = await keeping.as_of(connection, loaded.ground.market, issued_at)
                    ground = msgspec.structs.replace(loaded.ground, settings=settings)
                    then = msgspec.structs.replace(loaded, ground=ground)
                    policys = opened(ground)
                    ruled = policys.decision or Decision(ground.outcome, ground.payer, 0, "policy", issued_at)
                    await tell(connection, then, policys, ruled, 0, self.clock(), wording)
                elif await connection.fetchrow(_sql.statement, no, party, lang, decision) is None and decision is None:
                    return None
                return await connection.fetchrow(_sql.statement, no, party, lang, decision)

        row = await self.persist(once)
        if row is None and decision is None:
            return await self.statement(no, party, lang, 0)
        if row is None:
            raise UnknownThing(f"event {decision} of case {no} decided nothing", field="decision")
        return row["body"].encode(), row["text"]

    async def load(self, connection: Connection, no: int) -> Loaded:
        """A case with its ground, as it stands; raises `UnknownThing` when there is no such case."""
        return await load(connection, self.desk, no)

    async def set_settings(self, market: str, settings: Settings, by: str, *, expected: int | None = None) -> None:
        """Let a market handle its cases so from now on; deadlines that run stay as they were set. Raises `OutOfDate` when they
        were set again since the `expected` version."""
        settings.check()
        by = person(by)
        found = self.desk.markets.get(market)
        if found is None:
            raise UnknownThing(f"there is no market {market!r}", field="market")
        async with self.pool.acquire() as connection, connection.transaction():
            # two who set them at the same time come one after the other
            await next_revision(connection)
            version = (await keeping.settings_of(connection, found.number)).version
            if expected is not None and expected != version:
                raise OutOfDate(
                    f"the settings are at version {version}, not {expected}: read them again, and decide again",
                    field="If-Match",
                )
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
            except CUT_OFF as error:
                problem = error
                await asyncio.sleep(0.1 * 2**attempt)
        raise StoreError(f"the database did not take the action after {_TRIES} tries: {problem!r}") from problem


def _check_version(version: int, expected: int | None) -> None:
    if expected not in (None, version):
        raise OutOfDate(
            f"the case is at version {version}, not {expected}: read it again, and decide again", field="If-Match"
        )


def acted(case_now: Case, events: Sequence[Event], *, repeated: bool, case: int) -> Acted:
    """The answer to an action."""
    return Acted(str(case), repeated, case_now.version, case_now.state, case_now.turn, case_now.due, list(events))
