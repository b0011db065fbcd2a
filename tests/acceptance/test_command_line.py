"""A wrong command line is told in one line on stderr, with exit code 2."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nonsense"], "nonsense"),
        (["demo", "--sed", "3"], "--seed"),
        (["demo", "--orders", "many"], "--orders"),
        (["demo", "--orders", "0"], "--orders"),
        (["demo", "--seed", "9" * 30], "--seed"),
        (["decide"], "--policy"),
        (["policy", "show"], "POLICY"),
        (["fund", "statement", "--from", "yesterday"], "--from"),
    ],
)
def test_one_line_says_what_is_wrong(arguments: list[str], says: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "evenhand", *arguments], capture_output=True, check=False, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("evenhand: ")
    assert says in line
