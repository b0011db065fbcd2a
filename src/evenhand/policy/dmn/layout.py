"""Where the shapes of a decision requirements diagram stand: what feeds a decision stands below it."""

from collections.abc import Mapping, Sequence
from typing import Final

_SIZES: Final = {"input": (125, 45), "decision": (180, 80)}
_GAP_X: Final = 40
_GAP_Y: Final = 70
_MARGIN: Final = 60
# Diagrams wider than this wrap their row of inputs.
_WIDEST: Final = 1_600

Box = tuple[int, int, int, int]


def laid_out(kinds: Mapping[str, str], requires: Mapping[str, Sequence[str]]) -> dict[str, Box]:
    """A box (x, y, width, height) for every element.

    `kinds` says "input" or "decision" of each id, in the order they are drawn in; `requires` lists what each decision reads.
    """
    levels: dict[str, int] = {}
    for element in _from_below(kinds, requires):
        below = [levels[source] for source in requires.get(element, ())]
        levels[element] = 0 if kinds[element] == "input" else max(below, default=0) + 1
    rows: list[list[str]] = [[] for _ in range(max(levels.values(), default=0) + 1)]
    for element in kinds:
        rows[levels[element]].append(element)
    drawn = [part for row in reversed(rows) for part in _wrapped(row, kinds)]
    widths = [sum(_SIZES[kinds[element]][0] + _GAP_X for element in row) - _GAP_X for row in drawn]
    widest = max(widths, default=0)
    boxes: dict[str, Box] = {}
    y = _MARGIN
    for row, width in zip(drawn, widths, strict=True):
        x = _MARGIN + (widest - width) // 2
        for element in row:
            size = _SIZES[kinds[element]]
            boxes[element] = (x, y, *size)
            x += size[0] + _GAP_X
        y += max((_SIZES[kinds[element]][1] for element in row), default=0) + _GAP_Y
    return boxes


def _from_below(kinds: Mapping[str, str], requires: Mapping[str, Sequence[str]]) -> list[str]:
    """Elements in an order in which each comes after what it requires; there are no cycles."""
    order: list[str] = []
    seen: set[str] = set()
    for start in kinds:
        waiting = [(start, False)]
        while waiting:
            element, done = waiting.pop()
            if done:
                order.append(element)
            elif element not in seen:
                seen.add(element)
                waiting.append((element, True))
                waiting.extend((source, False) for source in requires.get(element, ()))
    return order


def _wrapped(row: list[str], kinds: Mapping[str, str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    width = 0
    for element in row:
        width += _SIZES[kinds[element]][0] + _GAP_X
        if width > _WIDEST and parts[-1]:
            parts.append([])
            width = _SIZES[kinds[element]][0] + _GAP_X
        parts[-1].append(element)
    return parts if parts[-1] or len(parts) > 1 else []
