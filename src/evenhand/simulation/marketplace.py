"""The run of events in the synthetic marketplace, day by day and in the order of time.

Each market has stores and buyers of several kinds (`people`). Every day it gets its part of the orders and, of these, its part
will end in a refund application; which ones depends on how readily the buyer complains and how well the store sells. Of the n
orders of a day with weights w, the k with the smallest u/w are taken, u being uniform (sequential Poisson sampling, Ohlsson
1998): exactly k of them, each with a chance proportional to w as far as that can be, by a division only.

Orders move by day and applications are filed in the evening. So a day is two batches for whoever sends the events on, and still
everything that was known at the moment of an application, and nothing else, comes before it.
"""

from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from heapq import nsmallest
from itertools import accumulate, pairwise
from random import Random
from typing import Any, Final, Literal, NamedTuple, TypeVar, cast

from msgspec.structs import replace

from evenhand.records import Application, Market, MerchantRule, Order, OrderLine, Review
from evenhand.simulation.gangs import AIMED, Gang, agreed_orders, gangs
from evenhand.simulation.people import (
    BUYER_KINDS,
    CATEGORIES,
    COMMENTS,
    STORE_KINDS,
    BuyerKind,
    Category,
    StoreKind,
    Weights,
)
from evenhand.simulation.sharing import Sharing, share_out

T = TypeVar("T")

# First and last day on which orders are placed, in the markets' time zone; what follows from them happens up to a month later.
BEGINS: Final = date(2024, 2, 1)
ENDS: Final = date(2025, 7, 31)
_DAYS: Final = (ENDS - BEGINS).days + 1
# Midnight in Shanghai, which keeps one time all year, as that first day begins.
_MIDNIGHT: Final = datetime(2024, 1, 31, 16, tzinfo=UTC)
_FEWEST_BUYERS, _ORDERS_PER_BUYER = 8, 20
_FEWEST_STORES, _ORDERS_PER_STORE = 8, 1_600
# Of so many orders one ends in a refund application: far more than anywhere real, since applications are what is looked at.
_ORDERS_PER_APPLICATION: Final = 5
_LABEL_DAYS: Final = 365
_WORST: Final = max(kind.faults for kind in STORE_KINDS)


class Labelling(NamedTuple):
    """A market puts a label on a buyer."""

    buyer: str
    label: Literal["watched", "malicious"]
    cause: str
    until: datetime

    @property
    def id(self) -> str:
        return self.buyer


What = Order | Application | MerchantRule | Labelling


class Event(NamedTuple):
    """Something that happens: an order comes further, an application is filed, a merchant sets a rule, a buyer is labelled."""

    at: datetime
    market: str
    # an order is as far as it has come by then
    what: What


@dataclass(frozen=True, slots=True)
class Place:
    """One of the markets."""

    market: Market
    # of all orders
    share: int
    # its prices, in hundredths of the usual
    prices: int
    # from when it labels buyers; null is never
    labels_from: date | None = None
    # from when merchants' own rules count there; null is never
    rules_from: date | None = None


PLACES: Final = (
    Place(Market("1688", "1688 (synthetic)", "1688", "CNY", "Asia/Shanghai"), 30, 180, rules_from=date(2024, 8, 1)),
    Place(Market("taobao", "Taobao (synthetic)", "taobao", "CNY", "Asia/Shanghai"), 40, 100),
    Place(
        Market("pinduoduo", "Pinduoduo (synthetic)", "pinduoduo", "CNY", "Asia/Shanghai"),
        30,
        60,
        labels_from=date(2025, 1, 10),
    ),
)
MARKETS: Final = tuple(place.market for place in PLACES)


def applications_of(orders: int) -> int:
    """How many refund applications so many orders end in."""
    return orders // _ORDERS_PER_APPLICATION


def simulate(orders: int, seed: int, aimed: int = AIMED) -> Iterator[Event]:
    """Everything that happens in the markets, in the order of time.

    There are exactly `orders` orders and `applications_of(orders)` applications; the same arguments give the same events. An
    order comes first when it is placed, and again when it is shipped (where that matters to an application), delivered and
    reviewed. `aimed` says how many orders each member of a gang places by agreement while a choice of stores lasts.
    """
    happening: defaultdict[int, list[Event]] = defaultdict(list)
    totals = list(_parts(orders, [place.share for place in PLACES]))
    filed = list(_parts(applications_of(orders), totals))
    sites = [_Site(*each, seed, happening, aimed) for each in zip(PLACES, totals, filed, strict=True)]
    day = 0
    while day < _DAYS or happening:
        if day < _DAYS:
            for site in sites:
                site.trade(day)
        yield from sorted(happening.pop(day, ()), key=_in_time)
        day += 1


def kinds_of_buyers(orders: int, seed: int) -> dict[tuple[str, str], str]:
    """The truth that no market knows: of which kind every buyer of that marketplace is, by market and id."""
    happening: defaultdict[int, list[Event]] = defaultdict(list)
    totals = _parts(orders, [place.share for place in PLACES])
    sites = [_Site(place, total, 0, seed, happening) for place, total in zip(PLACES, totals, strict=True)]
    return {(site.market, buyer): kind for site in sites for buyer, kind in site.kinds()}


class Planted(NamedTuple):
    """The truth of who is together, by market and then by the buyers' ids."""

    # abusers who act together
    rings: dict[str, list[frozenset[str]]]
    # honest people of one home
    households: dict[str, list[frozenset[str]]]
    # who uses the office building's address, and the parcel locker's address and phone
    office: dict[str, frozenset[str]]
    locker: dict[str, frozenset[str]]
    # who claims from the same stores by agreement; members by place among the market's buyers, see `buyer_id`
    gangs: dict[str, list[Gang]]


def planted(orders: int, seed: int) -> Planted:
    """The truth that no market knows: which buyers of that marketplace are together, and who only uses the same hub."""
    happening: defaultdict[int, list[Event]] = defaultdict(list)
    totals = _parts(orders, [place.share for place in PLACES])
    sites = [_Site(place, total, 0, seed, happening) for place, total in zip(PLACES, totals, strict=True)]
    return Planted(
        {site.market: [_ids(ring) for ring in site.sharing.rings] for site in sites},
        {site.market: [_ids(home) for home in site.sharing.households] for site in sites},
        {site.market: _ids(site.sharing.office) for site in sites},
        {site.market: _ids(site.sharing.locker) for site in sites},
        {site.market: site.gangs for site in sites},
    )


def _ids(buyers: Sequence[int]) -> frozenset[str]:
    return frozenset(buyer_id(buyer) for buyer in buyers)


def _in_time(event: Event) -> tuple[datetime, str, str]:
    return event.at, event.market, event.what.id


def _parts(total: int, weights: Sequence[int]) -> Iterator[int]:
    """Divide a whole number in proportion to weights: the parts are whole and sum to it."""
    sums = list(accumulate(weights, initial=0))
    whole = max(1, sums[-1])
    for before, after in pairwise(sums):
        yield total * after // whole - total * before // whole


def _busy(day: int) -> int:
    """How busy a day is: weekends are, and the sales of 18 June and 11 November."""
    date_ = BEGINS + timedelta(day)
    if (date_.month, date_.day) in ((6, 18), (11, 11)):
        return 40
    return 12 if date_.weekday() >= 5 else 10


class _Site:
    """One market at work."""

    def __init__(
        self,
        place: Place,
        orders: int,
        applications: int,
        seed: int,
        happening: defaultdict[int, list[Event]],
        aimed: int = AIMED,
    ) -> None:
        self._place = place
        self._id = place.market.id
        self._random = Random(f"synthetic {self._id} {seed}")
        self._happening = happening
        self._orders = list(_parts(orders, [_busy(day) for day in range(_DAYS)]))
        self._applications = list(_parts(applications, self._orders))
        buyers = max(_FEWEST_BUYERS, orders // _ORDERS_PER_BUYER)
        stores = max(_FEWEST_STORES, orders // _ORDERS_PER_STORE)
        self._buyers = self._people(BUYER_KINDS, buyers)
        self._stores = self._people(STORE_KINDS, stores)
        self._buyers_to = list(accumulate(kind.orders for kind in self._buyers))
        self._stores_to = list(accumulate(kind.orders for kind in self._stores))
        self._sharing = share_out([kind.reuses_evidence for kind in self._buyers], Random(f"shared {self._id} {seed}"))
        abusive = [place for place, kind in enumerate(self._buyers) if kind.reuses_evidence]
        draws = Random(f"gangs {self._id} {seed}")
        self._gangs = gangs(abusive, self._sharing.rings, stores, _DAYS, draws)
        self._agreed = agreed_orders(self._gangs, aimed, draws)
        # those who have ordered: what somebody uses comes with the first order
        self._known: set[int] = set()
        self._placed = 0
        self._filed_by: Counter[int] = Counter()
        if place.rules_from:
            self._set_rules(_moment((place.rules_from - BEGINS).days, 0))

    @property
    def market(self) -> str:
        return self._id

    @property
    def sharing(self) -> Sharing:
        """What its buyers use, by place."""
        return self._sharing

    @property
    def gangs(self) -> list[Gang]:
        """Who claims from the same stores by agreement."""
        return self._gangs

    def kinds(self) -> Iterator[tuple[str, str]]:
        """Every buyer with the name of its kind."""
        return ((buyer_id(number), kind.name) for number, kind in enumerate(self._buyers))

    def _set_rules(self, at: datetime) -> None:
        """Plan that merchants set rules of their own."""
        for store, kind in enumerate(self._stores):
            if kind.own_rule:
                rule = MerchantRule(
                    id=f"synthetic-rule-{store + 1:04}",
                    decision=kind.own_rule,
                    merchant=store_id(store),
                    price_to=kind.up_to * 100,
                    reasons=["damaged", "not_as_described", "quality"],
                    valid_from=at,
                )
                self._plan(at, rule)

    def trade(self, day: int) -> None:
        """Place the orders of a day and plan everything that follows from them."""
        count, complaints = self._orders[day], self._applications[day]
        # half of the buyers are there from the beginning, the others join over time
        known = len(self._buyers) * (_DAYS + day) // (2 * _DAYS) or 1
        parties = [(self._pick(self._buyers_to, known), self._pick(self._stores_to, None)) for _ in range(count)]
        agreed = [pair for pair in self._agreed.get(day, ()) if pair[0] < known][:count]
        parties[: len(agreed)] = agreed
        keys = [
            self._random.random() / self._readiness(*pair, by_agreement=index < len(agreed))
            for index, pair in enumerate(parties)
        ]
        complaining = set(nsmallest(complaints, range(count), key=keys.__getitem__))
        for index, (buyer, store) in enumerate(parties):
            self._order(day, buyer, store, complains=index in complaining)

    def _readiness(self, buyer: int, store: int, *, by_agreement: bool) -> int:
        """How likely an order is to end in an application, beside others. By agreement one claims whatever the goods are."""
        faults = _WORST if by_agreement else self._stores[store].faults
        return self._buyers[buyer].complaints * faults

    def _order(self, day: int, buyer: int, store: int, *, complains: bool) -> None:
        kind = self._stores[store]
        category = self._draw(CATEGORIES)
        promised = day + self._random.randint(3, 5)
        late = self._random.randrange(100) < kind.late
        delivered = promised + self._random.randint(1, 6) if late else day + self._random.randint(2, promised - day)
        self._placed += 1
        placed_at = self._by_day(day)
        order = Order(
            id=f"synthetic-{self._placed:06}",
            buyer=buyer_id(buyer),
            placed_at=placed_at,
            currency=self._place.market.currency,
            lines=[OrderLine("1", store_id(store), self._price(category), category.name)],
            promised_at=_moment(promised, 24 * 3600 - 1),
        )
        new = buyer not in self._known
        self._known.add(buyer)
        self._plan(placed_at, replace(order, attributes=self._sharing.attributes(buyer)) if new else order)
        stage = self._choose(self._buyers[buyer].stages) if complains else "received"
        if complains:
            self._complain(order, buyer, stage, day, delivered)
        if stage == "unshipped":
            return  # cancelled
        shipped_at = self._by_day(day + 1)
        order = replace(order, shipped_at=shipped_at)
        if stage == "in_transit":
            self._plan(shipped_at, order)
            if self._random.random() < 0.5:
                return  # lost
        delivered_at = self._by_day(delivered)
        order = replace(order, delivered_at=delivered_at)
        self._plan(delivered_at, order)
        if self._random.random() < 0.3:
            reviewed_at = self._by_day(delivered + self._random.randint(1, 5))
            [score] = self._random.choices((1, 2, 3, 4, 5), kind.reviews)
            score = max(1, score - 2) if complains and self._buyers[buyer].name == "honest" else score
            self._plan(reviewed_at, replace(order, reviews=[Review("1", score, reviewed_at)]))

    def _complain(self, order: Order, buyer: int, stage: str, day: int, delivered: int) -> None:
        """Plan an application about an order, and the label that may follow from it."""
        kind = self._buyers[buyer]
        paid = order.lines[0].amount
        if stage == "received":
            on = delivered + self._random.randint(0, 6)
            reason, remedy = self._choose(kind.reasons), self._choose(kind.remedies)
        elif stage == "in_transit":
            on = day + self._random.randint(1, delivered - day - 1)
            reason, remedy = self._choose({"not_received": 7, "no_reason": 2, "other": 1}), "refund_only"
        else:
            on, reason, remedy = day, self._choose({"no_reason": 8, "other": 2}), "refund_only"
        part = reason == "missing_item" and self._random.random() < 0.6
        files = f"synthetic/{order.buyer if kind.reuses_evidence else order.id}"
        photos = self._random.randint(*kind.evidence) if stage == "received" else 0
        at = _moment(on, 20 * 3600 + self._random.randrange(4 * 3600))
        values: dict[str, Any] = {"remedy": remedy, "stage": stage, "reason": reason}
        application = Application(
            id=f"{order.id}-refund",
            order=order.id,
            line="1",
            **values,
            amount=paid // 2 if part else paid,
            currency=order.currency,
            applied_at=at,
            evidence=[f"{files}/photo-{photo + 1}.jpg" for photo in range(photos)],
            comment=self._random.choice(COMMENTS[reason]) if self._random.random() < 0.7 else "",
        )
        self._plan(at, application)
        self._filed_by[buyer] += 1
        begins = self._place.labels_from
        if begins and kind.label and self._filed_by[buyer] >= kind.labelled_after:
            number = max(on + 1, (begins - BEGINS).days)
            self._filed_by[buyer] = -1_000_000  # once is enough
            cause = f"Synthetic: {kind.labelled_after} refund applications of a buyer generated as {kind.name}."
            at = _moment(number, 0)
            self._plan(at, Labelling(order.buyer, kind.label, cause, at + timedelta(days=_LABEL_DAYS)))

    def _plan(self, at: datetime, what: What) -> None:
        self._happening[day_of(at)].append(Event(at, self._id, what))

    def _by_day(self, day: int) -> datetime:
        return _moment(day, 8 * 3600 + self._random.randrange(12 * 3600))

    def _price(self, category: Category) -> int:
        """In fen; cheap goods are bought more often."""
        yuan = min(self._random.randint(category.cheapest, category.dearest) for _ in range(2))
        return yuan * self._place.prices - 10

    def _pick(self, sums: Sequence[int], known: int | None) -> int:
        """One of the first `known` places, by weights that were summed up."""
        end = known or len(sums)
        return bisect(sums, int(self._random.random() * sums[end - 1]), 0, end - 1)

    def _people(self, kinds: Sequence[T], count: int) -> list[T]:
        """So many of the kinds, by their shares; each kind is there even where there are few."""
        return [*kinds, *(self._draw(kinds) for _ in range(count - len(kinds)))]

    def _draw(self, kinds: Sequence[T]) -> T:
        shares = [cast("BuyerKind | StoreKind | Category", kind).share for kind in kinds]
        return self._random.choices(kinds, shares)[0]

    def _choose(self, weights: Weights) -> str:
        return self._random.choices(list(weights), list(weights.values()))[0]


def day_of(at: datetime) -> int:
    """Whole days from the first one to a moment, in the markets' time zone."""
    return (at - _MIDNIGHT).days


def _moment(day: int, second: int) -> datetime:
    return _MIDNIGHT + timedelta(days=day, seconds=second)


def store_id(store: int) -> str:
    return f"synthetic-store-{store + 1:04}"


def buyer_id(buyer: int) -> str:
    return f"synthetic-buyer-{buyer + 1:05}"
