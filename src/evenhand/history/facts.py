"""The fold `state, event -> state`, and the declared windows read from the state. Made from `evenhand.measures`."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Final, NamedTuple

from evenhand.history import tiles as day_tiles
from evenhand.history.adding import Added, Adder, Column, Fields, compile_adder
from evenhand.history.dense import is_dense, runs_of
from evenhand.history.reading import Figure, Reader, compile_reader
from evenhand.measures import (
    BUYER_MEASURES,
    MERCHANT_MEASURES,
    PAIR_MEASURES,
    RATES,
    Happening,
    Measure,
    Rate,
)

# Of a buyer, so many days with a dispute are kept per store, the newest: a bound for those who do nothing else.
MOST_PAIRS: Final = 1024
# Rulings are counted beside the applications they are about: they fall on the same day but for a few.
_RUN_OF: Final[dict[str, str]] = {"ruling": "application"}
_RATES: Final = tuple(Decimal(rate).scaleb(-4) for rate in range(10_001))


# What an event adds to, by run, and what adds it.
Planned = tuple[list[Added], Adder]


class Plan(NamedTuple):
    """How to read some facts."""

    # reads all but the rates
    read: Reader
    # fact of a rate -> the facts it is made of
    rates: dict[str, tuple[str, str]]
    # facts that are only read for a rate
    extra: tuple[str, ...]


def counts(measure: Measure, fields: Fields) -> bool:
    """Whether an event with these fields is counted."""
    conditions = measure.where
    return not conditions or any(
        all(fields.get(name) in values for name, values in condition.items()) for condition in conditions
    )


class Layout:
    """Where each measure of one kind of account is kept: its run, and its column there."""

    def __init__(self, measures: Sequence[Measure], first_column: int = 1) -> None:
        self.measures = {measure.name: measure for measure in measures}
        names = dict.fromkeys(_run_of(measure) for measure in measures)
        self.run = {measure.name: list(names).index(_run_of(measure)) for measure in measures}
        steps = [first_column] * len(names)
        self.column: dict[str, Column] = {}
        for measure in measures:
            run = self.run[measure.name]
            days_of = self.column[measure.days_of].at if measure.days_of else 0
            self.column[measure.name] = Column(steps[run], measure.adds, measure.money, days_of)
            steps[run] += 2 if measure.money else 1
        self.steps = tuple(steps)
        asked: dict[str, dict[str, None]] = {}
        for measure in measures:
            names = [name for condition in measure.where for name in condition]
            for kind in {measure.of, "ruled" if _run_of(measure) == "application" else measure.of}:
                asked.setdefault(kind, {}).update(dict.fromkeys(names))
        # of each kind of event: what takes the fields out of it that conditions ask, and the plans by those
        self._kinds: dict[str, tuple[Callable[[Fields], object], dict[object, Planned]]] = {
            kind: (itemgetter(*names) if names else _no_field, {}) for kind, names in asked.items()
        }

    def plan(self, kind: Happening, fields: Fields) -> Planned | None:
        """What an event adds to, by run, and what adds it; None for a kind of event that is not counted."""
        found = self._kinds.get(kind)
        if found is None:
            return None
        key, plans = found[0](fields), found[1]
        plan = plans.get(key)
        if plan is None:
            runs: dict[int, list[Column]] = {}
            for measure in self.measures.values():
                told = measure.of == kind or (kind == "ruled" and _run_of(measure) == "application")
                if told and counts(measure, fields):
                    runs.setdefault(self.run[measure.name], []).append(self.column[measure.name])
            added = [
                Added(
                    run,
                    self.steps[run],
                    [(one.at, one.days_of) for one in columns if one.days_of],
                    [one.at for one in columns if not one.days_of and not one.adds],
                    [one for one in columns if one.adds],
                )
                for run, columns in runs.items()
            ]
            plan = plans[key] = added, compile_adder(added)
        return plan


class Tally:
    """What is counted for one kind of account, and the facts that follow.

    `fold` takes an event into the state; `facts(tiles, day)` gives `history.*` facts of that kind of account as of that day:
    the N completed days before it plus the day itself so far.
    """

    def __init__(self, owner: str, measures: Sequence[Measure], rates: Sequence[Rate]) -> None:
        self.owner = owner
        self.layout = Layout(measures)
        self._days_known = f"{owner}_days_known"
        self._facts = declared(owner, measures)
        self._rates = {name: parts for rate in rates if rate.owner == owner for name, parts in rate_facts(rate)}
        self.always = frozenset(
            {self._days_known} | {f"{owner}_{one.name}_{days}d" for one in measures for days in one.always}
        )
        self.names = frozenset({self._days_known, *self._facts, *self._rates})
        # a buyer's state has one run more: its disputes by store
        self.steps = (*self.layout.steps, PAIR_LAYOUT.steps[0]) if owner == "buyer" else self.layout.steps
        self._words = sum(self.steps)
        self._plan = lru_cache(maxsize=256)(self._make_plan)
        self._always = self._make_plan(self.always)

    def unpack(self, stored: bytes) -> "array[int]":
        """An account's state as stored."""
        tiles = day_tiles.unpack(stored)
        if tiles and tiles[0] >> day_tiles.SHIFT != self._words:
            if is_dense(tiles):
                columns = {name: column.at for name, column in self.layout.column.items()}
                return runs_of(tiles, self.owner, self.layout.run, columns, self.steps)
            return day_tiles.widened(tiles, self.steps)
        return tiles

    def fold(self, tiles: "array[int]", day: int, kind: Happening, fields: Fields, weight: int = 1) -> None:
        """Fold one event of this day into the account's state, in place; a weight of -1 takes it back.

        `fields` are those of the event that the declarations ask for; kinds of events that this account does not count are
        passed over. An application that is ruled at once is one event, "ruled", with the fields of both.
        """
        plan = self.layout.plan(kind, fields)
        if plan is None:
            return
        if not tiles or day < tiles[0] & day_tiles.LOW:
            day_tiles.begin(tiles, self.steps, day)
        plan[1](tiles, day, fields, weight)

    def facts(self, tiles: "array[int]", day: int, wanted: Collection[str] | None = None) -> dict[str, Figure]:
        """Facts of the account as of `day`, without the `history.` prefix; those that always stand unless told.

        Tiles of later days are not looked at.
        """
        plan = self._always if wanted is None else self._plan(frozenset(wanted))
        facts = plan.read(tiles, day)
        for name, (part, whole) in plan.rates.items():
            facts[name] = rate_of(facts[part], facts[whole])
        for name in plan.extra:
            del facts[name]
        return facts

    def _make_plan(self, wanted: frozenset[str]) -> "Plan":
        rates = {name: parts for name, parts in self._rates.items() if name in wanted}
        parts = {part for pair in rates.values() for part in pair}
        runs: dict[int, dict[int, list[tuple[str, int, bool]]]] = {}
        for name, (measure, days) in self._facts.items():
            if name in wanted or name in parts:
                column = self.layout.column[measure.name]
                windows = runs.setdefault(self.layout.run[measure.name], {})
                windows.setdefault(days, []).append((name, column.at, column.wide))
        known = self._days_known in wanted
        nothing: dict[str, Figure] = {self._days_known: 0} if known else {}
        nothing |= {name: 0 for name in self._facts if name in wanted or name in parts}
        nothing |= dict.fromkeys(rates)
        plan = [
            (number, self.steps[number], sorted(windows.items(), reverse=True))
            for number, windows in sorted(runs.items())
        ]
        read = compile_reader(plan, nothing, self._days_known if known else None)
        return Plan(read, rates, tuple(parts - wanted))


class PairTally:
    """What is counted of a buyer with one store: inside the buyer's state, only once the two dispute.

    A tile is `store day t1 ... tk`, with what happened on that day alone; the stores of one buyer lie together, in the order of
    days. They are few, so a window is a sum. At most `MOST_PAIRS` tiles are kept, the newest days.
    """

    def __init__(self, measures: Sequence[Measure]) -> None:
        self.layout = PAIR_LAYOUT
        self._facts = declared("pair", measures)
        self.names = frozenset(self._facts)
        self.always: frozenset[str] = frozenset()

    def fold(
        self, tiles: "array[int]", merchant: int, day: int, kind: Happening, fields: Fields, weight: int = 1
    ) -> None:
        """Fold an event between the two into the *buyer's* state, after `BUYER.fold`. `merchant` is the account's number."""
        plan = self.layout.plan(kind, fields)
        for added in plan[0] if plan else ():
            place = self._place(tiles, tiles[1] - 1, added.step, merchant & day_tiles.WRAP, day)
            if place:
                for at in added.once:
                    tiles[place + at] = (tiles[place + at] + weight) & day_tiles.WRAP

    def facts(self, tiles: "array[int]", merchant: int, day: int, wanted: Collection[str]) -> dict[str, Figure]:
        """Those of the `wanted` facts that are of the pair, as of a day, without the `history.` prefix."""
        start, end = day_tiles.bounds(tiles, tiles[1] - 1) if tiles else (0, 0)
        step, store = self.layout.steps[0], merchant & day_tiles.WRAP
        met = [place for place in range(start, end, step) if tiles[place] == store]
        facts: dict[str, Figure] = {}
        for name, (measure, days) in self._facts.items():
            if name in wanted:
                at = self.layout.column[measure.name].at
                facts[name] = sum(tiles[place + at] for place in met if day - days <= tiles[place + 1] <= day)
        return facts

    def _place(self, tiles: "array[int]", run: int, step: int, store: int, day: int) -> int:
        """Where the tile of a store and a day is, made if need be; 0 for a day that is too old."""
        start, end = day_tiles.bounds(tiles, run)
        newest = tiles[end - step + 1] if start < end else day
        if day <= newest - day_tiles.KEPT_DAYS:
            return 0
        if start < end and newest < day:  # nearly always it is a new day
            place = end
        else:
            tiles_by_day = range(start, end, step)
            place = start + step * bisect_left(tiles_by_day, (day, store), key=lambda at: (tiles[at + 1], tiles[at]))
        if place < end and tiles[place] == store and tiles[place + 1] == day:
            return place
        day_tiles.insert(tiles, run, place, array("I", [store, day, *[0] * (step - 2)]))
        oldest = max(newest, day) - day_tiles.KEPT_DAYS + 1
        gone = 0
        if tiles[start + 1] < oldest:
            gone = step * bisect_left(range(start, end + step, step), oldest, key=lambda at: tiles[at + 1])
        gone = max(gone, end + step - start - step * MOST_PAIRS)
        if gone:
            day_tiles.remove(tiles, run, start, start + gone)
        return place - gone if place - gone >= start else 0


def _no_field(_: Fields) -> None:
    """The key of a kind of event of which conditions ask nothing."""


def _run_of(measure: Measure) -> str:
    return _RUN_OF.get(measure.of, measure.of)


def declared(owner: str, measures: Sequence[Measure]) -> dict[str, tuple[Measure, int]]:
    """The windowed facts of some measures, by name without prefix: which measure, over how many days."""
    return {f"{owner}_{one.name}_{days}d": (one, days) for one in measures for days in one.windows}


def rate_facts(rate: Rate) -> list[tuple[str, tuple[str, str]]]:
    """The facts of a rate, each with the two facts it is made of, without prefix."""
    return [
        (
            f"{rate.owner}_{rate.name}_{days}d",
            (f"{rate.owner}_{rate.part}_{days}d", f"{rate.owner}_{rate.whole}_{days}d"),
        )
        for days in rate.windows
    ]


def rate_of(part: Figure, whole: Figure) -> Decimal | None:
    """A proportion, 0.0000 to 1.0000, rounded half up; None of nothing."""
    if not whole or part is None:
        return None
    return _RATES[min(10_000, (20_000 * int(part) + int(whole)) // (2 * int(whole)))]


PAIR_LAYOUT: Final = Layout(PAIR_MEASURES, first_column=2)
BUYER: Final = Tally("buyer", BUYER_MEASURES, RATES)
MERCHANT: Final = Tally("merchant", MERCHANT_MEASURES, RATES)
PAIR: Final = PairTally(PAIR_MEASURES)
