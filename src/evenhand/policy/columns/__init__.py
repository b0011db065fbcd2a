"""The column compiler: a model becomes SQL that decides a whole table of facts, in DuckDB, Spark or PostgreSQL.

Columns of the table are named like the facts (`"application.stage"`). What comes in and goes out:

    number with decimals     DECIMAL (a DOUBLE is rounded to the fact's decimals)
    whole number, money      BIGINT
    choice, string           text
    date                     DATE
    date and time            TIMESTAMP WITH TIME ZONE, read in whole seconds
    duration                 BIGINT, seconds
    years and months         INTEGER, months
    list of R, O and C       an array of these

In between, everything is an integer, a boolean or a string, so that every engine gives the answer that the row function gives.
Facts are taken as they are: what `Policy.rule` would refuse as out of range should not be in the table.

The work is laid out in layers of columns (`plan.py`). As a query, each layer is a subquery around the one before. As a SELECT
list, which cannot name what it has just computed, each item is written out (DuckDB, which finds what stands there twice), the
layers are lambdas over a list of one struct (Spark), or each item is a scalar subquery of its own (PostgreSQL, which then
computes shared parts once per item: prefer the query there).
"""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlglot import exp

from evenhand.errors import BadInput
from evenhand.policy.columns import sql
from evenhand.policy.columns.dialects import DIALECTS, Dialect
from evenhand.policy.columns.layers import read_by
from evenhand.policy.columns.plan import Plan, plan
from evenhand.policy.columns.sql import Sql
from evenhand.policy.errors import suggestion
from evenhand.policy.tree import Model

Layers = Sequence[dict[str, Sql]]
_NOTHING: Final = "nothing"
# nodes of a SELECT list that is written out
_LONGEST: Final = 50_000


def select_list(model: Model, dialect: str) -> str:
    """The SELECT list: `SELECT <it> FROM facts` gives the ruling's parts, the rule, and every output by name.

    Raises `BadInput` for a dialect that is not known.
    """
    known = _dialect(dialect)
    made = plan(model, known)
    if known.vectors and (written := _written_out(made)) is not None:
        items = written
    elif known.name == "postgres":
        items = [_scalar(known, made, name, value) for name, value in made.items]
    else:
        chain: Sql | None = None
        for layer in (*_needed(made.layers, made.items), dict(made.items)):
            chain = _mapped(known, chain, layer)
        assert chain is not None
        first = exp.Bracket(this=chain, expressions=[sql.number(1)], offset=1)
        items = [sql.call("UNNEST", first) if known.name == "duckdb" else sql.call("INLINE", chain)]
    return ", ".join(item.sql(known.name, copy=False) for item in items)


def query(model: Model, dialect: str, table: str, keep: Iterable[str] = ()) -> str:
    """A whole SELECT from a table (or anything that may follow FROM); `keep` are columns of it to put in front.

    Raises `BadInput` for a dialect that is not known.
    """
    known = _dialect(dialect)
    made = plan(model, known)
    kept = {f"kept {place}": name for place, name in enumerate(keep)}
    items = [(name, sql.stepped(inside)) for inside, name in kept.items()] + made.items
    layers = _needed(made.layers, items, kept)
    layers[0] |= {inside: sql.column(name) for inside, name in kept.items()}
    source = exp.maybe_parse(table, into=exp.From, prefix="FROM", dialect=known.name).this
    return _nested(known, layers, items, source).sql(known.name, pretty=True, copy=False)


def _dialect(name: str) -> Dialect:
    if name not in DIALECTS:
        known = ", ".join(DIALECTS)
        raise BadInput(
            f"{name!r} is no SQL dialect of ours{suggestion(name, DIALECTS)}; there are {known}", field="dialect"
        )
    return DIALECTS[name]


def _needed(layers: Layers, items: Iterable[tuple[str, Sql]], kept: Iterable[str] = ()) -> list[dict[str, Sql]]:
    """The layers with what the items need, each passing on what those above it read."""
    wanted = {name for _, value in items for name in read_by(value)} | set(kept)
    found: list[dict[str, Sql]] = []
    for layer in reversed(layers):
        made = {name: value for name, value in layer.items() if name in wanted}
        passed = {name: sql.stepped(name) for name in sorted(wanted - made.keys())} if layer is not layers[0] else {}
        found.append(passed | made)
        wanted = set(passed) | {name for value in made.values() for name in read_by(value)}
    found.reverse()
    return [layer or {_NOTHING: sql.number(0)} for layer in found]


def _written_out(made: Plan) -> list[Sql] | None:
    """Each item with all that it reads, for an engine that computes once what is written twice; None if too long."""
    columns = {name: value for layer in made.layers for name, value in layer.items()}
    sizes: dict[str, int] = {}
    for name, value in columns.items():
        sizes[name] = sum(1 for _ in value.walk()) + sum(sizes[one] for one in read_by(value))
    if sum(sizes[one] for _, value in made.items for one in read_by(value)) > _LONGEST:
        return None
    whole: dict[str, Sql] = {}

    def written(value: Sql) -> Sql:
        def put(node: exp.Expr) -> exp.Expr:
            return (
                sql.enclosed(whole[node.name].copy())
                if isinstance(node, exp.Column) and node.table == sql.STEP
                else node
            )

        return value.transform(put)

    for name, value in columns.items():
        whole[name] = written(value)
    return [_named(name, written(value)) for name, value in made.items]


def _mapped(dialect: Dialect, chain: Sql | None, layer: dict[str, Sql]) -> Sql:
    """A list of one struct, made from the list of the layer before."""
    struct = exp.Struct(
        expressions=[
            exp.PropertyEQ(this=exp.to_identifier(name, quoted=True), expression=value) for name, value in layer.items()
        ]
    )
    if chain is None:
        return exp.Array(expressions=[struct])
    return exp.Transform(this=chain, expression=exp.Lambda(this=struct, expressions=[exp.to_identifier(sql.STEP)]))


def _scalar(dialect: Dialect, made: Plan, name: str, value: Sql) -> Sql:
    layers = [{inner: one.copy() for inner, one in layer.items()} for layer in _needed(made.layers, [(name, value)])]
    inner = _nested(dialect, layers, [("", value)], None)
    return _named(name, exp.Subquery(this=inner))


def _nested(dialect: Dialect, layers: Layers, items: Iterable[tuple[str, Sql]], source: Sql | None) -> exp.Select:
    """Each layer a SELECT from the one before; `OFFSET 0` keeps PostgreSQL from computing a column wherever it is read."""
    for layer in layers:
        made = _selected(layer.items(), source)
        fence = made.offset(0, copy=False) if dialect.name == "postgres" else made
        source = fence.subquery(sql.STEP, copy=False)
    return _selected(items, source)


def _selected(items: Iterable[tuple[str, Sql]], source: Sql | None) -> exp.Select:
    made = exp.Select(expressions=[_named(name, value) if name else value for name, value in items])
    return made if source is None else made.from_(source, copy=False)


def _named(name: str, value: Sql) -> Sql:
    return exp.Alias(this=value, alias=exp.to_identifier(name, quoted=True))
