"""What follows from what a hand decided: events, state, money, history, statements, news; in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from evenhand.accounts import state as accounts
from evenhand.accounts.abuse.unsure import UNSURE
from evenhand.accounts.arrivals import has_kept, note
from evenhand.accounts.state import Connection
from evenhand.booking import parsed, reproduce
from evenhand.cases import keeping
from evenhand.cases.audience import heard, unmarked
from evenhand.cases.machine import Hand
from evenhand.cases.model import Case, Decision, Event, Ground, Party
from evenhand.cases.statement import Appealed, Told, build, text_of
from evenhand.cases.wording import CURRENT, Wording
from evenhand.casework.answers import note_answers
from evenhand.casework.findings import note_findings
from evenhand.casework.loading import Loaded
from evenhand.events.outbox import Event as OutgoingEvent
from evenhand.events.outbox import emit
from evenhand.evidence.reuse import Asked, show_in_case
from evenhand.fund import debts
from evenhand.fund.ledger import Transfer, book
from evenhand.history import BUYER, MERCHANT
from evenhand.labelling import look_again
from evenhand.store import Queries
from evenhand.vocabulary import Lang

_sql: Final = Queries.load("cases")
_interceptions: Final = Queries.load("interceptions")
# What moves money once more with each appeal.
_ON_APPEAL: Final = ("appeal_refund", "compensation", "charge")
_json: Final = msgspec.json.Encoder()


async def write(
    connection: Connection, loaded: Loaded, hand: Hand, *, key: str | None = None, digest: bytes = b""
) -> None:
    """Write what a hand decided: events, state, money, history."""
    ground = loaded.ground
    await keeping.append(connection, ground.no, hand.events, key, digest)
    await keeping.save(connection, ground.no, hand.case)
    shown = [name for event in hand.events for name in event.said.evidence]
    await show_in_case(connection, ground.no, Asked(0, ground.market, loaded.line, hand.now, shown))
    await _move_money(connection, loaded, hand)
    await _correct(connection, loaded, hand)
    await note_findings(connection, loaded, hand)
    await note_answers(connection, loaded, hand)
    for event in hand.events:
        if event.action == "rule" and event.said.decision is not None:
            await tell(connection, loaded, hand.case, event.said.decision, event.no, hand.now)
    await emit(connection, [_told(ground, event) for event in hand.events])


async def tell(
    connection: Connection,
    loaded: Loaded,
    case: Case,
    decision: Decision,
    number: int,
    now: datetime,
    wording: Wording = CURRENT,
) -> None:
    """Freeze what each party is told about a decision, in both languages; what was told before stays."""
    ground = loaded.ground
    ruling = reproduce(loaded.source, loaded.facts, ground.currency)
    facts = msgspec.json.decode(loaded.facts)
    otherwise = reproduce(loaded.source, _json.encode(unmarked(facts)).decode(), ground.currency)
    beside = ("abuse.uncertain",) if ruling.because == UNSURE else ()
    if otherwise.because == ruling.because:
        otherwise = msgspec.structs.replace(otherwise, because=loaded.because)
    ruling = msgspec.structs.replace(ruling, because=loaded.because)
    appeals = [
        Appealed(row["role"], row["at"], row["evidence"])
        for row in (await connection.fetch(_sql.appeals, ground.no, number) if case.appealed else ())
    ]
    told = Told(
        ground,
        case,
        parsed(loaded.source),
        ruling,
        heard(ruling, otherwise),
        facts,
        beside,
        loaded.market.market.name,
        loaded.order,
        wording,
        appeals,
    )
    parties: tuple[Party, Party] = ("buyer", "merchant")
    langs: tuple[Lang, Lang] = ("en", "zh")
    for party in parties:
        for lang in langs:
            made = build(told, decision, number, party, lang)
            body, text = _json.encode(made).decode(), text_of(made, ground.zone, wording)
            await connection.execute(_sql.keep_statement, ground.no, number, party, lang, body, text, now)


async def _move_money(connection: Connection, loaded: Loaded, hand: Hand) -> None:
    no = loaded.ground.no
    moving = [event for event in hand.events if event.action in ("pay", "compensate", "charge")]
    taking_back = sum(event.said.amount for event in hand.events if event.action == "recover")
    granted = sum(event.said.amount for event in moving if event.action == "pay") - taking_back
    if granted:
        await connection.execute(_sql.grant_line, loaded.line, granted)
    if moving:
        # on appeal money of a cause may move once more; what comes after what says that it did not move twice
        after = await connection.fetchval(_sql.last_transfer, no) if hand.case.appealed else None
        await book(connection, [_transfer(loaded, event, after) for event in moving], hand.now)
    if taking_back:
        await connection.fetch(debts.sql.hold_payouts, no)
        grants = await connection.fetch(debts.sql.grants, no, False)
        await debts.take_back(connection, no, grants, taking_back, "overturned on appeal", hand.now)


async def _correct(connection: Connection, loaded: Loaded, hand: Hand) -> None:
    """Count what a ruling means for both accounts, and take back what the one it replaced meant; one that is upheld stays."""
    before = loaded.case.decision
    for event in hand.events:
        decision = event.said.decision
        if event.action != "rule" or decision is None or (before and before.outcome == decision.outcome):
            continue
        counts = [(decision, loaded.market.day(event.at), 1)]
        if before is not None:
            day = loaded.filed_day if before.source == "policy" else loaded.market.day(before.at)
            counts.append((before, day, -1))
        await _count(connection, loaded, counts)
        await connection.execute(_interceptions.decided_again, loaded.ground.no, decision.outcome != "decline")
        if event.said.overturned and before is not None and before.outcome == "decline":
            await _doubt_labels(connection, loaded, event.at, before.at)


async def _doubt_labels(connection: Connection, loaded: Loaded, now: datetime, since: datetime) -> None:
    """Labels set on the buyer after an interception that was turned over may have rested on it: what the labelling document set
    by itself and would not any more ends at once, and a person is to look again at the others."""
    ground = loaded.ground
    told = {"case": str(ground.no), "buyer": ground.buyer}
    doubted = await connection.fetch(_sql.doubt_labels, loaded.buyer, ground.no, now, since)
    news = [
        OutgoingEvent("label.doubted", ground.market, ground.no, now, {**told, "label": row["label"]})
        for row in doubted
    ]
    await emit(connection, news)
    await look_again(connection, loaded.market, loaded.buyer, ground.no, now)


def _told(ground: Ground, event: Event) -> OutgoingEvent:
    """An event as subscribers are told of it."""
    data = {
        "case": str(ground.no), "event": event.no, "role": event.role, "who": event.who, "state": event.state,
        "currency": ground.currency, **msgspec.to_builtins(event.said),
    }  # fmt: skip
    return OutgoingEvent(f"case.{event.action}", ground.market, ground.no, event.at, data)


def _transfer(loaded: Loaded, event: Event, after: int | None) -> Transfer:
    said, ground = event.said, loaded.ground
    merchant, fund = ("merchant", loaded.merchant), ("fund", None)
    payer = merchant if said.payer == "merchant" else fund
    follows = after if said.cause in _ON_APPEAL else None
    receiver = {"compensate": merchant, "charge": fund}.get(event.action, ("buyer", loaded.buyer))
    return Transfer(
        ground.market, ground.currency, said.cause, ground.no, payer, receiver, said.amount, event.at, follows
    )


async def _count(connection: Connection, loaded: Loaded, counts: Sequence[tuple[Decision, int, int]]) -> None:
    """Fold decisions, each on a day, into both accounts' histories; a weight of -1 takes one back."""
    held = await accounts.lock(connection, (loaded.buyer, loaded.merchant))
    for decision, day, weight in counts:
        fields = {"outcome": decision.outcome, "source": decision.source}
        for history, number in ((BUYER, loaded.buyer), (MERCHANT, loaded.merchant)):
            # only what is in a history can be taken back from it, and it may have been erased since
            if weight > 0 or await has_kept(connection, number, decision.at):
                history.fold(held[number].tiles, day, "ruling", fields, weight)
        await note(connection, loaded.ground.no, day, "ruling", fields, weight)
    await accounts.save(connection, held)
