"""`evenhand account show | erase`."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any, cast, get_args

import msgspec
from rich.table import Table

from evenhand.accounts.labels import LabelShown, standing
from evenhand.accounts.points import NONE_OF_THESE
from evenhand.accounts.saying import condition, fact_value, figure
from evenhand.accounts.state import AccountKind
from evenhand.cli.options import answer, day, user
from evenhand.desk import utc_now
from evenhand.erasure import Erased, erase_person
from evenhand.errors import BadInput
from evenhand.evidence.vault import open_vault
from evenhand.labelling import numbers
from evenhand.profiles import AccountShown, ScoreShown, profile_at
from evenhand.publishing import load_markets
from evenhand.store import open_database
from evenhand.vocabulary import FACTS, Lang, word

_encode = msgspec.json.Encoder(decimal_format="number").encode


def show(
    account: str,
    market: str,
    kind: str,
    lang: str,
    at: str | None,
    *,
    data: Path | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Print an account as of a day, or as it stands."""
    until = day(at, "--at")
    if kind not in get_args(AccountKind):
        raise BadInput("is buyer or merchant", field="--kind")
    if lang not in ("en", "zh"):
        raise BadInput("is en or zh", field="--lang")

    async def read() -> AccountShown:
        async with open_database(database, data) as store, store.pool.acquire() as connection:
            markets = await load_markets(connection)
            numbers(markets, market)
            return await profile_at(connection, markets[market], account, cast("AccountKind", kind), until, utc_now())

    found = asyncio.run(read())
    if as_json:
        print(_encode(found).decode())  # noqa: T201
        return
    _print(found, lang)


def run_erase(
    account: str,
    market: str,
    kind: str,
    *,
    yes: bool,
    despite: str,
    by: str | None,
    data: Path | None,
    database: str | None,
    as_json: bool,
) -> None:
    """Erase a person's data after a privacy request."""
    if kind not in get_args(AccountKind):
        raise BadInput("is buyer or merchant", field="--kind")
    if not yes:
        raise BadInput("this cannot be taken back: say --yes", field="--yes")

    async def write() -> Erased:
        async with open_database(database, data) as store:
            vault = open_vault(None, store.files / "evidence")
            whose = cast("AccountKind", kind)
            return await erase_person(
                store.pool, vault, market, whose, account, by=by or user(), now=utc_now(), despite=despite
            )

    done = asyncio.run(write())
    if as_json:
        print(_encode(done).decode())  # noqa: T201
        return
    if done.repeated:
        answer.print(f"{account} was erased before.", markup=False)
        return
    answer.print(
        f"{account} is erased and is called {done.pseudonym} from now on. The ledger is as it was.",
        markup=False,
        soft_wrap=True,
    )
    for what, count in done.erased.items():
        answer.print(f"  erased  {count:>7,}  {what.replace('_', ' ')}", markup=False)
    for kept in done.kept:
        answer.print(f"  kept    {kept.count:>7,}  {kept.ground.en}", markup=False, soft_wrap=True)
    if done.told:
        answer.print(
            f"These webhooks were sent events about the person; tell whoever reads there to erase them: {', '.join(done.told)}",
            markup=False,
            soft_wrap=True,
        )
    if done.files_waiting:
        answer.print(
            f"The vault is away: {done.files_waiting:,} files wait. A server, or `evenhand evidence expire`, removes them.",
            markup=False,
            soft_wrap=True,
        )


def _print(found: AccountShown, lang: Lang) -> None:
    def t(en: str, zh: str) -> str:
        return zh if lang == "zh" else en

    kind = t(found.kind, {"buyer": "买家", "merchant": "商家"}[found.kind])
    answer.print(f"{kind} {found.id}, {found.market}, {found.as_of:%Y-%m-%d %H:%M %Z}", markup=False, style="bold")
    if found.at_last_event:
        answer.print(
            t(
                "As of the market's last event, for it is synthetic; --at DATE shows another day.",
                "合成数据市场：截至其最后一次事件；可用 --at DATE 查看其他日期。",
            ),
            markup=False,
            style="dim",
        )
    for score in found.scores:
        _print_score(score, found.currency, lang, t)
    for label in found.labels:
        _print_label(label, found.as_of, lang, t)
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    table.add_column(t("fact", "事实"))
    table.add_column(t("value", "数值"), justify="right")
    for fact in found.facts:
        table.add_row(
            fact.label.zh if lang == "zh" else fact.label.en, fact_value(fact.name, fact.value, found.currency, lang)
        )
    answer.print(table)


def _print_label(label: LabelShown, now: datetime, lang: Lang, t: Any) -> None:
    state = standing(label, now)
    said = {
        "not yet": t(
            f"in effect from {label.starts_at:%Y-%m-%d %H:%M %Z} on", f"{label.starts_at:%Y-%m-%d %H:%M %Z}起生效"
        ),
        "in effect": t("in effect", "生效中"),
        "expired": t(f"expired {label.expires_at:%Y-%m-%d %H:%M %Z}", f"已于{label.expires_at:%Y-%m-%d %H:%M %Z}失效"),
        "ended": t(f"ended by {label.ended_by}", f"已由{label.ended_by}解除"),
    }[state]
    name = t("warning", "警示") if label.label == "warning" else word(label.label, lang)
    over = state in ("expired", "ended")
    answer.print(f"{t('Label', '标签')} {label.no}: {name} ({said})", markup=False, style="dim" if over else None)
    answer.print(
        f"  {label.reason.zh if lang == 'zh' else label.reason.en}",
        markup=False,
        soft_wrap=True,
        style="dim" if over else None,
    )


def _print_score(score: ScoreShown, currency: str, lang: Lang, t: Any) -> None:
    def score_of(value: Any) -> str:
        return fact_value(score.name, value, currency, lang)

    follows = t(", ", "，").join(
        f"{_called(name, lang)}{t(': ', '：')}{fact_value(name, value, currency, lang)}"
        for name, value in score.follows.items()
    )
    answer.print(
        f"{_called(score.name, lang)}{t(': ', '：')}{score_of(score.value)}"
        + t(f" ({follows}; {score.scorecard} {score.version})", f"（{follows}；{score.scorecard} {score.version}）"),
        markup=False,
        style="bold",
        soft_wrap=True,
    )
    for part in score.parts:
        name = part.label.zh if lang == "zh" else part.label.en
        none = NONE_OF_THESE.zh if lang == "zh" else NONE_OF_THESE.en
        better = ", ".join(
            f"{none if band.condition == NONE_OF_THESE.en else condition(band.condition, lang)}: {band.points:+}"
            for band in part.better
        )
        value = figure(part.value, lang) if part.input else ""
        band = condition(part.condition, lang)
        said = f"  {part.points:+}  {name} {value} {f'({band})' if band not in ('', value) else ''}".rstrip()
        with_ = t("; less with ", "；可降低：") if score.less_is_better else t("; more with ", "；可提高：")
        answer.print(said + (f"{with_}{better}" if better else ""), markup=False, soft_wrap=True)
    total = sum(part.points for part in score.parts)
    if score.parts and total != score.value:
        points = t(f"  {total:+} points in all", f"  合计{total:+}分")
        answer.print(f"{points}{t(': ', '：')}{score_of(score.value)}", markup=False, style="bold")
    for formula in score.formulas:
        name, text = (formula.label.zh, formula.said.zh) if lang == "zh" else (formula.label.en, formula.said.en)
        value = score_of(formula.value) if formula.name == score.name else figure(formula.value, lang)
        answer.print(f"  {name} = {value}", markup=False, soft_wrap=True)
        if any(one.isalpha() for one in formula.formula):
            answer.print(f"      = {text}", markup=False, soft_wrap=True, style="dim")
    for one in score.raised_by:
        name, how = (one.label.zh, one.how.zh) if lang == "zh" else (one.label.en, one.how.en)
        answer.print(
            f"  {t('would be', '将变为')} {score_of(one.score)}{t(': ', '：')}{name} {one.now} → {one.then}"
            + (t(f", {how}", f"（{how}）") if how else ""),
            markup=False,
            soft_wrap=True,
        )


def _called(name: str, lang: Lang) -> str:
    fact = FACTS.get(name)
    return name if fact is None else fact.zh if lang == "zh" else fact.en
