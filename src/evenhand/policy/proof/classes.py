"""Classes of a fact's values that no test tells apart.

Tests cut the values of a fact into atoms: intervals between cuts, single values, everything that is not mentioned, null. Atoms
for which all tests agree are one class, whether or not they are neighbours: a policy rules all values of a class alike.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evenhand.policy.regions import Region, everything, finite
from evenhand.policy.types import Type, Value


@dataclass(frozen=True, slots=True)
class Class:
    """A class of one fact, and for which of its cuts the values lie inside."""

    region: Region
    inside: tuple[bool, ...]


def classes(kind: Type, cuts: Sequence[Region]) -> tuple[Class, ...]:
    """The classes that cuts make, those with lower values first, null's last."""
    found: dict[tuple[bool, ...], Region] = {}
    for atom in atoms(kind, cuts):
        value, inside = probe(atom), ()
        inside = tuple(value in cut if value is not OTHER else cut.others for cut in cuts)
        found[inside] = found[inside] | atom if inside in found else atom
    return tuple(Class(region, inside) for inside, region in found.items())


class _Other(str):
    """A string that is not mentioned."""

    __slots__ = ()


OTHER = _Other("\0")


def probe(atom: Region) -> Value:
    """A value of an atom; `OTHER` for a string that is not mentioned."""
    if atom.null:
        return None
    if atom.intervals:
        return atom.intervals[0][0]
    return OTHER if atom.others else next(iter(atom.values))


def atoms(kind: Type, cuts: Iterable[Region]) -> list[Region]:
    """The finest regions that the cuts make: intervals, single values, all other strings, null."""
    whole = everything(kind)
    null = Region(kind, True)
    if kind.counted:
        ends = {kind.low, kind.high + 1}
        ends |= {end for cut in cuts for low, high in cut.intervals for end in (low, high + 1)}
        marks = sorted(end for end in ends if kind.low <= end <= kind.high + 1)
        spans = itertools.pairwise(marks)
        return [*(Region(kind, False, ((low, high - 1),)) for low, high in spans), null]
    domain = finite(kind)
    if domain is not None:
        order: list[Value] = list(kind.values) if kind.values else [False, True]
        return [*(Region(kind, False, values=frozenset((value,))) for value in order), null]
    mentioned = frozenset[Value]().union(*(cut.values for cut in cuts))
    one_by_one = [Region(kind, False, values=frozenset((value,))) for value in sorted(mentioned, key=str)]
    rest = Region(kind, False, values=mentioned, others=whole.others)
    return [*one_by_one, rest, null]
