"""The statement of reasons: what each party is told about a decision.

It holds what the EU's Digital Services Act (Art. 17) and China's PIPL (Art. 24) ask for: the decision and its scope, the facts
it relies on with their values, the clause it rests on, whether automated means found or decided it, how it can be contested and
until when, and the way to a person. It is built once, from what was stored with the decision, and kept word for word after.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from evenhand.cases.audience import BUYERS_OWN
from evenhand.cases.grounds import GROUNDS
from evenhand.cases.model import Case, Decision, Ground, Party
from evenhand.cases.sentences import (
    AGREED,
    APPEAL_LATER,
    APPEAL_UNTIL,
    AUTOMATION,
    COURTS,
    DECIDED,
    HEADS,
    HELD_BACK,
    PERSON,
    SCOPE,
    TITLE,
    WITHHELD,
)
from evenhand.cases.settings import months_after
from evenhand.cases.words import case_word
from evenhand.money import written
from evenhand.policy import Policy, Ruling
from evenhand.vocabulary import FACTS, Lang, word

Facts = Mapping[str, Mapping[str, Any]]
_OTHERS: Final[dict[Party, tuple[str, ...]]] = {
    "buyer": ("history.merchant_",),
    "merchant": BUYERS_OWN,
}


class Clause(msgspec.Struct, frozen=True):
    """The provision a decision rests on."""

    policy: str
    version: str
    title: str
    # the decision table and its row
    table: str
    row: int | None
    # where it can be read, and the digest of the text that ruled
    link: str
    hash: str


class Relied(msgspec.Struct, frozen=True):
    """A fact a decision relies on."""

    name: str
    label: str
    # in words; empty where it concerns the other side only
    value: str
    withheld: bool = False


class Redress(msgspec.Struct, frozen=True):
    """How a decision is contested."""

    # last moment of the complaint; null while the case is open, since the time runs from its end
    until: datetime | None
    how: str
    person: str
    out_of_court: list[str]
    courts: str


class StatementOfReasons(msgspec.Struct, frozen=True):
    """What one party is told about one decision, in one language."""

    case: str
    # 0 is the policy's own ruling, else the number of the event that decided
    decision: int
    party: Party
    lang: Lang
    issued_at: datetime
    title: str
    outcome: str
    source: Literal["policy", "agreement", "person", "panel", "silence"]
    # minor units
    amount: int
    currency: str
    payer: str
    decided: str
    scope: str
    because: list[str]
    # in the words of the person who ruled, as written
    note: str
    facts: list[Relied]
    clause: Clause
    # whether automated means found the facts, and whether they decided
    detected_automatically: bool
    decided_automatically: bool
    automation: str
    redress: Redress


class Told(msgspec.Struct, frozen=True):
    """Everything a statement is built from."""

    ground: Ground
    case: Case
    policy: Policy
    ruling: Ruling
    # as the merchant hears of it; None where it rests on what concerns the buyer alone
    heard: Ruling | None
    facts: Facts
    market: str
    order: str


def build(told: Told, decision: Decision, number: int, party: Party, lang: Lang) -> StatementOfReasons:
    """The statement for a party; `number` is 0 for the policy's own ruling."""
    ground = told.ground
    automatic = decision.source in ("policy", "silence")
    closed_at = told.case.ended_at
    until = months_after(closed_at, ground.settings.appeal_months) if closed_at else None
    ruling = told.ruling if party == "buyer" else told.heard
    table, _, row = (ruling or told.ruling).rule.rpartition("/")
    row = row if ruling else ""
    anchor = "-".join(table.lower().split())
    clause = Clause(
        told.policy.name, told.policy.version, told.policy.title, table, int(row) if row.isdigit() else None,
        f"/policies/{told.policy.name}?version={told.policy.version}#{anchor}", told.policy.hash,
    )  # fmt: skip
    scope = SCOPE.said(lang).format(order=told.order, market=told.market)
    redress = Redress(
        until, _how(told, until, lang), PERSON.said(lang), list(ground.settings.out_of_court), COURTS.said(lang)
    )
    return StatementOfReasons(
        case=str(ground.no),
        decision=number,
        party=party,
        lang=lang,
        issued_at=decision.at,
        title=TITLE.said(lang).format(case=ground.no),
        outcome=decision.outcome,
        source=decision.source,
        amount=decision.amount,
        currency=ground.currency,
        payer=decision.payer,
        decided=_decided(ground, decision, lang),
        scope=scope,
        because=_because(ruling, decision, lang),
        note=decision.note,
        facts=_relied(told, decision, party, lang),
        clause=clause,
        detected_automatically=True,
        decided_automatically=automatic,
        automation=AUTOMATION[decision.source].said(lang),
        redress=redress,
    )


def text_of(statement: StatementOfReasons, zone: ZoneInfo) -> str:
    """The statement as plain text."""
    zh = statement.lang == "zh"
    heads = [head.said(statement.lang) for head in HEADS]
    clause, redress = statement.clause, statement.redress
    row = (f"，第{clause.row}行" if zh else f", row {clause.row}") if clause.row else ""
    colon = "：" if zh else ": "
    facts = [
        f"- {one.label}{colon}{WITHHELD.said(statement.lang) if one.withheld else one.value}" for one in statement.facts
    ]
    parts: list[tuple[str, Sequence[str]]] = [
        (heads[0], [statement.decided, statement.scope]),
        (heads[1], [*statement.because, *([f"“{statement.note}”"] if statement.note else [])]),
        (heads[2], facts),
        (heads[3], [f"{clause.title} ({clause.policy} {clause.version}): {clause.table}{row}. {clause.link}"]),
        (heads[4], [statement.automation]),
        (heads[5], [redress.how, redress.person, *redress.out_of_court, redress.courts]),
    ]
    body = "\n\n".join("\n".join([head, *lines]) for head, lines in parts if lines)
    issued = f"{statement.issued_at.astimezone(zone):%Y-%m-%d %H:%M} ({zone.key})"
    return f"{statement.title}\n{'作出时间' if zh else 'Decided'}{colon}{issued}\n\n{body}\n"


def _decided(ground: Ground, decision: Decision, lang: Lang) -> str:
    kind, amount = case_word(decision.outcome, lang), written(decision.amount, ground.currency)
    pattern = DECIDED.get(decision.outcome, AGREED)
    return pattern.said(lang).format(kind=kind, amount=amount, asked=written(ground.asked, ground.currency))


def _because(ruling: Ruling | None, decision: Decision, lang: Lang) -> list[str]:
    if decision.source == "policy":
        if ruling is None:
            return [HELD_BACK.said(lang)]
        return [ruling.because.zh if lang == "zh" else ruling.because.en]
    return [GROUNDS[code].said(lang) for code in decision.grounds if code in GROUNDS]


def _relied(told: Told, decision: Decision, party: Party, lang: Lang) -> list[Relied]:
    ground = told.ground
    if decision.source in ("policy", "silence"):
        # what tables read of one another is no fact
        outputs = {name for step in told.ruling.trace for name in step.outputs}
        names = dict.fromkeys(name for step in told.ruling.trace for name in step.facts if name not in outputs)
        return [_fact(told, name, party, lang) for name in names]
    filed = ("application.remedy", "application.stage", "application.reason", "application.amount")
    relied = [_fact(told, name, party, lang) for name in filed]
    paid = "case.line", ("订单行实付金额" if lang == "zh" else "paid for the order line")
    relied.append(Relied(*paid, written(ground.line_paid, ground.currency)))
    thread = (
        "case.thread",
        ("往来消息与凭证（条）" if lang == "zh" else "messages and pieces of evidence in the thread"),
    )
    relied.append(Relied(*thread, str(told.case.thread)))
    if told.case.inspection:
        name = "case.inspection", ("第三方检测" if lang == "zh" else "third-party inspection")
        relied.append(Relied(*name, case_word(told.case.inspection, lang)))
    return relied


def _fact(told: Told, name: str, party: Party, lang: Lang) -> Relied:
    fact = FACTS.get(name)
    label = name if fact is None else fact.zh if lang == "zh" else fact.en
    if name.startswith(_OTHERS[party]):
        return Relied(name, label, "", withheld=True)
    group, _, inner = name.partition(".")
    value = told.facts.get(group, {}).get(inner)
    if isinstance(value, int) and not isinstance(value, bool) and fact is not None and fact.unit == "money":
        return Relied(name, label, written(value, told.ground.currency))
    if value is not None and fact is not None and fact.kind == "number":
        return Relied(name, label, f"{value:.{fact.scale}f}")
    return Relied(name, label, word(value, lang))


def _how(told: Told, until: datetime | None, lang: Lang) -> str:
    settings, zone = told.ground.settings, told.ground.zone
    if until is None:
        return APPEAL_LATER.said(lang).format(months=settings.appeal_months)
    return APPEAL_UNTIL.said(lang).format(until=f"{until.astimezone(zone):%Y-%m-%d %H:%M}", zone=zone.key)
