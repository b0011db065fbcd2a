"""Where a case stands right after its ruling."""

from datetime import datetime, timedelta
from typing import Final

# What remains to be done after each outcome.
STATE_AFTER: Final = {
    "subsidise": "closed",
    "refund_by_merchant": "closed",
    "decline": "closed",
    "negotiate": "negotiating",
    "merchant_decides": "negotiating",
    "return_and_refund": "open",
    "review": "under_review",
}


def due(moment: datetime, respond_within_hours: int | None) -> datetime | None:
    """By when somebody must have answered: elapsed hours after the application; None when the policy sets no deadline."""
    return None if respond_within_hours is None else moment + timedelta(hours=respond_within_hours)
