"""Grounds of a ruling made by people: standard sentences in both languages, so that every statement of reasons is in both."""

from typing import Final, NamedTuple

from evenhand.vocabulary import Lang


class Sentence(NamedTuple):
    """One ground, as the parties read it."""

    en: str
    zh: str

    def said(self, lang: Lang) -> str:
        return self.zh if lang == "zh" else self.en


# What counts against the buyer (`evenhand.casework.findings`).
RETURN_EMPTY: Final = "return.empty"
GROUNDS: Final[dict[str, Sentence]] = {
    "goods.defective": Sentence("The evidence shows that the goods are defective.", "现有凭证表明商品存在质量问题。"),
    "goods.not_as_described": Sentence(
        "The evidence shows that the goods differ from their description.", "现有凭证表明商品与描述不符。"
    ),
    "goods.counterfeit": Sentence("The goods were found to be counterfeit.", "经认定，商品为假冒商品。"),
    "goods.as_described": Sentence(
        "The evidence shows that the goods are as described and free of the fault claimed.",
        "现有凭证表明商品与描述一致，不存在所称问题。",
    ),
    "goods.incomplete": Sentence("Part of the order did not arrive, or a wrong item did.", "商品少件或发错。"),
    "parcel.lost": Sentence("Nothing shows that the parcel reached the buyer.", "没有证据表明包裹已送达买家。"),
    "parcel.delivered": Sentence(
        "The carrier's record shows that the parcel was delivered.", "物流记录显示包裹已送达。"
    ),
    RETURN_EMPTY: Sentence(
        "What came back is not what was sold, or is not complete.", "退回的并非所售商品，或退回商品不完整。"
    ),
    "return.received": Sentence("The goods came back as they were sold.", "商品已完好退回。"),
    "evidence.insufficient": Sentence("The evidence does not bear out the claim.", "现有凭证不足以支持该申请。"),
    "evidence.unreliable": Sentence(
        "The evidence was altered, made up, or used before for another claim.", "凭证经篡改、伪造，或曾用于其他申请。"
    ),
    "merchant.silent": Sentence("The merchant did not answer.", "商家未予答复。"),
    "inspection.result": Sentence(
        "A third party has inspected the goods, and its finding decides.", "商品已由第三方检测，以检测结论为准。"
    ),
    "goodwill": Sentence("The platform settles the matter out of goodwill.", "平台出于善意处理此事。"),
    "silence.accepts": Sentence(
        "The merchant did not answer in time, which this policy takes for consent.",
        "商家逾期未答复，依本规则视为同意。",
    ),
    "panel.buyer": Sentence(
        "A panel of users, drawn by lot and without ties to either side, found for the buyer.",
        "经随机抽取、与双方均无关联的用户组成的评审团评议，支持买家。",
    ),
    "panel.merchant": Sentence(
        "A panel of users, drawn by lot and without ties to either side, found for the merchant.",
        "经随机抽取、与双方均无关联的用户组成的评审团评议，支持商家。",
    ),
}
# Those a person may give.
FOR_PEOPLE: Final = tuple(code for code in GROUNDS if not code.startswith(("silence.", "panel.")))
