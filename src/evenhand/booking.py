"""Book a batch: every ruling with its case, transfer, event and the accounts' new history, in one statement."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from evenhand import __version__
from evenhand.accounts.state import Account, Connection
from evenhand.cases.opening import STATE_AFTER, due
from evenhand.errors import BadInput, EvenhandError
from evenhand.facts import Facts, remember
from evenhand.filings import Filing, conflict
from evenhand.fund.transfers import cause_of
from evenhand.history.tiles import pack
from evenhand.money import written
from evenhand.policy import Because, Ruling
from evenhand.store import Queries

_sql: Final = Queries.load("desk")
_json: Final = msgspec.json.Encoder(decimal_format="number")
# Stored with every ruling: the code that made it.
ENGINE: Final = f"evenhand {__version__}"


class Ruled(msgspec.Struct, frozen=True):
    """The answer to an application: its ruling, and the case opened for it."""

    # the application's id, as sent
    id: str
    case: str
    # the same application was ruled before; this is that ruling
    repeated: bool
    outcome: str
    payer: str
    return_required: bool
    # minor units
    amount: int
    respond_within_hours: int | None
    policy: str
    version: str
    rule: str
    because: Because
    # JSON as stored: the tables that fired, with the facts they read
    trace: msgspec.Raw


class Batch:
    """Rulings on their way into the store. What an earlier one in the batch did, a later one sees."""

    def __init__(self, accounts: Mapping[int, Account]) -> None:
        self._accounts = accounts
        self._rows: list[tuple[Any, ...]] = []
        self._answers: dict[tuple[int, str], tuple[bytes, Ruled]] = {}
        self._granted: dict[tuple[int, str], int] = {}

    def before(self, filing: Filing) -> Ruled | None:
        """The ruling of the same application earlier in this batch; raises `Conflict` when its body was another."""
        known = self._answers.get((filing.market.number, filing.application.id))
        if known is None:
            return None
        if known[0] != filing.digest:
            raise conflict(filing.application)
        return msgspec.structs.replace(known[1], repeated=True)

    def check_left(self, filing: Filing) -> None:
        """Refuse to grant more on an order line than was paid for it, over all its applications."""
        application = filing.application
        left = filing.paid - filing.refunded - self._granted.get((filing.order_no, application.line), 0)
        if application.amount > left:
            asked, rest = written(application.amount, application.currency), written(left, application.currency)
            raise BadInput(f"{asked} is more than the {rest} that is left of the order line", field="amount")

    def add(self, filing: Filing, policy_version: int, facts: Facts, ruling: Ruling) -> Ruled:
        """Take a ruling into the batch and the accounts' history; returns its answer."""
        application, market = filing.application, filing.market
        remember(filing, ruling.outcome, self._accounts[filing.buyer], self._accounts[filing.merchant])
        cause = cause_of(ruling.outcome, ruling.payer, ruling.amount)
        if cause:
            line = (filing.order_no, application.line)
            self._granted[line] = self._granted.get(line, 0) + ruling.amount
        trace = _json.encode(ruling.trace)
        extra = {"evidence": application.evidence, "comment": application.comment}
        self._rows.append(
            (
                filing.case,
                market.number,
                application.id,
                filing.order_no,
                application.line,
                filing.buyer,
                filing.merchant,
                application.remedy,
                application.stage,
                application.reason,
                application.amount,
                filing.moment,
                _json.encode(extra).decode() if application.evidence or application.comment else None,
                filing.digest,
                policy_version,
                ruling.outcome,
                ruling.payer,
                ruling.return_required,
                ruling.amount,
                ruling.respond_within_hours,
                ruling.rule,
                ruling.because.en,
                ruling.because.zh,
                _json.encode(facts).decode(),
                trace.decode(),
                STATE_AFTER[ruling.outcome],
                due(filing.moment, ruling.respond_within_hours),
                cause,
                market.currency,
            )
        )
        answer = Ruled(
            application.id,
            str(filing.case),
            False,
            ruling.outcome,
            ruling.payer,
            ruling.return_required,
            ruling.amount,
            ruling.respond_within_hours,
            ruling.policy,
            ruling.version,
            ruling.rule,
            ruling.because,
            msgspec.Raw(trace),
        )
        self._answers[market.number, application.id] = (filing.digest, answer)
        return answer

    async def book(self, connection: Connection, now: datetime) -> None:
        """Write everything, inside the caller's transaction."""
        if not self._rows:
            return
        columns = [list(column) for column in zip(*self._rows, strict=True)]
        tiles = [pack(account.tiles) for account in self._accounts.values()]
        await connection.execute(_sql.book, *columns, ENGINE, now, list(self._accounts), tiles)


async def issued_before(connection: Connection, repeats: Mapping[int, int]) -> dict[int, Ruled | EvenhandError]:
    """The rulings of applications filed before, as they were answered, by place in the batch."""
    if not repeats:
        return {}
    rows = await connection.fetch(_sql.rulings, list(set(repeats.values())))
    rulings = {
        row["application"]: Ruled(
            row["id"],
            str(row["application"]),
            True,
            row["outcome"],
            row["payer"],
            row["return_required"],
            row["amount"],
            row["respond_within_hours"],
            row["policy"],
            row["version"],
            row["rule"],
            Because(row["because_en"], row["because_zh"]),
            msgspec.Raw(row["trace"].encode()),
        )
        for row in rows
    }
    return {index: rulings[number] for index, number in repeats.items()}
