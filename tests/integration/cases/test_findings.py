"""What persons find that a buyer sent back: counted, known for it from the second time on, and gone when it is turned over."""

from typing import Any

import msgspec
import pytest

from evenhand.store import Database
from tests.integration.cases.conftest import ANNA, BORIS, BUYER, MERCHANT, Clock, Do, File


class Finding:
    """Rules cases of a Taobao-like market on a ground."""

    def __init__(self, file: File, do: Do, database: Database) -> None:
        self.file, self.do, self.database = file, do, database

    async def ruled(self, ground: str = "return.empty") -> str:
        """A return that a person declines, on that ground."""
        case = (await self.file(remedy="return_and_refund", reason="wrong_item")).case
        await self.do(case, BUYER, "send-back", text="parcel 7")
        await self.do(case, MERCHANT, "escalate", why="The parcel holds a stone.")
        await self.judged(case, ANNA, "decline", ground)
        return case

    async def judged(self, case: str, by: dict[str, str], outcome: str, ground: str) -> None:
        await self.do(case, by, "claim")
        await self.do(case, by, "rule", outcome=outcome, grounds=[ground])

    async def next(self) -> tuple[str, int, bool]:
        """The outcome of the next refund-only application, and what it was told of returns before."""
        ruled = await self.file(reason="quality")
        text = await self.database.pool.fetchval("select facts(a) from application a where no = $1", int(ruled.case))
        facts: dict[str, Any] = msgspec.json.decode(text)
        return ruled.outcome, facts["history"]["buyer_empty_returns_365d"], facts["abuse"]["empty_parcel"]


@pytest.fixture
def finding(file: File, do: Do, database: Database) -> Finding:
    return Finding(file, do, database)


async def test_a_second_empty_return_stops_refunds_without_a_return_for_a_year(finding: Finding, clock: Clock) -> None:
    await finding.ruled()
    await finding.ruled("goods.as_described")
    outcome, found, known_for_it = await finding.next()
    assert (outcome != "decline", found, known_for_it) == (True, 1, False)
    await finding.ruled()
    assert await finding.next() == ("decline", 2, True)
    # he may return goods all the same
    assert (await finding.file(remedy="return_and_refund", reason="wrong_item")).outcome != "decline"
    clock.move(days=366)
    assert (await finding.next())[1:] == (0, False)


async def test_a_finding_that_is_turned_over_is_gone_and_one_that_is_upheld_counts_once(
    finding: Finding, clock: Clock
) -> None:
    first, second = await finding.ruled(), await finding.ruled()
    clock.move(days=3)
    for case in (first, second):
        await finding.do(case, BUYER, "appeal", why="The carrier weighed it.", evidence=["weight"])
    await finding.judged(first, BORIS, "decline", "return.empty")
    assert await finding.next() == ("decline", 2, True)
    await finding.judged(second, BORIS, "refund_by_merchant", "return.received")
    assert (await finding.next())[1:] == (1, False)
    # the one that was upheld counts from then on
    clock.move(days=365)
    assert (await finding.next())[1:] == (1, False)
    clock.move(days=1)
    assert (await finding.next())[1:] == (0, False)


@pytest.mark.parametrize("gone", ["never counted", "erased"])
async def test_what_is_in_no_history_is_not_taken_back_from_it(
    gone: str, finding: Finding, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ruling of a time when findings were not counted, or of before the buyer's history was erased."""

    async def uncounted(*_: Any) -> None: ...

    with monkeypatch.context() as before:
        if gone == "never counted":
            before.setattr("evenhand.casework.consequences.note_findings", uncounted)
        case = await finding.ruled()
    clock.move(hours=1)
    if gone == "erased":
        await database.pool.execute(
            "insert into erasure (account, pseudonym, erased_by, erased_at, report) "
            "select buyer, 'erased-1', 'Li', $2, '{}' from application where no = $1", int(case), clock.now,
        )  # fmt: skip
        await database.pool.execute("update account set tiles = '', version = version + 1 where kind = 'buyer'")
    clock.move(hours=1)
    await finding.do(case, BUYER, "appeal", why="The carrier weighed it.", evidence=["weight"])
    await finding.judged(case, BORIS, "refund_by_merchant", "return.received")
    assert await finding.next() == ("negotiate", 0, False)
    text = await database.pool.fetchval("select facts(a) from application a order by no desc limit 1")
    assert msgspec.json.decode(text)["history"]["buyer_declined_365d"] == 0
