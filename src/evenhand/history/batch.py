"""The declared windows over a table of events: the same facts as the fold gives, compiled to SQL for DuckDB and Spark.

For each *ask* (an application, say: an account, a day, and its place in the order of arrival) the query gives the facts as they
stood right before it: the N completed days before its day, plus its day so far.

A window is the difference of two running totals. The events of an account are laid in the order of days, those of a day in the
order of arrival; the asks are put among them, each once where it stands and once at the beginning of every window. One running
sum over that row gives every total there is to compare. So each account is gone through once for all windows, and the busiest
costs no more than others. Kinds of events have rows of their own, as in the account's state: applications are few among orders.

What arrives late counts on its own day, but only for asks that come after it: nobody knew of it before. Late events are few:
those with anything of a later day before them in the order of arrival. They are taken out of the windows of the asks before them.

Columns of the events: `seq` (order of arrival, unique), `day` (days since 1970-01-01 in the market's time zone), `kind`
(order, delivery, review, answer, application, ruling, finding; or "ruled": an application with the ruling it got at once),
`buyer`, `merchant` (null where it is not about one), `weight` (1; -1 takes it back), and the fields the measures ask for:
`remedy`, `reason`, `stage`, `outcome`, `source`, `late` ('true', 'false'), `score`, `amount`, `used`. An event of an order
stands once for the buyer (with the whole amount, `merchant` null) and once for each merchant in it (`buyer` null). Columns of
the asks: `ask`, `seq`, `day`, `buyer`, `merchant`; an ask comes before the event of the same `seq`. One market at a time:
days are days of its time zone. Whole numbers for `buyer` and `merchant` and enumerated types for the words make it faster,
and change nothing.
"""

# ruff: noqa: S608 - what is put into the SQL are names of our own declarations, and the tables the caller names

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from evenhand.errors import UnknownThing
from evenhand.history.facts import declared, rate_facts
from evenhand.measures import MEASURES, RATES, Measure, Owner
from evenhand.vocabulary import MOST_SUM

_KEYS: Final[dict[Owner, tuple[str, ...]]] = {
    "buyer": ("buyer",),
    "merchant": ("merchant",),
    "pair": ("buyer", "merchant"),
}
# Rulings and findings lie among the applications they are about.
_ROW_OF: Final[dict[str, str]] = {"ruling": "application", "finding": "application"}
_KINDS: Final = {"application": ("application", "ruling", "ruled", "finding")}

# Two counts are summed as one number, which costs half; no account has so many events.
_LANE: Final = 2**31


@dataclass(frozen=True)
class _Row:
    """The facts that are read from one row of events: those of one kind, of one kind of account."""

    owner: Owner
    of: str
    # fact -> measure and days
    windows: dict[str, tuple[Measure, int]]

    @property
    def name(self) -> str:
        return f"{self.owner}_{self.of}"

    @cached_property
    def measures(self) -> dict[str, Measure]:
        """What is summed, and what days are counted of."""
        every = {measure.name: measure for measure in MEASURES if measure.owner == self.owner}
        asked = [measure.name for measure, _ in self.windows.values()]
        bases = [every[name].days_of for name in asked if every[name].days_of]
        return {name: measure for name, measure in every.items() if name in {*asked, *bases}}

    @property
    def lanes(self) -> list[tuple[str, ...]]:
        """What is summed together: money alone, counts in twos, the second one above the bits of the first."""
        counts = [name for name, measure in self.measures.items() if not measure.money]
        money = [(name,) for name, measure in self.measures.items() if measure.money]
        return [*money, *(tuple(counts[at : at + 2]) for at in range(0, len(counts), 2))]

    @property
    def days(self) -> list[int]:
        """The windows, in days."""
        return sorted({days for _, days in self.windows.values()})


@dataclass(frozen=True)
class _Asked:
    """The facts asked of one kind of account."""

    owner: Owner
    days_known: bool
    # those that only a rate needs are among them
    windows: dict[str, tuple[Measure, int]]
    rates: dict[str, tuple[str, str]]

    @property
    def rows(self) -> list[_Row]:
        """The rows of events that they are read from."""
        of = {fact: _row_of(measure) for fact, (measure, _) in self.windows.items()}
        return [
            _Row(self.owner, one, {fact: window for fact, window in self.windows.items() if of[fact] == one})
            for one in dict.fromkeys(of.values())
        ]

    @property
    def kinds(self) -> str:
        """The kinds of events by which an account is seen."""
        return _kinds(sorted({_row_of(measure) for measure in MEASURES if measure.owner == self.owner}))


def point_in_time(
    facts: Collection[str], *, events: str = "events", asks: str = "asks", dialect: str = "duckdb"
) -> str:
    """A SELECT of `ask` and a column for each `history.*` fact asked for, one row per ask.

    `events` and `asks` are tables or parenthesised queries. Raises `UnknownThing` for a fact that is no windowed fact.
    """
    from sqlglot import transpile  # it takes its time to load

    parts = [_owner_query(asked, events, asks) for asked in _asked(facts)]
    columns = ", ".join(f'"{name}"' for name in facts)
    joins = "".join(f" left join ({part}) as p{n} on p{n}.ask = a.ask" for n, part in enumerate(parts))
    sql = f"with horizon as ({_horizon(events, asks)}) select a.ask, {columns} from {asks} as a{joins}"
    return transpile(sql, read="duckdb", write=dialect)[0]


def _asked(facts: Collection[str]) -> Iterator[_Asked]:
    known = set[str]()
    for owner in _KEYS:
        windows = declared(owner, [measure for measure in MEASURES if measure.owner == owner])
        rates = {name: parts for rate in RATES if rate.owner == owner for name, parts in rate_facts(rate)}
        wanted = {fact.removeprefix("history.") for fact in facts}
        rates = {name: parts for name, parts in rates.items() if name in wanted}
        needed = wanted | {part for pair in rates.values() for part in pair}
        windows = {name: window for name, window in windows.items() if name in needed}
        days_known = f"{owner}_days_known" in wanted and owner != "pair"
        known |= {*rates, *windows} | ({f"{owner}_days_known"} if days_known else set())
        if windows or days_known:
            yield _Asked(owner, days_known, windows, rates)
    for fact in facts:
        if fact.removeprefix("history.") not in known or not fact.startswith("history."):
            raise UnknownThing(f"{fact!r} is not counted over events", field="facts")


def _horizon(events: str, asks: str) -> str:
    """Of each day, when the first thing of any later day arrived: what comes after that is late."""
    return (
        "select day, min(seq) over (order by day desc rows between unbounded preceding and 1 preceding) as later"
        f" from (select day, min(seq) as seq from (select day, seq from {events} union all select day, seq from {asks}) as told"
        " group by day) as days"
    )


def _owner_query(asked: _Asked, events: str, asks: str) -> str:
    keys = _KEYS[asked.owner]
    there = " and ".join(f"{one} is not null" for one in keys)
    # names of steps are unique in the whole query: Spark wants it so
    q = f"{asked.owner}_asks"
    steps = [f"{q} as (select {', '.join(keys)}, day, seq, ask from {asks} where {there})"]
    joins = ""
    for row in asked.rows:
        steps += _row_steps(row, events)
        joins += f" join {row.name} on {row.name}.ask = q.ask"
    columns = [f'{fact} as "history.{fact}"' for fact in asked.windows]
    columns += [f'{_rate(*parts)} as "history.{name}"' for name, parts in asked.rates.items()]
    if asked.days_known:
        steps += _known_steps(asked, events)
        joins += f" join {asked.owner}_known as known on known.ask = q.ask"
        columns.append(f'known.days as "history.{asked.owner}_days_known"')
    return f"with {', '.join(steps)} select q.ask, {', '.join(columns)} from {q} as q{joins}"


def _row_steps(row: _Row, events: str) -> Iterator[str]:
    """From events and asks to the facts of each ask, by a running sum over both."""
    keys, lanes = _KEYS[row.owner], row.lanes
    key, there = ", ".join(keys), " and ".join(f"{one} is not null" for one in keys)
    in_order = f"over (partition by {key} order by day, place rows between unbounded preceding and"
    counted = "".join(
        f", {_counted(measure)} as {name}" for name, measure in row.measures.items() if not measure.days_of
    )
    # an ask stands before the event it came with; what no window reaches is not looked at
    reached = f"day >= (select min(day) from {row.owner}_asks) - {row.days[-1]} and seq < (select max(seq) from {row.owner}_asks)"
    added = (
        f"select {key}, day, 2 * seq + 1 as place{counted} from {events} where {there} and kind in ({_kinds([row.of])})"
    )
    added += f" and {reached}"
    if firsts := "".join(
        f", case when {base} > 0 and coalesce(max(case when {base} > 0 then day end) {in_order} 1 preceding), -1) < day"
        f" then 1 else 0 end as {name}"
        for name, measure in row.measures.items()
        if (base := measure.days_of)
    ):
        added = f"select *{firsts} from ({added}) as counted"
    packed = "".join(f", {' + '.join((low, *(f'{_LANE} * {one}' for one in high)))} as {low}" for low, *high in lanes)
    yield f"{row.name}_added as (select {key}, day, place{packed} from ({added}) as added)"
    starts = ", ".join(f"({days})" for days in [0, *row.days])
    yield (
        f"{row.name}_points as (select {key}, day - days as day, case when days = 0 then 2 * seq else -1 end as place, ask, days,"
        f" 2 * seq as asked from {row.owner}_asks cross join (values {starts}) as starts (days))"
    )
    totals = "".join(f", cast(sum({lane[0]}) {in_order} current row) as bigint) as {lane[0]}" for lane in lanes)
    yield (
        f"{row.name}_totals as (select ask, days{totals} from (select {key}, day, place, cast(null as bigint) as ask,"
        f" cast(null as int) as days{''.join(f', {lane[0]}' for lane in lanes)} from {row.name}_added"
        f" union all select {key}, day, place, ask, days{', 0' * len(lanes)} from {row.name}_points) as every)"
    )
    late = f"select a.* from {row.name}_added as a join horizon as h on h.day = a.day and 2 * h.later < a.place"
    yield (
        f"{row.name}_late as (select p.ask, p.days{''.join(f', late.{lane[0]}' for lane in lanes)} from {row.name}_points as p"
        f" join ({late}) as late on {_same(keys, 'late', 'p')} and late.place > p.asked and late.day >= p.day"
        " and late.day < p.day + p.days)"
    )
    ends = f"select * from {row.name}_totals where ask is not null union all select * from {row.name}_late"
    # the total at the ask, less the one where the window begins, less what came late
    risen = "".join(
        f", cast(sum(case days when 0 then {lane[0]} when {days} then -{lane[0]} else 0 end) as bigint) as {lane[0]}_{days}"
        for lane in lanes
        for days in row.days
    )
    facts = "".join(f", {_window(row, *window)} as {fact}" for fact, window in row.windows.items())
    yield f"{row.name} as (select ask{facts} from (select ask{risen} from ({ends}) as ends group by ask) as risen)"


def _known_steps(asked: _Asked, events: str) -> Iterator[str]:
    """For how many days each ask's account is known: since the first of what had arrived by then."""
    keys = _KEYS[asked.owner]
    key = ", ".join(keys)
    q, met, seen = (f"{asked.owner}_{step}" for step in ("asks", "met", "seen"))
    came = f"select {key}, e.day, e.seq, h.later <= e.seq as late from {events} as e join horizon as h on h.day = e.day"
    yield f"{seen} as ({came} where {' and '.join(f'{one} is not null' for one in keys)} and kind in ({asked.kinds}))"
    # what is not late came in the order of days, and so did the asks: what came after an ask is not of a day before it
    yield f"{met} as (select {key}, min(day) as day from {seen} where late is not true group by {key})"
    yield (
        f"{asked.owner}_earlier as (select q.ask, min(s.day) as day from {seen} as s"
        f" join {q} as q on {_same(keys, 's', 'q')} and s.seq < q.seq left join {met} as m on {_same(keys, 'm', 's')}"
        " where s.late and (m.day is null or s.day < m.day) group by q.ask)"
    )
    yield (
        f"{asked.owner}_known as (select q.ask, greatest(0, q.day - coalesce(least(m.day, e.day), q.day)) as days"
        f" from {q} as q left join {met} as m on {_same(keys, 'm', 'q')} left join {asked.owner}_earlier as e on e.ask = q.ask)"
    )


def _same(keys: tuple[str, ...], one: str, other: str) -> str:
    return " and ".join(f"{one}.{key} = {other}.{key}" for key in keys)


def _row_of(measure: Measure) -> str:
    return _ROW_OF.get(measure.of, measure.of)


def _kinds(rows: Iterable[str]) -> str:
    """The kinds of events that lie in some rows, as SQL."""
    return ", ".join(f"'{kind}'" for row in rows for kind in _KINDS.get(row, (row,)))


def _counted(measure: Measure) -> str:
    """What one event adds to a measure."""
    kinds = [measure.of, "ruled"] if measure.of in ("application", "ruling") else [measure.of]
    said = [f"kind in ({', '.join(repr(kind) for kind in kinds)})"]
    if measure.where:
        conditions = [
            "(" + " and ".join(f"{name} in ({', '.join(map(repr, values))})" for name, values in one.items()) + ")"
            for one in measure.where
        ]
        said.append(f"({' or '.join(conditions)})")
    amount = f"cast(weight as bigint) * {measure.adds}" if measure.adds else "weight"
    return f"cast(case when {' and '.join(said)} then {amount} else 0 end as {'bigint' if measure.adds else 'int'})"


def _window(row: _Row, measure: Measure, days: int) -> str:
    (lane,) = [lane for lane in row.lanes if measure.name in lane]
    risen = f"{lane[0]}_{days}"
    if measure.money:
        return f"least({risen}, {MOST_SUM})"
    if len(lane) == 1:
        return risen
    return f"{risen} % {_LANE}" if measure.name == lane[0] else f"{risen} // {_LANE}"


def _rate(part: str, whole: str) -> str:
    """A proportion to four decimals, rounded half up, exactly."""
    parts = f"least(10000, (20000 * {part} + {whole}) // (2 * {whole}))"
    return f"case when {whole} > 0 then cast({parts} as decimal(9, 0)) * cast(0.0001 as decimal(5, 4)) end"
