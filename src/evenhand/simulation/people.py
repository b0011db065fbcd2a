"""Who trades in the synthetic marketplace: kinds of buyers and of stores, as plain figures.

Shares and weights are relative: a share of 90 beside 9 and 1 is 90 in 100. All of them are invented, so that honest complaints,
careless ones and abuse all occur and can be told apart by what the accounts have done.
"""

from dataclasses import dataclass
from typing import Final, Literal

Weights = dict[str, int]

_HONEST_STAGES: Final[Weights] = {"unshipped": 9, "in_transit": 13, "received": 78}
_HONEST_REASONS: Final[Weights] = {
    "quality": 34,
    "not_as_described": 22,
    "damaged": 16,
    "wrong_item": 8,
    "missing_item": 7,
    "no_reason": 7,
    "other": 4,
    "not_received": 6,
    "counterfeit": 2,
}


@dataclass(frozen=True, slots=True)
class BuyerKind:
    """What buyers of one kind have in common."""

    name: str
    # of all buyers of a market
    share: int
    # how often they order, and how readily they complain, beside others
    orders: int
    complaints: int
    # at which stage they apply, and why once the goods are there
    stages: Weights
    reasons: Weights
    # what they ask once the goods are there
    remedies: Weights
    # pieces of evidence: fewest and most
    evidence: tuple[int, int]
    # whether they send the same photographs again and again
    reuses_evidence: bool = False
    # the label the market puts on them, where it labels, once they have filed `labelled_after` applications
    label: Literal["watched", "malicious"] | None = None
    labelled_after: int = 0


@dataclass(frozen=True, slots=True)
class StoreKind:
    """What stores of one kind have in common."""

    name: str
    share: int
    # how many orders they get, beside others
    orders: int
    # deliveries in a hundred that come after the promised day
    late: int
    # weights of review scores 1 to 5
    reviews: tuple[int, int, int, int, int]
    # how often what they sell gives cause to complain, beside others
    faults: int
    # what they set as their own answer to complaints about quality, where a market lets them, and up to which price in yuan
    own_rule: Literal["refund_without_return", "exchange", "partial_refund"] | None = None
    up_to: int = 0


@dataclass(frozen=True, slots=True)
class Category:
    """Goods of one category; prices in yuan."""

    name: str
    share: int
    cheapest: int
    dearest: int


BUYER_KINDS: Final = (
    BuyerKind(
        "honest",
        share=900,
        orders=10,
        complaints=2,
        stages=_HONEST_STAGES,
        reasons=_HONEST_REASONS,
        remedies={"refund_only": 42, "return_and_refund": 48, "exchange": 10},
        evidence=(1, 4),
    ),
    BuyerKind(
        "careless",
        share=90,
        orders=12,
        complaints=6,
        stages={"unshipped": 20, "in_transit": 15, "received": 65},
        reasons={"no_reason": 30, "not_as_described": 25, "quality": 20, "other": 15, "damaged": 10},
        remedies={"refund_only": 55, "return_and_refund": 40, "exchange": 5},
        evidence=(0, 2),
        label="watched",
        labelled_after=6,
    ),
    BuyerKind(
        "abusive",
        share=10,
        orders=45,
        complaints=20,
        stages={"in_transit": 4, "received": 96},
        reasons={"counterfeit": 38, "quality": 30, "missing_item": 14, "damaged": 12, "not_as_described": 6},
        remedies={"refund_only": 97, "return_and_refund": 3},
        evidence=(0, 2),
        reuses_evidence=True,
        label="malicious",
        labelled_after=5,
    ),
)

STORE_KINDS: Final = (
    StoreKind(
        "excellent",
        share=35,
        orders=10,
        late=1,
        reviews=(0, 0, 1, 5, 94),
        faults=1,
        own_rule="refund_without_return",
        up_to=300,
    ),
    StoreKind(
        "good", share=30, orders=10, late=3, reviews=(0, 1, 2, 8, 89), faults=3, own_rule="partial_refund", up_to=500
    ),
    StoreKind(
        "decent", share=20, orders=10, late=6, reviews=(1, 2, 3, 10, 84), faults=8, own_rule="exchange", up_to=200
    ),
    StoreKind("poor", share=15, orders=10, late=34, reviews=(26, 17, 19, 20, 18), faults=16),
)

CATEGORIES: Final = (
    Category("clothing", 26, 39, 399),
    Category("home", 20, 15, 259),
    Category("fresh", 16, 12, 129),
    Category("beauty", 14, 29, 329),
    Category("toys", 10, 19, 199),
    Category("electronics", 9, 79, 2999),
    Category("books", 5, 15, 99),
)

# What buyers write, by reason.
COMMENTS: Final[dict[str, tuple[str, ...]]] = {
    "quality": ("用了两天就坏了。", "做工很差，线头很多。", "质量和价格不符，希望退款。"),
    "not_as_described": ("颜色和图片差太多。", "尺寸与页面标注不一致。", "材质和描述不符。"),
    "counterfeit": ("怀疑是假货。", "包装和专柜不一样，是仿品。"),
    "wrong_item": ("发错颜色了。", "收到的不是我买的商品。"),
    "missing_item": ("少发了一件。", "配件没有收到。"),
    "damaged": ("收到时外箱已经压坏。", "运输途中破损，附照片。"),
    "not_received": ("物流好几天没有更新。", "一直没有收到货。"),
    "no_reason": ("不想要了。", "拍错了。"),
    "other": ("与商家沟通无果。",),
}
