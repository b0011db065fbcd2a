"""A small synthetic marketplace: three markets side by side, and everything that happens there over a year and a half.

Nothing in it is real. It is a pure function of a size and a seed: no clock, no files, and only such arithmetic as gives the same
digits on every machine, so the same seed is the same marketplace, down to the last fen.
"""

from evenhand.simulation.marketplace import (
    BEGINS,
    ENDS,
    MARKETS,
    Event,
    Labelling,
    Planted,
    applications_of,
    kinds_of_buyers,
    planted,
    simulate,
)

__all__ = [
    "BEGINS",
    "ENDS",
    "MARKETS",
    "Event",
    "Labelling",
    "Planted",
    "applications_of",
    "kinds_of_buyers",
    "planted",
    "simulate",
]
