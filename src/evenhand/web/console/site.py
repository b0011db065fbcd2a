"""The pages."""

from litestar.handlers import HTTPRouteHandler

from evenhand.web.guard import Guard
from evenhand.web.lookup import Lookup


def console(_lookup: Lookup, _guard: Guard) -> list[HTTPRouteHandler]:
    return []
