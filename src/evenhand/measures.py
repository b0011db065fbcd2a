"""What is counted of buyers, merchants and pairs of them: the declarations behind every windowed `history.*` fact.

Something *happens* on a day: an order is placed, a parcel delivered, a review written, an application filed, a ruling given. A
`Measure` says which of that is counted, for whom, and over which windows it is read; a `Rate` sets one measure against another.
Everything else is made from these declarations: the fold that keeps an account's day tiles (`evenhand.history.facts`), the SQL
that computes the same from a table of events (`evenhand.history.batch`), the vocabulary, and its documentation.

The set is chosen, not the full product of everything by everything. Days, not decayed averages: every figure can be quoted to
the person it is about. Each measure answers a question that a refund policy asks: how often and how much somebody asks back
(`applications`, `asked_amount`), against how much custom (`orders`, `order_amount`), in which way (`refund_only`, `returns`),
with which story (`quality_claims`, `counterfeit_claims`, `not_received_claims`, `before_receipt`), in bursts or spread out
(`application_days`, 7-day windows), and what came of it (`declined`, `subsidised`, `refunded_by_merchant`, `empty_returns`). For
stores: service (`late_deliveries`, reviews, `answers`) and disputes. For a buyer and a merchant together: who comes back to the
same store.
"""

from dataclasses import dataclass
from typing import Final, Literal

Owner = Literal["buyer", "merchant", "pair"]
# "ruled" is an application and the ruling it got at once, as one event; "answer" is that a store answered a case by its deadline,
# or let the deadline pass; "finding" is that a person ruled on the ground that what the buyer sent back was empty or incomplete
Happening = Literal["order", "delivery", "review", "application", "ruling", "ruled", "answer", "finding"]
# What an event must say, field by field, each one of these values.
Condition = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Measure:
    """Something counted per account and day, from which windowed `history.*` facts are read."""

    # whose account counts it
    owner: Owner
    name: str
    # the kind of event it is counted from
    of: Happening
    # windows, in days, in which policies may read it
    windows: tuple[int, ...]
    en: str
    zh: str
    # which events count: those that meet any of the conditions; all, where there is none
    where: tuple[Condition, ...] = ()
    # the field of the event that is added up; "" adds one for each event
    adds: str = ""
    # what is added up is money in minor units of the market's currency
    money: bool = False
    # counts the days on which that measure of the same owner is not zero, instead of events
    days_of: str = ""
    # windows whose facts stand in every ruling; the others are computed where a document reads them
    always: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Rate:
    """One measure in proportion to another over the same window: 0.0000 to 1.0000, rounded half up; null where there is nothing
    to compare with."""

    owner: Owner
    name: str
    part: str
    whole: str
    windows: tuple[int, ...]
    en: str
    zh: str


_REFUND_ONLY: Final[Condition] = {"remedy": ("refund_only",)}
_QUALITY: Final[Condition] = {"reason": ("quality", "not_as_described", "damaged", "wrong_item")}
_COUNTERFEIT: Final[Condition] = {"reason": ("counterfeit",)}
_NOT_RECEIVED: Final[Condition] = {"reason": ("not_received", "missing_item")}
_LOST: Final[tuple[Condition, ...]] = (
    {"outcome": ("refund_by_merchant",)},
    {"outcome": ("return_and_refund",), "source": ("person", "panel")},
)

# The order of the measures of one kind of event is the order of their columns in an account's day tiles: append, never reorder.
BUYER_MEASURES: Final = (
    Measure(
        "buyer", "orders", "order", (30, 90, 180, 365), "orders placed by the buyer", "买家下单数", always=(90, 365)
    ),
    Measure(
        "buyer", "order_amount", "order", (90, 365), "amount ordered by the buyer", "买家下单金额",
        adds="amount", money=True,
    ),
    Measure(
        "buyer", "order_days", "order", (90, 365), "days on which the buyer ordered", "买家下单天数", days_of="orders"
    ),
    Measure(
        "buyer", "applications", "application", (7, 30, 90, 180, 365), "refund applications by the buyer",
        "买家退款申请数", always=(90, 365),
    ),
    Measure(
        "buyer", "refund_only", "application", (7, 30, 90, 180, 365), "refund-only applications by the buyer",
        "买家仅退款申请数", (_REFUND_ONLY,), always=(90, 365),
    ),
    Measure(
        "buyer", "counterfeit_claims", "application", (90, 365), "counterfeit claims by the buyer", "买家假货投诉数",
        (_COUNTERFEIT,), always=(90, 365),
    ),
    Measure(
        "buyer", "declined", "ruling", (30, 90, 365), "intercepted applications of the buyer", "买家被拦截申请数",
        ({"outcome": ("decline",), "source": ("policy",)},), always=(90, 365),
    ),
    Measure(
        "buyer", "returns", "application", (90, 365), "return-and-refund applications by the buyer",
        "买家退货退款申请数", ({"remedy": ("return_and_refund",)},),
    ),
    Measure(
        "buyer", "quality_claims", "application", (90, 365),
        "claims by the buyer that goods are bad, damaged, wrong or not as described",
        "买家质量类投诉数（质量、描述不符、破损、错发）", (_QUALITY,),
    ),
    Measure(
        "buyer", "not_received_claims", "application", (90, 365), "claims by the buyer that goods are missing",
        "买家未收到货及少件投诉数", (_NOT_RECEIVED,),
    ),
    Measure(
        "buyer", "before_receipt", "application", (90, 365), "applications by the buyer before receipt",
        "买家收货前申请数", ({"stage": ("unshipped", "in_transit")},),
    ),
    Measure(
        "buyer", "asked_amount", "application", (30, 90, 365), "amount asked back by the buyer", "买家申请退款金额",
        adds="amount", money=True,
    ),
    Measure(
        "buyer", "application_days", "application", (7, 30, 90), "days on which the buyer applied", "买家申请退款天数",
        days_of="applications",
    ),
    Measure(
        "buyer", "subsidised", "ruling", (30, 90, 365), "rulings by which the platform paid the buyer",
        "买家获平台补贴次数", ({"outcome": ("subsidise",)},),
    ),
    Measure(
        "buyer", "refunded_by_merchant", "ruling", (90, 365), "rulings by which a store paid the buyer without a return",
        "买家获商家免退货退款次数", ({"outcome": ("refund_by_merchant",)},),
    ),
    Measure(
        "buyer", "empty_returns", "finding", (90, 365),
        "returns of the buyer that a person found empty or incomplete", "经人工认定买家退回空包裹或少件的次数", always=(365,),
    ),
    Measure(
        "buyer", "refund_only_amount", "application", (90, 365), "amount asked back by the buyer without a return",
        "买家申请仅退款金额", (_REFUND_ONLY,), adds="amount", money=True,
    ),
)  # fmt: skip
MERCHANT_MEASURES: Final = (
    Measure("merchant", "orders", "order", (30, 90, 365), "orders of the store", "店铺订单数", always=(365,)),
    Measure(
        "merchant", "order_amount", "order", (90, 365), "amount ordered from the store", "店铺订单金额",
        adds="amount", money=True,
    ),
    Measure("merchant", "deliveries", "delivery", (90, 365), "deliveries of the store", "店铺送达数", always=(365,)),
    Measure(
        "merchant", "late_deliveries", "delivery", (90, 365), "late deliveries of the store", "店铺延迟送达数",
        ({"late": ("true",)},), always=(365,),
    ),
    Measure("merchant", "reviews", "review", (90, 365), "reviews of the store", "店铺评价数", always=(365,)),
    Measure(
        "merchant", "review_points", "review", (90, 365), "sum of the store's review scores", "店铺评价总分",
        adds="score", always=(365,),
    ),
    Measure(
        "merchant", "disputes", "application", (7, 30, 90, 365), "refund applications against the store",
        "店铺被申请退款数", always=(365,),
    ),
    Measure(
        "merchant", "disputes_lost", "ruling", (90, 365), "disputes the store lost", "店铺败诉纠纷数", _LOST,
        always=(365,),
    ),
    Measure(
        "merchant", "refund_only", "application", (30, 90, 365), "refund-only applications against the store",
        "店铺被申请仅退款数", (_REFUND_ONLY,),
    ),
    Measure(
        "merchant", "quality_disputes", "application", (90, 365),
        "claims that the store's goods are bad, damaged, wrong or not as described",
        "店铺质量类纠纷数（质量、描述不符、破损、错发）", (_QUALITY,),
    ),
    Measure(
        "merchant", "counterfeit_disputes", "application", (90, 365), "counterfeit claims against the store",
        "店铺被投诉假货数", (_COUNTERFEIT,),
    ),
    Measure(
        "merchant", "asked_amount", "application", (90, 365), "amount asked back from the store", "店铺被申请退款金额",
        adds="amount", money=True,
    ),
    Measure(
        "merchant", "dispute_days", "application", (90, 365), "days on which the store was disputed with",
        "店铺发生纠纷天数", days_of="disputes",
    ),
    Measure(
        "merchant", "subsidised", "ruling", (30, 90, 365), "rulings by which the platform paid for the store",
        "平台代店铺补贴次数", ({"outcome": ("subsidise",)},),
    ),
    Measure(
        "merchant", "answers", "answer", (90, 365), "cases the store had to answer by a deadline", "店铺应限时答复的案件数",
        always=(365,),
    ),
    Measure(
        "merchant", "answer_time", "answer", (90, 365),
        "sum of the parts of the time given that the store took to answer, in percent; 500 for a deadline it missed",
        "店铺答复用时占时限的百分比之和（逾期未答复按500计）", adds="used", always=(365,),
    ),
    Measure(
        "merchant", "missed_answers", "answer", (90, 365), "deadlines to answer that the store missed", "店铺逾期未答复次数",
        ({"late": ("true",)},),
    ),
)  # fmt: skip
PAIR_MEASURES: Final = (
    Measure(
        "pair", "applications", "application", (30, 90, 365), "applications by this buyer against this store",
        "该买家对该店铺的退款申请数",
    ),
    Measure(
        "pair", "refund_only", "application", (90, 365), "refund-only applications by this buyer against this store",
        "该买家对该店铺的仅退款申请数", (_REFUND_ONLY,),
    ),
)  # fmt: skip
MEASURES: Final = (*BUYER_MEASURES, *MERCHANT_MEASURES, *PAIR_MEASURES)

RATES: Final = (
    Rate(
        "buyer", "application_rate", "applications", "orders", (90, 365),
        "the buyer's applications per order", "买家退款申请率",
    ),
    Rate(
        "buyer", "refund_only_rate", "refund_only", "orders", (90, 365),
        "the buyer's refund-only applications per order", "买家仅退款率",
    ),
    Rate(
        "buyer", "asked_amount_rate", "asked_amount", "order_amount", (90, 365),
        "part of the amount ordered that the buyer asks back", "买家申请退款金额占比",
    ),
    Rate(
        "merchant", "dispute_rate", "disputes", "orders", (90, 365),
        "applications per order of the store", "店铺纠纷率",
    ),
    Rate(
        "merchant", "lost_rate", "disputes_lost", "disputes", (90, 365),
        "part of the store's disputes that it lost", "店铺败诉率",
    ),
    Rate(
        "merchant", "missed_rate", "missed_answers", "answers", (90, 365),
        "part of the deadlines to answer that the store missed", "店铺逾期未答复率",
    ),
    Rate(
        "merchant", "late_rate", "late_deliveries", "deliveries", (90, 365),
        "part of the store's deliveries that came late", "店铺延迟送达率",
    ),
)  # fmt: skip

# Summed over the buyers of a ring: accounts linked by what they share (`evenhand.accounts.links`).
RING_MEASURES: Final = ("orders", "applications", "refund_only", "counterfeit_claims", "declined")
RING_DAYS: Final = 90
