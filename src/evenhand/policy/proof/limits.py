"""A bound on every proof: who runs out of it says what is undecided, and never guesses."""

from time import monotonic

from evenhand.errors import BadInput, EvenhandError


class Undecided(BadInput):
    """No answer; the message says why, as the end of a sentence: "it compares a with b"."""


class Disagreement(EvenhandError):
    """Two provers, or a prover and the row function, answer differently: a defect of Evenhand, which nothing may rest on."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"the provers disagree about {what}: this is a mistake of Evenhand, please report it with the document"
        )


class Deadline:
    """A moment after which nothing more is tried."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that remain; never negative."""
        return max(0.0, self._end - monotonic())

    def keep(self) -> None:
        """Raise `Undecided` when the time is over."""
        if monotonic() > self._end:
            raise Undecided(f"the time limit of {self.seconds:g} s is over")


class Watch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = monotonic()

    @property
    def seconds(self) -> float:
        return monotonic() - self._start
