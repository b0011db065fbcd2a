"""Send a timeline through the desk, in batches that change nothing.

A ruling reads the history of one buyer and one merchant. So order steps and applications may be gathered into two batches, the
orders sent first, as long as no step that comes after an application touches an account that application reads. When one would,
both batches are sent before it. The batches follow from the data alone: an import that was cut off and is run again sends the
same ones, what was taken before is answered as repeated, and the rest is ruled as it would have been.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from evenhand.desk import Desk, OrderTaken, Ruled
from evenhand.errors import BadInput, EvenhandError
from evenhand.importers.olist.timeline import PLACED, Event
from evenhand.records import Application, Order

_MOST: Final = 500
A = TypeVar("A", OrderTaken, Ruled)


@dataclass(slots=True)
class Tally:
    """What a run added, and what it found there already."""

    orders: int = 0
    applications: int = 0
    # minor units
    claimed: int = 0
    # minor units the fund paid
    subsidised: int = 0
    outcomes: Counter[str] = field(default_factory=Counter[str])
    # by (reason, stage)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    orders_known: int = 0
    applications_known: int = 0


async def send(desk: Desk, market: str, events: Iterable[Event], advance: Callable[[int], object]) -> Tally:
    """Send events, sorted by time; `advance` hears how many more are durable.

    Raises `EvenhandError` naming the order or application that the desk refuses; what was sent before stays.
    """
    sender = _Sender(desk, market, advance)
    for event in events:
        await sender.add(event)
    await sender.flush()
    return sender.tally


class _Sender:
    def __init__(self, desk: Desk, market: str, advance: Callable[[int], object]) -> None:
        self.tally = Tally()
        self._desk = desk
        self._market = market
        self._advance = advance
        self._orders: list[tuple[Order, bool]] = []
        self._applications: list[Application] = []
        # read by the applications that wait
        self._read: set[str] = set()

    async def add(self, event: Event) -> None:
        record = event.record
        if isinstance(record, Application):
            self._applications.append(record)
            self._read |= event.accounts
        else:
            if not self._read.isdisjoint(event.accounts):
                await self.flush()
            self._orders.append((record, event.rank == PLACED))
        if max(len(self._orders), len(self._applications)) >= _MOST:
            await self.flush()

    async def flush(self) -> None:
        sent = len(self._orders) + len(self._applications)
        if self._orders:
            await self._send_orders()
        if self._applications:
            await self._send_applications()
        self._advance(sent)

    async def _send_orders(self) -> None:
        orders, self._orders = self._orders, []
        answers = await self._desk.take_orders([(self._market, order) for order, _ in orders])
        for (order, is_new), answer in zip(orders, answers, strict=True):
            taken = _accepted(answer, f"order {order.id}")
            if is_new and taken.repeated:
                self.tally.orders_known += 1
            elif is_new:
                self.tally.orders += 1

    async def _send_applications(self) -> None:
        applications, self._applications = self._applications, []
        self._read.clear()
        answers = await self._desk.rule([(self._market, application) for application in applications])
        for application, answer in zip(applications, answers, strict=True):
            self._count(application, _accepted(answer, f"application {application.id}"))

    def _count(self, application: Application, ruled: Ruled) -> None:
        tally = self.tally
        if ruled.repeated:
            tally.applications_known += 1
            return
        tally.applications += 1
        tally.claimed += application.amount
        tally.outcomes[ruled.outcome] += 1
        tally.reasons[application.reason, application.stage] += 1
        if ruled.payer == "platform":
            tally.subsidised += ruled.amount


def _accepted(answer: A | EvenhandError, what: str) -> A:
    """The answer, unless it is an error: then it is raised, saying of what."""
    if isinstance(answer, EvenhandError):
        raise BadInput(str(answer), field=what) from answer
    return answer
