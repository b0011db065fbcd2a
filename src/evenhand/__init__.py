"""Evenhand decides refund disputes for marketplaces."""

from importlib.metadata import version

__version__ = version("evenhand")
