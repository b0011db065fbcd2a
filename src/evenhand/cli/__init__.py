"""The command line. Exit codes: 0 done, 1 the answer is no, 2 usage or bad input (one line on stderr)."""

from evenhand.cli.app import main

__all__ = ["main"]
