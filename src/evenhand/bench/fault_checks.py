"""After the faults: what is still under way is brought to its end with a clock that is moved on, and everything is counted."""

import time
from collections.abc import Callable, Coroutine
from csv import DictReader
from datetime import datetime, timedelta
from io import StringIO
from typing import Any, Final

import httpx

from evenhand.bench.fault_load import Load
from evenhand.bench.fault_world import Receiver
from evenhand.casework import Casework, check_all
from evenhand.desk import Desk, utc_now
from evenhand.events import log
from evenhand.events.cloud import encoded
from evenhand.events.courier import Courier
from evenhand.events.outbox import give_places
from evenhand.events.sender import Sender
from evenhand.fund.differences import settle
from evenhand.fund.gateways.sandbox import Sandbox
from evenhand.fund.payouts import Payer
from evenhand.money import exponent
from evenhand.store import Database

# How far the clock is moved on, in which steps, and how long that may take.
_DAYS: Final = 60
_STEP: Final = timedelta(days=1)
_SECONDS: Final = 120
_UNDER_WAY: Final = {
    "payouts": "select count(*) from payout where due_at is not null",
    "deliveries": "select count(*) from webhook_delivery where state = 'waiting'",
    "events without a place": "select count(*) from outbox where position is null",
    "deadlines": "select count(*) from case_file where due_at is not null",
}


class MovedClock:
    """The time, moved on by hand."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self._ahead

    def move(self) -> None:
        self._ahead += _STEP


async def drain(desk: Desk, store: Database, gateway: str) -> list[str]:
    """Do what has a due time until there is none left; returns what does not come to an end."""
    clock = MovedClock()
    payer = Payer(store.pool, {"sandbox": Sandbox(gateway, timeout=2)}, clock=clock)
    deadline = time.monotonic() + _SECONDS
    async with Sender(allow_private=True) as sender, Courier(store.pool, sender, clock) as courier:
        casework = Casework(desk, store, clock=clock)
        left: list[str] = []
        for _ in range(_DAYS):
            for job in (casework.tick, payer.tick, courier.step):
                while await job() and time.monotonic() < deadline:
                    pass
            await _settle(store, gateway, clock())
            await courier.finish()
            left = [f"{await store.pool.fetchval(sql)} {what} are left" for what, sql in _UNDER_WAY.items()]
            left = [line for line in left if not line.startswith("0 ")]
            if not left or time.monotonic() > deadline:
                break
            clock.move()
    await payer.close()
    return left


async def _settle(store: Database, gateway: str, now: datetime) -> None:
    """A person looks at what differs, and books what the gateway's report says."""
    differing = await store.pool.fetch("select no, key from payout where state = 'differs'")
    said = {one["key"]: one["amount"] for one in await _report(gateway)} if differing else {}
    for row in differing:
        paid = int(said[row["key"]].replace(".", ""))
        async with store.pool.acquire() as connection, connection.transaction():
            await settle(connection, row["no"], paid, by="bench", note="as the gateway reports", now=now)


async def _report(gateway: str) -> list[dict[str, str]]:
    async with httpx.AsyncClient(trust_env=False) as client:
        return list(DictReader(StringIO((await client.get(f"{gateway}/report.csv")).text)))


async def check(desk: Desk, store: Database, load: Load, receiver: Receiver, gateway: str) -> dict[str, list[str]]:
    """What was promised, by promise, each with what breaks it; nothing where it holds."""
    report = await _report(gateway)
    cases: list[str] = []
    await check_all(Casework(desk, store, clock=utc_now), cases.append)
    checks: dict[str, Callable[[], Coroutine[Any, Any, list[str]]]] = {
        "no acknowledged ruling is lost or made twice": lambda: _rulings(store, load),
        "no acknowledged action is lost or done twice": lambda: _actions(store, load),
        "no acknowledged vote is lost or changed": lambda: _votes(store, load),
        "whoever appealed, everybody stands where the last ruling says": lambda: _standings(store),
        "the ledger sums to zero, and each ruling has its money once": lambda: _ledger(store),
        "no payout is made twice, none is missing": lambda: _payouts(store, report),
        "no budget is overspent": lambda: _budgets(store),
        "no case is stuck": lambda: _stuck(store),
        "every event was delivered, those of a case in order": lambda: _events(store, receiver),
    }
    found = {name: await run() for name, run in checks.items()}
    return found | {"every case is what its events lead to": cases, "every answer was as it should be": load.problems}


async def _rulings(store: Database, load: Load) -> list[str]:
    rows = await store.pool.fetch(
        """select a.id, m.id as market, a.no::text, a.outcome, a.amount, count(*) over (partition by a.market, a.id) as times
           from application a join market m on m.no = a.market"""
    )
    stored = {row["id"]: (row["market"], row["no"], row["outcome"], row["amount"]) for row in rows}
    wrong = [f"{row['id']} is stored {row['times']} times" for row in rows if row["times"] > 1]
    return wrong + [
        f"{number} was acknowledged as {said}, stored is {stored.get(number)}"
        for number, said in load.rulings.items()
        if stored.get(number) != said
    ]


async def _actions(store: Database, load: Load) -> list[str]:
    rows = await store.pool.fetch(
        "select key, case_no::text as case, count(*) from case_event where key is not null group by 1, 2"
    )
    stored = {row["key"]: (row["case"], row["count"]) for row in rows}
    return [
        f"action {key} on case {case} was acknowledged, stored is {stored.get(key)}"
        for key, case in load.actions.items()
        if stored.get(key) != (case, 1)
    ]


async def _votes(store: Database, load: Load) -> list[str]:
    rows = await store.pool.fetch(
        """select p.case_no::text as case, a.id, s.for_buyer from panel_seat s
           join panel p on p.no = s.panel join account a on a.no = s.juror"""
    )
    stored = {(row["case"], row["id"]): row["for_buyer"] for row in rows}
    return [
        f"the vote of {juror} in case {case} for the buyer was acknowledged as {said}, stored is {stored.get((case, juror))}"
        for (case, juror), said in load.votes.items()
        if stored.get((case, juror)) is not said
    ]


async def _standings(store: Database) -> list[str]:
    """Of each case that people ruled and that is over: what buyer and merchant gained, against the ruling."""
    rows = await store.pool.fetch(
        """select f.no, f.stands -> 'decision' ->> 'payer' as payer, (f.stands -> 'decision' ->> 'amount')::bigint as amount,
                  coalesce(sum(p.amount) filter (where p.account = 'buyer'), 0)::bigint as buyer,
                  coalesce(sum(p.amount) filter (where p.account = 'merchant'), 0)::bigint as merchant
           from case_file f
           left join posting p on p.case_no = f.no and p.cause not in ('repayment', 'payout', 'payout_paid', 'payout_failed',
                                                                       'payout_returned', 'payout_short', 'payout_over')
           where f.state = 'closed' and f.stands ->> 'ended' = 'ruled'
             and f.stands -> 'decision' ->> 'source' in ('person', 'panel')
           group by f.no, 2, 3"""
    )
    return [
        f"case {row['no']}: {row['payer']} bears {row['amount']}, the buyer has {row['buyer']}, the merchant {row['merchant']}"
        for row in rows
        if (row["buyer"], row["merchant"]) != (row["amount"], -row["amount"] if row["payer"] == "merchant" else 0)
    ]


async def _ledger(store: Database) -> list[str]:
    sums = await store.pool.fetch("select currency, sum(amount) from posting group by 1 having sum(amount) <> 0")
    # what a ruling of the policy grants has its transfer; what has one without, people decided
    odd = await store.pool.fetch(
        """select a.no from application a
           left join transfer t on t.case_no = a.no and t.cause in ('subsidy', 'merchant_refund')
           where case when a.outcome in ('subsidise', 'refund_by_merchant') then t.amount is distinct from a.amount
                      else t.no is not null and not exists (
                          select from case_event e where e.case_no = a.no and e.action = 'pay') end"""
    )
    over = await store.pool.fetch(
        """select l.no from order_line l
           join (select a.line, sum(case t.cause when 'recovery' then -t.amount else t.amount end) as given
                 from transfer t join application a on a.no = t.case_no
                 where (t.credit = 'buyer' and t.debit in ('fund', 'merchant')) or t.cause = 'recovery'
                 group by 1) g on g.line = l.no
           where g.given > l.amount or g.given <> l.refunded"""
    )
    return (
        [f"the postings in {row['currency']} sum to {row['sum']}" for row in sums]
        + [f"case {row['no']}: its ruling and its transfer differ" for row in odd]
        + [f"order line {row['no']}: what was given back is not what the ledger holds" for row in over]
    )


async def _payouts(store: Database, report: list[dict[str, str]]) -> list[str]:
    """Ours against the gateway's own record: each grant paid once, under its one key, to the cent; what differed in two parts."""
    grants = await store.pool.fetch(
        """select t.case_no, sum(t.amount)::bigint as granted,
                  (select sum(p.amount)::bigint from payout p where p.case_no = t.case_no) as paying
           from transfer t join payout_market m on m.market = t.market
           where t.debit = 'fund' and t.credit = 'buyer' group by 1"""
    )
    rows = await store.pool.fetch("select key, state, amount from payout")
    said = {one["key"]: one for one in report}
    keys = {row["key"] for row in rows}
    wrong = [f"the gateway has {key}, which is no payout here" for key in said if key not in keys]
    if len(said) != len(report):
        wrong.append("the gateway has a key twice")
    wrong += [f"case {no}: {granted} granted, {paying} paid out" for no, granted, paying in grants if granted != paying]
    for row in rows:
        one = said.get(row["key"])
        if row["state"] not in ("paid", "failed"):
            wrong.append(f"payout {row['key']} is {row['state']}")
        elif one is None or one["status"] != {"paid": "paid", "failed": "refused"}[row["state"]]:
            wrong.append(f"payout {row['key']} is {row['state']} here, at the gateway {one}")
        elif int(one["amount"].replace(".", "")) != row["amount"] or exponent(one["currency"]) != 2:
            wrong.append(f"payout {row['key']} is {row['amount']} here, at the gateway {one['amount']}")
    return wrong


async def _budgets(store: Database) -> list[str]:
    rows = await store.pool.fetch(
        """select p.amount, granted_in(b.market, p.first_day, p.last_day) as granted,
                  (select sum(remains) from budget_share s where s.period = p.no) as remains
           from budget_period p join budget b on b.no = p.budget"""
    )
    return [f"budget of {a}: granted {g}, left {r}" for a, g, r in rows if g > a or r != a - g] or (
        [] if rows else ["no budget was set"]
    )


async def _stuck(store: Database) -> list[str]:
    """Everything has run out: a case is over, or waits for a person, who sees it in the inbox."""
    rows = await store.pool.fetch(
        "select no, state from case_file where state not in ('closed', 'escalated', 'under_review') or due_at is not null"
    )
    return [f"case {row['no']} is {row['state']}" for row in rows]


async def _events(store: Database, receiver: Receiver) -> list[str]:
    async with store.pool.acquire() as connection:
        await give_places(connection)
        after, logged, more = 0, dict[int, log.Logged](), True
        while more:
            page = await log.read(connection, after, 1000)
            logged |= {one.position: one for one in page.events}
            after, more = page.reached, page.more
        told = {int(row["position"]) for row in await connection.fetch("select position from webhook_delivery")}
    wrong = [f"event {place} never came" for place in told | logged.keys() if place not in receiver.seen]
    wrong += [
        f"event {place} came otherwise than it is in the log"
        for place, body in receiver.bodies.items()
        if place not in logged or encoded(logged[place].event) != body
    ]
    last: dict[str, int] = {}
    for place, event in receiver.seen.items():
        subject = str(event.subject)
        if event.subject and place < last.get(subject, 0):
            wrong.append(f"event {place} of case {subject} first came after event {last[subject]}")
        last[subject] = max(place, last.get(subject, 0))
    return wrong + receiver.problems
