"""The statement of reasons: what each party is told about a decision.

It holds what the EU's Digital Services Act (Art. 17) and China's PIPL (Art. 24) ask for: the decision and its scope, the facts
it relies on with their values, the clause it rests on, whether automated means found or decided it, how it can be contested and
until when, and the way to a person. A person's decision is told when it is made and kept word for word. The policy's own ruling
is told when that is first asked for, from what was stored with it, in the words and under the settings of the moment it was
issued.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from evenhand.cases.audience import BUYERS_OWN
from evenhand.cases.model import Case, Decision, Ground, Party
from evenhand.cases.settings import months_after
from evenhand.cases.wording import Wording
from evenhand.money import written
from evenhand.policy import Policy, Ruling
from evenhand.vocabulary import FACTS, Lang

Facts = Mapping[str, Mapping[str, Any]]
_VOUCHED: Final = "application.capture_credential"
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


class Appealed(msgspec.Struct, frozen=True):
    """An appeal that led to a decision."""

    party: Party
    at: datetime
    # pieces of evidence it brought
    evidence: int


class Told(msgspec.Struct, frozen=True):
    """Everything a statement is built from."""

    ground: Ground
    case: Case
    policy: Policy
    ruling: Ruling
    # as the merchant hears of it; None where it rests on what concerns the buyer alone
    heard: Ruling | None
    facts: Facts
    # names of facts the ruling rests on that no table read; they concern the buyer alone
    beside: tuple[str, ...]
    market: str
    order: str
    wording: Wording
    appeals: Sequence[Appealed]


def build(told: Told, decision: Decision, number: int, party: Party, lang: Lang) -> StatementOfReasons:
    """The statement for a party; `number` is 0 for the policy's own ruling."""
    ground, said = told.ground, told.wording
    automatic = decision.source in ("policy", "silence")
    closed_at = told.case.ended_at
    until = months_after(closed_at, ground.settings.appeal_months) if closed_at else None
    ruling = told.ruling if party == "buyer" else told.heard
    table, _, row = (ruling or told.ruling).rule.rpartition("/")
    row = row if ruling else ""
    anchor = "-".join(table.lower().split())
    title = (lang == "zh" and told.policy.document.title_zh) or _called(told, told.policy.title, lang)
    clause = Clause(
        told.policy.name, told.policy.version, title, _called(told, table, lang), int(row) if row.isdigit() else None,
        f"/policies/{told.policy.name}?version={told.policy.version}#{anchor}", told.policy.hash,
    )  # fmt: skip
    scope = said("scope", lang).format(order=told.order, market=told.market)
    redress = Redress(
        until, _how(told, until, lang), said("person", lang), list(ground.settings.out_of_court), said("courts", lang)
    )
    return StatementOfReasons(
        case=str(ground.no),
        decision=number,
        party=party,
        lang=lang,
        issued_at=decision.at,
        title=said("title", lang).format(case=ground.no),
        outcome=decision.outcome,
        source=decision.source,
        amount=decision.amount,
        currency=ground.currency,
        payer=decision.payer,
        decided=_decided(told, decision, lang),
        scope=scope,
        because=_because(said, ruling, decision, lang),
        note=decision.note,
        facts=_relied(told, decision, party, lang),
        clause=clause,
        detected_automatically=True,
        decided_automatically=automatic,
        automation=said(f"automation.{decision.source}", lang),
        redress=redress,
    )


def text_of(statement: StatementOfReasons, zone: ZoneInfo, said: Wording) -> str:
    """The statement as plain text, in the wording it was built in."""
    zh = statement.lang == "zh"
    heads = [said(f"head.{place}", statement.lang) for place in range(6)]
    clause, redress = statement.clause, statement.redress
    row = (f"，第{clause.row}行" if zh else f", row {clause.row}") if clause.row else ""
    colon, stop = ("：", "。") if zh else (": ", ". ")
    facts = [
        f"- {one.label}{colon}{said('withheld', statement.lang) if one.withheld else one.value}"
        for one in statement.facts
    ]
    parts: list[tuple[str, Sequence[str]]] = [
        (heads[0], [statement.decided, statement.scope]),
        (heads[1], [*statement.because, *([f"“{statement.note}”"] if statement.note else [])]),
        (heads[2], facts),
        (heads[3], [f"{clause.title} ({clause.policy} {clause.version}){colon}{clause.table}{row}{stop}{clause.link}"]),
        (heads[4], [statement.automation]),
        (heads[5], [redress.how, redress.person, *redress.out_of_court, redress.courts]),
    ]
    body = "\n\n".join("\n".join([head, *lines]) for head, lines in parts if lines)
    issued = f"{statement.issued_at.astimezone(zone):%Y-%m-%d %H:%M} ({zone.key})"
    return f"{statement.title}\n{'作出时间' if zh else 'Decided'}{colon}{issued}\n\n{body}\n"


def _called(told: Told, name: str, lang: Lang) -> str:
    """What the policy's title or a table is called: by the document itself, else in the wording of the moment."""
    own = told.policy.document.names.get(name) if lang == "zh" else None
    return own or told.wording.name("policy", name, lang)


def _decided(told: Told, decision: Decision, lang: Lang) -> str:
    ground, said = told.ground, told.wording
    kind, amount = said.name("case", decision.outcome, lang), written(decision.amount, ground.currency)
    key = f"decided.{decision.outcome}"
    pattern = said(key if key in said.said else "agreed", lang)
    return pattern.format(kind=kind, amount=amount, asked=written(ground.asked, ground.currency))


def _because(said: Wording, ruling: Ruling | None, decision: Decision, lang: Lang) -> list[str]:
    if decision.source == "policy":
        if ruling is None:
            return [said("held_back", lang)]
        return [ruling.because.zh if lang == "zh" else ruling.because.en]
    return [said(f"ground.{code}", lang) for code in decision.grounds if f"ground.{code}" in said.said]


def _relied(told: Told, decision: Decision, party: Party, lang: Lang) -> list[Relied]:
    ground = told.ground
    if decision.source in ("policy", "silence"):
        # what tables read of one another is no fact
        outputs = {name for step in told.ruling.trace for name in step.outputs}
        names = dict.fromkeys(name for step in told.ruling.trace for name in step.facts if name not in outputs)
        names |= dict.fromkeys(told.beside if party == "buyer" else ())
        if party == "buyer" and "abuse.score" in names and _vouched(told):
            names |= dict.fromkeys([_VOUCHED])  # which is part of the score
        return [_fact(told, name, party, lang) for name in names]
    filed = ["application.remedy", "application.stage", "application.reason", "application.amount"]
    filed += [_VOUCHED] if _vouched(told) else []
    relied = [_fact(told, name, party, lang) for name in filed]
    said = told.wording
    paid = written(ground.line_paid, ground.currency)
    relied.append(Relied("case.line", said("paid_for_line", lang), paid))
    relied.append(Relied("case.thread", said("in_thread", lang), str(told.case.thread)))
    for appeal in told.appeals:
        at, who = f"{appeal.at.astimezone(ground.zone):%Y-%m-%d %H:%M}", said.name("case", appeal.party, lang)
        made = said("appealed", lang).format(party=who, at=at, zone=ground.zone.key, count=appeal.evidence)
        relied.append(Relied("case.appeal", said("appeal", lang), made))
    if told.case.inspection:
        found = said.name("case", told.case.inspection, lang)
        relied.append(Relied("case.inspection", said("inspection", lang), found))
    return relied


def _vouched(told: Told) -> bool:
    """Whether a photograph counted for the buyer because its camera vouches for it."""
    return told.facts.get("application", {}).get("capture_credential") is True


def _fact(told: Told, name: str, party: Party, lang: Lang) -> Relied:
    fact = FACTS.get(name)
    label = told.wording.name("fact", name, lang)
    if name.startswith(_OTHERS[party]):
        return Relied(name, label, "", withheld=True)
    group, _, inner = name.partition(".")
    value = told.facts.get(group, {}).get(inner)
    if isinstance(value, int) and not isinstance(value, bool) and fact is not None and fact.unit == "money":
        return Relied(name, label, written(value, told.ground.currency))
    if value is not None and fact is not None and fact.kind == "number":
        return Relied(name, label, f"{value:.{fact.scale}f}")
    return Relied(name, label, told.wording.value(value, lang))


def _how(told: Told, until: datetime | None, lang: Lang) -> str:
    settings, zone, said = told.ground.settings, told.ground.zone, told.wording
    if until is None:
        return said("appeal_later", lang).format(months=settings.appeal_months)
    return said("appeal_until", lang).format(until=f"{until.astimezone(zone):%Y-%m-%d %H:%M}", zone=zone.key)
