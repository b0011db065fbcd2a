"""What went wrong, in Chinese, for people at the console.

Errors say what is wrong in English where they are raised, which is what programs are answered. Here each sentence that somebody
at the console can meet has its Chinese: the key is the English with `{}` for what is filled in, `{0}` in the Chinese is the first
of these. What is filled in is itself a word of ours where it can be (a state, an outcome, an action). A test reads the sentences
out of the code that raises them and finds each of them here.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from evenhand.cases.grounds import GROUNDS
from evenhand.cases.words import CASE_WORDS
from evenhand.errors import BadInput, EvenhandError
from evenhand.vocabulary import VALUE_WORDS, Lang

_QUOTED: Final = re.compile(r"(['\"])(.*)\1", re.DOTALL)
_LISTED: Final = re.compile(r", | or the | or ")

# What the fields of forms and addresses are called; an error of one begins with its name.
FIELDS: Final[Mapping[str, str]] = {
    "me": "您的姓名",
    "by": "您的姓名",
    "by.id": "您的姓名",
    "asked_by": "您的姓名",
    "checked_by": "您的姓名",
    "text": "内容",
    "why": "理由",
    "note": "说明",
    "outcome": "裁决",
    "grounds": "依据",
    "amount": "金额",
    "finding": "结论",
    "hours": "时限",
    "evidence": "照片",
    "verdict": "结论",
    "url": "推送地址",
    "types": "事件类型",
    "from": "起始日期",
    "to": "截止日期",
    "market": "市场",
    "q": "搜索内容",
    "lang": "语言",
    "party": "当事方",
    "state": "状态",
    "version": "版本",
}

DETAILS: Final[Mapping[str, str]] = {
    # the form as it was filled in
    "is required": "必填",
    "say who you are": "请填写您的姓名",
    "say who it is, in 1 to {} characters": "请填写姓名，不超过{0}个字符",
    "this name holds {}, which cannot be seen: write it without": "姓名中含有看不见的字符（{0}），请去掉后重新填写",
    "holds spaces only: write something in it": "不能只填空格",
    "holds a NUL character": "含有空字符（NUL）",
    "no id holds a NUL character": "编号中不能含有空字符（NUL）",
    "holds a character that cannot be printed": "含有无法显示的字符",
    "expected `str` of length >= {}": "至少{0}个字符",
    "expected `str` of length <= {}": "不超过{0}个字符",
    "expected `array` of length <= {}": "最多{0}项",
    "invalid enum value {}": "没有“{0}”这一选项",
    "is a text of at most 4,000 characters": "不超过4,000个字符",
    "is between 1 and {}": "须在1至{0}之间",
    "is confirmed or dismissed": "请选择“确认协同”或“排除”",
    "{} is not an amount like 12.50": "“{0}”不是金额，请按12.50这样的格式填写",
    "{} has more decimals than {} has ({})": "“{0}”的小数位数过多，{1}有{2}位小数",
    "{} is yet to come: it is {} in market {}": "{0}尚未到来：市场{2}今天是{1}",
    "{} is not a date like 2025-03-24": "“{0}”不是日期，请按2025-03-24这样的格式填写",
    "{} lies before from, {}": "{0}早于起始日期{1}",
    "{} is none of {}": "“{0}”不在可选范围内：{1}",
    "an outcome is one of {}": "裁决结果须为以下之一：{0}",
    "stands for an id that the address cannot hold, and the address has {} for it":
        "地址中已有编号，不能再用参数id指定",
    "{} is not the number of an event that decided, or 0": "“{0}”不是作出裁决的记录编号（或0）",
    # what is looked for and not there
    "there is no case {}": "没有{0}号案件",
    "there is no market {}": "没有市场“{0}”",
    "there is no policy {}": "没有规则“{0}”",
    "policy {} has no version {}": "规则{0}没有版本“{1}”",
    "policy {} has no version in force on {}": "规则{0}在{1}没有生效的版本",
    "there is no problem {}": "没有名为“{0}”的错误类型",
    "there is no such file": "没有该文件",
    "there is no action {}": "没有“{0}”这一操作",
    "market {} knows no {} {}": "市场{0}没有{1}“{2}”",
    "market {} has no buyer {}": "市场{0}没有买家“{1}”",
    "there is no finding {}": "没有第{0}号线索",
    "there is no evidence {}": "没有编号为“{0}”的凭证",
    "there is no request {}": "没有第{0}号补拍要求",
    "is no request of this case": "不是本案的补拍要求",
    "there is no webhook {}": "没有推送地址“{0}”",
    "event {} of case {} decided nothing": "{1}号案件的第{0}条记录没有作出裁决",
    "event {} was not sent to webhook {}": "事件{0}未曾推送到{1}",
    "event {} is no delivery to webhook {}": "{1}没有事件{0}的推送记录",
    "there is nothing at {}; /docs lists every address of the API": "地址{0}不存在；接口的全部地址见/docs",
    "{} takes {}, not {}": "{0}只接受{1}请求，不接受{2}",
    "case {} had no panel": "{0}号案件没有评审团",
    # a case that has moved on, or is another's
    "the case is at version {}, not {}: read it again, and decide again":
        "案件已有新进展（版本{0}，您看到的是{1}）：请重新查看后再作决定",
    "the case is {} now, and {} is possible only when it is {}": "案件当前状态为“{0}”；“{1}”只能在以下状态进行：{2}",
    "{} is for the {}, not the {}": "“{0}”只能由{1}进行，{2}不能",
    "{} {} is not a party of case {}": "{0}{1}不是{2}号案件的当事人",
    "the key {} came before with another action on this case": "标识{0}此前已用于本案的另一操作",
    "{} holds this case until {}": "{0}正在审理本案，期限至{1}",
    "{} holds this case; claim it when it is free": "{0}正在审理本案；退回后方可领取",
    "{} has decided this case before; another person must": "{0}此前裁决过本案，须由他人审理",
    "the claim ended at {}; claim the case again": "领取已于{0}到期，请重新领取",
    "a panel is voting on this case": "评审团正在投票",
    "no panel is voting on case {}": "{0}号案件没有正在投票的评审团",
    "{} has no seat in the panel of case {}": "{0}不是{1}号案件的评审员",
    "the time to vote is over": "投票时间已过",
    "a vote is cast once and not changed": "投票后不可更改",
    "an appeal is decided by a person": "申诉须由人工裁决，不能提交评审团",
    "a ruling is proposed: confirm it, or object": "已有拟定裁决：请同意，或提出不同意见",
    "no ruling is proposed": "目前没有拟定裁决",
    "label {} says the same of this account until {}": "第{0}号标记已对该账户作出相同认定，有效期至{1}",
    "the result of the inspection is awaited": "正在等待检测结果",
    "an inspection is under way": "第三方检测正在进行",
    "no inspection was ordered": "尚未安排第三方检测",
    "no deadline is running": "目前没有计时中的期限",
    "the clock is not stopped": "计时没有暂停",
    "a case takes {} messages, offers and pieces of evidence, and has them":
        "消息、方案和凭证合计最多{0}条，本案已达上限",
    # what a ruling may say
    "the policy promises {}, and the merchant has not accepted: rule {}": "规则承诺 {0}，而商家未同意承担：可裁决为{1}",
    "a ruling rests on at least one ground of {}": "请至少选择一项裁决依据",
    "{} is no ground; a ruling rests on {}": "“{0}”不是裁决依据",
    "a ruling that declines grants nothing": "裁决为不予支持时，金额须留空",
    "must be more than nothing; else decline": "须大于零；如不予退款，请裁决为不予支持",
    "{} is more than the {} that can be granted": "{0}超过可裁决的上限{1}",
    "{} is more than the {} that is left of the order line": "{0}超过订单行剩余金额{1}",
    "this market trades in {}, not {}": "本市场以{0}结算，不是{1}",
    "the buyer has had {}, which its own appeal does not take back: rule that or more":
        "买家已获{0}，其本人申诉不会因此减少：请裁决不低于该金额",
    "the merchant has paid {}, and its own appeal does not charge it more": "商家已付{0}，其本人申诉不会因此增加承担",
    # photographs
    "is no photograph": "不是照片",
    "belongs to another market": "属于其他市场",
    "was not shown by the buyer, of whom it is asked": "不是买家提交的；现拍照片须由买家提交",
    "was shown in another case": "曾在其他案件中提交",
    "came before the photograph was asked for": "上传时间早于现拍照片要求",
    "came after the time for it was up; ask for another": "上传时已超过时限，请重新要求现拍照片",
    "this photograph has answered request {} already; ask for another": "该照片已用于第{0}号现拍照片要求，请重新要求现拍照片",
    "request {} was looked at before": "第{0}号现拍照片要求已有核对结果",
    # rings
    "finding {} was {} by {}": "第{0}号线索已由{2}处理：{1}",
    # webhooks
    "a URL is up to {} visible ASCII characters": "地址最多{0}个字符，且只能使用可见的ASCII字符",
    "{} is not a URL like https://example.com/events": "“{0}”不是网址，请按https://example.com/events这样的格式填写",
    "a URL with a user name or password is not taken: the signature says who sends":
        "地址中不能含有用户名或密码：发送方身份由签名证明",
    "a URL with a fragment (#) is not taken": "地址中不能含有#片段",
    "events are sent over HTTPS only, not {}": "事件只通过HTTPS推送，不支持{0}",
    "{} is not a public address: webhooks go to the public internet": "{0}不是公网地址：事件只推送到公网",
    "{} is {}, which is not a public address: webhooks go to the public internet":
        "{0}解析为{1}，不是公网地址：事件只推送到公网",
    "{} is not a public address": "{0}不是公网地址",
    "{} is {}, which is not a public address": "{0}解析为{1}，不是公网地址",
    "at most {} types can be named": "最多选择{0}种事件",
    "{} is no type of events; there are {}": "没有“{0}”这种事件；可选：{1}",
    "there are {} webhooks already: delete one first": "推送地址已达上限{0}个：请先删除一个",
    "there is a webhook {} with other settings: change it, or choose another id":
        "已有推送地址“{0}”，设置不同：请修改该地址，或另选编号",
    "the webhook is at version {}, not {}: read it again, and decide again":
        "该推送地址已被修改（版本{0}，您看到的是{1}）：请重新查看后再作决定",
    "a delivery is {}": "推送状态须为以下之一：{0}",
    "no answer within {} s": "{0}秒内没有应答",
    "no connection": "无法建立连接",
    "no connection: {}": "无法建立连接：{0}",
    "the connection failed": "连接失败",
    "the connection failed: {}": "连接失败：{0}",
    "no connection in time": "未能及时建立连接",
    "the connection broke": "连接中断",
    "the connection broke: {}": "连接中断：{0}",
    "the answer is not HTTP": "应答不是HTTP",
    "the answer is not HTTP: {}": "应答不是HTTP：{0}",
    "the request cannot be made: {}": "无法发出请求：{0}",
    "the receiver answered 410 Gone": "接收方应答410（已永久移除）",
    "nothing has got through for {} days": "连续{0}天没有一次推送成功",
    "by {}": "由{0}停用",
    # the server
    "this took longer than {}; ask for fewer days, or one market": "查询超过{0}：请缩短日期范围，或只选一个市场",
    "the database does not answer at the moment; send the same again": "数据库暂时没有应答，请原样重新提交",
    "something went wrong; the server's log says what": "服务内部出错，详情见服务日志",
    "a body may hold {} bytes; send it in several requests": "提交的内容不能超过{0}字节",
    "this address takes bodies of at most {} bytes": "该地址接受的内容不能超过{0}字节",
    "this address is not UTF-8: it holds byte {}": "地址不是UTF-8编码：含有字节{0}",
    "the body did not arrive within {} s": "提交的内容未在{0}秒内到达",
    "this server does not answer under the name {}": "本服务不以主机名{0}应答",
    "this request was made by a page of another site": "该请求由其他网站的页面发出",
    "this request was made by a page of {}": "该请求由{0}的页面发出",
    "send the API key: Authorization: Bearer <key>": "请先登录，或在请求中提供API密钥",
}  # fmt: skip


def told(error: EvenhandError, lang: Lang) -> str:
    """An error for somebody who filled in a form; where a value was wrong it begins with the name of its field."""
    detail: str = getattr(error, "detail", None) or str(error)
    return sentence(detail, lang, field=error.field if isinstance(error, BadInput) else "")


def sentence(detail: str, lang: Lang, *, field: str = "") -> str:
    """What went wrong, of which field, in a language; what has no Chinese stays as it is."""
    if lang == "en":
        return f"{field}: {detail}" if field else detail
    said = _chinese(detail) or detail
    return f"{FIELDS[field]}：{said}" if field in FIELDS else said


def _chinese(detail: str) -> str | None:
    if detail in DETAILS:
        return DETAILS[detail]
    for pattern, zh in _patterns():
        if found := pattern.fullmatch(detail):
            return zh.format(*map(_filled, found.groups()))
    return None


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Sentences with something filled in, those that say most of their own first."""
    keys = sorted((key for key in DETAILS if "{}" in key), key=lambda key: -len(key.replace("{}", "")))
    return [(re.compile("(.*?)".join(map(re.escape, key.split("{}"))), re.DOTALL), DETAILS[key]) for key in keys]


def _filled(text: str) -> str:
    """What is filled in: without quotes, and in Chinese where all of it is words of ours."""
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        return quoted[2]
    words = [_word(one) for one in _LISTED.split(text)]
    return "、".join(word for word in words if word is not None) if None not in words else text


def _word(name: str) -> str | None:
    if name in VALUE_WORDS:
        return VALUE_WORDS[name]["zh"]
    if name in CASE_WORDS:
        return CASE_WORDS[name][1]
    if name in GROUNDS:
        return GROUNDS[name].zh
    return {"confirm": "同意并裁决", "confirmed": "确认协同", "dismissed": "排除"}.get(name)
