"""Names to values, seen from the inside out."""

from collections.abc import Mapping
from typing import Final

from evenhand.policy.dmn.feel.values import Value


class _Absent:
    __slots__ = ()


ABSENT: Final = _Absent()


class Scope:
    __slots__ = ("names", "parent")

    def __init__(self, names: Mapping[str, Value], parent: "Scope | None" = None) -> None:
        self.names = names
        self.parent = parent

    def find(self, name: str) -> Value:
        """The innermost value of a name, or `ABSENT`."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return ABSENT
