"""Panels at work: jurors are drawn by lot, vote in secret, and are weighed by what their votes have been worth.

Jurors are buyer accounts of good standing that have been there for a while. None has dealt with the merchant, none is the buyer
or linked with it, and no two are linked with one another, so that no ring sits twice. What each juror's votes weigh is learned
when the panel is drawn and kept with the seat: from then on a panel's verdict follows from its votes alone.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
import numpy as np

from evenhand.accounts.scores import Scorecards, completed
from evenhand.accounts.state import Connection
from evenhand.cases.jury import NEW, Coins, learn, numbered, verdict
from evenhand.cases.model import Ground
from evenhand.cases.settings import Panel
from evenhand.errors import Conflict, NotAllowed, UnknownThing
from evenhand.history import BUYER
from evenhand.store import Queries

_sql: Final = Queries.load("panels")
_STANDING: Final = ("good", "excellent")
# Tickets drawn at a time, and how often, before it is said that there are not enough jurors.
_TICKETS: Final = 4000
_DRAWS: Final = 5
# Votes a market's coins are learned from, the newest.
_MOST_VOTES: Final = 50_000


class PanelShown(msgspec.Struct, frozen=True):
    """A panel, as anybody may see it: how sides stand is told only once it is over."""

    case: str
    drawn_at: datetime
    closes_at: datetime
    seats: int
    votes: int
    # null while it votes
    verdict: str | None
    for_buyer: int | None
    for_merchant: int | None
    # what jurors gave as their reasons, without their names
    reasons: list[str]
    # the marketplace's ids of those who are still to be asked, while it votes
    jurors: list[str]


class Voted(msgspec.Struct, frozen=True):
    """The answer to a vote."""

    case: str
    # the same vote was cast before
    repeated: bool
    votes: int
    # the panel has come to its verdict
    over: bool
    # the case's version: what If-Match takes; votes do not move it, the panel's verdict does
    version: int


async def draw(
    connection: Connection, ground: Ground, cards: Scorecards, day: int, closes_at: datetime, now: datetime
) -> int | None:
    """Draw a panel for a case; its number, or None when the market has not enough jurors."""
    panel = ground.settings.panel
    seats = await _draw_jurors(connection, ground, panel, cards, day)
    if len(seats) < panel.jurors:
        return None
    coins, prevalence = await _learned(connection, ground.market)
    number = await connection.fetchval(_sql.open, ground.no, now, closes_at, prevalence)
    worth = [coins.get(juror, NEW) for juror in seats]
    await connection.execute(
        _sql.seat, number, seats, [one.sensitivity for one in worth], [one.specificity for one in worth]
    )
    return number


async def _draw_jurors(connection: Connection, ground: Ground, panel: Panel, cards: Scorecards, day: int) -> list[int]:
    seats: list[int] = []
    rings: set[int] = set()
    taken: list[int] = []
    for _ in range(_DRAWS):
        for row in await connection.fetch(_sql.lots, ground.no, _TICKETS, taken):
            taken.append(row["no"])
            if row["ring"] is not None and row["ring"] in rings:
                continue
            if _fit(row["tiles"], panel, cards, day):
                seats.append(row["no"])
                rings |= {row["ring"]} if row["ring"] is not None else set()
                if len(seats) == panel.jurors:
                    return seats
    return seats


def _fit(tiles: bytes, panel: Panel, cards: Scorecards, day: int) -> bool:
    """Whether an account has been there long enough, has bought enough, and is of good standing."""
    history = BUYER.facts(BUYER.unpack(tiles), day, BUYER.always | (cards.history & BUYER.names))
    facts = completed(cards.by_role["integrity"], history)
    return (
        history["buyer_days_known"] >= panel.days_known  # pyright: ignore[reportOptionalOperand]
        and history["buyer_orders_365d"] >= panel.orders  # pyright: ignore[reportOptionalOperand]
        and cards.integrity(facts)[0] in _STANDING
    )


async def _learned(connection: Connection, market: int) -> tuple[Mapping[int, Coins], float]:
    """The coins of a market's jurors, and how often the buyer is right, from its past panels and what appeals made of them."""
    rows = await connection.fetch(_sql.past_votes, market, _MOST_VOTES)
    if not rows:
        return {}, 0.5
    cases, names = numbered(row["case_no"] for row in rows)
    jurors, accounts = numbered(row["juror"] for row in rows)
    places = {name: place for place, name in enumerate(names)}
    known = {places[row["case_no"]]: row["buyer_won"] for row in rows if row["buyer_won"] is not None}
    found = np.array([row["for_buyer"] for row in rows], np.bool_)
    learned = learn(cases, jurors, found, known)
    coins = {
        account: Coins(float(learned.sensitivity[place]), float(learned.specificity[place]))
        for place, account in enumerate(accounts)
    }
    return coins, learned.prevalence


async def cast(
    connection: Connection, ground: Ground, juror: str, for_buyer: bool, reason: str, now: datetime
) -> tuple[bool, int, bool | None]:
    """Cast a vote: whether it was cast before, how many votes there are now, and who has won by them (None: nobody yet).

    Raises `NotAllowed` for somebody who has no seat, `Conflict` for another vote than the one before or one that comes too late.
    """
    panel = await connection.fetchrow(_sql.current, ground.no)
    if panel is None:
        raise Conflict(f"no panel is voting on case {ground.no}", field="case")
    seat = await connection.fetchrow(_sql.seat_of, panel["no"], ground.market, juror)
    if seat is None:
        raise NotAllowed(f"{juror!r} has no seat in the panel of case {ground.no}", field="juror")
    if seat["for_buyer"] is not None:
        if seat["for_buyer"] != for_buyer:
            raise Conflict("a vote is cast once and not changed", field="for")
        votes = await connection.fetch(_sql.votes, panel["no"])
        return True, len(votes), None
    if now >= panel["closes_at"]:
        raise Conflict("the time to vote is over", field="case")
    await connection.execute(_sql.vote, panel["no"], seat["juror"], for_buyer, reason, now)
    found = await _count(connection, panel, ground.settings.panel)
    return False, found[0], found[1]


async def close(connection: Connection, ground: Ground) -> bool | None:
    """Who has won when the time is over: the side with the majority, or that the weighed votes are sure of; else None."""
    panel = await connection.fetchrow(_sql.current, ground.no)
    return (await _count(connection, panel, ground.settings.panel))[1] if panel else None


async def _count(connection: Connection, panel: Any, settings: Panel) -> tuple[int, bool | None]:
    votes = [
        (Coins(row["sensitivity"], row["specificity"]), row["for_buyer"])
        for row in await connection.fetch(_sql.votes, panel["no"])
    ]
    return len(votes), verdict(votes, settings.majority, settings.sure, panel["prevalence"])


async def end(connection: Connection, case: int, won: bool | None, now: datetime) -> None:
    """The panel of a case is over."""
    await connection.execute(_sql.end, case, {True: "buyer", False: "merchant", None: "none"}[won], now)


async def shown(connection: Connection, case: int) -> PanelShown:
    """The latest panel of a case; raises `UnknownThing` when there was none."""
    found = await latest(connection, case)
    if found is None:
        raise UnknownThing(f"case {case} had no panel", field="case")
    return found


async def latest(connection: Connection, case: int) -> PanelShown | None:
    """The latest panel of a case; None when there was none."""
    panel = await connection.fetchrow(_sql.latest, case)
    if panel is None:
        return None
    votes = await connection.fetch(_sql.votes, panel["no"])
    over = panel["verdict"] is not None
    for_buyer = sum(row["for_buyer"] for row in votes)
    reasons = sorted(row["reason"] for row in votes if row["reason"]) if over else []
    asked = [] if over else [row["id"] for row in await connection.fetch(_sql.jurors, panel["no"])]
    return PanelShown(
        str(case), panel["drawn_at"], panel["closes_at"], panel["seats"], len(votes), panel["verdict"],
        for_buyer if over else None, len(votes) - for_buyer if over else None, reasons, asked,
    )  # fmt: skip
