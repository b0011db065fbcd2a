"""Send a timeline through the desk in few, large batches that change nothing.

A ruling reads the history of one buyer and one merchant, and an order's step adds to that of its own parties only, so which of
two events comes first matters only where they share an account. Events are therefore dealt into rounds: a round first takes its
order steps and then rules its applications; a step goes to the round after the last application that must not know of it, and an
application to the round of the last step that it must know of. What each ruling knows is what it would know one by one.

The rounds follow from the data alone: an import that was cut off and is run again sends the same ones, what was taken before is
answered as repeated, and the rest is ruled as it would have been.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from evenhand.desk import Desk, OrderTaken, Ruled
from evenhand.errors import BadInput, Conflict, EvenhandError
from evenhand.importers.olist.timeline import PLACED, Event
from evenhand.records import Application, Order

# Events dealt at a time, and the most that one round can hold.
_DEALT: Final = 2_000
A = TypeVar("A", OrderTaken, Ruled)


@dataclass(slots=True)
class Round:
    """Order steps to be taken, each with whether it places the order, and then applications to be ruled."""

    steps: list[tuple[Order, bool]] = field(default_factory=list[tuple[Order, bool]])
    applications: list[Application] = field(default_factory=list[Application])


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


def deal(events: Iterable[Event]) -> list[Round]:
    """Deal events, sorted by time, into rounds."""
    rounds: defaultdict[int, Round] = defaultdict(Round)
    # by account: the last round with a step of it, and the one after the last in which an application reads it
    taken: dict[str, int] = {}
    free: dict[str, int] = {}
    for event in events:
        record, accounts = event.record, event.accounts
        number = max(free.get(account, 0) for account in accounts)
        if isinstance(record, Application):
            number = max(number - 1, *(taken.get(account, 0) for account in accounts))
            free.update(dict.fromkeys(accounts, number + 1))
            rounds[number].applications.append(record)
        else:
            taken.update({account: max(number, taken.get(account, 0)) for account in accounts})
            rounds[number].steps.append((record, event.rank == PLACED))
    return [rounds[number] for number in sorted(rounds)]


async def send(desk: Desk, market: str, events: Sequence[Event], advance: Callable[[int], object]) -> Tally:
    """Send events, sorted by time; `advance` hears how many more are durable.

    Raises `EvenhandError` naming the order or application that the desk refuses; what was sent before stays.
    """
    tally = Tally()
    for start in range(0, len(events), _DEALT):
        for one in deal(events[start : start + _DEALT]):
            if one.steps:
                await _take(desk, market, one.steps, tally)
            if one.applications:
                await _rule(desk, market, one.applications, tally)
            advance(len(one.steps) + len(one.applications))
    return tally


async def _take(desk: Desk, market: str, steps: list[tuple[Order, bool]], tally: Tally) -> None:
    answers = await desk.take_orders([(market, order) for order, _ in steps])
    for (order, is_placed), answer in zip(steps, answers, strict=True):
        taken = _accepted(answer, f"order {order.id}")
        if is_placed and taken.repeated:
            tally.orders_known += 1
        elif is_placed:
            tally.orders += 1


async def _rule(desk: Desk, market: str, applications: list[Application], tally: Tally) -> None:
    answers = await desk.rule([(market, application) for application in applications])
    for application, answer in zip(applications, answers, strict=True):
        ruled = _accepted(answer, f"application {application.id}")
        if ruled.repeated:
            tally.applications_known += 1
            continue
        tally.applications += 1
        tally.claimed += application.amount
        tally.outcomes[ruled.outcome] += 1
        tally.reasons[application.reason, application.stage] += 1
        if ruled.payer == "platform":
            tally.subsidised += ruled.amount


def _accepted(answer: A | EvenhandError, what: str) -> A:
    """The answer, unless it is an error: then it is raised, saying of what."""
    if isinstance(answer, Conflict) and answer.field:
        raise BadInput(f"{answer.field}: {answer}", field=what) from answer
    if isinstance(answer, EvenhandError):
        raise BadInput(str(answer), field=what) from answer
    return answer
