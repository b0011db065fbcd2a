"""What the server counts about itself, in Prometheus' text format."""

from collections import Counter as Tally
from collections.abc import Callable, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from evenhand.accounts.abuse.people import UncertainToday
from evenhand.desk import Ruled
from evenhand.errors import EvenhandError
from evenhand.interceptions import InterceptedToday
from evenhand.records import Application

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
disable_created_metrics()
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._rulings = Counter("evenhand_rulings", "New rulings.", ("market", "outcome"), registry=registry)
        self._intercepted = Counter(
            "evenhand_interceptions",
            "New rulings of this server that decline, by the rule that did.",
            ("market", "policy", "rule"),
            registry=registry,
        )
        self._intercepted_today = Gauge(
            "evenhand_interceptions_today",
            "Applications filed today, in the market's time zone, that were declined, by cause; whichever server ruled.",
            ("market", "cause"),
            registry=registry,
        )
        self._overturned_today = Gauge(
            "evenhand_interceptions_overturned_today",
            "Those of them that a later decision turned over.",
            ("market", "cause"),
            registry=registry,
        )
        self._refused = Counter("evenhand_refused", "Applications that were not ruled.", ("why",), registry=registry)
        self._sizes = Histogram("evenhand_batch_size", "Items per batch.", ("kind",), buckets=_SIZES, registry=registry)
        self._took = Histogram(
            "evenhand_batch_seconds",
            "Time from a batch's start until it is durable.",
            ("kind",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._requests = Histogram(
            "evenhand_request_seconds", "Time to answer a POST.", ("kind",), buckets=_SECONDS, registry=registry
        )
        self._uncertain = Gauge(
            "evenhand_uncertain_claims_today",
            "Claims of today that the learned abuse score is uncertain of, by whether a person had place for them.",
            ("market", "became"),
            registry=registry,
        )
        self._per_day = Gauge(
            "evenhand_uncertain_claims_per_day",
            "How many of them persons can look at a day, where the market set it.",
            ("market",),
            registry=registry,
        )
        self._waiting = Gauge("evenhand_waiting_items", "Items waiting for a batch.", ("kind",), registry=registry)

    def batch_observer(self, kind: str) -> Callable[[int, float], None]:
        """Takes size and seconds of each batch of a kind."""
        sizes, took = self._sizes.labels(kind), self._took.labels(kind)

        def observe(size: int, seconds: float) -> None:
            sizes.observe(size)
            took.observe(seconds)

        return observe

    def request_observer(self, kind: str) -> Callable[[float], None]:
        """Takes the seconds of each POST of a kind."""
        return self._requests.labels(kind).observe

    def watch_queue(self, kind: str, waiting: Callable[[], int]) -> None:
        self._waiting.labels(kind).set_function(waiting)

    def ruled(self, items: Sequence[tuple[str, Application]], answers: Sequence[Ruled | EvenhandError]) -> None:
        """Count the answers of a batch."""
        rulings: Tally[tuple[str, str]] = Tally()
        refused: Tally[str] = Tally()
        for (market, _), answer in zip(items, answers, strict=True):
            if not isinstance(answer, Ruled):
                refused[type(answer).__name__] += 1
            elif not answer.repeated:
                rulings[market, answer.outcome] += 1
                if answer.outcome == "decline":
                    self._intercepted.labels(market, answer.policy, answer.rule).inc()
        for (market, outcome), count in rulings.items():
            self._rulings.labels(market, outcome).inc(count)
        for why, count in refused.items():
            self._refused.labels(why).inc(count)

    def text(self, uncertain: Sequence[UncertainToday], intercepted: Sequence[InterceptedToday]) -> bytes:
        """All of it; `uncertain` and `intercepted` are how it stands in the markets today, which the database knows."""
        self._intercepted_today.clear()
        self._overturned_today.clear()
        for one in intercepted:
            self._intercepted_today.labels(one.market, one.cause).set(one.applications)
            self._overturned_today.labels(one.market, one.cause).set(one.overturned)
        self._uncertain.clear()
        self._per_day.clear()
        for one in uncertain:
            self._uncertain.labels(one.market, "review").set(one.taken)
            self._uncertain.labels(one.market, "settled").set(one.passed)
            if one.per_day is not None:
                self._per_day.labels(one.market).set(one.per_day)
        return generate_latest(self._registry)
