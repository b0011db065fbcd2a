"""The fold `state, event -> state`, and the declared windows read from the state. Made from `evenhand.measures`."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Final, NamedTuple

from evenhand.errors import StoreError
from evenhand.history import former, stored
from evenhand.history import tiles as day_tiles
from evenhand.history.adding import Added, Adder, Column, Fields, compile_adder
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

# Words of a tile of each run, in every layout that states were ever stored in: when a measure is appended, append how the layout
# is from then on. No more than 16, so that the first word of a state stays under 128.
LAYOUTS: Final[dict[str, tuple[tuple[int, ...], ...]]] = {
    "buyer": ((4, 14, 5), (4, 15, 5), (4, 17, 5)),
    "merchant": ((4, 3, 3, 10, 4),),
}
# Of a buyer, so many days with a dispute are kept per store, the newest: a bound for those who do nothing else.
MOST_PAIRS: Final = 1024
# The first column of a pair's tile that counts: the day and the store come before it.
_FIRST: Final = 3
# Rulings are counted beside the applications they are about: they fall on the same day but for a few. So are findings: a run of
# their own would cost everybody two words.
_RUN_OF: Final[dict[str, str]] = {"ruling": "application", "finding": "application"}
# What "ruled" is, as one event.
_RULED: Final = ("application", "ruling")
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
            if measure.days_of and measure.of not in _RUN_OF.values() and not measure.where:  # there is a tile for each
                self.column[measure.name] = Column(0, "", daily=False, days_of=0)
                continue
            days_of = self.column[measure.days_of].at if measure.days_of else 0
            self.column[measure.name] = Column(steps[run], measure.adds, measure.money, days_of)
            steps[run] += 2 if measure.money else 1
        self.steps = tuple(steps)
        self._daily = tuple(
            tuple(
                word
                for name, one in self.column.items()
                if one.daily and self.run[name] == run
                for word in (one.at, one.at + 1)
            )
            for run in range(len(steps))
        )
        asked: dict[str, dict[str, None]] = {}
        for measure in measures:
            names = [name for condition in measure.where for name in condition]
            for kind in {measure.of, "ruled" if measure.of in _RULED else measure.of}:
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
                told = measure.of == kind or (kind == "ruled" and measure.of in _RULED)
                if told and counts(measure, fields):
                    column = self.column[measure.name]
                    runs.setdefault(self.run[measure.name], []).extend([column] if column.at else [])
            added = [
                Added(
                    run,
                    self.steps[run],
                    self._daily[run],
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
        self._layout = (len(LAYOUTS[owner]) - 1) << 3 | len(self.steps)
        self._is_whole = _whole(self.steps)
        self._plan = lru_cache(maxsize=256)(self._make_plan)
        self._always = self._make_plan(self.always)

    def unpack(self, packed: bytes, account: int = 0) -> "array[int]":
        """An account's state as stored; raises `StoreError`, naming the account's number, when it is broken."""
        if not packed:
            return array("I")
        try:
            tiles = stored.unpack(packed)
            if tiles[0] != self._layout:
                tiles = self._of_another_layout(tiles)
            if self._is_whole(tiles):
                return tiles
            why = "its parts do not fit together"
        except (ValueError, IndexError, OverflowError) as error:
            why = str(error)
        whose = f"account {account}" if account else "an account"
        raise StoreError(f"the history of {whose} in the database is broken ({why}): bring it back from a backup")

    def _of_another_layout(self, tiles: "array[int]") -> "array[int]":
        if former.is_former(tiles):
            columns = {name: (column.at, column.daily) for name, column in self.layout.column.items()}
            return former.converted(tiles, self.owner, self._layout, self.steps, self.layout.run, columns)
        number, layouts = tiles[0] >> 3, LAYOUTS[self.owner]
        if number >= len(layouts):
            raise ValueError("it was written by a newer version of Evenhand, or not by Evenhand")
        older = layouts[number]
        runs = [array("I") for _ in self.steps]
        for run, (step, before) in enumerate(zip(self.steps, older, strict=True)):
            for place in range(*day_tiles.bounds(tiles, run), before):
                runs[run] += tiles[place : place + before] + array("I", [0] * (step - before))
        return day_tiles.joined(self._layout, tiles[1], runs)

    def fold(self, tiles: "array[int]", day: int, kind: Happening, fields: Fields, weight: int = 1) -> None:
        """Fold one event of this day into the account's state, in place; a weight of -1 takes it back.

        `fields` are those of the event that the declarations ask for; kinds of events that this account does not count are
        passed over. An application that is ruled at once is one event, "ruled", with the fields of both.
        """
        self.folder(kind, fields)(tiles, day, fields, weight)

    def folder(self, kind: Happening, fields: Fields) -> Adder:
        """What folds events of a kind with these fields, whatever they add up; it may be kept."""
        plan = self.layout.plan(kind, fields)
        if plan is None:
            return _pass_over
        add, layout, steps = plan[1], self._layout, self.steps

        def fold(tiles: "array[int]", day: int, fields: Fields, weight: int) -> None:
            if not tiles:
                day_tiles.begin(tiles, layout, day)
            elif day < tiles[1]:
                day_tiles.begin_earlier(tiles, steps, day)
            add(tiles, day, fields, weight)

        return fold

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
                windows.setdefault(days, []).append((name, column.at, column.daily))
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

    A tile is `day store t1 ... tk`, the store in two words (`tiles.BASE`), with what happened on that day alone; the stores of
    one buyer lie together, in the order of days. They are few, so a window is a sum. At most `MOST_PAIRS` tiles are kept, the
    newest days.
    """

    def __init__(self, measures: Sequence[Measure]) -> None:
        self.layout = PAIR_LAYOUT
        (self._step,) = PAIR_LAYOUT.steps
        # words of its run, at most
        self._most = self._step * MOST_PAIRS
        self._facts = declared("pair", measures)
        self.names = frozenset(self._facts)
        self.always: frozenset[str] = frozenset()

    def fold(
        self, tiles: "array[int]", merchant: int, day: int, kind: Happening, fields: Fields, weight: int = 1
    ) -> None:
        """Fold an event between the two into the *buyer's* state, after `BUYER.fold`. `merchant` is the account's number."""
        self.add(tiles, merchant, day, self.counts(kind, fields), weight)

    def counts(self, kind: Happening, fields: Fields) -> list[int]:
        """What an event of a kind with these fields adds to each column; nothing where it is not counted at all."""
        plan = self.layout.plan(kind, fields)
        # there is one run
        counted = plan[0][0].once if plan and plan[0] else []
        return [int(at in counted) for at in range(_FIRST, self._step)] if counted else []

    def add(self, tiles: "array[int]", merchant: int, day: int, counts: Sequence[int], weight: int = 1) -> None:
        """The same as `fold`, where the counts are known."""
        if not counts:
            return
        day -= tiles[1]
        # it is the last run, so it ends where the state does
        run, end = (tiles[0] & day_tiles.RUNS) - 1, len(tiles)
        start = tiles[day_tiles.HEAD + run - 1]
        high, low = divmod(merchant, day_tiles.BASE)
        if weight == 1 and (start == end or tiles[end - self._step] < day):  # nearly always it is a new day
            tiles.extend([day, low, high, *counts])
            tiles[day_tiles.HEAD + run] = end + self._step
            if tiles[start] <= day - day_tiles.KEPT_DAYS or end - start >= self._most:
                self._drop(tiles, run, start, day)
            return
        place = self._place(tiles, run, start, day, low, high)
        if place:
            for at, count in enumerate(counts, start=place + _FIRST):
                tiles[at] = (tiles[at] + weight * count) & day_tiles.WRAP

    def facts(self, tiles: "array[int]", merchant: int, day: int, wanted: Collection[str]) -> dict[str, Figure]:
        """Those of the `wanted` facts that are of the pair, as of a day, without the `history.` prefix."""
        start, end = day_tiles.bounds(tiles, (tiles[0] & day_tiles.RUNS) - 1) if tiles else (0, 0)
        high, low = divmod(merchant, day_tiles.BASE)
        met = [
            place
            for place in range(start, end, self.layout.steps[0])
            if tiles[place + 1] == low and tiles[place + 2] == high
        ]
        day -= tiles[1] if tiles else 0
        facts: dict[str, Figure] = {}
        for name, (measure, days) in self._facts.items():
            if name in wanted:
                at = self.layout.column[measure.name].at
                facts[name] = sum(tiles[place + at] for place in met if day - days <= tiles[place] <= day)
        return facts

    def _place(self, tiles: "array[int]", run: int, start: int, day: int, low: int, high: int) -> int:
        """Where the tile of a store and a day is, made if need be; 0 for a day that is too old."""
        end, step = len(tiles), self._step
        newest = tiles[end - step] if start < end else day
        if day <= newest - day_tiles.KEPT_DAYS:
            return 0
        wanted = (day, high, low)
        tiles_by_day = range(start, end, step)
        place = start + step * bisect_left(
            tiles_by_day, wanted, key=lambda at: (tiles[at], tiles[at + 2], tiles[at + 1])
        )
        if place < end and (tiles[place], tiles[place + 2], tiles[place + 1]) == wanted:
            return place
        day_tiles.insert(tiles, run, place, array("I", [day, low, high, *[0] * (step - _FIRST)]))
        place -= self._drop(tiles, run, start, max(newest, day))
        return place if place >= start else 0

    def _drop(self, tiles: "array[int]", run: int, start: int, newest: int) -> int:
        """Drop what no window can reach, seen from the newest day, and what is too much; returns how many words that were."""
        end, step, oldest = len(tiles), self._step, newest - day_tiles.KEPT_DAYS + 1
        gone = max(0, end - start - self._most)
        if tiles[start] < oldest:
            gone = max(gone, step * bisect_left(range(start, end, step), oldest, key=tiles.__getitem__))
        if gone:
            day_tiles.remove(tiles, run, start, start + gone)
        return gone


def _whole(steps: Sequence[int]) -> "Callable[[array[int]], bool]":
    """A function that says whether a state's runs fill it, each with whole tiles."""
    ends = [day_tiles.HEAD + run for run in range(len(steps))]
    starts = [str(day_tiles.HEAD + len(steps)), *(f"tiles[{at}]" for at in ends)]
    order = " <= ".join([*starts[:-1], f"{starts[-1]} == len(tiles)"])
    rests = " or ".join(
        f"({end} - {start}) % {step}" for step, start, end in zip(steps, starts, starts[1:], strict=False)
    )
    # nothing but numbers of our own declarations
    return eval(f"lambda tiles: {order} and not ({rests})")  # noqa: S307


def _pass_over(*_: object) -> None:
    """What folds an event that is not counted."""


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


PAIR_LAYOUT: Final = Layout(PAIR_MEASURES, first_column=_FIRST)
BUYER: Final = Tally("buyer", BUYER_MEASURES, RATES)
MERCHANT: Final = Tally("merchant", MERCHANT_MEASURES, RATES)
PAIR: Final = PairTally(PAIR_MEASURES)
