"""Windowed facts: what an account has done in the last N days, exact and cheap.

`evenhand.vocabulary` declares what is counted (`Measure`). `tiles` keeps it: one row of counters per account and day in the
market's time zone. `facts` reads the declared windows from the tiles.
"""

from evenhand.history.facts import BUYER, MERCHANT, Tally

__all__ = ["BUYER", "MERCHANT", "Tally"]
