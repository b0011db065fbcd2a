"""Payouts: what the fund granted a buyer leaves through a gateway, once.

    due -> sending -> paid | pending -> paid
                    | refused: the money is the buyer's again, a person looks (`failed`)
                    | unknown: stays `sending`, and is asked for until the gateway says what it did
    paid -> pending: its gateway tells that it came back, and is asked (`evenhand.fund.gateways.notices`)

That a payment may be sent is written down and committed before it is, with the key that makes it happen once. Whoever finds it
in `sending` later, after an error, a timeout or a crash, asks the gateway by that key. Only when the gateway knows nothing of it
is it sent again, under the same key. What is due, and what is to be asked for, lies in `payout` with its time, and is taken with
`for update skip locked`: any number of servers may work, and none of them has to survive.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

import asyncpg
import msgspec

from evenhand.accounts.state import Connection
from evenhand.errors import BadInput, Conflict, OutOfDate, UnknownThing
from evenhand.fund.budgets import known_market
from evenhand.fund.debts import set_off
from evenhand.fund.gateways import NAMES, Answer, Gateway, NotNow, Payment, Unknown
from evenhand.fund.ledger import Transfer, book
from evenhand.fund.telling import tell
from evenhand.money import written
from evenhand.naming import person
from evenhand.store import Queries

_sql: Final = Queries.load("payouts")
State = Literal["due", "sending", "pending", "paid", "failed", "cancelled", "differs"]
STATES: Final = ("due", "sending", "pending", "paid", "failed", "cancelled", "differs")
# How many payments are under way at once from one server.
_AT_ONCE: Final = 8
# After so long a payment that was sent, or is being asked about, counts as left behind by whoever did it.
_LEASE: Final = timedelta(minutes=2)
_FIRST_WAIT: Final = timedelta(seconds=10)
_LONGEST_WAIT: Final = timedelta(hours=6)


class Payout(msgspec.Struct, frozen=True):
    """Money the fund granted a buyer, on its way there."""

    no: int
    market: str
    case: str
    buyer: str
    # minor units
    amount: int
    currency: str
    gateway: str
    # what the gateway knows it by
    key: str
    # the gateway's own name for it
    gateway_id: str | None
    state: State
    attempts: int
    # when it is sent, or asked for, next
    due_at: datetime | None
    problem: str | None
    # of one that differs: what the gateway said it paid, in minor units; null where that is in another currency
    gateway_amount: int | None
    made_at: datetime
    changed_at: datetime


class PaidThrough(msgspec.Struct, frozen=True):
    """How what a market's fund grants buyers is paid."""

    # null: through none
    gateway: str | None = None
    set_by: str | None = None
    set_at: datetime | None = None
    # what If-Match takes; 0 where it is through none
    version: int = 0


class OrderPayment(msgspec.Struct, frozen=True):
    """By what a gateway knows the payment of an order."""

    # null: nobody has said
    reference: str | None
    set_at: datetime | None
    # what If-Match takes; 0 where nobody has said
    version: int


class Tally(msgspec.Struct, frozen=True):
    """Payouts of one market in one state."""

    market: str
    currency: str
    state: State
    payouts: int
    amount: int


class Payer:
    """Sends what is due, and asks for what is not known."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        gateways: Mapping[str, Gateway],
        *,
        clock: Callable[[], datetime],
        at_once: int = _AT_ONCE,
    ) -> None:
        self._pool = pool
        self._gateways = gateways
        self._clock = clock
        self._at_once = at_once

    async def tick(self) -> int:
        """Send or ask for a few payouts whose time has come; returns how many."""
        taken = await self._take()
        # one that goes wrong stops no other; what it left behind is asked for later
        for done in await asyncio.gather(*(self._one(row, asking) for row, asking in taken), return_exceptions=True):
            if done is not None:
                raise done
        return len(taken)

    async def close(self) -> None:
        for gateway in self._gateways.values():
            await gateway.close()

    async def _take(self) -> list[tuple[Any, bool]]:
        """Take payouts, with whether to ask for each; those to be sent are committed as `sending` first."""
        taken: list[tuple[Any, bool]] = []
        async with self._pool.acquire() as connection, connection.transaction():
            now = self._clock()
            rows = await connection.fetch(_sql.take, now, list(self._gateways), self._at_once)
            # those that come in place of what was cancelled are looked at too
            while await set_off(connection, [row["no"] for row in rows if not row["attempts"]], now):
                rows = await connection.fetch(_sql.take, now, list(self._gateways), self._at_once)
            for row in rows:
                asking = row["state"] != "due"
                moved = row["moved"]
                if not asking and not await connection.fetchval(_sql.is_handed_over, moved):
                    moved = await _move(connection, row, "payout", now, moved)
                state = row["state"] if asking else "sending"
                await connection.execute(_sql.taken, row["no"], state, moved, now + _LEASE, now)
                if not asking:
                    await connection.execute(
                        _sql.happened, row["no"], now, "sending", row["key"], f"try {row['attempts'] + 1}"
                    )
                taken.append((row, asking))
        return taken

    async def _one(self, row: Any, asking: bool) -> None:
        gateway = self._gateways[row["gateway"]]
        payment = Payment(
            row["key"], row["amount"], row["currency"], row["market_id"], row["buyer_id"], row["order_id"],
            str(row["case_no"]), row["reference"],
        )  # fmt: skip
        answer: Answer | Unknown | NotNow | None
        try:
            answer = await (gateway.find(payment) if asking else gateway.pay(payment))
        except (Unknown, NotNow) as error:
            answer = error
        await self._record(row, answer)

    async def _record(self, taken: Any, answer: Answer | Unknown | NotNow | None) -> None:
        """Write down what became of a payment; what was settled meanwhile, or taken up by somebody else, stays as it is."""
        async with self._pool.acquire() as connection, connection.transaction():
            now = self._clock()
            row = await connection.fetchrow(_sql.lock, taken["no"])
            assert row is not None
            if row["state"] not in ("sending", "pending") or row["key"] != taken["key"]:
                return
            wait = min(_FIRST_WAIT * 2 ** min(row["attempts"], 20), _LONGEST_WAIT)
            state, due, moved = row["state"], now + wait, row["moved"]
            name, problem = row["gateway_id"], str(answer)
            # told of anew by its gateway after it had been paid
            before = await connection.fetchval(_sql.is_paid_out, moved)
            match answer:
                case Unknown():
                    pass
                case NotNow() | None if before:
                    problem = problem if answer else "the gateway knows nothing of it any more"
                case NotNow() | None:
                    # surely not made: the key is free to be sent again
                    state = "due"
                    problem = problem if answer else "the gateway knows nothing of it"
                case Answer(state="pending"):
                    state, name, problem = "pending", answer.id, answer.problem
                case Answer(state="refused"):
                    state, due, name, problem = "failed", None, answer.id, answer.problem
                    if before:
                        moved = await _move(connection, row, "payout_returned", now, moved)
                    moved = await _move(connection, row, "payout_failed", now, moved)
                case Answer() if not before and (answer.amount, answer.currency) != (row["amount"], row["currency"]):
                    state, due, name = "differs", None, answer.id
                    problem = f"the gateway paid {written(answer.amount, answer.currency)}"
                    if answer.currency == row["currency"]:
                        await connection.execute(_sql.said_paid, row["no"], answer.amount)
                case Answer():
                    state, due, name, problem = "paid", None, answer.id, ""
                    if not before:
                        moved = await _move(connection, row, "payout_paid", now, moved)
            await connection.execute(_sql.record, row["no"], state, moved, due, name, problem or None, now)
            if (state, problem) != (row["state"], row["problem"]):
                await connection.execute(_sql.happened, row["no"], now, state, row["key"], problem)
            if due is None and not (before and state == "paid"):
                said = {"payout": row["no"], "amount": row["amount"], "currency": row["currency"], "problem": problem}
                await tell(connection, f"fund.payout_{state}", row["market"], row["case_no"], now, said)


async def _move(connection: Connection, row: Any, cause: str, now: datetime, after: int) -> int:
    """Book a step of a payout that comes after a transfer; returns the transfer's number."""
    buyer, clearing, outside = ("buyer", row["buyer"]), ("clearing", None), ("external", None)
    ends = {
        "payout": (buyer, clearing), "payout_paid": (clearing, outside), "payout_failed": (clearing, buyer),
        "payout_returned": (outside, clearing),
    }[cause]  # fmt: skip
    transfer = Transfer(row["market"], row["currency"], cause, row["case_no"], *ends, row["amount"], now, after)
    (number,) = await book(connection, [transfer], now)
    return number


async def paid_through(connection: Connection, market: str) -> PaidThrough:
    """How what a market's fund grants is paid. Raises `UnknownThing`."""
    row = await connection.fetchrow(_sql.paying, (await known_market(connection, market))["no"])
    return PaidThrough(*row) if row is not None else PaidThrough()


async def start(
    connection: Connection,
    market: str,
    gateway: str,
    *,
    since: date | None,
    by: str,
    now: datetime,
    expected: int | None = None,
) -> int:
    """Let a market's fund pay its buyers through a gateway from now on, and what it granted since a day, in the caller's
    transaction; returns how many payouts that makes at once. Raises `UnknownThing` for the market or the gateway, `OutOfDate`
    when how it pays is not at the `expected` version any more."""
    row = await known_market(connection, market)
    if gateway not in NAMES:
        raise UnknownThing(f"there is no gateway {gateway[:60]!r}; there are {', '.join(NAMES)}", field="gateway")
    await connection.execute(_sql.stop_the_press)
    await _check_paying(connection, row["no"], expected)
    await connection.execute(_sql.start, row["no"], gateway, person(by), now)
    made = [one["no"] for one in await connection.fetch(_sql.catch_up, row["no"], gateway, since, now)] if since else []
    await set_off(connection, made, now)
    return len(made)


async def stop(connection: Connection, market: str, *, expected: int | None = None) -> None:
    """Make no more payouts for a market; those there are go on. Raises `UnknownThing`, `OutOfDate` as for `start`."""
    row = await known_market(connection, market)
    await _check_paying(connection, row["no"], expected)
    await connection.execute(_sql.stop, row["no"])


async def _check_paying(connection: Connection, market: int, expected: int | None) -> None:
    if expected is not None:
        version = await connection.fetchval(_sql.hold_paying, market) or 0
        _check_version("how this market pays is", version, expected)


def _check_version(what: str, version: int, expected: int | None) -> None:
    if expected not in (None, version):
        raise OutOfDate(
            f"{what} at version {version}, not {expected}: read it again, and decide again", field="If-Match"
        )


async def retry(connection: Connection, number: int, now: datetime) -> None:
    """Send a payout that was refused again, under a new key, in the caller's transaction.

    Raises `UnknownThing` when there is none such, `Conflict` when it was not refused.
    """
    row = await connection.fetchrow(_sql.lock, number)
    if row is None:
        raise UnknownThing(f"there is no payout {number}", field="payout")
    if row["state"] != "failed":
        raise Conflict(
            f"payout {number} is {row['state']}: only one that was refused can be sent again", field="payout"
        )
    key = await connection.fetchval(_sql.retry, number, now)
    await connection.execute(_sql.happened, number, now, "due", key, "to be sent again under a new key")
    await set_off(connection, [number], now)


async def payment_of(connection: Connection, market: str, order: str) -> OrderPayment:
    """By what the gateway knows the payment of an order. Raises `UnknownThing` for the order."""
    row = await known_market(connection, market)
    found = await connection.fetchrow(_sql.payment, row["no"], order)
    if found is None:
        raise _no_order(market, order)
    return OrderPayment(*found)


async def refer(
    connection: Connection, market: str, order: str, reference: str, now: datetime, *, expected: int | None = None
) -> int:
    """Say by what the gateway knows the payment of an order, in the caller's transaction; returns the version that makes.

    Raises `UnknownThing` for the order, `BadInput`, `OutOfDate` when it was said anew since the `expected` version.
    """
    row = await known_market(connection, market)
    if not reference or len(reference) > 200 or not reference.isascii() or not reference.isprintable():
        raise BadInput("is 1 to 200 visible ASCII characters, such as pi_...", field="reference")
    number = await connection.fetchval(_sql.hold_order, row["no"], order)
    if number is None:
        raise _no_order(market, order)
    if expected is not None:
        before = await connection.fetchrow(_sql.payment, row["no"], order)
        assert before is not None
        _check_version("the payment of this order is", before["version"], expected)
    version = await connection.fetchval(_sql.refer, number, reference, now)
    assert isinstance(version, int)
    return version


def _no_order(market: str, order: str) -> UnknownThing:
    return UnknownThing(f"market {market} has no order {order[:120]!r}", field="order")


async def payouts(
    connection: Connection,
    *,
    market: str | None = None,
    state: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Payout]:
    """Payouts, the newest first; raises `UnknownThing` for a market, `BadInput` for a state there is not."""
    if market is not None:
        await known_market(connection, market)
    if state is not None and state not in STATES:
        raise BadInput(f"{state[:40]!r} is no state of a payout; there are {', '.join(STATES)}", field="state")
    return [Payout(*row) for row in await connection.fetch(_sql.payouts, market, state, before, limit)]


async def tallies(connection: Connection) -> list[Tally]:
    """How many payouts are in which state, and how much money, by market."""
    return [Tally(*row) for row in await connection.fetch(_sql.tallies)]
