"""Every fact, outcome and reason a policy may use: the words that documents, code and screens share.

A fact has a dotted name (`buyer.integrity`), a type and, where it helps, a range. The names, types and values here are a
contract: market places send them, policy documents read them, rulings are stored with them. A fact that is not known is
null. Numbers are exact: a `number` has a fixed count of decimals (`scale`), an `integer` has none; nothing is a float.

`history.*` facts are windowed counts, sums and rates. They are declared once, in `evenhand.measures`, over a whole number of
days; `evenhand.history` turns the declarations into figures. The *N*-day window holds the N completed days before that of the
event that asks, plus that day as far as it has arrived, in the market's time zone, without the event itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from evenhand.measures import BUYER_MEASURES, MEASURES, RATES, RING_DAYS, RING_MEASURES

Lang = Literal["en", "zh"]
Kind = Literal["choice", "integer", "number", "boolean", "string", "date"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact a policy may read."""

    # dotted name, as policies and JSON spell it
    name: str
    kind: Kind
    # what people call it
    en: str
    zh: str
    # allowed values of a choice, worst or lowest first when `ordered`
    values: tuple[str, ...] = ()
    ordered: bool = False
    # decimals of a `number`; 0 for integers
    scale: int = 0
    # least and greatest possible value, both included; a number or integer has both, so that no figure made of it overflows
    low: int | None = None
    high: int | None = None
    # how a person reads the figure: "money" is minor units of the market's currency
    unit: Literal["", "money", "days", "score"] = ""


# Bounds of what is counted: with them a policy can add, divide and weigh exactly in 64 bits. Amounts leave room for sums of a
# billion of them; counts are unsigned 32-bit, as in the day tiles of `evenhand.history`.
MOST_MONEY: Final = 9_000_000_000
MOST_COUNT: Final = 2**32 - 1
MOST_SUM: Final = 9_000_000_000_000
MOST_DAYS: Final = 100_000

REMEDIES: Final = ("refund_only", "return_and_refund", "exchange")
STAGES: Final = ("unshipped", "in_transit", "received")
REASONS: Final = (
    "quality",
    "not_as_described",
    "counterfeit",
    "wrong_item",
    "missing_item",
    "damaged",
    "not_received",
    "no_reason",
    "other",
)
INTEGRITY: Final = ("poor", "fair", "good", "excellent")
LABELS: Final = ("none", "watched", "malicious")
MERCHANT_RULES: Final = ("none", "refund_without_return", "exchange", "partial_refund")
OUTCOMES: Final = (
    "subsidise",
    "refund_by_merchant",
    "negotiate",
    "merchant_decides",
    "return_and_refund",
    "decline",
    "review",
)
PAYERS: Final = ("platform", "merchant", "none")
# What follows when a deadline passes and nobody has answered.
ON_SILENCE: Final = ("accept", "escalate", "close")

# What may become of an application that the fund would pay for, when its budget does not cover it.
WHEN_EMPTY: Final = ("review", "merchant_decides")


def _window_facts() -> Iterator[Fact]:
    for measure in MEASURES:
        high, unit = (MOST_SUM, "money") if measure.money else (MOST_COUNT, "")
        for days in measure.windows:
            name = f"history.{measure.owner}_{measure.name}_{days}d"
            en, zh = f"{measure.en} in {days} days", f"{days}天内{measure.zh}"
            yield Fact(name, "integer", en, zh, low=0, high=high, unit=unit)
    for rate in RATES:
        for days in rate.windows:
            name = f"history.{rate.owner}_{rate.name}_{days}d"
            yield Fact(name, "number", f"{rate.en} in {days} days", f"{days}天内{rate.zh}", scale=4, low=0, high=1)


def _ring_facts() -> list[Fact]:
    whole = {measure.name: measure for measure in BUYER_MEASURES}
    return [
        Fact(
            f"history.ring_{name}_{RING_DAYS}d",
            "integer",
            f"{whole[name].en} and linked accounts in {RING_DAYS} days",
            f"{RING_DAYS}天内{whole[name].zh}（含关联账号）",
            low=0,
            high=MOST_COUNT,
        )
        for name in RING_MEASURES
    ]


_FACTS: tuple[Fact, ...] = (
    Fact("application.remedy", "choice", "remedy asked", "申请类型", values=REMEDIES),
    Fact("application.stage", "choice", "stage", "阶段", values=STAGES),
    Fact("application.reason", "choice", "reason", "申请原因", values=REASONS),
    Fact("application.amount", "integer", "amount asked", "申请金额", low=1, high=MOST_MONEY, unit="money"),
    Fact(
        "application.days_since_receipt",
        "integer",
        "days since receipt",
        "签收后天数",
        low=0,
        high=MOST_DAYS,
        unit="days",
    ),
    Fact("application.evidence_count", "integer", "pieces of evidence", "凭证数量", low=0, high=1000),
    # true or null, never false: a photograph without a credential says nothing
    Fact(
        "application.capture_credential",
        "boolean",
        "photograph vouched for by the camera that took it",
        "照片附有拍摄设备签名的有效凭证",
    ),
    Fact("application.filed_on", "date", "day of the application", "申请日期"),
    Fact("order.amount", "integer", "amount of the order line", "订单行金额", low=0, high=MOST_MONEY, unit="money"),
    Fact("order.category", "string", "category", "类目"),
    Fact("order.placed_on", "date", "day of the order", "下单日期"),
    Fact("buyer.integrity", "choice", "account integrity", "账号诚信状态", values=INTEGRITY, ordered=True),
    Fact("buyer.integrity_score", "integer", "integrity score", "诚信分", low=0, high=1000, unit="score"),
    Fact("buyer.label", "choice", "account label", "账号标签", values=LABELS, ordered=True),
    Fact(
        "merchant.experience_score",
        "number",
        "store experience score",
        "店铺体验分",
        scale=2,
        low=0,
        high=5,
        unit="score",
    ),
    Fact("merchant.high_quality", "boolean", "high-quality merchant", "优质商家"),
    Fact("merchant.rule", "choice", "merchant's own rule", "商家自定规则", values=MERCHANT_RULES),
    Fact("abuse.score", "number", "abuse score", "滥用评分", scale=3, low=0, high=1, unit="score"),
    Fact("abuse.uncertain", "boolean", "abuse score uncertain, for a person to decide", "滥用评分不确定（需人工判断）"),
    Fact(
        "abuse.person_available",
        "boolean",
        "a person can look at one more claim that the abuse score is uncertain of",
        "人工尚可查看评分不确定的申请",
    ),
    Fact(
        "abuse.threshold",
        "number",
        "abuse score from which refusing is the cheaper mistake",
        "滥用评分阈值（达到该值时拒绝的代价更小）",
        scale=3,
        low=0,
        high=1,
        unit="score",
    ),
    Fact("abuse.model", "string", "version of the learned abuse score", "滥用评分模型版本"),
    Fact("abuse.frequent_refund_only", "boolean", "unusually frequent refund-only", "异常高频仅退款"),
    Fact("abuse.empty_parcel", "boolean", "empty parcel sent back", "退回空包裹"),
    Fact("abuse.frequent_counterfeit_claims", "boolean", "frequent counterfeit claims", "频繁投诉假货"),
    Fact("abuse.reused_evidence", "boolean", "reused evidence", "重复使用凭证"),
    Fact("fund.available", "boolean", "the fund's budget covers the amount asked", "基金预算足以支付申请金额"),
    Fact(
        "history.buyer_days_known",
        "integer",
        "days the buyer is known",
        "买家账号时长",
        low=0,
        high=MOST_COUNT,
        unit="days",
    ),
    Fact(
        "history.merchant_days_known",
        "integer",
        "days the store is known",
        "店铺时长",
        low=0,
        high=MOST_COUNT,
        unit="days",
    ),
    *_window_facts(),
    Fact(
        "history.ring_size",
        "integer",
        "accounts linked with the buyer, the buyer included; 0 when there are none",
        "与买家关联的账号数（含买家；无关联为0）",
        low=0,
        high=MOST_COUNT,
    ),
    *_ring_facts(),
    Fact(
        f"history.ring_same_store_{RING_DAYS}d",
        "integer",
        f"linked accounts, the buyer not included, that applied against the same store in {RING_DAYS} days",
        f"{RING_DAYS}天内对同一店铺申请退款的关联账号数（不含买家本人）",
        low=0,
        high=MOST_COUNT,
    ),
)
FACTS: Final[dict[str, Fact]] = {fact.name: fact for fact in _FACTS}

# What each allowed value is called, in English and Chinese. Values of several facts share the words.
VALUE_WORDS: Final[dict[str, dict[Lang, str]]] = {
    "refund_only": {"en": "refund only", "zh": "仅退款"},
    "exchange": {"en": "exchange", "zh": "换货"},
    "unshipped": {"en": "not shipped", "zh": "未发货"},
    "in_transit": {"en": "in transit", "zh": "运输中"},
    "received": {"en": "received", "zh": "已收货"},
    "quality": {"en": "quality problem", "zh": "质量问题"},
    "not_as_described": {"en": "not as described", "zh": "描述不符"},
    "counterfeit": {"en": "counterfeit", "zh": "假冒商品"},
    "wrong_item": {"en": "wrong item", "zh": "发错商品"},
    "missing_item": {"en": "missing item", "zh": "少件"},
    "damaged": {"en": "damaged", "zh": "商品破损"},
    "not_received": {"en": "not received", "zh": "未收到货"},
    "no_reason": {"en": "no reason given", "zh": "无理由"},
    "other": {"en": "other", "zh": "其他"},
    "poor": {"en": "poor", "zh": "较差"},
    "fair": {"en": "fair", "zh": "一般"},
    "good": {"en": "good", "zh": "良好"},
    "excellent": {"en": "excellent", "zh": "优秀"},
    "watched": {"en": "watched", "zh": "关注"},
    "malicious": {"en": "malicious", "zh": "恶意"},
    "refund_without_return": {"en": "refund without return", "zh": "退款不退货"},
    "partial_refund": {"en": "partial refund", "zh": "部分退款"},
    "subsidise": {"en": "subsidised by the platform", "zh": "平台补贴"},
    "refund_by_merchant": {"en": "refunded by the merchant", "zh": "商家退款"},
    "negotiate": {"en": "parties negotiate", "zh": "双方协商"},
    "merchant_decides": {"en": "merchant decides", "zh": "商家自主处理"},
    "return_and_refund": {"en": "return and refund", "zh": "退货退款"},
    "decline": {"en": "intercepted", "zh": "拦截"},
    "review": {"en": "reviewed by a person", "zh": "人工审核"},
    "platform": {"en": "platform", "zh": "平台"},
    "merchant": {"en": "merchant", "zh": "商家"},
    "none": {"en": "none", "zh": "无"},
    "true": {"en": "yes", "zh": "是"},
    "false": {"en": "no", "zh": "否"},
    "null": {"en": "unknown", "zh": "未知"},
}


def word(value: object, lang: Lang) -> str:
    """Name a fact's value for a person: `word("good", "zh")` is 良好; text that is no value of ours is returned as it is."""
    match value:
        case None:
            key = "null"
        case bool():
            key = "true" if value else "false"
        case _:
            key = str(value)
    words = VALUE_WORDS.get(key)
    return words[lang] if words else key
