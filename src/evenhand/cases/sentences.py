"""The sentences of a statement of reasons, in English and Chinese."""

from typing import Final

from evenhand.cases.grounds import Sentence

TITLE: Final = Sentence("Statement of reasons, case {case}", "第{case}号案件裁决理由说明")
HEADS: Final = (
    Sentence("The decision", "决定"),
    Sentence("Why", "理由"),
    Sentence("The facts it relies on", "所依据的事实"),
    Sentence("The clause", "所依据的条款"),
    Sentence("Automated means", "自动化手段的使用"),
    Sentence("If you disagree", "如不同意本决定"),
)
DECIDED: Final = {
    "subsidise": Sentence(
        "The platform pays the buyer {amount} from its fund. The merchant bears nothing, and nothing is returned.",
        "平台从补贴基金向买家支付{amount}，商家不承担费用，无需退货。",
    ),
    "refund_by_merchant": Sentence(
        "The merchant refunds {amount} to the buyer; nothing is returned.", "商家向买家退款{amount}，无需退货。"
    ),
    "return_and_refund": Sentence(
        "The goods go back to the merchant; then {amount} is refunded.", "买家退回商品后，退款{amount}。"
    ),
    "decline": Sentence(
        "The application for {asked} is declined; nothing is paid.", "对金额为{asked}的退款申请不予支持。"
    ),
    "negotiate": Sentence(
        "Buyer and merchant first talk about the application for {asked} themselves.",
        "由买卖双方就{asked}的退款申请先行协商。",
    ),
    "merchant_decides": Sentence(
        "The merchant decides on the application for {asked}.", "{asked}的退款申请由商家自主处理。"
    ),
    "review": Sentence("A person decides on the application for {asked}.", "{asked}的退款申请转人工审理。"),
}
AGREED: Final = Sentence("The parties agreed on: {kind}, {amount}.", "双方达成一致：{kind}，金额{amount}。")
SCOPE: Final = Sentence(
    "This concerns only this application about order {order} in market {market}, and no other dealings of either account.",
    "本决定仅适用于市场{market}中订单{order}的该笔申请，不影响双方账号的其他交易。",
)
HELD_BACK: Final = Sentence(
    "The decision follows from the rules named below, applied to this application and to both accounts. What concerns the other "
    "party was taken into account and is not shown.",
    "本决定系依据下列规则，结合该笔申请及双方账号情况作出。涉及对方的情况已纳入考虑，不予展示。",
)
WITHHELD: Final = Sentence(
    "taken into account; not shown, since it concerns the other party", "已纳入考虑；因涉及对方，不予展示"
)
AUTOMATION: Final = {
    "policy": Sentence(
        "The facts were gathered by automated means, and the decision was made by automated means under the clause named, "
        "without a person taking part.",
        "事实由自动化手段汇总，本决定由系统依据所列条款自动作出，未经人工干预。",
    ),
    "silence": Sentence(
        "The decision followed by automated means, under the policy, when the deadline passed without an answer.",
        "本决定因逾期未答复，由系统依据规则自动作出。",
    ),
    "panel": Sentence(
        "The facts were gathered by automated means. The decision was made by jurors' votes, which a program counted.",
        "事实由自动化手段汇总；本决定由随机抽取的评审员投票作出，票数由程序统计。",
    ),
    "person": Sentence(
        "The facts were gathered by automated means. The decision was made by people.",
        "事实由自动化手段汇总；本决定由人工作出。",
    ),
    "agreement": Sentence(
        "The facts were gathered by automated means. The parties agreed among themselves.",
        "事实由自动化手段汇总；本结果由双方自行协商达成。",
    ),
}
APPEAL_UNTIL: Final = Sentence(
    "You may appeal once, free of charge and with new evidence, until {until} ({zone}); another person decides.",
    "您可在{until}（{zone}）之前，凭新的证据免费提出一次申诉，由他人另行裁决。",
)
APPEAL_LATER: Final = Sentence(
    "Within {months} months after the case is closed you may appeal once, free of charge and with new evidence; another person "
    "decides.",
    "结案后{months}个月内，您可凭新的证据免费提出一次申诉，由他人另行裁决。",
)
PERSON: Final = Sentence(
    "You may refuse a decision made by automated means alone and ask for an explanation: an appeal is always decided by a person "
    "who has not decided the case before.",
    "您有权拒绝仅通过自动化方式作出的决定，并有权要求予以说明：申诉一律由此前未参与本案裁决的人员审理。",
)
COURTS: Final = Sentence(
    "You may also go to court. Rights that consumer law gives you, such as the return within seven days without a reason in "
    "China, are not touched by this decision.",
    "您也可以向人民法院提起诉讼或向有关部门投诉。本决定不影响法律赋予消费者的权利，例如七日无理由退货。",
)
# Facts of the case itself that people who ruled relied on.
PAID_FOR_LINE: Final = Sentence("paid for the order line", "订单行实付金额")
IN_THREAD: Final = Sentence("messages, offers and evidence in the thread", "往来消息、方案与凭证（条）")
APPEAL: Final = Sentence("appeal", "申诉")
APPEALED: Final = Sentence(
    "by the {party} on {at} ({zone}); new evidence: {count}", "{party}于{at}（{zone}）提出，附新证据{count}份"
)
INSPECTION: Final = Sentence("third-party inspection", "第三方检测")
