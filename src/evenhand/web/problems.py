"""What can go wrong over HTTP, each kind with a stable address (RFC 9457, problem details).

`type` of a problem is `/problems/<name>`, a page served here that says in English and Chinese what happened and what to do.
The same kinds answer whole requests and single items of a batch.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import msgspec

from evenhand.errors import BadInput, Conflict, EvenhandError, NotAllowed, OutOfDate, StoreError, UnknownThing

CONTENT_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 2


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem."""

    name: str
    status: int
    title: str
    title_zh: str
    # what happened, and what to do
    en: str
    zh: str

    @property
    def type(self) -> str:
        return f"/problems/{self.name}"


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    # dotted path of the value that is wrong (`lines[0].amount`), where one is
    field: str = ""
    # line of an NDJSON body, from 1
    line: int | None = None


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind(
            "bad-input",
            400,
            "Bad input",
            "输入有误",
            "Something in what was sent is wrong: a value is missing, of the wrong type, not allowed, or contradicts the order. "
            "`field` names the value, `detail` says what was expected. "
            "Nothing of the item was written; correct it and send it again.",
            "提交的内容有误：缺少字段、类型不对、取值不允许，或与订单不符。field 指出是哪一个值，detail 说明应当是什么。"
            "该项没有写入任何数据，修正后重新提交即可。",
        ),
        Kind(
            "unknown-thing",
            422,
            "Unknown thing",
            "对象不存在",
            "The value is well formed but names an order, order line or policy that does not exist here. "
            "Orders must be sent before applications about them.",
            "值的格式正确，但所指的订单、订单行或规则在这里不存在。请先提交订单，再提交针对它的退款申请。",
        ),
        Kind(
            "conflict",
            409,
            "Conflict",
            "内容冲突",
            "The same id was sent before with another body, or a case is past what is asked of it: `detail` says which. "
            "What was said once cannot be changed: send the first body to get the first answer again, or use a new id. "
            "Of a case, read it again to see what can be done now.",
            "同一编号此前已用不同的内容提交过，或案件当前的状态不允许该操作，detail 说明是哪一种。"
            "已提交的内容不能更改：用原内容重新提交可得到原来的答复，否则请使用新的编号；如涉及案件，请重新读取后再决定。",
        ),
        Kind(
            "out-of-date",
            412,
            "Out of date",
            "内容已更新",
            "`If-Match` names a version of the case, webhook, payment or settings that is not the latest: somebody else acted in "
            "between. Nothing was done; read again, look at what has changed, and decide again.",
            "If-Match 所指的版本已不是最新版本，期间有他人操作。本请求没有执行，请重新读取后再作决定。",
        ),
        Kind(
            "not-allowed",
            403,
            "Not allowed",
            "无权操作",
            "Whoever is named in `by` is no party of this case, or may not do this in that role. "
            "`field` says what stands against it.",
            "by 中所指的人不是本案当事人，或其身份不允许该操作。field 指出具体原因。",
        ),
        Kind(
            "idempotency-key-reused",
            422,
            "Idempotency key used before",
            "幂等键已被使用",
            "This `Idempotency-Key` came before with another request. "
            "A key belongs to one request: use a new one for a new request.",
            "该 Idempotency-Key 此前已用于另一请求。一个键只属于一个请求，新请求请使用新的键。",
        ),
        Kind(
            "not-found",
            404,
            "Not found",
            "未找到",
            "There is nothing at this address. `/docs` lists every address of the API.",
            "该地址下没有内容。/docs 列出了接口的全部地址。",
        ),
        Kind(
            "gone",
            410,
            "Gone",
            "已不再保留",
            "Events are kept for a while only, and those after the place asked for are not there any more. "
            "`detail` says from where on they are; read from there, and look at the cases themselves for what came before.",
            "事件只保留一段时间，所请求位置之后的事件已被删除。detail 说明可从何处继续读取；更早的情况请直接查询案件。",
        ),
        Kind(
            "method-not-allowed",
            405,
            "Method not allowed",
            "请求方法不允许",
            "This address does not take this method; the `Allow` header names those it takes.",
            "该地址不接受此请求方法，可用的方法见 Allow 响应头。",
        ),
        Kind(
            "too-large",
            413,
            "Too large",
            "请求过大",
            "The body (413) or the head (431) is larger, or the body holds more items, than one request may. "
            "Send it in several requests.",
            "请求体（413）或请求头（431）过大，或所含项目过多，请分成多个请求提交。",
        ),
        Kind(
            "unsupported-media-type",
            415,
            "Unsupported media type",
            "内容类型不支持",
            "Bodies are `application/json` (one object, or an array) or `application/x-ndjson` (one object a line), "
            "not compressed, and the `Content-Type` header says which.",
            "请求体须为 application/json（单个对象或数组）或 application/x-ndjson（每行一个对象），"
            "不压缩，并在 Content-Type 中注明。",
        ),
        Kind(
            "sign-in-needed",
            401,
            "Sign-in needed",
            "需要登录",
            "This server asks for its API key: send `Authorization: Bearer <key>`, or sign in at `/sign-in` with a browser.",
            "本服务需要 API 密钥：请发送 Authorization: Bearer <密钥>，或用浏览器在 /sign-in 登录。",
        ),
        Kind(
            "cross-site",
            403,
            "Cross-site request",
            "跨站请求",
            "The request was made by a page of another site, and was not carried out.",
            "该请求由其他网站的页面发出，未予执行。",
        ),
        Kind(
            "wrong-host",
            421,
            "Wrong host",
            "主机名不符",
            "Without an API key the server answers only under loopback names (127.0.0.1, localhost, [::1]), "
            "so that no web page can reach it under a name of its own.",
            "未设置 API 密钥时，服务只以本机回环名称（127.0.0.1、localhost、[::1]）应答，以免被网页借其他域名访问。",
        ),
        Kind(
            "busy",
            503,
            "Busy",
            "服务繁忙",
            "More is waiting than the server takes on. Nothing of this request was written; "
            "send it again after the seconds in `Retry-After`.",
            "等待处理的请求过多。本请求没有写入任何数据，请在 Retry-After 所示的秒数后重新提交。",
        ),
        Kind(
            "store-away",
            503,
            "Database away",
            "数据库不可用",
            "The database does not answer at the moment. Send the same again after the seconds in `Retry-After`: "
            "orders and applications are taken once, however often they are sent.",
            "数据库暂时没有应答。请在 Retry-After 所示的秒数后原样重新提交：订单和申请无论提交多少次都只受理一次。",
        ),
        Kind(
            "too-slow",
            408,
            "Too slow",
            "请求超时",
            "The body did not arrive in time. Send it again, in smaller parts where the connection is slow.",
            "请求体没有及时到达。请重新提交，网络较慢时请分成较小的部分。",
        ),
        Kind(
            "internal",
            500,
            "Internal error",
            "内部错误",
            "Something went wrong on our side; the server's log says what. Sending the same again is safe.",
            "服务内部出错，详情见服务日志。原样重新提交是安全的。",
        ),
    )
}
_BY_STATUS: Final = {kind.status: kind for kind in reversed(KINDS.values())}


class Refused(Exception):
    """A request is answered by a problem."""

    def __init__(self, name: str, detail: str, *, field: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.problem = problem(name, detail, field=field)
        self.headers = headers or {}


def problem(name: str, detail: str, *, field: str = "", line: int | None = None, status: int | None = None) -> Problem:
    """A problem of a kind."""
    kind = KINDS[name]
    return Problem(kind.type, kind.title, status or kind.status, detail, field, line)


def of_error(error: EvenhandError, line: int | None = None) -> Problem:
    """An error raised on purpose, as a problem."""
    match error:
        case UnknownThing():
            return problem("unknown-thing", error.detail, field=error.field, line=line)
        case BadInput():
            return problem("bad-input", error.detail, field=error.field, line=line)
        case OutOfDate():
            return problem("out-of-date", error.detail, field=error.field, line=line)
        case NotAllowed():
            return problem("not-allowed", error.detail, field=error.field, line=line)
        case Conflict():
            return problem("conflict", error.detail, field=error.field, line=line)
        case StoreError():
            return problem("store-away", "the database does not answer at the moment; send the same again", line=line)
        case _:
            return problem("internal", "something went wrong; the server's log says what", line=line)


def of_status(status: int, detail: str) -> Problem:
    """A problem for a status that a library answers with."""
    kind = _BY_STATUS.get(status, KINDS["bad-input"] if 400 <= status < 500 else KINDS["internal"])
    return Problem(kind.type, kind.title, status, detail)


def headers_of(answer: Problem) -> dict[str, str]:
    """Headers that belong to a problem's status."""
    match answer.status:
        case 503:
            return {"retry-after": str(RETRY_SECONDS)}
        case 401:
            return {"www-authenticate": "Bearer"}
        case _:
            return {}


@asynccontextmanager
async def existing() -> AsyncGenerator[None]:
    """What the address names and is not there is a 404."""
    try:
        yield
    except UnknownThing as error:
        raise Refused("not-found", error.detail, field=error.field) from None
