"""What can go wrong in FEEL beside a null result."""


class FeelError(Exception):
    """A text that is not FEEL, or names what is not there; `position` counts characters from 0."""

    def __init__(self, position: int, message: str) -> None:
        self.position = position
        self.message = message
        super().__init__(message)


class LimitReached(Exception):
    """An evaluation did more work, or went deeper, than is allowed."""


class Refused(Exception):
    """The text is well formed, but asks for what this interpreter does not do (external functions, the clock)."""
