"""What is answered about cases: one whole, or many in short. Money is in minor units; every moment carries a time zone."""

from datetime import datetime
from typing import Any

import msgspec

from evenhand.accounts.abuse.card import Reason
from evenhand.cases.model import Decision, Offer, Paid
from evenhand.policy import Because
from evenhand.rescoring import CardUsed


class Standing(msgspec.Struct, frozen=True):
    """What stands in a case instead of its first ruling."""

    # of a ruling, or the kind of the offer that was accepted
    outcome: str
    payer: str
    # what the buyer is to have in all, minor units
    amount: int
    # agreement, person, panel or silence
    source: str
    at: datetime


class CaseLine(msgspec.Struct, frozen=True):
    """A case in short, as it was first ruled."""

    case: str
    market: str
    # the market is a synthetic one
    synthetic: bool
    # the application's id, as sent
    id: str
    remedy: str
    stage: str
    reason: str
    # what the buyer asks and what the ruling grants, in minor units
    asked: int
    amount: int
    currency: str
    applied_at: datetime
    outcome: str
    payer: str
    return_required: bool
    respond_within_hours: int | None
    policy: str
    version: str
    rule: str
    # what stands now, where that is no longer the first ruling
    stands: Standing | None = None


class Filed(msgspec.Struct, frozen=True):
    """The application of a case, as it was filed."""

    id: str
    order: str
    line: str
    buyer: str
    merchant: str
    remedy: str
    stage: str
    reason: str
    # minor units
    amount: int
    currency: str
    applied_at: datetime
    evidence: list[str]
    comment: str


class OrderOfCase(msgspec.Struct, frozen=True):
    """The order line a case is about, as far as the order has come by now."""

    category: str
    # what was paid for the line, and what has been granted back on it so far, in minor units
    amount: int
    refunded: int
    placed_at: datetime
    promised_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None


class Issued(msgspec.Struct, frozen=True):
    """A ruling as it was issued."""

    outcome: str
    payer: str
    return_required: bool
    # minor units
    amount: int
    respond_within_hours: int | None
    policy: str
    version: str
    # of the policy document's text
    hash: str
    # table and row that decided
    rule: str
    because: Because
    # the tables that fired, with the facts they read and what came out
    trace: Any


class Posting(msgspec.Struct, frozen=True):
    """What a transfer did to one account: positive is gained. The postings of a transfer sum to zero."""

    transfer: int
    cause: str
    # fund, merchant or buyer
    account: str
    # whose account, as the marketplace calls it; null for the fund
    owner: str | None
    amount: int
    currency: str
    value_at: datetime
    booked_at: datetime


class Case(msgspec.Struct, frozen=True):
    """A case whole: what was filed, how it was ruled and why, what was paid."""

    case: str
    market: str
    synthetic: bool
    # opened, negotiating, escalated, under_review, settling or closed
    state: str
    # how often it has moved: what If-Match takes
    version: int
    # whose answer is awaited, and by when; what the policy makes of a merchant that does not answer: accept, escalate or close
    turn: str | None
    respond_by: datetime | None
    on_silence: str | None
    # by when a person is to have ruled
    wanted_by: datetime | None
    # what the parties offered one another
    offers: list[Offer]
    # the decision in force, once there is one, and how the case ended
    decision: Decision | None
    ended: str | None
    paid: Paid
    application: Filed
    order: OrderOfCase
    ruling: Issued
    # the facts the ruling read
    facts: Any
    # what scored the accounts for it; empty for rulings from before this was kept
    scored_by: list[CardUsed]
    # why abuse.score is what it is, the greatest part first
    abuse_reasons: list[Reason]
    postings: list[Posting]
    # the code that ruled, and when it was booked
    engine: str
    booked_at: datetime


class CasePage(msgspec.Struct, frozen=True):
    """Some cases, newest ruling first."""

    cases: list[CaseLine]
    # address of the next ones; null when there are no more
    next: str | None
