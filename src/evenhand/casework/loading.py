"""A case as it is read for an action, with all it stands on."""

from typing import Final

import msgspec

from evenhand.accounts.state import Connection
from evenhand.booking import parsed, reproduce
from evenhand.cases import keeping
from evenhand.cases.model import Case, Decision, Ground
from evenhand.cases.opening import STATE_AFTER, first_due, opened, silence_of, waits
from evenhand.desk import Desk
from evenhand.errors import UnknownThing
from evenhand.markets import MarketDesk
from evenhand.policy import Because
from evenhand.policy.proof.kept import broken_promise
from evenhand.store import Queries

_sql: Final = Queries.load("cases")


class Loaded(msgspec.Struct, frozen=True):
    """A case as read for an action."""

    ground: Ground
    case: Case
    market: MarketDesk
    # account numbers, the order line's number, and the day the application was filed
    buyer: int
    merchant: int
    line: int
    filed_day: int
    # what reproduces the policy's ruling: its text and the facts it read
    source: str
    facts: str
    # why, as it was frozen with the ruling
    because: Because
    order: str

    def broken(self, decision: Decision) -> str | None:
        """The promise of the policy that a decision would break; None when it keeps all."""
        given = {name: getattr(decision, name) for name in ("outcome", "payer", "amount", "return_required")}
        return broken_promise(parsed(self.source), msgspec.json.decode(self.facts), given)


async def load(connection: Connection, desk: Desk, no: int, *, lock: bool = False) -> Loaded:
    """A case with its ground; with `lock` the case and its order line are held until the transaction ends.

    Raises `UnknownThing` when there is no such case.
    """
    row = await connection.fetchrow(_sql.ground, no)
    if row is None:
        raise UnknownThing(f"there is no case {no}", field="case")
    if row["market_id"] not in desk.markets:
        await desk.refresh()
    market = desk.markets[row["market_id"]]
    hours = row["respond_within_hours"]
    file = await connection.fetchrow(_sql.lock_file if lock else _sql.file, no)
    if file is None and lock:
        due = first_due(row["outcome"], hours, row["booked_at"], market.cases, market.zone)
        due = due if waits(row["outcome"], hours) else None
        await connection.execute(
            _sql.open_file, no, row["market"], STATE_AFTER[row["outcome"]], None, due, None, row["asked"]
        )
        file = await connection.fetchrow(_sql.lock_file, no)
    line = await connection.fetchrow(_sql.lock_line if lock else _sql.line, row["line"])
    assert line is not None
    ground = Ground(
        no=no,
        market=row["market"],
        currency=row["currency"],
        zone=market.zone,
        settings=market.cases,
        buyer=row["buyer"],
        merchant=row["merchant"],
        remedy=row["remedy"],
        outcome=row["outcome"],
        payer=row["payer"],
        return_required=row["return_required"],
        asked=row["asked"],
        granted=row["amount"],
        hours=hours,
        silence=silence_of(reproduce(row["source"], row["facts"], row["currency"]))
        if waits(row["outcome"], hours)
        else None,
        issued_at=row["booked_at"],
        first_due=file["first_due"] if file else None,
        line_paid=line["amount"],
        line_left=line["amount"] - line["refunded"],
    )
    case = (keeping.case_of(file["stands"]) if file else None) or opened(ground)
    if case.appealed or case.state == "closed":
        by_hand = int(await connection.fetchval(_sql.recovered, no) or 0) - case.paid.recovered
        ground = msgspec.structs.replace(ground, recovered_by_hand=by_hand)
    day = market.day(row["applied_at"])
    return Loaded(
        ground,
        case,
        market,
        row["buyer_no"],
        row["merchant_no"],
        row["line"],
        day,
        row["source"],
        row["facts"],
        Because(row["because_en"], row["because_zh"]),
        row["order_id"],
    )
