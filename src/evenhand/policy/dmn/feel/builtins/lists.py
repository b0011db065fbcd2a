"""Functions on lists."""

from decimal import Decimal
from functools import cmp_to_key
from typing import Final

from evenhand.policy.dmn.feel.builtins.registry import Library, apply
from evenhand.policy.dmn.feel.operators import equal, less
from evenhand.policy.dmn.feel.run import Run
from evenhand.policy.dmn.feel.values import Value, whole

LIBRARY: Final = Library()


def same(left: Value, right: Value) -> bool:
    return equal(left, right) is True


@LIBRARY.function("list contains", "list: list, element: any")
def _list_contains(_: Run, values: list[Value], element: Value) -> Value:
    return any(same(each, element) for each in values)


@LIBRARY.function("count", "list: list")
def _count(_: Run, values: list[Value]) -> Value:
    return Decimal(len(values))


@LIBRARY.function("count", "c...: any")
def _count_all(_: Run, *values: Value) -> Value:
    return Decimal(len(values)) if len(values) > 1 else None


@LIBRARY.function("all", "list: list")
def _all(_: Run, values: list[Value]) -> Value:
    if any(each is False for each in values):
        return False
    return True if all(each is True for each in values) else None


@LIBRARY.function("any", "list: list")
def _any(_: Run, values: list[Value]) -> Value:
    if any(each is True for each in values):
        return True
    return False if all(each is False for each in values) else None


@LIBRARY.function("all", "b...: any")
def _all_of(run: Run, *values: Value) -> Value:
    return _all(run, list(values)) if len(values) > 1 else None


@LIBRARY.function("any", "b...: any")
def _any_of(run: Run, *values: Value) -> Value:
    return _any(run, list(values)) if len(values) > 1 else None


def _index(position: Value, size: int) -> int | None:
    """A 1-based position, or one from the end, as Python counts; None when there is no such place."""
    place = whole(position)
    if not place or abs(place) > size:
        return None
    return place - 1 if place > 0 else size + place


@LIBRARY.function("sublist", "list: list, start position: number, length?: number")
def _sublist(_: Run, values: list[Value], start: Value, length: Value = None) -> Value:
    begin = _index(start, len(values))
    if begin is None:
        return None
    if length is None:
        return values[begin:]
    size = whole(length)
    return values[begin : begin + size] if size is not None and 0 <= size <= len(values) - begin else None


@LIBRARY.function("append", "list: list, item...: any")
def _append(_: Run, values: list[Value], *items: Value) -> Value:
    return [*values, *items]


@LIBRARY.function("concatenate", "list...: list")
def _concatenate(_: Run, *lists: list[Value]) -> Value:
    return [each for values in lists for each in values]


@LIBRARY.function("insert before", "list: list, position: number, newItem: any")
def _insert_before(_: Run, values: list[Value], position: Value, item: Value) -> Value:
    place = _index(position, len(values))
    return None if place is None else [*values[:place], item, *values[place:]]


@LIBRARY.function("remove", "list: list, position: number")
def _remove(_: Run, values: list[Value], position: Value) -> Value:
    place = _index(position, len(values))
    return None if place is None else [*values[:place], *values[place + 1 :]]


@LIBRARY.function("list replace", "list: list, position: number, newItem: any")
def _list_replace(_: Run, values: list[Value], position: Value, item: Value) -> Value:
    place = _index(position, len(values))
    return None if place is None else [*values[:place], item, *values[place + 1 :]]


@LIBRARY.function("list replace", "list: list, match: function, newItem: any")
def _list_replace_matching(run: Run, values: list[Value], match: Value, item: Value) -> Value:
    result: list[Value] = []
    for each in values:
        answer = apply(match, [each, item], run)
        if not isinstance(answer, bool):
            return None
        result.append(item if answer else each)
    return result


@LIBRARY.function("reverse", "list: list")
def _reverse(_: Run, values: list[Value]) -> Value:
    return values[::-1]


@LIBRARY.function("index of", "list: list, match: any")
def _index_of(_: Run, values: list[Value], match: Value) -> Value:
    return [Decimal(place) for place, each in enumerate(values, start=1) if same(each, match)]


def distinct(values: list[Value], run: Run) -> list[Value]:
    found: list[Value] = []
    for each in values:
        run.charge(len(found))
        if not any(same(each, other) for other in found):
            found.append(each)
    return found


@LIBRARY.function("distinct values", "list: list")
def _distinct_values(run: Run, values: list[Value]) -> Value:
    return distinct(values, run)


@LIBRARY.function("union", "list...: list")
def _union(run: Run, *lists: list[Value]) -> Value:
    return distinct([each for values in lists for each in values], run)


@LIBRARY.function("flatten", "list: list")
def _flatten(run: Run, values: list[Value]) -> Value:
    flat: list[Value] = []
    for each in values:
        if isinstance(each, list):
            run.charge(len(each))
            flat.extend(_flatten(run, each))
        else:
            flat.append(each)
    return flat


class _NoOrder(Exception):
    pass


@LIBRARY.function("sort", "list: list, precedes?: function")
def _sort(run: Run, values: list[Value], precedes: Value = None) -> Value:
    def before(left: Value, right: Value) -> bool:
        run.charge()
        answer = less(left, right) if precedes is None else apply(precedes, [left, right], run)
        if not isinstance(answer, bool):
            raise _NoOrder
        return answer

    def compare(left: Value, right: Value) -> int:
        return -1 if before(left, right) else 1 if before(right, left) else 0

    try:
        return sorted(values, key=cmp_to_key(compare))
    except _NoOrder:
        return None
