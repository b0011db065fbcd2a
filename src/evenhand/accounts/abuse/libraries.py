"""The learning libraries, which are an extra."""

from importlib import import_module
from typing import Any

from evenhand.errors import EvenhandError


def learning(name: str) -> Any:
    """A module of the learning extra; raises `EvenhandError` saying how to get it."""
    try:
        return import_module(name)
    except ImportError:
        raise EvenhandError("this needs the learning libraries: pip install 'evenhand[learn]'") from None
