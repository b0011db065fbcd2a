"""Read the declared windows from an account's day tiles."""

from array import array
from collections.abc import Sequence
from typing import Final

from evenhand.history import tiles as day_tiles
from evenhand.vocabulary import BUYER_MEASURES, MERCHANT_MEASURES, Measure


class Tally:
    """What is counted for one kind of account, and the facts that follow.

    `column[name]` is the counter of a measure; `facts(tiles, day)` gives every declared `history.*` fact of that kind of account
    as of that day: the N completed days before it plus the day itself so far.
    """

    def __init__(self, owner: str, measures: Sequence[Measure]) -> None:
        self.owner = owner
        self.width = len(measures)
        self.column = {measure.name: index for index, measure in enumerate(measures)}
        self._days_known = f"{owner}_days_known"
        windows = sorted({days for measure in measures for days in measure.windows})
        # per window: its length in days, and (fact name, place in a tile) of every measure read over it
        self._windows = [
            (
                days,
                [
                    (f"{owner}_{measure.name}_{days}d", 1 + index)
                    for index, measure in enumerate(measures)
                    if days in measure.windows
                ],
            )
            for days in windows
        ]
        self._nothing = {self._days_known: 0} | {name: 0 for _, readings in self._windows for name, _ in readings}

    def count(self, tiles: "array[int]", day: int, measure: str, amount: int = 1) -> None:
        """Fold one event of this day into the account's tiles, in place."""
        day_tiles.count(tiles, self.width, day, self.column[measure], amount)

    def facts(self, tiles: "array[int]", day: int) -> dict[str, int]:
        """Every fact of the account as of `day`, without the `history.` prefix. Tiles of later days are not looked at."""
        facts = self._nothing.copy()
        if not tiles or tiles[0] > day:
            return facts
        facts[self._days_known] = day - tiles[0]
        width = self.width
        end = day_tiles.last_until(tiles, width, day)
        if not end:  # only an event too old to be kept is known of that day
            return facts
        for days, readings in self._windows:
            before = day - days - 1
            start = day_tiles.last_until(tiles, width, before) if tiles[1] <= before else 0
            if not start:
                for name, column in readings:
                    facts[name] = tiles[end + column]
            elif start != end:
                for name, column in readings:
                    facts[name] = (tiles[end + column] - tiles[start + column]) & day_tiles.WRAP
        return facts


BUYER: Final = Tally("buyer", BUYER_MEASURES)
MERCHANT: Final = Tally("merchant", MERCHANT_MEASURES)
