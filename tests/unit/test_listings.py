"""What the command line lists: ids can be copied whole, however narrow the terminal, and nothing is cut in a pipe."""

import os
import subprocess
import sys
from io import StringIO

import pytest
from rich.console import Console

from evenhand.cli import options
from evenhand.cli.options import listing, print_listing
from evenhand.policy import shipped


@pytest.mark.parametrize("length", [12, 60, 120])
def test_an_id_is_never_broken(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    printed = StringIO()
    monkeypatch.setattr(options, "answer", Console(file=printed, width=80))
    account, why = "a-" * (length // 2), "a case that it rests on was turned over by somebody else since"
    table = listing(("no", "account", "market", "state", "by"), whole=("no", "account", "market"), right=("no",))
    table.add_row("17", account, "second-hand-market", why, "Anna")
    print_listing(table)
    lines = printed.getvalue().splitlines()
    assert account in lines[1]
    assert "second-hand-market" in lines[1]
    assert "".join(printed.getvalue().split()).count("…") == 0
    if length == 12:
        assert max(map(len, lines)) <= 80


def test_a_pipe_gets_every_value_in_one_piece() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-m", "evenhand", "policy", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout
    lines = listed.splitlines()[1:]
    assert len(lines) == len(shipped())
    assert all(policy.title in line for policy, line in zip(shipped(), lines, strict=True))
