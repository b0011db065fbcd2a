"""The table of moves as documentation: a drawing and a table, made from the code so that they cannot differ from it."""

from collections.abc import Iterator

from evenhand.cases.model import STATES
from evenhand.cases.opening import STATE_AFTER
from evenhand.cases.table import MOVES


def mermaid() -> str:
    """The states and what leads from one to another, as a Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    first: dict[str, list[str]] = {}
    for outcome, state in STATE_AFTER.items():
        first.setdefault(state, []).append(outcome)
    lines += [f"    [*] --> {state}: {', '.join(outcomes)}" for state, outcomes in first.items()]
    arrows: dict[tuple[str, str], list[str]] = {}
    for move in MOVES:
        for state in move.at:
            if move.to is not None and move.to != state:
                arrows.setdefault((state, move.to), []).append(move.action)
    order = {state: place for place, state in enumerate(STATES)}
    for (source, target), actions in sorted(arrows.items(), key=lambda one: (order[one[0][0]], order[one[0][1]])):
        lines.append(f"    {source} --> {target}: {', '.join(dict.fromkeys(actions))}")
    return "\n".join(lines)


def table() -> str:
    """Every move, as a Markdown table."""
    return "\n".join(_rows())


def _rows() -> Iterator[str]:
    yield "| in state | action | by | leads to | what follows |"
    yield "|---|---|---|---|---|"
    for move in MOVES:
        yield f"| {', '.join(move.at)} | {move.action} | {', '.join(move.by)} | {move.to or 'stays'} | {move.follows} |"
