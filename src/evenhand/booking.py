"""Book a batch: every ruling with its transfer and the accounts' new history, in one transaction."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from evenhand import __version__
from evenhand.accounts.abuse.people import People
from evenhand.accounts.abuse.unsure import within_sight
from evenhand.accounts.causes import cause_told
from evenhand.accounts.state import Account, Connection, Stale, save
from evenhand.cases.keeping import COLUMNS as CASE_COLUMNS
from evenhand.cases.opening import STATE_AFTER, first_due, waits
from evenhand.errors import BadInput
from evenhand.evidence.reuse import Shown
from evenhand.facts import FactNames, Facts, laid_out, remember, written_out
from evenhand.filings import Filing, conflict
from evenhand.fund.empty import within_budget
from evenhand.fund.ledger import BudgetSpent, take
from evenhand.fund.purse import Purse
from evenhand.fund.transfers import cause_of
from evenhand.money import written
from evenhand.policy import Because, Policy, Ruling
from evenhand.store import Queries

_sql: Final = Queries.load("desk")
_labels: Final = Queries.load("labels")
_interceptions: Final = Queries.load("interceptions")
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


# The columns of an application, in the order `Batch.add` gives them.
_COLUMNS: Final = (
    "no",
    "market",
    "id",
    "digest",
    "line",
    "buyer",
    "merchant",
    "remedy",
    "stage",
    "reason",
    "asked",
    "applied_at",
    "extra",
    "batch",
    "policy_version",
    "outcome",
    "payer",
    "return_required",
    "amount",
    "respond_within_hours",
    "rule",
    "because_en",
    "because_zh",
    "fact_names",
    "fact_values",
    "scorecards",
)
_CASE: Final = _COLUMNS.index("no")
_BATCH: Final = _COLUMNS.index("batch")
_NAMES: Final = _COLUMNS.index("fact_names")


class Batch:
    """Rulings on their way into the store. What an earlier one in the batch did, a later one sees."""

    def __init__(
        self, accounts: dict[int, Account], shown: Shown, purse: Purse, people: People, named: Mapping[FactNames, int]
    ) -> None:
        self.accounts = accounts
        self.shown = shown
        self.purse = purse
        self.people = people
        # how the store numbers lists of fact names, with those that this batch is the first to use once it is booked
        self.named = named
        self._rows: list[list[Any]] = []
        self._transfers: list[tuple[Any, ...]] = []
        # cases that a clock or a person must come back to; not the rulings themselves, which are many small objects
        self._waiting: list[tuple[Filing, str, int | None]] = []
        # cases that speak against their buyers: account, case, when it was filed
        self._signs: list[tuple[int, int, datetime]] = []
        # what was intercepted: case, market, day, cause, what was asked
        self._declined: list[tuple[int, int, date, str, int]] = []
        self._answers: dict[tuple[int, str], tuple[bytes, Ruled]] = {}
        self._granted: dict[int, int] = {}

    def __bool__(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._rows)

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
        left = filing.paid - filing.refunded - self._granted.get(filing.line, 0)
        if application.amount > left:
            asked, rest = written(application.amount, application.currency), written(left, application.currency)
            raise BadInput(f"{asked} is more than the {rest} that is left of the order line", field="amount")

    def add(self, filing: Filing, policy_version: int, facts: Facts, ruling: Ruling, trace: str) -> Ruled:
        """Take a ruling into the batch and the accounts' history; returns its answer."""
        application, market = filing.application, filing.market
        remember(filing, ruling.outcome, self.accounts[filing.buyer], self.accounts[filing.merchant])
        self.shown.take(filing.index, filing.case)
        cause = cause_of(ruling.outcome, ruling.payer, ruling.amount)
        if cause:
            self._granted[filing.line] = self._granted.get(filing.line, 0) + ruling.amount
            if cause == "subsidy":
                self.purse.spend(filing.day, ruling.amount)
            parties = (filing.line, filing.buyer, filing.merchant)
            self._transfers.append(
                (filing.case, market.number, market.currency, cause, *parties, ruling.amount, filing.moment)
            )
        if speaks_against_buyer(ruling.outcome, facts):
            self._signs.append((filing.buyer, filing.case, filing.moment))
        if ruling.outcome == "decline":
            _, policy = market.policy(filing.on, filing.placed_on)
            cause = cause_told(policy, trace)
            self._declined.append((filing.case, market.number, filing.day[1], cause, application.amount))
        if waits(ruling.outcome, ruling.respond_within_hours):
            self._waiting.append((filing, ruling.outcome, ruling.respond_within_hours))
        extra = None
        if application.evidence or application.comment:
            extra = _json.encode({"evidence": application.evidence, "comment": application.comment}).decode()
        names, values = laid_out(facts)
        self._rows.append(
            [
                filing.case, market.number, application.id, filing.digest, filing.line, filing.buyer, filing.merchant,
                application.remedy, application.stage, application.reason, application.amount, filing.moment, extra,
                None, policy_version, ruling.outcome, ruling.payer, ruling.return_required, ruling.amount,
                ruling.respond_within_hours, ruling.rule, ruling.because.en, ruling.because.zh,
                self.named.get(names, names), _json.encode(values).decode(), market.scoring(filing.on).number,
            ]
        )  # fmt: skip
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
        """Write everything, inside the caller's transaction; raises `Stale` when an account was written by somebody else."""
        if not self._rows:
            return
        numbers = [row[_CASE] for row in self._rows]
        number = await connection.fetchval(_sql.open_batch, ENGINE, now, min(numbers), max(numbers), len(numbers))
        for row in self._rows:
            row[_BATCH] = number
        await self._number_names(connection)
        # COPY costs a third of what the same rows cost as arrays of an INSERT
        await connection.copy_records_to_table("application", records=self._rows, columns=_COLUMNS)
        if self._waiting:
            cases = self._waiting_cases(now)
            await connection.copy_records_to_table("case_file", records=cases, columns=CASE_COLUMNS)
        if self._transfers:
            columns = [_json.encode(column).decode() for column in zip(*self._transfers, strict=True)]
            await connection.execute(_sql.grant, *columns, now)
        if self._signs:
            await connection.execute(_labels.note_signs, *[list(column) for column in zip(*self._signs, strict=True)])
        if self._declined:
            columns = [list(column) for column in zip(*self._declined, strict=True)]
            await connection.execute(_interceptions.write, *columns)
        await self.shown.write(connection)
        await save(connection, self.accounts)
        markets, days, amounts = self.purse.granted
        if markets:
            try:
                await take(connection, markets, days, amounts)
            except BudgetSpent:
                raise Stale from None  # somebody else was faster
        await self.people.write(connection)

    def _waiting_cases(self, now: datetime) -> list[tuple[Any, ...]]:
        """The rows of cases that must be come back to, in the order of their columns."""
        # deadlines follow from few things, and a calendar takes its time
        deadlines: dict[tuple[int, str, int | None], datetime | None] = {}
        rows: list[tuple[Any, ...]] = []
        for filing, outcome, hours in self._waiting:
            market = filing.market
            of = market.number, outcome, hours
            if of not in deadlines:
                deadlines[of] = first_due(outcome, hours, now, market.cases, market.zone)
            due = deadlines[of]
            clock, person = (None, due) if outcome == "review" else (due, None)
            stake = filing.application.amount
            rows.append((filing.case, market.number, STATE_AFTER[outcome], clock, due, person, stake))
        return rows

    async def _number_names(self, connection: Connection) -> None:
        """Put numbers in place of lists of fact names that no ruling had before."""
        unnamed = [row for row in self._rows if not isinstance(row[_NAMES], int)]
        if not unnamed:
            return
        names: dict[str, FactNames] = {written_out(row[_NAMES]): row[_NAMES] for row in unnamed}
        await connection.execute(_sql.name_facts, sorted(names))
        rows = await connection.fetch(_sql.fact_names, sorted(names))
        self.named = {**self.named, **{names[row["names"]]: row["no"] for row in rows}}
        for row in unnamed:
            row[_NAMES] = self.named[row[_NAMES]]


def speaks_against_buyer(outcome: str, facts: Facts) -> bool:
    """Whether a case is one a label may rest on: it was intercepted, or filed while a sign of abuse stood."""
    abuse = facts["abuse"]
    return outcome == "decline" or bool(abuse["frequent_refund_only"] or abuse["frequent_counterfeit_claims"])


async def issued_before(connection: Connection, repeats: Mapping[int, int]) -> dict[int, Ruled]:
    """The rulings of applications filed before, by place in the batch.

    What was frozen is answered as it was stored; the trace is what the stored policy text makes of the stored facts.
    """
    if not repeats:
        return {}
    rulings: dict[int, Ruled] = {}
    for row in await connection.fetch(_sql.rulings, list(set(repeats.values()))):
        again = reproduce(row["source"], row["facts"], row["currency"])
        rulings[row["no"]] = Ruled(
            row["id"],
            str(row["no"]),
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
            msgspec.Raw(_json.encode(again.trace)),
        )
    return {index: rulings[number] for index, number in repeats.items()}


def reproduce(source: str, facts: str, currency: str) -> Ruling:
    """Rule stored facts again by a stored policy text: the same ruling, bit for bit."""
    read, policy = msgspec.json.decode(facts), parsed(source)
    return within_sight(within_budget(policy.rule(read, currency), read, currency), read, policy.model.read)


@lru_cache(maxsize=256)
def parsed(source: str) -> Policy:
    """A stored policy text, compiled; the same text is compiled once."""
    return Policy.parse(source)
