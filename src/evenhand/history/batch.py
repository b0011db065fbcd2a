"""The declared windows over a table of events: the same facts as the fold gives, compiled to SQL for DuckDB and Spark.

For each *ask* (an application, say: an account, a day, and its place in the order of arrival) the query gives the facts as they
stood right before it: the N completed days before its day, plus its day so far. It is done by day tiles: events are summed per
account and day, windows are sums over the tiles before a day, and the day itself is a running sum in the order of arrival. So
heavy accounts cost no more than light ones.

What arrives late counts on its own day, but only for asks that come after it: nobody knew of it before. Late events (those with a
later day before them in the order of arrival) are few, so they are told apart and taken out of the windows of the asks before
them. With `in_order`, when nothing is late, that part is left out.

Columns of the events: `seq` (order of arrival, unique), `day` (days since 1970-01-01 in the market's time zone), `kind` (order,
delivery, review, answer, application, ruling; or "ruled": an application with the ruling it got at once), `buyer`, `merchant` (null where
it is not about one), `weight` (1; -1 takes a ruling back), and the fields the measures ask for: `remedy`, `reason`, `stage`,
`outcome`, `source`, `late` ('true', 'false'), `score`, `amount`, `used`. An event of an order stands once for the buyer (with the whole
amount, `merchant` null) and once for each merchant in it (`buyer` null). Columns of the asks: `ask`, `seq`, `day`, `buyer`,
`merchant`; an ask comes before the event of the same `seq`. One market at a time: days are days of its time zone.
"""

# ruff: noqa: S608 - what is put into the SQL are names of our own declarations, and the tables the caller names

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class _Asked:
    """The facts asked of one kind of account."""

    owner: Owner
    days_known: bool
    # fact -> measure and days; those that only a rate needs are among them
    windows: dict[str, tuple[Measure, int]]
    rates: dict[str, tuple[str, str]]

    @property
    def measures(self) -> dict[str, Measure]:
        """What is summed, days counted by the measure they are of."""
        every = {measure.name: measure for measure in MEASURES if measure.owner == self.owner}
        names = dict.fromkeys(measure.days_of or measure.name for measure, _ in self.windows.values())
        return {name: every[name] for name in names}

    @property
    def kinds(self) -> list[str]:
        """The kinds of events by which an account is seen."""
        kinds = {measure.of for measure in MEASURES if measure.owner == self.owner}
        return sorted(kinds | ({"ruled"} if "application" in kinds else set()))


def point_in_time(
    facts: Collection[str],
    *,
    events: str = "events",
    asks: str = "asks",
    dialect: str = "duckdb",
    in_order: bool = False,
) -> str:
    """A SELECT of `ask` and a column for each `history.*` fact asked for, one row per ask.

    `events` and `asks` are tables or parenthesised queries. Raises `UnknownThing` for a fact that is no windowed fact.
    """
    from sqlglot import transpile  # it takes its time to load

    parts = [_owner_query(asked, events, asks, in_order) for asked in _asked(facts)]
    columns = ", ".join(f'"{name}"' for name in facts)
    joins = "".join(f" left join ({part}) as p{n} on p{n}.ask = a.ask" for n, part in enumerate(parts))
    sql = f"select a.ask, {columns} from {asks} as a{joins}"
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


def _owner_query(asked: _Asked, events: str, asks: str, in_order: bool) -> str:
    keys = _KEYS[asked.owner]
    key = ", ".join(keys)
    names = list(asked.measures)
    sums = "".join(f", {_counted(measure)} as {name}" for name, measure in asked.measures.items())
    zeros = "".join(f", 0 as {name}" for name in names)
    total = "".join(f", sum({name}) as {name}" for name in names)
    kept = "".join(f", {name}" for name in names)
    there = " and ".join(f"{one} is not null" for one in keys)
    kinds = ", ".join(f"'{kind}'" for kind in asked.kinds)
    on = " and ".join(f"{{0}}.{one} = {{1}}.{one}" for one in keys)
    windows = "".join(f", {_window(fact, *window)}" for fact, window in asked.windows.items())
    today = "".join(
        f", coalesce(sum({name}) over (partition by {key}, day order by seq, turn rows between unbounded preceding"
        f" and 1 preceding), 0) as {name}"
        for name in names
    )
    # a day so far is only asked for where there is an ask; to tell what is late, everything is looked at
    told = f"e semi join q on {on.format('e', 'q')} and e.day = q.day" if in_order else "e"
    if in_order:
        key_e, kept_e = ", ".join(f"e.{one}" for one in keys), "".join(f", e.{name}" for name in names)
        told = f"(select {key_e}, e.day, e.seq{kept_e} from {told}) as told"
    steps = [
        f"e as (select {key}, day, seq{sums} from {events} where {there} and kind in ({kinds}))",
        f"q as (select {key}, day, seq, ask from {asks} where {there})",
        f"tiles as (select {key}, day{total}, min(seen) as seen from (select {key}, day{kept}, day as seen from e"
        f" union all select {key}, day{zeros}, null from q) as every group by {key}, day)",
        f"windows as (select {key}, day, min(seen) over (partition by {key}) as since{windows} from tiles)",
        f"moments as (select {key}, day, seq, 1 as turn, null as ask{kept} from {told}"
        f" union all select {key}, day, seq, 0, ask{zeros} from q)",
        f"today as (select {key}, day, seq, ask{today} from moments)",
    ]
    since, late_join = "w.since", ""
    if not in_order:
        steps += _late(asked, key, on, kept, total)
        since = "s.since"
        late_join = " left join late_sums as l on l.ask = t.ask left join seen as s on s.ask = t.ask"
    columns = [f"{_final(fact, *window, in_order)} as {fact}" for fact, window in asked.windows.items()]
    if asked.days_known:
        columns.append(f"greatest(0, t.day - coalesce({since}, t.day)) as {asked.owner}_days_known")
    inner = (
        f"select t.ask, {', '.join(columns)} from today as t join windows as w on {on.format('w', 't')} and w.day = t.day"
        f"{late_join} where t.ask is not null"
    )
    wanted = [f'{fact} as "history.{fact}"' for fact in asked.windows]
    wanted += [f'{_rate(*parts)} as "history.{name}"' for name, parts in asked.rates.items()]
    if asked.days_known:
        wanted.append(f'{asked.owner}_days_known as "history.{asked.owner}_days_known"')
    return f"with {', '.join(steps)} select ask, {', '.join(wanted)} from ({inner}) as found"


def _late(asked: _Asked, key: str, on: str, kept: str, total: str) -> Sequence[str]:
    """What arrived late, and what of it an ask before did not know of yet."""
    furthest = max((days for _, days in asked.windows.values()), default=0)
    sums = "".join(
        f", sum(case when late_days.day >= late_days.asked - {days} then {_late_part(measure)} else 0 end) as {fact}"
        for fact, (measure, days) in asked.windows.items()
    )
    before = f"over (partition by {key} order by seq, turn rows between unbounded preceding and 1 preceding)"
    return [
        f"arrived as (select {key}, day, seq, ask{kept}, max(day) {before} as newest, min(case when turn = 1 then day end)"
        f" {before} as since from moments)",
        "seen as (select ask, since from arrived where ask is not null)",
        f"late as (select {key}, day, seq{kept} from arrived where ask is null and newest > day)",
        f"late_days as (select q.ask, q.day as asked, {', '.join(f'late.{one}' for one in key.split(', '))}, late.day"
        f"{''.join(f', sum(late.{name}) as {name}' for name in asked.measures)} from q join late on {on.format('q', 'late')}"
        f" and late.seq >= q.seq and late.day < q.day and late.day >= q.day - {furthest}"
        f" group by q.ask, q.day, {', '.join(f'late.{one}' for one in key.split(', '))}, late.day)",
        f"late_sums as (select late_days.ask{sums} from late_days join tiles on {on.format('late_days', 'tiles')}"
        f" and tiles.day = late_days.day group by late_days.ask)",
    ]


def _late_part(measure: Measure) -> str:
    """What the late events of a day are to be taken out of a window for."""
    if not measure.days_of:
        return f"late_days.{measure.name}"
    base = measure.days_of
    return (
        f"(case when tiles.{base} > 0 then 1 else 0 end)"
        f" - (case when tiles.{base} - late_days.{base} > 0 then 1 else 0 end)"
    )


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
    amount = f"weight * {measure.adds}" if measure.adds else "weight"
    return f"cast(case when {' and '.join(said)} then {amount} else 0 end as bigint)"


def _window(fact: str, measure: Measure, days: int) -> str:
    base = measure.days_of
    summed = f"case when {base} > 0 then 1 else 0 end" if base else measure.name
    keys = ", ".join(_KEYS[measure.owner])
    frame = f"partition by {keys} order by day range between {days} preceding and 1 preceding"
    return f"coalesce(sum({summed}) over ({frame}), 0) as {fact}"


def _final(fact: str, measure: Measure, days: int, in_order: bool) -> str:
    today = f"(case when t.{measure.days_of} > 0 then 1 else 0 end)" if measure.days_of else f"t.{measure.name}"
    late = "" if in_order else f" - coalesce(l.{fact}, 0)"
    whole = f"w.{fact}{late} + {today}"
    return f"least({whole}, {MOST_SUM})" if measure.money else whole


def _rate(part: str, whole: str) -> str:
    """A proportion to four decimals, rounded half up, exactly."""
    parts = f"least(10000, (20000 * {part} + {whole}) // (2 * {whole}))"
    return f"case when {whole} > 0 then cast({parts} as decimal(9, 0)) * cast(0.0001 as decimal(5, 4)) end"
