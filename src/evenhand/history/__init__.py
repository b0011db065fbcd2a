"""Windowed facts: what an account has done in the last N days, exact and cheap.

`evenhand.measures` declares what is counted. `tiles` keeps it: running totals per account, kind of event and day in the market's
time zone. `facts` folds events into the tiles and reads the declared windows from them; `batch` compiles the same declarations to
SQL over a table of events. Both give the same figures.
"""

from evenhand.history.facts import BUYER, MERCHANT, PAIR, PairTally, Tally

__all__ = ["BUYER", "MERCHANT", "PAIR", "PairTally", "Tally"]
