"""What people call the states, actions and offers of a case, in English and Chinese."""

from typing import Final

from evenhand.vocabulary import Lang

CASE_WORDS: Final[dict[str, tuple[str, str]]] = {
    # states
    "opened": ("waiting for an answer", "待答复"),
    "negotiating": ("the parties talk", "双方协商中"),
    "agreed": ("agreed", "已达成一致"),
    "escalated": ("waiting for a person", "待人工处理"),
    "under_review": ("under review", "人工审理中"),
    "ruled": ("ruled", "已裁决"),
    "settling": ("being carried out", "执行中"),
    "closed": ("closed", "已结案"),
    # roles
    "buyer": ("buyer", "买家"),
    "merchant": ("merchant", "商家"),
    "adjudicator": ("adjudicator", "审理员"),
    "platform": ("platform", "平台"),
    "clock": ("automatic", "系统"),
    "panel": ("panel", "评审团"),
    # what happens
    "message": ("wrote", "留言"),
    "evidence": ("added evidence", "补充凭证"),
    "offer": ("offered", "提出方案"),
    "decline": ("refused", "拒绝"),
    "accept": ("accepted", "接受"),
    "escalate": ("asked for a person", "申请平台介入"),
    "withdraw": ("withdrew the application", "撤回申请"),
    "silence": ("the deadline passed without an answer", "逾期未答复"),
    "pause": ("stopped the clock", "暂停计时"),
    "resume": ("let the clock go on", "恢复计时"),
    "claim": ("took the case", "领取案件"),
    "release": ("gave the case back", "退回案件"),
    "inspect": ("ordered an inspection", "安排第三方检测"),
    "inspected": ("result of the inspection", "检测结果"),
    "propose": ("proposed a ruling", "拟定裁决"),
    "object": ("objected to the proposed ruling", "不同意拟定裁决"),
    "rule": ("ruled", "作出裁决"),
    "convene": ("asked for a panel", "提交评审团"),
    "draw": ("jurors were drawn", "抽取评审员"),
    "hang": ("no verdict of a panel", "评审团未作出裁决"),
    "no_jurors": ("there are not enough users who may sit", "符合条件的评审员不足"),
    "promised": ("the policy lets neither the merchant nor the fund pay", "规则不允许商家或基金承担"),
    "no_budget": ("the fund's budget does not cover it", "基金预算不足"),
    "no_majority": ("no side won in time", "未能按时形成多数意见"),
    "sampled": ("drawn by lot", "随机抽检"),
    "pay": ("paid", "付款"),
    "compensate": ("compensated the merchant", "补偿商家"),
    "charge": ("charged the merchant instead of the fund", "改由商家承担"),
    "recover": ("the buyer is to pay back", "应由买家退还"),
    "settle": ("to be carried out", "进入执行"),
    "send_back": ("sent the goods back", "寄回商品"),
    "receive": ("received the goods", "收到退货"),
    "replace": ("sent a replacement", "寄出补换商品"),
    "close": ("closed", "结案"),
    "appeal": ("appealed", "提出申诉"),
    # offers
    "refund": ("full refund, no return", "全额退款（不退货）"),
    "partial_refund": ("partial refund, no return", "部分退款（不退货）"),
    "retention": ("retention offer: partial refund", "挽留方案：部分退款"),
    "return_and_refund": ("return and refund", "退货退款"),
    "exchange": ("exchange", "换货"),
    "resend": ("send again", "补发"),
    # an offer's state
    "open": ("open", "待答复"),
    "expired": ("expired", "已过期"),
    "accepted": ("accepted", "已接受"),
    "declined": ("declined", "已拒绝"),
    "countered": ("countered", "已还价"),
    "replaced": ("replaced", "已更新"),
    # how a case ended
    "settled": ("carried out", "已执行"),
    "withdrawn": ("withdrawn", "已撤回"),
    "refused": ("refused by the merchant", "商家拒绝"),
    # findings of an inspection
    "ordered": ("ordered", "已安排"),
    "as_described": ("as described", "与描述一致"),
    "defective": ("defective", "存在质量问题"),
    "not_as_described": ("not as described", "描述不符"),
    "counterfeit": ("counterfeit", "假冒商品"),
    "inconclusive": ("inconclusive", "无法判定"),
    # what is still to be done
    "return": ("the buyer sends the goods back", "买家寄回商品"),
}


def case_word(name: str, lang: Lang) -> str:
    """A word of the cases, for a person; a name that is none stays as it is."""
    words = CASE_WORDS.get(name)
    return name if words is None else words[1 if lang == "zh" else 0]
