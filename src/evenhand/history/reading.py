"""Reading windowed facts from an account's tiles: a plan, written as Python source.

It is done twice for every ruling, so it is unrolled: for each run, from the longest window to the shortest, one lookup of the
tile before the window and one line per fact, nested as far as a window holds anything at all.
"""

from array import array
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from evenhand.history import tiles as day_tiles
from evenhand.vocabulary import MOST_SUM

Figure = int | Decimal | None
# Of a run: its number, words per tile, and by window (the longest first) what is read over it: fact, column (0 for the number of
# days), whether it is of two words.
Run = tuple[int, int, list[tuple[int, list[tuple[str, int, bool]]]]]
# tiles of an account and a day -> the facts
Reader = Callable[["array[int]", int], dict[str, Figure]]

_HEAD: Final = """
def read(tiles, day):
    facts = nothing.copy()
    if not tiles or tiles[1] > day:
        return facts
    day -= tiles[1]
"""
# of a run: where it begins and ends, and its newest tile not later than the day
_RUN: Final = """
    begins = {begins}
    ends = tiles[{head}]
    end = ends - {step}
    if end >= begins and tiles[end] > day:
        end = last_until(tiles, begins, ends, {step}, day)
    if end >= begins:
"""


def compile_reader(runs: Sequence[Run], nothing: Mapping[str, Figure], days_known: str | None) -> Reader:
    """A function that reads facts; `nothing` is what they are for an account that has done nothing.

    `days_known` names the fact of how long an account is known, where it is wanted.
    """
    source = [_HEAD]
    if days_known:
        source.append(f"    facts[{days_known!r}] = day\n")
    for run, step, windows in runs:
        begins = f"tiles[{1 + run}]" if run else f"{day_tiles.HEAD} + (tiles[0] & {day_tiles.RUNS})"
        source.append(_RUN.format(begins=begins, head=day_tiles.HEAD + run, step=step))
        indent = " " * 8
        for days, columns in windows:
            source.append(
                f"{indent}before = day - {days + 1}\n"
                f"{indent}start = last_until(tiles, begins, ends, {step}, before) if tiles[begins] <= before else 0\n"
                # shorter windows are empty too, then
                f"{indent}if start != end:\n"
            )
            indent += "    "
            source += [f"{indent}{_line(name, step, column, daily)}\n" for name, column, daily in columns]
    source.append("    return facts\n")
    space: dict[str, Any] = {"nothing": dict(nothing), "last_until": day_tiles.last_until, "summed": day_tiles.summed}
    # nothing but the names and numbers of our own declarations
    exec(compile("".join(source), "<reader>", "exec"), space)  # noqa: S102
    return space["read"]


def _line(name: str, step: int, column: int, daily: bool) -> str:
    if daily:
        first = f"start + {step} if start else begins"
        return f"facts[{name!r}] = min(summed(tiles, {first}, end, {step}, {column}), {MOST_SUM})"
    if not column:
        return f"facts[{name!r}] = (end - (start or begins - {step})) // {step}"
    rise = f"(tiles[end + {column}] - tiles[start + {column}]) & {day_tiles.WRAP}"
    return f"facts[{name!r}] = {rise} if start else tiles[end + {column}]"
