"""What people call the states of payouts."""

from typing import Final

from evenhand.vocabulary import Lang

PAYOUT_WORDS: Final[dict[str, tuple[str, str]]] = {
    "due": ("to be sent", "待付款"),
    "sending": ("sent, not answered", "已发出，待确认"),
    "pending": ("at the gateway", "通道处理中"),
    "paid": ("paid", "已付款"),
    "failed": ("refused", "付款失败"),
    "cancelled": ("cancelled", "已取消"),
    "differs": ("differs", "金额不符"),
}


def payout_word(state: str, lang: Lang) -> str:
    """A payout's state in words: `payout_word("paid", "zh")` is 已付款."""
    return PAYOUT_WORDS[state][lang == "zh"]
