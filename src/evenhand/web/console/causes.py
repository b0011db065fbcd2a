"""Interceptions by cause, as the overview shows them: a part of each bar, and a line of the table."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from evenhand.interceptions import Intercepted
from evenhand.money import written
from evenhand.web.console.figures import Bar, per_bar
from evenhand.web.console.render import Reader

# What each cause is called, in English and Chinese, in the order of their colours; others are codes of a document's reasons.
_NAMES: Final = {
    "frequent_refund_only": ("unusually frequent refund-only", "异常高频仅退款"),
    "frequent_counterfeit_claims": ("frequent counterfeit claims", "频繁投诉假货"),
    "empty_parcel": ("empty parcel sent back", "退回空包裹"),
    "reused_evidence": ("reused evidence", "重复使用凭证"),
    "malicious_label": ("malicious label", "恶意标签"),
    "watched_label": ("watched label", "关注标签"),
    "abuse_score": ("abuse score", "滥用评分"),
    "other": ("no reason given", "未说明理由"),
}
# Parts a bar is cut into at most, the last for all the rest; the style sheet has a colour for each.
_MOST_PARTS: Final = 8
_REST: Final = ("other causes", "其他原因")


class CauseLine(NamedTuple):
    """What was intercepted for one cause."""

    cause: str
    name: str
    # the sign of abuse is known to every policy; else the name is a code of a document's reasons
    known: bool
    applications: int
    # amounts in words, one per currency
    asked: list[str]
    overturned: int
    # of the colour
    place: int


def lines(found: Sequence[Intercepted], reader: Reader) -> list[CauseLine]:
    """A line for each cause, the most frequent first."""
    counts: dict[str, int] = {}
    overturned: dict[str, int] = {}
    asked: dict[str, dict[str, int]] = {}
    for one in found:
        counts[one.cause] = counts.get(one.cause, 0) + one.applications
        overturned[one.cause] = overturned.get(one.cause, 0) + one.overturned
        sums = asked.setdefault(one.cause, {})
        sums[one.currency] = sums.get(one.currency, 0) + one.asked
    ordered = sorted(counts, key=lambda cause: (-counts[cause], cause))
    return [
        CauseLine(
            cause, cause_name(cause, reader), cause in _NAMES, counts[cause],
            [written(amount, currency) for currency, amount in asked[cause].items()], overturned[cause],
            min(place, _MOST_PARTS),
        )
        for place, cause in enumerate(ordered, start=1)
    ]  # fmt: skip


def series(found: Sequence[Intercepted], cut: Sequence[Bar], reader: Reader) -> list[dict[str, Any]]:
    """How many per bar, by cause, the most frequent first and the least frequent together."""
    ordered = lines(found, reader)
    alone = ordered if len(ordered) <= _MOST_PARTS else ordered[: _MOST_PARTS - 1]
    drawn = {line.cause for line in alone}
    counted = [(one.cause if one.cause in drawn else "", one.day, one.applications) for one in found]
    sums = per_bar(cut, counted)
    nothing = [0] * len(cut)
    parts = [
        {"key": line.cause, "name": line.name, "colour": f"cause-{line.place}", "values": sums.get(line.cause, nothing)}
        for line in alone
    ]
    if "" in sums:
        rest = {"key": "", "name": reader.t(*_REST), "colour": f"cause-{_MOST_PARTS}", "values": sums[""]}
        parts.append(rest)
    return parts


def cause_name(cause: str, reader: Reader) -> str:
    """What a cause is called in the reader's language; a reason's code is called by itself."""
    return reader.t(*_NAMES[cause]) if cause in _NAMES else cause
