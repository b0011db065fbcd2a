"""What a document calls things in Chinese: its title, its tables, what these work out and the values they give.

A document says it itself: `title_zh` in its front matter, and a table `name | zh` under the heading Names. The text of what is
published never changes, so the documents that the package ships, and those that were made of them, find their own words here.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from evenhand.policy.errors import Fault, suggestion

if TYPE_CHECKING:
    from evenhand.policy.document import Document, Grid

_WORD: Final = re.compile(r"[^\W\d][\w.]*")

SHIPPED: Final[Mapping[str, str]] = {
    # titles
    "1688: quality complaints are refunded without a return, at the merchant's cost":
        "1688：质量投诉仅退款，由商家承担",
    "1688: the merchant's own rule first, then the platform": "1688：先看商家自设规则，再由平台处理",
    "1688: a quality dispute is paid by the platform, everything else is the merchant's":
        "1688：质量纠纷由平台补贴，其他申请由商家处理",
    "Amazon: a seller's own rules refund without a return": "亚马逊：按卖家自设规则退款不退货",
    "China, all platforms: after receipt, only the merchant may start a refund without a return":
        "中国各平台：收货后仅退款只能由商家发起",
    "Pinduoduo: the platform steps in for the buyer": "拼多多：平台介入支持买家",
    "Pinduoduo: no intervention against good merchants, no refund-only for malicious accounts":
        "拼多多：优质商家不再介入，恶意账号不支持仅退款",
    "Taobao: the platform may support a refund without a return": "淘宝：平台可支持仅退款",
    "Taobao: the better the store, the more it settles by itself": "淘宝：店铺体验分越高，自主处理空间越大",
    "Abnormal behaviour: how often is unusually often": "异常行为：多频繁才算异常",
    "Store experience: from a store's history to a score": "店铺体验：由店铺历史得出评分",
    "Account integrity: from a buyer's history to a status": "账号诚信：由买家历史得出状态",
    "Labelling: from what an account did to a label": "账号标记：由账号行为得出标签",
    # headings that every document uses
    "Facts": "本规则另设的事实",
    "Names": "中文名称",
    "Ruling": "裁决",
    "Reasons": "裁决理由",
    "Promises": "承诺",
    "Order": "结果次序",
    "Examples": "示例",
    # tables and formulas
    "Abnormal behaviour": "异常行为",
    "Autonomy": "自主处理时限",
    "Complaint": "投诉类型",
    "Frequent counterfeit claims": "频繁投诉假货",
    "Frequent refund only": "异常高频仅退款",
    "High quality": "优质商家",
    "Industry": "类目",
    "Label": "标签",
    "Parts": "各项得分",
    "Points": "计分",
    "Probability": "概率",
    "A probability, until one is learned": "训练之前的概率",
    "Quality complaint": "质量投诉",
    "Quality dispute": "质量纠纷",
    "Return": "退货",
    "Right to return": "退货权利",
    "Score": "评分",
    "Shares": "占比",
    "Status": "状态",
    "Time to answer": "答复时限",
    "Weights": "权重",
    # what they work out
    "abnormal": "异常行为",
    "abuse_points": "滥用分值",
    "answer_hours": "答复时限（小时）",
    "autonomy_hours": "自主处理时限（小时）",
    "cause": "事由",
    "complaint": "投诉类型",
    "counterfeit_lent": "假货投诉占比（平滑后）",
    "counterfeit_share": "假货投诉占比",
    "counterfeit_share_90d": "90天内假货投诉占比",
    "counterfeit_share_365d": "365天内假货投诉占比",
    "days": "天数",
    "custom": "计入的下单数",
    "custom_90d": "90天内计入的下单数",
    "custom_365d": "365天内计入的下单数",
    "declined_share": "被拦截占比",
    "dispute_share": "纠纷占比",
    "disputes_score": "纠纷得分",
    "disputes_weight": "纠纷权重",
    "label": "标签",
    "labels.warned": "曾被警示",
    "labels.watched": "近期曾被关注",
    "labels.cases_since": "上次标签满7天后的不利案件数",
    "late_share": "延迟送达占比",
    "logistics_score": "物流得分",
    "logistics_weight": "物流权重",
    "lost_share": "败诉占比",
    "may_return": "可退货",
    "perishable": "生鲜",
    "ordered": "下单数（每天最多5单）",
    "points": "分值",
    "quality_complaint": "质量投诉",
    "quality_dispute": "质量纠纷",
    "quality_score": "质量得分",
    "quality_weight": "质量权重",
    "refund_only_lent": "仅退款占比（平滑后）",
    "refund_only_share": "仅退款占比",
    "refund_only_share_90d": "90天内仅退款占比",
    "refund_only_share_365d": "365天内仅退款占比",
    "returnable": "能否退货",
    "service_score": "服务得分",
    "service_weight": "服务权重",
    "time_taken": "答复用时占比",
    # the values they give
    "counterfeit_claims": "投诉假货",
    "delivery": "物流问题",
    "empty_parcel": "退回空包裹",
    "evidence": "重复使用凭证",
    "goods": "商品问题",
    "interceptions": "多次被拦截",
    "too_late": "已过退货期",
    "warning": "警示",
    "yes": "可以",
}  # fmt: skip


def chinese(own: Mapping[str, str], text: str) -> str:
    """What a title, a heading, an output or a value is called; one without a Chinese name stays as it is written."""
    return own.get(text) or SHIPPED.get(text) or text


def read_names(document: "Document", grid: "Grid") -> dict[str, str]:
    """The table under Names: Chinese by what it names. What is wrong with it is added to the document's faults."""
    faults = document.faults
    there = sorted(set(_there(document)))
    names: dict[str, str] = {}
    for name, zh in (row[:2] for row in grid.rows):
        if not zh.text:
            faults.append(Fault(zh.line, zh.column, f"{name.text[:60]!r} has no Chinese name"))
        elif name.text in names:
            faults.append(Fault(name.line, name.column, f"{name.text[:60]!r} is named twice"))
        elif name.text not in there:
            hint = suggestion(name.text, there)
            message = f"the document has no table, output or value {name.text[:60]!r}{hint}"
            faults.append(Fault(name.line, name.column, message))
        else:
            names[name.text] = zh.text
    return names


def _there(document: "Document") -> Iterator[str]:
    """Everything a document could name: its headings, and the words of its cells and formulas."""
    grids = [*document.tables, *(one for one in (document.facts,) if one is not None)]
    for grid in grids:
        yield grid.heading
        for row in (grid.header, *grid.rows):
            for cell in row:
                yield from _WORD.findall(cell.text)
    for heading, cell in document.formulas:
        yield heading
        yield from _WORD.findall(cell.text)
