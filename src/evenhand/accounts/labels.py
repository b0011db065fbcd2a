"""Labels on accounts (warning, watched, malicious), each with a cause, cases, a start, an end and a way to appeal; no silent ban.

A label has effect on rulings from its start until it expires or a person ends it, to the moment. A warning never has. What is
told of a label to the person it is on is a statement of reasons, frozen when the label is set; what it says the label does is
what the market's rules make of it (`label_effects`).
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from evenhand.accounts.label_effects import Stretch, effect_of
from evenhand.accounts.label_effects import told as effect
from evenhand.accounts.labelling.lasting import LONGEST_DAYS
from evenhand.accounts.state import AccountKind, Connection, find_or_open
from evenhand.errors import BadInput, Conflict, UnknownThing
from evenhand.events.outbox import Event, emit
from evenhand.naming import person, same_person
from evenhand.policy import Because
from evenhand.store import Queries

Label = Literal["warning", "watched", "malicious"]
Confirm = Literal["warning", "watched", "malicious", "never"]
Standing = Literal["not yet", "in effect", "expired", "ended"]
LABELS: Final[tuple[Label, ...]] = ("warning", "watched", "malicious")
LONGEST: Final = timedelta(days=LONGEST_DAYS)
_MOST_CASES: Final = 200
_sql: Final = Queries.load("labels")
_desk: Final = Queries.load("desk")


class LabelShown(msgspec.Struct, frozen=True):
    """A label as the marketplace sees it."""

    no: int
    market: str
    kind: str
    account: str
    label: str
    cause: str
    set_by: str
    # the row of the labelling document; null: a person
    rule: str | None
    # numbers of the cases it rests on
    cases: list[str]
    # what the person was told
    reason: Because
    starts_at: datetime
    expires_at: datetime
    # a person took it away before it expired
    ended_at: datetime | None
    ended_by: str | None
    ended_why: str | None
    # number of an appeal that waits for a person, and what it says
    appeal: int | None
    appeal_says: str | None
    # a case it may have rested on was turned over
    doubted: bool


class Proposal(msgspec.Struct, frozen=True):
    """A label that waits for a person's confirmation."""

    no: int
    market: str
    kind: str
    account: str
    label: str
    days: int
    rule: str
    cases: list[str]
    reason: Because
    proposed_at: datetime


def standing(label: LabelShown, now: datetime) -> Standing:
    """Where a label stands at a moment."""
    if label.ended_at is not None:
        return "ended"
    if label.expires_at <= now:
        return "expired"
    return "in effect" if label.starts_at <= now else "not yet"


async def set_label(
    connection: Connection,
    market: str,
    kind: AccountKind,
    account: str,
    label: Label,
    *,
    cause: str,
    set_by: str,
    starts_at: datetime,
    expires_at: datetime,
    cases: Sequence[int] = (),
    rule: str | None = None,
    reason: Because | None = None,
) -> int:
    """Label an account, opening it when it is not known yet, inside the caller's transaction; returns the label's number.

    Rulings see the label from `starts_at` until `expires_at`. `reason` says in both languages what it is for, and is the `cause`
    unless told. Raises `UnknownThing` for the market, `BadInput` naming the field, `Conflict` where a person says
    the same of the same cases again.
    """
    if rule is None:
        set_by = person(set_by)
    if not cause.strip():
        raise BadInput("a label needs a cause", field="cause")
    if expires_at <= starts_at:
        raise BadInput("a label must end after it starts", field="expires_at")
    if expires_at - starts_at > LONGEST:
        raise BadInput(f"a label lasts at most {LONGEST.days} days", field="expires_at")
    if len(cases) > _MOST_CASES:
        raise BadInput(f"name at most {_MOST_CASES} cases", field="cases")
    markets = {row["id"]: row for row in await connection.fetch(_desk.markets)}
    if market not in markets:
        raise UnknownThing(f"there is no market {market!r}", field="market")
    key = (markets[market]["no"], kind, account)
    found = await find_or_open(connection, [key])
    strangers = await connection.fetch(_sql.strangers, found[key], list(cases))
    if strangers:
        raise BadInput(f"case {strangers[0]['no']} is not a case of this account", field="cases")
    zone = ZoneInfo(markets[market]["time_zone"])
    if rule is None and cases:
        await connection.execute(_sql.hold_account, found[key])
        same = await connection.fetchrow(_sql.same, found[key], label, cause, starts_at, list(cases))
        if same is not None:
            until = f"{same['expires_at'].astimezone(zone):%Y-%m-%d %H:%M %Z}"
            raise Conflict(f"label {same['no']} says the same of this account until {until}", field="label")
    first, last = (moment.astimezone(zone).date() for moment in (starts_at, expires_at))
    rules = [
        Stretch(
            row["effective"] if row["effective"] and row["effective"] > first else None,
            f"{row['policy']} {row['version']}",
            await asyncio.to_thread(effect_of, row["source"], label),
        )
        for row in await connection.fetch(_sql.rules, key[0], first, last)
    ]
    told = statement(reason or Because(cause, cause), effect(kind, label, rules), expires_at, zone)
    number = await connection.fetchval(
        _sql.add, found[key], label, cause, set_by, starts_at, expires_at, rule, list(cases), told.en, told.zh
    )
    said = {"account": {"kind": kind, "id": account}, "label": label, "cause": cause, "set_by": set_by}
    said |= {"starts_at": starts_at, "expires_at": expires_at, "reason": {"en": told.en, "zh": told.zh}}
    await emit(connection, [Event("label.set", markets[market]["no"], None, starts_at, said)])
    assert isinstance(number, int)
    return number


def statement(reason: Because, effect: Because, expires_at: datetime, zone: ZoneInfo) -> Because:
    """The statement of reasons for a label: what it is for and does, until when in its market's time, and how to contest it."""
    until = f"{expires_at.astimezone(zone):%Y-%m-%d %H:%M}"
    return Because(
        f"{_sentence(reason.en, '.')} {effect.en} It ends by itself on {until} ({zone.key}). "
        "You may appeal at any time, and a person decides on your appeal.",
        f"{_sentence(reason.zh, '。')}{effect.zh}该记录将于{until}（{zone.key}）自动失效。您可随时申诉，申诉由人工处理。",
    )


def _sentence(text: str, stop: str) -> str:
    """A reason as a sentence of its own, as people do not always write it."""
    return text if text.endswith(tuple(".!?。！？")) else text + stop


async def end_label(connection: Connection, number: int, *, by: str, why: str, now: datetime) -> None:
    """Take a label away, inside the caller's transaction: rulings from now on do not see it.

    Raises `UnknownThing` when there is none such, `Conflict` when it has ended.
    """
    by = person(by)
    row = await _held(connection, number)
    if row["ended_at"] is not None or row["expires_at"] <= now:
        raise Conflict(f"label {number} has ended", field="label")
    await connection.execute(_sql.end, number, now, by, why)
    await connection.execute(_sql.settle_doubts, number, now, by)
    said = {"account": {"kind": row["kind"], "id": row["id"]}, "label": row["label"], "ended_by": by, "why": why}
    await emit(connection, [Event("label.ended", row["market"], None, now, said)])


async def appeal(connection: Connection, number: int, *, says: str, now: datetime) -> int:
    """Contest a label, inside the caller's transaction; returns the appeal's number.

    Raises `UnknownThing` for the label, `Conflict` when it has ended or an appeal is open, `BadInput` when nothing is said.
    """
    if not says.strip() or len(says) > 4000:
        raise BadInput("say why, in 1 to 4,000 characters", field="says")
    row = await _held(connection, number)
    if row["ended_at"] is not None or row["expires_at"] <= now:
        raise Conflict(f"label {number} has ended", field="label")
    try:
        async with connection.transaction():
            filed = await connection.fetchval(_sql.appeal, number, says, now)
    except asyncpg.UniqueViolationError:
        raise Conflict(f"an appeal against label {number} waits for a person already", field="label") from None
    assert isinstance(filed, int)
    return filed


async def decide_appeal(
    connection: Connection, number: int, verdict: Literal["lifted", "upheld"], *, by: str, note: str, now: datetime
) -> None:
    """A person decides on an appeal, inside the caller's transaction; lifted ends the label at once.

    Who set the label does not decide. Raises `UnknownThing`, or `Conflict` when it is decided or the person may not.
    """
    by = person(by)
    found = await connection.fetchrow(_sql.hold_appeal, number)
    if found is None:
        raise UnknownThing(f"there is no appeal {number}", field="appeal")
    if found["verdict"]:
        raise Conflict(f"appeal {number} is decided: {found['verdict']}", field="appeal")
    row = await _held(connection, found["label"])
    if same_person(row["set_by"], by):
        raise Conflict(f"{by} set this label: another person decides on the appeal", field="by")
    if not note.strip():
        raise BadInput("an appeal's decision needs a reason", field="note")
    await connection.execute(_sql.decide_appeal, number, verdict, by, now, note)
    await connection.execute(_sql.settle_doubts, row["no"], now, by)
    if verdict == "lifted" and row["ended_at"] is None and row["expires_at"] > now:
        await end_label(connection, row["no"], by=by, why=note, now=now)


async def decide_proposal(
    connection: Connection,
    number: int,
    verdict: Literal["confirmed", "dismissed"],
    *,
    by: str,
    note: str | None,
    now: datetime,
) -> int | None:
    """A person confirms or dismisses a proposal, inside the caller's transaction; returns the label it became.

    The label counts from now. Raises `UnknownThing`, `Conflict` when it is decided.
    """
    by = person(by)
    row = await connection.fetchrow(_sql.hold_proposal, number)
    if row is None:
        raise UnknownThing(f"there is no proposal {number}", field="proposal")
    if row["verdict"]:
        raise Conflict(f"proposal {number} is {row['verdict']}", field="proposal")
    became = None
    if verdict == "confirmed":
        reason = Because(row["reason_en"], row["reason_zh"])
        became = await set_label(
            connection, row["market_id"], row["kind"], row["id"], row["label"],
            cause=row["reason_en"], set_by=by, starts_at=now, expires_at=now + timedelta(days=row["days"]),
            cases=row["cases"], rule=row["rule"], reason=reason,
        )  # fmt: skip
    await connection.execute(_sql.decide_proposal, number, verdict, by, now, note, became)
    return became


async def labels_in(
    connection: Connection,
    markets: Sequence[int],
    *,
    account: str | None = None,
    at: datetime | None = None,
    limit: int = 100,
) -> list[LabelShown]:
    """Labels of markets (by number), the newest first: of one account, or in effect `at` a moment, where asked."""
    return [
        LabelShown(
            row["no"], row["market"], row["kind"], row["account"], row["label"], row["cause"], row["set_by"], row["rule"],
            [str(case) for case in row["cases"]], Because(row["reason_en"], row["reason_zh"]), row["starts_at"],
            row["expires_at"], row["ended_at"], row["ended_by"], row["ended_why"], row["appeal"], row["appeal_says"],
            row["doubted"],
        )
        for row in await connection.fetch(_sql.labels, list(markets), account, at, limit)
    ]  # fmt: skip


async def proposals_in(connection: Connection, markets: Sequence[int], limit: int = 100) -> list[Proposal]:
    """Proposals that wait for a person, the oldest first."""
    return [
        Proposal(
            row["no"], row["market"], row["kind"], row["account"], row["label"], row["days"], row["rule"],
            [str(case) for case in row["cases"]], Because(row["reason_en"], row["reason_zh"]), row["proposed_at"],
        )
        for row in await connection.fetch(_sql.proposals, list(markets), limit)
    ]  # fmt: skip


async def reason_of(connection: Connection, number: int) -> Because:
    """What the person was told of a label; raises `UnknownThing`."""
    row = await connection.fetchrow(_sql.reason_of, number)
    if row is None:
        raise UnknownThing(f"there is no label {number}", field="label")
    return Because(row["reason_en"], row["reason_zh"])


async def _held(connection: Connection, number: int) -> Any:
    row = await connection.fetchrow(_sql.hold, number)
    if row is None:
        raise UnknownThing(f"there is no label {number}", field="label")
    return row
