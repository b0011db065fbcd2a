"""Telling others what happened in the fund: the one place where its events are handed on."""

import logging
from datetime import datetime
from typing import Any, Final

from evenhand.accounts.state import Connection

_log: Final = logging.getLogger("evenhand.fund")


async def tell(
    connection: Connection, what: str, market: int, case_no: int | None, at: datetime, data: dict[str, Any]
) -> None:
    """Tell, in the transaction in which it happens, of `what` (`fund.budget_low`)."""
    del connection, at
    _log.info("%s in market %d, case %s: %s", what, market, case_no, data)
