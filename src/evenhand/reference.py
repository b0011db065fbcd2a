"""`docs/reference/facts.md`: every fact a policy may read, from the vocabulary itself. `scripts/facts` writes it."""

from collections.abc import Iterator
from typing import Final

from evenhand.accounts.scores import EMPTY_RETURNS
from evenhand.measures import MEASURES, RATES
from evenhand.vocabulary import FACTS, RING_DAYS, Fact, word

_HEAD: Final = """\
# Facts

Every fact that a policy document may read, by its name. A fact that is not known is null. This page is written by `scripts/facts`
from the vocabulary; do not edit it. Why accounts are counted so is told in [Accounts](../explanation/accounts.md).

策略文档可读取的全部事实。未知的事实为 null。本页由 `scripts/facts` 根据词汇表生成，请勿手工修改。

"""
_HISTORY: Final = """\
## History

What an account did, counted over whole days: a window of *N* days (`_Nd`) holds the *N* completed days before the application's
day, plus that day so far, in the market's time zone, without the application itself. Counts are numbers of events; amounts are
minor units of the market's currency; rates have four decimals, from 0.0000 to 1.0000, and are null where there is nothing to
compare.

*So far* is what had arrived when the application was ruled. Where applications are ruled as they are filed, that is what
happened before them. One that is ruled later (an import, a backlog) finds what had arrived of its whole day, later hours
included: filed at 09:00 and sent in after twenty reviews written at 20:00 of that day, it reads these reviews. It reads nothing
of later days.

Windows in **bold** stand in every ruling. The others are computed for a policy that reads them, and only then stored with what it
rules.

历史按整日统计：*N*日窗口（`_Nd`）为申请日之前的*N*个完整自然日，加上申请当日至裁决时为止已收到的部分（不含本申请），以市场所在时区计。金额以最小货币单位计；比率保留四位小数，无可比较时为
null。粗体窗口随每次裁决记录，其余仅在规则读取时计算。

申请通常随到随裁，“当日已收到的部分”即申请之前发生的事件。延后裁决的申请（如导入或积压）则会计入当日全部已收到的事件，包括时间更晚的：例如某申请于9:00提交，而当日20:00的二十条评价先行送达，则该申请会计入这些评价。申请日之后的日期一概不计。

"""
_SIGNS: Final = f"""\
How the signs of abnormal behaviour are found; what follows from them is the policy's to say.

- `abuse.frequent_refund_only`, `abuse.frequent_counterfeit_claims`: the market's scorecard of abuse says so
  ([the package's](../../src/evenhand/accounts/scorecards/abuse.md)): a number of cases *and* a share of the buyer's own custom.
- `abuse.empty_parcel`: in {EMPTY_RETURNS} or more cases of the last 365 days a person ruled on the ground `return.empty`: what
  the buyer sent back was empty, incomplete, or not what was sold. Found once it is false: a parcel may be robbed on its way. What
  is turned over on appeal counts no more. A policy that wants another number reads `history.buyer_empty_returns_365d`.
- `abuse.reused_evidence`: a photograph of the application was shown before, in a case about another order
  ([Evidence](../explanation/evidence.md)).

异常行为的认定方式如下，其后果由规则决定：

- 高频仅退款、频繁投诉假货：由市场的滥用评分卡判定，须同时达到一定次数和占本人消费的一定比例。
- 退回空包裹：365天内有{EMPTY_RETURNS}起及以上案件经人工认定退回的是空包裹、少件或并非所售商品（理由代码 `return.empty`）。
  仅一起不作此认定；经申诉推翻的不再计入。
- 重复使用凭证：申请所附照片曾在其他订单的案件中出示。
"""
_WHOSE: Final = {
    "buyer": "The buyer 买家",
    "merchant": "The store 店铺",
    "pair": "The buyer and the store together 该买家与该店铺之间",
}


def page() -> str:
    """The whole page."""
    return _HEAD + "\n".join((*_plain(), _HISTORY.rstrip(), "", *_history())) + "\n"


def _plain() -> Iterator[str]:
    groups = dict.fromkeys(name.partition(".")[0] for name in FACTS if not name.startswith("history."))
    for group in groups:
        yield f"## {group}"
        yield ""
        yield "| fact | type | values | | |"
        yield "|---|---|---|---|---|"
        for name, fact in FACTS.items():
            if name.startswith(f"{group}."):
                yield f"| `{name}` | {_type(fact)} | {_values(fact)} | {fact.en} | {fact.zh} |"
        yield ""
        if group == "abuse":
            yield _SIGNS


def _history() -> Iterator[str]:
    for owner, title in _WHOSE.items():
        yield f"### {title}"
        yield ""
        yield "| fact | windows, days | unit | | |"
        yield "|---|---|---|---|---|"
        if owner != "pair":
            known = FACTS[f"history.{owner}_days_known"]
            yield f"| `{known.name}` | - | days | {known.en} | {known.zh} |"
        for measure in MEASURES:
            if measure.owner == owner:
                windows = ", ".join(f"**{days}**" if days in measure.always else str(days) for days in measure.windows)
                unit = "minor units" if measure.money else "days" if measure.days_of else "count"
                yield f"| `history.{owner}_{measure.name}_Nd` | {windows} | {unit} | {measure.en} | {measure.zh} |"
        for rate in RATES:
            if rate.owner == owner:
                windows = ", ".join(map(str, rate.windows))
                name = f"history.{owner}_{rate.name}_Nd"
                yield f"| `{name}` | {windows} | rate: {rate.part} / {rate.whole} | {rate.en} | {rate.zh} |"
        yield ""
    yield "### The buyer's ring 关联账号"
    yield ""
    yield "| fact | unit | | |"
    yield "|---|---|---|---|"
    for name, fact in FACTS.items():
        if name.startswith("history.ring_"):
            counted = "accounts" if "same_store" in name else "count"
            unit = f"{counted} over {RING_DAYS} days" if name.endswith("d") else "accounts"
            yield f"| `{name}` | {unit} | {fact.en} | {fact.zh} |"


def _type(fact: Fact) -> str:
    if fact.kind == "choice":
        return "ordered choice" if fact.ordered else "choice"
    if fact.kind == "number":
        return f"number, {fact.scale} decimals"
    return (
        f"{fact.kind}, {'minor units' if fact.unit == 'money' else fact.unit}"
        if fact.unit in ("money", "days")
        else fact.kind
    )


def _values(fact: Fact) -> str:
    if fact.values:
        between = " < " if fact.ordered else ", "
        return between.join(f"`{value}` {word(value, 'zh')}" for value in fact.values)
    if fact.kind in ("integer", "number") and fact.low is not None:
        return f"{fact.low} to {fact.high:,}"
    return ""


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
