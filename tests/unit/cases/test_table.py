"""The table of moves: it is what the documentation shows, and it leaves no case without a way out."""

from pathlib import Path

from evenhand.cases.drawing import mermaid, table
from evenhand.cases.model import STATES
from evenhand.cases.opening import STATE_AFTER
from evenhand.cases.table import MOVES, find
from evenhand.vocabulary import OUTCOMES

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "cases.md"


def test_the_documentation_shows_the_table() -> None:
    drawn = PAGE.read_text("utf-8").partition("<!-- drawing -->\n")[2].partition("<!-- /drawing -->")[0]
    assert drawn == f"```mermaid\n{mermaid()}\n```\n\n{table()}\n", "run scripts/draw-cases"


def test_every_outcome_has_a_first_state() -> None:
    assert set(STATE_AFTER) == set(OUTCOMES)


def test_from_every_state_a_case_can_be_closed() -> None:
    reached = {"closed"}
    while more := {state for move in MOVES for state in move.at if state not in reached and move.to in reached}:
        reached |= more
    assert reached == set(STATES)


def test_every_state_is_reached() -> None:
    assert {move.to for move in MOVES if move.to} | set(STATE_AFTER.values()) == set(STATES)


def test_a_move_is_said_once() -> None:
    seen = [(state, move.action, role) for move in MOVES for state in move.at for role in move.by]
    assert len(seen) == len(set(seen))


def test_only_the_clock_moves_money() -> None:
    for action in ("pay", "compensate"):
        assert all(
            find(state, action, role) is None for state in STATES for role in ("buyer", "merchant", "adjudicator")
        )
