"""Telling others what happened in the fund."""

from datetime import datetime
from typing import Any

from evenhand.accounts.state import Connection
from evenhand.events.outbox import Event, emit


async def tell(
    connection: Connection, what: str, market: int, case_no: int | None, at: datetime, data: dict[str, Any]
) -> None:
    """Tell of `what` (`fund.budget_low`), in the transaction in which it happens."""
    await emit(connection, [Event(what, market, case_no, at, data)])
