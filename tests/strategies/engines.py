"""Facts as an SQL table, and the columns that come back as the compilers hold values."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from evenhand.policy import Policy
from evenhand.policy.columns.sql import outer
from evenhand.policy.tree import Model
from evenhand.policy.types import TEXT, Type, Value
from tests.strategies.reference import Answer

_EPOCH = date(1970, 1, 1)
_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
_TYPES = {
    "duckdb": {"text": "TEXT", "datetime": "TIMESTAMPTZ"},
    "postgres": {"text": "TEXT", "datetime": "TIMESTAMPTZ"},
    "spark": {"text": "STRING", "datetime": "TIMESTAMP", "months": "INT"},
}


def table(model: Model, facts: Sequence[Mapping[str, Value]], dialect: str) -> str:
    """A FROM item with the facts as columns, beside their place in the list as `id`."""
    quote = "`" if dialect == "spark" else '"'
    names = list(model.read)
    rows = [
        ", ".join([str(place), *(_literal(model.facts[name], row[name], dialect) for name in names)])
        for place, row in enumerate(facts)
    ]
    columns = ", ".join(["id", *(f"{quote}{name}{quote}" for name in names)])
    return f"(VALUES {', '.join(f'({row})' for row in rows)}) AS facts({columns})"


def _literal(kind: Type, value: Value, dialect: str) -> str:
    name = _TYPES[dialect].get(kind.kind) or (outer(kind) if kind.kind != "datetime" else "TIMESTAMPTZ")
    if value is None:
        return f"CAST(NULL AS {name})"
    match kind.kind:
        case "text":
            text = str(value).replace("'", "''")
            if dialect == "spark":
                text = str(value).replace("\\", "\\\\").replace("'", "\\'")
            return f"CAST('{text}' AS {name})"
        case "boolean":
            return str(value).upper()
        case "date":
            return f"CAST('{date.fromordinal(int(value) + _EPOCH.toordinal()).isoformat()}' AS {name})"
        case "datetime":
            return f"CAST('{(_MOMENT + timedelta(seconds=int(value))).isoformat(' ')}' AS {name})"
        case "number":
            return f"CAST('{Decimal(int(value)).scaleb(-kind.scale):f}' AS {name})"
        case _:
            return f"CAST({value} AS {name})"


def wanted(policy: Policy, answer: Answer) -> dict[str, Any]:
    """What the SQL should give, by column, as held inside."""
    found: dict[str, Any] = dict(answer.outputs)
    if policy.model.ruling:
        found |= dict(answer.ruling) | {"rule": answer.rule}
    return found


def kinds(policy: Policy) -> dict[str, Type]:
    """The types of the columns."""
    found = {name: output.type for name, (_, output) in policy.model.outputs.items()}
    if policy.model.ruling:
        found |= {name: expr.type for name, expr in policy.model.ruling.items()} | {"rule": TEXT}
    return found


def held(kind: Type, value: Any) -> Any:
    """A value from an engine, checked to be of the promised type, as held inside."""
    if kind.many and value is not None:
        return [_held(kind, one) for one in value]
    return _held(kind, value)


def _held(kind: Type, value: Any) -> Value:
    match value:
        case None | bool() | str():
            return value
        case Decimal() if kind.kind == "number" and kind.scale:
            scaled = value.scaleb(kind.scale)
            assert scaled == int(scaled)
            return int(scaled)
        case datetime() if kind.kind == "datetime":
            moment = value if value.tzinfo else value.replace(tzinfo=UTC)
            return int((moment - _MOMENT) // timedelta(seconds=1))
        case date() if kind.kind == "date":
            return (value - _EPOCH).days
        case int():
            assert kind.kind in ("duration", "months") or (kind.kind == "number" and not kind.scale)
            return value
        case _:
            raise AssertionError(f"{value!r} is no value of {kind}")
