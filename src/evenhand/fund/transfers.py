"""Which money moves when a ruling is issued.

Only two outcomes move money at once. Everything else waits for somebody: a merchant's own acceptance, goods sent back, a
person's decision. A merchant pays only by a ruling that names it as payer.
"""

from typing import Literal

Cause = Literal["subsidy", "merchant_refund"]


def cause_of(outcome: str, payer: str, amount: int) -> Cause | None:
    """The transfer a ruling books: fund to buyer (`subsidy`), merchant to buyer (`merchant_refund`), or none."""
    if amount <= 0:
        return None
    if outcome == "subsidise" and payer == "platform":
        return "subsidy"
    if outcome == "refund_by_merchant" and payer == "merchant":
        return "merchant_refund"
    return None
